//! The version of the code that derives columns from names.

use roster_core::names::DERIVATION;

use crate::error::{Result, StorageError};

/// The version of this server's code.
pub(crate) fn version() -> i64 {
    i64::from(DERIVATION)
}

/// Checks that this server's code knows the newest derived columns of the store.
pub(crate) fn check(found: i64) -> Result<()> {
    if found > version() {
        return Err(StorageError::NewerDerivation {
            found,
            known: version(),
        });
    }
    Ok(())
}
