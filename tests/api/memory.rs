//! Answers from memory: how they come about, how fresh they are, and what becomes of them when the
//! database is changed by another server, silent, or back from the past.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use roster_api::v1::*;
use tonic::{Code, Request, Status};

use crate::world::{
    Clients, Database, Engine, Server, World, both_engines, command, refused, rounds,
};

both_engines!(
    a_check_is_answered_from_memory_and_knows_every_write_that_was_acknowledged,
    a_list_beside_memory_knows_every_change_of_how_its_contact_stands,
    what_does_not_fit_into_memory_is_answered_from_the_database_and_counted,
    an_organization_without_writes_is_empty_and_takes_no_memory,
    a_check_makes_nothing_of_a_database_that_is_not_one_of_ours,
    the_servers_check_finds_all_well_beside_a_server_at_work_and_names_what_is_not,
);

/// How long facts may take to come into memory, on a machine that is busy with other tests.
const LOADED_WITHIN: Duration = Duration::from_secs(20);

/// How far another server may be behind, of 99 in 100 reads.
const BEHIND_MAX: Duration = Duration::from_millis(250);

/// Looks at a server's metrics.
pub fn metric(server: &Server, name: &str) -> f64 {
    let address = server.metrics.as_deref().expect("a server with metrics");
    let mut stream = TcpStream::connect(address).expect("the metrics are served");
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("{name} in {text}"));
    let (_, value) = line.rsplit_once(' ').expect("a value");
    value.parse().expect("a number")
}

fn from_memory(server: &Server) -> f64 {
    metric(server, "roster_answers_from_memory_total")
}

fn from_database(server: &Server) -> f64 {
    metric(server, "roster_answers_from_database_total")
}

fn in_memory(server: &Server) -> f64 {
    metric(server, "roster_organizations_in_memory")
}

pub fn question(contact: &str, ticket: &str) -> CheckTicketRequest {
    CheckTicketRequest {
        contact_id: contact.into(),
        ticket_id: ticket.into(),
        ..Default::default()
    }
}

/// Asks until the answer comes from memory.
pub async fn until_in_memory(server: &Server, clients: &Clients, (contact, ticket): (&str, &str)) {
    let begun = Instant::now();
    loop {
        let before = from_memory(server);
        let mut client = clients.visibility.clone();
        client
            .check_ticket(question(contact, ticket))
            .await
            .expect("a verdict");
        if from_memory(server) > before {
            return;
        }
        assert!(
            begun.elapsed() < LOADED_WITHIN,
            "the facts do not come into memory"
        );
    }
}

pub async fn check(
    clients: &Clients,
    contact: &str,
    ticket: &str,
    requirement: Option<consistency::Requirement>,
) -> Result<(bool, String), Status> {
    let mut asked = question(contact, ticket);
    asked.consistency = Some(Consistency { requirement });
    let answer = clients
        .visibility
        .clone()
        .check_ticket(asked)
        .await?
        .into_inner();
    let visible = answer.visibility() == Visibility::Visible;
    Ok((visible, answer.read_token))
}

pub fn at_least(token: &str) -> Option<consistency::Requirement> {
    Some(consistency::Requirement::AtLeastAsFresh(token.into()))
}

/// A server with metrics beside others on the same database.
pub fn another(database: &Database, more: &[&str]) -> Server {
    let mut arguments = vec![
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--database",
        &database.url,
    ];
    arguments.extend(more);
    Server::start_with(&arguments)
}

/// Changes what a database holds without the servers that work on it.
fn behind_the_back(database: &Database, statements: &str) {
    let done = match database.url.strip_prefix("sqlite:") {
        Some(path) => SqliteConnection::establish(path)
            .expect("the file")
            .batch_execute(statements),
        None => PgConnection::establish(&database.url)
            .expect("PostgreSQL")
            .batch_execute(statements),
    };
    done.expect("it is done");
}

/// Two colleagues at one account, a ticket of the first; answers the second and the account.
async fn colleagues(world: &World) -> (String, String) {
    let account = world.account("株式会社山田").await;
    let (requester, colleague) = (world.contact("佐藤").await, world.contact("鈴木").await);
    world.associate(&account, &requester).await;
    world.associated(&account, &colleague, Some(true), "").await;
    world.ticket("t1", &requester, &account).await;
    (colleague, account)
}

