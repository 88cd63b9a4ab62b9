//! Application of change sets to facts, each directly after the previous one.

use std::fmt::Display;

use roster_core::change::{Change, Row};
use roster_core::fact::Held;
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use roster_core::organization::RevisionId;
use roster_core::record::{Account, Association, Contact, Settings, Ticket};
use roster_core::rules::visibility::{FoldedRole, HeldSharing, VisibilitySettings};

use crate::contacts::Part;
use crate::facts::OrganizationFacts;
use crate::number::{TooLarge, small};
use crate::revisions::Known;
use crate::tickets::TicketParts;

/// Why a change set was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// It was applied before. The facts did not change.
    #[error("the revision is applied already")]
    AlreadyThere,
    /// An earlier change set is missing. The facts did not change; the log has the missing sets.
    #[error("memory is at revision {}, and this is not the next revision", has.number())]
    Gap {
        /// The revision in memory.
        has: Revision,
    },
    /// It contradicts the facts in memory. The facts are now invalid: drop them.
    #[error("the change set contradicts the facts in memory: {0}")]
    Contradiction(String),
    /// There is no room for a record. The facts are now invalid: drop them.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl OrganizationFacts {
    /// Applies the change set of the next revision, whole.
    pub fn apply(&mut self, at: RevisionId, changes: &[Change]) -> Result<(), NotApplied> {
        let has = self.at().revision;
        if at.revision <= has {
            return Err(match self.knows(at) {
                Known::Lost => contradiction(format_args!(
                    "revision {} has another nonce",
                    at.revision.number()
                )),
                Known::Yes | Known::Ahead | Known::Older => NotApplied::AlreadyThere,
            });
        }
        if at.revision != has.next() {
            return Err(NotApplied::Gap { has });
        }
        for change in changes {
            self.change(change)?;
        }
        self.revisions.add(at.nonce);
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Result<(), NotApplied> {
        match change {
            Change::Account(row) => self.change_account(row),
            Change::Contact(row) => self.change_contact(row),
            Change::Association(row) => self.change_association(row),
            Change::Ticket(row) => self.change_ticket(row),
            Change::Settings { before, after } => self.change_settings(before, after),
            Change::TicketsMoved {
                held,
                tickets,
                after,
            } => self.move_tickets(*held, tickets, *after),
        }
    }

    fn change_account(&mut self, row: &Row<AccountId, Account>) -> Result<(), NotApplied> {
        let held = |of: &Account| HeldSharing::of(of.sharing_mode, &of.sharing_roles);
        let account = number(row.key().number())?;
        let before = row.before().map(held);
        must(self.accounts.get(account) == before.as_ref(), row.key())?;
        self.accounts.set(account, row.after().map(held));
        Ok(())
    }

    fn change_contact(&mut self, row: &Row<ContactId, Contact>) -> Result<(), NotApplied> {
        let blocked = |of: &Contact| of.blocked;
        let contact = number(row.key().number())?;
        let before = row.before().map(blocked);
        must(self.contacts.blocked(contact) == before, row.key())?;
        let revoked = |of: &Contact| of.visitors_not_before;
        let before = row.before().and_then(revoked);
        must(
            self.contacts.visitors_not_before(contact) == before,
            row.key(),
        )?;
        self.contacts.set_blocked(contact, row.after().map(blocked));
        let after = row.after().and_then(revoked);
        if before != after {
            self.contacts.set_visitors_not_before(contact, after);
        }
        Ok(())
    }

    fn change_association(&mut self, row: &Row<Pair, Association>) -> Result<(), NotApplied> {
        let pair = row.key();
        let contact = number(pair.contact.number())?;
        let account = number(pair.account.number())?;
        let part = self.contacts.part(contact, account);
        let fits = match (part, row.before()) {
            (None, None) => true,
            (Some(part), Some(before)) => self.is_of(part, before),
            _ => false,
        };
        must(fits, format_args!("{} at {}", pair.contact, pair.account))?;
        match row.after() {
            None => self.contacts.remove(contact, account),
            Some(after) => {
                let role = self.roles.take(FoldedRole::of(&after.role))?;
                let marks = (after.primary, after.sees_account_tickets);
                let part = Part::new(account, marks.0, marks.1, role);
                self.contacts.put(contact, part);
            }
        }
        if let Some(part) = part {
            self.roles.release(part.role());
        }
        Ok(())
    }

    fn is_of(&self, part: Part, association: &Association) -> bool {
        part.primary() == association.primary
            && part.sees_account_tickets() == association.sees_account_tickets
            && *self.roles.get(part.role()) == FoldedRole::of(&association.role)
    }

    fn change_ticket(&mut self, row: &Row<TicketNo, Ticket>) -> Result<(), NotApplied> {
        let ticket = number(row.key().number())?;
        let before = row.before().map(Packed::of).transpose()?;
        let after = row.after().map(Packed::of).transpose()?;
        must(
            self.ticket_is(ticket, before.as_ref()),
            format_args!("ticket {ticket}"),
        )?;
        match (before, after) {
            (Some(before), Some(after)) if before.key == after.key => {
                self.tickets.set(ticket, after.parts);
                if before.cc != after.cc {
                    self.tickets.set_cc(ticket, after.cc);
                }
            }
            (before, after) => {
                if before.is_some() {
                    self.tickets.remove(ticket);
                }
                if let Some(after) = after {
                    self.add_ticket(ticket, after)?;
                }
            }
        }
        Ok(())
    }

    fn add_ticket(&mut self, ticket: u32, packed: Packed<'_>) -> Result<(), NotApplied> {
        let free = self.tickets.find(packed.key).is_none();
        must(free, format_args!("another ticket has the id of {ticket}"))?;
        self.tickets.add(ticket, packed.key, packed.parts)?;
        self.tickets.set_cc(ticket, packed.cc);
        Ok(())
    }

    fn ticket_is(&self, ticket: u32, packed: Option<&Packed<'_>>) -> bool {
        match (self.tickets.get(ticket), packed) {
            (None, None) => true,
            (Some(parts), Some(packed)) => {
                parts == packed.parts
                    && self.tickets.key(ticket) == packed.key.as_bytes()
                    && self.tickets.cc(ticket) == &*packed.cc
            }
            _ => false,
        }
    }

    fn change_settings(&mut self, before: &Settings, after: &Settings) -> Result<(), NotApplied> {
        must(self.settings == VisibilitySettings::of(before), "settings")?;
        self.settings = VisibilitySettings::of(after);
        Ok(())
    }

    fn move_tickets(
        &mut self,
        held: Held,
        tickets: &[TicketNo],
        after: Option<AccountId>,
    ) -> Result<(), NotApplied> {
        let requester = number(held.requester.number())?;
        let (before, after) = (account_number(held.account)?, account_number(after)?);
        for ticket in tickets {
            let no = number(ticket.number())?;
            let moved = self.tickets.moved(no, requester, before, after);
            must(moved, format_args!("ticket {no}"))?;
        }
        Ok(())
    }
}

