//! Payloads of random changes are read as they were written, and random payloads never break the reader.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = String> {
    // Including NUL: the log stores any text.
    vec(any::<char>(), 0..8).prop_map(String::from_iter)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..9_u64, Just(i64::MAX as u64), 0..=(i64::MAX as u64)]
}

fn time() -> impl Strategy<Value = Time> {
    any::<i64>().prop_map(Time::from_micros)
}

fn mode() -> impl Strategy<Value = SharingMode> {
    prop_oneof![
        Just(SharingMode::Nobody),
        Just(SharingMode::Granted),
        Just(SharingMode::Roles),
        Just(SharingMode::Everyone)
    ]
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    vec(text().prop_map(Role::trusted), 0..3)
}

prop_compose! {
    fn any_account()(
        name in text(), reading in option::of(text()), external in option::of(text()),
        attributes in btree_map(text(), text(), 0..3), sharing_mode in option::of(mode()),
        sharing_roles in roles(), website in option::of(text()),
        create_time in time(), update_time in time(),
    ) -> Account {
        Account {
            name: Name::trusted(name),
            name_reading: reading.map(Name::trusted),
            external_id: external.map(ExternalId::trusted),
            website: website.map(Website::trusted),
            attributes, sharing_mode, sharing_roles, create_time, update_time,
        }
    }
}

prop_compose! {
    fn any_contact()(
        family in text(), given in option::of(text()),
        readings in (option::of(text()), option::of(text())),
        emails in vec(text(), 0..3), external in option::of(text()),
        attributes in btree_map(text(), text(), 0..3), blocked in any::<bool>(), phone in option::of(text()),
        visitors_not_before in option::of(time()), create_time in time(), update_time in time(),
    ) -> Contact {
        Contact {
            family_name: Name::trusted(family),
            given_name: given.map(Name::trusted),
            family_name_reading: readings.0.map(Name::trusted),
            given_name_reading: readings.1.map(Name::trusted),
            emails: emails.into_iter().map(Email::trusted).collect(),
            external_id: external.map(ExternalId::trusted),
            phone: phone.map(Phone::trusted),
            attributes, blocked, visitors_not_before, create_time, update_time,
        }
    }
}

prop_compose! {
    fn any_association()(
        primary in any::<bool>(), sees_account_tickets in any::<bool>(), role in text(),
        create_time in time(),
    ) -> Association {
        Association { primary, sees_account_tickets, role: Role::trusted(role), create_time }
    }
}

prop_compose! {
    fn any_ticket()(
        key in text(), requester in number(), account in option::of(number()), subject in text(),
        closed in any::<bool>(), private in any::<bool>(), cc in vec(number(), 0..4),
        create_time in time(),
    ) -> Ticket {
        Ticket {
            key: TicketKey::trusted(key),
            requester: ContactId::new(requester),
            account: account.map(AccountId::new),
            subject: Subject::trusted(subject),
            status: status(closed),
            private,
            cc: cc.into_iter().map(ContactId::new).collect(),
            create_time,
        }
    }
}

prop_compose! {
    fn any_settings()(
        switches in any::<[bool; 4]>(), max in any::<u32>(), default_sharing_mode in mode(),
        default_sharing_roles in roles(),
    ) -> Settings {
        Settings {
            multiple_accounts: switches[0],
            accounts_per_contact_max: max,
            sharing_enabled: switches[1],
            default_sharing_mode,
            default_sharing_roles,
            new_associations_see_account_tickets: switches[2],
            sharing_primary_only: switches[3],
        }
    }
}

fn row<K: Clone + std::fmt::Debug, R: Clone + std::fmt::Debug>(
    key: impl Strategy<Value = K>,
    record: impl Strategy<Value = R> + Clone,
) -> impl Strategy<Value = Row<K, R>> {
    (key, record.clone(), record, 0..3).prop_map(|(key, before, after, kind)| match kind {
        0 => Row::Created(key, after),
        1 => Row::Deleted(key, before),
        _ => Row::Updated { key, before, after },
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let pair = (number(), number()).prop_map(|(contact, account)| Pair {
        contact: ContactId::new(contact),
        account: AccountId::new(account),
    });
    let account = || option::of(number().prop_map(AccountId::new));
    let tickets = vec(number().prop_map(TicketNo::new), 0..6);
    prop_oneof![
        row(number().prop_map(AccountId::new), any_account().boxed()).prop_map(Change::Account),
        row(number().prop_map(ContactId::new), any_contact().boxed()).prop_map(Change::Contact),
        row(pair, any_association().boxed()).prop_map(Change::Association),
        row(number().prop_map(TicketNo::new), any_ticket().boxed()).prop_map(Change::Ticket),
        (any_settings(), any_settings()).prop_map(|(before, after)| Change::Settings {
            before: Box::new(before),
            after: Box::new(after),
        }),
        (number(), account(), tickets, account()).prop_map(|(of, account, tickets, after)| {
            Change::TicketsMoved {
                held: Held {
                    requester: ContactId::new(of),
                    account,
                },
                tickets,
                after,
            }
        }),
    ]
}

/// Cases of each property.
const CASES: u32 = 256;

fn config() -> ProptestConfig {
    let long = std::env::var_os("ROSTER_LONG").is_some();
    ProptestConfig {
        cases: if long { CASES * 50 } else { CASES },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_read_is_what_was_written(changes in vec(any_change(), 0..6)) {
        let parts = encode(&changes).unwrap();
        prop_assert_eq!(decode(FORMAT, &parts).unwrap(), changes);
    }

    #[test]
    fn settings_are_read_as_they_were_written(settings in any_settings()) {
        prop_assert_eq!(crate::log::entry::read::<Settings>(&encode_settings(&settings)), Some(settings));
    }

    #[test]
    fn no_payload_breaks_the_reader(noise in vec(any::<u8>(), 0..200), packed in any::<bool>()) {
        let payload = if packed { pack(&noise).unwrap() } else { noise };
        // It may fail or decode to a message, but it never panics.
        let _ = decode(FORMAT, &[payload]);
    }

    #[test]
    fn no_entry_breaks_the_reader(
        kind in 0..8_i32, key in any::<i64>(), second_key in any::<i64>(),
        before in option::of(vec(any::<u8>(), 0..20)), after in option::of(vec(any::<u8>(), 0..20)),
        tickets in vec(any::<i64>(), 0..4), from_account in option::of(any::<i64>()),
        to_account in option::of(any::<i64>()),
    ) {
        let entry =
            Entry { kind, key, second_key, before, after, tickets, from_account, to_account };
        let _ = decode(FORMAT, &payload(entry));
    }
}
