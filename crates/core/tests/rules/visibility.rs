//! Visibility: the one rule, clause by clause (`requester`, `cc`, `account`), and against a naive reading of its words.

use std::convert::Infallible;

use roster_core::id::{AccountId, ContactId, Pair, TicketNo, Time};
use roster_core::record::{Association, Settings, Sharing, SharingMode};
use roster_core::rules::visibility::{
    AssociationFacts, ClauseReason, FoldedRole, Ground, SharingFacts, TicketFacts, Unseen, Verdict,
    VisibilityFacts, VisibilitySettings, check_ticket,
};
use roster_core::rules::visitor::{Viewer, Visitor, check_ticket_of};
use roster_core::text::{Role, TicketKey};

use crate::world::{a, c, key, role};

/// One ticket and one contact, and all that the rule asks of them.
#[derive(Clone, Debug)]
struct Scene {
    settings: Settings,
    blocked: Option<bool>,
    ticket: TicketFacts,
    in_cc: bool,
    association: Option<Association>,
    sharing: Sharing,
}

const CONTACT: ContactId = ContactId::new(1);
const ACCOUNT: AccountId = AccountId::new(1);

/// A colleague's ticket under the contact's own account, which shares with marked contacts.
fn scene() -> Scene {
    Scene {
        settings: Settings::default(),
        blocked: Some(false),
        ticket: TicketFacts {
            number: TicketNo::new(1),
            requester: c(2),
            account: Some(ACCOUNT),
            private: false,
        },
        in_cc: false,
        association: Some(Association {
            primary: true,
            sees_account_tickets: false,
            role: Role::default(),
            create_time: Time::default(),
        }),
        sharing: Sharing {
            mode: None,
            roles: Vec::new(),
        },
    }
}

/// A scene as the rule asks it.
struct Facts<'s> {
    scene: &'s Scene,
    settings: VisibilitySettings,
    role: FoldedRole,
    roles: Box<[FoldedRole]>,
}

impl VisibilityFacts for Facts<'_> {
    type Error = Infallible;

    fn settings(&self) -> Result<&VisibilitySettings, Infallible> {
        Ok(&self.settings)
    }

    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Infallible> {
        Ok(self.scene.blocked.filter(|_| contact == CONTACT))
    }

    fn visitors_not_before(&self, _: ContactId) -> Result<Option<Time>, Infallible> {
        Ok(None)
    }

    fn ticket(&self, asked: &TicketKey) -> Result<Option<TicketFacts>, Infallible> {
        Ok(Some(self.scene.ticket).filter(|_| *asked == key("T1")))
    }

    fn in_cc(&self, _: TicketNo, contact: ContactId) -> Result<bool, Infallible> {
        Ok(self.scene.in_cc && contact == CONTACT)
    }

    fn association(&self, pair: Pair) -> Result<Option<AssociationFacts<'_>>, Infallible> {
        let asked = Pair {
            contact: CONTACT,
            account: ACCOUNT,
        };
        let found = self.scene.association.as_ref().filter(|_| pair == asked);
        Ok(found.map(|association| AssociationFacts {
            primary: association.primary,
            sees_account_tickets: association.sees_account_tickets,
            role: &self.role,
        }))
    }

    fn sharing(&self, account: AccountId) -> Result<Option<SharingFacts<'_>>, Infallible> {
        let sharing = SharingFacts {
            mode: self.scene.sharing.mode,
            roles: &self.roles,
        };
        Ok(Some(sharing).filter(|_| account == ACCOUNT))
    }
}

