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
    Clients, Database, Server, World, answered, both_engines, command, mask, refused,
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
pub const LOADED_WITHIN: Duration = Duration::from_secs(20);

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

pub fn from_memory(server: &Server) -> f64 {
    metric(server, "roster_answers_from_memory_total")
}

pub fn from_database(server: &Server) -> f64 {
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
pub fn behind_the_back(database: &Database, statements: &str) {
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
pub async fn colleagues(world: &World) -> (String, String) {
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

pub async fn let_see(clients: &Clients, account: &str, contact: &str, sees: bool) -> String {
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

/// Has an account share its tickets in this way.
async fn shares(clients: &Clients, account: &str, mode: SharingMode) {
    let shared = Account {
        id: account.into(),
        sharing_mode: mode.into(),
        ..Default::default()
    };
    let request = UpdateAccountRequest {
        account: Some(shared),
        update_mask: mask(&["sharing_mode"]),
        ..Default::default()
    };
    answered(clients.accounts.clone().update_account(request).await);
}

async fn blocks(clients: &Clients, contact: &str, blocked: bool) {
    let contact = Contact {
        id: contact.into(),
        blocked,
        ..Default::default()
    };
    let request = UpdateContactRequest {
        contact: Some(contact),
        update_mask: mask(&["blocked"]),
        ..Default::default()
    };
    answered(clients.contacts.clone().update_contact(request).await);
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
        assert_eq!(world.visible(asked).await, expected, "{changed}");
    };
    let shares = async |mode| shares(clients, &account, mode).await;
    let blocks = async |blocked| blocks(clients, asked, blocked).await;
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
        let shared = Settings {
            sharing_enabled: true,
            ..Settings::default()
        };
        world.settings(shared, &["sharing_enabled"]).await;
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
