//! The payload of a change set: its changes, versioned, compressed, in parts.
//!
//! Invariant: a format once written stays readable. A change of these messages that an older
//! reader would misunderstand is a new [`FORMAT`].

mod packed;

use prost::Message;
use roster_core::change::{Change, Row};
use roster_core::fact::Held;
use roster_core::id::{AccountId, ContactId, Pair, TicketNo, Time};
use roster_core::organization::At;
use roster_core::record::{self, Settings, Stored, TicketStatus};
use roster_core::text::{Email, ExternalId, Name, Role, Subject, TicketKey};

use crate::error::{Result, StorageError};
use crate::tables::decode::{column, mode_number, sharing_mode};
use crate::tables::organization::Organization;
use packed::{pack, unpack};

/// A change set that stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedSet {
    /// The moment that it made.
    pub at: At,
    /// Its changes.
    pub changes: Vec<Change>,
}

/// protobuf, compressed by zstd.
pub(crate) const FORMAT: i64 = 1;
/// How large a part is: far below what either engine takes in one value, and no page of a
/// reader's memory to speak of.
const PART_BYTES_MAX: usize = 1 << 20;

/// The payload of these changes.
pub(crate) fn encode(changes: &[Change]) -> Result<Vec<Vec<u8>>, StorageError> {
    let set = Set {
        changes: changes.iter().map(Entry::of).collect(),
    };
    let packed = pack(&set.encode_to_vec()).map_err(|error| StorageError::Defect(error.into()))?;
    Ok(packed.chunks(PART_BYTES_MAX).map(<[u8]>::to_vec).collect())
}

/// The changes of a payload.
pub(crate) fn decode(format: i64, parts: &[Vec<u8>]) -> Result<Vec<Change>, StorageError> {
    if format != FORMAT {
        return Err(corrupt("is of a format that this server does not know"));
    }
    let packed = parts.concat();
    let bytes = unpack(&packed).map_err(|error| StorageError::Defect(error.into()))?;
    let set = Set::decode(bytes.as_slice()).map_err(|error| StorageError::Defect(error.into()))?;
    set.changes
        .into_iter()
        .map(|entry| entry.change().ok_or_else(|| corrupt("lacks a field")))
        .collect()
}

fn corrupt(what: &str) -> StorageError {
    StorageError::Defect(format!("a change set of the log {what}").into())
}

#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(message, repeated, tag = "1")]
    changes: Vec<Entry>,
}

/// One change. `before` and `after` are records of the kind, encoded.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(enumeration = "Kind", tag = "1")]
    kind: i32,
    #[prost(int64, tag = "2")]
    key: i64,
    /// The account of an association's pair.
    #[prost(int64, tag = "3")]
    second_key: i64,
    #[prost(bytes = "vec", optional, tag = "4")]
    before: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    after: Option<Vec<u8>>,
    /// Of moved tickets: their numbers, each as the distance from the one before.
    #[prost(int64, repeated, tag = "6")]
    tickets: Vec<i64>,
    #[prost(int64, optional, tag = "7")]
    from_account: Option<i64>,
    #[prost(int64, optional, tag = "8")]
    to_account: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum Kind {
    Unknown = 0,
    Account = 1,
    Contact = 2,
    Association = 3,
    Ticket = 4,
    Settings = 5,
    TicketsMoved = 6,
}

/// A record as the log holds it.
trait Logged: Sized {
    type Message: Message + Default;
    fn message(&self) -> Self::Message;
    /// None where the message holds what no record does.
    fn record(message: Self::Message) -> Option<Self>;
}

fn bytes<R: Logged>(record: &R) -> Vec<u8> {
    record.message().encode_to_vec()
}

fn read<R: Logged>(bytes: &[u8]) -> Option<R> {
    R::Message::decode(bytes).ok().and_then(R::record)
}

/// A number as the log holds it: never negative.
fn stored_number(stored: i64) -> Option<u64> {
    u64::try_from(stored).ok()
}

/// No account, or the account of this number; none where it is the number of no account.
fn optional_account(stored: Option<i64>) -> Option<Option<AccountId>> {
    match stored {
        None => Some(None),
        Some(id) => Some(Some(AccountId::new(stored_number(id)?))),
    }
}

