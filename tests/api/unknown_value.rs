//! A stored value that this version does not understand is an error where a write may follow, and
//! shares nothing where only a check asks.

use roster_api::v1::*;
use tonic::{Code, Response, Status};

use crate::check::check;
use crate::importing::of;
use crate::memory::behind_the_back;
use crate::world::{Engine, World, both_engines, mask, refused};

both_engines!(
    an_unknown_value_of_an_account_is_never_written_back_and_shares_nothing,
    unknown_values_of_a_contact_are_never_written_back,
    a_negative_requester_of_a_ticket_is_an_error_and_nobodys_ticket,
    settings_of_an_unknown_mode_are_never_written_back_and_share_nothing,
    an_import_of_an_unknown_state_or_failure_is_an_error_and_no_failed_import,
);

/// The fault, the SQL that causes it, and the SQL that repairs it.
const UNKNOWN: [(&str, &str, &str); 4] = [
    (
        "accounts.sharing_mode of the row [1]",
        "UPDATE accounts SET sharing_mode = 9",
        "UPDATE accounts SET sharing_mode = 4",
    ),
    (
        "accounts.sharing_roles of the row [1]",
        "UPDATE accounts SET sharing_mode = 3, sharing_roles = '[7'",
        "UPDATE accounts SET sharing_mode = 4, sharing_roles = '[\"長\"]'",
    ),
    (
        "accounts.sharing_roles of the row [1]",
        "UPDATE accounts SET sharing_mode = 3, sharing_roles = '{\"長\":1}'",
        "UPDATE accounts SET sharing_mode = 4, sharing_roles = '[\"長\"]'",
    ),
    (
        "accounts.attributes of the row [1]",
        "UPDATE accounts SET sharing_mode = 1, attributes = '[]'",
        "UPDATE accounts SET sharing_mode = 4, attributes = '{}'",
    ),
];

/// That a call failed because of what is stored.
#[track_caller]
fn internal<T: std::fmt::Debug>(result: Result<Response<T>, Status>) {
    refused(result, Code::Internal, "INTERNAL");
}

fn rename(id: &str) -> UpdateAccountRequest {
    UpdateAccountRequest {
        account: Some(Account {
            id: id.into(),
            name: "B".into(),
            ..Account::default()
        }),
        update_mask: mask(&["name"]),
        ..Default::default()
    }
}

/// A colleague who sees a ticket of an account that shares with everyone.
async fn shared(world: &World) -> (String, String, String) {
    let settings = Settings {
        sharing_enabled: true,
        ..Settings::default()
    };
    world
        .try_settings(settings, &["sharing_enabled"])
        .await
        .unwrap();
    let account = Account {
        name: "A".into(),
        sharing_mode: SharingMode::Everyone.into(),
        sharing_roles: vec!["長".into()],
        ..Account::default()
    };
    let account = world.account_of(account).await;
    let (requester, colleague) = (world.contact("佐藤").await, world.contact("鈴木").await);
    world.associate(&account, &requester).await;
    world.associated(&account, &colleague, None, "長").await;
    world.ticket("t1", &requester, &account).await;
    (account, requester, colleague)
}

async fn viewers(world: &World) -> Vec<String> {
    let request = ListTicketViewersRequest {
        ticket_id: "t1".into(),
        ..Default::default()
    };
    let page = world
        .clients
        .visibility
        .clone()
        .list_ticket_viewers(request)
        .await
        .unwrap()
        .into_inner();
    page.viewers
        .into_iter()
        .map(|viewer| viewer.contact_id)
        .collect()
}

async fn an_unknown_value_of_an_account_is_never_written_back_and_shares_nothing(mut world: World) {
    let (account, requester, colleague) = shared(&world).await;
    assert!(world.sees(&colleague, "t1").await);
    assert_eq!(
        viewers(&world).await,
        [requester.clone(), colleague.clone()]
    );
    for (place, harm, mend) in UNKNOWN {
        behind_the_back(&world.database, harm);
        world.restart().await;
        let before = world.read_token().await;
        let asked = GetAccountRequest {
            id: account.clone(),
            ..Default::default()
        };
        internal(world.clients.accounts.get_account(asked).await);
        internal(
            world
                .clients
                .accounts
                .update_account(rename(&account))
                .await,
        );
        let keys = vec![AccountKey {
            key: Some(account_key::Key::Id(account.clone())),
        }];
        let lookup = LookupAccountsRequest {
            keys,
            ..Default::default()
        };
        internal(world.clients.accounts.lookup_accounts(lookup).await);
        internal(
            world
                .clients
                .accounts
                .list_accounts(ListAccountsRequest::default())
                .await,
        );
        assert_eq!(
            world.read_token().await,
            before,
            "nothing is written: {place}"
        );
        assert!(!world.sees(&colleague, "t1").await, "{place}");
        assert!(world.sees(&requester, "t1").await, "{place}");
        assert_eq!(
            viewers(&world).await,
            std::slice::from_ref(&requester),
            "{place}"
        );
        let (code, text) = check(&world.database.url);
        assert_eq!(code, Some(1), "{text}");
        let line = format!(
            "known-values: account a1 cannot be read: {place} holds a value that this version does \
             not understand"
        );
        assert_eq!(text.matches(&line).count(), 1, "{line} in {text}");
        behind_the_back(&world.database, mend);
    }
    world.restart().await;
    world
        .clients
        .accounts
        .update_account(rename(&account))
        .await
        .unwrap();
    assert!(world.sees(&colleague, "t1").await);
}

