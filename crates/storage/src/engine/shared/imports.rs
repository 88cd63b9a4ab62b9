//! Imports and their rejects.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use roster_core::id::{ImportId, Revision, Time};
use roster_core::organization::RevisionId;

use super::Conn;
use super::facts::records;
use super::session::Session;
use crate::engine::interface::Imports;
use crate::error::Result;
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, column};
use crate::tables::import_record::{
    FAILED, ImportCounts, ImportFailure, ImportKind, ImportRecord, ImportReject, ImportState,
    ImportStep, NewImport, RUNNING,
};
use crate::tables::of_organization::IMPORT_JOB;
use crate::tables::organization::Org;
use crate::tables::schema::{import_rejects, imports, jobs};

/// The stored states of a job.
pub(super) const JOB_RUNNING: i64 = 1;
const JOB_ENDED: i64 = 2;

#[derive(Queryable, Selectable)]
#[diesel(table_name = imports)]
struct ImportRow {
    import: i64,
    kind: i64,
    state: i64,
    failure: Option<i64>,
    headers: String,
    rows_total: i64,
    rows_created: i64,
    rows_updated: i64,
    rows_unchanged: i64,
    rows_rejected: i64,
    accounts_created: i64,
    contacts_created: i64,
    revision: i64,
    nonce: i64,
    create_time: i64,
    end_time: Option<i64>,
}

impl ImportRow {
    fn record(self) -> Result<ImportRecord> {
        let unclear = |column| not_understood("imports", column, &[self.import]);
        let count = |column, stored| u64::from_log(stored).ok_or_else(|| unclear(column));
        let kind = ImportKind::of_number(self.kind);
        let columns = serde_json::from_str(&self.headers);
        let state = ImportState::of_numbers(self.state, self.failure);
        Ok(ImportRecord {
            id: ImportId::new(count("import", self.import)?),
            new: NewImport {
                kind: kind.ok_or_else(|| unclear("kind"))?,
                columns: columns.map_err(|_| unclear("headers"))?,
                rows_total: count("rows_total", self.rows_total)?,
            },
            state: state.map_err(unclear)?,
            counts: ImportCounts {
                created: count("rows_created", self.rows_created)?,
                updated: count("rows_updated", self.rows_updated)?,
                unchanged: count("rows_unchanged", self.rows_unchanged)?,
                rejected: count("rows_rejected", self.rows_rejected)?,
                accounts_created: count("accounts_created", self.accounts_created)?,
                contacts_created: count("contacts_created", self.contacts_created)?,
            },
            at: RevisionId {
                revision: Revision::new(count("revision", self.revision)?),
                nonce: self.nonce,
            },
            create_time: Time::from_micros(self.create_time),
            end_time: self.end_time.map(Time::from_micros),
        })
    }
}

