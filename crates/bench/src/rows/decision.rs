//! The decision alone: the rule over facts in memory, one thread, no wire.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::FutureExt;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo, Time};
use roster_core::record::{Association, Settings, Sharing, SharingMode};
use roster_core::rules::visibility::{Ground, SightFacts, SightTicket, Verdict, sight};
use roster_core::text::{Role, TicketKey};

use super::Row;
use crate::bench::Bench;
use crate::cache::Engine;
use crate::pairs::Spread;
use crate::report::{Bar, Figure};
use crate::world::{Expected, Mode, ROLES, ROLES_LISTED, World};

/// Questions between two looks at the clock.
const QUESTIONS: usize = 65_536;

pub(super) const ROW: Row = Row {
    name: "decision",
    about: "the decision alone, in process, one thread, over facts in memory: at least 1M/s",
    takes: "",
    of_database: false,
    measure: |bench, _| async { measure(bench) }.boxed_local(),
};

/// The facts of a world in memory. Whatever answers checks in the server can stand here, given the
/// same facts.
pub(crate) fn facts(world: &World) -> impl SightFacts<Error = Infallible> + use<> {
    Maps::of(world)
}

/// Plain maps.
struct Maps {
    settings: Settings,
    blocked: HashSet<ContactId>,
    contacts: u64,
    tickets: HashMap<TicketKey, SightTicket>,
    copies: HashSet<(TicketNo, ContactId)>,
    associations: HashMap<Pair, Association>,
    sharing: HashMap<AccountId, Sharing>,
}

impl Maps {
    fn of(world: &World) -> Self {
        let contacts = (1..=world.contacts).map(ContactId::new);
        let mut maps = Self {
            settings: Settings {
                multiple_accounts: true,
                ..Settings::default()
            },
            blocked: contacts
                .filter(|contact| world.blocked(contact.number()))
                .collect(),
            contacts: world.contacts,
            tickets: HashMap::new(),
            copies: HashSet::new(),
            associations: HashMap::new(),
            sharing: HashMap::new(),
        };
        for number in 1..=world.tickets {
            maps.add_ticket(world, number);
        }
        for contact in 1..=world.contacts {
            maps.add_associations(world, contact);
        }
        for account in 1..=world.accounts {
            let sharing = sharing(world.mode(account));
            maps.sharing.insert(AccountId::new(account), sharing);
        }
        maps
    }

    fn add_ticket(&mut self, world: &World, number: u64) {
        let ticket = world.ticket(number);
        let facts = SightTicket {
            number: TicketNo::new(number),
            requester: ContactId::new(ticket.requester),
            account: ticket.account.map(AccountId::new),
            private: ticket.private,
        };
        for copy in ticket.copies() {
            self.copies.insert((facts.number, ContactId::new(*copy)));
        }
        self.tickets.insert(TicketKey::trusted(ticket.id()), facts);
    }

    fn add_associations(&mut self, world: &World, contact: u64) {
        for belonging in world.belongings(contact) {
            let pair = Pair {
                contact: ContactId::new(contact),
                account: AccountId::new(belonging.account),
            };
            let association = Association {
                primary: belonging.primary,
                sees_account_tickets: belonging.marked,
                role: Role::trusted(ROLES[belonging.role].to_owned()),
                create_time: Time::default(),
            };
            self.associations.insert(pair, association);
        }
    }
}

fn sharing(mode: Option<Mode>) -> Sharing {
    let (mode, listed) = match mode {
        None => (None, 0),
        Some(Mode::Nobody) => (Some(SharingMode::Nobody), 0),
        Some(Mode::Granted) => (Some(SharingMode::Granted), 0),
        Some(Mode::Roles(listed)) => (Some(SharingMode::Roles), listed),
        Some(Mode::Everyone) => (Some(SharingMode::Everyone), 0),
    };
    let role = |role: &&str| Role::trusted((*role).to_owned());
    Sharing {
        mode,
        roles: ROLES_LISTED[..listed].iter().map(role).collect(),
    }
}

impl SightFacts for Maps {
    type Error = Infallible;

    fn settings(&self) -> Result<&Settings, Infallible> {
        Ok(&self.settings)
    }

    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Infallible> {
        let known = (1..=self.contacts).contains(&contact.number());
        Ok(known.then(|| self.blocked.contains(&contact)))
    }

    fn ticket(&self, key: &TicketKey) -> Result<Option<SightTicket>, Infallible> {
        Ok(self.tickets.get(key).copied())
    }

    fn in_copy(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, Infallible> {
        Ok(self.copies.contains(&(ticket, contact)))
    }

    fn association(&self, pair: Pair) -> Result<Option<&Association>, Infallible> {
        Ok(self.associations.get(&pair))
    }

    fn sharing(&self, account: AccountId) -> Result<Option<&Sharing>, Infallible> {
        Ok(self.sharing.get(&account))
    }
}

/// A verdict as the world would say it.
pub(crate) fn as_expected(verdict: &Verdict) -> Expected {
    let mut seen = Expected::default();
    for ground in verdict.grounds() {
        match ground {
            Ground::Requester => seen.requester = true,
            Ground::Copy => seen.copy = true,
            Ground::Account(account) => seen.account = Some(account.number()),
        }
    }
    seen
}

fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let world = bench.world();
    let facts = facts(&world);
    let expected = bench.expected(&world);
    let questions: Vec<(ContactId, TicketKey, Expected)> = expected
        .questions(1)
        .take(QUESTIONS)
        .map(|question| {
            let key = TicketKey::trusted(question.ticket.id());
            (ContactId::new(question.contact), key, question.expected)
        })
        .collect();
    let mut speeds = Vec::new();
    for _ in 0..bench.slices() {
        let (begun, mut decided) = (Instant::now(), 0);
        while begun.elapsed() < bench.slice().min(Duration::from_secs(1)) {
            for (contact, key, expected) in &questions {
                let Ok(verdict) = sight(&facts, *contact, black_box(key)) else {
                    bail!("{contact} or {key} is not known");
                };
                if as_expected(&verdict) != *expected {
                    bail!("wrong decision on {contact} and {key}: {verdict:?}");
                }
            }
            decided += questions.len();
        }
        speeds.push(decided as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(vec![Figure {
        name: ROW.name,
        engine: None::<Engine>,
        spread: Spread::of(speeds),
        unit: "/s",
        bar: Bar::AtLeast(1e6),
        note: "over plain maps".to_owned(),
    }])
}
