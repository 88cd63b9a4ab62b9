//! The writes of a batch to its import: its beginning, or its progress.

use roster_core::id::Time;
use roster_core::organization::RevisionId;

use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::tables::import_record::{ImportRecord, ImportStep};
use crate::tables::organization::Org;
use crate::tables::rows::{IMPORT_REJECTS, push_reject};

/// A job's write to its import.
pub(crate) enum ImportWrite {
    /// The import begins, on the server with this number.
    Begin(ImportRecord, i64),
    /// The import advances to this revision.
    Step(ImportStep, RevisionId),
}

impl ImportWrite {
    pub(crate) fn write(&self, connection: &mut dyn Connection, org: Org, now: Time) -> Result<()> {
        match self {
            Self::Begin(import, server) => connection.insert_import(org, import, *server),
            Self::Step(step, at) => {
                if !connection.advance_import(org, step, *at, now)? {
                    return Err(StorageError::ImportMoved);
                }
                let mut rows = IMPORT_REJECTS.rows();
                for reject in &step.rejects {
                    push_reject(&mut rows, step.import, reject);
                }
                connection.upsert(org, &IMPORT_REJECTS, &rows)
            }
        }
    }
}
