//! Random runs of commands: the rules say what the naive rules say, every invariant holds after
//! every step, and a draft answers as the written facts would.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use roster_core::change::Change;
use roster_core::command::Circumstances;
use roster_core::draft::Draft;
use roster_core::fact::{Facts, Held, TicketsOf, UniqueKey};
use roster_core::guard::Bounds;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::refusal::Refusal;

use roster_testkit::model::{Maps, NOW, Naive, Step, prelude, step, violations};

/// Runs of a test: a few seconds' worth.
const RUNS: u32 = 100;
/// Commands of a run: enough that records are made, moved and deleted again.
const STEPS: usize = 60;

fn runner() -> TestRunner {
    let long = std::env::var_os("ROSTER_LONG").is_some();
    TestRunner::new(Config {
        cases: if long { RUNS * 20 } else { RUNS },
        failure_persistence: None,
        ..Config::default()
    })
}

/// What a run has come to: the naive tables and those that changes made.
#[derive(Default)]
struct Run {
    naive: Naive,
    maps: Maps,
}

impl Run {
    fn given(&self) -> Circumstances {
        Circumstances {
            now: NOW,
            revision: self.naive.revision.next(),
            next_account: self.naive.next_account,
            next_contact: self.naive.next_contact,
            next_ticket: self.naive.next_ticket,
            next_import: 1,
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            revision: self.naive.revision,
            next_account: self.naive.next_account,
            next_contact: self.naive.next_contact,
            next_ticket: self.naive.next_ticket,
        }
    }

    /// One step by both, compared.
    fn take(&mut self, step: &Step, seen: &Seen) -> Vec<Change> {
        let command = step.command(&self.maps);
        let mut given = self.given();
        let decided = command.decide(&self.maps, &mut given);
        let before = self.naive.clone();
        let said = self.naive.carry_out(&command);
        seen.note(command.name(), &said);
        let changes = match (decided, said) {
            (Ok((changes, told)), Ok(said)) => {
                assert_eq!(told, said, "{command:?}");
                changes
            }
            (Err(refused), Err(said)) => {
                assert_eq!(refused, said, "{command:?}");
                Vec::new()
            }
            (decided, said) => panic!("{command:?}: {decided:?} and naively {said:?}"),
        };
        if changes.is_empty() {
            assert_eq!(self.naive.revision, before.revision, "{command:?}");
        } else {
            assert_eq!(self.naive.revision, before.revision.next(), "{command:?}");
            assert_eq!(given.next_account, self.naive.next_account);
            assert_eq!(given.next_contact, self.naive.next_contact);
            assert_eq!(given.next_ticket, self.naive.next_ticket);
            self.maps.apply(&changes, given.revision);
        }
        assert_eq!(self.maps, self.naive.tables, "{command:?}");
        assert_eq!(self.maps.violations(&self.bounds()), [], "{command:?}");
        changes
    }
}

/// How often each command was carried out and refused, and by which refusals.
#[derive(Default)]
struct Seen {
    commands: RefCell<BTreeMap<&'static str, (u32, u32)>>,
    refusals: RefCell<BTreeMap<String, u32>>,
}

impl Seen {
    fn note(&self, name: &'static str, said: &Result<String, Refusal>) {
        let mut commands = self.commands.borrow_mut();
        let (done, refused) = commands.entry(name).or_default();
        let text = match said {
            Ok(told) => {
                *done += 1;
                told.clone()
            }
            Err(refusal) => {
                *refused += 1;
                format!("{refusal:?}")
            }
        };
        for kind in REFUSALS {
            if text.contains(kind) {
                *self
                    .refusals
                    .borrow_mut()
                    .entry((*kind).to_owned())
                    .or_default() += 1;
            }
        }
    }
}

/// Every refusal of the rules: each must come up.
const REFUSALS: &[&str] = &[
    "AccountNotFound",
    "ContactNotFound",
    "AssociationNotFound",
    "TicketNotFound",
    "OneAccount",
    "SeveralAccounts",
    "AccountsPerContact",
    "PrimaryStays",
    "NothingToTransfer",
    "DispositionRequired",
    "TargetNotAssociated",
    "TargetIsLeft",
    "EtagMismatch",
    "KeyTaken",
    "AddressRepeated",
    "RequesterNotFound",
    "CopiesNotFound",
    "TicketRepeated",
    "NotRequestersAccount",
    "StillInUse",
    "RequesterIsDeleted",
    "Items",
];
/// Commands that refuse their items, never themselves.
const ITEMWISE: [&str; 2] = ["RecordTickets", "DeleteTickets"];

