//! The decision of one row, on top of the rows before it.

use super::field::Field;
use super::keys::Found;
use super::{
    AccountKeys, AccountRow, AssociationRow, CcContact, ContactKeys, ContactRow, ImportRow, Named,
    PersonName, Reading, Rejected, RowOutcome, TicketRow, reject,
};
use crate::change::{Change, Row};
use crate::command::{Circumstances, Command};
use crate::draft::Draft;
use crate::fact::{Facts, UniqueKey};
use crate::id::{AccountId, ContactId, Pair, TicketNo};
use crate::names::{fold, person_key};
use crate::record::{Account, Contact, Stored, Ticket};
use crate::refusal::{Refusal, Refused};
use crate::rules::account::{AccountPatch, CreateAccount, UpdateAccount};
use crate::rules::association::{self, Associated, SetPrimaryAccount, UpdateAssociation, Wanted};
use crate::rules::contact::{ContactPatch, CreateContact, UpdateContact};
use crate::rules::ticket::Record;
use crate::text::{Email, ExternalId, Name, Role};

/// The decision of a row.
pub(super) struct Judged {
    pub(super) changes: Vec<Change>,
    pub(super) outcome: RowOutcome,
    pub(super) accounts_created: u64,
    pub(super) contacts_created: u64,
}

/// Decides one row.
pub(super) fn judge<F: Facts>(
    row: &ImportRow,
    facts: &F,
    create_missing: bool,
    given: &mut Circumstances,
) -> Result<Judged, Rejected> {
    let mut work = Work {
        draft: Draft::over(facts),
        given,
        create_missing,
        changes: Vec::new(),
        accounts_created: 0,
        contacts_created: 0,
    };
    let created = match row {
        ImportRow::Account(row) => work.account_row(row)?,
        ImportRow::Contact(row) => work.contact_row(row)?,
        ImportRow::Association(row) => work.association_row(row)?,
        ImportRow::Ticket(row) => work.ticket_row(row)?,
    };
    let outcome = if created {
        RowOutcome::Created
    } else if work.changes.is_empty() {
        RowOutcome::Unchanged
    } else {
        RowOutcome::Updated
    };
    Ok(Judged {
        changes: work.changes,
        outcome,
        accounts_created: work.accounts_created,
        contacts_created: work.contacts_created,
    })
}

/// The changes of a row so far: each step is decided on top of the steps before it.
struct Work<'w, F> {
    draft: Draft<'w, F>,
    given: &'w mut Circumstances,
    create_missing: bool,
    changes: Vec<Change>,
    accounts_created: u64,
    contacts_created: u64,
}

