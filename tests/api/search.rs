//! Picking as a person does: queries over pages, headings, many matches; and derived columns that
//! another version of the code made.

use diesel::connection::{Connection, SimpleConnection};
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use roster_api::v1::*;

use crate::world::{Database, Server, World, both_engines};

both_engines!(
    a_query_is_paged_in_the_order_of_the_list_with_all_filters_together,
    every_spelling_of_a_legal_form_finds_the_account,
    what_is_renamed_or_deleted_is_found_by_what_it_is_now,
    one_organization_finds_nothing_of_another,
    a_query_with_more_than_2_000_matches_misses_none_and_its_counts_say_so,
    columns_that_an_older_server_derived_are_rebuilt_while_calls_go_on,
    a_server_older_than_the_derived_columns_refuses_to_start_and_to_write,
);

/// The names that a query finds, page by page, in the order of the list.
async fn paged(world: &World, request: ListContactsRequest) -> Vec<String> {
    let mut names = Vec::new();
    let mut request = request;
    loop {
        let client = &mut world.clients.contacts.clone();
        let page = client.list_contacts(request.clone()).await.unwrap();
        let page = page.into_inner();
        assert!(page.contacts.len() <= request.page_size as usize);
        names.extend(page.contacts.into_iter().map(|c| c.family_name));
        if page.next_page_token.is_empty() {
            return names;
        }
        request.page_token = page.next_page_token;
    }
}

async fn headings(world: &World, query: &str) -> Vec<(String, i64, bool)> {
    let request = ListContactHeadingsRequest {
        query: query.into(),
        ..Default::default()
    };
    let client = &mut world.clients.contacts.clone();
    let answer = client.list_contact_headings(request).await.unwrap();
    let headings = answer.into_inner().headings.into_iter();
    headings.map(|h| (h.heading, h.count, h.at_least)).collect()
}

/// Makes contacts, many at once.
async fn make(world: &World, contacts: impl Iterator<Item = Contact>) {
    let mut running = tokio::task::JoinSet::new();
    for contact in contacts {
        let mut client = world.clients.contacts.clone();
        let request = CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        running.spawn(async move { client.create_contact(request).await });
        if running.len() >= 512 {
            running.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    for made in running.join_all().await {
        made.unwrap();
    }
}

fn numbered(family: &str, reading: &str, number: usize) -> Contact {
    Contact {
        family_name: format!("{family}{number:04}"),
        family_name_reading: reading.into(),
        emails: vec![format!("p{number:04}-{}@example.com", family.len())],
        ..Contact::default()
    }
}

/// Runs statements on the database itself.
fn execute(database: &Database, sql: &str) {
    match database.url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).unwrap();
            conn.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}"))
        }
        None => PgConnection::establish(&database.url)
            .unwrap()
            .batch_execute(sql),
    }
    .unwrap();
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The number that a statement answers under that name.
pub fn number_of(database: &Database, sql: &str) -> i64 {
    let found: Number = match database.url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).unwrap();
            // A server may be starting, and have the file to itself for a moment.
            sql_query("PRAGMA busy_timeout = 10000")
                .execute(&mut conn)
                .unwrap();
            sql_query(sql).get_result(&mut conn)
        }
        None => sql_query(sql).get_result(&mut PgConnection::establish(&database.url).unwrap()),
    }
    .unwrap();
    found.number
}

/// Stops the server and starts another on the same database.
async fn restart(world: &mut World) {
    world.server = Server::start(&world.database);
    world.clients = world.server.connect().await;
}

async fn a_query_is_paged_in_the_order_of_the_list_with_all_filters_together(world: World) {
    let a = world.account("A").await;
    for (family, reading, email, id) in [
        ("山田", "やまだ", "x1@example.com", "D1"),
        ("山本", "やまもと", "x2@example.com", "D2"),
        ("大山", "おおやま", "x3@example.com", "D3"),
        ("山", "", "x4@example.com", "D4"),
        ("Yama", "", "x5@example.org", "E5"),
        ("谷", "たに", "yama@example.org", "やま6"),
    ] {
        let contact = Contact {
            family_name: family.into(),
            family_name_reading: reading.into(),
            emails: vec![email.into()],
            external_id: id.into(),
            ..Contact::default()
        };
        let c = world.contact_of(contact).await;
        if family == "山本" {
            world.associate(&a, &c).await;
        }
    }
    let request = |query: &str, heading: &str, not_in: &str, page_size| ListContactsRequest {
        query: query.into(),
        heading: heading.into(),
        not_in_account_id: not_in.into(),
        page_size,
        ..Default::default()
    };
    for page_size in [1, 2, 1_000] {
        for (query, heading, not_in, expected) in [
            ("やま", "", "", &["大山", "谷", "山田", "山本"][..]),
            ("ヤマ", "や", "", &["山田", "山本"]),
            ("やま", "や", a.as_str(), &["山田"]),
            ("山", "", "", &["山田", "山本", "山"]),
            ("山", "他", "", &["山"]),
            ("YAMA", "", "", &["Yama", "谷"]),
            ("@example.org", "", "", &["Yama", "谷"]),
            ("d", "", "", &[]),
            ("Ｄ", "", "", &[]),
            ("ｄ３", "", "", &["大山"]),
            ("例", "", "", &[]),
            ("", "や", "", &["山田", "山本"]),
        ] {
            let found = paged(&world, request(query, heading, not_in, page_size)).await;
            assert_eq!(found, expected, "{query} {heading} {not_in} {page_size}");
        }
    }
}

