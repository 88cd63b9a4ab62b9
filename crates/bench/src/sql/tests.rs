//! Compares the rows that the baselines write with the rows that the server writes for the same
//! associations, so that a migration that adds a column, an index or a table cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};
use roster_client::Roster;

use super::rows::Rows;
use super::tables::{
    associations, change_set_bitmaps, change_set_parts, change_set_subjects, change_sets,
};
use super::*;
use crate::bench::Bench;
use crate::calls::Clients;
use crate::databases::Engine;
use crate::fill::{Part, allow_multiple_accounts, import, parts};
use crate::options::{Measuring, ReportOnly};
use crate::rows::import::import_pairs;
use crate::world::{SEED_DEFAULT, Size, World};

/// Tables with a row per import or per server, not per association: the progress of an import, the
/// answer that started it, the lease of the server, and the counters of the organization.
const NOT_COMPARED: [&str; 5] = [
    "imports",
    "jobs",
    "request_answers",
    "servers",
    "organizations",
];
/// Columns whose values differ from run to run. Payloads are compared by their size.
const VALUES_DIFFER: [&str; 4] = ["create_time", "update_time", "nonce", "payload"];
/// Columns that the server leaves at their defaults when it creates an association.
const LEFT_AT_DEFAULT: [&str; 5] = [
    "start_time",
    "end_time",
    "sight",
    "confirm_time",
    "confirmed_by",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName, Debug, PartialEq, Eq)]
struct Profile {
    #[diesel(sql_type = BigInt)]
    values: i64,
    #[diesel(sql_type = Nullable<Text>)]
    smallest: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    largest: Option<String>,
}

/// Reads a database's schema and contents, on either engine.
enum Reader {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Reader {
    fn open(database: &Database) -> Self {
        match database.url.strip_prefix("sqlite:") {
            Some(path) => Self::Sqlite(SqliteConnection::establish(path).expect("a database")),
            None => Self::Postgres(PgConnection::establish(&database.url).expect("a database")),
        }
    }

    fn lines(&mut self, sqlite: &str, postgres: &str) -> Vec<String> {
        let lines: Vec<Line> = match self {
            Self::Sqlite(conn) => sql_query(sqlite).load(conn).expect("lines"),
            Self::Postgres(conn) => sql_query(postgres).load(conn).expect("lines"),
        };
        lines.into_iter().map(|line| line.line).collect()
    }

    /// All tables that have rows of their own.
    fn tables(&mut self) -> Vec<String> {
        self.lines(
            "SELECT name AS line FROM pragma_table_list WHERE type = 'table' \
             AND name NOT LIKE 'sqlite_%' ORDER BY name",
            "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' \
             ORDER BY tablename",
        )
    }

    fn columns(&mut self, table: &str) -> BTreeSet<String> {
        let sqlite = format!("SELECT name AS line FROM pragma_table_info('{table}')");
        let postgres = format!(
            "SELECT column_name::text AS line FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}'"
        );
        self.lines(&sqlite, &postgres).into_iter().collect()
    }

