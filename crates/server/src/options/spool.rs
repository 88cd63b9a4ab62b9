//! The options about uploaded files.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::at_least_one;
use crate::spool::{Share, SpoolLimits, Spools};

/// Default room for uploaded files, in MiB: eight files of the largest size.
const SPOOL_MIB: usize = 8 << 10;
/// Default room for the uploaded files of one organization, in MiB: a quarter of all room.
const SPOOL_ORGANIZATION_MIB: usize = 2 << 10;
/// Default number of concurrent uploads: each holds a connection, and writes to one disk.
const UPLOADS_MAX: usize = 16;

/// Where uploaded files are kept until their imports end, and how many.
#[derive(Args, Clone, Debug)]
pub struct SpoolOptions {
    /// Folder for uploaded files, until their imports end; by default the system's folder for
    /// temporary files.
    #[arg(long, env = "ROSTER_SPOOL_FOLDER", value_name = "FOLDER")]
    pub spool_folder: Option<PathBuf>,

    /// Room for uploaded files, in MiB; further uploads are refused (RESOURCE_EXHAUSTED).
    #[arg(
        long,
        env = "ROSTER_SPOOL_MIB",
        default_value_t = SPOOL_MIB,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub spool_mib: usize,

    /// Room for the uploaded files of one organization, in MiB.
    #[arg(
        long,
        env = "ROSTER_SPOOL_PER_ORGANIZATION_MIB",
        default_value_t = SPOOL_ORGANIZATION_MIB,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub spool_per_organization_mib: usize,

    /// Maximum number of concurrent uploads; further uploads are refused (RESOURCE_EXHAUSTED).
    #[arg(
        long,
        env = "ROSTER_UPLOADS_MAX",
        default_value_t = UPLOADS_MAX,
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub uploads_max: usize,

    /// Maximum number of concurrent uploads of one organization; by default as many as of all.
    #[arg(
        long,
        env = "ROSTER_UPLOADS_PER_ORGANIZATION_MAX",
        value_parser = at_least_one,
        value_name = "NUMBER"
    )]
    pub uploads_per_organization_max: Option<usize>,
}

impl SpoolOptions {
    /// The spool of these options.
    pub(crate) fn spools(&self) -> Arc<Spools> {
        let folder = self.spool_folder.clone();
        let share = |uploads, mib: usize| Share {
            uploads,
            bytes: (mib as u64).saturating_mul(1 << 20),
        };
        let limits = SpoolLimits {
            all: share(self.uploads_max, self.spool_mib),
            organization: share(
                self.uploads_per_organization_max
                    .unwrap_or(self.uploads_max),
                self.spool_per_organization_mib,
            ),
        };
        Spools::new(folder.unwrap_or_else(std::env::temp_dir), limits)
    }
}
