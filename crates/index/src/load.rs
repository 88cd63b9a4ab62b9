//! Loading of visibility facts from a database.

use std::collections::HashMap;

use roster_core::id::{AccountId, ContactId, Pair, TicketNo, Time};
use roster_core::organization::RevisionId;
use roster_core::record::{Settings, Sharing};
use roster_core::rules::visibility::{
    FactSink, FoldedRole, HeldSharing, SinkFull, StreamedAssociation, TicketFacts,
    VisibilitySettings,
};
use roster_core::text::Role;

use crate::contacts::Part;
use crate::facts::OrganizationFacts;
use crate::number::{TooLarge, small};
use crate::roles::RoleNo;
use crate::tickets::TicketParts;

/// How many distinct roles are cached while loading, so that each is folded once: more than an
/// organization has job titles. Further roles are folded each time.
const ROLES_REMEMBERED_MAX: usize = 4_096;
/// The bytes of a ticket in the table by id, which is built at the end.
const FOUND_BYTES: usize = 8;

/// The facts of an organization during a load.
///
/// Invariant: it never exceeds its limit by more than one row.
pub struct Loading {
    facts: OrganizationFacts,
    bytes_max: usize,
    roles: HashMap<Role, RoleNo>,
    /// The CC list that is being read.
    cc_ticket: u32,
    cc: Vec<u32>,
    /// Whether a row was refused.
    full: bool,
}

impl Loading {
    /// Creates a load that has only the settings.
    pub fn new(at: RevisionId, settings: &Settings, bytes_max: usize) -> Self {
        Self {
            facts: OrganizationFacts::empty(at, VisibilitySettings::of(settings)),
            bytes_max,
            roles: HashMap::new(),
            cc_ticket: 0,
            cc: Vec::new(),
            full: false,
        }
    }

    /// Returns the facts, if every row fit.
    pub fn finish(mut self) -> Result<OrganizationFacts, TooLarge> {
        self.end_cc();
        if self.full || !self.fits() {
            return Err(TooLarge);
        }
        self.facts.tickets.make_all_found();
        if self.facts.bytes() > self.bytes_max {
            return Err(TooLarge);
        }
        Ok(self.facts)
    }

    fn fits(&self) -> bool {
        let planned = self.facts.tickets.end() as usize * FOUND_BYTES;
        self.facts.bytes() + planned <= self.bytes_max
    }

    /// Writes a row, unless there is no room.
    fn take(
        &mut self,
        number: u64,
        write: impl FnOnce(&mut Self, u32) -> Result<(), TooLarge>,
    ) -> Result<(), SinkFull> {
        let taken = self.number(number).and_then(|number| write(self, number));
        if taken.is_err() || !self.fits() {
            self.full = true;
        }
        if self.full { Err(SinkFull) } else { Ok(()) }
    }

    /// Refuses a number whose list would exceed the limit, before the list is allocated.
    fn number(&self, number: u64) -> Result<u32, TooLarge> {
        let small = small(number)?;
        let fits = small != 0 && small as usize <= self.bytes_max / size_of::<u64>();
        if fits { Ok(small) } else { Err(TooLarge) }
    }

    fn role(&mut self, role: &Role) -> Result<RoleNo, TooLarge> {
        if let Some(number) = self.roles.get(role).copied() {
            self.facts.roles.take_again(number);
            return Ok(number);
        }
        let number = self.facts.roles.take(FoldedRole::of(role))?;
        if self.roles.len() == ROLES_REMEMBERED_MAX {
            self.roles.clear();
        }
        self.roles.insert(role.clone(), number);
        Ok(number)
    }

    fn end_cc(&mut self) {
        if !self.cc.is_empty() {
            let contacts = self.cc.as_slice().into();
            self.facts.tickets.list_cc(self.cc_ticket, contacts);
            self.cc.clear();
        }
    }
}

impl FactSink for Loading {
    fn contact(&mut self, contact: ContactId, blocked: bool) -> Result<(), SinkFull> {
        self.take(contact.number(), |loading, contact| {
            loading.facts.contacts.set_blocked(contact, Some(blocked));
            Ok(())
        })
    }

    fn visitors_not_before(&mut self, contact: ContactId, time: Time) -> Result<(), SinkFull> {
        self.take(contact.number(), |loading, contact| {
            let contacts = &mut loading.facts.contacts;
            contacts.set_visitors_not_before(contact, Some(time));
            Ok(())
        })
    }

    fn account(&mut self, account: AccountId, sharing: &Sharing) -> Result<(), SinkFull> {
        self.take(account.number(), |loading, account| {
            let held = HeldSharing::of(sharing.mode, &sharing.roles);
            loading.facts.accounts.set(account, Some(held));
            Ok(())
        })
    }

    fn association(&mut self, pair: Pair, part: StreamedAssociation<'_>) -> Result<(), SinkFull> {
        self.take(pair.contact.number(), |loading, contact| {
            let account = loading.number(pair.account.number())?;
            let role = loading.role(part.role)?;
            let part = Part::new(account, part.primary, part.sees_account_tickets, role);
            loading.facts.contacts.put(contact, part);
            Ok(())
        })
    }

    fn ticket(&mut self, key: &str, ticket: TicketFacts) -> Result<(), SinkFull> {
        self.take(ticket.number.number(), |loading, number| {
            let parts = TicketParts {
                requester: loading.number(ticket.requester.number())?,
                account: match ticket.account {
                    None => 0,
                    Some(account) => loading.number(account.number())?,
                },
                private: ticket.private,
            };
            loading.facts.tickets.add_unfound(number, key, parts)
        })
    }

    fn cc(&mut self, ticket: TicketNo, contact: ContactId) -> Result<(), SinkFull> {
        self.take(ticket.number(), |loading, ticket| {
            let contact = loading.number(contact.number())?;
            if ticket != loading.cc_ticket {
                loading.end_cc();
                loading.cc_ticket = ticket;
            }
            loading.cc.push(contact);
            Ok(())
        })
    }
}
