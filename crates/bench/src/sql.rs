//! The bare baselines of the database: the rows that Roster reads and writes, without a server.
//!
//! As in storage, `bare.rs` is compiled once per engine, with its own `Conn`.

mod postgres;
mod rows;
mod sqlite;
mod tables;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use diesel::prelude::*;

use crate::databases::Database;

/// The only organization of a world's database.
const ORG: i64 = 1;
/// Rows of a page.
const PAGE: i64 = 50;
/// The creation time of all rows that the baselines write, in microseconds since 1970.
const CREATE_TIME: i64 = 1_700_000_000_000_000;

/// The work that the baselines do.
pub(crate) trait Bare: Send {
    /// Returns the ids of the first page of tickets: those that the contact requested or is in CC
    /// of, and those that belong to one of the accounts and are not private.
    fn page(&mut self, contact: u64, accounts: &[u64]) -> Result<Vec<String>>;

    /// Returns the numbers of the contacts whose search text contains `needle`: the first page, in
    /// the order of names.
    fn find(&mut self, needle: &str) -> Result<Vec<u64>>;

    /// Associates a pair in a transaction of its own, and writes every row that the call writes.
    fn associate(&mut self, pair: (u64, u64)) -> Result<()>;

    /// Loads associations in one transaction, as fast as the engine can, and writes every row that
    /// an import of them writes, except the progress of the import.
    fn load(&mut self, pairs: &[(u64, u64)]) -> Result<()>;
}

/// Opens a database without the server.
pub(crate) fn open(database: &Database) -> Result<Box<dyn Bare>> {
    let url = database.url.as_str();
    match url.strip_prefix("sqlite:") {
        Some(path) => Ok(Box::new(sqlite::connect(path)?)),
        None => Ok(Box::new(
            PgConnection::establish(url).context("cannot connect to PostgreSQL")?,
        )),
    }
}
