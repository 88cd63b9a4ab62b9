//! The invariants of what is stored, one function each, named as the rules that promise them.
//!
//! Rules keep them; guards look whether they did. The same functions are asked at the subjects
//! that a batch touched and at everything that a database holds. A guard says what it found and
//! repairs nothing: a violation is a defect of ours.

use std::collections::BTreeSet;
use std::fmt;

use crate::change::Change;
use crate::draft::{account_keys, contact_keys};
use crate::fact::{Facts, Needs, TicketsOf, Unavailable, UniqueKey};
use crate::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use crate::record::{Account, Contact, Settings, Ticket};

mod limits;

/// What an organization says of itself beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Its present revision.
    pub revision: Revision,
    /// The number of its next account.
    pub next_account: u64,
    /// The number of its next contact.
    pub next_contact: u64,
    /// The number of its next ticket.
    pub next_ticket: u64,
}

/// What a guard looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The settings, and what they promise of all contacts.
    Settings,
    /// An account, or what is left where it was.
    Account(AccountId),
    /// A contact, or what is left where it was.
    Contact(ContactId),
    /// An association.
    Association(Pair),
    /// A ticket.
    Ticket(TicketNo),
    /// A unique key.
    Key(UniqueKey),
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
        }
    }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{guard}: {subject} {what}")]
pub struct Violation {
    /// The name of the guard.
    pub guard: &'static str,
    /// Where it does not hold.
    pub subject: Subject,
    /// What is wrong there.
    pub what: String,
}

/// What guards found so far.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order in which it was found.
    pub violations: Vec<Violation>,
}

impl Found {
    /// Takes down what is wrong, unless `holds`.
    fn unless(
        &mut self,
        holds: bool,
        guard: &'static str,
        subject: &Subject,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.violations.push(Violation {
                guard,
                subject: subject.clone(),
                what: what(),
            });
        }
    }
}

/// Adds everything that changes touch.
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

