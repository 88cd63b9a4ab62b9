//! Identification of a row's record: by id, then external id, then e-mail, then name; never a
//! guess.

use super::field::Field;
use super::{Rejected, reject};
use crate::fact::{Facts, NAMESAKES_MAX, Namesakes, Needs, Unavailable, UniqueKey};
use crate::id::{AccountId, ContactId};
use crate::names::{fold, name_key, person_key};
use crate::record::{Account, Contact, Stored};
use crate::refusal::Refusal;
use crate::text::{Email, ExternalId, Name};

/// A name with its key for matching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<N> {
    /// The name in the row.
    pub name: N,
    key: String,
}

/// A person's name in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonName {
    /// The family name, or the part of a whole name before its first white space.
    pub family: Name,
    /// The given name, or the part of a whole name after its first white space.
    pub given: Option<Name>,
    /// Whether the name came from one cell: then an absent given name means that there is no given
    /// name.
    pub whole: bool,
}

impl Named<Name> {
    /// Creates the name of an account.
    pub fn of_account(name: Name) -> Self {
        let key = name_key(name.as_str());
        Self { name, key }
    }
}

impl Named<PersonName> {
    /// Creates the name of a contact.
    pub fn of_person(name: PersonName) -> Self {
        let given = name.given.as_ref().map_or("", Name::as_str);
        let key = person_key(&[name.family.as_str(), given].concat());
        Self { name, key }
    }
}

impl<N> Named<N> {
    /// Returns the key. Names with the same key are equal.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The identifiers of an account in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountKeys {
    /// Roster's id.
    pub id: Option<AccountId>,
    /// The id in another system.
    pub external_id: Option<ExternalId>,
    /// The name.
    pub name: Option<Named<Name>>,
}

/// The identifiers of a contact in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactKeys {
    /// Roster's id.
    pub id: Option<ContactId>,
    /// The id in another system.
    pub external_id: Option<ExternalId>,
    /// The addresses, by column; `None` for a blank cell.
    pub emails: Vec<Option<Email>>,
    /// The name.
    pub name: Option<Named<PersonName>>,
}

/// The record that a row identifies.
pub(super) struct Found<K, R> {
    pub(super) id: K,
    pub(super) stored: Stored<R>,
    /// Whether only the name identified it: then the stored spelling of the name stays.
    pub(super) by_name: bool,
}

impl AccountKeys {
    /// Returns whether the row identifies no account.
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.external_id.is_none() && self.name.is_none()
    }

    /// Returns the field of the strongest identifier.
    pub fn field(&self) -> Field {
        if self.id.is_some() {
            Field::AccountId
        } else if self.external_id.is_some() {
            Field::AccountExternalId
        } else {
            Field::AccountName
        }
    }

    pub(super) fn needs(&self, needs: &mut Needs) {
        needs.accounts.extend(self.id);
        let external = self.external_id.iter();
        needs.keys.extend(external.map(UniqueKey::of_account));
        needs.account_names.extend(self.namesakes());
    }

    /// Returns the candidates by name: an account with another external id is a different account.
    fn namesakes(&self) -> impl Iterator<Item = Namesakes> {
        let key = self.name.as_ref().map(|name| name.key.as_str());
        namesakes(key, self.external_id.is_some(), true)
    }

    fn named<F: Facts>(&self, facts: &F) -> Result<Vec<AccountId>, Unavailable> {
        lowest(self.namesakes(), |of| {
            facts.accounts_named(of, NAMESAKES_MAX)
        })
    }

    /// Returns the candidate accounts: [`find`](Self::find) reads their rows.
    pub(super) fn candidates<F: Facts>(&self, facts: &F) -> Result<Vec<AccountId>, Unavailable> {
        let mut candidates: Vec<AccountId> = self.id.into_iter().collect();
        if let Some(external) = &self.external_id {
            let owner = facts.owner(&UniqueKey::of_account(external))?;
            candidates.extend(owner.map(AccountId::new));
        }
        if candidates.is_empty() {
            candidates = self.named(facts)?;
        }
        Ok(candidates)
    }

    /// Returns the account, or `None` if no account has these identifiers.
    pub(super) fn find<F: Facts>(
        &self,
        facts: &F,
    ) -> Result<Option<Found<AccountId, Account>>, Rejected> {
        let mut found = None;
        if let Some(id) = self.id {
            let stored = facts.account(id)?;
            let missing = || reject(Field::AccountId, Refusal::AccountNotFound(id));
            found = Some((id, stored.ok_or_else(missing)?));
        }
        if let Some(external) = &self.external_id {
            let owner = facts.owner(&UniqueKey::of_account(external))?;
            if let Some(owner) = owner.map(AccountId::new) {
                match &found {
                    Some((id, _)) if *id != owner => {
                        let differ = differ(id, "external_id", owner);
                        return Err(reject(Field::AccountExternalId, differ));
                    }
                    Some(_) => {}
                    None => found = facts.account(owner)?.map(|stored| (owner, stored)),
                }
            }
        }
        let Some(name) = &self.name else {
            return Ok(found.map(strong));
        };
        if let Some((_, stored)) = &found
            && (stored.record.name == name.name
                || name_key(stored.record.name.as_str()) == name.key)
        {
            return Ok(found.map(strong));
        }
        let namesakes = self.named(facts)?;
        let settled = settle(&found, &namesakes, name.name.as_str(), Field::AccountName)?;
        let Some(id) = settled else {
            return Ok(found.map(strong));
        };
        Ok(facts.account(id)?.map(|stored| by_name(id, stored)))
    }

    /// Returns the rejection for an account that does not exist.
    pub(super) fn unknown(&self) -> Rejected {
        let (what, text) = match (&self.external_id, &self.name) {
            (Some(id), _) => ("external_id", id.to_string()),
            (None, Some(name)) => ("name", name.name.to_string()),
            (None, None) => ("name", String::new()),
        };
        reject(self.field(), Refusal::AccountUnknown { what, text })
    }
}