impl<F: Facts> Work<'_, F> {
    /// Runs a command on top of the previous steps.
    fn run<C: Command>(&mut self, command: &C, field: Field) -> Result<C::Answer, Rejected> {
        let decision = command
            .decide(&self.draft, self.given)
            .map_err(|refused| rejected(refused, field))?;
        self.put(decision.changes)?;
        Ok(decision.answer)
    }

    fn put(&mut self, changes: Vec<Change>) -> Result<(), Rejected> {
        self.draft.apply(&changes, self.given.revision)?;
        self.changes.extend(changes);
        Ok(())
    }

    /// Writes the account of a row. Returns whether it was created, as do the methods for other
    /// kinds.
    fn account_row(&mut self, row: &AccountRow) -> Result<bool, Rejected> {
        let AccountRow {
            keys,
            name_reading,
            website,
        } = row;
        let fields = AccountPatch {
            name_reading: name_reading.clone().map(Some),
            website: website.clone().map(Some),
            ..AccountPatch::default()
        };
        let Some(found) = keys.find(&self.draft)? else {
            self.create_account(keys, fields)?;
            return Ok(true);
        };
        let name = keys.name.as_ref().filter(|_| !found.by_name);
        let patch = AccountPatch {
            name: name.map(|named| named.name.clone()),
            external_id: new_id(
                found.stored.record.external_id.as_ref(),
                keys.external_id.as_ref(),
            ),
            ..fields
        };
        let update = UpdateAccount {
            id: found.id,
            patch,
            etag: None,
        };
        self.run(&update, keys.field())?;
        Ok(false)
    }

    fn contact_row(&mut self, row: &ContactRow) -> Result<bool, Rejected> {
        let (contact, created) = match row.keys.find(&self.draft)? {
            None => {
                let mut fields = ContactPatch {
                    phone: row.phone.clone().map(Some),
                    ..ContactPatch::default()
                };
                if let Some(reading) = &row.reading {
                    patch_reading(&mut fields, reading, None);
                }
                (self.create_contact(&row.keys, fields)?, true)
            }
            Some(found) => (self.update_contact(row, found)?, false),
        };
        if !row.account.is_empty() {
            let account = self.account_meant(&row.account)?;
            self.associate(Pair { contact, account }, None, None, row.account.field())?;
        }
        Ok(created)
    }

    fn update_contact(
        &mut self,
        row: &ContactRow,
        found: Found<ContactId, Contact>,
    ) -> Result<ContactId, Rejected> {
        let ContactRow {
            keys,
            given_name,
            reading,
            phone,
            account: _,
        } = row;
        let stored = &found.stored.record;
        let mut patch = ContactPatch {
            emails: new_emails(&stored.emails, &keys.emails),
            external_id: new_id(stored.external_id.as_ref(), keys.external_id.as_ref()),
            phone: phone.clone().map(Some),
            ..ContactPatch::default()
        };
        match &keys.name {
            Some(name) if !found.by_name => patch_name(&mut patch, name, stored),
            Some(_) | None => patch.given_name = given_name.clone().map(Some),
        }
        if let Some(reading) = reading {
            patch_reading(&mut patch, reading, Some(stored));
        }
        let update = UpdateContact {
            id: found.id,
            patch,
            etag: None,
        };
        self.run(&update, keys.field())?;
        Ok(found.id)
    }

    fn association_row(&mut self, row: &AssociationRow) -> Result<bool, Rejected> {
        if row.contact.is_empty() {
            return Err(unnamed("contact", "an association", Field::ContactId));
        }
        if row.account.is_empty() {
            return Err(unnamed("account", "an association", Field::AccountId));
        }
        let account = self.account_meant(&row.account)?;
        let contact = self.contact_meant(&row.contact)?;
        let pair = Pair { contact, account };
        let field = row.account.field();
        let created = self.associate(pair, row.sees_account_tickets, row.role.as_ref(), field)?;
        if !created {
            let update = UpdateAssociation {
                pair,
                sees_account_tickets: row.sees_account_tickets,
                role: row.role.clone(),
                etag: None,
            };
            self.run(&update, field)?;
        }
        if row.primary == Some(true) {
            self.run(&SetPrimaryAccount { pair }, Field::AssociationPrimary)?;
        }
        Ok(created)
    }

    fn ticket_row(&mut self, row: &TicketRow) -> Result<bool, Rejected> {
        let before = self.ticket(row)?;
        let requester = match &before {
            Some(before) if row.requester.is_empty() => before.requester,
            _ if row.requester.is_empty() => {
                return Err(unnamed("requester", "a new ticket", Field::ContactId));
            }
            _ => self.contact_meant(&row.requester)?,
        };
        let account = match &row.account {
            none if none.is_empty() => None,
            keys => Some(Some(self.account_meant(keys)?)),
        };
        let cc = match (&row.cc, &before) {
            (Some(cc), _) => self.cc(cc)?,
            (None, Some(before)) => before.cc.clone(),
            (None, None) => Vec::new(),
        };
        let record = Record {
            key: row.key.clone(),
            requester,
            cc,
            allow_unassociated_account: false,
            account,
            subject: row.subject.clone(),
            status: row.status,
            private: row.private,
            create_time: row.create_time,
        };
        let (change, recorded) =
            record
                .judge(&self.draft, self.given)
                .map_err(|refused| match refused {
                    Refused::Rule(refusal @ Refusal::NotRequestersAccount(_)) => {
                        reject(row.account.field(), refusal)
                    }
                    refused => rejected(refused, Field::TicketId),
                })?;
        self.put(change.into_iter().collect())?;
        Ok(!recorded.existed)
    }

    fn ticket(&self, row: &TicketRow) -> Result<Option<Ticket>, Rejected> {
        let Some(no) = self.draft.owner(&UniqueKey::of_ticket(&row.key))? else {
            return Ok(None);
        };
        let ticket = self.draft.ticket(TicketNo::new(no))?;
        Ok(ticket.map(|stored| stored.record))
    }

    fn cc(&self, cc: &[CcContact]) -> Result<Vec<ContactId>, Rejected> {
        let mut ids = Vec::with_capacity(cc.len());
        for contact in cc {
            match contact {
                CcContact::Id(id) => ids.push(*id),
                CcContact::Email(email) => {
                    let owner = self.draft.owner(&UniqueKey::of_email(email))?;
                    let unknown = || {
                        let text = email.to_string();
                        let what = "email";
                        reject(Field::TicketCc, Refusal::ContactUnknown { what, text })
                    };
                    ids.push(ContactId::new(owner.ok_or_else(unknown)?));
                }
            }
        }
        Ok(ids)
    }

    /// Returns the account that a row of another kind identifies; creates it if requested.
    fn account_meant(&mut self, keys: &AccountKeys) -> Result<AccountId, Rejected> {
        if let Some(found) = keys.find(&self.draft)? {
            return Ok(found.id);
        }
        if !self.create_missing || keys.name.is_none() {
            return Err(keys.unknown());
        }
        let id = self.create_account(keys, AccountPatch::default())?;
        self.accounts_created += 1;
        Ok(id)
    }

    /// Returns the contact that a row of another kind identifies; creates it if requested.
    fn contact_meant(&mut self, keys: &ContactKeys) -> Result<ContactId, Rejected> {
        if let Some(found) = keys.find(&self.draft)? {
            return Ok(found.id);
        }
        if !self.create_missing || keys.name.is_none() {
            return Err(keys.unknown());
        }
        let id = self.create_contact(keys, ContactPatch::default())?;
        self.contacts_created += 1;
        Ok(id)
    }

    fn create_account(
        &mut self,
        keys: &AccountKeys,
        fields: AccountPatch,
    ) -> Result<AccountId, Rejected> {
        let Some(named) = &keys.name else {
            let field = Field::AccountName;
            return Err(reject(field, Refusal::Missing(field.path())));
        };
        let create = CreateAccount {
            name: named.name.clone(),
            fields: AccountPatch {
                external_id: Some(keys.external_id.clone()),
                ..fields
            },
        };
        let (id, _): (AccountId, Stored<Account>) = self.run(&create, keys.field())?;
        Ok(id)
    }

    fn create_contact(
        &mut self,
        keys: &ContactKeys,
        fields: ContactPatch,
    ) -> Result<ContactId, Rejected> {
        let Some(named) = &keys.name else {
            let field = Field::ContactFamilyName;
            return Err(reject(field, Refusal::Missing(field.path())));
        };
        let fields = ContactPatch {
            given_name: Some(named.name.given.clone()),
            emails: Some(keys.given_emails().cloned().collect()),
            external_id: Some(keys.external_id.clone()),
            ..fields
        };
        let create = CreateContact {
            family_name: named.name.family.clone(),
            fields,
        };
        let (id, _): (ContactId, Stored<Contact>) = self.run(&create, keys.field())?;
        Ok(id)
    }

    /// `associate-many` for one contact: returns whether the association was created.
    fn associate(
        &mut self,
        pair: Pair,
        sees_account_tickets: Option<bool>,
        role: Option<&Role>,
        field: Field,
    ) -> Result<bool, Rejected> {
        let wanted = Wanted {
            contact: pair.contact,
            sees_account_tickets,
            role: role.cloned().unwrap_or_default(),
        };
        let settings = self.draft.settings()?.record;
        let judged = association::judge(&self.draft, &settings, pair.account, &wanted, self.given);
        match judged.map_err(|refused| rejected(refused, field))? {
            Associated::Created(made) => {
                let row = Row::Created(pair, made.record);
                self.put(vec![Change::Association(row)])?;
                Ok(true)
            }
            Associated::Failed(refusal) => Err(reject(field, refusal)),
            Associated::Already(_) | Associated::Duplicate(_) => Ok(false),
        }
    }
}

