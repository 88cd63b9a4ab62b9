//! A database behind a network: its connections, and whether it answers.

use std::sync::Arc;

use diesel::PgConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use parking_lot::RwLock;

use super::interface::Connection;
use super::postgres::route::Route;
use super::silence::SignsOfLife;
use super::{Opening, postgres};
use crate::error::Result;

/// See the module.
pub(crate) struct Remote {
    route: Route,
    connections: u32,
    pool: RwLock<Pool<ConnectionManager<PgConnection>>>,
    pub(crate) signs: SignsOfLife,
}

impl Remote {
    /// Connects: creates and migrates the tables, or only checks them.
    pub(crate) fn open(url: &str, connections: u32, how: Opening) -> Result<Arc<Self>> {
        let route = Route::of(url)?;
        let url = route.url();
        postgres::pooler::refuse_transaction_mode(url)?;
        match how {
            Opening::Serving(serving) if serving.migrates => drop(postgres::migrate(url)?),
            Opening::Serving(_) | Opening::Looking => postgres::check_migrated(url)?,
        }
        let pool = RwLock::new(postgres::pool(url, connections)?);
        Ok(Arc::new(Self {
            route,
            connections,
            pool,
            signs: SignsOfLife::default(),
        }))
    }

    /// Lends a connection that has just answered.
    pub(crate) fn connect(&self) -> Result<Box<dyn Connection>> {
        self.signs.check()?;
        let pool = self.pool.read().clone();
        let session = postgres::session(&pool)?;
        self.signs.hear();
        Ok(Box::new(session))
    }

    /// Asks for an answer over a new connection.
    pub(crate) fn probe(&self) -> Result<()> {
        postgres::probe(self.route.url())
    }

    /// Replaces all connections. Those that are in use now close when their users end; those of a
    /// tunnel close at once, so that their users end.
    pub(crate) fn renew_connections(&self) {
        self.route.close_stuck();
        *self.pool.write() = postgres::new_pool(self.route.url(), self.connections);
    }
}