impl Entry {
    fn of(change: &Change) -> Self {
        match change {
            Change::Account(row) => Self::of_row(Kind::Account, row.key().number(), 0, row),
            Change::Contact(row) => Self::of_row(Kind::Contact, row.key().number(), 0, row),
            Change::Association(row) => {
                let pair = row.key();
                Self::of_row(
                    Kind::Association,
                    pair.contact.number(),
                    pair.account.number(),
                    row,
                )
            }
            Change::Ticket(row) => Self::of_row(Kind::Ticket, row.key().number(), 0, row),
            Change::Settings { before, after } => Self {
                kind: Kind::Settings.into(),
                before: Some(bytes(&**before)),
                after: Some(bytes(&**after)),
                ..Self::default()
            },
            Change::TicketsMoved {
                held,
                tickets,
                after,
            } => {
                let mut last = 0;
                let distances = tickets.iter().map(|no| {
                    let number = column(no.number());
                    number - std::mem::replace(&mut last, number)
                });
                Self {
                    kind: Kind::TicketsMoved.into(),
                    key: column(held.requester.number()),
                    tickets: distances.collect(),
                    from_account: held.account.map(|id| column(id.number())),
                    to_account: after.map(|id| column(id.number())),
                    ..Self::default()
                }
            }
        }
    }

    fn of_row<K: Copy, R: Logged>(kind: Kind, key: u64, second_key: u64, row: &Row<K, R>) -> Self {
        Self {
            kind: kind.into(),
            key: column(key),
            second_key: column(second_key),
            before: row.before().map(bytes),
            after: row.after().map(bytes),
            ..Self::default()
        }
    }

    fn change(self) -> Option<Change> {
        let key = stored_number(self.key)?;
        match self.kind() {
            Kind::Unknown => None,
            Kind::Account => Some(Change::Account(self.row(AccountId::new(key))?)),
            Kind::Contact => Some(Change::Contact(self.row(ContactId::new(key))?)),
            Kind::Association => {
                let pair = Pair {
                    contact: ContactId::new(key),
                    account: AccountId::new(stored_number(self.second_key)?),
                };
                Some(Change::Association(self.row(pair)?))
            }
            Kind::Ticket => Some(Change::Ticket(self.row(TicketNo::new(key))?)),
            Kind::Settings => Some(Change::Settings {
                before: Box::new(read(self.before.as_deref()?)?),
                after: Box::new(read(self.after.as_deref()?)?),
            }),
            Kind::TicketsMoved => {
                let mut last = 0_i64;
                let tickets = self.tickets.iter().map(|distance| {
                    last = last.checked_add(*distance)?;
                    Some(TicketNo::new(stored_number(last)?))
                });
                Some(Change::TicketsMoved {
                    tickets: tickets.collect::<Option<_>>()?,
                    held: Held {
                        requester: ContactId::new(key),
                        account: optional_account(self.from_account)?,
                    },
                    after: optional_account(self.to_account)?,
                })
            }
        }
    }

    fn row<K, R: Logged>(&self, key: K) -> Option<Row<K, R>> {
        match (&self.before, &self.after) {
            (None, None) => None,
            (None, Some(after)) => Some(Row::Created(key, read(after)?)),
            (Some(before), None) => Some(Row::Deleted(key, read(before)?)),
            (Some(before), Some(after)) => Some(Row::Updated {
                key,
                before: read(before)?,
                after: read(after)?,
            }),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct AccountMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, optional, tag = "2")]
    name_reading: Option<String>,
    #[prost(string, optional, tag = "3")]
    external_id: Option<String>,
    #[prost(btree_map = "string, string", tag = "4")]
    attributes: record::Attributes,
    #[prost(int64, optional, tag = "5")]
    sharing_mode: Option<i64>,
    #[prost(string, repeated, tag = "6")]
    sharing_roles: Vec<String>,
    #[prost(int64, tag = "7")]
    create_time: i64,
    #[prost(int64, tag = "8")]
    update_time: i64,
}

impl Logged for record::Account {
    type Message = AccountMessage;