impl Scene {
    fn facts(&self) -> Facts<'_> {
        let role = self.association.as_ref().map(|of| FoldedRole::of(&of.role));
        Facts {
            scene: self,
            settings: VisibilitySettings::of(&self.settings),
            role: role.unwrap_or_default(),
            roles: FoldedRole::all(&self.sharing.roles),
        }
    }

    fn checked(&self, ticket: &TicketKey) -> Result<Verdict, Unseen<Infallible>> {
        // The rule asks facts of a type that it does not know as well.
        let facts = self.facts();
        let facts: &dyn VisibilityFacts<Error = Infallible> = &facts;
        check_ticket(facts, CONTACT, ticket)
    }

    fn verdict(&self) -> Verdict {
        self.checked(&key("T1")).unwrap()
    }

    fn grounds(&self) -> Vec<Ground> {
        self.verdict().grounds().collect()
    }

    fn account_clause(&self) -> ClauseReason {
        let verdict = self.verdict();
        assert_eq!(verdict.account.0, self.ticket.account);
        verdict.account.1
    }

    fn association_mut(&mut self) -> &mut Association {
        self.association.as_mut().unwrap()
    }
}

#[test]
fn a_requester_sees_its_own_whatever_else_says_no() {
    let mut scene = scene();
    scene.ticket.requester = CONTACT;
    scene.ticket.private = true;
    scene.settings.sharing_enabled = false;
    scene.association = None;
    assert_eq!(scene.grounds(), [Ground::Requester]);
}

#[test]
fn a_contact_in_cc_sees_the_ticket_also_from_another_company_and_if_it_is_private() {
    let mut scene = scene();
    scene.in_cc = true;
    scene.ticket.private = true;
    scene.association = None;
    assert_eq!(scene.grounds(), [Ground::Cc]);
}

#[test]
fn a_verdict_names_every_ground() {
    let mut scene = scene();
    scene.ticket.requester = CONTACT;
    scene.in_cc = true;
    scene.association_mut().sees_account_tickets = true;
    let all = [Ground::Requester, Ground::Cc, Ground::Account(ACCOUNT)];
    assert_eq!(scene.grounds(), all);
}

#[test]
fn out_of_the_box_a_colleagues_ticket_is_hidden_until_the_association_is_marked() {
    let mut scene = scene();
    assert_eq!(scene.account_clause(), ClauseReason::NotGranted);
    assert!(!scene.verdict().visible());
    scene.association_mut().sees_account_tickets = true;
    assert_eq!(scene.account_clause(), ClauseReason::AssociationGranted);
    assert!(scene.verdict().visible());
}

#[test]
fn each_mode_looks_at_its_own_mark_and_at_no_other() {
    use ClauseReason::{
        AssociationGranted, ModeNobody, NotGranted, RoleListed, RoleNotListed, SharesWithEveryone,
    };
    let cases = [
        (SharingMode::Nobody, [ModeNobody; 4]),
        (SharingMode::Everyone, [SharesWithEveryone; 4]),
        (
            SharingMode::Granted,
            [
                NotGranted,
                AssociationGranted,
                NotGranted,
                AssociationGranted,
            ],
        ),
        (
            SharingMode::Roles,
            [RoleNotListed, RoleNotListed, RoleListed, RoleListed],
        ),
    ];
    for (mode, expected) in cases {
        for own in [true, false] {
            let mut scene = scene();
            if own {
                scene.sharing.mode = Some(mode);
                scene.sharing.roles = vec![role("部長")];
            } else {
                // An account without a mode of its own takes the organization's, roles and all.
                scene.settings.default_sharing_mode = mode;
                scene.settings.default_sharing_roles = vec![role("部長")];
                scene.sharing.roles = vec![role("誰か")];
            }
            let marks = [
                (false, "課長"),
                (true, "課長"),
                (false, "部長"),
                (true, "部長"),
            ];
            let found = marks.map(|(flag, of_role)| {
                scene.association_mut().sees_account_tickets = flag;
                scene.association_mut().role = role(of_role);
                scene.account_clause()
            });
            assert_eq!(found, expected, "{mode:?}, its own: {own}");
        }
    }
}

