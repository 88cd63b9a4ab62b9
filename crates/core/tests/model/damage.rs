//! Each guard sees the damage that it is there for, and names it.

use roster_core::fact::UniqueKey;
use roster_core::fact::{account_keys, contact_keys};
use roster_core::guard::Bounds;
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket, TicketStatus};
use roster_core::text::{Email, ExternalId, Name, Role, Subject, TicketKey};

use roster_testkit::model::{Maps, violations};

const BOUNDS: Bounds = Bounds {
    revision: Revision::new(5),
    next_account: 3,
    next_contact: 3,
    next_ticket: 2,
};

fn stored<R>(record: R) -> Stored<R> {
    let revision = Revision::new(1);
    Stored { record, revision }
}

fn account(number: u64) -> AccountId {
    AccountId::new(number)
}

fn contact(number: u64) -> ContactId {
    ContactId::new(number)
}

fn pair(of: u64, with: u64) -> Pair {
    Pair {
        contact: contact(of),
        account: account(with),
    }
}

fn an_account(external_id: &str) -> Account {
    Account {
        name: Name::parse("山田商事").unwrap(),
        name_reading: None,
        external_id: Some(ExternalId::parse(external_id).unwrap()),
        attributes: Default::default(),
        sharing_mode: None,
        sharing_roles: Vec::new(),
        website: None,
        create_time: Time::default(),
        update_time: Time::default(),
    }
}

fn a_contact(email: &str) -> Contact {
    Contact {
        family_name: Name::parse("田中").unwrap(),
        given_name: None,
        family_name_reading: None,
        given_name_reading: None,
        emails: vec![Email::parse(email).unwrap()],
        external_id: None,
        attributes: Default::default(),
        blocked: false,
        phone: None,
        visitors_not_before: None,
        create_time: Time::default(),
        update_time: Time::default(),
    }
}

fn an_association(primary: bool) -> Association {
    Association {
        primary,
        sees_account_tickets: false,
        role: Role::default(),
        create_time: Time::default(),
    }
}

/// Two accounts, two contacts of whom the first has both, one ticket: nothing is wrong.
fn sound() -> Maps {
    let mut maps = Maps {
        settings: Some(stored(Settings {
            multiple_accounts: true,
            ..Settings::default()
        })),
        ..Maps::default()
    };
    for (number, external_id) in [(1, "D1"), (2, "D2")] {
        let record = an_account(external_id);
        let keys = account_keys(Some(&record));
        maps.keys.extend(keys.into_iter().map(|key| (key, number)));
        maps.accounts.insert(account(number), stored(record));
    }
    for (number, email) in [(1, "a@x.jp"), (2, "b@x.jp")] {
        let record = a_contact(email);
        let keys = contact_keys(Some(&record));
        maps.keys.extend(keys.into_iter().map(|key| (key, number)));
        maps.contacts.insert(contact(number), stored(record));
    }
    maps.associations
        .insert(pair(1, 1), stored(an_association(true)));
    maps.associations
        .insert(pair(1, 2), stored(an_association(false)));
    let ticket = Ticket {
        key: TicketKey::parse("T1").unwrap(),
        requester: contact(1),
        account: Some(account(1)),
        subject: Subject::default(),
        status: TicketStatus::Open,
        private: false,
        cc: vec![contact(2)],
        create_time: Time::default(),
    };
    maps.keys.insert(UniqueKey::of_ticket(&ticket.key), 1);
    maps.tickets.insert(TicketNo::new(1), stored(ticket));
    maps
}

/// Asserts that exactly these guards report the damage.
#[track_caller]
fn seen_by(guards: &[&str], damage: impl FnOnce(&mut Maps)) {
    let mut maps = sound();
    damage(&mut maps);
    let violations = maps.violations(&BOUNDS);
    let mut named: Vec<&str> = violations.iter().map(|found| found.guard).collect();
    named.dedup();
    assert_eq!(named, guards, "{violations:#?}");
    for violation in violations {
        assert!(
            violation.to_string().starts_with(violation.guard),
            "{violation}"
        );
    }
}