fn unnamed(what: &'static str, whose: &'static str, field: Field) -> Rejected {
    let path = field.path();
    reject(
        field,
        Refusal::Unnamed {
            what,
            whose,
            field: path,
        },
    )
}

/// Converts a refusal, with the field at fault if it is known.
fn rejected(refused: Refused, field: Field) -> Rejected {
    let refusal = match refused {
        Refused::Facts(unavailable) => return Rejected::Facts(unavailable),
        Refused::Rule(refusal) => refusal,
    };
    let field = match &refusal {
        Refusal::KeyTaken { key, .. } => match key {
            UniqueKey::AccountExternalId(_) => Field::AccountExternalId,
            UniqueKey::ContactExternalId(_) => Field::ContactExternalId,
            UniqueKey::Email(_) => Field::ContactEmail,
            UniqueKey::Ticket(_) => Field::TicketId,
        },
        Refusal::AddressRepeated(_) => Field::ContactEmail,
        Refusal::CopiesNotFound(_) => Field::TicketCc,
        _ => field,
    };
    reject(field, refusal)
}

/// Returns the external id to write. If it equals the stored id after folding, the stored spelling
/// stays.
fn new_id(stored: Option<&ExternalId>, given: Option<&ExternalId>) -> Option<Option<ExternalId>> {
    let given = given?;
    let same = stored.is_some_and(|stored| fold(stored.as_str()) == fold(given.as_str()));
    (!same).then(|| Some(given.clone()))
}