async fn unknown_values_of_a_contact_are_never_written_back(mut world: World) {
    let (_, requester, _) = shared(&world).await;
    for (place, harm, mend) in [
        (
            "contacts.emails of the row [1]",
            "UPDATE contacts SET emails = 'x' WHERE contact = 1",
            "UPDATE contacts SET emails = '[]'",
        ),
        (
            "contacts.attributes of the row [1]",
            "UPDATE contacts SET attributes = '' WHERE contact = 1",
            "UPDATE contacts SET attributes = '{}'",
        ),
    ] {
        behind_the_back(&world.database, harm);
        let asked = GetContactRequest {
            id: requester.clone(),
            ..Default::default()
        };
        internal(world.clients.contacts.get_contact(asked).await);
        let update = UpdateContactRequest {
            contact: Some(Contact {
                id: requester.clone(),
                blocked: true,
                ..Contact::default()
            }),
            update_mask: mask(&["blocked"]),
            ..Default::default()
        };
        internal(world.clients.contacts.update_contact(update).await);
        let (code, text) = check(&world.database.url);
        assert!(code == Some(1) && text.contains(place), "{text}");
        behind_the_back(&world.database, mend);
    }
}

async fn a_negative_requester_of_a_ticket_is_an_error_and_nobodys_ticket(mut world: World) {
    let (_, _, colleague) = shared(&world).await;
    // By its absolute value it would be the colleague's own ticket.
    let number = colleague.strip_prefix('c').unwrap();
    behind_the_back(
        &world.database,
        &format!("UPDATE tickets SET requester = -{number}; UPDATE accounts SET sharing_mode = 1"),
    );
    world.restart().await;
    assert!(!world.sees(&colleague, "t1").await);
    let asked = GetTicketRequest {
        id: "t1".into(),
        ..Default::default()
    };
    internal(world.clients.tickets.get_ticket(asked).await);
    let list = ListTicketsRequest {
        account_id: "a1".into(),
        ..Default::default()
    };
    internal(world.clients.tickets.list_tickets(list).await);
    let (code, text) = check(&world.database.url);
    assert!(
        code == Some(1) && text.contains("tickets.requester of the row [1]"),
        "{text}"
    );
}

async fn settings_of_an_unknown_mode_are_never_written_back_and_share_nothing(mut world: World) {
    let (account, requester, colleague) = shared(&world).await;
    let by_default = UpdateAccountRequest {
        account: Some(Account {
            id: account.clone(),
            ..Account::default()
        }),
        update_mask: mask(&["sharing_mode"]),
        ..Default::default()
    };
    world
        .clients
        .accounts
        .update_account(by_default)
        .await
        .unwrap();
    let everyone = Settings {
        default_sharing_mode: SharingMode::Everyone.into(),
        ..Settings::default()
    };
    world
        .try_settings(everyone, &["default_sharing_mode"])
        .await
        .unwrap();
    assert!(world.sees(&colleague, "t1").await);
    // Sharing is on, and the default mode is number 9.
    let bytes = match world.engine {
        Engine::Sqlite => "X'100a18012009'",
        Engine::Postgres => "'\\x100a18012009'",
    };
    behind_the_back(
        &world.database,
        &format!("UPDATE organizations SET settings = {bytes}"),
    );
    world.restart().await;
    let asked = GetSettingsRequest::default();
    internal(world.clients.settings.get_settings(asked).await);
    let off = Settings {
        sharing_primary_only: true,
        ..Settings::default()
    };
    internal(world.try_settings(off, &["sharing_primary_only"]).await);
    assert!(!world.sees(&colleague, "t1").await);
    assert!(world.sees(&requester, "t1").await);
    let (code, text) = check(&world.database.url);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("known-values: the settings cannot be read: organizations.settings"),
        "{text}"
    );
}

async fn an_import_of_an_unknown_state_or_failure_is_an_error_and_no_failed_import(
    mut world: World,
) {
    let import = world
        .import(of(ImportKind::Accounts), "Account Name\nA\n")
        .await;
    assert_eq!(import.state(), ImportState::Completed);
    for (column, harm) in [
        ("state", "UPDATE imports SET state = 9"),
        ("failure", "UPDATE imports SET state = 4, failure = 77"),
        ("failure", "UPDATE imports SET state = 4, failure = NULL"),
        ("headers", "UPDATE imports SET state = 2, headers = 'x'"),
        (
            "rows_created",
            "UPDATE imports SET headers = '[]', rows_created = -1",
        ),
        ("kind", "UPDATE imports SET rows_created = 1, kind = 9"),
    ] {
        behind_the_back(&world.database, harm);
        let asked = GetImportRequest {
            id: import.id.clone(),
        };
        internal(world.clients.imports.get_import(asked).await);
        let (code, text) = check(&world.database.url);
        let line = format!(
            "known-values: import {} cannot be read: imports.{column} of",
            import.id
        );
        assert!(code == Some(1) && text.contains(&line), "{text}");
    }
}
