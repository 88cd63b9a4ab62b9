//! The visibility decision without a server: the rule on facts in memory, in one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::FutureExt;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::organization::RevisionId;
use roster_core::record::{Settings, Sharing, SharingMode};
use roster_core::rules::visibility::{
    FactSink, Ground, SinkFull, StreamedAssociation, TicketFacts, Verdict, check_ticket,
};
use roster_core::text::{Role, TicketKey};
use roster_index::{Loading, OrganizationFacts};

use super::Row;
use crate::bench::Bench;
use crate::databases::Engine;
use crate::pairs::Spread;
use crate::report::{Bar, Figure};
use crate::world::{Expected, Mode, ROLES, ROLES_LISTED, World};

/// Decisions between two reads of the clock.
const QUESTIONS: usize = 65_536;

pub(super) const ROW: Row = Row {
    name: "decision",
    about: "the visibility decision in process, on facts in memory, in one thread: at least 1M/s",
    takes: "",
    per_engine: false,
    only_by_name: false,
    measure: |bench, _| async { measure(bench) }.boxed_local(),
};

/// Loads the facts of a world into memory, as a server does.
pub(crate) fn facts(world: &World) -> Result<OrganizationFacts> {
    let settings = Settings {
        multiple_accounts: true,
        ..Settings::default()
    };
    let mut loading = Loading::new(RevisionId::default(), &settings, usize::MAX);
    // `finish` reports it if memory is full.
    let _ = stream_facts(world, &mut loading);
    Ok(loading.finish()?)
}

/// Streams the facts in the order of their keys, as a database does.
fn stream_facts(world: &World, sink: &mut dyn FactSink) -> Result<(), SinkFull> {
    for contact in 1..=world.contacts {
        sink.contact(ContactId::new(contact), world.blocked(contact))?;
        let mut memberships: Vec<_> = world.memberships(contact).collect();
        memberships.sort_by_key(|membership| membership.account);
        for membership in memberships {
            let pair = Pair {
                contact: ContactId::new(contact),
                account: AccountId::new(membership.account),
            };
            let part = StreamedAssociation {
                primary: membership.primary,
                sees_account_tickets: membership.marked,
                role: &Role::trusted(ROLES[membership.role].to_owned()),
            };
            sink.association(pair, part)?;
        }
    }
    for account in 1..=world.accounts {
        sink.account(AccountId::new(account), &sharing(world.mode(account)))?;
    }
    for number in 1..=world.tickets {
        let ticket = world.ticket(number);
        let no = TicketNo::new(number);
        let facts = TicketFacts {
            number: no,
            requester: ContactId::new(ticket.requester),
            account: ticket.account.map(AccountId::new),
            private: ticket.private,
        };
        sink.ticket(&ticket.id(), facts)?;
        let mut cc: Vec<u64> = ticket.cc().to_vec();
        cc.sort_unstable();
        for contact in cc {
            sink.cc(no, ContactId::new(contact))?;
        }
    }
    Ok(())
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

/// Converts a verdict to the type of the world.
pub(crate) fn as_expected(verdict: &Verdict) -> Expected {
    let mut seen = Expected::default();
    for ground in verdict.grounds() {
        match ground {
            Ground::Requester => seen.requester = true,
            Ground::Cc => seen.cc = true,
            Ground::Account(account) => seen.account = Some(account.number()),
        }
    }
    seen
}

fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let world = bench.world();
    let facts = facts(&world)?;
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
        let (started, mut decided) = (Instant::now(), 0);
        while started.elapsed() < bench.slice().min(Duration::from_secs(1)) {
            for (contact, key, expected) in &questions {
                let Ok(verdict) = check_ticket(&facts, *contact, black_box(key)) else {
                    bail!("{contact} or {key} is unknown");
                };
                if as_expected(&verdict) != *expected {
                    bail!("wrong decision on {contact} and {key}: {verdict:?}");
                }
            }
            decided += questions.len();
        }
        speeds.push(decided as f64 / started.elapsed().as_secs_f64());
    }
    Ok(vec![Figure {
        name: ROW.name,
        engine: None::<Engine>,
        spread: Spread::of(speeds),
        unit: "/s",
        bar: Bar::AtLeast(1e6),
        note: memory(&facts, &world),
    }])
}

/// Formats the memory that the facts use.
fn memory(facts: &OrganizationFacts, world: &World) -> String {
    let bytes = facts.bytes_by_kind();
    let each = |bytes: usize, count: u64| bytes as f64 / count as f64;
    format!(
        "{:.1} bytes per ticket, {:.1} per contact with its associations, {:.0} MiB in total",
        each(bytes.tickets + bytes.cc, world.tickets),
        each(bytes.contacts, world.contacts),
        facts.bytes() as f64 / f64::from(1 << 20)
    )
}
