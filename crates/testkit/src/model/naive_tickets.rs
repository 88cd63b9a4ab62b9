//! The naive rules of tickets and of deletion.

use std::collections::BTreeSet;

use roster_core::id::{AccountId, ContactId, Pair, TicketNo};
use roster_core::record::{Ticket, TicketStatus};
use roster_core::refusal::Refusal;
use roster_core::rules::deletion::{DeleteAccount, DeleteContact, RequestedTickets};
use roster_core::rules::disposition::Disposition;
use roster_core::rules::ticket::{DeleteTickets, Record, RecordTickets};
use roster_core::text::{Subject, TicketKey};

use super::naive::{NOW, Naive, Said};

impl Naive {
    pub fn record(&mut self, c: &RecordTickets) -> String {
        let mut seen = BTreeSet::new();
        let mut told = Vec::new();
        for record in &c.tickets {
            let said = if seen.insert(record.key.clone()) {
                self.record_one(record)
            } else {
                Err(Refusal::TicketRepeated(record.key.clone()))
            };
            told.push(said.unwrap_or_else(|refusal| format!("failed {refusal:?}")));
        }
        format!("{told:?}")
    }

    fn numbered(&self, key: &TicketKey) -> Option<TicketNo> {
        self.tickets_where(|t| t.key == *key).pop()
    }

    fn record_one(&mut self, record: &Record) -> Said {
        if !self.tables.contacts.contains_key(&record.requester) {
            return Err(Refusal::RequesterNotFound(record.requester));
        }
        let mut cc: Vec<ContactId> = Vec::new();
        for person in &record.cc {
            if !cc.contains(person) {
                cc.push(*person);
            }
        }
        let gone = |person: &ContactId| !self.tables.contacts.contains_key(person);
        let unknown: Vec<ContactId> = cc.iter().copied().filter(gone).collect();
        if !unknown.is_empty() {
            return Err(Refusal::CopiesNotFound(unknown));
        }
        let known = self.numbered(&record.key);
        let before = known.map(|no| self.ticket(no).record.clone());
        let (account, filled) = self.account_of_record(record, before.as_ref())?;
        let old = before.clone().unwrap_or(Ticket {
            key: record.key.clone(),
            requester: record.requester,
            account: None,
            subject: Subject::default(),
            status: TicketStatus::Open,
            private: false,
            cc: Vec::new(),
            create_time: NOW,
        });
        let after = Ticket {
            key: old.key,
            requester: record.requester,
            account,
            subject: record.subject.clone().unwrap_or(old.subject),
            status: record.status.unwrap_or(old.status),
            private: record.private.unwrap_or(old.private),
            cc,
            create_time: record.create_time.unwrap_or(old.create_time),
        };
        let changed = before.as_ref() != Some(&after);
        let no = known.unwrap_or_else(|| {
            self.next_ticket += 1;
            TicketNo::new(self.next_ticket - 1)
        });
        self.put_ticket(no, after);
        let existed = before.is_some();
        Ok(format!(
            "filled {filled}, existed {existed}, changed {changed}"
        ))
    }

    fn account_of_record(
        &self,
        record: &Record,
        before: Option<&Ticket>,
    ) -> Result<(Option<AccountId>, bool), Refusal> {
        let requester = record.requester;
        let is_its = |account: AccountId| self.accounts_of(requester).contains(&account);
        let primary = self.primary_of(requester);
        let filled_in = (primary, primary.is_some());
        if let Some(given) = record.account {
            let Some(account) = given else {
                return Ok((None, false));
            };
            if before.is_some_and(|before| before.account == Some(account)) {
                return Ok((Some(account), false));
            }
            self.account(account)?;
            if !is_its(account) && !record.allow_unassociated_account {
                return Err(Refusal::NotRequestersAccount(Pair {
                    contact: requester,
                    account,
                }));
            }
            return Ok((Some(account), false));
        }
        match before {
            None => Ok(filled_in),
            Some(before) if before.requester == requester => Ok((before.account, false)),
            Some(before) if before.account.is_some_and(is_its) => Ok((before.account, false)),
            Some(_) => Ok(filled_in),
        }
    }

