//! How a field's value is stored in a column and in the change log.

use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::record::{Attributes, SharingMode, TicketStatus};
use roster_core::text::{Email, ExternalId, Name, Phone, Role, Subject, TicketKey, Website};

use crate::tables::cell::{Cell, ColumnType};

/// A value that is stored in a column.
pub(crate) trait Column: Sized {
    /// The type that diesel reads.
    type Sql;
    const KIND: ColumnType;
    fn cell(&self) -> Cell<'_>;
    /// Returns `None` if the stored value is not understood: a reader must not guess.
    fn from_sql(stored: Self::Sql) -> Option<Self>;
}

/// A value that is stored in the change log.
pub(crate) trait LogValue: Sized {
    /// The type in its message.
    type Log;
    fn log(&self) -> Self::Log;
    /// Returns `None` if the logged value is not understood.
    fn from_log(logged: Self::Log) -> Option<Self>;
}

/// Numbers are stored as signed 64 bits and are never negative. A negative number identifies no
/// record: unless it is an error, it reads as a number that is never assigned.
pub(crate) fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(u64::MAX)
}

/// See [`number`].
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Texts that core parsed before they were stored.
macro_rules! texts {
    ($($text:ident),+) => {$(
        impl Column for $text {
            type Sql = String;
            const KIND: ColumnType = ColumnType::Text;
            fn cell(&self) -> Cell<'_> {
                Cell::text(self.as_str())
            }
            fn from_sql(stored: String) -> Option<Self> {
                Some(Self::trusted(stored))
            }
        }

        impl LogValue for $text {
            type Log = String;
            fn log(&self) -> String {
                self.to_string()
            }
            fn from_log(logged: String) -> Option<Self> {
                Some(Self::trusted(logged))
            }
        }

        impl Column for Option<$text> {
            type Sql = Option<String>;
            const KIND: ColumnType = ColumnType::Text;
            fn cell(&self) -> Cell<'_> {
                Cell::Text(self.as_ref().map(|text| text.as_str().into()))
            }
            fn from_sql(stored: Option<String>) -> Option<Self> {
                Some(stored.map($text::trusted))
            }
        }

        impl LogValue for Option<$text> {
            type Log = Option<String>;
            fn log(&self) -> Option<String> {
                self.as_ref().map($text::to_string)
            }
            fn from_log(logged: Option<String>) -> Option<Self> {
                Some(logged.map($text::trusted))
            }
        }
    )+};
}
texts!(Name, ExternalId, Phone, Role, Subject, TicketKey, Website);

/// Lists of texts: JSON in the column, repeated strings in the log.
macro_rules! lists {
    ($($text:ident),+) => {$(
        impl Column for Vec<$text> {
            type Sql = String;
            const KIND: ColumnType = ColumnType::Text;
            fn cell(&self) -> Cell<'_> {
                let texts: Vec<&str> = self.iter().map($text::as_str).collect();
                json(&texts)
            }
            fn from_sql(stored: String) -> Option<Self> {
                let texts: Vec<String> = serde_json::from_str(&stored).ok()?;
                Self::from_log(texts)
            }
        }

        impl LogValue for Vec<$text> {
            type Log = Vec<String>;
            fn log(&self) -> Vec<String> {
                self.iter().map($text::to_string).collect()
            }
            fn from_log(logged: Vec<String>) -> Option<Self> {
                Some(logged.into_iter().map($text::trusted).collect())
            }
        }
    )+};
}
lists!(Role, Email);

/// Serializes a list or a map of texts, which never fails.
fn json(value: &impl serde::Serialize) -> Cell<'static> {
    Cell::Text(Some(
        serde_json::to_string(value).unwrap_or_default().into(),
    ))
}

impl Column for Attributes {
    type Sql = String;
    const KIND: ColumnType = ColumnType::Text;
    fn cell(&self) -> Cell<'_> {
        json(self)
    }
    fn from_sql(stored: String) -> Option<Self> {
        serde_json::from_str(&stored).ok()
    }
}

impl LogValue for Attributes {
    type Log = Self;
    fn log(&self) -> Self {
        self.clone()
    }
    fn from_log(logged: Self) -> Option<Self> {
        Some(logged)
    }
}

impl Column for bool {
    type Sql = Self;
    const KIND: ColumnType = ColumnType::Bool;
    fn cell(&self) -> Cell<'_> {
        Cell::Bool(*self)
    }
    fn from_sql(stored: Self) -> Option<Self> {
        Some(stored)
    }
}

impl LogValue for bool {
    type Log = Self;
    fn log(&self) -> Self {
        *self
    }
    fn from_log(logged: Self) -> Option<Self> {
        Some(logged)
    }
}

