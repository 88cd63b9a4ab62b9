//! Which schema this code knows.

use crate::error::{Result, StorageError};

/// The newest migration that this code knows. A store whose `schema_floor` is above it must not be
/// served by this code.
pub(crate) const SCHEMA_VERSION: i64 = 4;

/// That this code may serve a store of this floor.
pub(crate) fn check(floor: i64) -> Result<()> {
    if floor > SCHEMA_VERSION {
        return Err(StorageError::NewerSchema {
            floor,
            known: SCHEMA_VERSION,
        });
    }
    Ok(())
}
