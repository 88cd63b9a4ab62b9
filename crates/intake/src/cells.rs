//! From the cells of a row to a row that the rules can judge.

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::TimeZone;
use roster_core::id::{IdFault, Time};
use roster_core::limit::COPIES_MAX;
use roster_core::names::fold;
use roster_core::record::TicketStatus;
use roster_core::rules::import::{
    AccountKeys, AccountRow, AssociationRow, ContactKeys, ContactRow, Copied, Field, ImportRow,
    Named, PersonName, Reading, TicketRow,
};
use roster_core::text::{Email, ExternalId, Name, Role, Subject, TextFault, TicketKey};

use crate::fault::RowFault;
use crate::layout::{Kind, Layout};

/// A cell that cannot be read: of which field, and why.
pub(crate) type CellFault = (Field, RowFault);
type Read<T> = Result<T, CellFault>;

/// Reads the cells of one row.
pub(crate) fn read(layout: &Layout, cells: &[String]) -> Read<ImportRow> {
    let cells = Cells { layout, cells };
    Ok(match layout.kind {
        Kind::Accounts => ImportRow::Account(AccountRow {
            keys: cells.account()?,
            name_reading: cells.text(Field::AccountNameReading, Name::parse)?,
        }),
        Kind::Contacts => ImportRow::Contact(cells.contact_row()?),
        Kind::Associations => ImportRow::Association(AssociationRow {
            contact: cells.contact()?,
            account: cells.account()?,
            primary: cells.yes_or_no(Field::AssociationPrimary)?.unwrap_or(false),
            sees_account_tickets: cells.yes_or_no(Field::AssociationSeesAccountTickets)?,
            role: cells.text(Field::AssociationRole, Role::parse)?,
        }),
        Kind::Tickets => ImportRow::Ticket(cells.ticket()?),
    })
}

struct Cells<'r> {
    layout: &'r Layout,
    cells: &'r [String],
}