    /// The definitions of all indexes.
    fn indexes(&mut self) -> Vec<String> {
        self.lines(
            "SELECT coalesce(sql, name) AS line FROM sqlite_master WHERE type = 'index' ORDER BY 1",
            "SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        )
    }

    /// For each column of each compared table: the number of values that are not NULL, and the
    /// smallest and the largest.
    fn profiles(&mut self) -> BTreeMap<String, Profile> {
        let mut profiles = BTreeMap::new();
        for table in self.tables() {
            if NOT_COMPARED.contains(&table.as_str()) {
                continue;
            }
            for column in self.columns(&table) {
                let (smallest, largest) = if VALUES_DIFFER.contains(&column.as_str()) {
                    ("NULL".to_owned(), "NULL".to_owned())
                } else {
                    (format!("min({column})"), format!("max({column})"))
                };
                let sqlite = format!(
                    "SELECT count({column}) AS \"values\", hex({smallest}) AS smallest, \
                     hex({largest}) AS largest FROM {table}"
                );
                let postgres = sqlite
                    .replace(&format!("({column})"), &format!("({column}::text)"))
                    .replace("hex(", "md5(");
                let profile = match self {
                    Self::Sqlite(conn) => sql_query(sqlite).get_result(conn),
                    Self::Postgres(conn) => sql_query(postgres).get_result(conn),
                };
                profiles.insert(format!("{table}.{column}"), profile.expect("a profile"));
            }
        }
        profiles
    }

    /// The bytes of the payload of the newest change set.
    fn payload_bytes(&mut self) -> u64 {
        let sql = "SELECT CAST(sum(length(payload)) AS TEXT) AS line FROM change_set_parts \
                   WHERE revision = (SELECT max(revision) FROM change_sets)";
        self.lines(sql, sql)[0].parse().expect("a number")
    }
}

/// The server in the folder of the bench.
fn server() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    let folder = test.parent().and_then(Path::parent).expect("a folder");
    roster_testkit::server::program_in(folder, env!("CARGO"))
}

fn bench(size: Size) -> Bench {
    let measuring = Measuring {
        world: size,
        slices: 1,
        slice_ms: 50,
        // PostgreSQL runs as another user, who must be able to enter the folder.
        folder: PathBuf::from("/var/tmp"),
        seed: SEED_DEFAULT,
    };
    Bench::new(measuring, ReportOnly::default(), server()).expect("a bench")
}

/// Fills a database with the world's accounts, contacts and associations.
async fn filled(bench: &Bench, engine: Engine) -> Database {
    let (world, database) = (bench.world(), bench.databases.empty(engine).expect("empty"));
    let server = bench.serve(&database).expect("a server");
    let roster = Roster::connect(server.url()).await.expect("a client");
    allow_multiple_accounts(&roster).await.expect("settings");
    let is_needed = |part: &Part| part.kind != roster_api::v1::ImportKind::Tickets;
    for part in parts(&world).into_iter().filter(is_needed) {
        let path = bench.databases.folder().join("part.csv");
        part.write(&world, &path).expect("a file");
        import(&roster, &path, part.kind).await.expect("an import");
    }
    server.stop().expect("it stops");
    database
}

/// Asserts that two databases have the same schema and equal rows.
fn assert_equal(by_server: &Database, bare: &Database) {
    let (mut by_server, mut bare) = (Reader::open(by_server), Reader::open(bare));
    assert_eq!(by_server.indexes(), bare.indexes());
    let (expected, written) = (by_server.profiles(), bare.profiles());
    for (column, expected) in &expected {
        assert_eq!(Some(expected), written.get(column), "{column}");
    }
    assert_eq!(expected.len(), written.len());
    let (expected, written) = (by_server.payload_bytes(), bare.payload_bytes());
    assert!(
        (expected * 3 / 4..expected * 4 / 3).contains(&written),
        "a payload of {expected} bytes by the server, {written} bytes by the baseline"
    );
}

async fn a_raw_load_writes_the_rows_of_an_import(engine: Engine, size: Size) {
    let bench = bench(size);
    let world = bench.world();
    let filled = filled(&bench, engine).await;
    let imported = bench.databases.copy(&filled).expect("a copy");
    let server = bench.serve(&imported).expect("a server");
    let took = import_pairs(&bench, &server, &world).await;
    took.expect("an import");
    server.stop().expect("it stops");
    let loaded = bench.databases.copy(&filled).expect("a copy");
    let pairs: Vec<_> = (0..world.contacts).map(|n| world.new_pair(n)).collect();
    let mut bare = open(&loaded).expect("a connection");
    bare.load(&pairs).expect("rows");
    drop(bare);
    assert_equal(&imported, &loaded);
}

async fn a_bare_transaction_writes_the_rows_of_a_call(engine: Engine) {
    let bench = bench(Size::Tiny);
    let pair = bench.world().new_pair(0);
    let filled = filled(&bench, engine).await;
    let called = bench.databases.copy(&filled).expect("a copy");
    let server = bench.serve(&called).expect("a server");
    let clients = Clients::connect(&server.url()).await.expect("clients");
    clients.associate(0, pair).await.expect("an association");
    server.stop().expect("it stops");
    let written = bench.databases.copy(&filled).expect("a copy");
    let mut bare = open(&written).expect("a connection");
    bare.associate(pair).expect("rows");
    drop(bare);
    assert_equal(&called, &written);
}

/// With 1,100 subjects, its change set has bitmaps.
#[tokio::test(flavor = "multi_thread")]
async fn a_raw_load_writes_the_rows_of_a_large_import_on_sqlite() {
    a_raw_load_writes_the_rows_of_an_import(Engine::Sqlite, Size::S).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_load_writes_the_rows_of_a_large_import_on_postgres() {
    a_raw_load_writes_the_rows_of_an_import(Engine::Postgres, Size::S).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_transaction_writes_the_rows_of_a_call_on_sqlite() {
    a_bare_transaction_writes_the_rows_of_a_call(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_transaction_writes_the_rows_of_a_call_on_postgres() {
    a_bare_transaction_writes_the_rows_of_a_call(Engine::Postgres).await;
}

/// The columns that an INSERT names.
fn columns_of(insert: impl QueryFragment<diesel::sqlite::Sqlite>) -> BTreeSet<String> {
    let sql = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&insert).to_string();
    let (_, rest) = sql.split_once('(').expect("columns");
    let (columns, _) = rest.split_once(')').expect("columns");
    columns
        .split(", ")
        .map(|column| column.trim_matches('`').to_owned())
        .collect()
}

/// The columns that the baselines write, by table.
fn written_columns() -> [(&'static str, BTreeSet<String>); 5] {
    let world = World::new(Size::S, SEED_DEFAULT);
    let pairs: Vec<_> = (0..world.contacts).map(|n| world.new_pair(n)).collect();
    let many = Rows::of_import(&pairs, 1, 1).expect("rows");
    let few = Rows::of_call(pairs[0], 1).expect("rows");
    macro_rules! inserted {
        ($table:ident, $row:expr) => {
            (
                stringify!($table),
                columns_of(diesel::insert_into($table::table).values(&$row[0])),
            )
        };
    }
    [
        inserted!(associations, many.associations),
        inserted!(change_sets, many.change_sets),
        inserted!(change_set_parts, many.parts),
        inserted!(change_set_subjects, few.subjects),
        inserted!(change_set_bitmaps, many.bitmaps),
    ]
}

async fn baselines_write_every_column(engine: Engine) {
    let bench = bench(Size::Tiny);
    let database = bench.databases.empty(engine).expect("a database");
    let server = bench.serve(&database).expect("a server");
    server.stop().expect("it stops");
    let mut reader = Reader::open(&database);
    for (table, mut columns) in written_columns() {
        if table == "associations" {
            columns.extend(LEFT_AT_DEFAULT.map(str::to_owned));
        }
        assert_eq!(reader.columns(table), columns, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn baselines_write_every_column_that_the_migrations_create_on_sqlite() {
    baselines_write_every_column(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baselines_write_every_column_that_the_migrations_create_on_postgres() {
    baselines_write_every_column(Engine::Postgres).await;
}
