//! The guards.

use std::collections::BTreeSet;

use super::{Bounds, Found, Subject};
use crate::count::counted;
use crate::fact::{Facts, TicketsOf, Unavailable, UniqueKey};
use crate::fact::{account_keys, contact_keys};
use crate::id::{AccountId, ContactId, Pair, Revision, TicketNo};
use crate::record::{Account, Contact, Settings, Ticket};

/// `one-primary`: a contact that has accounts has exactly one primary account; a contact without
/// accounts has no primary account.
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
                "has {}, of which {} are primary",
                counted(all.len() as u64, "account"),
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
        || format!("has {counted:?} (accounts, primary), but is counted as {answered:?}"),
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
        || {
            let accounts = counted(count, "account");
            format!("has {accounts} and multiple_accounts is off")
        },
    );
    Ok(())
}

/// `one-account`, checked for all contacts at once.
pub fn one_account_of_all<F: Facts>(
    facts: &F,
    settings: &Settings,
    found: &mut Found,
) -> Result<(), Unavailable> {
    if !settings.multiple_accounts {
        let contacts = facts.contacts_with_several_accounts()?;
        found.unless(contacts == 0, "one-account", &Subject::Settings, || {
            let contacts = counted(contacts, "contact");
            format!("have multiple_accounts off and several accounts at {contacts}")
        });
    }
    Ok(())
}

/// `association-ends`: the contact and the account of an association exist.
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
        "has a contact that does not exist".into()
    });
    found.unless(account.is_some(), "association-ends", &subject, || {
        "has an account that does not exist".into()
    });
    Ok(())
}

/// `ticket-people`: a ticket's requester and contacts in CC exist.
pub fn ticket_people<F: Facts>(
    facts: &F,
    subject: &Subject,
    ticket: &Ticket,
    found: &mut Found,
) -> Result<(), Unavailable> {
    for person in std::iter::once(&ticket.requester).chain(&ticket.cc) {
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
            format!("has account {account}, which does not exist")
        });
    }
    Ok(())
}

/// `cc-distinct`: a contact is in CC of a ticket at most once.
pub fn cc_distinct(subject: &Subject, ticket: &Ticket, found: &mut Found) {
    let distinct: BTreeSet<_> = ticket.cc.iter().collect();
    found.unless(
        distinct.len() == ticket.cc.len(),
        "cc-distinct",
        subject,
        || "has a contact in CC twice".into(),
    );
}

/// `keys-held`: the key table assigns every unique key of a record to that record.
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
            format!("has {key:?}, which is assigned to {owner:?}")
        });
    }
    Ok(())
}

/// `key-owned`: the record that the key table assigns a key to has that key.
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
        || format!("is assigned to number {owner}, which does not have it"),
    );
    Ok(())
}

/// `etag-known`: a row was written by a revision that exists.
pub fn etag_known(bounds: &Bounds, subject: &Subject, etag: Revision, found: &mut Found) {
    let known = Revision::ZERO < etag && etag <= bounds.revision;
    found.unless(known, "etag-known", subject, || {
        format!(
            "was written by revision {}, but the current revision is {}",
            etag.number(),
            bounds.revision.number()
        )
    });
}

/// `number-given`: a number in use is below the next number, so that it is never assigned again.
pub fn number_given(subject: &Subject, number: u64, next: u64, found: &mut Found) {
    found.unless(0 < number && number < next, "number-given", subject, || {
        format!("exists, but the next number is {next}")
    });
}

/// `nothing-left`: no record refers to an account that does not exist.
pub fn nothing_left_of_account<F: Facts>(
    facts: &F,
    id: AccountId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let contacts = facts.contacts_of(id)?.len() as u64;
    let tickets = facts.tickets_of(TicketsOf::Account(id))?.len() as u64;
    let subject = Subject::Account(id);
    found.unless(contacts + tickets == 0, "nothing-left", &subject, || {
        let (contacts, tickets) = (counted(contacts, "contact"), counted(tickets, "ticket"));
        format!("is gone and has {contacts} and {tickets}")
    });
    Ok(())
}

/// `nothing-left`: no record refers to a contact that does not exist.
pub fn nothing_left_of_contact<F: Facts>(
    facts: &F,
    id: ContactId,
    found: &mut Found,
) -> Result<(), Unavailable> {
    let accounts = facts.associations_of(id)?.len() as u64;
    let tickets = facts.tickets_of(TicketsOf::Requester(id))?.len() as u64;
    let cc = facts.tickets_of(TicketsOf::Cc(id))?.len() as u64;
    let subject = Subject::Contact(id);
    found.unless(
        accounts + tickets + cc == 0,
        "nothing-left",
        &subject,
        || {
            let (accounts, tickets) = (counted(accounts, "account"), counted(tickets, "ticket"));
            format!("is gone and has {accounts} and {tickets}, and is in CC of {cc}")
        },
    );
    Ok(())
}
