//! A database behind a network: its connections, and whether it answers.

use std::sync::Arc;

use diesel::PgConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use parking_lot::RwLock;

use super::interface::Connection;
use super::silence::SignsOfLife;
use super::{Opening, postgres};
use crate::error::Result;

/// See the module.
pub(crate) struct Remote {
    url: String,
    connections: u32,
    pool: RwLock<Pool<ConnectionManager<PgConnection>>>,
    pub(crate) signs: SignsOfLife,
}

impl Remote {
    /// Connects: creates and migrates the tables, or only checks them.
    pub(crate) fn open(url: &str, connections: u32, how: Opening) -> Result<Arc<Self>> {
        let url = postgres::url::with_network_limits(url);
        match how {
            Opening::Serving(serving) if serving.migrates => drop(postgres::migrate(&url)?),
            Opening::Serving(_) | Opening::Looking => postgres::check_migrated(&url)?,
        }
        let pool = RwLock::new(postgres::pool(&url, connections)?);
        Ok(Arc::new(Self {
            url,
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
        postgres::probe(&self.url)
    }

    /// Replaces all connections. Those that are in use now close when their users end.
    pub(crate) fn renew_connections(&self) {
        *self.pool.write() = postgres::new_pool(&self.url, self.connections);
    }
}
