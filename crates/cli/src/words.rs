//! The enums of the API as words, both ways.

use clap::ValueEnum;
use prost_types::Timestamp;
use roster_client::v1::{
    ClauseReason, Ground, GroundKind, OrganizationState, SharingMode, TicketStatus, Visibility,
};

/// Which contacts of an account see its tickets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    /// The organization's default mode
    Default,
    /// Nobody
    Nobody,
    /// Contacts whose association is marked (--sees-tickets)
    Granted,
    /// Contacts whose association has one of the sharing roles
    Roles,
    /// Every associated contact
    Everyone,
}

impl From<Mode> for SharingMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Default => Self::Unspecified,
            Mode::Nobody => Self::Nobody,
            Mode::Granted => Self::Granted,
            Mode::Roles => Self::Roles,
            Mode::Everyone => Self::Everyone,
        }
    }
}

/// Whether a ticket is open.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Status {
    /// The ticket is open
    Open,
    /// The ticket is closed
    Closed,
}

impl From<Status> for TicketStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Open => Self::Open,
            Status::Closed => Self::Closed,
        }
    }
}

pub(crate) fn mode(mode: SharingMode) -> &'static str {
    match mode {
        SharingMode::Unspecified => "default",
        SharingMode::Nobody => "nobody",
        SharingMode::Granted => "granted",
        SharingMode::Roles => "roles",
        SharingMode::Everyone => "everyone",
    }
}

pub(crate) fn status(status: TicketStatus) -> &'static str {
    match status {
        TicketStatus::Unspecified => "",
        TicketStatus::Open => "open",
        TicketStatus::Closed => "closed",
    }
}

pub(crate) fn organization_state(state: OrganizationState) -> &'static str {
    match state {
        OrganizationState::Unspecified => "unknown",
        OrganizationState::Active => "active",
        OrganizationState::Suspended => "suspended",
        OrganizationState::Deleted => "deleted",
        OrganizationState::Removing => "removing",
    }
}

/// A limit, of which 0 is none.
pub(crate) fn limit(max: i32) -> String {
    if max == 0 {
        String::new()
    } else {
        max.to_string()
    }
}

pub(crate) fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Unspecified => "unknown",
        Visibility::Visible => "visible",
        Visibility::Hidden => "hidden",
    }
}

pub(crate) fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// `word` for yes; an empty cell for no.
pub(crate) fn mark(yes: bool, word: &str) -> String {
    if yes { word } else { "" }.to_owned()
}

/// A count with its noun: 1 ticket, 2 tickets.
pub(crate) fn count(count: i64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

pub(crate) fn time(time: Option<&Timestamp>) -> String {
    time.map(ToString::to_string).unwrap_or_default()
}

pub(crate) fn grounds(grounds: &[Ground]) -> String {
    let words: Vec<String> = grounds
        .iter()
        .map(|ground| clause(ground.kind(), &ground.account_id))
        .collect();
    words.join(", ")
}

/// The name of a clause, with its account if it has one.
pub(crate) fn clause(kind: GroundKind, account_id: &str) -> String {
    match kind {
        GroundKind::Unspecified => "unknown".to_owned(),
        GroundKind::Requester => "requester".to_owned(),
        GroundKind::Cc => "CC".to_owned(),
        GroundKind::Account if account_id.is_empty() => "account".to_owned(),
        GroundKind::Account => format!("account {account_id}"),
    }
}

/// Why a clause holds or not, as a sentence.
pub(crate) fn why(reason: ClauseReason) -> &'static str {
    match reason {
        ClauseReason::Unspecified => "for a reason that this version does not know",
        ClauseReason::IsRequester => "the contact requested the ticket",
        ClauseReason::NotRequester => "another contact requested the ticket",
        ClauseReason::InCopy => "the contact is in CC",
        ClauseReason::NotInCopy => "the contact is not in CC",
        ClauseReason::SharesWithEveryone => {
            "the account shares its tickets with every associated contact"
        }
        ClauseReason::AssociationGranted => {
            "the association is marked: it sees the account's tickets"
        }
        ClauseReason::RoleListed => "the account shares its tickets with the association's role",
        ClauseReason::SharingDisabled => "the organization turned sharing_enabled off",
        ClauseReason::TicketPrivate => "the ticket is private",
        ClauseReason::TicketWithoutAccount => "the ticket has no account",
        ClauseReason::NotAssociated => "the contact is not associated with the ticket's account",
        ClauseReason::NotPrimary => {
            "it is not the contact's primary account, and sharing_primary_only is on"
        }
        ClauseReason::ModeNobody => "the account shares its tickets with nobody",
        ClauseReason::NotGranted => {
            "the account shares with marked associations, and this one is not marked"
        }
        ClauseReason::RoleNotListed => {
            "the account shares with certain roles, and the association has no such role"
        }
    }
}

/// Parses `key=value`, the form of attributes and settings.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
