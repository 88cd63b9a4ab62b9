//! Statements in our own words that a connection keeps prepared.
//!
//! What diesel's `sql_query` takes is parsed and planned anew for every call, which costs more than
//! a short list takes to be read, and its rows are searched for every column by name. These are
//! kept by their text, and their columns are told by place.
//!
//! Invariant: a value is never in the text, so that a connection keeps few texts: no more than
//! there are shapes of a statement.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};

use super::Conn;

type Backend = <Conn as diesel::Connection>::Backend;

/// A statement and the types of the columns that it answers.
pub(super) struct Prepared<'a, Columns> {
    pieces: Vec<Piece<'a>>,
    columns: PhantomData<Columns>,
}

enum Piece<'a> {
    Sql(Cow<'a, str>),
    Int(i64),
    Text(&'a str),
}

impl<'a, Columns> Prepared<'a, Columns> {
    pub(super) fn new(sql: impl Into<Cow<'a, str>>) -> Self {
        Self {
            pieces: vec![Piece::Sql(sql.into())],
            columns: PhantomData,
        }
    }

    /// Goes on in the text.
    pub(super) fn sql(&mut self, sql: impl Into<Cow<'a, str>>) -> &mut Self {
        self.pieces.push(Piece::Sql(sql.into()));
        self
    }

    /// A number, as a parameter in this place.
    pub(super) fn int(&mut self, value: i64) -> &mut Self {
        self.pieces.push(Piece::Int(value));
        self
    }

    /// A text, as a parameter in this place.
    pub(super) fn text(&mut self, value: &'a str) -> &mut Self {
        self.pieces.push(Piece::Text(value));
        self
    }
}

impl<Columns> QueryFragment<Backend> for Prepared<'_, Columns> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        for piece in &self.pieces {
            match piece {
                Piece::Sql(sql) => out.push_sql(sql),
                Piece::Int(value) => out.push_bind_param::<BigInt, i64>(value)?,
                Piece::Text(value) => out.push_bind_param::<Text, str>(value)?,
            }
        }
        Ok(())
    }
}

/// It is known by its text.
impl<Columns> QueryId for Prepared<'_, Columns> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns> Query for Prepared<'_, Columns> {
    type SqlType = Columns;
}

impl<Columns, C> RunQueryDsl<C> for Prepared<'_, Columns> {}
