//! **Visibility** on generated organizations: check, batch, list, viewers and explain give the
//! answers of the naive evaluator, before and after changes of every kind.
//!
//! `ROSTER_SEED=n` starts at another organization (a failure names its own); `ROSTER_LONG=1` asks
//! ten times as many questions.

use std::collections::BTreeMap;
use std::panic::resume_unwind;

use rand::RngExt;
use rand::seq::IndexedRandom;
use roster_api::v1::*;
use roster_testkit::seed;
use tokio::task::JoinSet;

use crate::generated::{Generated, wire_status};
use crate::memory::{another, metric};
use crate::naive::{Case, FACTORS, Scene, Verdict};
use crate::world::{Clients, Engine, Server, World, both_engines};

both_engines!(check_batch_list_viewers_and_explain_agree_with_the_rule,);

/// Pairs of a contact and a ticket, each judged by batch, list and viewers.
const QUESTIONS: u64 = 100_000;
/// An organization makes some 4,300 of them, in two rounds.
const ORGANIZATIONS: u64 = 24;
/// Pairs of a round that are also checked and explained one by one.
const SAMPLED: usize = 30;
/// How many organizations are created and queried at a time.
const AT_A_TIME: usize = 4;
/// Minimum number of questions that each factor must decide by itself.
const DECIDED_PERCENT_MIN: f64 = 1.0;

