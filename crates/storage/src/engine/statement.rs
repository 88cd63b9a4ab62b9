//! SQL statements that a connection keeps prepared.
//!
//! diesel prepares a `sql_query` on each call, which costs more than reading a short list, and
//! looks up every column of a row by name. These statements are cached by their text and read their
//! columns by position.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text, Untyped};

/// A parameter.
#[derive(Debug)]
pub(crate) enum Given<'a> {
    Number(Option<i64>),
    Text(Option<Cow<'a, str>>),
}

#[derive(Debug)]
enum Piece<'a> {
    Words(Cow<'a, str>),
    Given(Given<'a>),
}

/// A statement in pieces, and the types of its result columns. Parameters are placed where they are
/// used.
///
/// Invariant: callers use a bounded set of SQL texts, because each is cached for the connection's
/// life.
#[derive(Debug)]
pub(crate) struct Statement<'a, Columns = Untyped> {
    pieces: Vec<Piece<'a>>,
    /// Prepared for one call only, because there would be too many texts.
    once: bool,
    columns: PhantomData<Columns>,
}

impl<Columns> Default for Statement<'_, Columns> {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            once: false,
            columns: PhantomData,
        }
    }
}

impl<'a, Columns> Statement<'a, Columns> {
    /// Creates a statement from numbered parameters, `?1` or `$1`, whose first uses are in order.
    pub(crate) fn numbered(sql: &'a str, given: impl IntoIterator<Item = Given<'a>>) -> Self {
        let (mut statement, mut rest) = (Self::default(), sql);
        for (place, given) in given.into_iter().enumerate() {
            let marks = [format!("?{}", place + 1), format!("${}", place + 1)];
            let found = marks.iter().find_map(|mark| rest.split_once(mark.as_str()));
            let (before, after) = found.unwrap_or((rest, ""));
            statement.words(before).given(given);
            rest = after;
        }
        statement.words(rest);
        statement
    }

    /// Appends SQL text.
    pub(crate) fn words(&mut self, words: impl Into<Cow<'a, str>>) -> &mut Self {
        self.pieces.push(Piece::Words(words.into()));
        self
    }

    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        self.given(Given::Number(Some(number)))
    }

    pub(crate) fn text(&mut self, text: &'a str) -> &mut Self {
        self.given(Given::Text(Some(text.into())))
    }

    pub(crate) fn given(&mut self, given: Given<'a>) -> &mut Self {
        self.pieces.push(Piece::Given(given));
        self
    }

    /// Caches the statement only if its text belongs to a bounded set.
    pub(crate) fn if_few(&mut self, few: bool) -> &mut Self {
        self.once |= !few;
        self
    }
}

impl<'a, Columns, DB> QueryFragment<DB> for Statement<'a, Columns>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text>,
    i64: ToSql<BigInt, DB>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.once {
            out.unsafe_to_cache_prepared();
        }
        for piece in &self.pieces {
            match piece {
                Piece::Words(words) => out.push_sql(words),
                Piece::Given(Given::Number(number)) => {
                    out.push_bind_param::<Nullable<BigInt>, Option<i64>>(number)?;
                }
                Piece::Given(Given::Text(text)) => {
                    out.push_bind_param::<Nullable<Text>, Option<Cow<'a, str>>>(text)?;
                }
            }
        }
        Ok(())
    }
}

/// Identified by its text.
impl<Columns> QueryId for Statement<'_, Columns> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns> Query for Statement<'_, Columns> {
    type SqlType = Columns;
}

impl<Columns, Conn> RunQueryDsl<Conn> for Statement<'_, Columns> {}

#[cfg(test)]
mod tests {
    use diesel::debug_query;
    use diesel::pg::Pg;
    use diesel::sqlite::Sqlite;

    use super::*;

    #[test]
    fn parameters_are_placed_where_they_are_used_and_numbered_as_the_engine_requires() {
        let given = || [Given::Number(Some(7)), Given::Text(Some("x".into()))];
        for sql in ["a = ?1 AND b IN (?2)", "a = $1 AND b IN ($2)"] {
            let statement = Statement::<Untyped>::numbered(sql, given());
            let told = debug_query::<Sqlite, _>(&statement).to_string();
            assert!(
                told.starts_with("a = ? AND b IN (?) -- binds: [Some(7), Some(\"x\")]"),
                "{told}"
            );
            let told = debug_query::<Pg, _>(&statement).to_string();
            assert!(
                told.starts_with("a = $1 AND b IN ($2) -- binds: [Some(7), Some(\"x\")]"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_statement_stays_prepared_unless_it_has_many_texts() {
        let kept = |statement: &Statement<'_>| {
            let on_sqlite = statement.is_safe_to_cache_prepared(&Sqlite).unwrap();
            let on_postgres = statement.is_safe_to_cache_prepared(&Pg).unwrap();
            (on_sqlite, on_postgres)
        };
        let mut statement = Statement::default();
        statement.words("SELECT ").number(1);
        assert_eq!(kept(&statement), (true, true));
        statement.if_few(true);
        assert_eq!(kept(&statement), (true, true));
        statement.if_few(false);
        assert_eq!(kept(&statement), (false, false));
    }
}
