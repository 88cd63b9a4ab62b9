//! The first pass over a file, before anything is written. It reads and counts all rows, and finds
//! rows that identify the same record but disagree.
//!
//! The pass stores hashes instead of texts, so that a long file needs little memory: 128 bits for
//! each key of a record and 64 bits for each value.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use roster_core::names::fold;
use roster_core::rules::import::{
    AccountKeys, AccountRow, AssociationRow, ContactKeys, ContactRow, ImportRow, Reading, TicketRow,
};
use roster_core::text::{Email, ExternalId};

/// Hash of a key of a record.
type Key = u128;
/// Hash of the value of a field in a row; 0 if the row has no value.
type Value = u64;

/// For each key of a record whose rows disagree: two rows that disagree.
#[derive(Default)]
pub(crate) struct Conflicts(HashMap<Key, [u64; 2]>);

/// Computes the hashes. The seeds are random, so that nobody can construct collisions.
#[derive(Default)]
pub(crate) struct Hasher(RandomState, RandomState);

impl Hasher {
    fn key(&self, key: impl Hash) -> Key {
        (Key::from(self.0.hash_one(&key)) << 64) | Key::from(self.1.hash_one(&key))
    }

    fn value(&self, value: impl Hash) -> Value {
        // 0 means no value.
        self.0.hash_one(value) | 1
    }

    fn optional_value(&self, value: Option<impl Hash>) -> Value {
        value.map_or(0, |value| self.value(value))
    }
}

/// The hashes of a row: its keys and the values of its fields.
struct RowHashes {
    keys: Vec<Key>,
    values: Vec<Value>,
}

/// The first occurrence of a key.
struct FirstSeen {
    row: u64,
    /// Index of the record in [`Survey::values`], in units of the number of fields.
    record: u32,
}

/// See the module documentation.
#[derive(Default)]
pub(crate) struct Survey {
    hasher: Hasher,
    seen: HashMap<Key, FirstSeen>,
    /// The values of the records, each with one value for each field of the kind.
    values: Vec<Value>,
    /// By contact: the first row that sets the primary account, and that account.
    primaries: HashMap<Key, (u64, Value)>,
    conflicts: Conflicts,
}

impl Survey {
    /// Adds a row.
    pub(crate) fn add(&mut self, number: u64, row: &ImportRow) {
        let hashes = self.hasher.row(row);
        let width = hashes.values.len();
        let known = hashes.keys.iter().find_map(|key| self.seen.get(key));
        let record = match known {
            Some(seen) => seen.record,
            None => {
                let record = self.values.len() / width.max(1);
                self.values.extend(&hashes.values);
                u32::try_from(record).unwrap_or(u32::MAX)
            }
        };
        for key in &hashes.keys {
            let Some(seen) = self.seen.get(key) else {
                let row = number;
                self.seen.insert(*key, FirstSeen { row, record });
                continue;
            };
            let start = seen.record as usize * width;
            let Some(known) = self.values.get_mut(start..start + width) else {
                continue;
            };
            if !merge(known, &hashes.values) {
                self.conflicts.0.entry(*key).or_insert([seen.row, number]);
            }
        }
        if let ImportRow::Association(row) = row {
            self.add_primary(number, row);
        }
    }

    /// Rows that set different primary accounts for the same contact disagree, too.
    fn add_primary(&mut self, number: u64, row: &AssociationRow) {
        let account = self.hasher.account_value(&row.account);
        for key in self.hasher.primary_keys(row) {
            let (first, primary) = self.primaries.entry(key).or_insert((number, account));
            if *primary != account {
                self.conflicts.0.entry(key).or_insert([*first, number]);
            }
        }
    }

    /// Returns the disagreements for the second pass.
    pub(crate) fn finish(self) -> Disagreements {
        Disagreements {
            hasher: self.hasher,
            conflicts: self.conflicts,
        }
    }
}

/// Merges the values of a row into those of its record, so that a third row is compared with both.
/// Returns false and changes nothing if a field has two different values.
fn merge(known: &mut [Value], row: &[Value]) -> bool {
    let differ = |(known, row): (&Value, &Value)| *known != 0 && *row != 0 && known != row;
    if known.iter().zip(row).any(differ) {
        return false;
    }
    for (known, row) in known.iter_mut().zip(row) {
        if *known == 0 {
            *known = *row;
        }
    }
    true
}

