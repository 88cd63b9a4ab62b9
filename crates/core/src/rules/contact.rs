//! Creation and update of contacts.

use std::collections::BTreeSet;

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::fact::contact_keys;
use crate::fact::{Facts, Needs, UniqueKey};
use crate::id::{ContactId, Revision};
use crate::names::fold;
use crate::record::{Contact, Stored};
use crate::refusal::{Refusal, Refused};
use crate::rules::{check_etag, check_keys, contact_of};
use crate::text::Name;

pub use crate::record::ContactPatch;

impl ContactPatch {
    fn keys(&self) -> impl Iterator<Item = UniqueKey> {
        let emails = self.emails.iter().flatten().map(UniqueKey::of_email);
        let external = self.external_id.iter().flatten();
        emails.chain(external.map(UniqueKey::of_contact))
    }
}

/// Refuses if a contact has an address twice or a key of another contact.
fn check_contact<F: Facts>(
    facts: &F,
    contact: &Contact,
    own: Option<ContactId>,
) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for email in &contact.emails {
        if !seen.insert(fold(email.as_str())) {
            return Err(Refusal::AddressRepeated(email.to_string()).into());
        }
    }
    check_keys(
        facts,
        contact_keys(Some(contact)),
        own.map(ContactId::number),
        'c',
    )
}

/// Creates a contact without an account.
#[derive(Clone, Debug)]
pub struct CreateContact {
    /// The family name.
    pub family_name: Name,
    /// All other fields.
    pub fields: ContactPatch,
}

impl Command for CreateContact {
    type Answer = (ContactId, Stored<Contact>);
    const NAME: &'static str = "CreateContact";

    fn needs(&self, needs: &mut Needs) {
        needs.keys.extend(self.fields.keys());
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let mut contact = Contact::new(self.family_name.clone(), given.now);
        self.fields.clone().onto(&mut contact);
        check_contact(facts, &contact, None)?;
        let id = given.take_contact();
        let stored = Stored {
            record: contact.clone(),
            revision: given.revision,
        };
        Ok(Decision {
            changes: vec![Change::Contact(Row::Created(id, contact))],
            answer: (id, stored),
        })
    }
}

/// Updates a contact.
#[derive(Clone, Debug)]
pub struct UpdateContact {
    /// The contact to update.
    pub id: ContactId,
    /// The fields to write.
    pub patch: ContactPatch,
    /// The etag that the contact must have.
    pub etag: Option<Revision>,
}

impl Command for UpdateContact {
    type Answer = (ContactId, Stored<Contact>);
    const NAME: &'static str = "UpdateContact";

    fn needs(&self, needs: &mut Needs) {
        needs.contacts.insert(self.id);
        needs.keys.extend(self.patch.keys());
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let before = contact_of(facts, self.id)?;
        check_etag(self.etag, before.revision)?;
        let mut after = before.record.clone();
        self.patch.clone().onto(&mut after);
        if after == before.record {
            return Ok(Decision::unchanged((self.id, before)));
        }
        check_contact(facts, &after, Some(self.id))?;
        after.update_time = given.now;
        let stored = Stored {
            record: after.clone(),
            revision: given.revision,
        };
        let row = Row::Updated {
            key: self.id,
            before: before.record,
            after,
        };
        Ok(Decision {
            changes: vec![Change::Contact(row)],
            answer: (self.id, stored),
        })
    }
}
