//! The visibility facts of one organization at one revision.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;

use roster_core::id::{AccountId, ContactId, Pair, TicketNo, Time};
use roster_core::organization::RevisionId;
use roster_core::rules::visibility::{
    AssociationFacts, ContactFacts, HeldSharing, SharingFacts, TicketFacts, VisibilityFacts,
    VisibilitySettings,
};
use roster_core::text::TicketKey;

use crate::accounts::Accounts;
use crate::contacts::{Contacts, Part};
use crate::number::small_or_zero;
use crate::revisions::{Known, KnownRevisions};
use crate::roles::Roles;
use crate::tickets::Tickets;

/// The most accounts of a contact that [`OrganizationFacts::contact_facts`] returns: it copies them
/// under the organization's lock, and a few hundred take some tens of microseconds.
pub const CONTACT_ACCOUNTS_MAX: usize = 256;

/// See the module documentation. Reading through [`VisibilityFacts`] allocates nothing.
pub struct OrganizationFacts {
    pub(crate) settings: VisibilitySettings,
    pub(crate) roles: Roles,
    pub(crate) contacts: Contacts,
    pub(crate) accounts: Accounts,
    pub(crate) tickets: Tickets,
    pub(crate) revisions: KnownRevisions,
}

/// The bytes of an organization's facts, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesByKind {
    /// Contacts, their associations and roles.
    pub contacts: usize,
    /// Accounts.
    pub accounts: usize,
    /// Tickets and their ids.
    pub tickets: usize,
    /// Contacts in CC.
    pub cc: usize,
    /// Nonces of revisions, and the size of an empty organization.
    pub other: usize,
}

impl OrganizationFacts {
    pub(crate) fn empty(at: RevisionId, settings: VisibilitySettings) -> Self {
        Self {
            settings,
            roles: Roles::new(),
            contacts: Contacts::new(),
            accounts: Accounts::default(),
            tickets: Tickets::new(RandomState::new()),
            revisions: KnownRevisions::from(at),
        }
    }

    /// Returns the revision of the facts.
    pub fn at(&self) -> RevisionId {
        self.revisions.at()
    }

    /// Returns what is known about another revision.
    pub fn knows(&self, at: RevisionId) -> Known {
        self.revisions.knows(at)
    }

    /// Returns the facts of a contact and its accounts; `None` if the contact does not exist or has
    /// more than [`CONTACT_ACCOUNTS_MAX`] accounts.
    pub fn contact_facts(&self, contact: ContactId) -> Option<ContactFacts> {
        let contact = small_or_zero(contact.number());
        let blocked = self.contacts.blocked(contact)?;
        if self.contacts.count(contact) > CONTACT_ACCOUNTS_MAX {
            return None;
        }
        let with = |part: Part| {
            let sharing = self.accounts.get(part.account())?.clone();
            let account = AccountId::new(part.account().into());
            Some((account, (self.association_of(part).into(), sharing)))
        };
        let accounts = self.contacts.parts(contact).into_iter().filter_map(with);
        Some(ContactFacts {
            blocked,
            visitors_not_before: self.contacts.visitors_not_before(contact),
            accounts: accounts.collect(),
        })
    }

    fn association_of(&self, part: Part) -> AssociationFacts<'_> {
        AssociationFacts {
            primary: part.primary(),
            sees_account_tickets: part.sees_account_tickets(),
            role: self.roles.get(part.role()),
        }
    }

    /// Returns the bytes of the facts, without walking them.
    pub fn bytes(&self) -> usize {
        let by_kind = self.bytes_by_kind();
        by_kind.contacts + by_kind.accounts + by_kind.tickets + by_kind.cc + by_kind.other
    }

    /// Returns the bytes by kind; see [`bytes`](Self::bytes).
    pub fn bytes_by_kind(&self) -> BytesByKind {
        let roles = self.settings.default_roles.iter();
        let default_roles: usize = roles
            .map(|role| size_of_val(role) + role.as_str().len())
            .sum();
        BytesByKind {
            contacts: self.contacts.bytes() + self.roles.bytes(),
            accounts: self.accounts.bytes(),
            tickets: self.tickets.bytes(),
            cc: self.tickets.cc_bytes(),
            other: size_of::<Self>() + self.revisions.bytes() + default_roles,
        }
    }
}

impl VisibilityFacts for OrganizationFacts {
    type Error = Infallible;

    fn settings(&self) -> Result<&VisibilitySettings, Infallible> {
        Ok(&self.settings)
    }

    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Infallible> {
        Ok(self.contacts.blocked(small_or_zero(contact.number())))
    }

    fn visitors_not_before(&self, contact: ContactId) -> Result<Option<Time>, Infallible> {
        let contact = small_or_zero(contact.number());
        Ok(self.contacts.visitors_not_before(contact))
    }

    fn ticket(&self, key: &TicketKey) -> Result<Option<TicketFacts>, Infallible> {
        let found = self.tickets.find(key.as_str());
        let ticket = found.and_then(|ticket| Some((ticket, self.tickets.get(ticket)?)));
        Ok(ticket.map(|(ticket, parts)| TicketFacts {
            number: TicketNo::new(ticket.into()),
            requester: ContactId::new(parts.requester.into()),
            account: (parts.account != 0).then(|| AccountId::new(parts.account.into())),
            private: parts.private,
        }))
    }

    fn in_cc(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, Infallible> {
        let cc = self.tickets.cc(small_or_zero(ticket.number()));
        Ok(cc.binary_search(&small_or_zero(contact.number())).is_ok())
    }

    fn association(&self, pair: Pair) -> Result<Option<AssociationFacts<'_>>, Infallible> {
        let (contact, account) = (
            small_or_zero(pair.contact.number()),
            small_or_zero(pair.account.number()),
        );
        let part = self.contacts.part(contact, account);
        Ok(part.map(|part| self.association_of(part)))
    }

    fn sharing(&self, account: AccountId) -> Result<Option<SharingFacts<'_>>, Infallible> {
        let account = self.accounts.get(small_or_zero(account.number()));
        Ok(account.map(HeldSharing::facts))
    }
}
