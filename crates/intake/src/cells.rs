//! Parses the cells of a row into a row that the rules can judge.

use std::str::FromStr;

use roster_core::id::{IdFault, Time};
use roster_core::limit::CC_MAX;
use roster_core::names::fold;
use roster_core::record::TicketStatus;
use roster_core::rules::import::{
    AccountKeys, AccountRow, AssociationRow, CcContact, ContactKeys, ContactRow, Field, ImportRow,
    Named, PersonName, Reading, TicketRow,
};
use roster_core::text::{
    Email, ExternalId, Name, Phone, Role, Subject, TextFault, TicketKey, Website,
};
use roster_sheet::Row;

use crate::fault::{Location, RowFault};
use crate::layout::{Kind, Layout};
use crate::time::parse_time;

/// A cell that cannot be parsed: its location and the reason.
pub(crate) type CellFault = (Location, RowFault);
type Read<T> = Result<T, CellFault>;

/// Parses the cells of one row.
pub(crate) fn read(layout: &Layout, row: &Row) -> Read<ImportRow> {
    refuse_error_cells(layout, row)?;
    let cells = Cells {
        layout,
        cells: &row.cells,
    };
    Ok(match layout.kind {
        Kind::Accounts => ImportRow::Account(AccountRow {
            keys: cells.account()?,
            name_reading: cells.text(Field::AccountNameReading, Name::parse)?,
            website: cells.text(Field::AccountWebsite, Website::parse)?,
        }),
        Kind::Contacts => ImportRow::Contact(cells.contact_row()?),
        Kind::Associations => ImportRow::Association(AssociationRow {
            contact: cells.contact()?,
            account: cells.account()?,
            primary: cells.yes_or_no(Field::AssociationPrimary)?,
            sees_account_tickets: cells.yes_or_no(Field::AssociationSeesAccountTickets)?,
            role: cells.text(Field::AssociationRole, Role::parse)?,
        }),
        Kind::Tickets => ImportRow::Ticket(cells.ticket()?),
    })
}

/// Maximum characters of an error name in a message. Excel's longest name is `#GETTING_DATA`, but a
/// file can contain any text as the name of an error.
const ERROR_NAME_MAX: usize = 20;

/// Returns a fault for the first cell with a spreadsheet error: an error is not a name or an ID.
/// Ignores columns without a field.
fn refuse_error_cells(layout: &Layout, row: &Row) -> Read<()> {
    let has_field = |column: &usize| {
        let column = layout.columns.get(*column);
        column.is_some_and(|column| column.field.is_some())
    };
    let Some(column) = row.errors.iter().copied().filter(has_field).min() else {
        return Ok(());
    };
    let name = row.cells.get(column).map_or("", String::as_str);
    let name = name.chars().take(ERROR_NAME_MAX).collect();
    Err((Location::Column(column), RowFault::ErrorCell(name)))
}

struct Cells<'r> {
    layout: &'r Layout,
    cells: &'r [String],
}

impl<'r> Cells<'r> {
    /// Returns the column and the trimmed text of each cell of a field; `None` for a blank cell.
    fn all(&self, field: Field) -> impl Iterator<Item = (usize, Option<&'r str>)> {
        let columns = self.layout.columns.iter().enumerate();
        let columns = columns.filter(move |(_, column)| column.field == Some(field));
        let cells = self.cells;
        columns.map(move |(index, _)| {
            let cell = cells.get(index).map_or("", |cell| cell.trim());
            (index, (!cell.is_empty()).then_some(cell))
        })
    }

