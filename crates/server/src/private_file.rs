//! New files with secrets.

use std::fs::OpenOptions;
use std::io::{Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The permission of the owner only.
pub(crate) const OWNER_ONLY: u32 = 0o600;

/// Writes a new file that only its owner reads, to the disk. An existing file is never overwritten.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
