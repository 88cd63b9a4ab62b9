//! The keys that are drawn when a database is created.

use crate::error::{Result, StorageError};

/// Draws the keys of a new store and passes them to `keep`.
pub(crate) fn draw_keys(keep: impl FnOnce(Vec<u8>, Vec<u8>, Vec<u8>) -> Result<()>) -> Result<()> {
    let draw = |length: usize| -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        getrandom::fill(&mut bytes).map_err(|error| StorageError::Defect(Box::new(error)))?;
        Ok(bytes)
    };
    keep(draw(16)?, draw(32)?, draw(32)?)
}