#[test]
fn roles_are_compared_after_folding_and_an_empty_one_or_an_empty_list_lets_nobody_in() {
    let mut scene = scene();
    scene.sharing.mode = Some(SharingMode::Roles);
    scene.sharing.roles = vec![role("Manager"), role("ﾌﾞﾁｮｳ")];
    for (of_role, holds) in [
        ("MANAGER", true),
        ("ｍanager", true),
        ("ブチョウ", true),
        ("manage", false),
        ("", false),
    ] {
        scene.association_mut().role = role(of_role);
        assert_eq!(scene.account_clause().holds(), holds, "{of_role}");
    }
    scene.sharing.roles = vec![role("")];
    scene.association_mut().role = role("");
    assert_eq!(scene.account_clause(), ClauseReason::RoleNotListed);
    scene.sharing.roles = Vec::new();
    scene.association_mut().role = role("Manager");
    assert_eq!(scene.account_clause(), ClauseReason::RoleNotListed);
}

#[test]
fn of_several_reasons_against_it_the_first_in_order_is_named() {
    let mut scene = scene();
    scene.sharing.mode = Some(SharingMode::Nobody);
    scene.association_mut().primary = false;
    assert_eq!(scene.account_clause(), ClauseReason::ModeNobody);
    scene.settings.sharing_primary_only = true;
    assert_eq!(scene.account_clause(), ClauseReason::NotPrimary);
    scene.association = None;
    assert_eq!(scene.account_clause(), ClauseReason::NotAssociated);
    scene.ticket.account = None;
    assert_eq!(scene.account_clause(), ClauseReason::TicketWithoutAccount);
    scene.ticket.private = true;
    assert_eq!(scene.account_clause(), ClauseReason::TicketPrivate);
    scene.settings.sharing_enabled = false;
    assert_eq!(scene.account_clause(), ClauseReason::SharingDisabled);
}

#[test]
fn it_is_the_tickets_own_account_that_counts() {
    let mut scene = scene();
    scene.sharing.mode = Some(SharingMode::Everyone);
    scene.ticket.account = Some(a(2));
    assert_eq!(scene.account_clause(), ClauseReason::NotAssociated);
    assert!(!scene.verdict().visible());
}

#[test]
fn primary_and_secondary_count_alike_unless_only_the_primary_does() {
    for (primary, only, holds) in [
        (true, false, true),
        (false, false, true),
        (true, true, true),
        (false, true, false),
    ] {
        let mut scene = scene();
        scene.sharing.mode = Some(SharingMode::Everyone);
        scene.association_mut().primary = primary;
        scene.settings.sharing_primary_only = only;
        assert_eq!(scene.account_clause().holds(), holds);
    }
}

#[test]
fn a_blocked_contact_sees_nothing_and_the_verdict_still_says_what_holds() {
    let mut scene = scene();
    scene.blocked = Some(true);
    scene.ticket.requester = CONTACT;
    scene.in_cc = true;
    scene.sharing.mode = Some(SharingMode::Everyone);
    let verdict = scene.verdict();
    assert!(verdict.blocked && !verdict.visible());
    assert_eq!(scene.grounds(), []);
    let clauses = [verdict.requester, verdict.cc, verdict.account.1];
    assert!(clauses.iter().all(|clause| clause.holds()), "{clauses:?}");
}

#[test]
fn an_unknown_contact_and_an_unknown_ticket_have_no_verdict() {
    let mut scene = scene();
    let unknown = scene.checked(&key("t1"));
    assert_eq!(unknown, Err(Unseen::UnknownTicket));
    scene.blocked = None;
    let unknown = scene.checked(&key("T1"));
    assert_eq!(unknown, Err(Unseen::UnknownContact));
}

/// The rule of the design, read aloud.
fn naive(scene: &Scene) -> bool {
    let Some(association) = &scene.association else {
        return scene.blocked == Some(false) && (scene.ticket.requester == CONTACT || scene.in_cc);
    };
    let (mode, roles) = match scene.sharing.mode {
        Some(own) => (own, &scene.sharing.roles),
        None => (
            scene.settings.default_sharing_mode,
            &scene.settings.default_sharing_roles,
        ),
    };
    let shares = match mode {
        SharingMode::Nobody => false,
        SharingMode::Granted => association.sees_account_tickets,
        SharingMode::Roles => !association.role.is_empty() && roles.contains(&association.role),
        SharingMode::Everyone => true,
    };
    let by_account = scene.settings.sharing_enabled
        && !scene.ticket.private
        && scene.ticket.account == Some(ACCOUNT)
        && (association.primary || !scene.settings.sharing_primary_only)
        && shares;
    scene.blocked == Some(false) && (scene.ticket.requester == CONTACT || scene.in_cc || by_account)
}

