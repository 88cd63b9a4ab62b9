//! Running servers and their leases.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool};

use super::session::Session;
use super::{CLOCK, SHARED, is_locked};
use crate::engine::interface::Servers;
use crate::error::Result;
use crate::tables::schema::{servers, store};

#[derive(QueryableByName)]
struct ServerRow {
    #[diesel(sql_type = BigInt)]
    server: i64,
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = Bool)]
    held: bool,
}

impl Servers for Session {
    fn is_shared(&self) -> bool {
        SHARED
    }

    fn schema_floor(&mut self) -> Result<i64> {
        Ok(store::table
            .select(store::schema_floor)
            .first(&mut self.conn)?)
    }

    fn renew_lease(&mut self, server: i64, micros: i64) -> Result<bool> {
        let held = sql_query(format!(
            "SELECT lease > {CLOCK} AS held FROM servers WHERE server = $1"
        ))
        .bind::<BigInt, _>(server)
        .get_result::<HeldRow>(&mut self.conn)
        .optional()?;
        sql_query(format!(
            "INSERT INTO servers (server, lease) VALUES ($1, {CLOCK} + $2) \
             ON CONFLICT (server) DO UPDATE SET lease = excluded.lease"
        ))
        .bind::<BigInt, _>(server)
        .bind::<BigInt, _>(micros)
        .execute(&mut self.conn)?;
        Ok(held.is_some_and(|row| row.held))
    }

    fn is_known_gone(&mut self, server: i64) -> Result<bool> {
        let leased = servers::table
            .find(server)
            .select(servers::server)
            .first::<i64>(&mut self.conn)
            .optional()?;
        // A server of a version without leases holds a lock instead.
        Ok(leased.is_none() && !is_locked(&mut self.conn, server)?)
    }

    fn servers_gone(&mut self) -> Result<Vec<i64>> {
        let gone: Vec<ServerRow> =
            sql_query(format!("SELECT server FROM servers WHERE lease <= {CLOCK}"))
                .load(&mut self.conn)?;
        Ok(gone.into_iter().map(|row| row.server).collect())
    }

    fn forget_server(&mut self, server: i64) -> Result<()> {
        diesel::delete(servers::table.find(server)).execute(&mut self.conn)?;
        Ok(())
    }
}