impl<'r> Cells<'r> {
    /// All cells of a field, by column; a blank one is none.
    fn all(&self, field: Field) -> impl Iterator<Item = Option<&'r str>> {
        let fills = self.layout.columns.iter().enumerate();
        let fills = fills.filter(move |(_, column)| column.field == Some(field));
        let cells = self.cells;
        fills.map(move |(place, _)| {
            let cell = cells.get(place).map_or("", |cell| cell.trim());
            (!cell.is_empty()).then_some(cell)
        })
    }

    fn cell(&self, field: Field) -> Option<&'r str> {
        self.all(field).next().flatten()
    }

    fn text<T>(&self, field: Field, parse: fn(&str) -> Result<T, TextFault>) -> Read<Option<T>> {
        let parsed = self.cell(field).map(parse).transpose();
        parsed.map_err(|fault| (field, RowFault::Text(fault)))
    }

    fn id<T: FromStr<Err = IdFault>>(&self, field: Field) -> Read<Option<T>> {
        let parsed = self.cell(field).map(str::parse).transpose();
        parsed.map_err(|fault| (field, RowFault::Id(fault)))
    }

    fn account(&self) -> Read<AccountKeys> {
        Ok(AccountKeys {
            id: self.id(Field::AccountId)?,
            external_id: self.text(Field::AccountExternalId, ExternalId::parse)?,
            name: self
                .text(Field::AccountName, Name::parse)?
                .map(Named::of_account),
        })
    }

    fn contact(&self) -> Read<ContactKeys> {
        let email = |cell: Option<&str>| cell.map(Email::parse).transpose();
        let emails: Result<Vec<_>, TextFault> = self.all(Field::ContactEmail).map(email).collect();
        Ok(ContactKeys {
            id: self.id(Field::ContactId)?,
            external_id: self.text(Field::ContactExternalId, ExternalId::parse)?,
            emails: emails.map_err(|fault| (Field::ContactEmail, RowFault::Text(fault)))?,
            name: self.person()?.map(Named::of_person),
        })
    }

    /// The name of a contact: from its two cells, or from the one of the whole name.
    fn person(&self) -> Read<Option<PersonName>> {
        if let Some(family) = self.text(Field::ContactFamilyName, Name::parse)? {
            return Ok(Some(PersonName {
                family,
                given: self.text(Field::ContactGivenName, Name::parse)?,
                whole: false,
            }));
        }
        let whole = self.divided(Field::ContactName)?;
        Ok(whole.map(|(family, given)| PersonName {
            family,
            given,
            whole: true,
        }))
    }

    /// A whole name, divided at its first white space.
    fn divided(&self, field: Field) -> Read<Option<(Name, Option<Name>)>> {
        let Some(cell) = self.cell(field) else {
            return Ok(None);
        };
        let (family, given) = match cell.split_once(char::is_whitespace) {
            Some((family, given)) => (family, Some(given)),
            None => (cell, None),
        };
        let name = |text| Name::parse(text).map_err(|fault| (field, RowFault::Text(fault)));
        Ok(Some((name(family)?, given.map(name).transpose()?)))
    }

    fn contact_row(&self) -> Read<ContactRow> {
        let family = self.text(Field::ContactFamilyNameReading, Name::parse)?;
        let given = self.text(Field::ContactGivenNameReading, Name::parse)?;
        let reading = if family.is_some() || given.is_some() {
            Some(Reading::Parts { family, given })
        } else {
            let whole = self.divided(Field::ContactNameReading)?;
            whole.map(|(family, given)| Reading::Whole { family, given })
        };
        Ok(ContactRow {
            keys: self.contact()?,
            given_name: self.text(Field::ContactGivenName, Name::parse)?,
            reading,
            account: self.account()?,
        })
    }

    fn ticket(&self) -> Read<TicketRow> {
        let key = self.text(Field::TicketId, TicketKey::parse)?;
        let required = || (Field::TicketId, RowFault::Text(TextFault::Empty));
        Ok(TicketRow {
            key: key.ok_or_else(required)?,
            requester: self.contact()?,
            account: self.account()?,
            subject: self.text(Field::TicketSubject, Subject::parse)?,
            status: self.cell(Field::TicketStatus).map(status),
            copies: self.copies()?,
            private: self.yes_or_no(Field::TicketPrivate)?,
            create_time: self.time(Field::TicketCreateTime)?,
        })
    }

    fn yes_or_no(&self, field: Field) -> Read<Option<bool>> {
        let Some(cell) = self.cell(field) else {
            return Ok(None);
        };
        match fold(cell).as_str() {
            "はい" | "1" | "true" | "yes" | "○" | "◯" | "〇" => Ok(Some(true)),
            "いいえ" | "0" | "false" | "no" | "×" => Ok(Some(false)),
            _ => Err(malformed(
                field,
                "is neither はい (1, true, yes, ○) nor いいえ (0, false, no)",
            )),
        }
    }

    fn copies(&self) -> Read<Option<Vec<Copied>>> {
        const FIELD: Field = Field::TicketCc;
        let Some(cell) = self.cell(FIELD) else {
            return Ok(None);
        };
        let divides = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '、' | '；' | '，');
        let mut copies = Vec::new();
        for word in cell.split(divides).filter(|word| !word.is_empty()) {
            copies.push(if word.contains('@') {
                Copied::Email(Email::parse(word).map_err(|fault| (FIELD, RowFault::Text(fault)))?)
            } else {
                Copied::Id(word.parse().map_err(|fault| (FIELD, RowFault::Id(fault)))?)
            });
        }
        if copies.len() > COPIES_MAX {
            let (found, max, unit) = (copies.len(), COPIES_MAX, "items");
            let too_long = TextFault::TooLong { found, max, unit };
            return Err((FIELD, RowFault::Text(too_long)));
        }
        Ok(Some(copies))
    }

    fn time(&self, field: Field) -> Read<Option<Time>> {
        let Some(cell) = self.cell(field) else {
            return Ok(None);
        };
        let wrong = || {
            malformed(
                field,
                "is no time: write it as 2026-11-24, 2026-11-24 09:30 or 2026-11-24T09:30:00+09:00",
            )
        };
        instant(cell).map(Some).ok_or_else(wrong)
    }
}

fn malformed(field: Field, what: &str) -> CellFault {
    (field, RowFault::Malformed(what.to_owned()))
}

fn status(cell: &str) -> TicketStatus {
    match fold(cell).as_str() {
        "完了" | "クローズ" | "解決済み" | "closed" | "solved" | "resolved" => {
            TicketStatus::Closed
        }
        _ => TicketStatus::Open,
    }
}

/// RFC 3339, or a date with or without a time, then in UTC; the years 1 to 9999.
fn instant(cell: &str) -> Option<Time> {
    let instant = match cell.parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => TimeZone::UTC.to_timestamp(local(cell)?).ok()?,
    };
    let year = TimeZone::UTC.to_datetime(instant).year();
    (year >= 1).then(|| Time::from_micros(instant.as_microsecond()))
}

fn local(cell: &str) -> Option<DateTime> {
    let (date, clock) = match cell.split_once(['T', ' ']) {
        Some((date, clock)) => (date, clock.trim()),
        None => (cell, ""),
    };
    let mut parts = date.split(['-', '/']);
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let clock = if clock.is_empty() {
        Clock::midnight()
    } else {
        let mut parts = clock.splitn(3, ':');
        let hour = i8::try_from(digits(parts.next()?, 2)?).ok()?;
        let minute = i8::try_from(digits(parts.next()?, 2)?).ok()?;
        let second = match parts.next() {
            None => 0,
            // What stands behind the second is finer than anybody writes by hand.
            Some(second) => i8::try_from(digits(second.split('.').next()?, 2)?).ok()?,
        };
        Clock::new(hour, minute, second, 0).ok()?
    };
    Some(date.to_datetime(clock))
}

fn digits(text: &str, max: usize) -> Option<i16> {
    let all = !text.is_empty() && text.len() <= max && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}