impl ContactKeys {
    /// Returns whether the row identifies no contact.
    pub fn is_empty(&self) -> bool {
        self.id.is_none()
            && self.external_id.is_none()
            && self.given_emails().next().is_none()
            && self.name.is_none()
    }

    /// Returns the addresses that are not blank.
    pub fn given_emails(&self) -> impl Iterator<Item = &Email> {
        self.emails.iter().flatten()
    }

    /// Returns the field of the strongest identifier.
    pub fn field(&self) -> Field {
        if self.id.is_some() {
            Field::ContactId
        } else if self.external_id.is_some() {
            Field::ContactExternalId
        } else if self.given_emails().next().is_some() {
            Field::ContactEmail
        } else {
            self.name_field()
        }
    }

    pub(super) fn name_field(&self) -> Field {
        match &self.name {
            Some(name) if !name.name.whole => Field::ContactFamilyName,
            _ => Field::ContactName,
        }
    }

    fn unique_keys(&self) -> impl Iterator<Item = UniqueKey> {
        let external = self.external_id.iter().map(UniqueKey::of_contact);
        external.chain(self.given_emails().map(UniqueKey::of_email))
    }

    pub(super) fn needs(&self, needs: &mut Needs) {
        needs.contacts.extend(self.id);
        needs.keys.extend(self.unique_keys());
        needs.contact_names.extend(self.namesakes());
    }

    /// Returns the candidates by name: a contact with another external id or other addresses is a
    /// different contact. A contact with the same identifiers is found by them before its name is
    /// read.
    fn namesakes(&self) -> impl Iterator<Item = Namesakes> {
        let key = self.name.as_ref().map(|name| name.key.as_str());
        let has_email = self.given_emails().next().is_some();
        namesakes(key, self.external_id.is_some(), has_email)
    }

    fn named<F: Facts>(&self, facts: &F) -> Result<Vec<ContactId>, Unavailable> {
        lowest(self.namesakes(), |of| {
            facts.contacts_named(of, NAMESAKES_MAX)
        })
    }

    /// Returns the candidate contacts: [`find`](Self::find) reads their rows.
    pub(super) fn candidates<F: Facts>(&self, facts: &F) -> Result<Vec<ContactId>, Unavailable> {
        let mut candidates: Vec<ContactId> = self.id.into_iter().collect();
        for key in self.unique_keys() {
            candidates.extend(facts.owner(&key)?.map(ContactId::new));
        }
        if candidates.is_empty() {
            candidates = self.named(facts)?;
        }
        Ok(candidates)
    }

    /// Returns the contact, or `None` if no contact has these identifiers.
    pub(super) fn find<F: Facts>(
        &self,
        facts: &F,
    ) -> Result<Option<Found<ContactId, Contact>>, Rejected> {
        let found = self.find_by_key(facts)?;
        let Some(name) = &self.name else {
            return Ok(found.map(strong));
        };
        if let Some((_, stored)) = &found
            && person_key(&stored.record.full_name()) == name.key
        {
            return Ok(found.map(strong));
        }
        let namesakes = self.named(facts)?;
        let text = match &name.name.given {
            Some(given) => format!("{} {given}", name.name.family),
            None => name.name.family.to_string(),
        };
        let Some(id) = settle(&found, &namesakes, &text, self.name_field())? else {
            return Ok(found.map(strong));
        };
        Ok(facts.contact(id)?.map(|stored| by_name(id, stored)))
    }

