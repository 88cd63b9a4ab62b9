//! Differences between the facts of two organizations: the facts in memory must equal a fresh load.

use std::fmt::{Debug, Display};

use roster_core::rules::visibility::FoldedRole;

use crate::facts::OrganizationFacts;

/// An association of a contact: its account, its two flags and its role.
type HeldPart<'f> = (u32, bool, bool, &'f FoldedRole);

impl OrganizationFacts {
    /// Returns the facts that differ, at most `limit`. Each is a sentence that names the fact, then
    /// the value in `self` and the value in `other`.
    pub fn differences(&self, other: &Self, limit: usize) -> Vec<String> {
        let revision = differ("the revision", &self.at(), &other.at());
        let settings = differ("the settings", &self.settings, &other.settings);
        let contacts = 0..self.contacts.end().max(other.contacts.end());
        let accounts = 0..self.accounts.end().max(other.accounts.end());
        let tickets = 0..self.tickets.end().max(other.tickets.end());
        revision
            .into_iter()
            .chain(settings)
            .chain(contacts.flat_map(|contact| self.contact_differences(other, contact)))
            .chain(accounts.filter_map(|account| {
                let (here, there) = (self.accounts.get(account), other.accounts.get(account));
                differ(format_args!("account a{account}"), &here, &there)
            }))
            .chain(tickets.flat_map(|ticket| self.ticket_differences(other, ticket)))
            .take(limit)
            .collect()
    }

    fn contact_differences(&self, other: &Self, contact: u32) -> impl Iterator<Item = String> {
        let (here, there) = (
            self.contacts.blocked(contact),
            other.contacts.blocked(contact),
        );
        let blocked = differ(
            format_args!("whether contact c{contact} is blocked"),
            &here,
            &there,
        );
        let (here, there) = (
            self.contacts.visitors_not_before(contact),
            other.contacts.visitors_not_before(contact),
        );
        let what = format_args!("until when visitor tokens of contact c{contact} are revoked");
        let revoked = differ(what, &here, &there);
        let (here, there) = (self.parts(contact), other.parts(contact));
        let what = format_args!("the associations of contact c{contact}");
        let associations = differ(what, &here, &there);
        blocked.into_iter().chain(revoked).chain(associations)
    }

    fn parts(&self, contact: u32) -> Vec<HeldPart<'_>> {
        let parts = self.contacts.parts(contact).into_iter();
        parts
            .map(|part| {
                let (primary, sees) = (part.primary(), part.sees_account_tickets());
                (part.account(), primary, sees, self.roles.get(part.role()))
            })
            .collect()
    }

    fn ticket_differences(&self, other: &Self, ticket: u32) -> impl Iterator<Item = String> {
        let name = self.key_text(ticket).or(other.key_text(ticket));
        let name = name.unwrap_or_default();
        let id = differ(
            format_args!("the id of ticket {ticket}"),
            &self.key_text(ticket),
            &other.key_text(ticket),
        );
        let parts = differ(
            format_args!("ticket {name:?}"),
            &self.tickets.get(ticket),
            &other.tickets.get(ticket),
        );
        let cc = differ(
            format_args!("the contacts in CC of ticket {name:?}"),
            &self.tickets.cc(ticket),
            &other.tickets.cc(ticket),
        );
        let found = differ(
            format_args!("the number found by ticket id {name:?}"),
            &self.tickets.find(&name),
            &other.tickets.find(&name),
        );
        [id, parts, cc, found].into_iter().flatten()
    }

    fn key_text(&self, ticket: u32) -> Option<String> {
        self.tickets.get(ticket)?;
        Some(String::from_utf8_lossy(self.tickets.key(ticket)).into_owned())
    }
}

fn differ<T: PartialEq + Debug>(what: impl Display, here: &T, there: &T) -> Option<String> {
    (here != there).then(|| format!("{what}: {here:?}, and {there:?}"))
}
