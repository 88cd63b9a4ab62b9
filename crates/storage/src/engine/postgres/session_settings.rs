//! The settings of our sessions: how long the server waits for us, and we for it.

use diesel::connection::{Connection as _, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;
use diesel::sql_types::Text;

use super::Conn;
use crate::engine::statement_count::CountStatements;
use crate::error::Result;

/// The settings of each session. A time limit that an operator set for the database or the role
/// holds; without one, these do:
/// - `statement_timeout`: a read is no longer wanted after the time that the server gives a read
///   without a deadline. Writes and statistics set [`long_statement`].
/// - `lock_timeout`: a large change set of another server may hold the lock of its organization for
///   some tens of seconds. Longer, and its callers have given up.
/// - `idle_in_transaction_session_timeout`: a server that dies or hangs within a transaction must
///   not hold its locks for long.
///
/// No statement takes so long that it were worth compiling; plans that are kept look as if they did,
/// since they know no limits.
const SETTINGS: &str = "SET jit = off; \
     SELECT set_config(name, value, false) FROM (VALUES ('statement_timeout', '60s'), \
     ('lock_timeout', '30s'), ('idle_in_transaction_session_timeout', '60s')) AS ours (name, value) \
     WHERE current_setting(name) = '0'";

/// Has PostgreSQL report errors in English, by which [`is_outage`](crate::outage::is_outage) knows
/// them, if the role may change that.
const MESSAGES_IN_ENGLISH: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

/// Gives the statements of a transaction ten minutes instead of the limit of [`SETTINGS`]: a change
/// set of millions of rows takes minutes.
macro_rules! long_statement {
    () => {
        "SELECT set_config('statement_timeout', '10min', true) \
         WHERE current_setting('statement_timeout') = '1min'"
    };
}
pub(super) use long_statement;

/// Lifts all time limits of a session: a migration of large tables may take hours, and other servers
/// that start meanwhile wait for it.
pub(super) const NO_TIME_LIMITS: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
     SET idle_in_transaction_session_timeout = 0";

#[derive(Debug)]
pub(super) struct OnConnect;

impl CustomizeConnection<Conn, diesel::r2d2::Error> for OnConnect {
    fn on_acquire(&self, conn: &mut Conn) -> std::result::Result<(), diesel::r2d2::Error> {
        conn.set_instrumentation(CountStatements::new());
        set_up(conn).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Sets up a new connection.
pub(super) fn set_up(conn: &mut Conn) -> QueryResult<()> {
    conn.set_instrumentation(CountStatements::new());
    conn.batch_execute(SETTINGS)?;
    conn.batch_execute(MESSAGES_IN_ENGLISH)
}

#[derive(QueryableByName)]
struct Language {
    #[diesel(sql_type = Text)]
    language: String,
}

/// Warns if PostgreSQL reports errors to a connection in another language than English.
pub(super) fn warn_of_language(conn: &mut Conn) -> Result<()> {
    conn.batch_execute(MESSAGES_IN_ENGLISH)?;
    let found: Language =
        diesel::sql_query("SELECT current_setting('lc_messages') AS language").get_result(conn)?;
    if !is_english(&found.language) {
        tracing::warn!(
            lc_messages = found.language,
            "PostgreSQL reports errors in another language than English, so time-outs may be \
             reported to callers as INTERNAL: run ALTER ROLE … SET lc_messages = 'C' for the role \
             of this server"
        );
    }
    Ok(())
}

/// Whether messages in the language of a locale are in English.
fn is_english(locale: &str) -> bool {
    let name = locale.split(['.', '@']).next().unwrap_or_default();
    matches!(name, "" | "C" | "POSIX" | "English") || name.starts_with("en_") || name == "en"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_of_english_are_known_by_their_name() {
        for english in ["C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en_GB", "en", ""] {
            assert!(is_english(english), "{english}");
        }
        for other in ["ja_JP.UTF-8", "de_DE@euro", "enm_XX", "Czech"] {
            assert!(!is_english(other), "{other}");
        }
    }
}
