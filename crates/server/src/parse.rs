//! Parses messages into validated types. Reports the first fault of a request.

use std::collections::BTreeMap;
use std::str::FromStr;

use prost_types::Timestamp;
use roster_api::v1::{self, ErrorReason};
use roster_core::id::{IdFault, Time};
use roster_core::limit;
use roster_core::names::{Heading, SearchQuery};
use roster_core::record::{Attributes, SharingMode, TicketStatus};
use roster_core::rules::disposition::{Disposition, Leaving, Previewed, Scope};
use roster_core::text::{NAME_CHARS_MAX, Role, TextFault, TicketKey};

use crate::fault::{Fault, of_id, of_text};
use crate::token::parse_preview_etag;

pub(crate) type Parsed<T> = Result<T, Fault>;

pub(crate) fn id<T: FromStr<Err = IdFault>>(path: &str, text: &str) -> Parsed<T> {
    text.parse().map_err(|fault| of_id(path, &fault))
}

pub(crate) fn optional_id<T: FromStr<Err = IdFault>>(path: &str, text: &str) -> Parsed<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    id(path, text).map(Some)
}

/// Parses a text of a kind that core defines.
pub(crate) fn text<T>(
    path: &str,
    text: &str,
    parse: fn(&str) -> Result<T, TextFault>,
) -> Parsed<T> {
    parse(text).map_err(|fault| of_text(path, &fault))
}

/// Like [`text`]; a blank text is absent.
pub(crate) fn optional_text<T>(
    path: &str,
    given: &str,
    parse: fn(&str) -> Result<T, TextFault>,
) -> Parsed<Option<T>> {
    if given.trim().is_empty() {
        return Ok(None);
    }
    text(path, given, parse).map(Some)
}

pub(crate) fn ticket_key(path: &str, given: &str) -> Parsed<TicketKey> {
    text(path, given, TicketKey::parse)
}

/// Like [`ticket_key`], without a copy.
pub(crate) fn taken_ticket_key(path: &str, given: String) -> Parsed<TicketKey> {
    TicketKey::take(given).map_err(|fault| of_text(path, &fault))
}

/// A batch of 1 to 1,000 items.
pub(crate) fn batch<T>(path: &str, items: &[T]) -> Parsed<()> {
    let (found, max) = (items.len(), limit::BATCH_ITEMS_MAX);
    if (1..=max).contains(&found) {
        return Ok(());
    }
    let what = format!("has {found} items, allowed are 1 to {max}: split it into several calls");
    Err(Fault::field(path, ErrorReason::BatchSize, what)
        .with("found", found)
        .with("min", 1)
        .with("max", max))
}

/// A list of at most `max` items.
pub(crate) fn at_most<T>(path: &str, items: &[T], max: usize) -> Parsed<()> {
    let found = items.len();
    if found <= max {
        return Ok(());
    }
    let what = format!("has {found} items, allowed are at most {max}");
    Err(Fault::field(path, ErrorReason::TextTooLong, what)
        .with("found", found)
        .with("max", max)
        .with("unit", "items"))
}

fn invalid(path: &str, what: &str) -> Fault {
    Fault::field(path, ErrorReason::FieldInvalid, what)
}

pub(crate) fn required<T>(path: &str, message: Option<T>) -> Parsed<T> {
    message.ok_or_else(|| Fault::field(path, ErrorReason::FieldRequired, "is required"))
}

/// Refuses an output-only field in a new record.
pub(crate) fn unset(path: &str, is_unset: bool) -> Parsed<()> {
    if is_unset {
        return Ok(());
    }
    Err(invalid(path, "is output-only: omit it"))
}

pub(crate) fn attributes(path: &str, given: &BTreeMap<String, String>) -> Parsed<Attributes> {
    let too_long = |path: &str, found: usize, max: usize, unit: &'static str| {
        of_text(path, &TextFault::TooLong { found, max, unit })
    };
    if given.len() > limit::ATTRIBUTES_MAX {
        return Err(too_long(path, given.len(), limit::ATTRIBUTES_MAX, "items"));
    }
    let mut all = 0;
    for (key, value) in given {
        let at = format!("{path}[{key:?}]");
        if key.trim().is_empty() {
            return Err(invalid(path, "has an attribute without a key"));
        }
        if let Some((position, c)) = key.chars().enumerate().find(|(_, c)| c.is_control()) {
            let (code, position) = (c.into(), position + 1);
            return Err(of_text(
                &at,
                &TextFault::ControlCharacter { code, position },
            ));
        }
        if let Some(position) = value.chars().position(|c| c == '\0') {
            let (code, position) = (0, position + 1);
            return Err(of_text(
                &at,
                &TextFault::ControlCharacter { code, position },
            ));
        }
        let (key, value) = (key.chars().count(), value.chars().count());
        if key > limit::ATTRIBUTE_KEY_CHARS_MAX {
            return Err(too_long(
                &at,
                key,
                limit::ATTRIBUTE_KEY_CHARS_MAX,
                "characters",
            ));
        }
        if value > limit::ATTRIBUTE_VALUE_CHARS_MAX {
            return Err(too_long(
                &at,
                value,
                limit::ATTRIBUTE_VALUE_CHARS_MAX,
                "characters",
            ));
        }
        all += key + value;
    }
    if all > limit::ATTRIBUTES_CHARS_MAX {
        return Err(too_long(
            path,
            all,
            limit::ATTRIBUTES_CHARS_MAX,
            "characters",
        ));
    }
    Ok(given.clone())
}

