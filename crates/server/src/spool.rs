//! A file on its way in: written to a temporary file, counted and hashed as it comes.

use std::io::Write;

use roster_intake::FileFault;
use tempfile::{NamedTempFile, TempPath};

use crate::fault::{Fault, file_too_large, internal};

/// Most bytes of a file: more is several files, and must fit the temporary folder.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 30;

/// See the module. Dropped before it is finished it leaves nothing behind.
pub(crate) struct Spool {
    file: NamedTempFile,
    hash: blake3::Hasher,
    bytes: u64,
    max: u64,
}

/// A file that is all there.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub(crate) path: TempPath,
    pub(crate) hash: blake3::Hash,
}

impl Spool {
    /// An empty file that takes up to `max` bytes.
    pub(crate) fn new(max: u64) -> Result<Self, Fault> {
        Ok(Self {
            file: NamedTempFile::with_prefix("roster-import-").map_err(|e| broken(&e))?,
            hash: blake3::Hasher::new(),
            bytes: 0,
            max,
        })
    }

    /// Takes the next bytes. Blocks.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.max {
            return Err(file_too_large(self.max));
        }
        self.hash.update(chunk);
        self.file.write_all(chunk).map_err(|e| broken(&e))
    }

    /// The file as it is now.
    pub(crate) fn finish(self) -> Spooled {
        Spooled {
            path: self.file.into_temp_path(),
            hash: self.hash.finalize(),
        }
    }
}

fn broken(error: &std::io::Error) -> Fault {
    internal(&FileFault::from(roster_intake::SheetError::Io(clone(error))).to_string())
}

fn clone(error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests {
    use roster_api::v1::ErrorReason;

    use super::*;

    #[test]
    fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
        let mut spool = Spool::new(10).unwrap();
        spool.take(b"12345").unwrap();
        spool.take(b"67890").unwrap();
        let spooled = spool.finish();
        assert_eq!(std::fs::read(&spooled.path).unwrap(), b"1234567890");
        assert_eq!(spooled.hash, blake3::hash(b"1234567890"));

        let mut spool = Spool::new(10).unwrap();
        spool.take(b"1234567890").unwrap();
        let fault = spool.take(b"1").unwrap_err();
        assert_eq!(fault.reason, ErrorReason::FileTooLarge);
    }

    #[test]
    fn a_file_that_is_dropped_on_its_way_leaves_nothing_behind() {
        let mut spool = Spool::new(10).unwrap();
        spool.take(b"123").unwrap();
        let path = spool.file.path().to_owned();
        assert!(path.exists());
        drop(spool);
        assert!(!path.exists());
    }
}
