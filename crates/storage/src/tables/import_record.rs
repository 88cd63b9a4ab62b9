//! Imports as stored: the progress of each, and the rows that it rejected.

use roster_core::id::{ImportId, Time};
use roster_core::organization::RevisionId;

/// The kind of an import's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// Accounts.
    Accounts,
    /// Contacts.
    Contacts,
    /// Associations.
    Associations,
    /// Tickets.
    Tickets,
}

impl ImportKind {
    const ALL: [Self; 4] = [
        Self::Accounts,
        Self::Contacts,
        Self::Associations,
        Self::Tickets,
    ];

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Accounts => 1,
            Self::Contacts => 2,
            Self::Associations => 3,
            Self::Tickets => 4,
        }
    }

    pub(crate) fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// An import that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// The kind of its rows.
    pub kind: ImportKind,
    /// The file's columns: header and field. The field is empty if the column is ignored.
    pub columns: Vec<(String, String)>,
    /// The number of rows below the header that are not blank.
    pub rows_total: u64,
}

/// How many rows had each result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Rows that created their record.
    pub created: u64,
    /// Rows that changed their record.
    pub updated: u64,
    /// Rows that changed nothing.
    pub unchanged: u64,
    /// Rejected rows.
    pub rejected: u64,
    /// Accounts created for rows of another kind.
    pub accounts_created: u64,
    /// Contacts created for rows of another kind.
    pub contacts_created: u64,
}

impl ImportCounts {
    /// The number of processed rows.
    pub fn read(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.rejected
    }

    /// Adds the counts of more rows.
    pub fn add(&mut self, more: &Self) {
        self.created += more.created;
        self.updated += more.updated;
        self.unchanged += more.unchanged;
        self.rejected += more.rejected;
        self.accounts_created += more.accounts_created;
        self.contacts_created += more.contacts_created;
    }
}

/// Why an import ended before the end of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFailure {
    /// Its server died.
    ServerDied,
    /// Its server was stopped.
    ServerStopped,
    /// The database could not be reached for too long.
    DatabaseAway,
    /// The file became unreadable, or the server has a defect.
    Fault,
    /// Its organization was deleted.
    OrganizationDeleted,
}

impl ImportFailure {
    const ALL: [Self; 5] = [
        Self::ServerDied,
        Self::ServerStopped,
        Self::DatabaseAway,
        Self::Fault,
        Self::OrganizationDeleted,
    ];

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::ServerDied => 1,
            Self::ServerStopped => 2,
            Self::DatabaseAway => 3,
            Self::Fault => 4,
            Self::OrganizationDeleted => 5,
        }
    }

    fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.number() == number)
    }
}

/// The state of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// It is waiting or being processed.
    Running,
    /// Every row was imported.
    Completed,
    /// Some rows were rejected; all others were imported.
    CompletedWithErrors,
    /// It ended before the end of the file.
    Failed(ImportFailure),
}

/// The stored number of the only state in which batches are committed.
pub(crate) const RUNNING: i64 = 1;
/// The stored number of the failed state.
pub(crate) const FAILED: i64 = 4;

impl ImportState {
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Running => RUNNING,
            Self::Completed => 2,
            Self::CompletedWithErrors => 3,
            Self::Failed(_) => FAILED,
        }
    }

    pub(crate) fn failure(self) -> Option<ImportFailure> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Running | Self::Completed | Self::CompletedWithErrors => None,
        }
    }

    /// Returns the state of stored numbers, or the column whose number is not understood.
    pub(crate) fn of_numbers(state: i64, failure: Option<i64>) -> Result<Self, &'static str> {
        let ended_well = match state {
            RUNNING => Self::Running,
            2 => Self::Completed,
            3 => Self::CompletedWithErrors,
            FAILED => {
                let why = failure.and_then(ImportFailure::of_number);
                return why.map(Self::Failed).ok_or("failure");
            }
            _ => return Err("state"),
        };
        match failure {
            None => Ok(ended_well),
            Some(_) => Err("failure"),
        }
    }
}

/// An import as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// Its number.
    pub id: ImportId,
    /// Its parameters.
    pub new: NewImport,
    /// Its state.
    pub state: ImportState,
    /// The counts of its committed batches.
    pub counts: ImportCounts,
    /// The revision after its last batch.
    pub at: RevisionId,
    /// When it was accepted.
    pub create_time: Time,
    /// When it ended.
    pub end_time: Option<Time>,
}

/// A rejected row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReject {
    /// Its number in the file.
    pub number: u64,
    /// The header of the column with the error.
    pub header: String,
    /// The reason of the error.
    pub reason: String,
    /// The message of the error.
    pub message: String,
    /// The row's cells.
    pub cells: Vec<String>,
}

/// How far a batch advances its import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportStep {
    /// The import.
    pub import: ImportId,
    /// The number of rows processed before.
    pub read_before: u64,
    /// The counts of the batch.
    pub counts: ImportCounts,
    /// The rows that it rejected.
    pub rejects: Vec<ImportReject>,
    /// The state after the batch.
    pub state: ImportState,
}
