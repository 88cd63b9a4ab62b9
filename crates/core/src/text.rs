//! Text that cannot be wrong: each kind is parsed once, at the edge, against its limit.
//!
//! Limits are counted in characters (Unicode scalar values) unless a constant says bytes.

use std::fmt;

/// Longest name, reading, external id or query: a legal name with its branch and department fits.
pub const NAME_CHARS_MAX: usize = 200;
/// Longest role: a job title.
pub const ROLE_CHARS_MAX: usize = 100;
/// Longest website: an address with a path fits.
pub const WEBSITE_CHARS_MAX: usize = 200;
/// Longest telephone number: an international number with an extension and a note fits.
pub const PHONE_CHARS_MAX: usize = 40;
/// Longest e-mail address, as RFC 5321 allows in a path.
pub const EMAIL_CHARS_MAX: usize = 254;
/// Longest ticket subject: mail clients cut long before.
pub const SUBJECT_CHARS_MAX: usize = 1_000;
/// Longest ticket id of a caller, in bytes, since it is compared byte by byte.
pub const TICKET_ID_BYTES_MAX: usize = 200;
/// Longest name of an actor: an e-mail address or the id of a person in another system fits.
pub const ACTOR_CHARS_MAX: usize = 200;
/// Longest request_id: a UUID with a prefix fits.
pub const REQUEST_ID_CHARS_MAX: usize = 64;

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Required, and empty after trimming.
    #[error("is required and is empty")]
    Empty,
    /// Longer than its limit.
    #[error("has {found} {unit}, at most {max} are allowed")]
    TooLong {
        /// How many it has.
        found: usize,
        /// How many are allowed.
        max: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// Has a character that is not allowed there.
    #[error("has the control character U+{code:04X} at position {position}, remove it")]
    ControlCharacter {
        /// The character's code point.
        code: u32,
        /// Its place, counted in characters from 1.
        position: usize,
    },
    /// Not of the form local@domain.
    #[error("is not an e-mail address of the form name@domain")]
    NotAnAddress,
}

/// Which control characters a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Controls {
    /// None at all.
    Refused,
    /// All but NUL, which SQL text cannot hold.
    OnlyNulRefused,
}

fn check_controls(text: &str, controls: Controls) -> Result<(), TextFault> {
    let refused = |c: char| match controls {
        Controls::Refused => c.is_control(),
        Controls::OnlyNulRefused => c == '\0',
    };
    match text.chars().enumerate().find(|(_, c)| refused(*c)) {
        None => Ok(()),
        Some((index, c)) => Err(TextFault::ControlCharacter {
            code: c.into(),
            position: index + 1,
        }),
    }
}

fn check_chars(text: &str, max: usize) -> Result<(), TextFault> {
    // A text has at most as many characters as bytes: count only where that does not settle it.
    if text.len() <= max {
        return Ok(());
    }
    match text.chars().count() {
        found if found > max => Err(TextFault::TooLong {
            found,
            max,
            unit: "characters",
        }),
        _ => Ok(()),
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, |$text:ident| $parse:block) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text, checked against its limit and for control characters.
            pub fn parse($text: &str) -> Result<Self, TextFault> {
                let kept: &str = $parse;
                Ok(Self(kept.into()))
            }

            /// What storage holds: checked when it was written.
            pub fn trusted(text: String) -> Self {
                Self(text.into_boxed_str())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.into_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// The name of an account, or a family or given name: trimmed, never empty, at most
    /// [`NAME_CHARS_MAX`].
    Name,
    |text| {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextFault::Empty);
        }
        check_controls(text, Controls::Refused)?;
        check_chars(text, NAME_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// The id that another system gave a record: unique after folding, kept as given.
    ExternalId,
    |text| {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextFault::Empty);
        }
        check_controls(text, Controls::Refused)?;
        check_chars(text, NAME_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// A telephone number, as its users write it: trimmed, never empty, at most
    /// [`PHONE_CHARS_MAX`].
    Phone,
    |text| {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextFault::Empty);
        }
        check_controls(text, Controls::Refused)?;
        check_chars(text, PHONE_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// The website of a company, as its users write it: trimmed, never empty, at most
    /// [`WEBSITE_CHARS_MAX`].
    Website,
    |text| {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextFault::Empty);
        }
        check_controls(text, Controls::Refused)?;
        check_chars(text, WEBSITE_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// An e-mail address: one `@` with something on both sides, no white space.
    Email,
    |text| {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextFault::Empty);
        }
        check_controls(text, Controls::Refused)?;
        check_chars(text, EMAIL_CHARS_MAX)?;
        let shaped = match text.rsplit_once('@') {
            Some((local, domain)) => {
                !local.is_empty() && !domain.is_empty() && !text.contains(char::is_whitespace)
            }
            None => false,
        };
        if !shaped {
            return Err(TextFault::NotAnAddress);
        }
        text
    }
);