/// Values that are stored as one number in the column and in the log.
macro_rules! numbers {
    ($($type:ty, $number:expr, $value:expr;)+) => {$(
        impl Column for $type {
            type Sql = i64;
            const KIND: ColumnType = ColumnType::Int;
            fn cell(&self) -> Cell<'_> {
                Cell::Int(Some(self.log()))
            }
            fn from_sql(stored: i64) -> Option<Self> {
                Self::from_log(stored)
            }
        }

        impl LogValue for $type {
            type Log = i64;
            fn log(&self) -> i64 {
                ($number)(self)
            }
            fn from_log(logged: i64) -> Option<Self> {
                ($value)(logged)
            }
        }

        impl Column for Option<$type> {
            type Sql = Option<i64>;
            const KIND: ColumnType = ColumnType::Int;
            fn cell(&self) -> Cell<'_> {
                Cell::Int(self.log())
            }
            fn from_sql(stored: Option<i64>) -> Option<Self> {
                Self::from_log(stored)
            }
        }

        impl LogValue for Option<$type> {
            type Log = Option<i64>;
            fn log(&self) -> Option<i64> {
                self.as_ref().map(LogValue::log)
            }
            fn from_log(logged: Option<i64>) -> Option<Self> {
                match logged {
                    None => Some(None),
                    Some(logged) => <$type>::from_log(logged).map(Some),
                }
            }
        }
    )+};
}
numbers! {
    Time, |time: &Time| time.micros(), |stored| Some(Time::from_micros(stored));
    u64, |number: &u64| column(*number), |stored| u64::try_from(stored).ok();
    ContactId, |id: &ContactId| column(id.number()), |stored| u64::from_log(stored).map(ContactId::new);
    AccountId, |id: &AccountId| column(id.number()), |stored| u64::from_log(stored).map(AccountId::new);
    TicketNo, |no: &TicketNo| column(no.number()), |stored| u64::from_log(stored).map(TicketNo::new);
    Revision, |at: &Revision| column(at.number()), |stored| u64::from_log(stored).map(Revision::new);
    SharingMode, |mode: &SharingMode| mode_number(*mode), sharing_mode;
}

/// Contacts in CC, as stored in the log. The database has a table for them.
impl LogValue for Vec<ContactId> {
    type Log = Vec<i64>;
    fn log(&self) -> Vec<i64> {
        self.iter().map(LogValue::log).collect()
    }
    fn from_log(logged: Vec<i64>) -> Option<Self> {
        logged.into_iter().map(ContactId::from_log).collect()
    }
}

impl Column for TicketStatus {
    type Sql = bool;
    const KIND: ColumnType = ColumnType::Bool;
    fn cell(&self) -> Cell<'_> {
        Cell::Bool(self.log())
    }
    fn from_sql(closed: bool) -> Option<Self> {
        Some(status(closed))
    }
}

impl LogValue for TicketStatus {
    type Log = bool;
    fn log(&self) -> bool {
        *self == Self::Closed
    }
    fn from_log(closed: bool) -> Option<Self> {
        Some(status(closed))
    }
}

pub(crate) fn status(closed: bool) -> TicketStatus {
    if closed {
        TicketStatus::Closed
    } else {
        TicketStatus::Open
    }
}

/// The stored number of a mode.
fn mode_number(mode: SharingMode) -> i64 {
    match mode {
        SharingMode::Nobody => 1,
        SharingMode::Granted => 2,
        SharingMode::Roles => 3,
        SharingMode::Everyone => 4,
    }
}

fn sharing_mode(stored: i64) -> Option<SharingMode> {
    [
        SharingMode::Nobody,
        SharingMode::Granted,
        SharingMode::Roles,
        SharingMode::Everyone,
    ]
    .into_iter()
    .find(|mode| mode_number(*mode) == stored)
}

/// The key of a record: one number per key column of its table, not counting the organization.
pub(crate) trait RowKey: Copy {
    type Numbers: IntoIterator<Item = i64>;
    fn numbers(self) -> Self::Numbers;
    fn of(numbers: Self::Numbers) -> Self;
}

macro_rules! single_keys {
    ($($id:ident),+) => {$(
        impl RowKey for $id {
            type Numbers = [i64; 1];
            fn numbers(self) -> [i64; 1] {
                [column(self.number())]
            }
            fn of([stored]: [i64; 1]) -> Self {
                Self::new(number(stored))
            }
        }
    )+};
}
single_keys!(AccountId, ContactId, TicketNo);

impl RowKey for Pair {
    type Numbers = [i64; 2];
    fn numbers(self) -> [i64; 2] {
        [column(self.contact.number()), column(self.account.number())]
    }
    fn of([contact, account]: [i64; 2]) -> Self {
        Self {
            contact: ContactId::new(number(contact)),
            account: AccountId::new(number(account)),
        }
    }
}
