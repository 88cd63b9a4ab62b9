//! `within-limits`: what is stored is what the edge would accept.

use std::collections::BTreeSet;

use super::{Found, Subject};
use crate::limit::{
    ATTRIBUTE_KEY_CHARS_MAX, ATTRIBUTE_VALUE_CHARS_MAX, ATTRIBUTES_CHARS_MAX, ATTRIBUTES_MAX,
    COPIES_MAX, EMAILS_MAX, SHARING_ROLES_MAX,
};
use crate::names::fold;
use crate::record::{
    ACCOUNTS_PER_CONTACT_MAX, Account, Association, Attributes, Contact, Settings, Ticket,
};
use crate::text::{Email, ExternalId, Name, Role, Subject as TicketSubject, TextFault, TicketKey};

const GUARD: &str = "within-limits";

/// A number of things is at most its limit.
fn count(subject: &Subject, what: &str, has: usize, max: usize, found: &mut Found) {
    found.unless(has <= max, GUARD, subject, || {
        format!("has {has} {what}, at most {max} are allowed")
    });
}

/// A text is one that its own kind accepts.
fn text<T>(
    subject: &Subject,
    field: &str,
    stored: &str,
    parse: fn(&str) -> Result<T, TextFault>,
    found: &mut Found,
) {
    if let Err(fault) = parse(stored) {
        found.unless(false, GUARD, subject, || {
            format!("has a {field} that {fault}")
        });
    }
}

fn attributes(subject: &Subject, attributes: &Attributes, found: &mut Found) {
    count(
        subject,
        "attributes",
        attributes.len(),
        ATTRIBUTES_MAX,
        found,
    );
    let mut all = 0;
    for (key, value) in attributes {
        let (of_key, of_value) = (key.chars().count(), value.chars().count());
        count(
            subject,
            "characters in an attribute's key",
            of_key,
            ATTRIBUTE_KEY_CHARS_MAX,
            found,
        );
        count(
            subject,
            "characters in an attribute",
            of_value,
            ATTRIBUTE_VALUE_CHARS_MAX,
            found,
        );
        all += of_key + of_value;
    }
    count(
        subject,
        "characters in attributes",
        all,
        ATTRIBUTES_CHARS_MAX,
        found,
    );
}

fn roles(subject: &Subject, roles: &[Role], found: &mut Found) {
    count(
        subject,
        "sharing roles",
        roles.len(),
        SHARING_ROLES_MAX,
        found,
    );
    for role in roles {
        text(subject, "sharing role", role.as_str(), Role::parse, found);
    }
}

fn external_id(subject: &Subject, id: Option<&ExternalId>, found: &mut Found) {
    if let Some(id) = id {
        text(
            subject,
            "external id",
            id.as_str(),
            ExternalId::parse,
            found,
        );
    }
}

pub(super) fn settings(settings: &Settings, found: &mut Found) {
    let max = settings.accounts_per_contact_max;
    let within = (1..=ACCOUNTS_PER_CONTACT_MAX).contains(&max);
    found.unless(within, GUARD, &Subject::Settings, || {
        format!("allow {max} accounts a contact, 1 to {ACCOUNTS_PER_CONTACT_MAX} can be")
    });
    roles(&Subject::Settings, &settings.default_sharing_roles, found);
}

pub(super) fn account(subject: &Subject, account: &Account, found: &mut Found) {
    for name in std::iter::once(&account.name).chain(&account.name_reading) {
        text(subject, "name", name.as_str(), Name::parse, found);
    }
    external_id(subject, account.external_id.as_ref(), found);
    attributes(subject, &account.attributes, found);
    roles(subject, &account.sharing_roles, found);
}

pub(super) fn contact(subject: &Subject, contact: &Contact, found: &mut Found) {
    let names = [
        &contact.given_name,
        &contact.family_name_reading,
        &contact.given_name_reading,
    ];
    let names = names.into_iter().flatten();
    for name in std::iter::once(&contact.family_name).chain(names) {
        text(subject, "name", name.as_str(), Name::parse, found);
    }
    external_id(subject, contact.external_id.as_ref(), found);
    attributes(subject, &contact.attributes, found);
    count(
        subject,
        "addresses",
        contact.emails.len(),
        EMAILS_MAX,
        found,
    );
    for email in &contact.emails {
        text(subject, "address", email.as_str(), Email::parse, found);
    }
    let distinct: BTreeSet<String> = contact.emails.iter().map(|e| fold(e.as_str())).collect();
    found.unless(
        distinct.len() == contact.emails.len(),
        GUARD,
        subject,
        || "has an address twice".into(),
    );
}

pub(super) fn association(subject: &Subject, association: &Association, found: &mut Found) {
    text(
        subject,
        "role",
        association.role.as_str(),
        Role::parse,
        found,
    );
}

pub(super) fn ticket(subject: &Subject, ticket: &Ticket, found: &mut Found) {
    text(subject, "id", ticket.key.as_str(), TicketKey::parse, found);
    text(
        subject,
        "subject",
        ticket.subject.as_str(),
        TicketSubject::parse,
        found,
    );
    count(
        subject,
        "contacts in copy",
        ticket.copies.len(),
        COPIES_MAX,
        found,
    );
}