text_type!(
    /// What a contact is at an account; may be empty, and then matches no sharing role.
    Role,
    |text| {
        let text = text.trim();
        check_controls(text, Controls::Refused)?;
        check_chars(text, ROLE_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// The subject of a ticket, kept as given; may be empty.
    Subject,
    |text| {
        check_controls(text, Controls::OnlyNulRefused)?;
        check_chars(text, SUBJECT_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// The caller's own id of a ticket: compared byte by byte, never trimmed or folded.
    TicketKey,
    |text| {
        check_ticket_key(text)?;
        text
    }
);

fn check_ticket_key(text: &str) -> Result<(), TextFault> {
    if text.is_empty() {
        return Err(TextFault::Empty);
    }
    check_controls(text, Controls::Refused)?;
    match text.len() {
        found if found > TICKET_ID_BYTES_MAX => Err(TextFault::TooLong {
            found,
            max: TICKET_ID_BYTES_MAX,
            unit: "bytes",
        }),
        _ => Ok(()),
    }
}

impl TicketKey {
    /// As [`parse`](Self::parse), keeping the text instead of a copy: a check makes many.
    pub fn take(text: String) -> Result<Self, TextFault> {
        check_ticket_key(&text)?;
        Ok(Self(text.into_boxed_str()))
    }
}

text_type!(
    /// The key under which a caller may repeat a write and get the first answer.
    RequestId,
    |text| {
        if text.is_empty() {
            return Err(TextFault::Empty);
        }
        check_controls(text, Controls::Refused)?;
        check_chars(text, REQUEST_ID_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// For whom a caller acts, as the caller names it; empty where the caller says nothing.
    Actor,
    |text| {
        check_controls(text, Controls::Refused)?;
        check_chars(text, ACTOR_CHARS_MAX)?;
        text
    }
);

impl Actor {
    /// Whether the caller named nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Actor {
    fn default() -> Self {
        Self("".into())
    }
}

impl Role {
    /// Whether no role was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Role {
    fn default() -> Self {
        Self("".into())
    }
}

impl Default for Subject {
    fn default() -> Self {
        Self("".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(chars: usize) -> String {
        "田".repeat(chars)
    }

    #[test]
    fn every_limit_holds_at_one_below_at_and_one_above() {
        type Parse = fn(&str) -> Result<(), TextFault>;
        let cases: [(usize, Parse); 8] = [
            (NAME_CHARS_MAX, |t| Name::parse(t).map(drop)),
            (NAME_CHARS_MAX, |t| ExternalId::parse(t).map(drop)),
            (ROLE_CHARS_MAX, |t| Role::parse(t).map(drop)),
            (WEBSITE_CHARS_MAX, |t| Website::parse(t).map(drop)),
            (PHONE_CHARS_MAX, |t| Phone::parse(t).map(drop)),
            (SUBJECT_CHARS_MAX, |t| Subject::parse(t).map(drop)),
            (REQUEST_ID_CHARS_MAX, |t| RequestId::parse(t).map(drop)),
            (ACTOR_CHARS_MAX, |t| Actor::parse(t).map(drop)),
        ];
        for (max, parse) in cases {
            assert_eq!(parse(&of(max - 1)), Ok(()));
            assert_eq!(parse(&of(max)), Ok(()));
            let over = TextFault::TooLong {
                found: max + 1,
                max,
                unit: "characters",
            };
            assert_eq!(parse(&of(max + 1)), Err(over));
        }
        let address = |chars| format!("{}@b", "a".repeat(chars - 2));
        assert!(Email::parse(&address(EMAIL_CHARS_MAX)).is_ok());
        assert!(Email::parse(&address(EMAIL_CHARS_MAX + 1)).is_err());
        assert!(TicketKey::parse(&"x".repeat(TICKET_ID_BYTES_MAX)).is_ok());
        assert!(TicketKey::parse(&"x".repeat(TICKET_ID_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn a_ticket_id_that_is_taken_is_checked_as_one_that_is_copied() {
        let longest = "x".repeat(TICKET_ID_BYTES_MAX);
        for text in [
            "T1",
            " T1 ",
            "",
            "a\u{7}b",
            &longest,
            &format!("{longest}x"),
        ] {
            assert_eq!(TicketKey::take(text.to_owned()), TicketKey::parse(text));
        }
    }

    #[test]
    fn control_characters_are_refused_naming_the_first() {
        let fault = TextFault::ControlCharacter {
            code: 7,
            position: 2,
        };
        assert_eq!(Name::parse("a\u{7}b"), Err(fault));
        assert!(Subject::parse("two\nlines").is_ok());
        assert!(Subject::parse("a\0b").is_err());
    }

    #[test]
    fn ticket_ids_are_kept_byte_by_byte() {
        let keys = ["T1", "t1", "T1 ", "Ｔ1", "e\u{301}", "\u{e9}"].map(TicketKey::parse);
        for (i, a) in keys.iter().enumerate() {
            assert!(a.is_ok());
            assert!(keys.iter().skip(i + 1).all(|b| a != b));
        }
    }

    #[test]
    fn an_address_needs_a_name_and_a_domain() {
        for wrong in ["a", "@b", "a@", "a b@c"] {
            assert_eq!(Email::parse(wrong), Err(TextFault::NotAnAddress), "{wrong}");
        }
    }
}
