//! A naive evaluator of **visibility**, written from the text of the rule. Tests compare the answers
//! of the server with it; it shares no code with the server.

use std::collections::{BTreeMap, BTreeSet};

use roster_api::v1::ClauseReason;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Nobody,
    Granted,
    Roles,
    Everyone,
}

#[derive(Clone, Debug)]
pub struct Rules {
    pub sharing_enabled: bool,
    pub default_mode: Mode,
    pub default_roles: Vec<String>,
    pub primary_only: bool,
}

#[derive(Clone, Debug)]
pub struct Company {
    pub mode: Option<Mode>,
    pub roles: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Membership {
    pub primary: bool,
    pub sees_account_tickets: bool,
    pub role: String,
    /// The number of the write that touched it last.
    pub touched: u64,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub requester: String,
    pub account: Option<String>,
    pub private: bool,
    pub closed: bool,
    pub cc: BTreeSet<String>,
    pub created: i64,
}

/// All that is true of an organization, by the ids that the server gave.
#[derive(Clone, Debug)]
pub struct Organization {
    pub rules: Rules,
    pub companies: BTreeMap<String, Company>,
    /// Whether each person is blocked.
    pub people: BTreeMap<String, bool>,
    /// By person, then company.
    pub memberships: BTreeMap<(String, String), Membership>,
    pub cases: BTreeMap<String, Case>,
}

impl Organization {
    /// The companies of a person.
    pub fn companies_of(&self, person: &str) -> Vec<String> {
        let of = |((who, company), _): (&(String, String), _)| {
            (who == person).then(|| String::clone(company))
        };
        self.memberships.iter().filter_map(of).collect()
    }

    /// Returns the primary company of a person.
    pub fn primary_of(&self, person: &str) -> Option<String> {
        let is_it = |((who, _), membership): &(&(String, String), &Membership)| {
            who == person && membership.primary
        };
        let mut primaries = self.memberships.iter().filter(is_it);
        let primary = primaries.next().map(|((_, company), _)| company.clone());
        assert!(primaries.next().is_none(), "{person} has two primaries");
        primary
    }

    /// Returns the facts that decide whether this person sees this case.
    pub fn question(&self, person: &str, case: &Case) -> Question<'_> {
        let membership = case
            .account
            .as_ref()
            .and_then(|company| self.memberships.get(&(person.into(), company.clone())));
        let company = case
            .account
            .as_ref()
            .and_then(|company| self.companies.get(company));
        Question {
            blocked: self.people[person],
            requested: case.requester == person,
            in_cc: case.cc.contains(person),
            sharing_enabled: self.rules.sharing_enabled,
            private: case.private,
            under_company: case.account.is_some(),
            associated: membership.is_some(),
            primary_only: self.rules.primary_only,
            primary: membership.is_some_and(|m| m.primary),
            own_mode: company.and_then(|c| c.mode),
            own_roles: company.map(|c| c.roles.as_slice()).unwrap_or_default(),
            default_mode: self.rules.default_mode,
            default_roles: &self.rules.default_roles,
            sees_account_tickets: membership.is_some_and(|m| m.sees_account_tickets),
            role: membership.map(|m| m.role.as_str()).unwrap_or_default(),
        }
    }

    /// What the rule says.
    pub fn verdict(&self, person: &str, case: &Case) -> Verdict {
        self.question(person, case).verdict()
    }

