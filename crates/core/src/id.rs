//! Ids: dense numbers for each organization, and their form on the wire.

use std::fmt;
use std::str::FromStr;

/// A text that is not an id, or is an id of another kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// The required id is empty.
    #[error("is empty, an id such as {letter}12 is required")]
    Empty {
        /// The first letter of ids of the expected kind.
        letter: char,
    },
    /// It has another letter, or is not a letter followed by a number.
    #[error(
        "is not the id of {kind}: such an id is the letter {letter} and a number, as in {letter}12"
    )]
    Malformed {
        /// The first letter of ids of the expected kind.
        letter: char,
        /// The expected kind, with its article.
        kind: &'static str,
    },
}

macro_rules! wire_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Creates the id with this number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// Returns the number, as stored.
            pub const fn number(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $letter, self.0)
            }
        }

        /// The display form, built directly: lists and verdicts contain many ids, and formatting
        /// each would take longer than finding it.
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                let mut digits = itoa::Buffer::new();
                let digits = digits.format(id.0);
                let mut text = Self::with_capacity(1 + digits.len());
                text.push($letter);
                text.push_str(digits);
                text
            }
        }

        impl FromStr for $name {
            type Err = IdFault;

            fn from_str(text: &str) -> Result<Self, IdFault> {
                parse_id(text, $letter, $kind).map(Self)
            }
        }
    };
}

wire_id!(
    /// An account (取引先): `a12` on the wire.
    AccountId,
    'a',
    "an account"
);
wire_id!(
    /// A contact (連絡先): `c12` on the wire.
    ContactId,
    'c',
    "a contact"
);

wire_id!(
    /// An import: `i12` on the wire.
    ImportId,
    'i',
    "an import"
);

wire_id!(
    /// A credential: `q12` on the wire. Its number is unique in the store, not in an organization.
    CredentialId,
    'q',
    "a credential"
);

/// Parses exactly the letter and a number without sign or leading zero, so that each id has only
/// one spelling.
fn parse_id(text: &str, letter: char, kind: &'static str) -> Result<u64, IdFault> {
    if text.is_empty() {
        return Err(IdFault::Empty { letter });
    }
    let malformed = IdFault::Malformed { letter, kind };
    let digits = text.strip_prefix(letter).ok_or(malformed.clone())?;
    let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u64>() {
        // Numbers are stored as signed 64 bits.
        Ok(number) if canonical && number <= i64::MAX as u64 => Ok(number),
        _ => Err(malformed),
    }
}

/// The internal number of a ticket. Callers use their own id for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketNo(u64);

impl TicketNo {
    /// Creates the ticket number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number, as stored.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The number of a change set in its organization: 1, 2, 3, … without gaps; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of an organization without writes.
    pub const ZERO: Self = Self(0);

    /// Creates the revision with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number, as stored.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the following revision.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A contact and an account: the key of an association, which never changes (`pair-fixed`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The contact.
    pub contact: ContactId,
    /// The account.
    pub account: AccountId,
}

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// Creates the instant this many microseconds after (or before) the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_it_was_written() {
        for number in [1, 9, 10, 4_000_000_000, i64::MAX as u64] {
            let id = AccountId::new(number);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(String::from(id), id.to_string());
        }
    }

    #[test]
    fn an_id_of_another_kind_or_another_spelling_is_refused() {
        for wrong in [
            "c1",
            "A1",
            "a",
            "a-1",
            "a+1",
            "a01",
            "a0",
            "a1 ",
            " a1",
            "1",
            "ａ1",
            "a9223372036854775808",
        ] {
            assert!(
                matches!(wrong.parse::<AccountId>(), Err(IdFault::Malformed { .. })),
                "{wrong}"
            );
        }
        assert_eq!("".parse::<ContactId>(), Err(IdFault::Empty { letter: 'c' }));
    }
}
