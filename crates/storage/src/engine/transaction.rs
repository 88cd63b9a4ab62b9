//! A write transaction around some work.

use crate::engine::interface::Connection;
use crate::error::StorageError;

/// Runs work in a write transaction: commits it, or rolls it back if the work fails.
pub(crate) fn in_transaction<T, E: From<StorageError>>(
    connection: &mut dyn Connection,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.begin_write()?;
    let done = work(connection).and_then(|done| {
        connection.commit()?;
        Ok(done)
    });
    if done.is_err() {
        // A failed COMMIT has ended the transaction, too; the first error is the one to report.
        let _ = connection.rollback();
    }
    done
}
