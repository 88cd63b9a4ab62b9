//! What the rule of sight asks, in the form in which it compares: a check makes nothing anew.

use crate::id::{AccountId, ContactId, Pair, TicketNo};
use crate::names::fold;
use crate::record::{Association, Settings, Sharing, SharingMode};
use crate::text::{Role, TicketKey};

/// A role as the rule compares it: folded once, when it is stored, not on each question.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldedRole(Box<str>);

impl FoldedRole {
    /// The role, folded.
    pub fn of(role: &Role) -> Self {
        Self(fold(role.as_str()).into())
    }

    /// These roles, folded, in their order.
    pub fn all(roles: &[Role]) -> Box<[Self]> {
        roles.iter().map(Self::of).collect()
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no role was given: it matches nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the rule asks of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightSettings {
    /// See [`Settings::sharing_enabled`].
    pub sharing_enabled: bool,
    /// See [`Settings::sharing_primary_only`].
    pub sharing_primary_only: bool,
    /// See [`Settings::default_sharing_mode`].
    pub default_mode: SharingMode,
    /// See [`Settings::default_sharing_roles`].
    pub default_roles: Box<[FoldedRole]>,
}

impl SightSettings {
    /// What the rule asks of these settings.
    pub fn of(settings: &Settings) -> Self {
        Self {
            sharing_enabled: settings.sharing_enabled,
            sharing_primary_only: settings.sharing_primary_only,
            default_mode: settings.default_sharing_mode,
            default_roles: FoldedRole::all(&settings.default_sharing_roles),
        }
    }
}

impl Default for SightSettings {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

/// What the rule asks of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SightTicket {
    /// Its number.
    pub number: TicketNo,
    /// Whose it is.
    pub requester: ContactId,
    /// Its own account.
    pub account: Option<AccountId>,
    /// Whether the account never shows it.
    pub private: bool,
}

/// What the rule asks of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SightAssociation<'f> {
    /// See [`Association::primary`].
    pub primary: bool,
    /// See [`Association::sees_account_tickets`].
    pub sees_account_tickets: bool,
    /// See [`Association::role`].
    pub role: &'f FoldedRole,
}

/// Who of an account sees its tickets, with the organization's defaults not yet applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SightSharing<'f> {
    /// None: the organization's default mode and roles.
    pub mode: Option<SharingMode>,
    /// The account's own roles.
    pub roles: &'f [FoldedRole],
}

/// The facts of one moment, as a check asks them. The facts in memory never fail; a database may.
pub trait SightFacts {
    /// Why a fact could not be had.
    type Error;
    /// The settings.
    fn settings(&self) -> Result<&SightSettings, Self::Error>;
    /// Whether a contact is blocked; none: there is no such contact.
    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Self::Error>;
    /// A ticket.
    fn ticket(&self, key: &TicketKey) -> Result<Option<SightTicket>, Self::Error>;
    /// Whether a contact is on a ticket's copy list.
    fn in_copy(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, Self::Error>;
    /// The association of a pair.
    fn association(&self, pair: Pair) -> Result<Option<SightAssociation<'_>>, Self::Error>;
    /// Who of an account sees its tickets; none: there is no such account.
    fn sharing(&self, account: AccountId) -> Result<Option<SightSharing<'_>>, Self::Error>;
}

/// What of an association is poured into a [`SightSink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SightPart<'r> {
    /// See [`Association::primary`].
    pub primary: bool,
    /// See [`Association::sees_account_tickets`].
    pub sees_account_tickets: bool,
    /// See [`Association::role`].
    pub role: &'r Role,
}

impl<'r> SightPart<'r> {
    /// The part of a whole association.
    pub fn of(association: &'r Association) -> Self {
        Self {
            primary: association.primary,
            sees_account_tickets: association.sees_account_tickets,
            role: &association.role,
        }
    }
}

/// A sink has no room for more: whoever pours stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for all facts of the organization")]
pub struct SinkFull;

/// Where all facts of sight of one moment are poured: the rows of a kind by number, each once, the
/// kinds in any order.
pub trait SightSink {
    /// A contact.
    fn contact(&mut self, contact: ContactId, blocked: bool) -> Result<(), SinkFull>;
    /// An account.
    fn account(&mut self, account: AccountId, sharing: &Sharing) -> Result<(), SinkFull>;
    /// An association: by contact, then by account.
    fn association(&mut self, pair: Pair, part: SightPart<'_>) -> Result<(), SinkFull>;
    /// A ticket and the caller's id of it.
    fn ticket(&mut self, key: &str, ticket: SightTicket) -> Result<(), SinkFull>;
    /// A contact in copy: by ticket, then by contact.
    fn copy(&mut self, ticket: TicketNo, contact: ContactId) -> Result<(), SinkFull>;
}
