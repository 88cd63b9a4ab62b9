//! What an organization of a million contacts takes, in bytes and in time. To be run by hand, with
//! optimisation: `cargo test --release -p roster-index scale -- --ignored --nocapture`.

use std::time::Instant;

use roster_core::change::Change;
use roster_core::fact::Held;
use roster_core::id::{AccountId, ContactId, TicketNo};
use roster_core::organization::At;
use roster_core::record::{Settings, Sharing};
use roster_core::rules::visibility::{SightPart, SightSink, SightTicket};
use roster_core::text::TicketKey;
use roster_index::{Loading, OrganizationFacts};

use crate::world::{ROOM, associated, at, pair, sees};

const CONTACTS: u64 = 1_000_000;
const ACCOUNTS: u64 = 100_000;
const TICKETS: u64 = 2_000_000;
/// How many tickets one contact has, and moves.
const MOVED: u64 = 100_000;

/// Ids of twelve bytes.
fn id(number: u64) -> String {
    format!("T-{number:010}")
}

fn requester(ticket: u64) -> u64 {
    if ticket <= MOVED {
        1
    } else {
        1 + ticket % CONTACTS
    }
}

/// One account a contact; the first contact has the first tickets.
fn load() -> OrganizationFacts {
    let mut loading = Loading::new(At::default(), &Settings::default(), ROOM);
    let sharing = Sharing {
        mode: None,
        roles: Vec::new(),
    };
    for account in 1..=ACCOUNTS {
        loading.account(AccountId::new(account), &sharing).unwrap();
    }
    let roles = ["", "営業", "経理", "部長"].map(|role| associated(true, role));
    for contact in 1..=CONTACTS {
        loading.contact(ContactId::new(contact), false).unwrap();
        let part = SightPart::of(&roles[contact as usize % roles.len()]);
        let pair = pair(contact, 1 + contact % ACCOUNTS);
        loading.association(pair, part).unwrap();
    }
    for number in 1..=TICKETS {
        let requester = requester(number);
        let ticket = SightTicket {
            number: TicketNo::new(number),
            requester: ContactId::new(requester),
            account: Some(AccountId::new(1 + requester % ACCOUNTS)),
            private: false,
        };
        loading.ticket(&id(number), ticket).unwrap();
    }
    loading.finish().unwrap()
}

#[test]
#[ignore = "figures, to be read with optimisation"]
fn an_organization_of_a_million_contacts_and_its_figures() {
    let began = Instant::now();
    let mut facts = load();
    println!("poured and indexed in {:?}", began.elapsed());
    let bytes = facts.bytes_by_kind();
    println!("{bytes:?}, {} in all", facts.bytes());
    let per = |bytes: usize, of: u64| bytes as f64 / of as f64;
    println!("{:.1} bytes per ticket", per(bytes.tickets, TICKETS));
    println!(
        "{:.1} bytes per contact with its association",
        per(bytes.contacts, CONTACTS)
    );

    // Every other asker is the requester, the others are strangers.
    let asked: Vec<(u64, TicketKey)> = (0..1_000_000_u64)
        .map(|n| {
            let number = 1 + n * 7_919 % TICKETS;
            (
                requester(number + n % 2),
                TicketKey::parse(&id(number)).unwrap(),
            )
        })
        .collect();
    let began = Instant::now();
    let seen = asked
        .iter()
        .filter(|(contact, key)| sees(&facts, *contact, key) == Some(true));
    println!(
        "{} of a million checks seen, in {:?}",
        seen.count(),
        began.elapsed()
    );

    let moved = Change::TicketsMoved {
        held: Held {
            requester: ContactId::new(1),
            account: Some(AccountId::new(2)),
        },
        tickets: (1..=MOVED).map(TicketNo::new).collect(),
        after: Some(AccountId::new(3)),
    };
    let began = Instant::now();
    facts.apply(at(1), &[moved]).unwrap();
    println!("{MOVED} tickets moved in {:?}", began.elapsed());
}