/// A sharing mode; `None` if unspecified.
pub(crate) fn sharing_mode(path: &str, given: i32) -> Parsed<Option<SharingMode>> {
    match v1::SharingMode::try_from(given) {
        Ok(v1::SharingMode::Unspecified) => Ok(None),
        Ok(v1::SharingMode::Nobody) => Ok(Some(SharingMode::Nobody)),
        Ok(v1::SharingMode::Granted) => Ok(Some(SharingMode::Granted)),
        Ok(v1::SharingMode::Roles) => Ok(Some(SharingMode::Roles)),
        Ok(v1::SharingMode::Everyone) => Ok(Some(SharingMode::Everyone)),
        Err(_) => Err(invalid(path, "is not a value of SharingMode")),
    }
}

pub(crate) fn sharing_roles(path: &str, given: &[String]) -> Parsed<Vec<Role>> {
    at_most(path, given, limit::SHARING_ROLES_MAX)?;
    let role = |(index, role): (usize, &String)| {
        let path = format!("{path}[{index}]");
        if role.trim().is_empty() {
            return Err(Fault::field(
                &path,
                ErrorReason::FieldRequired,
                "is empty: a role needs a name",
            ));
        }
        text(&path, role, Role::parse)
    };
    given.iter().enumerate().map(role).collect()
}

/// The status of a ticket; `None` if unspecified.
pub(crate) fn status(path: &str, given: i32) -> Parsed<Option<TicketStatus>> {
    match v1::TicketStatus::try_from(given) {
        Ok(v1::TicketStatus::Unspecified) => Ok(None),
        Ok(v1::TicketStatus::Open) => Ok(Some(TicketStatus::Open)),
        Ok(v1::TicketStatus::Closed) => Ok(Some(TicketStatus::Closed)),
        Err(_) => Err(invalid(path, "is not a value of TicketStatus")),
    }
}

/// The status that a record sets: open or closed.
pub(crate) fn set_status(path: &str, given: i32) -> Parsed<TicketStatus> {
    status(path, given)?
        .ok_or_else(|| invalid(path, "is unspecified: omit it, or set open or closed"))
}

pub(crate) fn time(path: &str, given: &Timestamp) -> Parsed<Time> {
    /// The range of a protobuf Timestamp: the years 1 to 9999.
    const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
    if !SECONDS.contains(&given.seconds) || !(0..1_000_000_000).contains(&given.nanos) {
        return Err(invalid(path, "is not a Timestamp in the years 1 to 9999"));
    }
    Ok(Time::from_micros(
        given.seconds * 1_000_000 + i64::from(given.nanos) / 1_000,
    ))
}

pub(crate) fn query(given: &str) -> Parsed<SearchQuery> {
    let found = given.chars().count();
    if found > NAME_CHARS_MAX {
        let (max, unit) = (NAME_CHARS_MAX, "characters");
        return Err(of_text("query", &TextFault::TooLong { found, max, unit }));
    }
    if let Some(position) = given.chars().position(|c| c == '\0') {
        let (code, position) = (0, position + 1);
        return Err(of_text(
            "query",
            &TextFault::ControlCharacter { code, position },
        ));
    }
    Ok(SearchQuery::parse(given))
}

pub(crate) fn heading(given: &str) -> Parsed<Option<Heading>> {
    if given.is_empty() {
        return Ok(None);
    }
    Heading::parse(given).map(Some).ok_or_else(|| {
        invalid(
            "heading",
            "is not a heading: use one of A to Z, あ to わ, # and 他",
        )
    })
}

/// The ticket disposition of a call that ends an association.
pub(crate) fn disposition(given: i32, move_to: &str) -> Parsed<Option<Disposition>> {
    use v1::TicketDisposition as Given;
    let wrong = |path: &str, what: &str| Fault::field(path, ErrorReason::DispositionInvalid, what);
    let target = optional_id("move_to_account_id", move_to)?;
    let given = Given::try_from(given)
        .map_err(|_| wrong("ticket_disposition", "is not a value of TicketDisposition"))?;
    match (given, target) {
        (Given::MoveToAccount, Some(target)) => Ok(Some(Disposition::MoveTo(target))),
        (Given::MoveToAccount, None) => Err(wrong(
            "move_to_account_id",
            "is empty: MOVE_TO_ACCOUNT needs the account",
        )),
        (_, Some(_)) => Err(wrong(
            "move_to_account_id",
            "is set without MOVE_TO_ACCOUNT",
        )),
        (Given::Unspecified, None) => Ok(None),
        (Given::KeepWithAccount, None) => Ok(Some(Disposition::Keep)),
        (Given::MoveToPrimary, None) => Ok(Some(Disposition::MoveToPrimary)),
        (Given::ClearAccount, None) => Ok(Some(Disposition::Clear)),
    }
}

/// The disposition and scope of a call that ends an association.
pub(crate) fn leaving(
    given: i32,
    move_to: &str,
    scope: i32,
    etag: &str,
    key: [u8; 32],
) -> Parsed<Leaving> {
    let scope = match v1::TicketScope::try_from(scope) {
        Ok(v1::TicketScope::Unspecified | v1::TicketScope::All) => Scope::All,
        Ok(v1::TicketScope::OpenOnly) => Scope::OpenOnly,
        Err(_) => return Err(invalid("ticket_scope", "is not a value of TicketScope")),
    };
    Ok(Leaving {
        disposition: disposition(given, move_to)?,
        scope,
        previewed: parse_preview_etag(etag).map(|digest| Previewed { key, digest }),
    })
}
