//! `deletion`: deletion of accounts and contacts, with the records that depend on them.

use std::collections::BTreeMap;

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::draft::Draft;
use crate::fact::{Facts, Held, Needs, TicketsOf};
use crate::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use crate::record::Ticket;
use crate::refusal::{Refusal, Refused};
use crate::rules::association::with_primary;
use crate::rules::disposition::Disposition;
use crate::rules::{account_of, check_etag, contact_of};

/// `deletion`: deletes an account.
#[derive(Clone, Debug)]
pub struct DeleteAccount {
    /// The account to delete.
    pub id: AccountId,
    /// The etag that the account must have.
    pub etag: Option<Revision>,
    /// Whether its associations end.
    pub dissociate_contacts: bool,
    /// What happens to its tickets; [`Disposition::Keep`] is not valid here.
    pub disposition: Option<Disposition>,
}

/// The result of [`DeleteAccount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedAccount {
    /// How many associations ended.
    pub contacts_dissociated: u64,
    /// How many tickets changed.
    pub tickets_changed: u64,
}

impl Command for DeleteAccount {
    type Answer = DeletedAccount;
    const NAME: &'static str = "DeleteAccount";

    fn needs(&self, needs: &mut Needs) {
        needs.accounts.insert(self.id);
        if let Some(Disposition::MoveTo(target)) = self.disposition {
            needs.accounts.insert(target);
        }
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<DeletedAccount>, Refused> {
        let account = account_of(facts, self.id)?;
        check_etag(self.etag, account.revision)?;
        let contacts = facts.contacts_of(self.id)?;
        let tickets = facts.tickets_of(TicketsOf::Account(self.id))?;
        let undecided = (!contacts.is_empty() && !self.dissociate_contacts)
            || (!tickets.is_empty() && self.disposition.is_none());
        if undecided {
            return Err(Refusal::StillInUse {
                id: self.id.to_string(),
                associations: contacts.len() as u64,
                tickets: tickets.len() as u64,
            }
            .into());
        }
        self.check_target(facts)?;

        let mut draft = Draft::over(facts);
        let mut changes = Vec::new();
        for contact in &contacts {
            let pair = Pair {
                contact: *contact,
                account: self.id,
            };
            let ended = end_association(&draft, pair)?;
            draft.apply(&ended, given.revision)?;
            changes.extend(ended);
        }
        changes.extend(self.dispose(&draft, &tickets)?);
        changes.push(Change::Account(Row::Deleted(self.id, account.record)));
        Ok(Decision {
            changes,
            answer: DeletedAccount {
                contacts_dissociated: contacts.len() as u64,
                tickets_changed: tickets.len() as u64,
            },
        })
    }
}

impl DeleteAccount {
    fn check_target<F: Facts>(&self, facts: &F) -> Result<(), Refused> {
        match self.disposition {
            Some(Disposition::MoveTo(target)) if target == self.id => {
                Err(Refusal::TargetIsLeft(target).into())
            }
            Some(Disposition::MoveTo(target)) => account_of(facts, target).map(drop),
            _ => Ok(()),
        }
    }

    /// Handles the tickets of each requester together.
    fn dispose<F: Facts>(&self, facts: &F, tickets: &[TicketNo]) -> Result<Vec<Change>, Refused> {
        let mut by_requester: BTreeMap<ContactId, Vec<TicketNo>> = BTreeMap::new();
        for (number, ticket) in facts.tickets(tickets)? {
            let of = by_requester.entry(ticket.record.requester).or_default();
            of.push(number);
        }
        let mut changes = Vec::with_capacity(by_requester.len());
        for (requester, tickets) in by_requester {
            let after = match self.disposition {
                Some(Disposition::MoveTo(target)) => Some(target),
                Some(Disposition::MoveToPrimary) => facts.primary_account(requester)?,
                // No ticket keeps an account that is deleted.
                Some(Disposition::Clear | Disposition::Keep) | None => None,
            };
            changes.push(Change::TicketsMoved {
                held: Held {
                    requester,
                    account: Some(self.id),
                },
                tickets,
                after,
            });
        }
        Ok(changes)
    }
}

/// Ends an association of either kind. If it was the primary, another becomes primary
/// (`one-primary`): the remaining association with the lowest revision (the least recently
/// written), and among equal revisions the one with the lowest account number.
fn end_association<F: Facts>(facts: &F, pair: Pair) -> Result<Vec<Change>, Refused> {
    let Some(ended) = facts.association(pair)? else {
        return Ok(Vec::new());
    };
    let was_primary = ended.record.primary;
    let mut changes = vec![Change::Association(Row::Deleted(pair, ended.record))];
    if was_primary {
        let all = facts.associations_of(pair.contact)?;
        let remaining = all.into_iter().filter(|(of, _)| *of != pair.account);
        let heir = remaining.min_by_key(|(of, association)| (association.revision, *of));
        changes.extend(heir.map(|(account, association)| {
            let heir = Pair { account, ..pair };
            with_primary(heir, association.record, true)
        }));
    }
    Ok(changes)
}

/// What happens to the tickets that a deleted contact requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedTickets {
    /// They are deleted.
    Delete,
    /// Another contact becomes their requester; their accounts do not change.
    Reassign(ContactId),
}

