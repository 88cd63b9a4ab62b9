//! Renders records as messages.

use prost_types::Timestamp;
use roster_api::v1;
use roster_core::credential::Credential;
use roster_core::id::{AccountId, ContactId, CredentialId, Pair, Revision, Time};
use roster_core::record::{
    Account, Association, Contact, Settings, SharingMode, Stored, Ticket, TicketStatus,
};
use roster_core::rules::visibility::{ClauseReason, Ground, Verdict};
use roster_core::text::{ExternalId, Name, Phone, Role, Website};
use roster_storage::{HeadingCount, ListedTicket};

use crate::token::etag;

pub(crate) fn time(time: Time) -> Option<Timestamp> {
    let micros = time.micros();
    Some(Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default(),
    })
}

fn name(name: Option<&Name>) -> String {
    name.map(Name::to_string).unwrap_or_default()
}

fn external_id(id: Option<&ExternalId>) -> String {
    id.map(ExternalId::to_string).unwrap_or_default()
}

pub(crate) fn sharing_mode(mode: SharingMode) -> v1::SharingMode {
    match mode {
        SharingMode::Nobody => v1::SharingMode::Nobody,
        SharingMode::Granted => v1::SharingMode::Granted,
        SharingMode::Roles => v1::SharingMode::Roles,
        SharingMode::Everyone => v1::SharingMode::Everyone,
    }
}

fn roles(roles: &[Role]) -> Vec<String> {
    roles.iter().map(Role::to_string).collect()
}

pub(crate) fn account(id: AccountId, stored: &Stored<Account>) -> v1::Account {
    let account = &stored.record;
    v1::Account {
        id: id.to_string(),
        name: account.name.to_string(),
        name_reading: name(account.name_reading.as_ref()),
        website: account
            .website
            .as_ref()
            .map_or_else(String::new, Website::to_string),
        external_id: external_id(account.external_id.as_ref()),
        attributes: account.attributes.clone(),
        sharing_mode: account
            .sharing_mode
            .map_or(v1::SharingMode::Unspecified, sharing_mode)
            .into(),
        sharing_roles: roles(&account.sharing_roles),
        etag: etag(stored.revision),
        create_time: time(account.create_time),
        update_time: time(account.update_time),
    }
}

/// A credential without any secret.
pub(crate) fn credential(id: CredentialId, credential: &Credential) -> v1::Credential {
    let limit = |max: Option<u32>| i32::try_from(max.unwrap_or_default()).unwrap_or(i32::MAX);
    let optional = |of: Option<Time>| of.and_then(time);
    let organization = credential.organization.as_ref();
    let keys = credential.keys.iter().map(|key| v1::ApiKey {
        id: key.id.to_string(),
        last_four: key.last_four.to_string(),
        create_time: time(key.create_time),
        expire_time: optional(key.expire_time),
        last_use_time: optional(key.last_use_time),
    });
    let subjects = credential.subjects.iter().map(|of| v1::TokenSubject {
        issuer: of.issuer.to_string(),
        subject: of.subject.to_string(),
    });
    v1::Credential {
        id: id.to_string(),
        name: credential.name.to_string(),
        organization: organization.map(ToString::to_string).unwrap_or_default(),
        scopes: credential
            .scopes
            .iter()
            .map(|scope| scope.to_string())
            .collect(),
        expire_time: optional(credential.expire_time),
        suspended: credential.suspended,
        networks: credential
            .networks
            .iter()
            .map(ToString::to_string)
            .collect(),
        requests_per_second_max: limit(credential.limits.requests_per_second),
        concurrent_calls_max: limit(credential.limits.concurrent_calls),
        keys: keys.collect(),
        subjects: subjects.collect(),
        certificate_names: credential
            .certificate_names
            .iter()
            .map(ToString::to_string)
            .collect(),
        etag: etag(Revision::new(credential.version)),
        create_time: time(credential.create_time),
        update_time: time(credential.update_time),
    }
}

pub(crate) fn contact(id: ContactId, stored: &Stored<Contact>) -> v1::Contact {
    let contact = &stored.record;
    v1::Contact {
        id: id.to_string(),
        family_name: contact.family_name.to_string(),
        given_name: name(contact.given_name.as_ref()),
        family_name_reading: name(contact.family_name_reading.as_ref()),
        phone: contact
            .phone
            .as_ref()
            .map_or_else(String::new, Phone::to_string),
        given_name_reading: name(contact.given_name_reading.as_ref()),
        emails: contact.emails.iter().map(ToString::to_string).collect(),
        external_id: external_id(contact.external_id.as_ref()),
        attributes: contact.attributes.clone(),
        blocked: contact.blocked,
        etag: etag(stored.revision),
        create_time: time(contact.create_time),
        update_time: time(contact.update_time),
    }
}

pub(crate) fn association(pair: Pair, stored: &Stored<Association>) -> v1::Association {
    let association = &stored.record;
    v1::Association {
        account_id: pair.account.to_string(),
        contact_id: pair.contact.to_string(),
        primary: association.primary,
        sees_account_tickets: association.sees_account_tickets,
        role: association.role.to_string(),
        etag: etag(stored.revision),
        create_time: time(association.create_time),
    }
}

