//! Recording and removal of tickets.

use std::collections::HashSet;

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::draft::Draft;
use crate::fact::{Facts, Needs, UniqueKey};
use crate::id::{AccountId, ContactId, Pair, TicketNo, Time};
use crate::record::{Stored, Ticket, TicketStatus};
use crate::refusal::{Refusal, Refused};
use crate::rules::account_of;
use crate::rules::set;
use crate::text::{Subject, TicketKey};

/// A ticket to record. Fields that are `None` keep the stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The caller's ticket id.
    pub key: TicketKey,
    /// The requester.
    pub requester: ContactId,
    /// All contacts in CC; duplicates count once.
    pub cc: Vec<ContactId>,
    /// Whether an account that is not the requester's is accepted.
    pub allow_unassociated_account: bool,
    /// The account; `Some(None)` clears it.
    pub account: Option<Option<AccountId>>,
    /// The subject.
    pub subject: Option<Subject>,
    /// Open or closed.
    pub status: Option<TicketStatus>,
    /// Whether it is private.
    pub private: Option<bool>,
    /// When it was created in the caller's system.
    pub create_time: Option<Time>,
}

/// A ticket after it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The ticket.
    pub ticket: Stored<Ticket>,
    /// Whether `auto-fill` set its account.
    pub account_filled_in: bool,
    /// Whether it existed before.
    pub existed: bool,
    /// Whether any of its fields changed.
    pub changed: bool,
}

/// `record`: an idempotent upsert by the callers' ticket ids.
#[derive(Clone, Debug)]
pub struct RecordTickets {
    /// The tickets, in the order of the decisions.
    pub tickets: Vec<Record>,
}

impl Command for RecordTickets {
    /// One result for each ticket of the call, in order.
    type Answer = Vec<Result<Recorded, Refusal>>;
    const NAME: &'static str = "RecordTickets";

    fn needs(&self, needs: &mut Needs) {
        for record in &self.tickets {
            needs.keys.insert(UniqueKey::of_ticket(&record.key));
            needs.existing.insert(record.requester);
            needs.existing.extend(record.cc.iter().copied());
            needs.account_summaries.insert(record.requester);
            if let Some(Some(account)) = record.account {
                needs.accounts.insert(account);
                needs.pairs.insert(Pair {
                    contact: record.requester,
                    account,
                });
            }
        }
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let mut draft = Draft::over(facts);
        let mut changes = Vec::new();
        let mut seen = HashSet::new();
        let mut answer = Vec::with_capacity(self.tickets.len());
        for record in &self.tickets {
            if !seen.insert(&record.key) {
                answer.push(Err(Refusal::TicketRepeated(record.key.clone())));
                continue;
            }
            match record.judge(&draft, given) {
                Ok((change, recorded)) => {
                    draft.apply(change.as_slice(), given.revision)?;
                    changes.extend(change);
                    answer.push(Ok(recorded));
                }
                Err(Refused::Rule(refusal)) => answer.push(Err(refusal)),
                Err(unavailable) => return Err(unavailable),
            }
        }
        Ok(Decision { changes, answer })
    }
}

impl Record {
    /// Decides one record. Uses a number only if it creates a ticket.
    pub fn judge<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<(Option<Change>, Recorded), Refused> {
        self.check_people(facts)?;
        let known = facts.owner(&UniqueKey::of_ticket(&self.key))?;
        let known = known.map(TicketNo::new);
        let before = match known {
            Some(number) => facts.ticket(number)?.map(|ticket| (number, ticket)),
            None => None,
        };
        let (account, account_filled_in) =
            self.account_of(facts, before.as_ref().map(|(_, stored)| &stored.record))?;
        let Some((number, before)) = before else {
            let ticket = self.made(account, given.now);
            let number = given.take_ticket();
            let recorded = Recorded {
                ticket: Stored {
                    record: ticket.clone(),
                    revision: given.revision,
                },
                account_filled_in,
                existed: false,
                changed: true,
            };
            return Ok((Some(Change::Ticket(Row::Created(number, ticket))), recorded));
        };
        let after = self.changed(&before.record, account);
        if after == before.record {
            let recorded = Recorded {
                ticket: before,
                account_filled_in,
                existed: true,
                changed: false,
            };
            return Ok((None, recorded));
        }
        let recorded = Recorded {
            ticket: Stored {
                record: after.clone(),
                revision: given.revision,
            },
            account_filled_in,
            existed: true,
            changed: true,
        };
        let row = Row::Updated {
            key: number,
            before: before.record,
            after,
        };
        Ok((Some(Change::Ticket(row)), recorded))
    }

