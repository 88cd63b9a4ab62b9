//! The one rule of sight. Check, batch, list, viewers and explain all ask it.

mod facts;
mod standing;

use crate::id::{AccountId, ContactId, Pair};
use crate::record::SharingMode;
use crate::text::TicketKey;

pub use facts::{
    FoldedRole, SightAssociation, SightFacts, SightPart, SightSettings, SightSharing, SightSink,
    SightTicket, SinkFull,
};
pub use standing::{HeldAssociation, HeldSharing, Standing};

/// Why there is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen<E> {
    /// There is no such contact.
    UnknownContact,
    /// There is no such ticket.
    UnknownTicket,
    /// A fact could not be had.
    Facts(E),
}

impl<E> From<E> for Unseen<E> {
    fn from(error: E) -> Self {
        Self::Facts(error)
    }
}

/// Whether a clause holds, and why. Of several reasons against it, the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClauseReason {
    /// `requester` holds.
    IsRequester,
    /// `requester` does not.
    NotRequester,
    /// `cc` holds.
    InCopy,
    /// `cc` does not.
    NotInCopy,
    /// `account` holds: mode EVERYONE.
    SharesWithEveryone,
    /// `account` holds: mode GRANTED and the association is marked.
    AssociationGranted,
    /// `account` holds: mode ROLES and the role is listed.
    RoleListed,
    /// The organization's switch is off.
    SharingDisabled,
    /// The ticket is private.
    TicketPrivate,
    /// The ticket has no account, and none equals no other none.
    TicketWithoutAccount,
    /// The contact is not associated with the ticket's account.
    NotAssociated,
    /// Only primary associations count, and this is none.
    NotPrimary,
    /// The account shares with nobody.
    ModeNobody,
    /// Mode GRANTED and the association is not marked.
    NotGranted,
    /// Mode ROLES and the role is not listed.
    RoleNotListed,
}

impl ClauseReason {
    /// Whether the clause holds.
    pub fn holds(self) -> bool {
        matches!(
            self,
            Self::IsRequester
                | Self::InCopy
                | Self::SharesWithEveryone
                | Self::AssociationGranted
                | Self::RoleListed
        )
    }
}

/// By what a contact may see a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// It is the contact's own.
    Requester,
    /// The contact is in copy.
    Copy,
    /// An account shares it.
    Account(AccountId),
}

/// What the rule says of one contact and one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// A blocked contact sees nothing, whatever the clauses say.
    pub blocked: bool,
    /// Clause 1, `requester`.
    pub requester: ClauseReason,
    /// Clause 2, `cc`.
    pub cc: ClauseReason,
    /// Clause 3, `account`, with the ticket's own account.
    pub account: (Option<AccountId>, ClauseReason),
}

impl Verdict {
    /// Whether the contact sees the ticket.
    pub fn visible(&self) -> bool {
        self.grounds().next().is_some()
    }

    /// All grounds by which it does.
    pub fn grounds(&self) -> impl Iterator<Item = Ground> + use<> {
        let (account, shared) = self.account;
        let grounds = [
            self.requester.holds().then_some(Ground::Requester),
            self.cc.holds().then_some(Ground::Copy),
            account.filter(|_| shared.holds()).map(Ground::Account),
        ];
        let blocked = self.blocked;
        grounds.into_iter().flatten().filter(move |_| !blocked)
    }
}

/// **Visibility**: a contact sees a ticket that is its own, or that it is in copy of, or that an
/// account shares with it; never when blocked. Every clause is asked, so that the verdict names
/// all that hold.
pub fn sight<F: SightFacts + ?Sized>(
    facts: &F,
    contact: ContactId,
    ticket: &TicketKey,
) -> Result<Verdict, Unseen<F::Error>> {
    let blocked = facts.blocked(contact)?.ok_or(Unseen::UnknownContact)?;
    let ticket = facts.ticket(ticket)?.ok_or(Unseen::UnknownTicket)?;
    let requester = if ticket.requester == contact {
        ClauseReason::IsRequester
    } else {
        ClauseReason::NotRequester
    };
    let cc = if facts.in_copy(ticket.number, contact)? {
        ClauseReason::InCopy
    } else {
        ClauseReason::NotInCopy
    };
    Ok(Verdict {
        blocked,
        requester,
        cc,
        account: (ticket.account, account_clause(facts, contact, &ticket)?),
    })
}

fn account_clause<F: SightFacts + ?Sized>(
    facts: &F,
    contact: ContactId,
    ticket: &SightTicket,
) -> Result<ClauseReason, F::Error> {
    let settings = facts.settings()?;
    if !settings.sharing_enabled {
        return Ok(ClauseReason::SharingDisabled);
    }
    if ticket.private {
        return Ok(ClauseReason::TicketPrivate);
    }
    let Some(account) = ticket.account else {
        return Ok(ClauseReason::TicketWithoutAccount);
    };
    let (Some(association), Some(sharing)) = (
        facts.association(Pair { contact, account })?,
        facts.sharing(account)?,
    ) else {
        return Ok(ClauseReason::NotAssociated);
    };
    Ok(shares(settings, sharing, association))
}

/// Whether an account shares its tickets with a contact that is associated with it so.
pub fn shares(
    settings: &SightSettings,
    sharing: SightSharing<'_>,
    association: SightAssociation<'_>,
) -> ClauseReason {
    if settings.sharing_primary_only && !association.primary {
        return ClauseReason::NotPrimary;
    }
    let (mode, roles) = match sharing.mode {
        Some(mode) => (mode, sharing.roles),
        None => (settings.default_mode, &*settings.default_roles),
    };
    match mode {
        SharingMode::Nobody => ClauseReason::ModeNobody,
        SharingMode::Everyone => ClauseReason::SharesWithEveryone,
        SharingMode::Granted if association.sees_account_tickets => {
            ClauseReason::AssociationGranted
        }
        SharingMode::Granted => ClauseReason::NotGranted,
        SharingMode::Roles if is_listed(association.role, roles) => ClauseReason::RoleListed,
        SharingMode::Roles => ClauseReason::RoleNotListed,
    }
}

/// An empty role matches nothing, an empty list lets nobody in.
fn is_listed(role: &FoldedRole, roles: &[FoldedRole]) -> bool {
    !role.is_empty() && roles.contains(role)
}