    fn cell(&self, field: Field) -> Option<&'r str> {
        self.all(field).next().and_then(|(_, cell)| cell)
    }

    fn text<T>(&self, field: Field, parse: fn(&str) -> Result<T, TextFault>) -> Read<Option<T>> {
        let parsed = self.cell(field).map(parse).transpose();
        parsed.map_err(|fault| (field.into(), RowFault::Text(fault)))
    }

    fn id<T: FromStr<Err = IdFault>>(&self, field: Field) -> Read<Option<T>> {
        let parsed = self.cell(field).map(|cell| fold(cell).parse()).transpose();
        parsed.map_err(|fault| (field.into(), RowFault::Id(fault)))
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
        let email = |(column, cell): (usize, Option<&str>)| {
            let parsed = cell.map(Email::parse).transpose();
            parsed.map_err(|fault| (Location::Column(column), RowFault::Text(fault)))
        };
        Ok(ContactKeys {
            id: self.id(Field::ContactId)?,
            external_id: self.text(Field::ContactExternalId, ExternalId::parse)?,
            emails: self
                .all(Field::ContactEmail)
                .map(email)
                .collect::<Read<_>>()?,
            name: self.person_name()?.map(Named::of_person),
        })
    }

    /// Returns the name of a contact, from the cells of its parts or from the cell of the whole
    /// name.
    fn person_name(&self) -> Read<Option<PersonName>> {
        if let Some(family) = self.text(Field::ContactFamilyName, Name::parse)? {
            return Ok(Some(PersonName {
                family,
                given: self.text(Field::ContactGivenName, Name::parse)?,
                whole: false,
            }));
        }
        let whole = self.split_name(Field::ContactName)?;
        Ok(whole.map(|(family, given)| PersonName {
            family,
            given,
            whole: true,
        }))
    }

    /// Returns a whole name, split at its first white space.
    fn split_name(&self, field: Field) -> Read<Option<(Name, Option<Name>)>> {
        let Some(cell) = self.cell(field) else {
            return Ok(None);
        };
        let (family, given) = match cell.split_once(char::is_whitespace) {
            Some((family, given)) => (family, Some(given)),
            None => (cell, None),
        };
        let name = |text| Name::parse(text).map_err(|fault| (field.into(), RowFault::Text(fault)));
        Ok(Some((name(family)?, given.map(name).transpose()?)))
    }

    fn contact_row(&self) -> Read<ContactRow> {
        let family = self.text(Field::ContactFamilyNameReading, Name::parse)?;
        let given = self.text(Field::ContactGivenNameReading, Name::parse)?;
        let reading = if family.is_some() || given.is_some() {
            Some(Reading::Parts { family, given })
        } else {
            let whole = self.split_name(Field::ContactNameReading)?;
            whole.map(|(family, given)| Reading::Whole { family, given })
        };
        Ok(ContactRow {
            keys: self.contact()?,
            given_name: self.text(Field::ContactGivenName, Name::parse)?,
            reading,
            phone: self.text(Field::ContactPhone, Phone::parse)?,
            account: self.account()?,
        })
    }

    fn ticket(&self) -> Read<TicketRow> {
        let key = self.text(Field::TicketId, TicketKey::parse)?;
        let required = || (Field::TicketId.into(), RowFault::Text(TextFault::Empty));
        Ok(TicketRow {
            key: key.ok_or_else(required)?,
            requester: self.contact()?,
            account: self.account()?,
            subject: self.text(Field::TicketSubject, Subject::parse)?,
            status: self.cell(Field::TicketStatus).map(status),
            cc: self.cc()?,
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

    fn cc(&self) -> Read<Option<Vec<CcContact>>> {
        const FIELD: Field = Field::TicketCc;
        let Some(cell) = self.cell(FIELD) else {
            return Ok(None);
        };
        let is_separator =
            |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '、' | '；' | '，');
        let mut cc = Vec::new();
        for word in cell.split(is_separator).filter(|word| !word.is_empty()) {
            cc.push(if word.contains('@') {
                let email = Email::parse(word);
                CcContact::Email(email.map_err(|fault| (FIELD.into(), RowFault::Text(fault)))?)
            } else {
                let id = fold(word).parse();
                CcContact::Id(id.map_err(|fault| (FIELD.into(), RowFault::Id(fault)))?)
            });
        }
        if cc.len() > CC_MAX {
            let (found, max, unit) = (cc.len(), CC_MAX, "items");
            let too_long = TextFault::TooLong { found, max, unit };
            return Err((FIELD.into(), RowFault::Text(too_long)));
        }
        Ok(Some(cc))
    }

    fn time(&self, field: Field) -> Read<Option<Time>> {
        let Some(cell) = self.cell(field) else {
            return Ok(None);
        };
        let fault = || {
            malformed(
                field,
                "is not a time: write it as 2026-11-24, 2026-11-24 09:30, 2026年11月24日 9時30分 or \
                 2026-11-24T09:30:00+09:00",
            )
        };
        parse_time(cell).map(Some).ok_or_else(fault)
    }
}

fn malformed(field: Field, message: &str) -> CellFault {
    (field.into(), RowFault::Malformed(message.to_owned()))
}

fn status(cell: &str) -> TicketStatus {
    match fold(cell).as_str() {
        "完了" | "クローズ" | "解決済み" | "closed" | "solved" | "resolved" => {
            TicketStatus::Closed
        }
        _ => TicketStatus::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a line of cells below a header.
    fn parse_line(kind: Kind, header: &str, cells: &str) -> Read<ImportRow> {
        let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let layout = Layout::from_header(kind, &split(header), &[]).expect("a header");
        let cells = split(cells);
        let row = Row {
            cells,
            ..Row::default()
        };
        read(&layout, &row)
    }

    #[test]
    fn booleans_and_ids_are_parsed_in_any_width_and_case() {
        for (cell, expected) in [
            ("１", Some(true)),
            ("ＹＥＳ", Some(true)),
            ("True", Some(true)),
            ("◯", Some(true)),
            ("０", Some(false)),
            ("ｎｏ", Some(false)),
            (" ", None),
        ] {
            let header = "連絡先ID,取引先ID,メイン";
            let read = parse_line(Kind::Associations, header, &format!("ｃ１２,Ａ３,{cell}"));
            let Ok(ImportRow::Association(row)) = read else {
                panic!("{cell}: {read:?}");
            };
            assert_eq!(row.primary, expected, "{cell}");
            assert_eq!(row.contact.id.map(|id| id.number()), Some(12));
            assert_eq!(row.account.id.map(|id| id.number()), Some(3));
        }
        let read = parse_line(Kind::Tickets, "Ticket ID,CC", "T1,ｃ５ Ｃ６、c7");
        let Ok(ImportRow::Ticket(row)) = read else {
            panic!("{read:?}");
        };
        assert_eq!(row.cc.map(|cc| cc.len()), Some(3));
    }

    #[test]
    fn the_fault_of_an_invalid_address_names_its_own_column() {
        let read = parse_line(
            Kind::Contacts,
            "姓,Email,Secondary Email",
            "田中,t@x.jp,nowhere",
        );
        let expected = RowFault::Text(TextFault::NotAnAddress);
        assert_eq!(read, Err((Location::Column(2), expected)));
    }

    #[test]
    fn a_spreadsheet_error_is_refused_if_its_column_has_a_field() {
        let header = ["姓", "備考", "Email"].map(str::to_owned);
        let layout = Layout::from_header(Kind::Contacts, &header, &[]).expect("a header");
        let cells = ["#N/A", "#REF!", "t@x.jp"].map(str::to_owned).to_vec();
        let read_with_errors = |errors: &[usize]| {
            let errors = errors.to_vec();
            let cells = cells.clone();
            let number = 2;
            read(
                &layout,
                &Row {
                    number,
                    cells,
                    errors,
                },
            )
        };
        assert!(read_with_errors(&[]).is_ok());
        assert!(read_with_errors(&[1]).is_ok());
        let expected = (Location::Column(0), RowFault::ErrorCell("#N/A".to_owned()));
        assert_eq!(read_with_errors(&[2, 1, 0]), Err(expected));
    }

    #[test]
    fn known_words_for_closed_mean_closed_and_any_other_word_means_open() {
        for word in [
            "完了",
            "クローズ",
            "ｸﾛｰｽﾞ",
            "解決済み",
            "CLOSED",
            "Solved",
            "resolved",
        ] {
            assert_eq!(status(word), TicketStatus::Closed, "{word}");
        }
        for word in ["対応中", "Open", "closed?"] {
            assert_eq!(status(word), TicketStatus::Open, "{word}");
        }
    }
}