/// Lets a colleague see the account's tickets, or not; answers the write's token.
pub async fn try_let_see(
    clients: &Clients,
    account: &str,
    contact: &str,
    sees: bool,
) -> Result<String, Status> {
    let request = UpdateAssociationRequest {
        association: Some(Association {
            account_id: account.into(),
            contact_id: contact.into(),
            sees_account_tickets: sees,
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["sees_account_tickets".into()],
        }),
        ..Default::default()
    };
    let mut client = clients.associations.clone();
    let answer = client.update_association(request).await?;
    Ok(answer.into_inner().written_token)
}

async fn let_see(clients: &Clients, account: &str, contact: &str, sees: bool) -> String {
    let written = try_let_see(clients, account, contact, sees).await;
    written.expect("a write")
}

async fn a_check_is_answered_from_memory_and_knows_every_write_that_was_acknowledged(
    mut world: World,
) {
    world.server = {
        world.server.kill();
        another(&world.database, &[])
    };
    world.clients = world.server.connect().await;
    let (colleague, account) = colleagues(&world).await;
    assert!(
        world.sees(&colleague, "t1").await,
        "answered while nothing is in memory"
    );
    until_in_memory(&world.server, &world.clients, (&colleague, "t1")).await;
    let before = (from_memory(&world.server), from_database(&world.server));
    for turn in 0..200 {
        let sees = turn % 2 == 1;
        let token = let_see(&world.clients, &account, &colleague, sees).await;
        let (visible, read) = check(&world.clients, &colleague, "t1", None).await.unwrap();
        assert_eq!((visible, &read), (sees, &token), "turn {turn}");
    }
    let after = (from_memory(&world.server), from_database(&world.server));
    assert_eq!((after.0 - before.0, after.1 - before.1), (200.0, 0.0));
}

async fn a_list_beside_memory_knows_every_change_of_how_its_contact_stands(mut world: World) {
    world.server = {
        world.server.kill();
        another(&world.database, &[])
    };
    world.clients = world.server.connect().await;
    let (colleague, account) = colleagues(&world).await;
    // Else the account, as the primary one, could not be left.
    world.allow_several_accounts().await;
    let home = world.account("B").await;
    world.associate(&home, &colleague).await;
    world.promote(&colleague, &home).await.unwrap();
    until_in_memory(&world.server, &world.clients, (&colleague, "t1")).await;
    let (clients, asked) = (&world.clients, &colleague);
    let lists = async |changed: &str, expected: &[&str]| {
        let request = ListVisibleTicketsRequest {
            contact_id: asked.clone(),
            ..Default::default()
        };
        let page = clients
            .visibility
            .clone()
            .list_visible_tickets(request)
            .await
            .unwrap()
            .into_inner();
        let ids = page
            .tickets
            .into_iter()
            .map(|visible| visible.ticket.unwrap().id);
        assert_eq!(ids.collect::<Vec<_>>(), expected, "{changed}");
    };
    let mask = |path: &str| {
        Some(prost_types::FieldMask {
            paths: vec![path.into()],
        })
    };
    let shares = async |mode: SharingMode| {
        let shared = Account {
            id: account.clone(),
            sharing_mode: mode.into(),
            ..Default::default()
        };
        let request = UpdateAccountRequest {
            account: Some(shared),
            update_mask: mask("sharing_mode"),
            ..Default::default()
        };
        clients
            .accounts
            .clone()
            .update_account(request)
            .await
            .unwrap();
    };
    let blocks = async |blocked: bool| {
        let contact = Contact {
            id: asked.clone(),
            blocked,
            ..Default::default()
        };
        let request = UpdateContactRequest {
            contact: Some(contact),
            update_mask: mask("blocked"),
            ..Default::default()
        };
        clients
            .contacts
            .clone()
            .update_contact(request)
            .await
            .unwrap();
    };
    for turn in 0..3 {
        lists("as it was", &["t1"]).await;
        let_see(clients, &account, asked, false).await;
        lists("sees no tickets of the account", &[]).await;
        let_see(clients, &account, asked, true).await;
        lists("sees them again", &["t1"]).await;
        blocks(true).await;
        lists("is blocked", &[]).await;
        blocks(false).await;
        lists("is blocked no more", &["t1"]).await;
        shares(SharingMode::Nobody).await;
        lists("the account shares nothing", &[]).await;
        shares(SharingMode::Granted).await;
        lists("the account shares", &["t1"]).await;
        world
            .settings(Settings::default(), &["sharing_enabled"])
            .await;
        lists("nobody shares", &[]).await;
        world
            .settings(
                Settings {
                    sharing_enabled: true,
                    ..Settings::default()
                },
                &["sharing_enabled"],
            )
            .await;
        lists("all share", &["t1"]).await;
        world
            .dissociate(&account, asked, TicketDisposition::KeepWithAccount)
            .await
            .unwrap();
        lists("has left", &[]).await;
        world.associated(&account, asked, Some(true), "").await;
        lists(&format!("is back, turn {turn}"), &["t1"]).await;
    }
}