fn ticket(maps: &mut Maps) -> &mut Stored<Ticket> {
    maps.tickets.get_mut(&TicketNo::new(1)).unwrap()
}

fn association(maps: &mut Maps, pair: Pair) -> &mut Stored<Association> {
    maps.associations.get_mut(&pair).unwrap()
}

#[test]
fn what_is_sound_has_no_violation() {
    seen_by(&[], |_| {});
}

#[test]
fn a_second_primary_account_is_seen() {
    seen_by(&["one-primary"], |maps| {
        association(maps, pair(1, 2)).record.primary = true
    });
}

#[test]
fn accounts_without_a_primary_are_seen() {
    seen_by(&["one-primary"], |maps| {
        association(maps, pair(1, 1)).record.primary = false
    });
}

#[test]
fn several_accounts_while_the_setting_is_off_are_seen_at_the_settings_and_at_the_contact() {
    seen_by(&["one-account"], |maps| maps.settings = None);
    let mut maps = sound();
    maps.settings = None;
    assert_eq!(maps.violations(&BOUNDS).len(), 2);
}

#[test]
fn an_association_without_its_contact_is_seen() {
    seen_by(&["association-ends"], |maps| {
        maps.associations
            .insert(pair(9, 1), stored(an_association(true)));
    });
}

#[test]
fn an_association_without_its_account_is_seen() {
    seen_by(&["association-ends"], |maps| {
        maps.associations
            .insert(pair(1, 9), stored(an_association(false)));
    });
}

#[test]
fn a_requester_who_does_not_exist_is_seen() {
    seen_by(&["ticket-people"], |maps| {
        ticket(maps).record.requester = contact(9)
    });
}

#[test]
fn a_contact_in_cc_who_does_not_exist_is_found() {
    seen_by(&["ticket-people"], |maps| {
        ticket(maps).record.cc.push(contact(9))
    });
}

#[test]
fn a_ticket_under_an_account_that_does_not_exist_is_seen() {
    seen_by(&["ticket-account"], |maps| {
        ticket(maps).record.account = Some(account(9))
    });
}

#[test]
fn a_contact_twice_in_cc_is_found() {
    seen_by(&["cc-distinct"], |maps| {
        ticket(maps).record.cc.push(contact(2))
    });
}

#[test]
fn a_key_that_its_record_does_not_hold_is_seen() {
    for key in [
        UniqueKey::AccountExternalId("d1".into()),
        UniqueKey::Email("a@x.jp".into()),
        UniqueKey::Ticket("T1".into()),
    ] {
        seen_by(&["keys-held"], |maps| {
            maps.keys.remove(&key).unwrap();
        });
    }
}

#[test]
fn a_key_held_by_another_record_is_seen_from_both_sides() {
    seen_by(&["keys-held", "key-owned"], |maps| {
        maps.keys.insert(UniqueKey::Email("a@x.jp".into()), 2);
    });
}

#[test]
fn a_key_held_by_a_record_that_does_not_exist_is_seen() {
    for key in [
        UniqueKey::AccountExternalId("d9".into()),
        UniqueKey::ContactExternalId("d9".into()),
        UniqueKey::Email("z@x.jp".into()),
        UniqueKey::Ticket("T9".into()),
    ] {
        seen_by(&["key-owned"], |maps| {
            maps.keys.insert(key, 9);
        });
    }
}

#[test]
fn an_etag_of_a_revision_to_come_or_of_none_is_seen_on_every_kind_of_row() {
    for etag in [0, 6] {
        let etag = Revision::new(etag);
        seen_by(&["etag-known"], |maps| {
            maps.accounts.get_mut(&account(1)).unwrap().revision = etag;
        });
        seen_by(&["etag-known"], |maps| {
            maps.contacts.get_mut(&contact(2)).unwrap().revision = etag;
        });
        seen_by(&["etag-known"], |maps| {
            association(maps, pair(1, 2)).revision = etag
        });
        seen_by(&["etag-known"], |maps| ticket(maps).revision = etag);
    }
    seen_by(&["etag-known"], |maps| {
        maps.settings.as_mut().unwrap().revision = Revision::new(6);
    });
}

