//! Importing rows: which record a row means ([`resolve`]), and what is stored of it ([`stored`]).

mod resolve;
mod stored;

use std::sync::Arc;

use roster_core::id::AccountId;
use roster_core::record::TicketStatus;
use roster_core::refusal::Refusal;
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::import::{
    AccountKeys, AccountRow, AssociationRow, CcContact, ContactKeys, ContactRow, Field,
    ImportAnswer, ImportRow, ImportRows, Named, PersonName, Reading, RowOutcome, TicketRow,
};
use roster_core::rules::settings::UpdateSettings;
use roster_core::text::Subject;

use crate::world::{World, a, c, email, external, key, name, pair, role};
use RowOutcome::{Created, Unchanged, Updated};

/// What names an account, in words: `id=3 ext=D1 name=山田`.
fn account(words: &str) -> AccountKeys {
    let mut keys = AccountKeys::default();
    for (what, text) in words.split_whitespace().filter_map(|w| w.split_once('=')) {
        match what {
            "id" => keys.id = Some(a(text.parse().unwrap())),
            "ext" => keys.external_id = Some(external(text)),
            "name" => keys.name = Some(Named::of_account(name(text))),
            other => panic!("{other}"),
        }
    }
    keys
}

/// What names a contact, in words: `id=3 ext=E1 mail=t@x.jp mail=- name=田中/太郎`. A name of two
/// cells has a stroke, one of a single cell has none; `-` is a blank cell.
fn contact(words: &str) -> ContactKeys {
    let mut keys = ContactKeys::default();
    for (what, text) in words.split_whitespace().filter_map(|w| w.split_once('=')) {
        match what {
            "id" => keys.id = Some(c(text.parse().unwrap())),
            "ext" => keys.external_id = Some(external(text)),
            "mail" => keys.emails.push((text != "-").then(|| email(text))),
            "name" => keys.name = Some(Named::of_person(person(text))),
            other => panic!("{other}"),
        }
    }
    keys
}

fn person(text: &str) -> PersonName {
    let parts = text.split_once('/');
    let (family, given) = parts.unwrap_or((text, ""));
    PersonName {
        family: name(family),
        given: (!given.is_empty()).then(|| name(given)),
        whole: parts.is_none(),
    }
}

fn account_row(words: &str) -> ImportRow {
    ImportRow::Account(AccountRow {
        keys: account(words),
        name_reading: None,
        website: None,
    })
}

fn contact_row(words: &str, of: &str) -> ImportRow {
    ImportRow::Contact(ContactRow {
        keys: contact(words),
        account: account(of),
        ..ContactRow::default()
    })
}

fn associated(words: &str, with: &str, primary: Option<bool>) -> ImportRow {
    ImportRow::Association(AssociationRow {
        contact: contact(words),
        account: account(with),
        primary,
        ..AssociationRow::default()
    })
}

fn ticket(id: &str, requester: &str, under: &str) -> TicketRow {
    TicketRow {
        key: key(id),
        requester: contact(requester),
        account: account(under),
        subject: None,
        status: None,
        cc: None,
        private: None,
        create_time: None,
    }
}

#[track_caller]
fn import(world: &mut World, rows: &[ImportRow], create_missing: bool) -> ImportAnswer {
    let rows = Arc::new(rows.to_vec());
    world.done(ImportRows {
        rows,
        create_missing,
    })
}

/// What becomes of one row where nothing is made up.
#[track_caller]
fn outcome(world: &mut World, row: ImportRow) -> RowOutcome {
    import(world, &[row], false).outcomes.remove(0)
}

fn rejected(field: Field, refusal: Refusal) -> RowOutcome {
    RowOutcome::Rejected { field, refusal }
}

fn differ(found: &str, what: &'static str, other: &str) -> Refusal {
    let (found, other) = (found.to_owned(), other.to_owned());
    Refusal::IdentifiersDiffer { found, what, other }
}

#[track_caller]
fn is_ambiguous(outcome: &RowOutcome, at: Field) {
    let ambiguous = matches!(
        outcome,
        RowOutcome::Rejected { field, refusal: Refusal::NameAmbiguous { .. } } if *field == at
    );
    assert!(ambiguous, "{outcome:?}");
}

/// Two accounts and two contacts with everything, and one of each with a name alone: accounts 5, 6
/// and 7, contacts 5, 6 and 7.
fn known() -> World {
    let mut world = World::new(true);
    for (text, id) in [("青葉", Some("D1")), ("白峰", Some("D2")), ("朝霧", None)] {
        world.done(CreateAccount {
            name: name(text),
            fields: AccountPatch {
                external_id: Some(id.map(external)),
                ..AccountPatch::default()
            },
        });
    }
    for (family, id, address) in [
        ("佐藤", Some("E1"), Some("s@x.jp")),
        ("林", Some("E2"), Some("h@x.jp")),
        ("森", None, None),
    ] {
        world.done(CreateContact {
            family_name: name(family),
            fields: ContactPatch {
                external_id: Some(id.map(external)),
                emails: Some(address.map(email).into_iter().collect()),
                ..ContactPatch::default()
            },
        });
    }
    world
}