/// `deletion`: deletes a contact.
#[derive(Clone, Debug)]
pub struct DeleteContact {
    /// The contact to delete.
    pub id: ContactId,
    /// The etag that the contact must have.
    pub etag: Option<Revision>,
    /// Whether its associations end.
    pub dissociate_accounts: bool,
    /// What happens to its tickets.
    pub tickets: Option<RequestedTickets>,
}

/// The result of [`DeleteContact`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletedContact {
    /// How many associations ended.
    pub accounts_dissociated: u64,
    /// How many tickets were deleted.
    pub tickets_deleted: u64,
    /// How many tickets got another requester.
    pub tickets_reassigned: u64,
}

impl Command for DeleteContact {
    type Answer = DeletedContact;
    const NAME: &'static str = "DeleteContact";

    fn needs(&self, needs: &mut Needs) {
        needs.contacts.insert(self.id);
        if let Some(RequestedTickets::Reassign(to)) = self.tickets {
            needs.contacts.insert(to);
        }
    }

    /// Removes the deleted contact from CC of every ticket.
    fn decide<F: Facts>(
        &self,
        facts: &F,
        _: &mut Circumstances,
    ) -> Result<Decision<DeletedContact>, Refused> {
        let contact = contact_of(facts, self.id)?;
        check_etag(self.etag, contact.revision)?;
        let associations = facts.associations_of(self.id)?;
        let requested = facts.tickets_of(TicketsOf::Requester(self.id))?;
        let undecided = (!associations.is_empty() && !self.dissociate_accounts)
            || (!requested.is_empty() && self.tickets.is_none());
        if undecided {
            return Err(Refusal::StillInUse {
                id: self.id.to_string(),
                associations: associations.len() as u64,
                tickets: requested.len() as u64,
            }
            .into());
        }
        self.check_heir(facts)?;

        let mut answer = DeletedContact {
            accounts_dissociated: associations.len() as u64,
            ..DeletedContact::default()
        };
        let ended = associations.into_iter().map(|(account, association)| {
            let contact = self.id;
            let pair = Pair { contact, account };
            Change::Association(Row::Deleted(pair, association.record))
        });
        let mut changes: Vec<Change> = ended.collect();
        let mut touched = requested;
        touched.extend(facts.tickets_of(TicketsOf::Cc(self.id))?);
        touched.sort_unstable();
        touched.dedup();
        for (number, ticket) in facts.tickets(&touched)? {
            changes.push(self.without(number, ticket.record, &mut answer)?);
        }
        changes.push(Change::Contact(Row::Deleted(self.id, contact.record)));
        Ok(Decision { changes, answer })
    }
}

impl DeleteContact {
    fn check_heir<F: Facts>(&self, facts: &F) -> Result<(), Refused> {
        match self.tickets {
            Some(RequestedTickets::Reassign(to)) if to == self.id => {
                Err(Refusal::RequesterIsDeleted(to).into())
            }
            Some(RequestedTickets::Reassign(to)) if !facts.contact_exists(to)? => {
                Err(Refusal::RequesterNotFound(to).into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the change that removes the contact from a ticket.
    fn without(
        &self,
        number: TicketNo,
        before: Ticket,
        answer: &mut DeletedContact,
    ) -> Result<Change, Refusal> {
        let mut after = before.clone();
        after.cc.retain(|contact| *contact != self.id);
        if before.requester == self.id {
            match self.tickets {
                Some(RequestedTickets::Reassign(to)) => {
                    answer.tickets_reassigned += 1;
                    after.requester = to;
                }
                Some(RequestedTickets::Delete) => {
                    answer.tickets_deleted += 1;
                    return Ok(Change::Ticket(Row::Deleted(number, before)));
                }
                // A ticket is deleted only for a caller who said so.
                None => {
                    return Err(Refusal::StillInUse {
                        id: self.id.to_string(),
                        associations: answer.accounts_dissociated,
                        tickets: 1,
                    });
                }
            }
        }
        Ok(Change::Ticket(Row::Updated {
            key: number,
            before,
            after,
        }))
    }
}