/// The rows of a file that disagree. The second pass looks up each row.
pub(crate) struct Disagreements {
    hasher: Hasher,
    conflicts: Conflicts,
}

impl Disagreements {
    /// Returns the numbers of two rows that disagree about the record of this row.
    pub(crate) fn conflict_of(&self, row: &ImportRow) -> Option<[u64; 2]> {
        if self.conflicts.0.is_empty() {
            return None;
        }
        let mut keys = self.hasher.row(row).keys;
        if let ImportRow::Association(row) = row {
            keys.extend(self.hasher.primary_keys(row));
        }
        keys.iter()
            .find_map(|key| self.conflicts.0.get(key))
            .copied()
    }
}

/// A key of a record. The variants give keys of different kinds different hashes.
#[derive(Hash)]
enum Identifier<'a> {
    Id(u64),
    ExternalId(String),
    Email(String),
    Name(&'a str),
}

impl Hasher {
    fn row(&self, row: &ImportRow) -> RowHashes {
        match row {
            ImportRow::Account(row) => self.account_row(row),
            ImportRow::Contact(row) => self.contact_row(row),
            ImportRow::Association(row) => self.association_row(row),
            ImportRow::Ticket(row) => self.ticket_row(row),
        }
    }

    fn account_row(&self, row: &AccountRow) -> RowHashes {
        let AccountRow {
            keys,
            name_reading,
            website,
        } = row;
        let identifiers = account_identifiers(keys);
        let by_name = keys.id.is_none() && keys.external_id.is_none();
        let name = keys.name.as_ref();
        // If the name is the key, all its spellings are equal. Otherwise the import writes the
        // spelling.
        let spelling = name.map(|name| {
            if by_name {
                name.key()
            } else {
                name.name.as_str()
            }
        });
        RowHashes {
            values: vec![
                self.optional_value(keys.id.map(|id| id.number())),
                self.optional_value(keys.external_id.as_ref().map(folded)),
                self.optional_value(spelling),
                self.optional_value(name_reading.as_ref()),
                self.optional_value(website.as_ref()),
            ],
            keys: identifiers.iter().map(|key| self.key(key)).collect(),
        }
    }

    fn contact_row(&self, row: &ContactRow) -> RowHashes {
        let ContactRow {
            keys,
            given_name,
            reading,
            phone,
            // The account and the association do not belong to the contact record.
            account: _,
        } = row;
        let identifiers = contact_identifiers(keys);
        let by_name = strong_contact_identifiers(keys).is_empty();
        let name = keys.name.as_ref();
        let whole = name.filter(|name| by_name || name.name.whole);
        let parts = name.filter(|name| !by_name && !name.name.whole);
        let given = parts.and_then(|name| name.name.given.as_ref());
        let (family_reading, given_reading) = match reading {
            None => (None, None),
            Some(Reading::Whole { family, given }) => (Some(family), given.as_ref()),
            Some(Reading::Parts { family, given }) => (family.as_ref(), given.as_ref()),
        };
        let mut values = vec![
            self.optional_value(keys.id.map(|id| id.number())),
            self.optional_value(keys.external_id.as_ref().map(folded)),
            self.optional_value(whole.map(|name| name.key())),
            self.optional_value(parts.map(|name| &name.name.family)),
            self.optional_value(given.or(given_name.as_ref())),
            self.optional_value(family_reading),
            self.optional_value(given_reading),
            self.optional_value(phone.as_ref()),
        ];
        let emails = keys.emails.iter();
        values.extend(
            emails.map(|email| self.optional_value(email.as_ref().map(|e| fold(e.as_str())))),
        );
        RowHashes {
            keys: identifiers.iter().map(|key| self.key(key)).collect(),
            values,
        }
    }

    fn association_row(&self, row: &AssociationRow) -> RowHashes {
        let accounts = account_identifiers(&row.account);
        let pairs = contact_identifiers(&row.contact);
        let pairs = pairs.iter().flat_map(|contact| {
            let key = move |account| self.key((contact, account));
            accounts.iter().map(key)
        });
        RowHashes {
            keys: pairs.collect(),
            values: vec![
                self.optional_value(row.primary),
                self.optional_value(row.sees_account_tickets),
                self.optional_value(row.role.as_ref()),
            ],
        }
    }

