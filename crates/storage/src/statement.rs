//! Statements in words of our own that stay prepared. diesel prepares a `sql_query` anew each time:
//! of a list's page or a call's write on SQLite, that is a good part.
//!
//! PostgreSQL is left to prepare anew: what stays prepared there is soon planned for any parameters
//! instead of those at hand, and a page of few tickets is not read as one of many.

use diesel::RunQueryDsl;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Text, Untyped};
use diesel::sqlite::Sqlite;

/// A parameter.
#[derive(Debug)]
pub(crate) enum Given {
    Number(i64),
    Text(String),
}

#[derive(Debug)]
enum Piece {
    Words(String),
    Given(Given),
}

/// A statement, piece by piece: parameters stand where they are used.
///
/// Invariant: whoever makes one has few different texts. A connection keeps them all.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pieces: Vec<Piece>,
    /// Prepared anew: there would be too many texts.
    once: bool,
}

impl Statement {
    /// A statement with numbered parameters, `?1` or `$1`, that first stand in their order.
    pub(crate) fn numbered(sql: &str, given: impl IntoIterator<Item = Given>) -> Self {
        let (mut statement, mut rest) = (Self::default(), sql);
        for (place, given) in given.into_iter().enumerate() {
            let marks = [format!("?{}", place + 1), format!("${}", place + 1)];
            let found = marks.iter().find_map(|mark| rest.split_once(mark.as_str()));
            let (before, after) = found.unwrap_or((rest, ""));
            statement = statement.words(before).given(given);
            rest = after;
        }
        statement.words(rest)
    }

    /// These statements in one, with these words between them.
    pub(crate) fn joined(statements: impl IntoIterator<Item = Self>, between: &str) -> Self {
        let join = |joined: Self, next: Self| {
            let mut joined = joined.words(between);
            joined.pieces.extend(next.pieces);
            joined.once |= next.once;
            joined
        };
        statements.into_iter().reduce(join).unwrap_or_default()
    }

    pub(crate) fn words(mut self, words: impl Into<String>) -> Self {
        self.pieces.push(Piece::Words(words.into()));
        self
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.given(Given::Number(number))
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.given(Given::Text(text.to_owned()))
    }

    fn given(mut self, given: Given) -> Self {
        self.pieces.push(Piece::Given(given));
        self
    }

    /// Has it prepared anew unless its text is one of few.
    pub(crate) fn if_few(mut self, few: bool) -> Self {
        self.once |= !few;
        self
    }
}

impl QueryId for Statement {
    type QueryId = ();
    // Known by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<Conn> RunQueryDsl<Conn> for Statement {}

macro_rules! walked {
    ($engine:ty, $keeps:expr) => {
        impl QueryFragment<$engine> for Statement {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $engine>) -> QueryResult<()> {
                if self.once || !$keeps {
                    out.unsafe_to_cache_prepared();
                }
                for piece in &self.pieces {
                    match piece {
                        Piece::Words(words) => out.push_sql(words),
                        Piece::Given(Given::Number(number)) => {
                            out.push_bind_param::<BigInt, _>(number)?;
                        }
                        Piece::Given(Given::Text(text)) => {
                            out.push_bind_param::<Text, _>(text)?;
                        }
                    }
                }
                Ok(())
            }
        }
    };
}

walked!(Sqlite, true);
walked!(Pg, false);

#[cfg(test)]
mod tests {
    use diesel::debug_query;

    use super::*;

    #[test]
    fn parameters_stand_where_they_are_used_and_are_numbered_as_the_engine_has_it() {
        let given = || [Given::Number(7), Given::Text("x".to_owned())];
        for sql in ["a = ?1 AND b IN (?2)", "a = $1 AND b IN ($2)"] {
            let statement = Statement::numbered(sql, given());
            let told = debug_query::<Sqlite, _>(&statement).to_string();
            assert!(
                told.starts_with("a = ? AND b IN (?) -- binds: [7, \"x\"]"),
                "{told}"
            );
            let told = debug_query::<Pg, _>(&statement).to_string();
            assert!(
                told.starts_with("a = $1 AND b IN ($2) -- binds: [7, \"x\"]"),
                "{told}"
            );
        }
    }

    #[test]
    fn what_is_asked_again_stays_prepared_on_sqlite_unless_it_is_one_of_many() {
        let statement = Statement::default().words("SELECT ").number(1);
        assert!(
            QueryFragment::<Sqlite>::is_safe_to_cache_prepared(&statement, &Sqlite)
                .is_ok_and(|is| is)
        );
        assert!(
            QueryFragment::<Pg>::is_safe_to_cache_prepared(&statement, &Pg).is_ok_and(|is| !is)
        );
        let many = statement.if_few(false);
        assert!(
            QueryFragment::<Sqlite>::is_safe_to_cache_prepared(&many, &Sqlite).is_ok_and(|is| !is)
        );
    }
}
