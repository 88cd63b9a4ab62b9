//! Writes an uploaded file to a temporary file, counting and hashing its bytes.

use std::io::Write;

use tempfile::{NamedTempFile, TempPath};

use crate::fault::{Fault, file_too_large, internal};

/// Maximum bytes of a file, which must fit into the temporary folder. Split larger files.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 30;

/// See the module. Dropping it unfinished deletes the file.
pub(crate) struct Spool {
    file: NamedTempFile,
    hash: blake3::Hasher,
    bytes: u64,
    max: u64,
}

/// A complete file.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub(crate) path: TempPath,
    pub(crate) hash: blake3::Hash,
}

impl Spool {
    /// An empty file for up to `max` bytes.
    pub(crate) fn new(max: u64) -> Result<Self, Fault> {
        Ok(Self {
            file: NamedTempFile::with_prefix("roster-import-").map_err(|e| broken(&e))?,
            hash: blake3::Hasher::new(),
            bytes: 0,
            max,
        })
    }

    /// Writes the next bytes. Blocks.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.max {
            return Err(file_too_large(self.max));
        }
        self.hash.update(chunk);
        self.file.write_all(chunk).map_err(|e| broken(&e))
    }

    /// Finishes the file.
    pub(crate) fn finish(self) -> Spooled {
        Spooled {
            path: self.file.into_temp_path(),
            hash: self.hash.finalize(),
        }
    }
}

fn broken(error: &std::io::Error) -> Fault {
    internal(&format!("cannot write the temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use roster_api::v1::ErrorReason;

    use super::*;

    #[test]
    fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
        let mut spool = Spool::new(10).expect("a file");
        spool.take(b"12345").expect("taken");
        spool.take(b"67890").expect("taken");
        let spooled = spool.finish();
        assert_eq!(std::fs::read(&spooled.path).expect("taken"), b"1234567890");
        assert_eq!(spooled.hash, blake3::hash(b"1234567890"));

        let mut spool = Spool::new(10).expect("a file");
        spool.take(b"1234567890").expect("taken");
        let fault = spool.take(b"1").expect_err("too large");
        assert_eq!(fault.reason, ErrorReason::FileTooLarge);
    }

    #[test]
    fn a_file_that_is_dropped_on_its_way_leaves_nothing_behind() {
        let mut spool = Spool::new(10).expect("a file");
        spool.take(b"123").expect("taken");
        let path = spool.file.path().to_owned();
        assert!(path.exists());
        drop(spool);
        assert!(!path.exists());
    }
}