    pub fn delete_tickets(&mut self, c: &DeleteTickets) -> String {
        let mut told: Vec<Result<(), Refusal>> = Vec::new();
        for key in &c.keys {
            match self.numbered(key) {
                None => told.push(Err(Refusal::TicketNotFound(key.clone()))),
                Some(no) => {
                    self.tables.tickets.remove(&no);
                    told.push(Ok(()));
                }
            }
        }
        format!("{told:?}")
    }

    pub fn delete_account(&mut self, c: &DeleteAccount) -> Said {
        let before = self.account(c.id)?;
        self.check_etag(c.etag, before.revision)?;
        let pairs = self.tables.associations.keys();
        let contacts: Vec<ContactId> = pairs
            .filter(|pair| pair.account == c.id)
            .map(|pair| pair.contact)
            .collect();
        let tickets = self.tickets_where(|t| t.account == Some(c.id));
        if (!contacts.is_empty() && !c.dissociate_contacts)
            || (!tickets.is_empty() && c.disposition.is_none())
        {
            return Err(Refusal::StillInUse {
                id: c.id.to_string(),
                associations: contacts.len() as u64,
                tickets: tickets.len() as u64,
            });
        }
        if let Some(Disposition::MoveTo(to)) = c.disposition {
            if to == c.id {
                return Err(Refusal::TargetIsLeft(to));
            }
            self.account(to)?;
        }
        for contact in &contacts {
            self.end_and_inherit(Pair {
                contact: *contact,
                account: c.id,
            });
        }
        for no in &tickets {
            let requester = self.ticket(*no).record.requester;
            let to = match c.disposition {
                Some(Disposition::MoveTo(to)) => Some(to),
                Some(Disposition::MoveToPrimary) => self.primary_of(requester),
                _ => None,
            };
            self.move_ticket(*no, to);
        }
        self.tables.accounts.remove(&c.id);
        Ok(format!(
            "{} contacts, {} tickets",
            contacts.len(),
            tickets.len()
        ))
    }

    /// Ends an association; if it was primary, the least recently written association becomes
    /// primary.
    fn end_and_inherit(&mut self, pair: Pair) {
        let ended = self.tables.associations.remove(&pair).expect("it is there");
        let mut remaining: Vec<_> = self
            .accounts_of(pair.contact)
            .into_iter()
            .map(|account| {
                let its = Pair { account, ..pair };
                (self.tables.associations[&its].revision, account)
            })
            .collect();
        remaining.sort();
        if let (true, Some((_, account))) = (ended.record.primary, remaining.first()) {
            let account = *account;
            self.make_primary(Pair { account, ..pair }, true);
        }
    }

    pub fn delete_contact(&mut self, c: &DeleteContact) -> Said {
        let before = self.contact(c.id)?;
        self.check_etag(c.etag, before.revision)?;
        let accounts = self.accounts_of(c.id);
        let requested = self.tickets_where(|t| t.requester == c.id);
        if (!accounts.is_empty() && !c.dissociate_accounts)
            || (!requested.is_empty() && c.tickets.is_none())
        {
            return Err(Refusal::StillInUse {
                id: c.id.to_string(),
                associations: accounts.len() as u64,
                tickets: requested.len() as u64,
            });
        }
        if let Some(RequestedTickets::Reassign(to)) = c.tickets {
            if to == c.id {
                return Err(Refusal::RequesterIsDeleted(to));
            }
            if self.contact(to).is_err() {
                return Err(Refusal::RequesterNotFound(to));
            }
        }
        self.tables
            .associations
            .retain(|pair, _| pair.contact != c.id);
        let (mut deleted, mut reassigned) = (0, 0);
        for no in requested {
            if let Some(RequestedTickets::Reassign(requester)) = c.tickets {
                let record = self.ticket(no).record.clone();
                self.put_ticket(
                    no,
                    Ticket {
                        requester,
                        ..record
                    },
                );
                reassigned += 1;
            } else {
                self.tables.tickets.remove(&no);
                deleted += 1;
            }
        }
        for no in self.tickets_where(|t| t.cc.contains(&c.id)) {
            let mut record = self.ticket(no).record.clone();
            record.cc.retain(|contact| *contact != c.id);
            self.put_ticket(no, record);
        }
        self.tables.contacts.remove(&c.id);
        Ok(format!(
            "{} accounts, {deleted} deleted, {reassigned} reassigned",
            accounts.len()
        ))
    }
}
