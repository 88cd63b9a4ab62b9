//! Validated text: each type is parsed once, at the edge, against its limit.
//!
//! Limits count characters (Unicode scalar values) unless a constant says bytes.

use std::fmt;

/// The longest name, reading, external id or query: a legal name with its branch and department
/// fits.
pub const NAME_CHARS_MAX: usize = 200;
/// The longest role: a job title.
pub const ROLE_CHARS_MAX: usize = 100;
/// The longest website: an address with a path fits.
pub const WEBSITE_CHARS_MAX: usize = 200;
/// The longest telephone number: an international number with an extension and a note fits.
pub const PHONE_CHARS_MAX: usize = 40;
/// The longest e-mail address: the maximum of an RFC 5321 path.
pub const EMAIL_CHARS_MAX: usize = 254;
/// The longest ticket subject: mail clients cut long before.
pub const SUBJECT_CHARS_MAX: usize = 1_000;
/// The longest ticket id of a caller, in bytes, because it is compared byte by byte.
pub const TICKET_ID_BYTES_MAX: usize = 200;
/// The longest name of an actor: an e-mail address or the id of a person in another system fits.
pub const ACTOR_CHARS_MAX: usize = 200;
/// The longest name of a certificate: the longest URI that such names have in practice, of SPIFFE.
pub const CERTIFICATE_NAME_CHARS_MAX: usize = 2_052;
/// The longest request_id: a UUID with a prefix fits.
pub const REQUEST_ID_CHARS_MAX: usize = 64;

/// Why a text is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// It is required, but empty after trimming.
    #[error("is required and is empty")]
    Empty,
    /// It is longer than its limit.
    #[error("has {found} {unit}, at most {max} are allowed")]
    TooLong {
        /// The actual length.
        found: usize,
        /// The maximum length.
        max: usize,
        /// The unit of the lengths.
        unit: &'static str,
    },
    /// It contains a character that is not allowed.
    #[error("has the control character U+{code:04X} at position {position}, remove it")]
    ControlCharacter {
        /// The character's code point.
        code: u32,
        /// Its position, in characters from 1.
        position: usize,
    },
    /// It does not have the form local@domain.
    #[error("is not an e-mail address of the form name@domain")]
    NotAnAddress,
    /// It is not the name of a client certificate.
    #[error(
        "is not the name of a certificate: URI: or DNS: and an exact name, without white space"
    )]
    NotACertificateName,
}

/// Which control characters a text may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Controls {
    /// No control characters.
    Refused,
    /// All except NUL, which SQL text cannot contain.
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
    // A text has at most as many characters as bytes, so short texts need no count.
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

/// Checks a text of one line: it has no control characters and at most `max` characters.
fn line(text: &str, max: usize) -> Result<&str, TextFault> {
    check_controls(text, Controls::Refused)?;
    check_chars(text, max)?;
    Ok(text)
}

/// Checks a text of one line that is not empty.
fn required_line(text: &str, max: usize) -> Result<&str, TextFault> {
    if text.is_empty() {
        return Err(TextFault::Empty);
    }
    line(text, max)
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, |$text:ident| $parse:block) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses the text: checks its limit and its control characters.
            pub fn parse($text: &str) -> Result<Self, TextFault> {
                let kept: &str = $parse;
                Ok(Self(kept.into()))
            }

            /// Wraps a stored text, which was checked when it was written.
            pub fn trusted(text: String) -> Self {
                Self(text.into_boxed_str())
            }

            /// Returns the text.
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
    /// The name of an account, or a family or given name: trimmed, not empty, at most
    /// [`NAME_CHARS_MAX`].
    Name,
    |text| {
        required_line(text.trim(), NAME_CHARS_MAX)?
    }
);

text_type!(
    /// The id of a record in another system: unique after folding, stored as the caller spells it.
    ExternalId,
    |text| {
        required_line(text.trim(), NAME_CHARS_MAX)?
    }
);

text_type!(
    /// A telephone number, as its users write it: trimmed, not empty, at most
    /// [`PHONE_CHARS_MAX`].
    Phone,
    |text| {
        required_line(text.trim(), PHONE_CHARS_MAX)?
    }
);

text_type!(
    /// The website of a company, as its users write it: trimmed, not empty, at most
    /// [`WEBSITE_CHARS_MAX`].
    Website,
    |text| {
        required_line(text.trim(), WEBSITE_CHARS_MAX)?
    }
);

text_type!(
    /// An e-mail address: one `@` with text on both sides, no white space.
    Email,
    |text| {
        let text = required_line(text.trim(), EMAIL_CHARS_MAX)?;
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
    /// A contact's role at an account; may be empty, and then matches no sharing role.
    Role,
    |text| {
        line(text.trim(), ROLE_CHARS_MAX)?
    }
);

text_type!(
    /// The subject of a ticket, stored as the caller spells it; may be empty.
    Subject,
    |text| {
        check_controls(text, Controls::OnlyNulRefused)?;
        check_chars(text, SUBJECT_CHARS_MAX)?;
        text
    }
);

text_type!(
    /// The caller's ticket id: compared byte by byte, never trimmed or folded.
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
    /// As [`parse`](Self::parse), but reuses the string instead of copying it: a check parses many
    /// ids.
    pub fn take(text: String) -> Result<Self, TextFault> {
        check_ticket_key(&text)?;
        Ok(Self(text.into_boxed_str()))
    }
}

text_type!(
    /// The key under which a caller can repeat a write and get the first answer.
    RequestId,
    |text| {
        required_line(text, REQUEST_ID_CHARS_MAX)?
    }
);

text_type!(
    /// The issuer or the subject of a JSON Web Token: not empty, compared exactly, at most
    /// [`NAME_CHARS_MAX`].
    TokenText,
    |text| {
        required_line(text, NAME_CHARS_MAX)?
    }
);

text_type!(
    /// A subject alternative name of a client certificate with its kind, `URI:…` or `DNS:…`:
    /// compared exactly, at most [`CERTIFICATE_NAME_CHARS_MAX`].
    CertificateName,
    |text| {
        let text = line(text, CERTIFICATE_NAME_CHARS_MAX)?;
        let name = text.strip_prefix("URI:").or_else(|| text.strip_prefix("DNS:"));
        if name.is_none_or(|name| name.is_empty() || name.contains(char::is_whitespace)) {
            return Err(TextFault::NotACertificateName);
        }
        text
    }
);

text_type!(
    /// The person for whom a caller acts, as the caller names them; empty if the caller sends no
    /// actor.
    Actor,
    |text| {
        line(text, ACTOR_CHARS_MAX)?
    }
);

impl Actor {
    /// Returns whether the caller sent no actor.
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
    /// Returns whether the role is empty.
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
    fn a_ticket_key_is_checked_alike_owned_and_borrowed() {
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