impl Imports for Session {
    fn insert_import(&mut self, org: Org, import: &ImportRecord, server: i64) -> Result<()> {
        let headers = serde_json::to_string(&import.new.columns).unwrap_or_default();
        diesel::insert_into(imports::table)
            .values((
                imports::org.eq(org),
                imports::import.eq(column(import.id.number())),
                imports::kind.eq(import.new.kind.number()),
                imports::state.eq(import.state.number()),
                imports::server.eq(server),
                imports::headers.eq(headers),
                imports::rows_total.eq(column(import.new.rows_total)),
                imports::rows_read.eq(0),
                imports::rows_created.eq(0),
                imports::rows_updated.eq(0),
                imports::rows_unchanged.eq(0),
                imports::rows_rejected.eq(0),
                imports::accounts_created.eq(0),
                imports::contacts_created.eq(0),
                imports::revision.eq(column(import.at.revision.number())),
                imports::nonce.eq(import.at.nonce),
                imports::create_time.eq(import.create_time.micros()),
            ))
            .execute(&mut self.conn)?;
        diesel::insert_into(jobs::table)
            .values((
                jobs::org.eq(org),
                jobs::kind.eq(IMPORT_JOB),
                jobs::job.eq(column(import.id.number())),
                jobs::state.eq(JOB_RUNNING),
                jobs::position.eq(0),
                jobs::cancel.eq(false),
                jobs::owner.eq(server),
                jobs::create_time.eq(import.create_time.micros()),
            ))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn advance_import(
        &mut self,
        org: Org,
        step: &ImportStep,
        at: RevisionId,
        end_time: Time,
    ) -> Result<bool> {
        let counts = &step.counts;
        let ended = step.state != ImportState::Running;
        let import = imports::table
            .find((org, column(step.import.number())))
            .filter(imports::state.eq(RUNNING))
            .filter(imports::rows_read.eq(column(step.read_before)));
        let moved = diesel::update(import)
            .set((
                imports::state.eq(step.state.number()),
                imports::failure.eq(step.state.failure().map(ImportFailure::number)),
                imports::end_time.eq(ended.then_some(end_time.micros())),
                imports::rows_read.eq(imports::rows_read + column(counts.read())),
                imports::rows_created.eq(imports::rows_created + column(counts.created)),
                imports::rows_updated.eq(imports::rows_updated + column(counts.updated)),
                imports::rows_unchanged.eq(imports::rows_unchanged + column(counts.unchanged)),
                imports::rows_rejected.eq(imports::rows_rejected + column(counts.rejected)),
                imports::accounts_created
                    .eq(imports::accounts_created + column(counts.accounts_created)),
                imports::contacts_created
                    .eq(imports::contacts_created + column(counts.contacts_created)),
                imports::revision.eq(column(at.revision.number())),
                imports::nonce.eq(at.nonce),
            ))
            .execute(&mut self.conn)?;
        let job = jobs::table.find((org, IMPORT_JOB, column(step.import.number())));
        diesel::update(job)
            .set((
                jobs::position.eq(column(step.read_before + counts.read())),
                jobs::state.eq(if ended { JOB_ENDED } else { JOB_RUNNING }),
                jobs::end_time.eq(ended.then_some(end_time.micros())),
            ))
            .execute(&mut self.conn)?;
        Ok(moved == 1)
    }

    fn import(&mut self, org: Org, import: ImportId) -> Result<Option<ImportRecord>> {
        let found = imports::table
            .find((org, column(import.number())))
            .select(ImportRow::as_select())
            .first(&mut self.conn)
            .optional()?;
        found.map(ImportRow::record).transpose()
    }

    fn import_rejects(
        &mut self,
        org: Org,
        import: ImportId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ImportReject>> {
        type Row = (i64, String, String, String, String);
        let rows: Vec<Row> = import_rejects::table
            .filter(import_rejects::org.eq(org))
            .filter(import_rejects::import.eq(column(import.number())))
            .filter(import_rejects::number.gt(column(after)))
            .order(import_rejects::number)
            .limit(column(limit as u64))
            .select((
                import_rejects::number,
                import_rejects::header,
                import_rejects::reason,
                import_rejects::message,
                import_rejects::cells,
            ))
            .load(&mut self.conn)?;
        records(rows, |(row, header, reason, message, cells): Row| {
            let key = [column(import.number()), row];
            let unclear = |column| not_understood("import_rejects", column, &key);
            let cells = serde_json::from_str(&cells);
            Ok(ImportReject {
                number: u64::from_log(row).ok_or_else(|| unclear("number"))?,
                header,
                reason,
                message,
                cells: cells.map_err(|_| unclear("cells"))?,
            })
        })
    }

    fn importing_servers(&mut self) -> Result<Vec<i64>> {
        Ok(imports::table
            .filter(imports::state.eq(RUNNING))
            .select(imports::server)
            .distinct()
            .load(&mut self.conn)?)
    }

    fn fail_imports_of(&mut self, server: i64, end_time: Time) -> Result<()> {
        self.fail_imports(
            Box::new(imports::server.eq(server)),
            Box::new(jobs::owner.eq(server).assume_not_null()),
            ImportFailure::ServerDied,
            end_time,
        )
    }
}

/// A condition on the rows of a table.
type Condition<Table> =
    Box<dyn BoxableExpression<Table, <Conn as diesel::Connection>::Backend, SqlType = Bool>>;

impl Session {
    /// Marks running imports, and their jobs, as failed.
    pub(super) fn fail_imports(
        &mut self,
        of_imports: Condition<imports::table>,
        of_jobs: Condition<jobs::table>,
        failure: ImportFailure,
        end_time: Time,
    ) -> Result<()> {
        let running = imports::table
            .filter(of_imports)
            .filter(imports::state.eq(RUNNING));
        diesel::update(running)
            .set((
                imports::state.eq(FAILED),
                imports::failure.eq(failure.number()),
                imports::end_time.eq(end_time.micros()),
            ))
            .execute(&mut self.conn)?;
        let running = jobs::table
            .filter(of_jobs)
            .filter(jobs::kind.eq(IMPORT_JOB))
            .filter(jobs::state.eq(JOB_RUNNING));
        diesel::update(running)
            .set((
                jobs::state.eq(JOB_ENDED),
                jobs::end_time.eq(end_time.micros()),
            ))
            .execute(&mut self.conn)?;
        Ok(())
    }
}
