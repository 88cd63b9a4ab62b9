//! Import of spreadsheet rows. Rows are decided one after another by the rules of the calls that
//! write one record. Each row is applied whole or rejected whole.

mod field;
mod judge;
mod keys;
mod start;

pub use field::Field;
pub use keys::{AccountKeys, ContactKeys, Named, PersonName};
pub use start::{StartImport, StartedImport};

use std::sync::Arc;

use crate::command::{Circumstances, Command, Decision};
use crate::draft::Draft;
use crate::fact::{Facts, Needs, Unavailable, UniqueKey};
use crate::id::{AccountId, ContactId, Pair, TicketNo, Time};
use crate::record::TicketStatus;
use crate::refusal::{Refusal, Refused};
use crate::text::{Email, Name, Phone, Role, Subject, TicketKey, Website};

/// A row whose cells were all parsed. Fields that are `None` keep the stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportRow {
    /// An account.
    Account(AccountRow),
    /// A contact.
    Contact(ContactRow),
    /// An association.
    Association(AssociationRow),
    /// A ticket.
    Ticket(TicketRow),
}

/// An account, as read from a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRow {
    /// The account's identifiers, including its external id and name.
    pub keys: AccountKeys,
    /// The reading of its name.
    pub name_reading: Option<Name>,
    /// Its website.
    pub website: Option<Website>,
}

/// A contact, as read from a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactRow {
    /// The contact's identifiers, including its external id, addresses and name.
    pub keys: ContactKeys,
    /// The given name if the row has it without the family name.
    pub given_name: Option<Name>,
    /// The readings.
    pub reading: Option<Reading>,
    /// The telephone number.
    pub phone: Option<Phone>,
    /// The account to associate the contact with. If empty, its associations do not change.
    pub account: AccountKeys,
}

/// The reading of a person's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// From one cell, split at its first white space.
    Whole {
        /// The text before the white space.
        family: Name,
        /// The text after it.
        given: Option<Name>,
    },
    /// From two cells.
    Parts {
        /// The reading of the family name.
        family: Option<Name>,
        /// The reading of the given name.
        given: Option<Name>,
    },
}

/// An association, as read from a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationRow {
    /// The contact.
    pub contact: ContactKeys,
    /// The account.
    pub account: AccountKeys,
    /// Whether the account becomes the contact's primary; `None` if the row does not say. `false`
    /// changes nothing, because an association ends being primary when another becomes primary
    /// (`one-primary`), but it conflicts with a row of the same pair that says `true`.
    pub primary: Option<bool>,
    /// The visibility flag.
    pub sees_account_tickets: Option<bool>,
    /// The role.
    pub role: Option<Role>,
}

/// A ticket, as read from a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRow {
    /// The caller's ticket id.
    pub key: TicketKey,
    /// The requester.
    pub requester: ContactKeys,
    /// The ticket's account.
    pub account: AccountKeys,
    /// The subject.
    pub subject: Option<Subject>,
    /// Open or closed.
    pub status: Option<TicketStatus>,
    /// The contacts in CC.
    pub cc: Option<Vec<CcContact>>,
    /// Whether it is private.
    pub private: Option<bool>,
    /// When it was created.
    pub create_time: Option<Time>,
}

/// A contact in CC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CcContact {
    /// By Roster's id.
    Id(ContactId),
    /// By an address.
    Email(Email),
}

/// The result of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    /// The row created the record that it identifies.
    Created,
    /// The row updated the record that it identifies.
    Updated,
    /// The row matched the stored values.
    Unchanged,
    /// The row changed nothing.
    Rejected {
        /// The field at fault.
        field: Field,
        /// The reason.
        refusal: Refusal,
    },
}

/// The result of [`ImportRows`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportAnswer {
    /// One outcome for each row, in order.
    pub outcomes: Vec<RowOutcome>,
    /// Accounts created because a row of another kind identified them.
    pub accounts_created: u64,
    /// Contacts created because a row of another kind identified them.
    pub contacts_created: u64,
}

/// A batch of rows of one file.
#[derive(Clone, Debug)]
pub struct ImportRows {
    /// The rows, in the order of the decisions; shared, because a batch may be retried.
    pub rows: Arc<Vec<ImportRow>>,
    /// Whether to create missing accounts and contacts that rows of another kind identify.
    pub create_missing: bool,
}

/// Why a row is rejected, or why it cannot be decided.
enum Rejected {
    Row { field: Field, refusal: Refusal },
    Facts(Unavailable),
}

impl From<Unavailable> for Rejected {
    fn from(unavailable: Unavailable) -> Self {
        Self::Facts(unavailable)
    }
}

