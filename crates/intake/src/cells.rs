//! From the cells of a row to a row that the rules can judge.

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

use crate::fault::{At, RowFault};
use crate::layout::{Kind, Layout};
use crate::time::instant;

/// A cell that cannot be read: where, and why.
pub(crate) type CellFault = (At, RowFault);
type Read<T> = Result<T, CellFault>;

/// Reads the cells of one row.
pub(crate) fn read(layout: &Layout, row: &Row) -> Read<ImportRow> {
    no_errors(layout, row)?;
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

/// Characters of an error's name that are told: the longest that Excel has is `#GETTING_DATA`, and
/// what a file calls an error may be anything.
const ERROR_NAME_MAX: usize = 20;

/// What a spreadsheet program could not calculate is no name and no id. In a column that fills no
/// field it does not matter.
fn no_errors(layout: &Layout, row: &Row) -> Read<()> {
    let fills = |column: &usize| {
        let filled = layout.columns.get(*column);
        filled.is_some_and(|column| column.field.is_some())
    };
    let Some(column) = row.errors.iter().copied().filter(fills).min() else {
        return Ok(());
    };
    let name = row.cells.get(column).map_or("", String::as_str);
    let name = name.chars().take(ERROR_NAME_MAX).collect();
    Err((At::Column(column), RowFault::ErrorCell(name)))
}

struct Cells<'r> {
    layout: &'r Layout,
    cells: &'r [String],
}

impl<'r> Cells<'r> {
    /// All cells of a field with their columns; a blank one is none.
    fn all(&self, field: Field) -> impl Iterator<Item = (usize, Option<&'r str>)> {
        let fills = self.layout.columns.iter().enumerate();
        let fills = fills.filter(move |(_, column)| column.field == Some(field));
        let cells = self.cells;
        fills.map(move |(place, _)| {
            let cell = cells.get(place).map_or("", |cell| cell.trim());
            (place, (!cell.is_empty()).then_some(cell))
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
            parsed.map_err(|fault| (At::Column(column), RowFault::Text(fault)))
        };
        Ok(ContactKeys {
            id: self.id(Field::ContactId)?,
            external_id: self.text(Field::ContactExternalId, ExternalId::parse)?,
            emails: self
                .all(Field::ContactEmail)
                .map(email)
                .collect::<Read<_>>()?,
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
        let name = |text| Name::parse(text).map_err(|fault| (field.into(), RowFault::Text(fault)));
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
        let divides = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '、' | '；' | '，');
        let mut cc = Vec::new();
        for word in cell.split(divides).filter(|word| !word.is_empty()) {
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
        let wrong = || {
            malformed(
                field,
                "is no time: write it as 2026-11-24, 2026-11-24 09:30, 2026年11月24日 9時30分 or \
                 2026-11-24T09:30:00+09:00",
            )
        };
        instant(cell).map(Some).ok_or_else(wrong)
    }
}

fn malformed(field: Field, what: &str) -> CellFault {
    (field.into(), RowFault::Malformed(what.to_owned()))
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

    /// The row that these cells are read as.
    fn read_of(kind: Kind, header: &str, cells: &str) -> Read<ImportRow> {
        let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let layout = Layout::of(kind, &split(header), &[]).expect("a header");
        let cells = split(cells);
        let row = Row {
            cells,
            ..Row::default()
        };
        read(&layout, &row)
    }

    #[test]
    fn yes_and_no_and_ids_are_read_in_any_width_and_case() {
        for (cell, is) in [
            ("１", Some(true)),
            ("ＹＥＳ", Some(true)),
            ("True", Some(true)),
            ("◯", Some(true)),
            ("０", Some(false)),
            ("ｎｏ", Some(false)),
            (" ", None),
        ] {
            let header = "連絡先ID,取引先ID,メイン";
            let read = read_of(Kind::Associations, header, &format!("ｃ１２,Ａ３,{cell}"));
            let Ok(ImportRow::Association(row)) = read else {
                panic!("{cell}: {read:?}");
            };
            assert_eq!(row.primary, is, "{cell}");
            assert_eq!(row.contact.id.map(|id| id.number()), Some(12));
            assert_eq!(row.account.id.map(|id| id.number()), Some(3));
        }
        let read = read_of(Kind::Tickets, "Ticket ID,CC", "T1,ｃ５ Ｃ６、c7");
        let Ok(ImportRow::Ticket(row)) = read else {
            panic!("{read:?}");
        };
        assert_eq!(row.cc.map(|cc| cc.len()), Some(3));
    }

    #[test]
    fn a_bad_address_is_told_in_its_own_column() {
        let read = read_of(
            Kind::Contacts,
            "姓,Email,Secondary Email",
            "田中,t@x.jp,nowhere",
        );
        let expected = RowFault::Text(TextFault::NotAnAddress);
        assert_eq!(read, Err((At::Column(2), expected)));
    }

    #[test]
    fn an_error_of_the_spreadsheet_is_no_text_where_its_column_fills_a_field() {
        let header = ["姓", "備考", "Email"].map(str::to_owned);
        let layout = Layout::of(Kind::Contacts, &header, &[]).expect("a header");
        let cells = ["#N/A", "#REF!", "t@x.jp"].map(str::to_owned).to_vec();
        let with = |errors: &[usize]| {
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
        assert!(with(&[]).is_ok());
        assert!(with(&[1]).is_ok());
        let expected = (At::Column(0), RowFault::ErrorCell("#N/A".to_owned()));
        assert_eq!(with(&[2, 1, 0]), Err(expected));
    }

    #[test]
    fn a_word_of_a_closed_ticket_is_closed_and_any_other_is_open() {
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
