//! The first pass over a file, before anything is written: can all of it be read, how many rows
//! has it, and which of them name the same record and do not agree.
//!
//! What was seen is kept as hashes, never as texts, so that a long file needs little memory: 128
//! bits for what names a record, 64 for each thing that is said of it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

use roster_core::names::fold;
use roster_core::rules::import::{
    AccountKeys, AccountRow, AssociationRow, ContactKeys, ContactRow, ImportRow, Reading, TicketRow,
};
use roster_core::text::{Email, ExternalId};

/// What names a record.
type Key = u128;
/// What a row says of one field; 0: nothing.
type Said = u64;

/// Rows that name the same record and do not agree.
#[derive(Default)]
pub(crate) struct Conflicts(HashMap<Key, [u64; 2]>);

/// Makes keys; random, so that nobody can make two rows alike on purpose.
#[derive(Default)]
pub(crate) struct Hashes(RandomState, RandomState);

impl Hashes {
    fn key(&self, what: impl Hash) -> Key {
        (Key::from(self.0.hash_one(&what)) << 64) | Key::from(self.1.hash_one(&what))
    }

    fn said(&self, what: impl Hash) -> Said {
        // 0 is what says nothing.
        self.0.hash_one(what) | 1
    }

    fn said_if(&self, what: Option<impl Hash>) -> Said {
        what.map_or(0, |what| self.said(what))
    }
}

/// What a row says: by what keys, and of which fields what.
struct Statement {
    keys: Vec<Key>,
    said: Vec<Said>,
}

/// Where a key stood first.
struct Seen {
    row: u64,
    /// Which statement, counted by its width.
    statement: u32,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Survey {
    hashes: Hashes,
    seen: HashMap<Key, Seen>,
    /// What was said under the keys, each statement as wide as the rows of the file.
    said: Vec<Said>,
    /// Which account is to be a contact's primary, by contact.
    primaries: HashMap<Key, (u64, Said)>,
    conflicts: Conflicts,
}

impl Survey {
    /// Takes note of a row.
    pub(crate) fn see(&mut self, number: u64, row: &ImportRow) {
        let statement = self.hashes.statement(row);
        let width = statement.said.len();
        let known = statement.keys.iter().find_map(|key| self.seen.get(key));
        let at = match known {
            Some(seen) => seen.statement,
            None => {
                let at = self.said.len() / width.max(1);
                self.said.extend(&statement.said);
                u32::try_from(at).unwrap_or(u32::MAX)
            }
        };
        for key in &statement.keys {
            let Some(seen) = self.seen.get(key) else {
                let row = number;
                self.seen.insert(*key, Seen { row, statement: at });
                continue;
            };
            let start = seen.statement as usize * width;
            let Some(before) = self.said.get_mut(start..start + width) else {
                continue;
            };
            if !agree(before, &statement.said) {
                self.conflicts.0.entry(*key).or_insert([seen.row, number]);
            }
        }
        if let ImportRow::Association(row) = row {
            self.see_primary(number, row);
        }
    }

    /// Two rows that want different primaries for one contact do not agree either.
    fn see_primary(&mut self, number: u64, row: &AssociationRow) {
        let account = self.hashes.account(&row.account);
        for key in self.hashes.primary(row) {
            let (first, wanted) = self.primaries.entry(key).or_insert((number, account));
            if *wanted != account {
                self.conflicts.0.entry(key).or_insert([*first, number]);
            }
        }
    }

    /// What the second pass needs to know.
    pub(crate) fn finish(self) -> Disagreements {
        Disagreements {
            hashes: self.hashes,
            conflicts: self.conflicts,
        }
    }
}

/// Whether two statements contradict each other nowhere; if so the first learns what the second
/// adds, so that a third is compared with both.
fn agree(before: &mut [Said], now: &[Said]) -> bool {
    let contradict = |(before, now): (&Said, &Said)| *before != 0 && *now != 0 && before != now;
    if before.iter().zip(now).any(contradict) {
        return false;
    }
    for (before, now) in before.iter_mut().zip(now) {
        if *before == 0 {
            *before = *now;
        }
    }
    true
}

/// The rows of a file that do not agree, to be asked of each in the second pass.
pub(crate) struct Disagreements {
    hashes: Hashes,
    conflicts: Conflicts,
}

impl Disagreements {
    /// Two rows that do not agree and of which this row is one, or names the same record.
    pub(crate) fn of(&self, row: &ImportRow) -> Option<[u64; 2]> {
        if self.conflicts.0.is_empty() {
            return None;
        }
        let mut keys = self.hashes.statement(row).keys;
        if let ImportRow::Association(row) = row {
            keys.extend(self.hashes.primary(row));
        }
        keys.iter()
            .find_map(|key| self.conflicts.0.get(key))
            .copied()
    }
}

/// Tells keys of different kinds apart.
#[derive(Hash)]
enum Named<'a> {
    Id(u64),
    ExternalId(String),
    Email(String),
    Name(&'a str),
}

impl Hashes {
    fn statement(&self, row: &ImportRow) -> Statement {
        match row {
            ImportRow::Account(row) => self.of_account(row),
            ImportRow::Contact(row) => self.of_contact(row),
            ImportRow::Association(row) => self.of_association(row),
            ImportRow::Ticket(row) => self.of_ticket(row),
        }
    }