fn account_id(account: Option<AccountId>) -> String {
    account.map(String::from).unwrap_or_default()
}

fn status(status: TicketStatus) -> i32 {
    match status {
        TicketStatus::Open => v1::TicketStatus::Open.into(),
        TicketStatus::Closed => v1::TicketStatus::Closed.into(),
    }
}

pub(crate) fn ticket(stored: &Stored<Ticket>) -> v1::Ticket {
    let ticket = &stored.record;
    v1::Ticket {
        id: ticket.key.to_string(),
        requester_id: ticket.requester.to_string(),
        account_id: account_id(ticket.account),
        subject: ticket.subject.to_string(),
        status: status(ticket.status),
        private: ticket.private,
        cc_contact_ids: ticket.cc.iter().map(ToString::to_string).collect(),
        create_time: time(ticket.create_time),
        etag: etag(stored.revision),
    }
}

/// The part of a ticket that a visitor may see, without its CC.
pub(crate) fn ticket_summary(ticket: ListedTicket) -> v1::TicketSummary {
    v1::TicketSummary {
        id: ticket.place.id.into(),
        requester_id: ticket.requester.into(),
        account_id: account_id(ticket.account),
        subject: ticket.subject.into(),
        status: status(ticket.status),
        create_time: time(ticket.place.create_time),
    }
}

pub(crate) fn settings(stored: &Stored<Settings>) -> v1::Settings {
    let settings = &stored.record;
    v1::Settings {
        multiple_accounts: settings.multiple_accounts,
        accounts_per_contact_max: i32::try_from(settings.accounts_per_contact_max)
            .unwrap_or(i32::MAX),
        sharing_enabled: settings.sharing_enabled,
        default_sharing_mode: sharing_mode(settings.default_sharing_mode).into(),
        default_sharing_roles: roles(&settings.default_sharing_roles),
        new_associations_see_account_tickets: settings.new_associations_see_account_tickets,
        sharing_primary_only: settings.sharing_primary_only,
        etag: etag(stored.revision),
    }
}

pub(crate) fn visibility(verdict: &Verdict) -> i32 {
    if verdict.visible() {
        v1::Visibility::Visible.into()
    } else {
        v1::Visibility::Hidden.into()
    }
}

pub(crate) fn grounds(verdict: &Verdict) -> Vec<v1::Ground> {
    verdict.grounds().map(ground).collect()
}

fn ground(ground: Ground) -> v1::Ground {
    let (kind, account) = match ground {
        Ground::Requester => (v1::GroundKind::Requester, None),
        Ground::Cc => (v1::GroundKind::Cc, None),
        Ground::Account(account) => (v1::GroundKind::Account, Some(account)),
    };
    v1::Ground {
        kind: kind.into(),
        account_id: account_id(account),
    }
}

pub(crate) fn clauses(verdict: &Verdict) -> Vec<v1::Clause> {
    let clause = |kind: v1::GroundKind, account, reason: ClauseReason| v1::Clause {
        kind: kind.into(),
        account_id: account_id(account),
        holds: reason.holds(),
        reason: clause_reason(reason).into(),
    };
    let (account, shared) = verdict.account;
    vec![
        clause(v1::GroundKind::Requester, None, verdict.requester),
        clause(v1::GroundKind::Cc, None, verdict.cc),
        clause(v1::GroundKind::Account, account, shared),
    ]
}

fn clause_reason(reason: ClauseReason) -> v1::ClauseReason {
    match reason {
        ClauseReason::IsRequester => v1::ClauseReason::IsRequester,
        ClauseReason::NotRequester => v1::ClauseReason::NotRequester,
        ClauseReason::InCopy => v1::ClauseReason::InCopy,
        ClauseReason::NotInCopy => v1::ClauseReason::NotInCopy,
        ClauseReason::SharesWithEveryone => v1::ClauseReason::SharesWithEveryone,
        ClauseReason::AssociationGranted => v1::ClauseReason::AssociationGranted,
        ClauseReason::RoleListed => v1::ClauseReason::RoleListed,
        ClauseReason::SharingDisabled => v1::ClauseReason::SharingDisabled,
        ClauseReason::TicketPrivate => v1::ClauseReason::TicketPrivate,
        ClauseReason::TicketWithoutAccount => v1::ClauseReason::TicketWithoutAccount,
        ClauseReason::NotAssociated => v1::ClauseReason::NotAssociated,
        ClauseReason::NotPrimary => v1::ClauseReason::NotPrimary,
        ClauseReason::ModeNobody => v1::ClauseReason::ModeNobody,
        ClauseReason::NotGranted => v1::ClauseReason::NotGranted,
        ClauseReason::RoleNotListed => v1::ClauseReason::RoleNotListed,
    }
}

/// Headings with their counts, exact if every row was counted.
pub(crate) fn headings(found: Vec<HeadingCount>) -> Vec<v1::Heading> {
    let one = |counted: HeadingCount| v1::Heading {
        heading: counted.heading.as_str().to_owned(),
        count: count(counted.count),
        at_least: counted.at_least,
    };
    found.into_iter().map(one).collect()
}

/// A count.
pub(crate) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