    fn ticket_row(&self, row: &TicketRow) -> RowHashes {
        let cc = row.cc.as_ref().map(|cc| format!("{cc:?}"));
        let unless_empty = |is_empty: bool, value: Value| if is_empty { 0 } else { value };
        RowHashes {
            keys: vec![self.key(&row.key)],
            values: vec![
                unless_empty(row.requester.is_empty(), self.contact_value(&row.requester)),
                unless_empty(row.account.is_empty(), self.account_value(&row.account)),
                self.optional_value(row.subject.as_ref()),
                self.optional_value(row.status),
                self.optional_value(cc),
                self.optional_value(row.private),
                self.optional_value(row.create_time),
            ],
        }
    }

    /// Returns the keys under which to store the primary account of a contact; empty if the row
    /// does not set the primary account.
    fn primary_keys(&self, row: &AssociationRow) -> Vec<Key> {
        if row.primary != Some(true) {
            return Vec::new();
        }
        let contacts = contact_identifiers(&row.contact);
        let key = |contact| self.key(("primary", contact));
        contacts.iter().map(key).collect()
    }

    /// Returns the hash of the account of a row, by its strongest key.
    fn account_value(&self, keys: &AccountKeys) -> Value {
        self.value(account_identifiers(keys).first())
    }

    /// Returns the hash of the contact of a row, by its strongest key.
    fn contact_value(&self, keys: &ContactKeys) -> Value {
        self.value(contact_identifiers(keys).first())
    }
}

/// Returns the keys of an account in a row. The name is a key only if there is no stronger key.
fn account_identifiers(keys: &AccountKeys) -> Vec<Identifier<'_>> {
    let id = keys.id.map(|id| Identifier::Id(id.number()));
    let external_id = keys.external_id.as_ref().map(external_id);
    let mut identifiers: Vec<Identifier<'_>> = id.into_iter().chain(external_id).collect();
    if identifiers.is_empty() {
        identifiers.extend(keys.name.as_ref().map(|name| Identifier::Name(name.key())));
    }
    identifiers
}

/// Returns the keys of a contact in a row. The name is a key only if there is no stronger key.
fn contact_identifiers(keys: &ContactKeys) -> Vec<Identifier<'_>> {
    let mut identifiers = strong_contact_identifiers(keys);
    if identifiers.is_empty() {
        identifiers.extend(keys.name.as_ref().map(|name| Identifier::Name(name.key())));
    }
    identifiers
}

fn strong_contact_identifiers(keys: &ContactKeys) -> Vec<Identifier<'_>> {
    let id = keys.id.map(|id| Identifier::Id(id.number()));
    let external_id = keys.external_id.as_ref().map(external_id);
    let email = |email: &Email| Identifier::Email(fold(email.as_str()));
    let emails = keys.given_emails().map(email);
    id.into_iter().chain(external_id).chain(emails).collect()
}

fn external_id(id: &ExternalId) -> Identifier<'static> {
    Identifier::ExternalId(folded(id))
}

fn folded(id: &ExternalId) -> String {
    fold(id.as_str())
}

#[cfg(test)]
mod tests {
    use roster_sheet::Row;

    use super::*;
    use crate::cells;
    use crate::layout::{Kind, Layout};

    /// Returns the rows, counted from 1, that disagree with another row.
    fn disagreeing(kind: Kind, header: &str, rows: &[&str]) -> Vec<usize> {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let row = |line: &str| Row {
            cells: cells(line),
            ..Row::default()
        };
        let layout = Layout::from_header(kind, &cells(header), &[]).expect("a header");
        let read = |line: &&str| cells::read(&layout, &row(line)).expect("a row");
        let rows: Vec<ImportRow> = rows.iter().map(read).collect();
        let mut survey = Survey::default();
        for (number, row) in (1..).zip(&rows) {
            survey.add(number, row);
        }
        let disagreements = survey.finish();
        let numbered = rows.iter().zip(1..);
        numbered
            .filter(|(row, _)| disagreements.conflict_of(row).is_some())
            .map(|(_, number)| number)
            .collect()
    }

