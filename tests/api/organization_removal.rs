//! The removal of a deleted organization, to the last row.

use std::time::{Duration, Instant};

use roster_api::v1::*;
use tonic::Code;

use crate::organizations::{contacts, delete, ended, get, start_import};
use crate::search::number_of;
use crate::secured::{Secured, organization};
use crate::stored_rows;
use crate::world::{Clients, Engine, Server, answered, refused};

/// Deleted organizations are removed after the grace of two seconds.
const AT_ONCE: [&str; 2] = ["--undelete-days", "0"];
/// Much longer than a removal takes, or a takeover after the lease of a killed server.
const REMOVES_WITHIN: Duration = Duration::from_secs(90);

/// Fills an organization by every kind of write, so that every table has rows of it. Returns a
/// caller, a token of a revision and a token of a page.
async fn fill(world: &Secured, name: &str, rows: usize) -> (Clients, String, String) {
    organization(world, name).await;
    let caller = world.caller(name, &["owner"]).await;
    // The last name is too long: a rejected row.
    let accounts = format!("取引先名\nA\nB\n{}\n", "x".repeat(1_001));
    for (kind, file) in [
        (ImportKind::Accounts, accounts),
        (ImportKind::Contacts, contacts(rows)),
    ] {
        let import = start_import(&caller, kind, &file).await;
        ended(&caller, &import.id).await;
    }
    let settings = UpdateSettingsRequest {
        settings: Some(Settings {
            multiple_accounts: true,
            ..Default::default()
        }),
        update_mask: crate::world::mask(&["multiple_accounts"]),
        request_id: "once".into(),
        ..Default::default()
    };
    answered(caller.settings.clone().update_settings(settings).await);
    for contact_id in ["c1", "c2"] {
        let associate = AssociateContactsRequest {
            account_id: "a1".into(),
            contacts: vec![ContactToAssociate {
                contact_id: contact_id.into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        answered(
            caller
                .associations
                .clone()
                .associate_contacts(associate)
                .await,
        );
    }
    let record = RecordTicketsRequest {
        tickets: vec![TicketRecord {
            id: "T1".into(),
            requester_id: "c1".into(),
            account_id: Some("a1".into()),
            cc_contact_ids: vec!["c2".into()],
            ..Default::default()
        }],
        ..Default::default()
    };
    answered(caller.tickets.clone().record_tickets(record).await);
    let check = CheckTicketRequest {
        contact_id: "c1".into(),
        ticket_id: "T1".into(),
        ..Default::default()
    };
    // Loads its facts into memory.
    let checked = answered(caller.visibility.clone().check_ticket(check).await);
    let list = ListContactsRequest {
        page_size: 1,
        ..Default::default()
    };
    let page = answered(caller.contacts.clone().list_contacts(list).await);
    (caller, checked.read_token, page.next_page_token)
}

/// Waits until an organization does not exist any more.
async fn gone(by: &Clients, name: &str) {
    let begun = Instant::now();
    loop {
        match get(by, name).await {
            Ok(_) => assert!(begun.elapsed() < REMOVES_WITHIN, "it is still there"),
            Err(status) => {
                refused::<()>(Err(status), Code::NotFound, "ORGANIZATION_NOT_FOUND");
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn removed_to_the_last_row_by_a_server_that_takes_over(engine: Engine) {
    let mut world = Secured::start_with(engine, &AT_ONCE, |_| Vec::new()).await;
    let (caller, token, page_token) = fill(&world, "acme", 6_000).await;
    fill(&world, "other", 20).await;
    let database = &world.database;
    let [org, other] = ["acme", "other"].map(|name| stored_rows::number(database, name));
    let filled = stored_rows::of(database, org);
    // So that the test says something about every table.
    let empty: Vec<_> = filled
        .iter()
        .filter(|(_, rows)| rows.is_empty())
        .map(|(table, _)| table.as_str())
        .collect();
    assert!(
        empty.is_empty() || empty == ["accesses"] || empty == ["accesses", "change_set_bitmaps"],
        "{empty:?}"
    );
    let kept = stored_rows::of(database, other);

    delete(&world, "acme").await;
    let answer = caller
        .settings
        .clone()
        .get_settings(GetSettingsRequest::default())
        .await;
    refused(answer, Code::PermissionDenied, "ORGANIZATION_SUSPENDED");
    let begun = Instant::now();
    while get(&world.admin, "acme").await.expect("acme").state() != OrganizationState::Removing {
        assert!(begun.elapsed() < REMOVES_WITHIN);
    }
    world.server.kill();
    let database = &world.database;
    database.wait_until_forgotten();
    let left = stored_rows::of(database, org);
    let (left, all) = (stored_rows::count(&left), stored_rows::count(&filled));
    assert!(
        0 < left && left < all,
        "killed in the middle: {left} of {all}"
    );

    let arguments = ["--listen", "127.0.0.1:0", "--require-credentials"];
    let arguments = [&arguments[..], &["--database", &database.url]].concat();
    world.server = Server::start_with(&arguments);
    world.channel = world.server.channel().await;
    world.admin = world.with_key(&world.admin_key);
    gone(&world.admin, "acme").await;
    let database = &world.database;
    let left = stored_rows::of(database, org);
    assert_eq!(stored_rows::count(&left), 0, "{left:?}");
    assert_eq!(stored_rows::orphaned_proofs(database), 0);
    assert_eq!(stored_rows::of(database, other), kept);
    the_name_is_free(&world, org, (&caller, &token, &page_token)).await;
    assert_eq!(stored_rows::of(&world.database, other), kept);
    let folder = &world.database.url;
    let check = crate::world::command(&["check", "--database", folder]);
    // SQLite's file has one server, beside which a check reads.
    let output = { check }.output().expect("a check");
    assert!(output.status.success(), "{output:?}");
}

/// A new organization of the same name sees nothing of the old one.
async fn the_name_is_free(
    world: &Secured,
    old: i64,
    (caller, token, page_token): (&Clients, &str, &str),
) {
    organization(world, "acme").await;
    assert!(stored_rows::number(&world.database, "acme") > old);
    let _ = caller;
    let new = world.caller("acme", &["owner"]).await;
    let mut listing = new.contacts.clone();
    let listed = listing.list_contacts(ListContactsRequest::default());
    assert!(answered(listed.await).contacts.is_empty());
    let mut reading = new.settings.clone();
    let settings = reading.get_settings(GetSettingsRequest::default());
    assert!(
        !answered(settings.await)
            .settings
            .expect("them")
            .multiple_accounts
    );
    let check = |consistency| CheckTicketRequest {
        contact_id: "c1".into(),
        ticket_id: "T1".into(),
        consistency,
    };
    let answer = new.visibility.clone().check_ticket(check(None)).await;
    refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    let fresh = Consistency {
        requirement: Some(consistency::Requirement::AtLeastAsFresh(token.into())),
    };
    let answer = new
        .visibility
        .clone()
        .check_ticket(check(Some(fresh)))
        .await;
    refused(answer, Code::InvalidArgument, "TOKEN_INVALID");
    let list = ListContactsRequest {
        page_size: 1,
        page_token: page_token.into(),
        ..Default::default()
    };
    let answer = new.contacts.clone().list_contacts(list).await;
    refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    // The same request id is new, too.
    let create = CreateAccountRequest {
        account: Some(Account {
            name: "A".into(),
            ..Default::default()
        }),
        request_id: "once".into(),
    };
    let created = answered(new.accounts.clone().create_account(create).await);
    assert_eq!(created.account.expect("it").id, "a1");
    let fresh = Consistency {
        requirement: Some(consistency::Requirement::AtLeastAsFresh(
            created.written_token,
        )),
    };
    let request = GetSettingsRequest {
        consistency: Some(fresh),
    };
    answered(new.settings.clone().get_settings(request).await);
}

mod a_deleted_organization_is_removed_to_the_last_row_although_its_server_is_killed {
    use crate::world::Engine;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        super::removed_to_the_last_row_by_a_server_that_takes_over(Engine::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        super::removed_to_the_last_row_by_a_server_that_takes_over(Engine::Postgres).await;
    }
}

/// `undelete-period`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_whose_time_is_over_is_not_restored_and_its_removal_is_logged() {
    let world = Secured::start_with(Engine::Sqlite, &AT_ONCE, |_| Vec::new()).await;
    organization(&world, "acme").await;
    delete(&world, "acme").await;
    let mut admin = world.admin.admin.clone();
    let request = UndeleteOrganizationRequest {
        name: "acme".into(),
    };
    let status = admin.undelete_organization(request).await;
    refused(status, Code::FailedPrecondition, "UNDELETE_EXPIRED");
    gone(&world.admin, "acme").await;
    let listed = admin
        .list_admin_events(ListAdminEventsRequest::default())
        .await;
    let events = answered(listed).events;
    let removal = &events[0];
    assert_eq!(
        (
            removal.credential_id.as_str(),
            removal.action.as_str(),
            removal.target.as_str()
        ),
        ("server", "RemoveOrganization", "acme")
    );
    assert_eq!(events[1].action, "DeleteOrganization");
}

/// Another server takes a removal over after the lease of a server that was killed, and no two
/// servers remove the same organization at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_takes_a_removal_over_and_calls_on_both_are_refused() {
    let mut world = Secured::start_with(Engine::Postgres, &AT_ONCE, |_| Vec::new()).await;
    let another = world.another_server();
    fill(&world, "acme", 6_000).await;
    let org = stored_rows::number(&world.database, "acme");
    let there = Clients::with_key(another.channel().await, &world.admin_key);
    delete(&world, "acme").await;
    let owners =
        format!("SELECT count(DISTINCT owner) AS number FROM jobs WHERE org = {org} AND kind = 2");
    let begun = Instant::now();
    while number_of(&world.database, &owners) == 0 {
        assert!(begun.elapsed() < REMOVES_WITHIN);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.server.kill();
    gone(&there, "acme").await;
    let left = stored_rows::of(&world.database, org);
    assert_eq!(stored_rows::count(&left), 0, "{left:?}");
}
