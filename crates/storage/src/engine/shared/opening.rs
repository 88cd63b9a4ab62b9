//! Opens a database: draws its keys, checks that its tables are those of this code, and connects to
//! it.

use diesel::prelude::*;
use diesel::r2d2::{Builder, ConnectionManager, CustomizeConnection, Pool};
use diesel::sql_query;
use diesel::sql_types::Bool;
use diesel_migrations::MigrationHarness;

use super::{Conn, HAS_MIGRATIONS, MIGRATIONS, OnConnect, TRIED, connect};
use crate::engine::CONNECTION_PATIENCE;
use crate::error::{Result, StorageError};
use crate::tables::migrated::Migrated;
use crate::tables::schema::store;
use crate::tables::schema_version;

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Bool)]
    known: bool,
}

/// Runs the migrations that are missing. Fails if a newer version made the tables.
pub(crate) fn migrate_tables(conn: &mut Conn) -> Result<Migrated> {
    let from = newest_migration(conn)?;
    conn.run_pending_migrations(MIGRATIONS)
        .map_err(StorageError::Unreachable)?;
    keep_keys(conn)?;
    schema_version::check(store::table.select(store::schema_floor).first(conn)?)?;
    let to = newest_migration(conn)?.unwrap_or_default();
    Ok(Migrated { from, to })
}

/// The newest migration of a database, as a number.
fn newest_migration(conn: &mut Conn) -> Result<Option<i64>> {
    let versions = conn
        .applied_migrations()
        .map_err(StorageError::Unreachable)?;
    let numbers = versions
        .iter()
        .filter_map(|version| version.to_string().parse().ok());
    Ok(numbers.max())
}

/// Draws the keys of the store, unless it already has keys.
fn keep_keys(conn: &mut Conn) -> Result<()> {
    crate::engine::store_keys::draw_keys(|id, page, preview| {
        diesel::insert_into(store::table)
            .values((
                store::one.eq(1),
                store::store_id.eq(id),
                store::page_key.eq(page),
                store::preview_key.eq(preview),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .map(drop)
            .map_err(Into::into)
    })
}

/// Fails unless the schema matches this version. Creates nothing.
pub(crate) fn check_migrated(path: &str) -> Result<()> {
    let mut conn = connect(path)?;
    // Asking diesel for pending migrations would create its table if it is missing.
    let known: Known = sql_query(HAS_MIGRATIONS).get_result(&mut conn)?;
    if !known.known {
        return Err(StorageError::NotMigrated);
    }
    match conn.has_pending_migration(MIGRATIONS) {
        Ok(false) => Ok(()),
        // A table of that name from another program cannot be read.
        Ok(true) | Err(_) => Err(StorageError::NotMigrated),
    }
}

/// Creates a pool of connections to a migrated database.
pub(crate) fn pool(path: &str, connections: u32) -> Result<Pool<ConnectionManager<Conn>>> {
    pool_with(path, connections, Box::new(OnConnect))
}

/// As [`pool`], with another setup of each connection.
pub(crate) fn pool_with(
    path: &str,
    connections: u32,
    set_up: Box<dyn CustomizeConnection<Conn, diesel::r2d2::Error>>,
) -> Result<Pool<ConnectionManager<Conn>>> {
    Ok(builder(connections, set_up).build(ConnectionManager::new(path))?)
}

/// The settings of a pool.
pub(crate) fn builder(
    connections: u32,
    set_up: Box<dyn CustomizeConnection<Conn, diesel::r2d2::Error>>,
) -> Builder<ConnectionManager<Conn>> {
    Pool::builder()
        .max_size(connections)
        .min_idle(Some(1))
        .test_on_check_out(TRIED)
        .connection_timeout(CONNECTION_PATIENCE)
        .connection_customizer(set_up)
}
