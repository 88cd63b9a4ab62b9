//! The visibility rule. Check, batch, list, viewers and explain all call it.

mod contact_facts;
mod facts;

use crate::id::{AccountId, ContactId, Pair};
use crate::record::SharingMode;
use crate::text::TicketKey;

pub use contact_facts::{ContactFacts, HeldAssociation, HeldSharing};
pub use facts::{
    AssociationFacts, FactSink, FoldedRole, SharingFacts, SinkFull, StreamedAssociation,
    TicketFacts, VisibilityFacts, VisibilitySettings,
};

/// Why there is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen<E> {
    /// The contact does not exist.
    UnknownContact,
    /// The ticket does not exist.
    UnknownTicket,
    /// A fact could not be read.
    Facts(E),
}

impl<E> From<E> for Unseen<E> {
    fn from(error: E) -> Self {
        Self::Facts(error)
    }
}

/// Whether a clause holds, and why. If several reasons deny it, the first in this order is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClauseReason {
    /// `requester` holds.
    IsRequester,
    /// `requester` does not hold.
    NotRequester,
    /// `cc` holds.
    InCopy,
    /// `cc` does not hold.
    NotInCopy,
    /// `account` holds: mode EVERYONE.
    SharesWithEveryone,
    /// `account` holds: mode GRANTED and the association has the flag.
    AssociationGranted,
    /// `account` holds: mode ROLES and the role is in the list.
    RoleListed,
    /// The organization's sharing is off.
    SharingDisabled,
    /// The ticket is private.
    TicketPrivate,
    /// The ticket has no account. A missing account never matches.
    TicketWithoutAccount,
    /// The contact is not associated with the ticket's account.
    NotAssociated,
    /// Sharing requires the primary association, and this association is secondary.
    NotPrimary,
    /// The account shares with nobody.
    ModeNobody,
    /// Mode GRANTED and the association lacks the flag.
    NotGranted,
    /// Mode ROLES and the role is not in the list.
    RoleNotListed,
}

impl ClauseReason {
    /// Returns whether the clause holds.
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

/// A ground on which a contact sees a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// The contact is the requester.
    Requester,
    /// The contact is in CC.
    Cc,
    /// The account shares the ticket.
    Account(AccountId),
}

/// The verdict for one contact and one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// A blocked contact sees nothing, whichever clauses hold.
    pub blocked: bool,
    /// Clause 1, `requester`.
    pub requester: ClauseReason,
    /// Clause 2, `cc`.
    pub cc: ClauseReason,
    /// Clause 3, `account`, with the ticket's own account.
    pub account: (Option<AccountId>, ClauseReason),
}

impl Verdict {
    /// The verdict for a visitor about a ticket that does not exist: no clause holds.
    pub(crate) const UNKNOWN_TICKET: Self = Self {
        blocked: false,
        requester: ClauseReason::NotRequester,
        cc: ClauseReason::NotInCopy,
        account: (None, ClauseReason::TicketWithoutAccount),
    };

    /// Returns whether the contact sees the ticket.
    pub fn visible(&self) -> bool {
        self.grounds().next().is_some()
    }

    /// Returns all grounds on which the contact sees the ticket.
    pub fn grounds(&self) -> impl Iterator<Item = Ground> + use<> {
        let (account, shared) = self.account;
        let grounds = [
            self.requester.holds().then_some(Ground::Requester),
            self.cc.holds().then_some(Ground::Cc),
            account.filter(|_| shared.holds()).map(Ground::Account),
        ];
        let blocked = self.blocked;
        grounds.into_iter().flatten().filter(move |_| !blocked)
    }
}

/// **Visibility**: a contact sees a ticket if it is the requester (`requester`), if it is in CC
/// (`cc`), or if an account shares the ticket with it (`account`); a blocked contact sees nothing.
/// Every clause is evaluated, so that the verdict names all clauses that hold.
pub fn check_ticket<F: VisibilityFacts + ?Sized>(
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
    let cc = if facts.in_cc(ticket.number, contact)? {
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

/// The clause `account`.
fn account_clause<F: VisibilityFacts + ?Sized>(
    facts: &F,
    contact: ContactId,
    ticket: &TicketFacts,
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

/// Returns whether an account shares its tickets with a contact that has this association.
pub fn shares(
    settings: &VisibilitySettings,
    sharing: SharingFacts<'_>,
    association: AssociationFacts<'_>,
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

/// An empty role never matches; an empty list matches no role.
fn is_listed(role: &FoldedRole, roles: &[FoldedRole]) -> bool {
    !role.is_empty() && roles.contains(role)
}