async fn every_spelling_of_a_legal_form_finds_the_account(mut world: World) {
    for name in [
        "株式会社山田",
        "㈱山田",
        "（株） 山田",
        "山田㈱",
        "山田株式会社",
        "(有)山田",
        "Acme, Inc.",
    ] {
        world.account(name).await;
    }
    for (query, expected) in [
        ("(株)山田", 3),
        ("㈱山田", 3),
        ("株式会社　山田", 3),
        ("山田（株）", 2),
        ("山田株式会社", 2),
        ("株式", 5),
        ("株式会", 5),
        ("（株）", 5),
        ("有限会社山田", 1),
        ("acme incorporated", 1),
        ("acme inc", 1),
        ("山田", 6),
        ("(同)山田", 0),
    ] {
        let request = ListAccountsRequest {
            query: query.into(),
            ..Default::default()
        };
        let found = world
            .clients
            .accounts
            .list_accounts(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.accounts.len(), expected, "{query}");
        let request = ListAccountHeadingsRequest {
            query: query.into(),
            ..Default::default()
        };
        let headings = world
            .clients
            .accounts
            .list_account_headings(request)
            .await
            .unwrap()
            .into_inner()
            .headings;
        assert_eq!(
            headings.iter().map(|h| h.count).sum::<i64>(),
            expected as i64,
            "{query}"
        );
    }
}

async fn what_is_renamed_or_deleted_is_found_by_what_it_is_now(mut world: World) {
    let (c, d) = (world.contact("田中").await, world.contact("中田").await);
    let contact = Contact {
        id: c.clone(),
        family_name: "Smith".into(),
        ..Contact::default()
    };
    let update_mask = Some(prost_types::FieldMask {
        paths: vec!["family_name".into()],
    });
    let update = UpdateContactRequest {
        contact: Some(contact),
        update_mask,
        ..Default::default()
    };
    world.clients.contacts.update_contact(update).await.unwrap();
    let request = |query: &str| ListContactsRequest {
        query: query.into(),
        page_size: 10,
        ..Default::default()
    };
    assert!(paged(&world, request("田中")).await.is_empty());
    assert_eq!(paged(&world, request("smi")).await, ["Smith"]);
    assert_eq!(
        headings(&world, "").await,
        [("S".into(), 1, false), ("他".into(), 1, false)]
    );
    world
        .clients
        .contacts
        .delete_contact(DeleteContactRequest {
            id: d,
            ..Default::default()
        })
        .await
        .unwrap();
    assert!(paged(&world, request("中田")).await.is_empty());
    assert_eq!(headings(&world, "").await, [("S".into(), 1, false)]);
}

async fn one_organization_finds_nothing_of_another(world: World) {
    world.contact("田中").await;
    let client = &mut world.clients.contacts.clone();
    let mut request = tonic::Request::new(CreateContactRequest {
        contact: Some(numbered("田中", "", 1)),
        ..Default::default()
    });
    request
        .metadata_mut()
        .insert("roster-organization", "other".parse().unwrap());
    client.create_contact(request).await.unwrap();
    let request = ListContactsRequest {
        query: "田中".into(),
        page_size: 10,
        ..Default::default()
    };
    assert_eq!(paged(&world, request).await, ["田中"]);
}