    fn message(&self) -> AccountMessage {
        AccountMessage {
            name: self.name.to_string(),
            name_reading: self.name_reading.as_ref().map(Name::to_string),
            external_id: self.external_id.as_ref().map(ExternalId::to_string),
            attributes: self.attributes.clone(),
            sharing_mode: self.sharing_mode.map(mode_number),
            sharing_roles: self.sharing_roles.iter().map(Role::to_string).collect(),
            create_time: self.create_time.micros(),
            update_time: self.update_time.micros(),
        }
    }

    fn record(message: AccountMessage) -> Option<Self> {
        Some(Self {
            name: Name::trusted(message.name),
            name_reading: message.name_reading.map(Name::trusted),
            external_id: message.external_id.map(ExternalId::trusted),
            attributes: message.attributes,
            sharing_mode: message.sharing_mode.map(sharing_mode),
            sharing_roles: roles(message.sharing_roles),
            create_time: Time::from_micros(message.create_time),
            update_time: Time::from_micros(message.update_time),
        })
    }
}

fn roles(texts: Vec<String>) -> Vec<Role> {
    texts.into_iter().map(Role::trusted).collect()
}

#[derive(Clone, PartialEq, Message)]
struct ContactMessage {
    #[prost(string, tag = "1")]
    family_name: String,
    #[prost(string, optional, tag = "2")]
    given_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    family_name_reading: Option<String>,
    #[prost(string, optional, tag = "4")]
    given_name_reading: Option<String>,
    #[prost(string, repeated, tag = "5")]
    emails: Vec<String>,
    #[prost(string, optional, tag = "6")]
    external_id: Option<String>,
    #[prost(btree_map = "string, string", tag = "7")]
    attributes: record::Attributes,
    #[prost(bool, tag = "8")]
    blocked: bool,
    #[prost(int64, tag = "9")]
    create_time: i64,
    #[prost(int64, tag = "10")]
    update_time: i64,
}

impl Logged for record::Contact {
    type Message = ContactMessage;

    fn message(&self) -> ContactMessage {
        ContactMessage {
            family_name: self.family_name.to_string(),
            given_name: self.given_name.as_ref().map(Name::to_string),
            family_name_reading: self.family_name_reading.as_ref().map(Name::to_string),
            given_name_reading: self.given_name_reading.as_ref().map(Name::to_string),
            emails: self.emails.iter().map(Email::to_string).collect(),
            external_id: self.external_id.as_ref().map(ExternalId::to_string),
            attributes: self.attributes.clone(),
            blocked: self.blocked,
            create_time: self.create_time.micros(),
            update_time: self.update_time.micros(),
        }
    }

