//! `within-limits`: stored values satisfy the limits that the API enforces.

use std::collections::BTreeSet;

use super::{Found, Subject};
use crate::limit::{
    ATTRIBUTE_KEY_CHARS_MAX, ATTRIBUTE_VALUE_CHARS_MAX, ATTRIBUTES_CHARS_MAX, ATTRIBUTES_MAX,
    CC_MAX, EMAILS_MAX, SHARING_ROLES_MAX,
};
use crate::names::fold;
use crate::record::{
    ACCOUNTS_PER_CONTACT_MAX, Account, Association, Attributes, Contact, Limited, Settings,
    SharingMode, Ticket,
};
use crate::text::{
    Email, ExternalId, Name, Phone, Role, Subject as TicketSubject, TextFault, TicketKey, Website,
};

const GUARD: &str = "within-limits";

/// Checks that a count does not exceed its limit.
fn count(subject: &Subject, what: &str, has: usize, max: usize, found: &mut Found) {
    found.unless(has <= max, GUARD, subject, || {
        format!("has {has} {what}, at most {max} are allowed")
    });
}

/// Checks a text with the parser of its type.
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

/// An absent value violates no limit.
impl<T: Limited> Limited for Option<T> {
    fn limits(&self, found: &mut dyn FnMut(String)) {
        if let Some(value) = self {
            value.limits(found);
        }
    }
}

macro_rules! limited_texts {
    ($($text:ident),+) => {$(
        impl Limited for $text {
            fn limits(&self, found: &mut dyn FnMut(String)) {
                if let Err(fault) = Self::parse(self.as_str()) {
                    found(fault.to_string());
                }
            }
        }
    )+};
}
limited_texts!(Name, ExternalId, Email, Phone, Role, Website);

/// Values whose type enforces the limit.
macro_rules! limited_by_type {
    ($($type:ty),+) => {$(
        impl Limited for $type {
            fn limits(&self, _: &mut dyn FnMut(String)) {}
        }
    )+};
}
limited_by_type!(bool, SharingMode);

fn at_most(has: usize, what: &str, max: usize, found: &mut dyn FnMut(String)) {
    if has > max {
        found(format!("has {has} {what}, at most {max} are allowed"));
    }
}

impl Limited for Vec<Role> {
    fn limits(&self, found: &mut dyn FnMut(String)) {
        at_most(self.len(), "roles", SHARING_ROLES_MAX, found);
        self.iter().for_each(|role| role.limits(found));
    }
}

impl Limited for Vec<Email> {
    fn limits(&self, found: &mut dyn FnMut(String)) {
        at_most(self.len(), "addresses", EMAILS_MAX, found);
        self.iter().for_each(|email| email.limits(found));
        let distinct: BTreeSet<String> = self.iter().map(|e| fold(e.as_str())).collect();
        if distinct.len() != self.len() {
            found("has an address twice".into());
        }
    }
}

impl Limited for Attributes {
    fn limits(&self, found: &mut dyn FnMut(String)) {
        at_most(self.len(), "attributes", ATTRIBUTES_MAX, found);
        let mut all = 0;
        for (key, value) in self {
            let (of_key, of_value) = (key.chars().count(), value.chars().count());
            at_most(
                of_key,
                "characters in a key",
                ATTRIBUTE_KEY_CHARS_MAX,
                found,
            );
            at_most(
                of_value,
                "characters in a value",
                ATTRIBUTE_VALUE_CHARS_MAX,
                found,
            );
            all += of_key + of_value;
        }
        at_most(all, "characters of attributes", ATTRIBUTES_CHARS_MAX, found);
    }
}

/// Checks the limits of a field.
fn field(subject: &Subject, name: &str, value: &dyn Limited, found: &mut Found) {
    value.limits(&mut |fault| {
        found.unless(false, GUARD, subject, || {
            format!("has a {name} that {fault}")
        });
    });
}

pub(super) fn settings(settings: &Settings, found: &mut Found) {
    let max = settings.accounts_per_contact_max;
    let within = (1..=ACCOUNTS_PER_CONTACT_MAX).contains(&max);
    found.unless(within, GUARD, &Subject::Settings, || {
        format!("allow {max} accounts for each contact, must be 1 to {ACCOUNTS_PER_CONTACT_MAX}")
    });
    field(
        &Subject::Settings,
        "default_sharing_roles",
        &settings.default_sharing_roles,
        found,
    );
}

pub(super) fn account(subject: &Subject, account: &Account, found: &mut Found) {
    account.each_field(&mut |name, value| field(subject, name, value, found));
}

pub(super) fn contact(subject: &Subject, contact: &Contact, found: &mut Found) {
    contact.each_field(&mut |name, value| field(subject, name, value, found));
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
    count(subject, "contacts in CC", ticket.cc.len(), CC_MAX, found);
}
