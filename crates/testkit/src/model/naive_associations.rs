//! The naive rules of associations and of the ticket disposition.

use std::collections::BTreeSet;

use roster_core::fact::HeldTicket;
use roster_core::id::{ContactId, Pair, TicketNo};
use roster_core::record::TicketStatus;
use roster_core::refusal::Refusal;
use roster_core::rules::association::{AssociateContacts, SetPrimaryAccount, UpdateAssociation};
use roster_core::rules::disposition::{
    Disposition, DissociateContact, Leaving, Scope, TransferContact, preview_digest,
};

use super::naive::{Naive, Said};

impl Naive {
    pub fn associate(&mut self, c: &AssociateContacts) -> Said {
        self.account(c.account)?;
        let (mut results, mut failed, mut adopted) = (Vec::new(), Vec::new(), 0);
        let mut seen = BTreeSet::new();
        for (index, wanted) in c.contacts.iter().enumerate() {
            let contact = wanted.contact;
            let pair = Pair {
                contact,
                account: c.account,
            };
            let repeated = !seen.insert(contact);
            if let Err(refusal) = self.may_associate(pair) {
                results.push(format!("{contact} failed {refusal:?}"));
                failed.push((index, refusal));
            } else if repeated {
                results.push(format!(
                    "{contact} duplicate {}",
                    self.tell_association(pair)
                ));
            } else if self.tables.associations.contains_key(&pair) {
                results.push(format!("{contact} already {}", self.tell_association(pair)));
            } else {
                let first = self.accounts_of(contact).is_empty();
                let made = self.new_association(first, wanted.sees_account_tickets, &wanted.role);
                self.put_association(pair, made);
                results.push(format!("{contact} created {}", self.tell_association(pair)));
                if c.adopt_unassigned_tickets {
                    let none =
                        self.tickets_where(|t| t.requester == contact && t.account.is_none());
                    adopted += none.len();
                    for no in none {
                        self.move_ticket(no, Some(c.account));
                    }
                }
            }
        }
        if c.all_or_nothing && !failed.is_empty() {
            return Err(Refusal::Items {
                refused: failed,
                of: c.contacts.len(),
            });
        }
        Ok(format!("{results:?} adopted {adopted}"))
    }

    pub fn may_associate(&self, pair: Pair) -> Result<(), Refusal> {
        let contact = pair.contact;
        self.contact(contact)?;
        let has = self.accounts_of(contact);
        if has.contains(&pair.account) {
            return Ok(());
        }
        if !self.settings().multiple_accounts && has.len() == 1 {
            let has = has[0];
            return Err(Refusal::OneAccount { contact, has });
        }
        self.check_limit(contact, has.len(), has.len())
    }

    pub fn check_limit(&self, contact: ContactId, has: usize, kept: usize) -> Result<(), Refusal> {
        let max = self.settings().accounts_per_contact_max;
        if kept + 1 > max as usize {
            let has = has as u64;
            return Err(Refusal::AccountsPerContact { contact, has, max });
        }
        Ok(())
    }

    pub fn set_primary(&mut self, c: &SetPrimaryAccount) -> Said {
        self.association(c.pair)?;
        for account in self.accounts_of(c.pair.contact) {
            let pair = Pair { account, ..c.pair };
            self.make_primary(pair, account == c.pair.account);
        }
        Ok(self.tell_association(c.pair))
    }

    pub fn update_association(&mut self, c: &UpdateAssociation) -> Said {
        let before = self.association(c.pair)?;
        self.check_etag(c.etag, before.revision)?;
        let mut record = before.record;
        if let Some(sees) = c.sees_account_tickets {
            record.sees_account_tickets = sees;
        }
        if let Some(role) = &c.role {
            record.role = role.clone();
        }
        self.put_association(c.pair, record);
        Ok(self.tell_association(c.pair))
    }

    pub fn dissociate(&mut self, c: &DissociateContact) -> Said {
        let before = self.association(c.pair)?;
        self.check_previewed(c.pair, &c.leaving)?;
        if before.record.primary {
            return Err(Refusal::PrimaryStays(c.pair));
        }
        self.tables.associations.remove(&c.pair);
        let changed = self.dispose(c.pair, &c.leaving)?;
        Ok(format!("{changed} tickets"))
    }

    pub fn transfer(&mut self, c: &TransferContact) -> Said {
        let contact = c.contact;
        self.contact(contact)?;
        self.account(c.to)?;
        let primary = self.primary_of(contact);
        let account = primary.ok_or(Refusal::NothingToTransfer(contact))?;
        let (left, to) = (
            Pair { contact, account },
            Pair {
                contact,
                account: c.to,
            },
        );
        if left == to {
            return Ok(format!("{} 0 tickets", self.tell_association(to)));
        }
        self.check_previewed(left, &c.leaving)?;
        self.tables.associations.remove(&left);
        if self.tables.associations.contains_key(&to) {
            self.make_primary(to, true);
        } else {
            // One association ends and one is added: only the others can exceed the limit.
            let others = self.accounts_of(contact).len();
            if others > 0 {
                self.check_limit(contact, others + 1, others)?;
            }
            let made = self.new_association(true, c.sees_account_tickets, &c.role);
            self.put_association(to, made);
        }
        let changed = self.dispose(left, &c.leaving)?;
        Ok(format!("{} {changed} tickets", self.tell_association(to)))
    }

    pub fn check_previewed(&self, pair: Pair, leaving: &Leaving) -> Result<(), Refusal> {
        let Some(seen) = leaving.previewed else {
            return Ok(());
        };
        let held: Vec<HeldTicket> = self
            .tickets_with(pair)
            .into_iter()
            .map(|ticket| HeldTicket {
                ticket,
                status: self.ticket(ticket).record.status,
                revision: self.ticket(ticket).revision,
            })
            .collect();
        let etag = self.tables.associations[&pair].revision;
        if preview_digest(&seen.key, pair, etag, &held) != seen.digest {
            return Err(Refusal::EtagMismatch);
        }
        Ok(())
    }

    /// Applies the disposition to the tickets of an ended association; returns how many changed.
    pub fn dispose(&mut self, left: Pair, leaving: &Leaving) -> Result<usize, Refusal> {
        let tickets = self.tickets_with(left);
        let target = match leaving.disposition {
            None if tickets.is_empty() => return Ok(0),
            None => {
                return Err(Refusal::DispositionRequired {
                    pair: left,
                    tickets: tickets.len() as u64,
                });
            }
            Some(Disposition::Keep) => return Ok(0),
            Some(Disposition::Clear) => None,
            Some(Disposition::MoveToPrimary) => self.primary_of(left.contact),
            Some(Disposition::MoveTo(to)) if to == left.account => {
                return Err(Refusal::TargetIsLeft(to));
            }
            Some(Disposition::MoveTo(account)) => {
                let pair = Pair { account, ..left };
                if !self.tables.associations.contains_key(&pair) {
                    return Err(Refusal::TargetNotAssociated(pair));
                }
                Some(account)
            }
        };
        let open = |no: &TicketNo| self.ticket(*no).record.status == TicketStatus::Open;
        let mut those = tickets;
        if leaving.scope == Scope::OpenOnly {
            those.retain(open);
        }
        for no in &those {
            self.move_ticket(*no, target);
        }
        Ok(those.len())
    }
}