    /// The cases that a person sees, in the order of the list.
    pub fn seen_by(&self, person: &str) -> Vec<String> {
        let mut seen: Vec<(&String, &Case)> = self.cases.iter().collect();
        seen.retain(|(_, case)| self.verdict(person, case).visible());
        seen.sort_by_key(|(id, case)| (-case.created, id.as_bytes()));
        seen.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// Who sees a case, in the order of the list.
    pub fn viewers_of(&self, case: &Case) -> Vec<String> {
        let mut viewers: Vec<String> = self.people.keys().cloned().collect();
        viewers.retain(|person| self.verdict(person, case).visible());
        viewers.sort_by_key(|person| person[1..].parse::<u64>().expect("a number"));
        viewers
    }

    /// Only what one question depends on, small enough to read.
    pub fn excerpt(&self, person: &str, ticket: &str) -> String {
        let case = self.cases.get(ticket);
        let mut told = format!("{:?}\n", self.rules);
        for who in [Some(person), case.map(|c| c.requester.as_str())] {
            let Some(who) = who else { continue };
            told += &format!("contact {who}, blocked: {:?}\n", self.people.get(who));
            for company in self.companies_of(who) {
                let membership = &self.memberships[&(who.into(), company.clone())];
                told += &format!("  in {company}: {membership:?}\n");
            }
        }
        told += &format!("ticket {ticket}: {case:?}\n");
        if let Some(company) = case.and_then(|c| c.account.as_ref()) {
            told += &format!("account {company}: {:?}\n", self.companies.get(company));
        }
        told
    }
}

/// The facts of one question, and no others.
#[derive(Clone, Copy, Debug)]
pub struct Question<'o> {
    pub blocked: bool,
    pub requested: bool,
    pub in_cc: bool,
    pub sharing_enabled: bool,
    pub private: bool,
    pub under_company: bool,
    pub associated: bool,
    pub primary_only: bool,
    pub primary: bool,
    pub own_mode: Option<Mode>,
    pub own_roles: &'o [String],
    pub default_mode: Mode,
    pub default_roles: &'o [String],
    pub sees_account_tickets: bool,
    pub role: &'o str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub blocked: bool,
    pub requested: bool,
    pub in_cc: bool,
    pub through_account: bool,
    /// Why the account shows it, or the first reason why not.
    pub account_reason: ClauseReason,
}

impl Verdict {
    pub fn visible(&self) -> bool {
        !self.blocked && (self.requested || self.in_cc || self.through_account)
    }
}

impl<'o> Question<'o> {
    pub fn mode(&self) -> Mode {
        self.own_mode.unwrap_or(self.default_mode)
    }

    pub fn roles(&self) -> &'o [String] {
        match self.own_mode {
            Some(_) => self.own_roles,
            None => self.default_roles,
        }
    }

    pub fn role_is_listed(&self) -> bool {
        let role = folded(self.role);
        !role.is_empty() && self.roles().iter().any(|listed| folded(listed) == role)
    }

    pub fn verdict(&self) -> Verdict {
        let against = self.against_the_account();
        let by_mode = match self.mode() {
            Mode::Everyone => ClauseReason::SharesWithEveryone,
            Mode::Granted => ClauseReason::AssociationGranted,
            Mode::Roles | Mode::Nobody => ClauseReason::RoleListed,
        };
        Verdict {
            blocked: self.blocked,
            requested: self.requested,
            in_cc: self.in_cc,
            through_account: against.is_none(),
            account_reason: against.unwrap_or(by_mode),
        }
    }

    /// The first that is against it.
    fn against_the_account(&self) -> Option<ClauseReason> {
        use ClauseReason::*;
        let mode = self.mode();
        let against = [
            (!self.sharing_enabled, SharingDisabled),
            (self.private, TicketPrivate),
            (!self.under_company, TicketWithoutAccount),
            (!self.associated, NotAssociated),
            (self.primary_only && !self.primary, NotPrimary),
            (mode == Mode::Nobody, ModeNobody),
            (
                mode == Mode::Granted && !self.sees_account_tickets,
                NotGranted,
            ),
            (mode == Mode::Roles && !self.role_is_listed(), RoleNotListed),
        ];
        let first = against.into_iter().find(|(holds, _)| *holds);
        first.map(|(_, reason)| reason)
    }
}

/// Width and case are no difference; for the letters that the roles of the worlds are made of.
fn folded(role: &str) -> String {
    let wide_kana = role.replace("ﾘｰﾀﾞｰ", "リーダー");
    let narrow_latin = |letter: char| match letter {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(letter) - 0xfee0).expect("a narrow letter")
        }
        other => other,
    };
    let narrowed: String = wide_kana.chars().map(narrow_latin).collect();
    narrowed.to_lowercase()
}

/// A fact that may decide by itself: if only it changes, the answer changes.
pub struct Factor {
    pub name: &'static str,
    /// Changes this fact.
    pub otherwise: for<'o> fn(&mut Question<'o>, &Scene<'o>),
}

/// Whose question it is.
pub struct Scene<'o> {
    pub organization: &'o Organization,
    pub person: &'o str,
    pub case: &'o Case,
}