async fn what_does_not_fit_into_memory_is_answered_from_the_database_and_counted(mut world: World) {
    world.server = {
        world.server.kill();
        another(&world.database, &["--memory-mib", "0"])
    };
    world.clients = world.server.connect().await;
    let (colleague, account) = colleagues(&world).await;
    for turn in 0..20 {
        let sees = turn % 2 == 1;
        let_see(&world.clients, &account, &colleague, sees).await;
        assert_eq!(world.sees(&colleague, "t1").await, sees);
    }
    assert_eq!(
        (from_memory(&world.server), from_database(&world.server)),
        (0.0, 20.0)
    );
    assert_eq!(in_memory(&world.server), 0.0);
    assert_eq!(metric(&world.server, "roster_organizations_refused"), 1.0);
}

async fn an_organization_without_writes_is_empty_and_takes_no_memory(mut world: World) {
    world.server = {
        world.server.kill();
        another(&world.database, &[])
    };
    world.clients = world.server.connect().await;
    for name in ["nobody-1", "nobody-2"] {
        let mut request = Request::new(question("c1", "t1"));
        request
            .metadata_mut()
            .insert("roster-organization", name.parse().unwrap());
        let answer = world.clients.visibility.clone().check_ticket(request).await;
        refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    assert_eq!(in_memory(&world.server), 0.0);
    assert_eq!(from_database(&world.server), 2.0);
}

async fn a_check_makes_nothing_of_a_database_that_is_not_one_of_ours(world: World) {
    let empty = Database::create(world.engine);
    if let Some(path) = empty.url.strip_prefix("sqlite:") {
        std::fs::write(path, "").unwrap();
    }
    let output = command(&["check", "--database", &empty.url])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("are not those of this version"), "{text}");
    behind_the_back(
        &empty,
        "CREATE TABLE __diesel_schema_migrations (made BOOLEAN)",
    );
}

async fn the_servers_check_finds_all_well_beside_a_server_at_work_and_names_what_is_not(
    world: World,
) {
    let (colleague, account) = colleagues(&world).await;
    for turn in 0..10 {
        let_see(&world.clients, &account, &colleague, turn % 2 == 1).await;
    }
    let look = || {
        let output = command(&["check", "--database", &world.database.url])
            .output()
            .expect("the server's program");
        let text = String::from_utf8(output.stdout).expect("text");
        (output.status.code(), text)
    };
    let (code, text) = look();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("default: ok at revision "), "{text}");
    for (harm, mend, told) in [
        (
            "UPDATE organizations SET revision = revision + 5",
            "UPDATE organizations SET revision = revision - 5",
            "the change log ends at revision ",
        ),
        (
            "UPDATE change_sets SET format = format + 90 WHERE revision = 3",
            "UPDATE change_sets SET format = format - 90 WHERE revision = 3",
            "the change log cannot be read after revision 0",
        ),
    ] {
        behind_the_back(&world.database, harm);
        let (code, text) = look();
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(told), "{text}");
        behind_the_back(&world.database, mend);
    }
    // Behind the server's back: the log does not know it, and a contact has no primary.
    let harm = "UPDATE associations SET is_primary = FALSE WHERE contact = 2";
    behind_the_back(&world.database, harm);
    let (code, text) = look();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("c2"), "{text}");
}