/// The number of questions, and the number that each factor decided by itself.
#[derive(Default)]
struct Tally {
    questions: u64,
    decided: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn count(&mut self, world: &Generated) {
        let organization = &world.facts;
        for person in organization.people.keys() {
            for case in organization.cases.values() {
                self.questions += 1;
                let question = organization.question(person, case);
                let visible = question.verdict().visible();
                let scene = Scene {
                    organization,
                    person,
                    case,
                };
                for factor in FACTORS {
                    let mut otherwise = question;
                    (factor.otherwise)(&mut otherwise, &scene);
                    let decides = otherwise.verdict().visible() != visible;
                    *self.decided.entry(factor.name).or_default() += u64::from(decides);
                }
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.questions += other.questions;
        for (name, decided) in other.decided {
            *self.decided.entry(name).or_default() += decided;
        }
    }

    fn percent(&self, decided: u64) -> f64 {
        decided as f64 * 100.0 / self.questions as f64
    }

    fn print(&self) {
        println!("{} questions; decided alone by", self.questions);
        for (name, decided) in &self.decided {
            println!("{:6.2} %  {name}", self.percent(*decided));
        }
    }

    fn assert_enough(&self, questions_min: u64) {
        assert!(self.questions >= questions_min, "{}", self.questions);
        for (name, decided) in &self.decided {
            let enough = self.percent(*decided) >= DECIDED_PERCENT_MIN;
            assert!(enough, "{name} alone decides {decided} questions");
        }
    }
}

fn grounds_of(verdict: &Verdict, case: &Case) -> Vec<Ground> {
    let account = case.account.clone().unwrap_or_default();
    let all = [
        (verdict.requested, GroundKind::Requester, String::new()),
        (verdict.in_cc, GroundKind::Cc, String::new()),
        (verdict.through_account, GroundKind::Account, account),
    ];
    let holding = all
        .into_iter()
        .filter(|(holds, ..)| *holds && !verdict.blocked);
    let ground = |(_, kind, account_id): (bool, GroundKind, String)| Ground {
        kind: kind.into(),
        account_id,
    };
    holding.map(ground).collect()
}

fn visibility_of(verdict: &Verdict) -> Visibility {
    if verdict.visible() {
        Visibility::Visible
    } else {
        Visibility::Hidden
    }
}

fn clauses_of(verdict: &Verdict, case: &Case) -> Vec<Clause> {
    let said = |holds: bool, yes: ClauseReason, no: ClauseReason| if holds { yes } else { no };
    let requester = said(
        verdict.requested,
        ClauseReason::IsRequester,
        ClauseReason::NotRequester,
    );
    let cc = said(verdict.in_cc, ClauseReason::InCopy, ClauseReason::NotInCopy);
    let clause = |kind: GroundKind, holds: bool, reason: ClauseReason| Clause {
        kind: kind.into(),
        account_id: match kind {
            GroundKind::Account => case.account.clone().unwrap_or_default(),
            _ => String::new(),
        },
        holds,
        reason: reason.into(),
    };
    vec![
        clause(GroundKind::Requester, verdict.requested, requester),
        clause(GroundKind::Cc, verdict.in_cc, cc),
        clause(
            GroundKind::Account,
            verdict.through_account,
            verdict.account_reason,
        ),
    ]
}

/// That the server said what the rule says of one contact and one ticket.
fn same<T: PartialEq + std::fmt::Debug>(
    world: &Generated,
    call: &str,
    (person, ticket): (&str, &str),
    (said, rule): (T, T),
) {
    assert!(
        said == rule,
        "{call} of {person} and {ticket} (ROSTER_SEED={}):\n said {said:?}\n rule {rule:?}\n{}",
        world.seed,
        world.facts.excerpt(person, ticket),
    );
}

/// That a list holds what it must, in its order; else names the first that is elsewhere.
fn same_list<'l, I>(
    world: &Generated,
    call: &str,
    pair_of: impl Fn(&'l str) -> (&'l str, &'l str),
    said: &'l [(String, I)],
    rule: &'l [(String, I)],
) where
    I: PartialEq + std::fmt::Debug,
{
    let longer = said.len().max(rule.len());
    for at in 0..longer {
        let (said, rule) = (said.get(at), rule.get(at));
        let (id, _) = rule.or(said).expect("one of them is as long");
        same(
            world,
            &format!("{call}, row {at},"),
            pair_of(id),
            (said, rule),
        );
    }
}

/// A way to an answer: whom to ask, and how.
struct Way {
    name: &'static str,
    clients: Clients,
    consistency: Option<Consistency>,
}

/// From memory, from a snapshot of the database, and where there is another server from there, with
/// a token.
async fn ways(world: &Generated, elsewhere: Option<&Clients>) -> Vec<Way> {
    use consistency::Requirement::{AtLeastAsFresh, FullyConsistent};
    let of = |requirement| {
        Some(Consistency {
            requirement: Some(requirement),
        })
    };
    let mut settings = world.clients.settings.clone();
    let here = settings.get_settings(world.ask(GetSettingsRequest::default()));
    let token = here.await.expect("settings").into_inner().read_token;
    let mut ways = vec![
        Way {
            name: "from memory",
            clients: world.clients.clone(),
            consistency: None,
        },
        Way {
            name: "from the database",
            clients: world.clients.clone(),
            consistency: of(FullyConsistent(true)),
        },
    ];
    ways.extend(elsewhere.map(|clients| Way {
        name: "from another server",
        clients: clients.clone(),
        consistency: of(AtLeastAsFresh(token)),
    }));
    ways
}

async fn ask_batches(world: &Generated, way: &Way) {
    for person in world.facts.people.keys() {
        let request = world.ask(BatchCheckTicketsRequest {
            contact_id: person.clone(),
            ticket_ids: world.facts.cases.keys().cloned().collect(),
            consistency: way.consistency.clone(),
        });
        let mut client = way.clients.visibility.clone();
        let answer = client.batch_check_tickets(request).await.expect("verdicts");
        let results = answer.into_inner().results;
        assert_eq!(results.len(), world.facts.cases.len());
        for (result, (id, case)) in results.into_iter().zip(&world.facts.cases) {
            let verdict = world.facts.verdict(person, case);
            let said = (
                result.ticket_id.clone(),
                result.visibility(),
                result.grounds,
            );
            let grounds = grounds_of(&verdict, case);
            let rule = (id.clone(), visibility_of(&verdict), grounds);
            let call = format!("BatchCheckTickets {}", way.name);
            same(world, &call, (person, id), (said, rule));
        }
    }
}

async fn ask_one_by_one(world: &mut Generated, way: &Way) {
    for _ in 0..SAMPLED {
        let person = world.any_person();
        let ids: Vec<String> = world.facts.cases.keys().cloned().collect();
        let id = ids.choose(&mut world.chance).expect("a ticket");
        let case = &world.facts.cases[id];
        let verdict = world.facts.verdict(&person, case);
        let request = world.ask(CheckTicketRequest {
            contact_id: person.clone(),
            ticket_id: id.clone(),
            consistency: way.consistency.clone(),
        });
        let mut client = way.clients.visibility.clone();
        let answer = client.check_ticket(request).await.expect("a verdict");
        let answer = answer.into_inner();
        let said = (answer.visibility(), answer.grounds);
        let rule = (visibility_of(&verdict), grounds_of(&verdict, case));
        same(
            world,
            &format!("CheckTicket {}", way.name),
            (&person, id),
            (said, rule),
        );

        let request = world.ask(ExplainTicketRequest {
            contact_id: person.clone(),
            ticket_id: id.clone(),
            consistency: way.consistency.clone(),
        });
        let answer = client.explain_ticket(request).await.expect("its reasons");
        let answer = answer.into_inner();
        let said = (answer.visibility(), answer.blocked, answer.clauses);
        let clauses = clauses_of(&verdict, case);
        let rule = (visibility_of(&verdict), verdict.blocked, clauses);
        same(
            world,
            &format!("ExplainTicket {}", way.name),
            (&person, id),
            (said, rule),
        );
    }
}

/// What a list tells of a ticket.
type Row = (String, String, TicketStatus, i64, Vec<Ground>);

/// The list of a contact, page by page.
async fn listed(world: &Generated, mut asked: ListVisibleTicketsRequest) -> Vec<(String, Row)> {
    let mut rows = Vec::new();
    let mut client = world.clients.visibility.clone();
    loop {
        let request = world.ask(asked.clone());
        let answer = client.list_visible_tickets(request).await.expect("a page");
        let page = answer.into_inner();
        assert!(page.tickets.len() <= asked.page_size as usize);
        for visible in page.tickets {
            let ticket = visible.ticket.expect("it");
            let created = ticket.create_time.expect("its time").seconds;
            let (status, id) = (ticket.status(), ticket.id);
            let (requester, account) = (ticket.requester_id, ticket.account_id);
            rows.push((id, (requester, account, status, created, visible.grounds)));
        }
        if page.next_page_token.is_empty() {
            return rows;
        }
        asked.page_token = page.next_page_token;
    }
}

async fn compare_list(world: &Generated, asked: ListVisibleTicketsRequest) {
    let person = asked.contact_id.clone();
    let wanted = |case: &Case| {
        let account = case.account.clone().unwrap_or_default();
        (asked.account_id.is_empty() || account == asked.account_id)
            && (asked.status() == TicketStatus::Unspecified || asked.status() == wire_status(case))
    };
    let seen = world.facts.seen_by(&person).into_iter();
    let rule: Vec<(String, Row)> = seen
        .map(|id| (world.facts.cases[&id].clone(), id))
        .filter(|(case, _)| wanted(case))
        .map(|(case, id)| {
            let grounds = grounds_of(&world.facts.verdict(&person, &case), &case);
            let account = case.account.clone().unwrap_or_default();
            let (requester, status) = (case.requester.clone(), wire_status(&case));
            (id, (requester, account, status, case.created, grounds))
        })
        .collect();
    let call = format!(
        "ListVisibleTickets (account {:?}, status {:?}, pages of {})",
        asked.account_id,
        asked.status(),
        asked.page_size
    );
    let said = listed(world, asked).await;
    same_list(world, &call, |id| (&person, id), &said, &rule);
}

/// Every contact's list in small pages, and some once more under a filter.
async fn ask_lists(world: &mut Generated) {
    let statuses = [TicketStatus::Open, TicketStatus::Closed];
    for person in world.facts.people.clone().into_keys() {
        let companies: Vec<String> = world.facts.companies.keys().cloned().collect();
        let chance = &mut world.chance;
        let whole = ListVisibleTicketsRequest {
            contact_id: person,
            page_size: chance.random_range(5..60),
            ..Default::default()
        };
        let mut filtered = whole.clone();
        if chance.random_bool(0.6) {
            filtered.account_id = companies.choose(chance).expect("an account").clone();
        }
        if filtered.account_id.is_empty() || chance.random_bool(0.4) {
            filtered.set_status(*statuses.choose(chance).expect("one"));
        }
        let filters = chance.random_bool(0.4);
        compare_list(world, whole).await;
        if filters {
            compare_list(world, filtered).await;
        }
    }
}

async fn ask_viewers(world: &mut Generated) {
    for (id, case) in world.facts.cases.clone() {
        let mut asked = ListTicketViewersRequest {
            ticket_id: id.clone(),
            page_size: world.chance.random_range(4..30),
            ..Default::default()
        };
        let mut said = Vec::new();
        loop {
            let request = world.ask(asked.clone());
            let mut client = world.clients.visibility.clone();
            let answer = client.list_ticket_viewers(request).await.expect("a page");
            let page = answer.into_inner();
            assert!(page.viewers.len() <= asked.page_size as usize);
            said.extend(page.viewers.into_iter().map(|v| (v.contact_id, v.grounds)));
            if page.next_page_token.is_empty() {
                break;
            }
            asked.page_token = page.next_page_token;
        }
        let viewers = world.facts.viewers_of(&case).into_iter();
        let with_grounds = |person: String| {
            let grounds = grounds_of(&world.facts.verdict(&person, &case), &case);
            (person, grounds)
        };
        let rule: Vec<_> = viewers.map(with_grounds).collect();
        same_list(world, "ListTicketViewers", |who| (who, &id), &said, &rule);
    }
}

async fn ask_everything(world: &mut Generated, elsewhere: Option<&Clients>, tally: &mut Tally) {
    for way in ways(world, elsewhere).await {
        ask_batches(world, &way).await;
        ask_one_by_one(world, &way).await;
    }
    ask_lists(world).await;
    ask_viewers(world).await;
    tally.count(world);
}

/// Makes an organization, asks everything of it, changes it and asks again.
async fn live_through(clients: Clients, elsewhere: Option<Clients>, seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut world = Generated::make(clients, seed).await;
    ask_everything(&mut world, elsewhere.as_ref(), &mut tally).await;
    world.change_everything().await;
    ask_everything(&mut world, elsewhere.as_ref(), &mut tally).await;
    tally
}

/// That most of what could be answered from memory was.
fn assert_from_memory(server: &Server, questions: &str) {
    let memory = metric(server, "roster_answers_from_memory_total");
    let database = metric(server, "roster_answers_from_database_total");
    println!("{questions}: {memory} from memory, {database} from the database");
    assert!(memory > database / 2.0, "{questions}");
}

async fn check_batch_list_viewers_and_explain_agree_with_the_rule(mut world: World) {
    let asked_for = seed::from_environment();
    // The same organizations each time, so that what they must show at least can be counted.
    let first = asked_for.unwrap_or(1);
    seed::announce(first);
    let times = if std::env::var_os("ROSTER_LONG").is_some() {
        10
    } else {
        1
    };
    let mut seeds = first..first + ORGANIZATIONS * times;
    let mut tally = Tally::default();
    let mut living = JoinSet::new();
    world.server.kill();
    world.server = another(&world.database, &[]);
    world.clients = world.server.connect().await;
    // One server a SQLite file.
    let second = (world.engine == Engine::Postgres).then(|| another(&world.database, &[]));
    let elsewhere = match &second {
        Some(server) => Some(server.connect().await),
        None => None,
    };
    loop {
        while living.len() < AT_A_TIME
            && let Some(seed) = seeds.next()
        {
            living.spawn(live_through(world.clients.clone(), elsewhere.clone(), seed));
        }
        match living.join_next().await {
            Some(lived) => {
                tally.add(lived.unwrap_or_else(|failed| resume_unwind(failed.into_panic())))
            }
            None => break,
        }
    }
    tally.print();
    assert_from_memory(&world.server, "here");
    if let Some(second) = &second {
        assert_from_memory(second, "elsewhere");
    }
    if asked_for.is_none() {
        tally.assert_enough(QUESTIONS * times);
    }
}
