//! Writes uploads to files in the spool folder, counting and hashing their bytes, and limits what they
//! take: all together, and those of one organization.
//!
//! A file of the spool has no name: the system removes it as soon as no process has it open, however
//! the process ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use roster_storage::OrganizationName;

use crate::fault::{Fault, file_too_large, spool_broken, spool_full, uploads_full};

/// Maximum bytes of a file. Split larger files.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 30;

/// How much of the spool may be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Uploads that are being received.
    pub(crate) uploads: usize,
    /// Bytes of files, until their imports end.
    pub(crate) bytes: u64,
}

/// The limits of a spool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpoolLimits {
    pub(crate) all: Share,
    pub(crate) organization: Share,
}

#[derive(Debug, Default)]
struct Used {
    all: Usage,
    organizations: HashMap<OrganizationName, Usage>,
}

/// What is in use now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) uploads: usize,
    pub(crate) bytes: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Spools {
    folder: PathBuf,
    limits: SpoolLimits,
    used: Mutex<Used>,
}

/// A file that is being received.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    hash: blake3::Hasher,
    max: u64,
    space: Space,
    _upload: Upload,
}

/// A complete file, with its space.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub(crate) file: File,
    pub(crate) hash: blake3::Hash,
    pub(crate) space: Space,
}

/// The space of a file in the spool; free again when dropped.
#[derive(Debug)]
pub(crate) struct Space {
    spools: Arc<Spools>,
    organization: OrganizationName,
    bytes: u64,
}

/// The turn of an upload; free again when dropped.
#[derive(Debug)]
struct Upload {
    spools: Arc<Spools>,
    organization: OrganizationName,
}

impl Spools {
    pub(crate) fn new(folder: PathBuf, limits: SpoolLimits) -> Arc<Self> {
        Arc::new(Self {
            folder,
            limits,
            used: Mutex::default(),
        })
    }

    /// What is in use now.
    pub(crate) fn usage(&self) -> Usage {
        self.used.lock().all
    }

    /// Begins a file of up to `max` bytes.
    pub(crate) fn begin(
        self: &Arc<Self>,
        organization: &OrganizationName,
        max: u64,
    ) -> Result<Spool, Fault> {
        let upload = self.take_upload(organization)?;
        let file = tempfile::tempfile_in(&self.folder).map_err(|error| self.broken(&error))?;
        Ok(Spool {
            file,
            hash: blake3::Hasher::new(),
            max,
            space: Space {
                spools: Arc::clone(self),
                organization: organization.clone(),
                bytes: 0,
            },
            _upload: upload,
        })
    }

    fn take_upload(self: &Arc<Self>, organization: &OrganizationName) -> Result<Upload, Fault> {
        let mut used = self.used.lock();
        let own = used.organizations.get(organization).copied();
        if used.all.uploads >= self.limits.all.uploads {
            return Err(uploads_full("this server"));
        }
        if own.unwrap_or_default().uploads >= self.limits.organization.uploads {
            return Err(uploads_full("this organization"));
        }
        used.all.uploads += 1;
        let own = used.organizations.entry(organization.clone());
        own.or_default().uploads += 1;
        Ok(Upload {
            spools: Arc::clone(self),
            organization: organization.clone(),
        })
    }

    fn broken(&self, error: &std::io::Error) -> Fault {
        spool_broken(&self.folder.display().to_string(), error)
    }

    /// Frees what was in use.
    fn free(&self, organization: &OrganizationName, freed: Usage) {
        let mut used = self.used.lock();
        used.all.uploads -= freed.uploads;
        used.all.bytes -= freed.bytes;
        if let Some(own) = used.organizations.get_mut(organization) {
            own.uploads -= freed.uploads;
            own.bytes -= freed.bytes;
            if *own == Usage::default() {
                used.organizations.remove(organization);
            }
        }
    }
}

impl Space {
    /// Takes more bytes of the spool.
    fn grow(&mut self, bytes: u64) -> Result<(), Fault> {
        let limits = self.spools.limits;
        let mut used = self.spools.used.lock();
        if used.all.bytes + bytes > limits.all.bytes {
            return Err(spool_full("the room for the files of all imports"));
        }
        let own = used.organizations.get(&self.organization).copied();
        if own.unwrap_or_default().bytes + bytes > limits.organization.bytes {
            let what = "the room for the files of this organization's imports";
            return Err(spool_full(what));
        }
        used.all.bytes += bytes;
        let own = used.organizations.entry(self.organization.clone());
        own.or_default().bytes += bytes;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let freed = Usage {
            uploads: 0,
            bytes: self.bytes,
        };
        self.spools.free(&self.organization, freed);
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let freed = Usage {
            uploads: 1,
            bytes: 0,
        };
        self.spools.free(&self.organization, freed);
    }
}