    fn find_by_key<F: Facts>(
        &self,
        facts: &F,
    ) -> Result<Option<(ContactId, Stored<Contact>)>, Rejected> {
        let mut found = None;
        if let Some(id) = self.id {
            let stored = facts.contact(id)?;
            let missing = || reject(Field::ContactId, Refusal::ContactNotFound(id));
            found = Some((id, stored.ok_or_else(missing)?));
        }
        for key in self.unique_keys() {
            let Some(owner) = facts.owner(&key)?.map(ContactId::new) else {
                continue;
            };
            let (what, field) = match key {
                UniqueKey::Email(_) => ("email", Field::ContactEmail),
                UniqueKey::AccountExternalId(_)
                | UniqueKey::ContactExternalId(_)
                | UniqueKey::Ticket(_) => ("external_id", Field::ContactExternalId),
            };
            match &found {
                Some((id, _)) if *id != owner => {
                    return Err(reject(field, differ(id, what, owner)));
                }
                Some(_) => {}
                None => {
                    let Some(stored) = facts.contact(owner)? else {
                        continue;
                    };
                    // An address of a contact with another external id belongs to a different
                    // contact.
                    let theirs = stored.record.external_id.as_ref();
                    if what == "email" && differs(theirs, self.external_id.as_ref()) {
                        let given = self.external_id.iter().map(ExternalId::to_string);
                        let given = given.collect::<String>();
                        return Err(reject(field, differ(&given, what, owner)));
                    }
                    found = Some((owner, stored));
                }
            }
        }
        Ok(found)
    }

    /// Returns the rejection for a contact that does not exist.
    pub(super) fn unknown(&self) -> Rejected {
        let (what, text) = match (&self.external_id, self.given_emails().next(), &self.name) {
            (Some(id), _, _) => ("external_id", id.to_string()),
            (None, Some(email), _) => ("email", email.to_string()),
            (None, None, Some(name)) => ("name", name.name.family.to_string()),
            (None, None, None) => ("name", String::new()),
        };
        reject(self.field(), Refusal::ContactUnknown { what, text })
    }
}

/// Returns the candidates by name: if the row has an identifier of some kind, only records without
/// an identifier of that kind.
fn namesakes(
    key: Option<&str>,
    has_external_id: bool,
    has_email: bool,
) -> impl Iterator<Item = Namesakes> {
    const ALL: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];
    let may_be = move |(id, email): &(bool, bool)| !(*id && has_external_id || *email && has_email);
    key.into_iter().flat_map(move |key| {
        let among = move |(with_external_id, with_email)| Namesakes {
            key: key.to_owned(),
            with_external_id,
            with_email,
        };
        ALL.into_iter().filter(may_be).map(among)
    })
}

/// Returns the lowest ids of several groups of namesakes, as many as a rule needs.
fn lowest<K: Ord>(
    groups: impl Iterator<Item = Namesakes>,
    named: impl Fn(&Namesakes) -> Result<Vec<K>, Unavailable>,
) -> Result<Vec<K>, Unavailable> {
    let mut all = Vec::new();
    for of in groups {
        all.extend(named(&of)?);
    }
    all.sort_unstable();
    all.truncate(NAMESAKES_MAX);
    Ok(all)
}

fn by_name<K, R>(id: K, stored: Stored<R>) -> Found<K, R> {
    Found {
        id,
        stored,
        by_name: true,
    }
}

fn strong<K, R>((id, stored): (K, Stored<R>)) -> Found<K, R> {
    Found {
        id,
        stored,
        by_name: false,
    }
}

/// Returns whether both external ids are present and differ after folding.
fn differs(stored: Option<&ExternalId>, given: Option<&ExternalId>) -> bool {
    match (stored, given) {
        (Some(stored), Some(given)) => fold(stored.as_str()) != fold(given.as_str()),
        _ => false,
    }
}

fn differ(found: &impl ToString, what: &'static str, other: impl ToString) -> Refusal {
    Refusal::IdentifiersDiffer {
        found: found.to_string(),
        what,
        other: other.to_string(),
    }
}

/// Applies the name: it identifies the record if no stronger identifier did, and must not identify
/// a different record if one did.
fn settle<K: Copy + ToString, R>(
    found: &Option<(K, Stored<R>)>,
    namesakes: &[K],
    name: &str,
    field: Field,
) -> Result<Option<K>, Rejected> {
    match (found, namesakes) {
        (_, []) => Ok(None),
        (Some((id, _)), [other, ..]) => Err(reject(field, differ(id, "name", other.to_string()))),
        (None, [id]) => Ok(Some(*id)),
        (None, [one, other, ..]) => {
            let name = name.to_owned();
            let candidates = [one.to_string(), other.to_string()];
            Err(reject(field, Refusal::NameAmbiguous { name, candidates }))
        }
    }
}
