//! Which record a row means: id over external id over e-mail over name, never a guess.

use super::field::Field;
use super::{Rejected, reject};
use crate::draft::full_name;
use crate::fact::{Facts, Needs, Unavailable, UniqueKey};
use crate::id::{AccountId, ContactId};
use crate::names::{fold, name_key, person_key};
use crate::record::{Account, Contact, Stored};
use crate::refusal::Refusal;
use crate::text::{Email, ExternalId, Name};

/// A name together with the key by which it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<N> {
    /// The name as the row has it.
    pub name: N,
    key: String,
}

/// A person's name as a row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonName {
    /// The family name, or all of a whole name up to its first white space.
    pub family: Name,
    /// The given name; of a whole name all after its first white space.
    pub given: Option<Name>,
    /// Whether it stood in one cell: then a given name that is absent is none.
    pub whole: bool,
}

impl Named<Name> {
    /// The name of an account.
    pub fn of_account(name: Name) -> Self {
        let key = name_key(name.as_str());
        Self { name, key }
    }
}

impl Named<PersonName> {
    /// The name of a contact.
    pub fn of_person(name: PersonName) -> Self {
        let given = name.given.as_ref().map_or("", Name::as_str);
        let key = person_key(&[name.family.as_str(), given].concat());
        Self { name, key }
    }
}

impl<N> Named<N> {
    /// Two names with the same key are one.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// By what a row names an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountKeys {
    /// Roster's id.
    pub id: Option<AccountId>,
    /// The id in another system.
    pub external_id: Option<ExternalId>,
    /// The name.
    pub name: Option<Named<Name>>,
}

/// By what a row names a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactKeys {
    /// Roster's id.
    pub id: Option<ContactId>,
    /// The id in another system.
    pub external_id: Option<ExternalId>,
    /// The addresses, by column; a blank cell is none.
    pub emails: Vec<Option<Email>>,
    /// The name.
    pub name: Option<Named<PersonName>>,
}

/// A record that a row means.
pub(super) struct Found<K, R> {
    pub(super) id: K,
    pub(super) stored: Stored<R>,
    /// Whether nothing but the name told it: then the name's spelling stays as it is stored.
    pub(super) by_name: bool,
}

impl AccountKeys {
    /// Whether the row names no account.
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.external_id.is_none() && self.name.is_none()
    }

    /// The field of the strongest identifier.
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
        let name = self.name.iter().map(|name| name.key.clone());
        needs.account_names.extend(name);
    }

    /// The accounts that may be meant: what [`find`](Self::find) is going to look at.
    pub(super) fn candidates<F: Facts>(&self, facts: &F) -> Result<Vec<AccountId>, Unavailable> {
        let mut candidates: Vec<AccountId> = self.id.into_iter().collect();
        if let Some(external) = &self.external_id {
            let owner = facts.owner(&UniqueKey::of_account(external))?;
            candidates.extend(owner.map(AccountId::new));
        }
        if let Some(name) = &self.name {
            candidates.extend(facts.accounts_named(&name.key)?);
        }
        Ok(candidates)
    }

    /// The account that is meant; none where no account has what the row says.
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
        let mut namesakes = Vec::new();
        for id in facts.accounts_named(&name.key)? {
            if let Some(stored) = facts.account(id)?
                && !differs(
                    stored.record.external_id.as_ref(),
                    self.external_id.as_ref(),
                )
            {
                namesakes.push((id, stored));
            }
        }
        settle(found, namesakes, name.name.as_str(), Field::AccountName)
    }

    /// What to say where no account has what the row says.
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
    /// Whether the row names no contact.
    pub fn is_empty(&self) -> bool {
        self.id.is_none()
            && self.external_id.is_none()
            && self.given_emails().next().is_none()
            && self.name.is_none()
    }

    /// The addresses that are not blank.
    pub fn given_emails(&self) -> impl Iterator<Item = &Email> {
        self.emails.iter().flatten()
    }

    /// The field of the strongest identifier.
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
        let name = self.name.iter().map(|name| name.key.clone());
        needs.contact_names.extend(name);
    }

    /// The contacts that may be meant: what [`find`](Self::find) is going to look at.
    pub(super) fn candidates<F: Facts>(&self, facts: &F) -> Result<Vec<ContactId>, Unavailable> {
        let mut candidates: Vec<ContactId> = self.id.into_iter().collect();
        for key in self.unique_keys() {
            candidates.extend(facts.owner(&key)?.map(ContactId::new));
        }
        if let Some(name) = &self.name {
            candidates.extend(facts.contacts_named(&name.key)?);
        }
        Ok(candidates)
    }

    /// The contact that is meant; none where no contact has what the row says.
    pub(super) fn find<F: Facts>(
        &self,
        facts: &F,
    ) -> Result<Option<Found<ContactId, Contact>>, Rejected> {
        let found = self.find_by_key(facts)?;
        let Some(name) = &self.name else {
            return Ok(found.map(strong));
        };
        if let Some((_, stored)) = &found
            && person_key(&full_name(&stored.record)) == name.key
        {
            return Ok(found.map(strong));
        }
        let mut namesakes = Vec::new();
        for id in facts.contacts_named(&name.key)? {
            if let Some(stored) = facts.contact(id)?
                && !self.is_another(&stored.record)
            {
                namesakes.push((id, stored));
            }
        }
        let text = match &name.name.given {
            Some(given) => format!("{} {given}", name.name.family),
            None => name.name.family.to_string(),
        };
        settle(found, namesakes, &text, self.name_field())
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
                _ => ("external_id", Field::ContactExternalId),
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
                    // An address of a contact with another external id is another's.
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

    /// Whether a namesake is somebody else: it has another external id or other addresses.
    fn is_another(&self, namesake: &Contact) -> bool {
        differs(namesake.external_id.as_ref(), self.external_id.as_ref())
            || (!namesake.emails.is_empty() && self.given_emails().next().is_some())
    }

    /// What to say where no contact has what the row says.
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

fn strong<K, R>((id, stored): (K, Stored<R>)) -> Found<K, R> {
    Found {
        id,
        stored,
        by_name: false,
    }
}

/// Two external ids that are there and are not one after folding.
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

/// What a name settles: it finds a record where nothing stronger did, and must not point at
/// another where something did.
fn settle<K: Copy + ToString, R>(
    found: Option<(K, Stored<R>)>,
    mut namesakes: Vec<(K, Stored<R>)>,
    name: &str,
    field: Field,
) -> Result<Option<Found<K, R>>, Rejected> {
    match (found, namesakes.len()) {
        (Some(found), 0) => Ok(Some(strong(found))),
        (Some((id, _)), _) => Err(reject(field, differ(&id, "name", namesakes[0].0))),
        (None, 0 | 1) => Ok(namesakes.pop().map(|(id, stored)| Found {
            id,
            stored,
            by_name: true,
        })),
        (None, candidates) => {
            let name = name.to_owned();
            Err(reject(field, Refusal::NameAmbiguous { name, candidates }))
        }
    }
}