    fn check_people<F: Facts>(&self, facts: &F) -> Result<(), Refused> {
        if !facts.contact_exists(self.requester)? {
            return Err(Refusal::RequesterNotFound(self.requester).into());
        }
        let mut unknown = Vec::new();
        for contact in &self.cc {
            if !facts.contact_exists(*contact)? && !unknown.contains(contact) {
                unknown.push(*contact);
            }
        }
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(Refusal::CopiesNotFound(unknown).into())
        }
    }

    /// `auto-fill`: returns the account, and whether it was filled in. Refuses an account that is
    /// not the requester's. By `no-backfill` an accepted account creates no association, and a
    /// known ticket keeps its account.
    fn account_of<F: Facts>(
        &self,
        facts: &F,
        before: Option<&Ticket>,
    ) -> Result<(Option<AccountId>, bool), Refused> {
        match (self.account, before) {
            (Some(None), _) => Ok((None, false)),
            // The ticket's current account is accepted, even if the requester no longer belongs to
            // it.
            (Some(account), Some(before)) if account == before.account => Ok((account, false)),
            (Some(Some(account)), _) => {
                account_of(facts, account)?;
                if !self.allow_unassociated_account {
                    self.check_associated(facts, account)?;
                }
                Ok((Some(account), false))
            }
            (None, None) => self.fill_in(facts),
            (None, Some(before)) if before.requester == self.requester => {
                Ok((before.account, false))
            }
            (None, Some(before)) => match before.account {
                Some(account) if self.is_associated(facts, account)? => Ok((Some(account), false)),
                _ => self.fill_in(facts),
            },
        }
    }

    fn fill_in<F: Facts>(&self, facts: &F) -> Result<(Option<AccountId>, bool), Refused> {
        let primary = facts.primary_account(self.requester)?;
        Ok((primary, primary.is_some()))
    }

    fn is_associated<F: Facts>(&self, facts: &F, account: AccountId) -> Result<bool, Refused> {
        Ok(facts.association(self.pair(account))?.is_some())
    }

    fn check_associated<F: Facts>(&self, facts: &F, account: AccountId) -> Result<(), Refused> {
        if self.is_associated(facts, account)? {
            Ok(())
        } else {
            Err(Refusal::NotRequestersAccount(self.pair(account)).into())
        }
    }

    fn pair(&self, account: AccountId) -> Pair {
        Pair {
            contact: self.requester,
            account,
        }
    }

    fn cc(&self) -> Vec<ContactId> {
        let mut seen = HashSet::new();
        let first = |contact: &ContactId| seen.insert(*contact);
        self.cc.iter().copied().filter(first).collect()
    }

    fn made(&self, account: Option<AccountId>, now: Time) -> Ticket {
        Ticket {
            key: self.key.clone(),
            requester: self.requester,
            account,
            subject: self.subject.clone().unwrap_or_default(),
            status: self.status.unwrap_or_default(),
            private: self.private.unwrap_or(false),
            cc: self.cc(),
            create_time: self.create_time.unwrap_or(now),
        }
    }

    fn changed(&self, before: &Ticket, account: Option<AccountId>) -> Ticket {
        let mut after = Ticket {
            requester: self.requester,
            account,
            cc: self.cc(),
            ..before.clone()
        };
        set(&mut after.subject, self.subject.clone());
        set(&mut after.status, self.status);
        set(&mut after.private, self.private);
        set(&mut after.create_time, self.create_time);
        after
    }
}

/// Removes tickets.
#[derive(Clone, Debug)]
pub struct DeleteTickets {
    /// The callers' ids, in the order of the decisions.
    pub keys: Vec<TicketKey>,
}

impl Command for DeleteTickets {
    /// One result for each id of the call, in order.
    type Answer = Vec<(TicketKey, Result<(), Refusal>)>;
    const NAME: &'static str = "DeleteTickets";

    fn needs(&self, needs: &mut Needs) {
        needs
            .keys
            .extend(self.keys.iter().map(UniqueKey::of_ticket));
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        _: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let mut gone = HashSet::new();
        let mut changes = Vec::new();
        let mut answer = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let number = facts.owner(&UniqueKey::of_ticket(key))?;
            let number = number.map(TicketNo::new).filter(|no| gone.insert(*no));
            let ticket = match number {
                Some(number) => facts.ticket(number)?.map(|ticket| (number, ticket)),
                None => None,
            };
            let result = match ticket {
                None => Err(Refusal::TicketNotFound(key.clone())),
                Some((number, ticket)) => {
                    changes.push(Change::Ticket(Row::Deleted(number, ticket.record)));
                    Ok(())
                }
            };
            answer.push((key.clone(), result));
        }
        Ok(Decision { changes, answer })
    }
}