#[test]
fn the_rule_says_what_its_words_say_in_every_scene_there_is() {
    use SharingMode::{Everyone, Granted, Nobody, Roles};
    let modes = [Nobody, Granted, Roles, Everyone];
    let own = modes.map(Some).into_iter().chain([None]);
    let mut scenes = 0;
    for (own, default) in own.flat_map(|own| modes.map(|default| (own, default))) {
        for bits in 0..1_u32 << 11 {
            let bit = |n: u32| bits & 1 << n != 0;
            let roles = |listed: bool| vec![role(if listed { "部長" } else { "課長" })];
            let mut scene = scene();
            scene.blocked = Some(bit(0));
            scene.in_cc = bit(1);
            scene.ticket.private = bit(2);
            scene.settings.sharing_enabled = bit(3);
            scene.settings.sharing_primary_only = bit(4);
            scene.settings.default_sharing_mode = default;
            scene.settings.default_sharing_roles = roles(bit(5));
            scene.sharing.mode = own;
            scene.sharing.roles = roles(bit(6));
            scene.association_mut().primary = bit(7);
            scene.association_mut().sees_account_tickets = bit(8);
            scene.association_mut().role = role(if bit(9) { "部長" } else { "" });
            if bit(10) {
                scene.ticket.account = Some(a(2));
            }
            assert_eq!(scene.verdict().visible(), naive(&scene), "{scene:?}");
            scenes += 1;
        }
    }
    assert_eq!(scenes, 5 * 4 * 2_048);
}

/// What a visitor sees whose token names an account.
fn visitor_grounds(scene: &Scene, account: Option<AccountId>, ticket: &str) -> Vec<Ground> {
    let viewer = Viewer {
        contact: CONTACT,
        visitor: Some(Visitor {
            issue_time: Time::from_micros(1),
            account,
        }),
    };
    let verdict = check_ticket_of(&scene.facts(), &viewer, &key(ticket));
    verdict.unwrap().grounds().collect()
}

/// `visitor-account`
#[test]
fn visitor_account_only_the_account_of_the_token_shares() {
    let mut scene = scene();
    scene.association_mut().sees_account_tickets = true;
    let shared = [Ground::Account(ACCOUNT)];
    assert_eq!(visitor_grounds(&scene, None, "T1"), shared);
    assert_eq!(visitor_grounds(&scene, Some(ACCOUNT), "T1"), shared);
    assert_eq!(visitor_grounds(&scene, Some(a(2)), "T1"), []);
    scene.ticket.requester = CONTACT;
    scene.in_cc = true;
    let own = [Ground::Requester, Ground::Cc];
    assert_eq!(visitor_grounds(&scene, Some(a(2)), "T1"), own);
}

/// `visitor-hidden`
#[test]
fn visitor_hidden_an_unknown_ticket_is_hidden_and_an_unknown_contact_has_no_answer() {
    let mut scene = scene();
    assert_eq!(visitor_grounds(&scene, None, "T9"), []);
    assert_eq!(scene.checked(&key("T9")), Err(Unseen::UnknownTicket));
    scene.blocked = None;
    for ticket in ["T1", "T9"] {
        let viewer = Viewer {
            contact: CONTACT,
            visitor: Some(Visitor {
                issue_time: Time::from_micros(1),
                account: None,
            }),
        };
        let verdict = check_ticket_of(&scene.facts(), &viewer, &key(ticket));
        assert_eq!(verdict, Err(Unseen::UnknownContact));
    }
}
