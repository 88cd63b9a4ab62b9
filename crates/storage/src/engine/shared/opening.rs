//! Opening a database: its keys, whether its tables are those of this code, connections to it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel_migrations::MigrationHarness;

use super::{Conn, MIGRATIONS, OnConnect, TRIED, connect};
use crate::engine::CONNECTION_PATIENCE;
use crate::error::{Result, StorageError};
use crate::tables::schema::store;

/// Fails where no migration was ever carried out.
const MIGRATED: &str = "SELECT 1 FROM __diesel_schema_migrations LIMIT 1";

/// Draws the keys of the store, unless it has them.
pub(crate) fn keep_keys(conn: &mut Conn) -> Result<()> {
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

/// Whether the tables are those of this code; nothing is made.
pub(crate) fn is_migrated(path: &str) -> Result<bool> {
    let mut conn = connect(path)?;
    // Asking for what is pending would make the table of what is not.
    if conn.batch_execute(MIGRATED).is_err() {
        return Ok(false);
    }
    let pending = conn.has_pending_migration(MIGRATIONS);
    Ok(!pending.map_err(StorageError::Unreachable)?)
}

/// Connections to a database that is migrated.
pub(crate) fn pool(path: &str, connections: u32) -> Result<Pool<ConnectionManager<Conn>>> {
    Ok(Pool::builder()
        .max_size(connections)
        .min_idle(Some(1))
        .test_on_check_out(TRIED)
        .connection_timeout(CONNECTION_PATIENCE)
        .connection_customizer(Box::new(OnConnect))
        .build(ConnectionManager::new(path))?)
}
