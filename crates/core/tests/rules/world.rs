//! An organization in maps that commands are decided over, one after another.

use roster_core::change::Change;
use roster_core::command::{Circumstances, Command};
use roster_core::fact::{Facts, Needs};
use roster_core::guard::Bounds;
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::record::{Association, Ticket, TicketStatus};
use roster_core::refusal::{Refusal, Refused};
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::association::{AssociateContacts, Associated, Wanted};
use roster_core::rules::contact::{ContactPatch, CreateContact};
use roster_core::rules::settings::UpdateSettings;
use roster_core::rules::ticket::{Record, RecordTickets, Recorded};
use roster_core::text::{Email, ExternalId, Name, Role, TicketKey};

use roster_testkit::model::Maps;

pub fn a(number: u64) -> AccountId {
    AccountId::new(number)
}

pub fn c(number: u64) -> ContactId {
    ContactId::new(number)
}

pub fn pair(contact: u64, account: u64) -> Pair {
    Pair {
        contact: c(contact),
        account: a(account),
    }
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn role(text: &str) -> Role {
    Role::parse(text).unwrap()
}

pub fn external(text: &str) -> ExternalId {
    ExternalId::parse(text).unwrap()
}

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub fn key(text: &str) -> TicketKey {
    TicketKey::parse(text).unwrap()
}

/// The organization, and what the next command is given.
pub struct World {
    pub maps: Maps,
    pub given: Circumstances,
    /// What the last command changed.
    pub changes: Vec<Change>,
}

impl World {
    /// Four accounts and four contacts, with `multiple_accounts` as wanted.
    pub fn new(several: bool) -> Self {
        let mut world = Self {
            maps: Maps::default(),
            given: Circumstances {
                now: Time::from_micros(1),
                revision: Revision::new(1),
                next_account: 1,
                next_contact: 1,
                next_ticket: 1,
                next_import: 1,
            },
            changes: Vec::new(),
        };
        for _ in 0..4 {
            world.done(CreateAccount {
                name: name("山田商事"),
                fields: AccountPatch::default(),
            });
            world.done(CreateContact {
                family_name: name("田中"),
                fields: ContactPatch::default(),
            });
        }
        world.done(UpdateSettings {
            multiple_accounts: Some(several),
            ..UpdateSettings::default()
        });
        world
    }

    /// Decides a command and writes what it changes. Every invariant holds afterwards, and a
    /// refusal takes nothing.
    pub fn run<C: Command>(&mut self, command: C) -> Result<C::Answer, Refusal> {
        // What a command needs is only speed, but asking must not fail.
        command.needs(&mut Needs::default());
        let mut given = self.given.clone();
        self.changes.clear();
        match command.decide(&self.maps, &mut given) {
            Err(Refused::Rule(refusal)) => Err(refusal),
            Err(Refused::Facts(error)) => panic!("maps never fail: {error}"),
            Ok(decision) => {
                if !decision.changes.is_empty() {
                    self.maps.apply(&decision.changes, given.revision);
                    given.revision = given.revision.next();
                    given.now = Time::from_micros(given.now.micros() + 1);
                    self.given = given;
                }
                self.changes = decision.changes;
                let violations = self.maps.violations(&self.bounds());
                assert_eq!(violations, [], "{:?}", self.changes);
                Ok(decision.answer)
            }
        }
    }

    #[track_caller]
    pub fn done<C: Command>(&mut self, command: C) -> C::Answer {
        self.run(command)
            .unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    #[track_caller]
    pub fn refused<C: Command>(&mut self, command: C) -> Refusal {
        match self.run(command) {
            Ok(_) => panic!("{} was not refused: {:?}", C::NAME, self.changes),
            Err(refusal) => refusal,
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            revision: Revision::new(self.given.revision.number() - 1),
            next_account: self.given.next_account,
            next_contact: self.given.next_contact,
            next_ticket: self.given.next_ticket,
        }
    }

    /// Associates a contact with these accounts, the first of which becomes primary.
    #[track_caller]
    pub fn associated(&mut self, contact: u64, accounts: &[u64]) {
        for account in accounts {
            let answer = self.done(associate(*account, &[contact]));
            assert!(
                matches!(answer.results[0].1, Associated::Created(_)),
                "{:?}",
                answer.results
            );
        }
    }

    /// Records a ticket.
    #[track_caller]
    pub fn recorded(&mut self, record: Record) -> Recorded {
        let mut answer = self.done(RecordTickets {
            tickets: vec![record],
        });
        answer
            .remove(0)
            .unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// Why a ticket is not recorded.
    #[track_caller]
    pub fn not_recorded(&mut self, record: Record) -> Refusal {
        let answer = self.done(RecordTickets {
            tickets: vec![record],
        });
        assert_eq!(self.changes, []);
        answer[0].clone().unwrap_err()
    }

    pub fn accounts_of(&self, contact: u64) -> Vec<u64> {
        let all = self.maps.associations_of(c(contact)).unwrap();
        all.iter().map(|(account, _)| account.number()).collect()
    }

    pub fn primary_of(&self, contact: u64) -> Option<u64> {
        let primary = self.maps.primary_account(c(contact)).unwrap();
        primary.map(AccountId::number)
    }

    pub fn association(&self, contact: u64, account: u64) -> Association {
        self.maps.associations[&pair(contact, account)]
            .record
            .clone()
    }

    pub fn ticket(&self, text: &str) -> Ticket {
        let found = self
            .maps
            .tickets
            .values()
            .find(|t| t.record.key == key(text));
        found
            .unwrap_or_else(|| panic!("a ticket {text}"))
            .record
            .clone()
    }

    /// The account of a ticket.
    pub fn under(&self, text: &str) -> Option<u64> {
        self.ticket(text).account.map(AccountId::number)
    }

    pub fn number(&self, text: &str) -> TicketNo {
        let mut all = self.maps.tickets.iter();
        *all.find(|(_, t)| t.record.key == key(text)).unwrap().0
    }
}

pub fn wanted(contact: u64) -> Wanted {
    Wanted {
        contact: c(contact),
        sees_account_tickets: None,
        role: Role::default(),
    }
}

pub fn associate(account: u64, contacts: &[u64]) -> AssociateContacts {
    AssociateContacts {
        account: a(account),
        contacts: contacts.iter().map(|contact| wanted(*contact)).collect(),
        all_or_nothing: false,
        adopt_unassigned_tickets: false,
    }
}

/// What is known of a ticket at least.
pub fn record(text: &str, requester: u64) -> Record {
    Record {
        key: key(text),
        requester: c(requester),
        cc: Vec::new(),
        allow_unassociated_account: false,
        account: None,
        subject: None,
        status: None,
        private: None,
        create_time: None,
    }
}

/// The same, under an account whoever belongs to it.
pub fn record_under(text: &str, requester: u64, account: u64) -> Record {
    Record {
        account: Some(Some(a(account))),
        allow_unassociated_account: true,
        ..record(text, requester)
    }
}

pub fn closed(record: Record) -> Record {
    Record {
        status: Some(TicketStatus::Closed),
        ..record
    }
}
