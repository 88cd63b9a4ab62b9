//! What a batch writes of an import: that it begins, or how far it moves on.

use roster_core::id::{ImportId, Time};
use roster_core::organization::At;
use serde_json::{Value, json};

use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::tables::decode::column;
use crate::tables::encode::IMPORT_REJECTS;
use crate::tables::import_record::{ImportRecord, ImportReject, ImportStep};
use crate::tables::organization::Org;

/// What a job writes of an import.
pub(crate) enum ImportWrite {
    /// It begins, on the server with this number.
    Begin(ImportRecord, i64),
    /// It moves on, to this revision.
    Step(ImportStep, At),
}

impl ImportWrite {
    pub(crate) fn write(&self, connection: &mut dyn Connection, org: Org, now: Time) -> Result<()> {
        match self {
            Self::Begin(import, server) => connection.insert_import(org, import, *server),
            Self::Step(step, at) => {
                if !connection.advance_import(org, step, *at, now)? {
                    return Err(StorageError::ImportMoved);
                }
                let rows: Vec<Value> = step
                    .rejects
                    .iter()
                    .map(|reject| reject_row(step.import, reject))
                    .collect();
                connection.upsert(org, &IMPORT_REJECTS, &rows)
            }
        }
    }
}

fn reject_row(import: ImportId, reject: &ImportReject) -> Value {
    json!([
        column(import.number()),
        column(reject.number),
        // PostgreSQL holds no NUL; in the cells it is escaped.
        reject.header.replace('\0', ""),
        reject.reason,
        reject.message.replace('\0', ""),
        json!(reject.cells).to_string(),
    ])
}
