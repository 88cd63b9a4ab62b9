//! Visitors: revoked tokens. `visibility.rs` has the rules about tickets, and the random runs of
//! `crates/index/tests` compare all of them with their words.

use roster_core::change::{Change, Row};
use roster_core::id::{ContactId, Time};
use roster_core::refusal::Refusal;
use roster_core::rules::contact::{ContactPatch, UpdateContact};
use roster_core::rules::visitor::{CLOCK_SKEW_MICROS, RevokeVisitorTokens, Visitor, issue_time};

use crate::world::{World, c};

fn revoked_until(world: &World, contact: ContactId) -> Option<Time> {
    world.maps.contacts[&contact].record.visitors_not_before
}

/// `visitor-gone`
#[test]
fn visitor_gone_a_revocation_reaches_tokens_until_then_and_no_later_token() {
    let mut world = World::new(false);
    assert_eq!(revoked_until(&world, c(1)), None);
    let now = world.given.now;
    let visitor = |micros| Visitor {
        issue_time: Time::from_micros(micros),
        account: None,
    };
    assert!(!visitor(0).is_revoked(None));

    world.done(RevokeVisitorTokens { contact: c(1) });
    let until = revoked_until(&world, c(1)).expect("it");
    // Also the tokens of a server whose clock is ahead.
    assert_eq!(until.micros(), now.micros() + CLOCK_SKEW_MICROS);
    for (issued, is_revoked) in [(-1, true), (0, true), (1, false)] {
        let visitor = visitor(until.micros() + issued);
        assert_eq!(visitor.is_revoked(Some(until)), is_revoked, "{issued}");
    }
    let [Change::Contact(Row::Updated { key, .. })] = &world.changes[..] else {
        panic!("{:?}", world.changes);
    };
    assert_eq!(*key, c(1));
    assert_eq!(revoked_until(&world, c(2)), None);
}

/// `visitor-gone`
#[test]
fn visitor_gone_a_token_after_a_revocation_is_accepted_until_the_next_revocation() {
    let mut world = World::new(false);
    let token = |world: &World| Visitor {
        issue_time: issue_time(world.given.now, revoked_until(world, c(1))),
        account: None,
    };
    for _ in 0..3 {
        let before = token(&world);
        assert!(!before.is_revoked(revoked_until(&world, c(1))));
        world.done(RevokeVisitorTokens { contact: c(1) });
        assert!(before.is_revoked(revoked_until(&world, c(1))));
        assert!(!token(&world).is_revoked(revoked_until(&world, c(1))));
    }
    let later = Time::from_micros(i64::MAX);
    assert_eq!(issue_time(later, revoked_until(&world, c(1))), later);
}

#[test]
fn an_update_of_a_contact_keeps_its_revocation() {
    let mut world = World::new(false);
    world.done(RevokeVisitorTokens { contact: c(1) });
    let until = revoked_until(&world, c(1));
    world.done(UpdateContact {
        id: c(1),
        patch: ContactPatch {
            blocked: Some(true),
            ..ContactPatch::default()
        },
        etag: None,
    });
    assert_eq!(revoked_until(&world, c(1)), until);
    let unknown = world.refused(RevokeVisitorTokens { contact: c(9) });
    assert_eq!(unknown, Refusal::ContactNotFound(c(9)));
}