    fn of_account(&self, row: &AccountRow) -> Statement {
        let AccountRow {
            keys,
            name_reading,
            website,
        } = row;
        let named = named_account(keys);
        let by_name = keys.id.is_none() && keys.external_id.is_none();
        let name = keys.name.as_ref();
        // By a name all its spellings are one; beside another key its spelling is written.
        let spelled = name.map(|name| {
            if by_name {
                name.key()
            } else {
                name.name.as_str()
            }
        });
        Statement {
            said: vec![
                self.said_if(keys.id.map(|id| id.number())),
                self.said_if(keys.external_id.as_ref().map(folded)),
                self.said_if(spelled),
                self.said_if(name_reading.as_ref()),
                self.said_if(website.as_ref()),
            ],
            keys: named.iter().map(|name| self.key(name)).collect(),
        }
    }

    fn of_contact(&self, row: &ContactRow) -> Statement {
        let ContactRow {
            keys,
            given_name,
            reading,
            phone,
            // The account and the association are of no contact's own.
            account: _,
        } = row;
        let named = named_contact(keys);
        let by_name = contact_keys(keys).is_empty();
        let name = keys.name.as_ref();
        let whole = name.filter(|name| by_name || name.name.whole);
        let parts = name.filter(|name| !by_name && !name.name.whole);
        let given = parts.and_then(|name| name.name.given.as_ref());
        let (family_reading, given_reading) = match reading {
            None => (None, None),
            Some(Reading::Whole { family, given }) => (Some(family), given.as_ref()),
            Some(Reading::Parts { family, given }) => (family.as_ref(), given.as_ref()),
        };
        let mut said = vec![
            self.said_if(keys.id.map(|id| id.number())),
            self.said_if(keys.external_id.as_ref().map(folded)),
            self.said_if(whole.map(|name| name.key())),
            self.said_if(parts.map(|name| &name.name.family)),
            self.said_if(given.or(given_name.as_ref())),
            self.said_if(family_reading),
            self.said_if(given_reading),
            self.said_if(phone.as_ref()),
        ];
        let emails = keys.emails.iter();
        said.extend(emails.map(|email| self.said_if(email.as_ref().map(|e| fold(e.as_str())))));
        Statement {
            keys: named.iter().map(|name| self.key(name)).collect(),
            said,
        }
    }

    fn of_association(&self, row: &AssociationRow) -> Statement {
        let accounts = named_account(&row.account);
        let pairs = named_contact(&row.contact);
        let pairs = pairs.iter().flat_map(|contact| {
            let key = move |account| self.key((contact, account));
            accounts.iter().map(key)
        });
        Statement {
            keys: pairs.collect(),
            said: vec![
                self.said_if(row.primary),
                self.said_if(row.sees_account_tickets),
                self.said_if(row.role.as_ref()),
            ],
        }
    }

    fn of_ticket(&self, row: &TicketRow) -> Statement {
        let cc = row.cc.as_ref().map(|cc| format!("{cc:?}"));
        let said_of = |is_empty: bool, said: Said| if is_empty { 0 } else { said };
        Statement {
            keys: vec![self.key(&row.key)],
            said: vec![
                said_of(row.requester.is_empty(), self.contact(&row.requester)),
                said_of(row.account.is_empty(), self.account(&row.account)),
                self.said_if(row.subject.as_ref()),
                self.said_if(row.status),
                self.said_if(cc),
                self.said_if(row.private),
                self.said_if(row.create_time),
            ],
        }
    }

    /// Under what to note which account a contact's primary is to be; nothing where the row does
    /// not want one.
    fn primary(&self, row: &AssociationRow) -> Vec<Key> {
        if row.primary != Some(true) {
            return Vec::new();
        }
        let contacts = named_contact(&row.contact);
        let key = |contact| self.key(("primary", contact));
        contacts.iter().map(key).collect()
    }

    /// The account that a row names, by its strongest key.
    fn account(&self, keys: &AccountKeys) -> Said {
        self.said(named_account(keys).first())
    }

    /// The contact that a row names, by its strongest key.
    fn contact(&self, keys: &ContactKeys) -> Said {
        self.said(named_contact(keys).first())
    }
}

/// By what a row names an account: by its name only where it has no stronger key.
fn named_account(keys: &AccountKeys) -> Vec<Named<'_>> {
    let id = keys.id.map(|id| Named::Id(id.number()));
    let external = keys.external_id.as_ref().map(external);
    let mut named: Vec<Named<'_>> = id.into_iter().chain(external).collect();
    if named.is_empty() {
        named.extend(keys.name.as_ref().map(|name| Named::Name(name.key())));
    }
    named
}

/// By what a row names a contact: by the name only where it has no stronger key.
fn named_contact(keys: &ContactKeys) -> Vec<Named<'_>> {
    let mut named = contact_keys(keys);
    if named.is_empty() {
        named.extend(keys.name.as_ref().map(|name| Named::Name(name.key())));
    }
    named
}