impl Spool {
    /// Writes the next bytes. Blocks.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        let bytes = chunk.len() as u64;
        if self.space.bytes + bytes > self.max {
            return Err(file_too_large(self.max));
        }
        self.space.grow(bytes)?;
        self.hash.update(chunk);
        let written = self.file.write_all(chunk);
        written.map_err(|error| self.space.spools.broken(&error))
    }

    /// Finishes the file.
    pub(crate) fn finish(self) -> Spooled {
        Spooled {
            file: self.file,
            hash: self.hash.finalize(),
            space: self.space,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use roster_api::v1::ErrorReason;

    use super::*;

    fn spools(all: Share, organization: Share) -> Arc<Spools> {
        Spools::new(std::env::temp_dir(), SpoolLimits { all, organization })
    }

    const WIDE: Share = Share {
        uploads: 100,
        bytes: 1_000,
    };

    fn named(name: &str) -> OrganizationName {
        OrganizationName::parse(name).expect("a name")
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
        let (spools, own) = (spools(WIDE, WIDE), named("o"));
        let mut spool = spools.begin(&own, 10).expect("a file");
        spool.take(b"12345").expect("taken");
        spool.take(b"67890").expect("taken");
        let mut spooled = spool.finish();
        let mut text = String::new();
        spooled.file.rewind().expect("its start");
        spooled.file.read_to_string(&mut text).expect("its text");
        assert_eq!(text, "1234567890");
        assert_eq!(spooled.hash, blake3::hash(b"1234567890"));

        let mut spool = spools.begin(&own, 10).expect("a file");
        spool.take(b"1234567890").expect("taken");
        let fault = spool.take(b"1").expect_err("too large");
        assert_eq!(fault.reason, ErrorReason::FileTooLarge);
    }

    #[test]
    fn what_ends_in_any_way_frees_its_upload_and_its_bytes() {
        let spools = spools(WIDE, WIDE);
        let mut dropped = spools.begin(&named("o"), 10).expect("a file");
        dropped.take(b"123").expect("taken");
        let mut finished = spools.begin(&named("p"), 10).expect("a file");
        finished.take(b"12345").expect("taken");
        assert_eq!(
            spools.usage(),
            Usage {
                uploads: 2,
                bytes: 8
            }
        );
        drop(dropped);
        let spooled = finished.finish();
        assert_eq!(
            spools.usage(),
            Usage {
                uploads: 0,
                bytes: 5
            }
        );
        drop(spooled);
        assert_eq!(spools.usage(), Usage::default());
        assert!(spools.used.lock().organizations.is_empty());
    }

    #[test]
    fn uploads_are_taken_up_to_the_limit_of_an_organization_and_of_all() {
        let three = Share { uploads: 3, ..WIDE };
        let two = Share { uploads: 2, ..WIDE };
        let spools = spools(three, two);
        let begin = |name: &str| spools.begin(&named(name), 10);
        let first = begin("o").expect("the first");
        let _second = begin("o").expect("the second");
        let refused = begin("o").expect_err("a third of this organization");
        assert_eq!(refused.reason, ErrorReason::QueueFull);
        let _third = begin("p").expect("the third of all");
        let refused = begin("p").expect_err("a fourth of all");
        assert_eq!(refused.reason, ErrorReason::QueueFull);
        drop(first);
        begin("p").expect("the third of all again");
    }

    #[test]
    fn bytes_are_taken_up_to_the_limit_of_an_organization_and_of_all() {
        let (all, own) = (Share { bytes: 15, ..WIDE }, Share { bytes: 10, ..WIDE });
        let spools = spools(all, own);
        let mut first = spools.begin(&named("o"), 100).expect("a file");
        first.take(b"123456789").expect("one below the limit");
        first.take(b"0").expect("the limit");
        let refused = first
            .take(b"1")
            .expect_err("one over the organization's limit");
        assert_eq!(refused.reason, ErrorReason::QueueFull);
        let mut other = spools.begin(&named("p"), 100).expect("a file");
        other.take(b"1234").expect("one below the limit of all");
        other.take(b"5").expect("the limit of all");
        let refused = other.take(b"6").expect_err("one over the limit of all");
        assert_eq!(refused.reason, ErrorReason::QueueFull);
        drop(first);
        other.take(b"6").expect("room again");
    }
}
