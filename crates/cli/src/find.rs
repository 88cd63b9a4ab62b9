//! Resolves accounts and contacts by Roster's id, an external id or an e-mail address.

use roster_client::v1::ErrorReason;
use roster_client::v1::{
    AccountKey, ContactKey, LookupAccountsRequest, LookupContactsRequest, account_key, contact_key,
};
use roster_client::{Error, Refusal, Roster};

use crate::failure::{Failure, Name};

/// The prefix of an external id that looks like an id of Roster.
const EXTERNAL: &str = "ext:";
/// Printed at the end of `roster --help`.
pub(crate) const NAMING: &str =
    "  Name an account by its id (a12) or external id, and a contact by its id (c12), external id or
  an e-mail address. Write ext:a12 for an external id that looks like an id or an address.";
/// Keys of one lookup: an answer has room for this many of the largest records.
const KEYS_MAX: usize = 50;

/// The form of a name.
enum Named<'a> {
    Id(&'a str),
    ExternalId(&'a str),
    /// An e-mail address or an external id that contains `@`.
    Address(&'a str),
}

fn named(text: &str, letter: char) -> Named<'_> {
    if let Some(external) = text.strip_prefix(EXTERNAL) {
        return Named::ExternalId(external);
    }
    let is_id = text.strip_prefix(letter).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    });
    match text {
        _ if is_id => Named::Id(text),
        _ if letter == 'c' && text.contains('@') => Named::Address(text),
        _ => Named::ExternalId(text),
    }
}

/// The id of an account. Does not look up an id: the call that uses it reports an unknown account.
pub(crate) async fn account(roster: &Roster, text: &str) -> Result<String, Failure> {
    let key = match named(text, 'a') {
        Named::Id(id) => return Ok(id.to_owned()),
        Named::ExternalId(key) | Named::Address(key) => key,
    };
    let request = LookupAccountsRequest {
        keys: vec![AccountKey {
            key: Some(account_key::Key::ExternalId(key.to_owned())),
        }],
        consistency: None,
    };
    let answer = roster.call(request).await?;
    let found = answer
        .results
        .into_iter()
        .map(|result| match result.account {
            Some(account) => Ok(account.id),
            None => Err(result.error.map(|error| Refusal::of_item(&error))),
        });
    one_of(found, || {
        let message = format!("no account has the external id {key:?}");
        let name = Name {
            code: "NOT_FOUND",
            reason: "ACCOUNT_NOT_FOUND",
        };
        Failure::said(
            name,
            message,
            "roster accounts list QUERY finds its id by part of its name",
        )
    })
}

/// The id of an account, if `text` names one.
pub(crate) async fn account_if(
    roster: &Roster,
    text: Option<&String>,
) -> Result<Option<String>, Failure> {
    match text {
        Some(text) => Ok(Some(account(roster, text).await?)),
        None => Ok(None),
    }
}

/// The id of a contact. Does not look up an id.
pub(crate) async fn contact(roster: &Roster, text: &str) -> Result<String, Failure> {
    let mut ids = contacts(roster, std::slice::from_ref(&text.to_owned())).await?;
    ids.pop().ok_or_else(|| missing_contact(text))
}

/// The ids of contacts, in the order of `texts`.
pub(crate) async fn contacts(roster: &Roster, texts: &[String]) -> Result<Vec<String>, Failure> {
    let keys: Vec<ContactKey> = texts.iter().flat_map(|text| contact_keys(text)).collect();
    let mut results = Vec::with_capacity(keys.len());
    for keys in keys.chunks(KEYS_MAX) {
        let request = LookupContactsRequest {
            keys: keys.to_vec(),
            consistency: None,
        };
        results.extend(roster.call(request).await?.results);
    }
    let mut results = results.into_iter().map(|result| match result.contact {
        Some(contact) => Ok(contact.id),
        None => Err(result.error.map(|error| Refusal::of_item(&error))),
    });
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        ids.push(match named(text, 'c') {
            Named::Id(id) => id.to_owned(),
            Named::ExternalId(_) | Named::Address(_) => {
                let own: Vec<_> = results.by_ref().take(contact_keys(text).len()).collect();
                one_of(own, || missing_contact(text))?
            }
        });
    }
    Ok(ids)
}

fn contact_keys(text: &str) -> Vec<ContactKey> {
    let external = |key: &str| contact_key::Key::ExternalId(key.to_owned());
    let keys = match named(text, 'c') {
        Named::Id(_) => vec![],
        Named::ExternalId(key) => vec![external(key)],
        Named::Address(key) => vec![contact_key::Key::Email(key.to_owned()), external(key)],
    };
    let some = |key| ContactKey { key: Some(key) };
    keys.into_iter().map(some).collect()
}

fn missing_contact(text: &str) -> Failure {
    let message = match named(text, 'c') {
        Named::Address(key) => format!("no contact has the address or external id {key:?}"),
        Named::ExternalId(key) | Named::Id(key) => {
            format!("no contact has the external id {key:?}")
        }
    };
    let name = Name {
        code: "NOT_FOUND",
        reason: "CONTACT_NOT_FOUND",
    };
    Failure::said(
        name,
        message,
        "roster contacts list QUERY finds its id by part of its name",
    )
}

/// The only id found. A malformed key finds no record, like an unknown key. A record that was too
/// large for the answer is an error.
fn one_of(
    results: impl IntoIterator<Item = Result<String, Option<Refusal>>>,
    missing: impl Fn() -> Failure,
) -> Result<String, Failure> {
    let mut found = Vec::new();
    for result in results {
        match result {
            Ok(id) => found.push(id),
            Err(Some(refusal)) if refusal.known_reason() == Some(ErrorReason::AnswerTooLarge) => {
                return Err(Error::Refused(Box::new(refusal)).into());
            }
            Err(_) => {}
        }
    }
    found.dedup();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(missing()),
        _ => Err(Failure::said(
            Name {
                code: "FAILED_PRECONDITION",
                reason: "NAME_AMBIGUOUS",
            },
            format!("the name is ambiguous: {}", found.join(", ")),
            "use the id, or ext:KEY for an external id",
        )),
    }
}