fn contact_keys(keys: &ContactKeys) -> Vec<Named<'_>> {
    let id = keys.id.map(|id| Named::Id(id.number()));
    let external = keys.external_id.as_ref().map(external);
    let email = |email: &Email| Named::Email(fold(email.as_str()));
    let emails = keys.given_emails().map(email);
    id.into_iter().chain(external).chain(emails).collect()
}

fn external(id: &ExternalId) -> Named<'static> {
    Named::ExternalId(folded(id))
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

    /// Which of these rows, counted from 1, are told to disagree.
    fn disagreeing(kind: Kind, header: &str, rows: &[&str]) -> Vec<usize> {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let row = |line: &str| Row {
            cells: cells(line),
            ..Row::default()
        };
        let layout = Layout::of(kind, &cells(header), &[]).expect("a header");
        let read = |line: &&str| cells::read(&layout, &row(line)).expect("a row");
        let rows: Vec<ImportRow> = rows.iter().map(read).collect();
        let mut survey = Survey::default();
        for (number, row) in (1..).zip(&rows) {
            survey.see(number, row);
        }
        let disagreements = survey.finish();
        let told = rows.iter().zip(1..);
        told.filter(|(row, _)| disagreements.of(row).is_some())
            .map(|(_, number)| number)
            .collect()
    }

    #[test]
    fn rows_of_different_records_agree_with_anything() {
        let header = "取引先コード,取引先名";
        assert!(disagreeing(Kind::Accounts, header, &["D1,山田", "D2,山田", "D3,鈴木"]).is_empty());
    }

    #[test]
    fn a_blank_cell_contradicts_nothing_and_a_third_row_meets_both_before_it() {
        let header = "社員番号,姓,名,メール";
        let agreeing = ["E1,田中,,", "e1,,太郎,", "Ｅ１,田中,太郎,t@x.jp"];
        assert!(disagreeing(Kind::Contacts, header, &agreeing).is_empty());
        let rows = ["E1,田中,,", "E1,,太郎,", "E2,林,,", "E1,,次郎,"];
        assert_eq!(disagreeing(Kind::Contacts, header, &rows), [1, 2, 4]);
    }

    #[test]
    fn rows_that_share_a_weaker_key_must_agree_in_the_stronger_one() {
        let rows = ["E1,田中,,t@x.jp", "E2,田中,,t@x.jp", "E3,田中,,u@x.jp"];
        assert_eq!(
            disagreeing(Kind::Contacts, "社員番号,姓,名,メール", &rows),
            [1, 2]
        );
    }

    #[test]
    fn several_accounts_of_one_person_agree_and_two_primaries_do_not() {
        let header = "社員番号,取引先コード,メイン";
        let header = header.replace("取引先コード", "account.external_id");
        let header = header.replace("社員番号", "contact.external_id");
        let rows = ["E1,D1,", "E1,D2,はい", "E1,D3,いいえ"];
        assert!(disagreeing(Kind::Associations, &header, &rows).is_empty());
        let rows = ["E1,D1,1", "E1,D2,", "E1,D3,yes", "E2,D1,1", "e1,d3,1"];
        assert_eq!(disagreeing(Kind::Associations, &header, &rows), [1, 3, 5]);
    }

    #[test]
    fn rows_of_one_pair_must_agree_whether_it_is_the_primary_and_a_blank_cell_does_not_say() {
        let header = "contact.external_id,account.external_id,Primary";
        let told = |rows: &[&str]| disagreeing(Kind::Associations, header, rows);
        assert_eq!(told(&["n1,s1,はい", "n1,s1,いいえ"]), [1, 2]);
        assert_eq!(told(&["n1,s1,no", "n2,s1,yes", "N1,S1,1"]), [1, 3]);
        assert_eq!(
            told(&["n1,s1,はい", "n1,t1,いいえ", "n1,t1,はい"]),
            [1, 2, 3]
        );
        assert!(told(&["n1,s1,はい", "n1,s1,", "n1,s1,1", "n1,t1,いいえ", "n1,t1,"]).is_empty());
        // A blank cell between them hides nothing.
        assert_eq!(told(&["n1,s1,", "n1,s1,はい", "n1,s1,いいえ"]), [1, 2, 3]);
    }

    #[test]
    fn a_pair_is_one_by_any_identifier_that_two_rows_share() {
        let header = "contact.external_id,Email,account.external_id,Company,Primary";
        let told = |rows: &[&str]| disagreeing(Kind::Associations, header, rows);
        assert_eq!(
            told(&["n1,n@x.jp,s1,,はい", ",N@x.jp,S1,山田,いいえ"]),
            [1, 2]
        );
        assert_eq!(told(&["n1,n@x.jp,s1,,はい", ",n@x.jp,t1,,はい"]), [1, 2]);
        assert!(told(&["n1,n@x.jp,s1,,はい", "n2,m@x.jp,s1,,いいえ"]).is_empty());
    }

    #[test]
    fn tickets_of_one_id_must_say_the_same() {
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