/// Returns the addresses to write. A column is a position in the list: its cell replaces the
/// address at that position, a blank cell keeps it, and an address that is already in the list
/// changes nothing.
fn new_emails(stored: &[Email], columns: &[Option<Email>]) -> Option<Vec<Email>> {
    let mut emails = stored.to_vec();
    for (place, given) in columns.iter().enumerate() {
        let Some(given) = given else { continue };
        let folded = fold(given.as_str());
        if emails.iter().any(|email| fold(email.as_str()) == folded) {
            continue;
        }
        match emails.get_mut(place) {
            Some(email) if place < stored.len() => *email = given.clone(),
            _ => emails.push(given.clone()),
        }
    }
    (emails != stored).then_some(emails)
}

/// Writes a name. A whole name equal to the stored name, however it is split, changes nothing.
fn patch_name(patch: &mut ContactPatch, named: &Named<PersonName>, stored: &Contact) {
    let name = &named.name;
    if !name.whole {
        patch.family_name = Some(name.family.clone());
        patch.given_name = name.given.clone().map(Some);
    } else if person_key(&stored.full_name()) != named.key() {
        patch.family_name = Some(name.family.clone());
        patch.given_name = Some(name.given.clone());
    }
}

/// Writes a reading, in the same way as [`patch_name`] writes a name.
fn patch_reading(patch: &mut ContactPatch, reading: &Reading, stored: Option<&Contact>) {
    match reading {
        Reading::Parts { family, given } => {
            patch.family_name_reading = family.clone().map(Some);
            patch.given_name_reading = given.clone().map(Some);
        }
        Reading::Whole { family, given } => {
            let joined = |family: Option<&Name>, given: Option<&Name>| {
                let texts = [family, given].map(|name| name.map_or("", Name::as_str));
                person_key(&texts.concat())
            };
            let same = stored.is_some_and(|stored| {
                let (stored_family, stored_given) = (
                    stored.family_name_reading.as_ref(),
                    stored.given_name_reading.as_ref(),
                );
                joined(stored_family, stored_given) == joined(Some(family), given.as_ref())
            });
            if !same {
                patch.family_name_reading = Some(Some(family.clone()));
                patch.given_name_reading = Some(given.clone());
            }
        }
    }
}