fn reject(field: Field, refusal: Refusal) -> Rejected {
    Rejected::Row { field, refusal }
}

/// The records that a row may identify, known after the keys have loaded.
struct Candidates {
    accounts: Vec<AccountId>,
    contacts: Vec<ContactId>,
}

impl Command for ImportRows {
    type Answer = ImportAnswer;
    const NAME: &'static str = "Import";

    fn needs(&self, needs: &mut Needs) {
        for row in self.rows.iter() {
            row.needs(needs);
        }
    }

    fn needs_behind<F: Facts>(&self, facts: &F, needs: &mut Needs) -> Result<(), Unavailable> {
        for row in self.rows.iter() {
            let candidates = row.candidates(facts)?;
            needs.accounts.extend(&candidates.accounts);
            needs.contacts.extend(&candidates.contacts);
            if !row.asks_associations() {
                continue;
            }
            for contact in candidates.contacts {
                needs.account_summaries.insert(contact);
                let accounts = candidates.accounts.iter().copied();
                let pair = |account| Pair { contact, account };
                needs.pairs.extend(accounts.map(pair));
            }
        }
        Ok(())
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let mut draft = Draft::over(facts);
        let mut changes = Vec::with_capacity(self.rows.len());
        let mut answer = ImportAnswer::default();
        answer.outcomes.reserve(self.rows.len());
        for row in self.rows.iter() {
            let before = given.clone();
            match judge::judge(row, &draft, self.create_missing, given) {
                Ok(judged) => {
                    draft.apply(&judged.changes, given.revision)?;
                    changes.extend(judged.changes);
                    answer.accounts_created += judged.accounts_created;
                    answer.contacts_created += judged.contacts_created;
                    answer.outcomes.push(judged.outcome);
                }
                Err(Rejected::Row { field, refusal }) => {
                    *given = before;
                    answer
                        .outcomes
                        .push(RowOutcome::Rejected { field, refusal });
                }
                Err(Rejected::Facts(unavailable)) => return Err(unavailable.into()),
            }
        }
        Ok(Decision { changes, answer })
    }
}

impl ImportRow {
    fn needs(&self, needs: &mut Needs) {
        match self {
            Self::Account(row) => row.keys.needs(needs),
            Self::Contact(row) => {
                row.keys.needs(needs);
                row.account.needs(needs);
            }
            Self::Association(row) => {
                row.contact.needs(needs);
                row.account.needs(needs);
            }
            Self::Ticket(row) => {
                needs.keys.insert(UniqueKey::of_ticket(&row.key));
                row.requester.needs(needs);
                row.account.needs(needs);
                for contact in row.cc.iter().flatten() {
                    match contact {
                        CcContact::Id(id) => {
                            needs.contacts.insert(*id);
                        }
                        CcContact::Email(email) => {
                            needs.keys.insert(UniqueKey::of_email(email));
                        }
                    }
                }
            }
        }
    }

    fn asks_associations(&self) -> bool {
        match self {
            Self::Account(_) => false,
            Self::Contact(row) => !row.account.is_empty(),
            Self::Association(_) | Self::Ticket(_) => true,
        }
    }

    fn candidates<F: Facts>(&self, facts: &F) -> Result<Candidates, Unavailable> {
        let (accounts, contacts) = match self {
            Self::Account(row) => (row.keys.candidates(facts)?, Vec::new()),
            Self::Contact(row) => (row.account.candidates(facts)?, row.keys.candidates(facts)?),
            Self::Association(row) => (
                row.account.candidates(facts)?,
                row.contact.candidates(facts)?,
            ),
            Self::Ticket(row) => (row.account.candidates(facts)?, row.contacts_meant(facts)?),
        };
        Ok(Candidates { accounts, contacts })
    }
}

impl TicketRow {
    /// Returns the possible requesters, the ticket's current requester, and the contacts in CC.
    fn contacts_meant<F: Facts>(&self, facts: &F) -> Result<Vec<ContactId>, Unavailable> {
        let mut meant = self.requester.candidates(facts)?;
        for contact in self.cc.iter().flatten() {
            if let CcContact::Email(email) = contact {
                let owner = facts.owner(&UniqueKey::of_email(email))?;
                meant.extend(owner.map(ContactId::new));
            }
        }
        if self.requester.is_empty()
            && let Some(no) = facts.owner(&UniqueKey::of_ticket(&self.key))?
            && let Some(ticket) = facts.ticket(TicketNo::new(no))?
        {
            meant.push(ticket.record.requester);
        }
        Ok(meant)
    }
}