#[test]
fn the_rules_say_what_the_naive_rules_say_and_every_invariant_holds() {
    let seen = Seen::default();
    let result = runner().run(&vec(step(), STEPS), |steps| {
        let mut run = Run::default();
        for step in prelude().iter().chain(&steps) {
            run.take(step, &seen);
        }
        Ok(())
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
    // Runs in which nothing is refused, or nothing carried out, would show nothing. Far fewer than
    // there are on average, so that chance alone never fails the test.
    let enough = RUNS / 12;
    for (name, (done, refused)) in seen.commands.borrow().iter() {
        assert!(*done >= enough, "{name} was carried out {done} times");
        let refuses = *refused >= enough || ITEMWISE.contains(name) || *name == "CreateAccount";
        assert!(refuses, "{name} was refused {refused} times");
    }
    for kind in REFUSALS {
        let times = seen.refusals.borrow().get(*kind).copied().unwrap_or(0);
        assert!(times > 0, "{kind} never came up: {:?}", seen.refusals);
    }
}

#[test]
fn a_draft_answers_every_question_as_the_written_facts_do() {
    let result = runner().run(&vec(step(), STEPS), |steps| {
        let mut run = Run::default();
        let (written, drafted) = steps.split_at(steps.len() / 4);
        for step in prelude().iter().chain(written) {
            run.take(step, &Seen::default());
        }
        let base = run.maps.clone();
        let mut draft = Draft::over(&base);
        for step in drafted {
            // A command over the draft is a draft over a draft: it decides as over the facts.
            let command = step.command(&run.maps);
            let over_draft = command.decide(&draft, &mut run.given());
            let over_maps = command.decide(&run.maps, &mut run.given());
            assert_eq!(over_draft, over_maps, "{command:?}");
            let revision = run.given().revision;
            let changes = run.take(step, &Seen::default());
            draft.apply(&changes, revision).expect("maps never fail");
            assert_answers_alike(&draft, &run);
            assert_eq!(violations(&draft, &run.bounds(), &run.maps.subjects()), []);
        }
        Ok(())
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
}

fn assert_answers_alike(draft: &impl Facts, run: &Run) {
    fn same<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(a: Result<T, E>, b: Result<T, E>) {
        assert_eq!(a.unwrap(), b.unwrap());
    }
    let maps = &run.maps;
    same(draft.settings(), maps.settings());
    same(
        draft.contacts_with_several_accounts(),
        maps.contacts_with_several_accounts(),
    );
    let accounts = (1..=run.naive.next_account).map(AccountId::new);
    for id in accounts.clone() {
        same(draft.account(id), maps.account(id));
        same(draft.contacts_of(id), maps.contacts_of(id));
        let of = TicketsOf::Account(id);
        same(draft.tickets_of(of), maps.tickets_of(of));
    }
    for contact in (1..=run.naive.next_contact).map(ContactId::new) {
        same(draft.contact(contact), maps.contact(contact));
        same(
            draft.primary_account(contact),
            maps.primary_account(contact),
        );
        same(draft.account_count(contact), maps.account_count(contact));
        same(
            draft.associations_of(contact),
            maps.associations_of(contact),
        );
        for of in [TicketsOf::Requester(contact), TicketsOf::Cc(contact)] {
            same(draft.tickets_of(of), maps.tickets_of(of));
        }
        for account in accounts.clone().map(Some).chain([None]) {
            let held = Held {
                requester: contact,
                account,
            };
            same(draft.held_tickets(held), maps.held_tickets(held));
            if let Some(account) = account {
                let pair = Pair { contact, account };
                same(draft.association(pair), maps.association(pair));
            }
        }
    }
    let numbers: Vec<TicketNo> = (1..=run.naive.next_ticket).map(TicketNo::new).collect();
    same(draft.tickets(&numbers), maps.tickets(&numbers));
    for no in numbers {
        same(draft.ticket(no), maps.ticket(no));
    }
    for key in KEYS.iter().map(|key| (*key).to_owned()) {
        for key in [
            UniqueKey::AccountExternalId(key.clone()),
            UniqueKey::ContactExternalId(key.clone()),
            UniqueKey::Email(key.clone()),
            UniqueKey::Ticket(key),
        ] {
            same(draft.owner(&key), maps.owner(&key));
        }
    }
}

/// The keys that steps spell, after folding.
const KEYS: [&str; 13] = [
    "d1", "e2", "f3", "a@x.jp", "b@x.jp", "c@x.jp", "d@x.jp", "T0", "T1", "T2", "T4", "T6", "T8",
];