fn first_of(roles: &[String]) -> &str {
    roles.first().map(String::as_str).unwrap_or_default()
}

/// Every clause, mode, block, switch and empty account of the rule.
pub const FACTORS: &[Factor] = &[
    Factor {
        name: "clause requester",
        otherwise: |q, _| q.requested = false,
    },
    Factor {
        name: "clause cc",
        otherwise: |q, _| q.in_cc = false,
    },
    Factor {
        name: "clause account",
        otherwise: |q, _| q.associated = false,
    },
    Factor {
        name: "blocked contact",
        otherwise: |q, _| q.blocked = false,
    },
    Factor {
        name: "private ticket",
        otherwise: |q, _| q.private = false,
    },
    Factor {
        name: "sharing_enabled off",
        otherwise: |q, _| q.sharing_enabled = true,
    },
    Factor {
        name: "sharing_primary_only on",
        otherwise: |q, _| q.primary_only = false,
    },
    Factor {
        name: "primary under sharing_primary_only",
        otherwise: |q, _| q.primary = false,
    },
    Factor {
        name: "not associated with the account",
        otherwise: |q, _| {
            q.associated = true;
            q.primary = true;
        },
    },
    Factor {
        name: "the ticket's account, not the requester's",
        otherwise: |q, scene| {
            let mut elsewhere = scene.case.clone();
            elsewhere.account = scene.organization.primary_of(&elsewhere.requester);
            *q = scene.organization.question(scene.person, &elsewhere);
        },
    },
    Factor {
        name: "no account on either side",
        otherwise: |q, scene| {
            let companies = |person| scene.organization.companies_of(person);
            if !q.under_company && companies(scene.person).is_empty() {
                q.under_company = true;
                q.associated = true;
                q.primary = true;
                q.own_mode = Some(Mode::Everyone);
            }
        },
    },
    Factor {
        name: "mode NOBODY",
        otherwise: |q, _| {
            if q.mode() == Mode::Nobody {
                q.own_mode = Some(Mode::Everyone);
            }
        },
    },
    Factor {
        name: "mode EVERYONE",
        otherwise: |q, _| {
            if q.mode() == Mode::Everyone {
                q.own_mode = Some(Mode::Nobody);
            }
        },
    },
    Factor {
        name: "mode GRANTED, marked",
        otherwise: |q, _| q.sees_account_tickets = false,
    },
    Factor {
        name: "mode GRANTED, not marked",
        otherwise: |q, _| q.sees_account_tickets = true,
    },
    Factor {
        name: "a mark under another mode",
        otherwise: |q, _| {
            if q.sees_account_tickets {
                q.own_mode = Some(Mode::Granted);
            }
        },
    },
    Factor {
        name: "mode ROLES, role listed",
        otherwise: |q, _| q.role = "another",
    },
    Factor {
        name: "mode ROLES, role not listed",
        otherwise: |q, _| {
            if !q.role.is_empty() {
                q.role = first_of(q.roles());
            }
        },
    },
    Factor {
        name: "mode ROLES, role empty",
        otherwise: |q, _| {
            if q.role.is_empty() {
                q.role = first_of(q.roles());
            }
        },
    },
    Factor {
        name: "mode ROLES, list empty",
        otherwise: |q, _| {
            if q.mode() == Mode::Roles && q.roles().is_empty() {
                q.own_mode = Some(Mode::Everyone);
            }
        },
    },
    Factor {
        name: "mode ROLES, width or case of the role",
        otherwise: |q, _| {
            if !q.roles().iter().any(|listed| listed == q.role) {
                q.role = "another";
            }
        },
    },
    Factor {
        name: "a listed role under another mode",
        otherwise: |q, _| {
            if q.role_is_listed() {
                q.own_roles = q.roles();
                q.own_mode = Some(Mode::Roles);
            }
        },
    },
    Factor {
        name: "own mode, not the default",
        otherwise: |q, _| q.own_mode = None,
    },
    Factor {
        name: "default mode",
        otherwise: |q, _| {
            let open = q.verdict().through_account;
            q.default_mode = if open { Mode::Nobody } else { Mode::Everyone };
        },
    },
    Factor {
        name: "default roles, not those of the account",
        otherwise: |q, _| {
            if q.own_mode.is_none() {
                q.default_roles = q.own_roles;
            }
        },
    },
];
