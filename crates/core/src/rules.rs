//! The rules, one file for each family. The names are those in the API's comments.

pub mod account;
pub mod association;
pub mod contact;
pub mod credential;
pub mod deletion;
pub mod disposition;
pub mod import;
pub mod organization;
pub mod settings;
pub mod ticket;
pub mod visibility;
pub mod visitor;

use crate::fact::{Facts, UniqueKey};
use crate::id::{AccountId, ContactId, Revision};
use crate::record::{Account, Contact, Stored};
use crate::refusal::{Refusal, Refused};

/// Returns an account, or refuses if it does not exist.
fn account_of<F: Facts>(facts: &F, id: AccountId) -> Result<Stored<Account>, Refused> {
    Ok(facts.account(id)?.ok_or(Refusal::AccountNotFound(id))?)
}

/// Returns a contact, or refuses if it does not exist.
fn contact_of<F: Facts>(facts: &F, id: ContactId) -> Result<Stored<Contact>, Refused> {
    Ok(facts.contact(id)?.ok_or(Refusal::ContactNotFound(id))?)
}

/// Refuses if a contact does not exist.
fn check_contact_exists<F: Facts>(facts: &F, id: ContactId) -> Result<(), Refused> {
    if facts.contact_exists(id)? {
        Ok(())
    } else {
        Err(Refusal::ContactNotFound(id).into())
    }
}

/// Refuses if the caller sent an etag that is not the current one.
fn check_etag(expected: Option<Revision>, present: Revision) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != present => Err(Refusal::EtagMismatch),
        _ => Ok(()),
    }
}

/// Refuses if a key belongs to another record.
fn check_keys<F: Facts>(
    facts: &F,
    keys: Vec<UniqueKey>,
    own: Option<u64>,
    letter: char,
) -> Result<(), Refused> {
    for key in keys {
        if let Some(owner) = facts.owner(&key)?
            && Some(owner) != own
        {
            let owner = format!("{letter}{owner}");
            return Err(Refusal::KeyTaken { key, owner }.into());
        }
    }
    Ok(())
}

/// Writes a field if there is a value to write.
fn set<T>(field: &mut T, to: Option<T>) {
    if let Some(to) = to {
        *field = to;
    }
}