    #[test]
    fn rows_of_different_records_never_disagree() {
        let header = "取引先コード,取引先名";
        assert!(disagreeing(Kind::Accounts, header, &["D1,山田", "D2,山田", "D3,鈴木"]).is_empty());
    }

    #[test]
    fn a_blank_cell_agrees_with_any_value_and_a_third_row_is_compared_with_both_previous_rows() {
        let header = "社員番号,姓,名,メール";
        let agreeing = ["E1,田中,,", "e1,,太郎,", "Ｅ１,田中,太郎,t@x.jp"];
        assert!(disagreeing(Kind::Contacts, header, &agreeing).is_empty());
        let rows = ["E1,田中,,", "E1,,太郎,", "E2,林,,", "E1,,次郎,"];
        assert_eq!(disagreeing(Kind::Contacts, header, &rows), [1, 2, 4]);
    }

    #[test]
    fn rows_that_share_a_weaker_key_must_agree_about_the_stronger_key() {
        let rows = ["E1,田中,,t@x.jp", "E2,田中,,t@x.jp", "E3,田中,,u@x.jp"];
        assert_eq!(
            disagreeing(Kind::Contacts, "社員番号,姓,名,メール", &rows),
            [1, 2]
        );
    }

    #[test]
    fn several_accounts_of_a_contact_agree_but_two_primary_accounts_disagree() {
        let header = "社員番号,取引先コード,メイン";
        let header = header.replace("取引先コード", "account.external_id");
        let header = header.replace("社員番号", "contact.external_id");
        let rows = ["E1,D1,", "E1,D2,はい", "E1,D3,いいえ"];
        assert!(disagreeing(Kind::Associations, &header, &rows).is_empty());
        let rows = ["E1,D1,1", "E1,D2,", "E1,D3,yes", "E2,D1,1", "e1,d3,1"];
        assert_eq!(disagreeing(Kind::Associations, &header, &rows), [1, 3, 5]);
    }

    #[test]
    fn rows_of_the_same_association_must_agree_about_primary_unless_the_cell_is_blank() {
        let header = "contact.external_id,account.external_id,Primary";
        let disagreeing_rows = |rows: &[&str]| disagreeing(Kind::Associations, header, rows);
        assert_eq!(disagreeing_rows(&["n1,s1,はい", "n1,s1,いいえ"]), [1, 2]);
        assert_eq!(
            disagreeing_rows(&["n1,s1,no", "n2,s1,yes", "N1,S1,1"]),
            [1, 3]
        );
        assert_eq!(
            disagreeing_rows(&["n1,s1,はい", "n1,t1,いいえ", "n1,t1,はい"]),
            [1, 2, 3]
        );
        assert!(
            disagreeing_rows(&["n1,s1,はい", "n1,s1,", "n1,s1,1", "n1,t1,いいえ", "n1,t1,"])
                .is_empty()
        );
        // A blank cell before them does not hide the disagreement.
        assert_eq!(
            disagreeing_rows(&["n1,s1,", "n1,s1,はい", "n1,s1,いいえ"]),
            [1, 2, 3]
        );
    }

    #[test]
    fn two_rows_are_the_same_association_if_they_share_any_identifiers_of_both_sides() {
        let header = "contact.external_id,Email,account.external_id,Company,Primary";
        let disagreeing_rows = |rows: &[&str]| disagreeing(Kind::Associations, header, rows);
        assert_eq!(
            disagreeing_rows(&["n1,n@x.jp,s1,,はい", ",N@x.jp,S1,山田,いいえ"]),
            [1, 2]
        );
        assert_eq!(
            disagreeing_rows(&["n1,n@x.jp,s1,,はい", ",n@x.jp,t1,,はい"]),
            [1, 2]
        );
        assert!(disagreeing_rows(&["n1,n@x.jp,s1,,はい", "n2,m@x.jp,s1,,いいえ"]).is_empty());
    }

    #[test]
    fn rows_of_the_same_ticket_must_agree() {
        let header = "問い合わせ番号,件名,メール";
        let rows = [
            "T1,壊れた,a@x.jp",
            "t1,遅い,a@x.jp",
            "T1,壊れた,b@x.jp",
            "T2,,b@x.jp",
        ];
        assert_eq!(disagreeing(Kind::Tickets, header, &rows), [1, 3]);
    }
}