async fn a_query_with_more_than_2_000_matches_misses_none_and_its_counts_say_so(world: World) {
    make(&world, (0..2_200).map(|n| numbered("田中", "たなか", n))).await;
    make(
        &world,
        [
            numbered("中田", "なかた", 9_001),
            numbered("谷", "", 9_002),
            numbered("Smith", "", 9_003),
        ]
        .into_iter(),
    )
    .await;
    let request = |query: &str| ListContactsRequest {
        query: query.into(),
        page_size: 1_000,
        ..Default::default()
    };
    let found = paged(&world, request("タナカ")).await;
    assert_eq!(found.len(), 2_200);
    // Equal readings stand in the order of their ids, which were given in any.
    let distinct: std::collections::BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), 2_200);
    assert_eq!(paged(&world, request("谷9002")).await, ["谷9002"]);
    assert_eq!(
        headings(&world, "").await,
        [
            ("S".into(), 1, false),
            ("た".into(), 2_200, false),
            ("な".into(), 1, false),
            ("他".into(), 1, false)
        ]
    );
    assert_eq!(
        headings(&world, "000")
            .await
            .iter()
            .map(|h| h.1)
            .sum::<i64>(),
        12
    );
    let counted = headings(&world, "example").await;
    let shown: Vec<&str> = counted.iter().map(|h| h.0.as_str()).collect();
    assert_eq!(shown, ["S", "た", "な", "他"]);
    for (heading, count, at_least) in counted {
        assert!(at_least && count < 2_200 || count == 1, "{heading} {count}");
    }
}

async fn columns_that_an_older_server_derived_are_rebuilt_while_calls_go_on(mut world: World) {
    let a = world.account("山田商店").await;
    make(&world, (0..1_200).map(|n| numbered("田中", "たなか", n))).await;
    world.server.child.kill().unwrap();
    world.server.child.wait().unwrap();
    execute(
        &world.database,
        "UPDATE contacts SET heading = 1, name_key = '', search_text = '', \
             sort_key = (SELECT sort_key FROM accounts); \
             UPDATE accounts SET heading = 2, search_text = '', name_key = ''; \
             DELETE FROM contact_grams; DELETE FROM account_grams; DELETE FROM heading_counts; \
             UPDATE organizations SET derivation = 0;",
    );
    restart(&mut world).await;
    let c = world.contact("佐藤").await;
    world.associate(&a, &c).await;
    while number_of(
        &world.database,
        "SELECT derivation AS number FROM organizations",
    ) == 0
    {
        let get = GetContactRequest {
            id: c.clone(),
            ..Default::default()
        };
        world.clients.contacts.get_contact(get).await.unwrap();
    }
    let request = |query: &str| ListContactsRequest {
        query: query.into(),
        page_size: 1_000,
        ..Default::default()
    };
    assert_eq!(paged(&world, request("たなか")).await.len(), 1_200);
    assert_eq!(
        headings(&world, "").await,
        [("た".into(), 1_200, false), ("他".into(), 1, false)]
    );
    let accounts = ListAccountsRequest {
        query: "山田".into(),
        ..Default::default()
    };
    assert_eq!(
        world
            .clients
            .accounts
            .list_accounts(accounts)
            .await
            .unwrap()
            .into_inner()
            .accounts
            .len(),
        1
    );
    assert_eq!(
        number_of(
            &world.database,
            "SELECT count(*) AS number FROM contacts WHERE name_key = ''"
        ),
        0
    );
}

async fn a_server_older_than_the_derived_columns_refuses_to_start_and_to_write(mut world: World) {
    world.contact("田中").await;
    execute(&world.database, "UPDATE organizations SET derivation = 99");
    let refused = world
        .clients
        .contacts
        .create_contact(CreateContactRequest {
            contact: Some(numbered("鈴木", "", 1)),
            ..Default::default()
        })
        .await;
    crate::world::refused(refused, tonic::Code::Unavailable, "UNAVAILABLE");
    world.server.kill();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_roster-server"))
        .args(["--listen", "127.0.0.1:0", "--database", &world.database.url])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("version 99"), "{said}");
}

/// The statements that read lists, as far as the engine can say how it reads them.
#[test]
fn lists_on_sqlite_are_read_by_their_indexes_and_never_sorted() {
    let database = Database::create(crate::world::Engine::Sqlite);
    drop(Server::start(&database));
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let mut conn = SqliteConnection::establish(path).unwrap();
    for (index, of) in [
        (
            "tickets_by_requester",
            "tickets WHERE org = 1 AND requester = 7",
        ),
        (
            "tickets_by_account",
            "tickets WHERE org = 1 AND account = 7",
        ),
        ("tickets_by_time", "tickets WHERE org = 1"),
        (
            "ticket_copies_by_contact",
            "ticket_copies WHERE org = 1 AND contact = 7",
        ),
    ] {
        for (after, order) in [
            ("", "create_time DESC, id"),
            ("AND create_time = 5 AND id > 'x'", "id"),
            ("AND create_time < 5", "create_time DESC, id"),
        ] {
            let sql =
                format!("EXPLAIN QUERY PLAN SELECT id FROM {of} {after} ORDER BY {order} LIMIT 9");
            let plan: Vec<Plan> = sql_query(sql).load(&mut conn).unwrap();
            let said: String = plan.into_iter().map(|step| step.detail).collect();
            assert!(
                said.contains(index) && !said.contains("TEMP B-TREE"),
                "{said}"
            );
        }
    }
}