/// PostgreSQL alone has several servers.
async fn two_servers() -> (World, Server, Clients) {
    let mut world = World::start(Engine::Postgres).await;
    world.server.kill();
    world.server = another(&world.database, &[]);
    world.clients = world.server.connect().await;
    let second = another(&world.database, &[]);
    let clients = second.connect().await;
    (world, second, clients)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_answers_a_token_by_its_write_and_follows_without_one_within_a_quarter_second()
 {
    let (world, second, there) = two_servers().await;
    let (colleague, account) = colleagues(&world).await;
    until_in_memory(&world.server, &world.clients, (&colleague, "t1")).await;
    until_in_memory(&second, &there, (&colleague, "t1")).await;
    let rounds = rounds(100);
    let mut behind = Vec::with_capacity(rounds);
    for turn in 0..rounds {
        let sees = turn % 2 == 1;
        let token = let_see(&world.clients, &account, &colleague, sees).await;
        let written = Instant::now();
        let (visible, _) = check(&there, &colleague, "t1", at_least(&token))
            .await
            .unwrap();
        assert_eq!(visible, sees, "read your writes, turn {turn}");
        loop {
            let (visible, _) = check(&there, &colleague, "t1", None).await.unwrap();
            if visible == sees {
                break;
            }
        }
        behind.push(written.elapsed());
    }
    behind.sort();
    let (p50, p99) = (behind[rounds / 2], behind[rounds * 99 / 100]);
    println!(
        "behind: p50 {p50:?}, p99 {p99:?}, most {:?}",
        behind[rounds - 1]
    );
    assert!(p50 <= BEHIND_MAX, "{p50:?}");
    // Other tests that run beside this one take the machine for as long as they like; those of a
    // night run alone.
    assert!(
        p99 <= BEHIND_MAX || std::env::var_os("ROSTER_LONG").is_none(),
        "{p99:?}"
    );
    let (memory, database) = (from_memory(&second), from_database(&second));
    assert!(
        memory > database,
        "{memory} from memory, {database} from the database"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_a_moment_that_the_database_never_had_is_lost_on_every_server() {
    let (world, second, there) = two_servers().await;
    let (colleague, account) = colleagues(&world).await;
    until_in_memory(&second, &there, (&colleague, "t1")).await;
    // Another store with the same history and more: what a restored copy lacks.
    let token = let_see(&world.clients, &account, &colleague, false).await;
    behind_the_back(
        &world.database,
        "UPDATE change_sets SET nonce = nonce + 2 \
         WHERE revision = (SELECT max(revision) FROM change_sets); \
         UPDATE organizations SET nonce = nonce + 2",
    );
    let begun = Instant::now();
    loop {
        match check(&there, &colleague, "t1", at_least(&token)).await {
            Err(status) => {
                refused(
                    Err::<tonic::Response<()>, _>(status),
                    Code::FailedPrecondition,
                    "TOKEN_LOST",
                );
                break;
            }
            // It had followed before.
            Ok(_) => assert!(begun.elapsed() < LOADED_WITHIN),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_follow_the_log_loads_the_facts_anew_and_serves_on() {
    let (world, second, there) = two_servers().await;
    let (colleague, account) = colleagues(&world).await;
    until_in_memory(&second, &there, (&colleague, "t1")).await;
    // What the first writes from now on, the second cannot read: its rows alone tell.
    behind_the_back(
        &world.database,
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN NEW.format := 99; RETURN NEW; END'; \
         CREATE TRIGGER spoil BEFORE INSERT ON change_sets FOR EACH ROW EXECUTE FUNCTION spoil()",
    );
    for turn in 0..6 {
        let sees = turn % 2 == 1;
        let_see(&world.clients, &account, &colleague, sees).await;
        let written = Instant::now();
        loop {
            let (visible, _) = check(&there, &colleague, "t1", None).await.unwrap();
            if visible == sees {
                break;
            }
            assert!(written.elapsed() < LOADED_WITHIN, "turn {turn}");
        }
    }
    until_in_memory(&second, &there, (&colleague, "t1")).await;
}
