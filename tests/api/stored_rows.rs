//! All stored rows of an organization, read from whatever tables the schema has.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection, sql_query};

use crate::search::number_of;
use crate::world::Database;

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

fn texts(database: &Database, sql: &str) -> Vec<String> {
    let rows: Vec<TextRow> = match database.url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).expect("the database");
            sql_query("PRAGMA busy_timeout = 10000")
                .execute(&mut conn)
                .expect("a time-out");
            sql_query(sql).load(&mut conn).expect("rows")
        }
        None => {
            let mut conn = PgConnection::establish(&database.url).expect("the database");
            sql_query(sql).load(&mut conn).expect("rows")
        }
    };
    rows.into_iter().map(|row| row.text).collect()
}

/// The tables that have a column of organizations.
fn tables(database: &Database) -> Vec<String> {
    let sql = if database.url.starts_with("sqlite:") {
        "SELECT m.name AS text FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
         WHERE m.type = 'table' AND c.name = 'org' ORDER BY m.name"
    } else {
        "SELECT table_name::text AS text FROM information_schema.columns \
         WHERE table_schema = current_schema() AND column_name = 'org' ORDER BY table_name"
    };
    let tables = texts(database, sql);
    assert!(tables.len() > 15, "{tables:?}");
    tables
}

/// The number of an organization.
pub fn number(database: &Database, name: &str) -> i64 {
    let sql = format!("SELECT org AS number FROM organizations WHERE name = '{name}'");
    number_of(database, &sql)
}

/// The rows of an organization, by table, as text and in order. Without the log of administration.
pub fn of(database: &Database, org: i64) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for table in tables(database) {
        if table != "admin_events" {
            let found = texts(database, &rows_of(database, &table, org));
            rows.insert(table, found);
        }
    }
    if database.url.starts_with("sqlite:") {
        for table in ["account_grams", "contact_grams"] {
            let sql = format!(
                "SELECT CAST(rowid AS TEXT) AS text FROM {table} WHERE rowid >> 40 = {org} \
                 ORDER BY 1"
            );
            rows.insert(table.to_owned(), texts(database, &sql));
        }
    }
    rows
}

fn rows_of(database: &Database, table: &str, org: i64) -> String {
    if database.url.starts_with("postgres") {
        return format!("SELECT t::text AS text FROM {table} AS t WHERE org = {org} ORDER BY 1");
    }
    let columns = format!("SELECT name AS text FROM pragma_table_info('{table}')");
    let quoted: Vec<_> = texts(database, &columns)
        .into_iter()
        .map(|column| format!("quote({column})"))
        .collect();
    let quoted = quoted.join(" || ',' || ");
    format!("SELECT {quoted} AS text FROM {table} WHERE org = {org} ORDER BY 1")
}

/// How many rows there are.
pub fn count(rows: &BTreeMap<String, Vec<String>>) -> usize {
    rows.values().map(Vec::len).sum()
}

/// Proofs of credentials that do not exist.
pub fn orphaned_proofs(database: &Database) -> i64 {
    number_of(
        database,
        "SELECT count(*) AS number FROM credential_proofs WHERE credential NOT IN \
         (SELECT credential FROM credentials)",
    )
}

/// Runs a statement.
pub fn run(database: &Database, sql: &str) {
    match database.url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut conn = SqliteConnection::establish(path).expect("the database");
            sql_query("PRAGMA busy_timeout = 10000")
                .execute(&mut conn)
                .expect("a time-out");
            sql_query(sql).execute(&mut conn)
        }
        None => {
            let mut conn = PgConnection::establish(&database.url).expect("the database");
            sql_query(sql).execute(&mut conn)
        }
    }
    .expect("run");
}