    fn record(message: ContactMessage) -> Option<Self> {
        Some(Self {
            family_name: Name::trusted(message.family_name),
            given_name: message.given_name.map(Name::trusted),
            family_name_reading: message.family_name_reading.map(Name::trusted),
            given_name_reading: message.given_name_reading.map(Name::trusted),
            emails: message.emails.into_iter().map(Email::trusted).collect(),
            external_id: message.external_id.map(ExternalId::trusted),
            attributes: message.attributes,
            blocked: message.blocked,
            create_time: Time::from_micros(message.create_time),
            update_time: Time::from_micros(message.update_time),
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct AssociationMessage {
    #[prost(bool, tag = "1")]
    primary: bool,
    #[prost(bool, tag = "2")]
    sees_account_tickets: bool,
    #[prost(string, tag = "3")]
    role: String,
    #[prost(int64, tag = "4")]
    create_time: i64,
}

impl Logged for record::Association {
    type Message = AssociationMessage;

    fn message(&self) -> AssociationMessage {
        AssociationMessage {
            primary: self.primary,
            sees_account_tickets: self.sees_account_tickets,
            role: self.role.to_string(),
            create_time: self.create_time.micros(),
        }
    }

    fn record(message: AssociationMessage) -> Option<Self> {
        Some(Self {
            primary: message.primary,
            sees_account_tickets: message.sees_account_tickets,
            role: Role::trusted(message.role),
            create_time: Time::from_micros(message.create_time),
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct TicketMessage {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(int64, tag = "2")]
    requester: i64,
    #[prost(int64, optional, tag = "3")]
    account: Option<i64>,
    #[prost(string, tag = "4")]
    subject: String,
    #[prost(bool, tag = "5")]
    closed: bool,
    #[prost(bool, tag = "6")]
    private: bool,
    #[prost(int64, repeated, tag = "7")]
    copies: Vec<i64>,
    #[prost(int64, tag = "8")]
    create_time: i64,
}

impl Logged for record::Ticket {
    type Message = TicketMessage;

    fn message(&self) -> TicketMessage {
        TicketMessage {
            key: self.key.to_string(),
            requester: column(self.requester.number()),
            account: self.account.map(|id| column(id.number())),
            subject: self.subject.to_string(),
            closed: self.status == TicketStatus::Closed,
            private: self.private,
            copies: self.copies.iter().map(|id| column(id.number())).collect(),
            create_time: self.create_time.micros(),
        }
    }

    fn record(message: TicketMessage) -> Option<Self> {
        Some(Self {
            key: TicketKey::trusted(message.key),
            requester: ContactId::new(stored_number(message.requester)?),
            account: optional_account(message.account)?,
            subject: Subject::trusted(message.subject),
            status: crate::tables::decode::status(message.closed),
            private: message.private,
            copies: message
                .copies
                .into_iter()
                .map(|id| Some(ContactId::new(stored_number(id)?)))
                .collect::<Option<_>>()?,
            create_time: Time::from_micros(message.create_time),
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SettingsMessage {
    #[prost(bool, tag = "1")]
    multiple_accounts: bool,
    #[prost(uint32, tag = "2")]
    accounts_per_contact_max: u32,
    #[prost(bool, tag = "3")]
    sharing_enabled: bool,
    #[prost(int64, tag = "4")]
    default_sharing_mode: i64,
    #[prost(string, repeated, tag = "5")]
    default_sharing_roles: Vec<String>,
    #[prost(bool, tag = "6")]
    new_associations_see_account_tickets: bool,
    #[prost(bool, tag = "7")]
    sharing_primary_only: bool,
}

impl Logged for record::Settings {
    type Message = SettingsMessage;

    fn message(&self) -> SettingsMessage {
        SettingsMessage {
            multiple_accounts: self.multiple_accounts,
            accounts_per_contact_max: self.accounts_per_contact_max,
            sharing_enabled: self.sharing_enabled,
            default_sharing_mode: mode_number(self.default_sharing_mode),
            default_sharing_roles: self
                .default_sharing_roles
                .iter()
                .map(Role::to_string)
                .collect(),
            new_associations_see_account_tickets: self.new_associations_see_account_tickets,
            sharing_primary_only: self.sharing_primary_only,
        }
    }

    fn record(message: SettingsMessage) -> Option<Self> {
        Some(Self {
            multiple_accounts: message.multiple_accounts,
            accounts_per_contact_max: message.accounts_per_contact_max,
            sharing_enabled: message.sharing_enabled,
            default_sharing_mode: sharing_mode(message.default_sharing_mode),
            default_sharing_roles: roles(message.default_sharing_roles),
            new_associations_see_account_tickets: message.new_associations_see_account_tickets,
            sharing_primary_only: message.sharing_primary_only,
        })
    }
}

/// Settings as the organization's row holds them.
pub(crate) fn encode_settings(settings: &record::Settings) -> Vec<u8> {
    bytes(settings)
}

/// See [`encode_settings`].
pub(crate) fn decode_settings(stored: &[u8]) -> Result<record::Settings, StorageError> {
    read(stored).ok_or_else(|| corrupt("holds settings that cannot be read"))
}

/// The settings of an organization: the defaults where it never wrote any.
pub(crate) fn settings_of(organization: &Organization) -> Result<Stored<Settings>, StorageError> {
    let record = match &organization.settings {
        None => Settings::default(),
        Some(stored) => decode_settings(stored)?,
    };
    Ok(Stored {
        record,
        revision: organization.settings_revision,
    })
}

#[cfg(test)]
mod tests;
