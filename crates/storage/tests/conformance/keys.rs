//! Which ids are equal and which differ: alike on both engines.

use roster_core::fact::UniqueKey;
use roster_core::id::ContactId;
use roster_core::refusal::Refusal;
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::ticket::{DeleteTickets, Record, RecordTickets};
use roster_core::text::{Email, ExternalId, Name, TICKET_ID_BYTES_MAX, TextFault, TicketKey};
use roster_storage::NotDone;

use crate::batching::account;
use crate::replay::assert_whole;
use crate::world::World;

both_engines!(
    ticket_ids_are_compared_byte_by_byte,
    external_ids_and_addresses_are_one_whatever_their_case_width_and_composition,
    an_id_is_found_by_every_spelling_that_is_one_with_it_and_kept_as_given,
);

pub fn contact(email: &str) -> CreateContact {
    CreateContact {
        family_name: Name::parse("田中").unwrap(),
        fields: ContactPatch {
            emails: Some(vec![Email::parse(email).unwrap()]),
            ..ContactPatch::default()
        },
    }
}

/// A record of a ticket of the first contact.
pub fn ticket(key: &str) -> Record {
    Record {
        key: TicketKey::parse(key).unwrap(),
        requester: ContactId::new(1),
        cc: Vec::new(),
        allow_unassociated_account: false,
        account: None,
        subject: None,
        status: None,
        private: None,
        create_time: None,
    }
}

/// Ids that look alike and all differ.
const ALIKE: [&str; 12] = [
    "Ab1",
    "ab1",
    "AB1",
    "ab1 ",
    " ab1",
    "ａｂ１",
    "e\u{301}",
    "\u{e9}",
    "か\u{3099}",
    "が",
    "ß",
    "ss",
];

async fn ticket_ids_are_compared_byte_by_byte(world: World) {
    world.execute(contact("a@x.jp")).await.unwrap();
    let longest = "é".repeat(TICKET_ID_BYTES_MAX / 2);
    let nearly = format!("{}e", "é".repeat(TICKET_ID_BYTES_MAX / 2 - 1));
    let keys: Vec<&str> = ALIKE
        .into_iter()
        .chain([longest.as_str(), &nearly])
        .collect();
    let tickets = || RecordTickets {
        tickets: keys.iter().map(|key| ticket(key)).collect(),
    };
    let (made, _) = world.execute(tickets()).await.unwrap();
    assert!(
        made.iter().all(|made| !made.as_ref().unwrap().existed),
        "{made:?}"
    );
    let (again, _) = world.execute(tickets()).await.unwrap();
    assert!(
        again.iter().all(|again| again.as_ref().unwrap().existed),
        "{again:?}"
    );
    let asked: Vec<UniqueKey> = keys
        .iter()
        .map(|key| UniqueKey::Ticket((*key).into()))
        .collect();
    let owners = world
        .store
        .read(&world.organization, move |at| at.owners(&asked));
    let mut owners = owners.await.unwrap();
    owners.sort_by_key(|(_, owner)| *owner);
    let found: Vec<&str> = owners.iter().map(|(key, _)| key.text()).collect();
    assert_eq!(found, keys);
    // Deleting one does not delete another.
    let one = DeleteTickets {
        keys: vec![TicketKey::parse("ab1").unwrap()],
    };
    world.execute(one).await.unwrap();
    let asked: Vec<UniqueKey> = keys
        .iter()
        .map(|key| UniqueKey::Ticket((*key).into()))
        .collect();
    let left = world
        .store
        .read(&world.organization, move |at| at.owners(&asked));
    assert_eq!(left.await.unwrap().len(), keys.len() - 1);
    assert_whole(&world, &world.organization).await;
}

async fn external_ids_and_addresses_are_one_whatever_their_case_width_and_composition(
    world: World,
) {
    let folded = [
        ["D0001", "d0001", "Ｄ０００１"],
        ["caf\u{e9}", "CAFE\u{301}", "ｃａｆ\u{e9}"],
        ["が-1", "か\u{3099}-1", "ｶﾞ-1"],
    ];
    for (index, spellings) in folded[..2].iter().enumerate() {
        for (nth, spelling) in spellings.iter().enumerate() {
            let result = world.execute(account(spelling)).await;
            let taken = matches!(result, Err(NotDone::Refused(Refusal::KeyTaken { .. })));
            assert_eq!(taken, nth > 0, "{index} {spelling}: {result:?}");
            let result = world.execute(contact(&format!("{spelling}@X.jp"))).await;
            let taken = matches!(result, Err(NotDone::Refused(Refusal::KeyTaken { .. })));
            assert_eq!(taken, nth > 0, "{index} {spelling}: {result:?}");
        }
    }
    // The width of kana is folded, the kind of kana is not.
    world.execute(account("が-1")).await.unwrap();
    assert!(world.execute(account("か\u{3099}-1")).await.is_err());
    world.execute(account("ｶﾞ-1")).await.unwrap();
    assert!(world.execute(account("ガ-1")).await.is_err());
    assert_whole(&world, &world.organization).await;
}

async fn an_id_is_found_by_every_spelling_that_is_one_with_it_and_kept_as_given(world: World) {
    world.execute(account("Ｄ０００１")).await.unwrap();
    for spelling in ["D0001", "d0001 ", "Ｄ０００１"] {
        let key = UniqueKey::of_account(&ExternalId::parse(spelling).unwrap());
        let owner = world
            .store
            .read(&world.organization, move |at| at.owners(&[key]));
        assert_eq!(owner.await.unwrap().len(), 1, "{spelling}");
    }
    let id = roster_core::id::AccountId::new(1);
    let kept = world
        .store
        .read(&world.organization, move |at| at.accounts(&[id]));
    let kept = kept.await.unwrap().remove(0).1.record.external_id;
    assert_eq!(kept.unwrap().as_str(), "Ｄ０００１");
}

#[test]
fn an_id_with_nul_or_one_byte_over_its_limit_never_reaches_a_store() {
    let over = "é".repeat(TICKET_ID_BYTES_MAX / 2) + "e";
    assert!(matches!(
        TicketKey::parse(&over),
        Err(TextFault::TooLong { .. })
    ));
    for nul in ["a\0", "\0", "a\0b"] {
        let refused = |fault: Option<TextFault>| {
            assert!(
                matches!(fault, Some(TextFault::ControlCharacter { code: 0, .. })),
                "{nul:?}"
            );
        };
        refused(TicketKey::parse(nul).err());
        refused(ExternalId::parse(nul).err());
        refused(Email::parse(nul).err());
        refused(Name::parse(nul).err());
    }
}
