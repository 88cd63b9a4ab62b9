//! The schema version that this code knows.

use crate::error::{Result, StorageError};

/// The newest migration that this code knows. A store whose `schema_floor` is above it must not be
/// served by this code.
pub(crate) const SCHEMA_VERSION: i64 = 5;

/// Checks that this code may serve a store with this floor.
pub(crate) fn check(floor: i64) -> Result<()> {
    if floor > SCHEMA_VERSION {
        return Err(StorageError::NewerSchema {
            floor,
            known: SCHEMA_VERSION,
        });
    }
    Ok(())
}
