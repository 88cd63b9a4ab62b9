//! The subjects of guards: which subjects a change touches, and which facts their checks read.

use std::collections::BTreeSet;
use std::fmt;

use crate::change::Change;
use crate::fact::{Facts, Needs, Unavailable, UniqueKey};
use crate::fact::{account_keys, contact_keys};
use crate::id::{AccountId, ContactId, ImportId, Pair, TicketNo};

/// A subject that guards check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The settings, and the invariants of all contacts that they imply.
    Settings,
    /// An account, or the references to a deleted account.
    Account(AccountId),
    /// A contact, or the references to a deleted contact.
    Contact(ContactId),
    /// An association.
    Association(Pair),
    /// A ticket.
    Ticket(TicketNo),
    /// A unique key.
    Key(UniqueKey),
    /// An import: no rule is about one, so guards only say whether it can be read.
    Import(ImportId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("the settings"),
            Self::Account(id) => write!(f, "account {id}"),
            Self::Contact(id) => write!(f, "contact {id}"),
            Self::Association(pair) => {
                write!(
                    f,
                    "the association of {} with {}",
                    pair.contact, pair.account
                )
            }
            Self::Ticket(no) => write!(f, "ticket number {}", no.number()),
            Self::Key(key) => write!(f, "the key {key:?}"),
            Self::Import(id) => write!(f, "import {id}"),
        }
    }
}

/// Adds every subject that the changes touch.
pub fn touched(changes: &[Change], subjects: &mut BTreeSet<Subject>) {
    let keys = |keys: Vec<UniqueKey>| keys.into_iter().map(Subject::Key).collect::<Vec<_>>();
    for change in changes {
        match change {
            Change::Account(row) => {
                subjects.insert(Subject::Account(row.key()));
                subjects.extend(keys(account_keys(row.before())));
                subjects.extend(keys(account_keys(row.after())));
            }
            Change::Contact(row) => {
                subjects.insert(Subject::Contact(row.key()));
                subjects.extend(keys(contact_keys(row.before())));
                subjects.extend(keys(contact_keys(row.after())));
            }
            Change::Association(row) => {
                subjects.insert(Subject::Association(row.key()));
                subjects.insert(Subject::Contact(row.key().contact));
            }
            Change::Ticket(row) => {
                subjects.insert(Subject::Ticket(row.key()));
                let both = row.before().into_iter().chain(row.after());
                subjects.extend(keys(both.map(|t| UniqueKey::of_ticket(&t.key)).collect()));
            }
            Change::Settings { .. } => {
                subjects.insert(Subject::Settings);
            }
            Change::TicketsMoved { tickets, .. } => {
                subjects.extend(tickets.iter().copied().map(Subject::Ticket));
            }
        }
    }
}

/// Returns the facts of the subjects themselves, to load them together.
pub fn needs<'s>(subjects: impl IntoIterator<Item = &'s Subject>) -> Needs {
    let mut needs = Needs::default();
    for subject in subjects {
        match subject {
            Subject::Settings | Subject::Import(_) => {}
            Subject::Account(id) => {
                needs.accounts.insert(*id);
            }
            Subject::Contact(id) => {
                needs.contacts.insert(*id);
                needs.account_summaries.insert(*id);
                needs.lists.insert(*id);
            }
            Subject::Association(pair) => {
                needs.pairs.insert(*pair);
                needs.accounts.insert(pair.account);
                needs.contacts.insert(pair.contact);
            }
            Subject::Ticket(no) => {
                needs.tickets.insert(*no);
            }
            Subject::Key(key) => {
                needs.keys.insert(key.clone());
            }
        }
    }
    needs
}

/// Returns the facts that the subjects refer to, after the subjects have loaded.
pub fn needs_behind<'s, F: Facts>(
    facts: &F,
    subjects: impl IntoIterator<Item = &'s Subject>,
) -> Result<Needs, Unavailable> {
    let mut needs = Needs::default();
    for subject in subjects {
        match subject {
            Subject::Settings | Subject::Association(_) | Subject::Import(_) => {}
            Subject::Account(id) => {
                let found = facts.account(*id)?;
                needs
                    .keys
                    .extend(account_keys(found.as_ref().map(|a| &a.record)));
            }
            Subject::Contact(id) => {
                let found = facts.contact(*id)?;
                needs
                    .keys
                    .extend(contact_keys(found.as_ref().map(|c| &c.record)));
            }
            Subject::Ticket(no) => {
                if let Some(ticket) = facts.ticket(*no)? {
                    let ticket = ticket.record;
                    needs.contacts.insert(ticket.requester);
                    needs.contacts.extend(ticket.cc);
                    needs.accounts.extend(ticket.account);
                    needs.keys.insert(UniqueKey::of_ticket(&ticket.key));
                }
            }
            Subject::Key(key) => match (key, facts.owner(key)?) {
                (_, None) => {}
                (UniqueKey::AccountExternalId(_), Some(owner)) => {
                    needs.accounts.insert(AccountId::new(owner));
                }
                (UniqueKey::ContactExternalId(_) | UniqueKey::Email(_), Some(owner)) => {
                    needs.contacts.insert(ContactId::new(owner));
                }
                (UniqueKey::Ticket(_), Some(owner)) => {
                    needs.tickets.insert(TicketNo::new(owner));
                }
            },
        }
    }
    Ok(needs)
}