/// A ticket of a change, in the form of the memory.
struct Packed<'t> {
    key: &'t str,
    parts: TicketParts,
    cc: Box<[u32]>,
}

impl<'t> Packed<'t> {
    fn of(ticket: &'t Ticket) -> Result<Self, NotApplied> {
        let cc = ticket.cc.iter().map(|contact| number(contact.number()));
        let mut cc: Box<[u32]> = cc.collect::<Result<_, _>>()?;
        cc.sort_unstable();
        Ok(Self {
            key: ticket.key.as_str(),
            parts: TicketParts {
                requester: number(ticket.requester.number())?,
                account: account_number(ticket.account)?,
                private: ticket.private,
            },
            cc,
        })
    }
}

/// Returns the number of a record; 0 is invalid.
fn number(number: u64) -> Result<u32, NotApplied> {
    must(number != 0, "a record with the number 0")?;
    Ok(small(number)?)
}

fn account_number(account: Option<AccountId>) -> Result<u32, NotApplied> {
    account.map_or(Ok(0), |account| number(account.number()))
}

fn must(holds: bool, what: impl Display) -> Result<(), NotApplied> {
    if holds {
        Ok(())
    } else {
        Err(contradiction(what))
    }
}

fn contradiction(what: impl Display) -> NotApplied {
    NotApplied::Contradiction(what.to_string())
}
