//! The bare baselines of the database: the same rows by the same tables, with no server between.
//!
//! As in storage, `bare.rs` is compiled once for each engine, with its own `Conn`.

mod postgres;
mod sqlite;

use anyhow::{Context, Result};
use diesel::prelude::*;

use crate::databases::Database;

/// The only organization of a world's database.
const ORG: i64 = 1;
/// Rows of a page.
const PAGE: i64 = 50;
/// When all rows were created, in microseconds since 1970.
const CREATE_TIME: i64 = 1_700_000_000_000_000;
/// Kinds of origins and subjects, as Roster stores them.
const CALL: i64 = 1;
const IMPORT: i64 = 2;
const SUBJECT_ACCOUNT: i64 = 1;
const SUBJECT_CONTACT: i64 = 2;

diesel::table! {
    organizations (org) {
        org -> BigInt,
        revision -> BigInt,
        change_time -> BigInt,
    }
}

diesel::table! {
    contacts (org, contact) {
        org -> BigInt,
        contact -> BigInt,
        family_name -> Text,
        given_name -> Nullable<Text>,
        emails -> Text,
        sort_key -> Binary,
        search_text -> Text,
    }
}

diesel::table! {
    associations (org, contact, account) {
        org -> BigInt,
        contact -> BigInt,
        account -> BigInt,
        is_primary -> Bool,
        sees_account_tickets -> Bool,
        role -> Text,
        create_time -> BigInt,
        revision -> BigInt,
        origin_kind -> Nullable<BigInt>,
        origin_id -> Nullable<BigInt>,
        creation_revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    tickets (org, ticket) {
        org -> BigInt,
        ticket -> BigInt,
        id -> Text,
        requester -> BigInt,
        account -> Nullable<BigInt>,
        subject -> Text,
        closed -> Bool,
        is_private -> Bool,
        create_time -> BigInt,
    }
}

diesel::table! {
    ticket_copies (org, ticket, contact) {
        org -> BigInt,
        ticket -> BigInt,
        contact -> BigInt,
        create_time -> BigInt,
        id -> Text,
    }
}

diesel::table! {
    change_sets (org, revision) {
        org -> BigInt,
        revision -> BigInt,
        create_time -> BigInt,
        actor -> Text,
        command -> Text,
        source -> Text,
        nonce -> BigInt,
        format -> BigInt,
        parts -> BigInt,
        credential -> Text,
        origin_kind -> Nullable<BigInt>,
        epoch -> BigInt,
    }
}

diesel::table! {
    change_set_subjects (org, kind, subject, revision) {
        org -> BigInt,
        kind -> BigInt,
        subject -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    change_set_parts (org, revision, part) {
        org -> BigInt,
        revision -> BigInt,
        part -> BigInt,
        payload -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tickets, ticket_copies);

/// What the baselines do.
pub(crate) trait Bare: Send {
    /// The first page of the tickets that a contact requested, is in CC of, or that belong to one
    /// of these accounts and are not private: their ids.
    fn page(&mut self, contact: u64, accounts: &[u64]) -> Result<Vec<String>>;

    /// The first page, by name, of the contacts whose texts contain this: their numbers.
    fn find(&mut self, needle: &str) -> Result<Vec<u64>>;

    /// Associates, in a transaction of its own: every row that the call writes.
    fn associate(&mut self, pair: (u64, u64)) -> Result<()>;

    /// Loads associations in one transaction, as fast as the engine can.
    fn load(&mut self, pairs: &[(u64, u64)]) -> Result<()>;
}

/// Opens a database past the server.
pub(crate) fn open(database: &Database) -> Result<Box<dyn Bare>> {
    let url = database.url.as_str();
    match url.strip_prefix("sqlite:") {
        Some(path) => Ok(Box::new(sqlite::connect(path)?)),
        None => Ok(Box::new(
            PgConnection::establish(url).context("PostgreSQL does not answer")?,
        )),
    }
}

/// By what way a row came, as Roster stores it.
#[derive(Clone, Copy)]
enum Origin {
    Call,
    Import,
}

type NewAssociation<'a> = (
    diesel::dsl::Eq<associations::org, i64>,
    diesel::dsl::Eq<associations::contact, i64>,
    diesel::dsl::Eq<associations::account, i64>,
    diesel::dsl::Eq<associations::is_primary, bool>,
    diesel::dsl::Eq<associations::sees_account_tickets, bool>,
    diesel::dsl::Eq<associations::role, &'a str>,
    diesel::dsl::Eq<associations::create_time, i64>,
    diesel::dsl::Eq<associations::revision, i64>,
    diesel::dsl::Eq<associations::origin_kind, Option<i64>>,
    diesel::dsl::Eq<associations::origin_id, Option<i64>>,
    diesel::dsl::Eq<associations::creation_revision, Option<i64>>,
);

/// The row of a secondary association.
fn new_association(
    (contact, account): (u64, u64),
    revision: i64,
    origin: Origin,
) -> NewAssociation<'static> {
    let (origin_kind, origin_id) = match origin {
        Origin::Call => (CALL, None),
        Origin::Import => (IMPORT, Some(1)),
    };
    (
        associations::org.eq(ORG),
        associations::contact.eq(contact as i64),
        associations::account.eq(account as i64),
        associations::is_primary.eq(false),
        associations::sees_account_tickets.eq(false),
        associations::role.eq(""),
        associations::create_time.eq(CREATE_TIME),
        associations::revision.eq(revision),
        associations::origin_kind.eq(Some(origin_kind)),
        associations::origin_id.eq(origin_id),
        associations::creation_revision.eq(Some(revision)),
    )
}

type NewSubject = (
    diesel::dsl::Eq<change_set_subjects::org, i64>,
    diesel::dsl::Eq<change_set_subjects::kind, i64>,
    diesel::dsl::Eq<change_set_subjects::subject, i64>,
    diesel::dsl::Eq<change_set_subjects::revision, i64>,
);

/// The records that an association concerns, in the order of their key.
fn subjects_of((contact, account): (u64, u64), revision: i64) -> [NewSubject; 2] {
    [(SUBJECT_ACCOUNT, account), (SUBJECT_CONTACT, contact)].map(|(kind, subject)| {
        (
            change_set_subjects::org.eq(ORG),
            change_set_subjects::kind.eq(kind),
            change_set_subjects::subject.eq(subject as i64),
            change_set_subjects::revision.eq(revision),
        )
    })
}