#[test]
fn a_number_that_would_be_given_again_is_seen() {
    let again = [
        Bounds {
            next_account: 2,
            ..BOUNDS
        },
        Bounds {
            next_contact: 2,
            ..BOUNDS
        },
        Bounds {
            next_ticket: 1,
            ..BOUNDS
        },
    ];
    for bounds in again {
        let violations = sound().violations(&bounds);
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].guard, "number-given");
    }
}

#[test]
fn what_is_left_of_a_deleted_account_or_contact_is_seen() {
    use roster_core::guard::Subject::{Account, Contact};
    let mut maps = sound();
    maps.accounts.remove(&account(1));
    maps.contacts.remove(&contact(2));
    let subjects = [Account(account(1)), Contact(contact(2))];
    let violations = violations(&maps, &BOUNDS, &subjects);
    let told: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "nothing-left: account a1 is gone and has 1 contact and 1 ticket",
            "nothing-left: contact c2 is gone and has 0 accounts and 0 tickets, \
             and is in CC of 1",
        ]
    );
}

#[test]
fn settings_beyond_their_limits_are_seen() {
    for max in [0, 10_001] {
        seen_by(&["within-limits"], |maps| {
            maps.settings
                .as_mut()
                .unwrap()
                .record
                .accounts_per_contact_max = max;
        });
    }
    seen_by(&["within-limits"], |maps| {
        maps.settings.as_mut().unwrap().record.default_sharing_roles = vec![Role::default(); 51];
    });
}

#[test]
fn records_beyond_their_limits_are_seen() {
    fn of_account(damage: impl FnOnce(&mut Account)) {
        seen_by(&["within-limits"], |maps| {
            damage(&mut maps.accounts.get_mut(&account(1)).unwrap().record);
        });
    }
    fn of_contact(damage: impl FnOnce(&mut Contact)) {
        seen_by(&["within-limits"], |maps| {
            damage(&mut maps.contacts.get_mut(&contact(1)).unwrap().record);
        });
    }
    let attribute = |key: usize, value: usize| ("k".repeat(key), "v".repeat(value));
    of_account(|of| of.name = Name::trusted(String::new()));
    of_account(|of| of.name_reading = Some(Name::trusted("あ".repeat(201))));
    of_account(|of| of.sharing_roles = vec![Role::trusted("r".repeat(101))]);
    of_account(|of| {
        of.attributes
            .extend((0..51).map(|n| (n.to_string(), String::new())))
    });
    of_account(|of| of.attributes.extend([attribute(65, 1)]));
    of_account(|of| of.attributes.extend([attribute(1, 1_001)]));
    of_account(|of| of.attributes.extend((1..10).map(|n| attribute(n, 1_000))));
    of_contact(|of| of.family_name = Name::trusted("a\0".into()));
    of_contact(|of| of.given_name_reading = Some(Name::trusted(" ".into())));
    seen_by(&["within-limits"], |maps| {
        association(maps, pair(1, 1)).record.role = Role::trusted("r".repeat(101));
    });
    seen_by(&["within-limits"], |maps| {
        ticket(maps).record.subject = Subject::trusted("s".repeat(1_001));
    });
    seen_by(&["within-limits", "ticket-people"], |maps| {
        ticket(maps).record.cc = (2..103).map(contact).collect();
    });
}

#[test]
fn an_eleventh_address_and_an_address_twice_are_seen() {
    let addresses = |maps: &mut Maps, emails: Vec<Email>| {
        let record = &mut maps.contacts.get_mut(&contact(1)).unwrap().record;
        record.emails.extend(emails);
        let keys = contact_keys(Some(record));
        maps.keys.extend(keys.into_iter().map(|key| (key, 1)));
    };
    seen_by(&["within-limits"], |maps| {
        let more = (0..10).map(|n| Email::parse(&format!("{n}@x.jp")).unwrap());
        addresses(maps, more.collect());
    });
    seen_by(&["within-limits"], |maps| {
        addresses(maps, vec![Email::parse("A@x.jp").unwrap()])
    });
}
