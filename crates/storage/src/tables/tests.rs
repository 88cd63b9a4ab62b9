//! Both engines' tables, the codecs and the schema have the same columns.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection, sql_query};

use super::cell::Table;
use super::codec::Privacy;
use super::of_organization::{KEPT, REMOVED, REMOVED_OTHERWISE};
use super::records::{AccountRow, AssociationRow, ContactRow, TicketRow};
use super::rows::{
    CC, CHANGE_SET_BITMAPS, CHANGE_SET_PARTS, CHANGE_SET_SUBJECTS, CHANGE_SETS, GRAM_STRETCHES,
    HEADING_COUNTS, IMPORT_REJECTS, REQUEST_ANSWERS, UNIQUE_KEYS,
};
use crate::testing::TestStore;

/// Columns that the tables have for later versions and that no codec writes yet.
const KEPT_FOR_LATER: &[(&str, &[&str])] = &[
    ("accounts", &["external_ids", "parent", "state"]),
    ("contacts", &["address_verified", "external_ids"]),
    (
        "associations",
        &[
            "confirm_time",
            "confirmed_by",
            "end_time",
            "sight",
            "start_time",
        ],
    ),
];

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

#[derive(QueryableByName)]
struct PlanRow {
    #[diesel(sql_type = Text)]
    detail: String,
}

type Columns = BTreeMap<String, BTreeSet<String>>;

fn by_table(rows: Vec<ColumnRow>) -> Columns {
    let mut columns = Columns::new();
    for row in rows {
        columns
            .entry(row.table_name)
            .or_default()
            .insert(row.column_name);
    }
    columns
}

fn of_sqlite() -> Columns {
    let store = TestStore::sqlite();
    let path = store.url().strip_prefix("sqlite:").expect("a path");
    let mut conn = SqliteConnection::establish(path).expect("the database");
    let rows = sql_query(
        "SELECT m.name AS table_name, c.name AS column_name \
         FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'",
    );
    by_table(rows.load(&mut conn).expect("columns"))
}

fn of_postgres() -> Columns {
    let store = TestStore::postgres();
    let mut conn = PgConnection::establish(store.url()).expect("the database");
    let rows = sql_query(
        "SELECT table_name::text, column_name::text FROM information_schema.columns \
         WHERE table_schema = current_schema()",
    );
    by_table(rows.load(&mut conn).expect("columns"))
}

/// Whether only one engine has the table: tables of grams and of migrations.
fn is_of_one_engine(table: &str) -> bool {
    table.contains("_grams") || table.starts_with("sqlite_") || table.starts_with("__diesel")
}

#[test]
fn both_engines_have_the_same_columns() {
    let (mut sqlite, mut postgres) = (of_sqlite(), of_postgres());
    sqlite.retain(|table, _| !is_of_one_engine(table));
    postgres.retain(|table, _| !is_of_one_engine(table));
    assert_eq!(sqlite, postgres);
}

/// A new table with rows of organizations is removed with them, or named as kept.
#[test]
fn every_table_with_an_organization_is_removed_with_it_or_named_as_kept() {
    let listed: BTreeSet<&str> = REMOVED
        .iter()
        .map(|table| table.name)
        .chain(REMOVED_OTHERWISE.iter().chain(KEPT).copied())
        .collect();
    for columns in [of_sqlite(), of_postgres()] {
        let of_organizations = columns
            .iter()
            .filter(|(_, columns)| columns.contains("org"));
        let found: BTreeSet<&str> = of_organizations.map(|(table, _)| table.as_str()).collect();
        let missing: Vec<_> = found.difference(&listed).collect();
        assert!(missing.is_empty(), "nobody removes {missing:?}");
        // Only PostgreSQL has the organization of grams in a column.
        let unknown: Vec<_> = listed
            .difference(&found)
            .filter(|table| !is_of_one_engine(table))
            .collect();
        assert!(unknown.is_empty(), "there is no {unknown:?}");
        for table in REMOVED {
            let key = table.key.iter().copied();
            assert!(
                key.clone()
                    .all(|column| columns[table.name].contains(column))
            );
        }
    }
}

/// A step would otherwise read all rows of all organizations.
#[test]
fn a_step_of_a_removal_on_sqlite_finds_its_rows_by_their_key() {
    let store = TestStore::sqlite();
    let path = store.url().strip_prefix("sqlite:").expect("a path");
    let mut conn = SqliteConnection::establish(path).expect("the database");
    for sql in crate::engine::sqlite::removal_statements() {
        let sql = sql.replace("?1", "7").replace("?2", "100");
        let plan: Vec<PlanRow> = sql_query(format!("EXPLAIN QUERY PLAN {sql}"))
            .load(&mut conn)
            .expect("a plan");
        for step in plan.iter().map(|row| &row.detail) {
            assert!(!step.starts_with("SCAN"), "{sql}: {step}");
        }
    }
}

/// Every table that is written row by row has the columns that its codec writes, the organization,
/// and the columns kept for later versions.
#[test]
fn every_column_is_written_by_a_codec_or_named_as_kept_for_later() {
    let columns = of_sqlite();
    for table in [
        &AccountRow::TABLE,
        &ContactRow::TABLE,
        &AssociationRow::TABLE,
        &TicketRow::TABLE,
        &UNIQUE_KEYS,
        &CC,
        &GRAM_STRETCHES,
        &HEADING_COUNTS,
        &CHANGE_SETS,
        &CHANGE_SET_PARTS,
        &CHANGE_SET_SUBJECTS,
        &CHANGE_SET_BITMAPS,
        &REQUEST_ANSWERS,
        &IMPORT_REJECTS,
    ] {
        let kept = KEPT_FOR_LATER.iter().find(|(name, _)| *name == table.name);
        let written = table.columns.iter().map(|(name, _)| *name);
        let expected: BTreeSet<String> = written
            .chain(kept.map_or(&[][..], |(_, kept)| kept).iter().copied())
            .chain(["org"])
            .map(str::to_owned)
            .collect();
        assert_eq!(columns[table.name], expected, "{}", table.name);
    }
}

/// A codec that does not say whether a column holds personal data does not compile. This test fixes
/// which columns do.
#[test]
fn the_codecs_tell_which_columns_hold_personal_data() {
    let personal = |table: &Table, privacy: &[(&'static str, Privacy)]| -> BTreeSet<&str> {
        let columns: BTreeSet<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        assert!(privacy.iter().all(|(name, _)| columns.contains(name)));
        let personal = privacy.iter().filter(|(_, of)| *of == Privacy::Personal);
        personal.map(|(name, _)| *name).collect()
    };
    let contacts = personal(&ContactRow::TABLE, ContactRow::PRIVACY);
    for column in [
        "family_name",
        "emails",
        "attributes",
        "search_text",
        "sort_key",
    ] {
        assert!(contacts.contains(column), "{column}");
    }
    assert!(!contacts.contains("blocked"));
    assert!(personal(&AccountRow::TABLE, AccountRow::PRIVACY).contains("name"));
    assert!(personal(&AssociationRow::TABLE, AssociationRow::PRIVACY).contains("role"));
    assert!(personal(&TicketRow::TABLE, TicketRow::PRIVACY).contains("subject"));
}
