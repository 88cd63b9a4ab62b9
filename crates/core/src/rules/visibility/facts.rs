//! The facts that the visibility rule reads, in the form in which it compares them: a check
//! allocates nothing.

use crate::id::{AccountId, ContactId, Pair, TicketNo, Time};
use crate::names::fold;
use crate::record::{Association, Settings, Sharing, SharingMode};
use crate::text::{Role, TicketKey};

/// A role in the form that the rule compares: folded once, when it is stored, not on each check.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldedRole(Box<str>);

impl FoldedRole {
    /// Folds a role.
    pub fn of(role: &Role) -> Self {
        Self(fold(role.as_str()).into())
    }

    /// Folds these roles, in order.
    pub fn all(roles: &[Role]) -> Box<[Self]> {
        roles.iter().map(Self::of).collect()
    }

    /// Returns the folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the role is empty. An empty role never matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The settings that the rule reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilitySettings {
    /// See [`Settings::sharing_enabled`].
    pub sharing_enabled: bool,
    /// See [`Settings::sharing_primary_only`].
    pub sharing_primary_only: bool,
    /// See [`Settings::default_sharing_mode`].
    pub default_mode: SharingMode,
    /// See [`Settings::default_sharing_roles`].
    pub default_roles: Box<[FoldedRole]>,
}

impl VisibilitySettings {
    /// Returns the part of these settings that the rule reads.
    pub fn of(settings: &Settings) -> Self {
        Self {
            sharing_enabled: settings.sharing_enabled,
            sharing_primary_only: settings.sharing_primary_only,
            default_mode: settings.default_sharing_mode,
            default_roles: FoldedRole::all(&settings.default_sharing_roles),
        }
    }
}

impl Default for VisibilitySettings {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

/// The fields of a ticket that the rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketFacts {
    /// Its number.
    pub number: TicketNo,
    /// The requester.
    pub requester: ContactId,
    /// Its own account.
    pub account: Option<AccountId>,
    /// Whether the ticket is never visible through its account.
    pub private: bool,
}

/// The fields of an association that the rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationFacts<'f> {
    /// See [`Association::primary`].
    pub primary: bool,
    /// See [`Association::sees_account_tickets`].
    pub sees_account_tickets: bool,
    /// See [`Association::role`].
    pub role: &'f FoldedRole,
}

/// The sharing of one account, before the organization's defaults apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharingFacts<'f> {
    /// The account's own mode; `None` uses the organization's default mode and roles.
    pub mode: Option<SharingMode>,
    /// The account's own roles.
    pub roles: &'f [FoldedRole],
}

/// The facts of one revision, as a check reads them. Facts in memory never fail; a database may.
pub trait VisibilityFacts {
    /// Why a fact could not be read.
    type Error;
    /// Returns the settings.
    fn settings(&self) -> Result<&VisibilitySettings, Self::Error>;
    /// Returns whether a contact is blocked, or `None` if it does not exist.
    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Self::Error>;
    /// Returns [`Contact::visitors_not_before`](crate::record::Contact::visitors_not_before) of a
    /// contact that exists.
    fn visitors_not_before(&self, contact: ContactId) -> Result<Option<Time>, Self::Error>;
    /// Returns a ticket.
    fn ticket(&self, key: &TicketKey) -> Result<Option<TicketFacts>, Self::Error>;
    /// Returns whether a contact is in CC of a ticket.
    fn in_cc(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, Self::Error>;
    /// Returns the association of a pair.
    fn association(&self, pair: Pair) -> Result<Option<AssociationFacts<'_>>, Self::Error>;
    /// Returns the sharing of an account, or `None` if it does not exist.
    fn sharing(&self, account: AccountId) -> Result<Option<SharingFacts<'_>>, Self::Error>;
}

/// The fields of an association that are sent to a [`FactSink`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamedAssociation<'r> {
    /// See [`Association::primary`].
    pub primary: bool,
    /// See [`Association::sees_account_tickets`].
    pub sees_account_tickets: bool,
    /// See [`Association::role`].
    pub role: &'r Role,
}

impl<'r> StreamedAssociation<'r> {
    /// Returns these fields of an association.
    pub fn of(association: &'r Association) -> Self {
        Self {
            primary: association.primary,
            sees_account_tickets: association.sees_account_tickets,
            role: &association.role,
        }
    }
}

/// The sink has no room for more. The source must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for all facts of the organization")]
pub struct SinkFull;

/// Receives all facts of one revision that the visibility rule reads: the rows of a kind by number,
/// each once, the kinds in any order.
pub trait FactSink {
    /// Adds a contact.
    fn contact(&mut self, contact: ContactId, blocked: bool) -> Result<(), SinkFull>;
    /// Adds until when the issued visitor tokens of a contact are not accepted, if tokens were
    /// revoked.
    fn visitors_not_before(&mut self, contact: ContactId, time: Time) -> Result<(), SinkFull>;
    /// Adds an account.
    fn account(&mut self, account: AccountId, sharing: &Sharing) -> Result<(), SinkFull>;
    /// Adds an association: by contact, then by account.
    fn association(&mut self, pair: Pair, part: StreamedAssociation<'_>) -> Result<(), SinkFull>;
    /// Adds a ticket and the caller's id of it.
    fn ticket(&mut self, key: &str, ticket: TicketFacts) -> Result<(), SinkFull>;
    /// Adds a contact in CC: by ticket, then by contact.
    fn cc(&mut self, ticket: TicketNo, contact: ContactId) -> Result<(), SinkFull>;
}