/// Names the subjects themselves, to load them together.
pub fn needs<'s>(subjects: impl IntoIterator<Item = &'s Subject>) -> Needs {
    let mut needs = Needs::default();
    for subject in subjects {
        match subject {
            Subject::Settings => {}
            Subject::Account(id) => {
                needs.accounts.insert(*id);
            }
            Subject::Contact(id) => {
                needs.contacts.insert(*id);
                needs.standings.insert(*id);
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

/// Names what the subjects point at, once they are loaded themselves.
pub fn needs_behind<'s, F: Facts>(
    facts: &F,
    subjects: impl IntoIterator<Item = &'s Subject>,
) -> Result<Needs, Unavailable> {
    let mut needs = Needs::default();
    for subject in subjects {
        match subject {
            Subject::Settings | Subject::Association(_) => {}
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
                    needs.contacts.extend(ticket.copies);
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

/// Asks every guard of a subject.
pub fn check<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    subject: &Subject,
    found: &mut Found,
) -> Result<(), Unavailable> {
    match subject {
        Subject::Settings => check_settings(facts, bounds, found),
        Subject::Account(id) => check_account(facts, bounds, *id, found),
        Subject::Contact(id) => check_contact(facts, bounds, *id, found),
        Subject::Association(pair) => {
            if let Some(association) = facts.association(*pair)? {
                etag_known(bounds, subject, association.revision, found);
                limits::association(subject, &association.record, found);
            }
            association_ends(facts, *pair, found)
        }
        Subject::Ticket(no) => check_ticket(facts, bounds, *no, found),
        Subject::Key(key) => key_owned(facts, key, found),
    }
}

fn check_settings<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let settings = facts.settings()?;
    found.unless(
        settings.revision <= bounds.revision,
        "etag-known",
        &Subject::Settings,
        || "were written by a revision that is still to come".into(),
    );
    limits::settings(&settings.record, found);
    one_account_of_all(facts, &settings.record, found)
}

fn check_account<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    id: AccountId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let subject = Subject::Account(id);
    let Some(account) = facts.account(id)? else {
        return nothing_left_of_account(facts, id, found);
    };
    etag_known(bounds, &subject, account.revision, found);
    number_given(&subject, id.number(), bounds.next_account, found);
    limits::account(&subject, &account.record, found);
    keys_held(
        facts,
        &subject,
        account_keys(Some(&account.record)),
        id.number(),
        found,
    )
}

fn check_contact<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    id: ContactId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let subject = Subject::Contact(id);
    let Some(contact) = facts.contact(id)? else {
        return nothing_left_of_contact(facts, id, found);
    };
    etag_known(bounds, &subject, contact.revision, found);
    number_given(&subject, id.number(), bounds.next_contact, found);
    limits::contact(&subject, &contact.record, found);
    keys_held(
        facts,
        &subject,
        contact_keys(Some(&contact.record)),
        id.number(),
        found,
    )?;
    one_primary(facts, id, found)?;
    one_account(facts, id, found)
}

fn check_ticket<F: Facts>(
    facts: &F,
    bounds: &Bounds,
    no: TicketNo,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let subject = Subject::Ticket(no);
    let Some(ticket) = facts.ticket(no)? else {
        return Ok(());
    };
    etag_known(bounds, &subject, ticket.revision, found);
    number_given(&subject, no.number(), bounds.next_ticket, found);
    limits::ticket(&subject, &ticket.record, found);
    let keys = vec![UniqueKey::of_ticket(&ticket.record.key)];
    keys_held(facts, &subject, keys, no.number(), found)?;
    copies_distinct(&subject, &ticket.record, found);
    ticket_people(facts, &subject, &ticket.record, found)?;
    ticket_account(facts, &subject, &ticket.record, found)
}

/// `one-primary`: a contact with any account has exactly one primary, and one without has none.
pub fn one_primary<F: Facts>(
    facts: &F,
    contact: ContactId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let all = facts.associations_of(contact)?;
    let primaries: Vec<AccountId> = all
        .iter()
        .filter(|(_, association)| association.record.primary)
        .map(|(account, _)| *account)
        .collect();
    let subject = Subject::Contact(contact);
    found.unless(
        primaries.len() == usize::from(!all.is_empty()),
        "one-primary",
        &subject,
        || {
            format!(
                "has {} accounts and {} primary ones",
                all.len(),
                primaries.len()
            )
        },
    );
    let answered = (
        facts.account_count(contact)?,
        facts.primary_account(contact)?,
    );
    let counted = (all.len() as u64, primaries.first().copied());
    found.unless(
        answered == counted || primaries.len() > 1,
        "one-primary",
        &subject,
        || format!("is said to have {answered:?} and has {counted:?}"),
    );
    Ok(())
}

/// `one-account`: unless `multiple_accounts` is on, a contact has at most one account.
pub fn one_account<F: Facts>(
    facts: &F,
    contact: ContactId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let several = facts.settings()?.record.multiple_accounts;
    let count = facts.account_count(contact)?;
    found.unless(
        several || count <= 1,
        "one-account",
        &Subject::Contact(contact),
        || format!("has {count} accounts and multiple_accounts is off"),
    );
    Ok(())
}

/// `one-account`, asked of all contacts at once.
pub fn one_account_of_all<F: Facts>(
    facts: &F,
    settings: &Settings,
    found: &mut Found,
) -> Result<(), Unavailable> {
    if !settings.multiple_accounts {
        let contacts = facts.contacts_with_several_accounts()?;
        found.unless(contacts == 0, "one-account", &Subject::Settings, || {
            format!("have multiple_accounts off and {contacts} contacts have several")
        });
    }
    Ok(())
}

/// `association-ends`: an association stands between a contact and an account that exist.
pub fn association_ends<F: Facts>(
    facts: &F,
    pair: Pair,
    found: &mut Found,
) -> Result<(), Unavailable> {
    if facts.association(pair)?.is_none() {
        return Ok(());
    }
    let subject = Subject::Association(pair);
    let (contact, account) = (facts.contact(pair.contact)?, facts.account(pair.account)?);
    found.unless(contact.is_some(), "association-ends", &subject, || {
        "has no contact".into()
    });
    found.unless(account.is_some(), "association-ends", &subject, || {
        "has no account".into()
    });
    Ok(())
}

/// `ticket-people`: a ticket's requester and everybody in copy exist.
pub fn ticket_people<F: Facts>(
    facts: &F,
    subject: &Subject,
    ticket: &Ticket,
    found: &mut Found,
) -> Result<(), Unavailable> {
    for person in std::iter::once(&ticket.requester).chain(&ticket.copies) {
        let exists = facts.contact(*person)?.is_some();
        found.unless(exists, "ticket-people", subject, || {
            format!("names contact {person}, who does not exist")
        });
    }
    Ok(())
}

/// `ticket-account`: a ticket's account exists, if it has one.
pub fn ticket_account<F: Facts>(
    facts: &F,
    subject: &Subject,
    ticket: &Ticket,
    found: &mut Found,
) -> Result<(), Unavailable> {
    if let Some(account) = ticket.account {
        let exists = facts.account(account)?.is_some();
        found.unless(exists, "ticket-account", subject, || {
            format!("stands under account {account}, which does not exist")
        });
    }
    Ok(())
}

/// `copies-distinct`: a contact stands on a copy list at most once.
pub fn copies_distinct(subject: &Subject, ticket: &Ticket, found: &mut Found) {
    let distinct: BTreeSet<_> = ticket.copies.iter().collect();
    found.unless(
        distinct.len() == ticket.copies.len(),
        "copies-distinct",
        subject,
        || "has a contact in copy twice".into(),
    );
}

/// `keys-held`: every unique key of a record is held by that record.
pub fn keys_held<F: Facts>(
    facts: &F,
    subject: &Subject,
    keys: Vec<UniqueKey>,
    own: u64,
    found: &mut Found,
) -> Result<(), Unavailable> {
    for key in keys {
        let owner = facts.owner(&key)?;
        found.unless(owner == Some(own), "keys-held", subject, || {
            format!("has {key:?}, which is held by {owner:?}")
        });
    }
    Ok(())
}

/// `key-owned`: a unique key that is held is held by a record that has it.
pub fn key_owned<F: Facts>(
    facts: &F,
    key: &UniqueKey,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let Some(owner) = facts.owner(key)? else {
        return Ok(());
    };
    let of_contact = |contact: Option<Contact>| contact_keys(contact.as_ref());
    let of_account = |account: Option<Account>| account_keys(account.as_ref());
    let keys = match key {
        UniqueKey::AccountExternalId(_) => {
            of_account(facts.account(AccountId::new(owner))?.map(|a| a.record))
        }
        UniqueKey::ContactExternalId(_) | UniqueKey::Email(_) => {
            of_contact(facts.contact(ContactId::new(owner))?.map(|c| c.record))
        }
        UniqueKey::Ticket(_) => {
            let ticket = facts.ticket(TicketNo::new(owner))?;
            ticket
                .map(|t| UniqueKey::of_ticket(&t.record.key))
                .into_iter()
                .collect()
        }
    };
    found.unless(
        keys.contains(key),
        "key-owned",
        &Subject::Key(key.clone()),
        || format!("is held by number {owner}, which does not have it"),
    );
    Ok(())
}

/// `etag-known`: a row was written by a revision that there is.
pub fn etag_known(bounds: &Bounds, subject: &Subject, etag: Revision, found: &mut Found) {
    let known = Revision::ZERO < etag && etag <= bounds.revision;
    found.unless(known, "etag-known", subject, || {
        format!(
            "was written by revision {}, and the present one is {}",
            etag.number(),
            bounds.revision.number()
        )
    });
}

/// `number-given`: a number in use was given, so that it is never given again.
pub fn number_given(subject: &Subject, number: u64, next: u64, found: &mut Found) {
    found.unless(0 < number && number < next, "number-given", subject, || {
        format!("exists, and the next number is {next}")
    });
}

/// `nothing-left`: nothing points at an account that does not exist.
pub fn nothing_left_of_account<F: Facts>(
    facts: &F,
    id: AccountId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let contacts = facts.contacts_of(id)?.len();
    let tickets = facts.tickets_of(TicketsOf::Account(id))?.len();
    let subject = Subject::Account(id);
    found.unless(contacts + tickets == 0, "nothing-left", &subject, || {
        format!("is gone and has {contacts} contacts and {tickets} tickets")
    });
    Ok(())
}

/// `nothing-left`: nothing points at a contact that does not exist.
pub fn nothing_left_of_contact<F: Facts>(
    facts: &F,
    id: ContactId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let accounts = facts.associations_of(id)?.len();
    let tickets = facts.tickets_of(TicketsOf::Requester(id))?.len();
    let copies = facts.tickets_of(TicketsOf::Copied(id))?.len();
    let subject = Subject::Contact(id);
    found.unless(
        accounts + tickets + copies == 0,
        "nothing-left",
        &subject,
        || format!("is gone and has {accounts} accounts, {tickets} tickets and {copies} copies"),
    );
    Ok(())
}
