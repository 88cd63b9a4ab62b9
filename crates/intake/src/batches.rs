//! The second pass over a file. Reads the rows in batches while the previous batch is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use roster_core::rules::import::{Field, ImportRow, RowOutcome};
use roster_sheet::{Row, Rows, SheetError};
use roster_storage::{ImportCounts, ImportReject};
use tokio::sync::mpsc;

use crate::cells::{self, CellFault};
use crate::fault::{Location, RowFault};
use crate::layout::Layout;
use crate::rejects;
use crate::survey::Disagreements;

/// Maximum rows of a batch. A larger transaction is not faster, and other calls wait longer.
pub(crate) const BATCH_ROWS_MAX: usize = 20_000;
/// Minimum rows of a batch after a slow batch. In a smaller batch, the commit costs more than the
/// rows.
const BATCH_ROWS_MIN: usize = 100;
/// Rows of the first batch, before any duration is known.
const BATCH_ROWS_FIRST: usize = 1_000;
/// Maximum bytes of the cells of a batch, so that long texts make smaller batches.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// Target duration of a batch. A concurrent call waits for at most one batch.
const BATCH_MILLIS: u128 = 250;
/// Maximum growth from one batch to the next, so that a batch that was fast by chance does not
/// cause a very slow batch.
const GROWTH_MAX: usize = 2;

/// The number of rows of the next batch.
#[derive(Clone)]
pub(crate) struct Pace(Arc<AtomicUsize>);

impl Pace {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(BATCH_ROWS_FIRST)))
    }

    fn rows(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Adjusts the size to the duration of a batch with `rows` rows.
    pub(crate) fn adjust(&self, rows: usize, took: std::time::Duration) {
        let millis = took.as_millis().max(1);
        let target = (rows as u128).saturating_mul(BATCH_MILLIS) / millis;
        let target = usize::try_from(target).unwrap_or(usize::MAX);
        // The duration of a short last batch does not predict that of a long batch.
        if rows * GROWTH_MAX >= self.rows() {
            let max = BATCH_ROWS_MAX.min(rows * GROWTH_MAX);
            self.0.store(
                target.clamp(BATCH_ROWS_MIN, max.max(BATCH_ROWS_MIN)),
                Ordering::Relaxed,
            );
        }
    }
}

/// A row of the file.
struct SourceRow {
    number: u64,
    cells: Vec<String>,
    /// Why the row is rejected before any rule judges it.
    fault: Option<CellFault>,
}

/// Rows that are imported in one transaction.
pub(crate) struct Batch {
    pub(crate) rows: Arc<Vec<ImportRow>>,
    sources: Vec<SourceRow>,
    /// Whether this is the last batch of the file.
    pub(crate) is_last: bool,
}

/// Returns the reason and the message that the API reports for a row's fault.
pub type Explain = fn(&RowFault) -> (String, String);

impl Batch {
    /// Returns the number of rows of the file in this batch.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Returns the counts and the rejects of the batch. `outcomes` are the results of the rows that
    /// could be read, in their order.
    pub(crate) fn result(
        &self,
        layout: &Layout,
        outcomes: &[RowOutcome],
        explain: Explain,
    ) -> (ImportCounts, Vec<ImportReject>) {
        let mut counts = ImportCounts::default();
        let mut rejects = Vec::new();
        let mut outcomes = outcomes.iter();
        for source in &self.sources {
            let (location, fault) = match &source.fault {
                Some((location, fault)) => (*location, fault.clone()),
                None => match outcomes.next() {
                    Some(RowOutcome::Created) => {
                        counts.created += 1;
                        continue;
                    }
                    Some(RowOutcome::Updated) => {
                        counts.updated += 1;
                        continue;
                    }
                    // `None` does not occur: each row without a fault has an outcome.
                    Some(RowOutcome::Unchanged) | None => {
                        counts.unchanged += 1;
                        continue;
                    }
                    Some(RowOutcome::Rejected { field, refusal }) => (
                        Location::of(*field, refusal),
                        RowFault::Rule(refusal.clone()),
                    ),
                },
            };
            let (reason, message) = explain(&fault);
            counts.rejected += 1;
            rejects.push(ImportReject {
                number: source.number,
                header: layout.header_at(location),
                reason,
                message,
                cells: source.cells.clone(),
            });
        }
        (counts, rejects)
    }
}

/// The rows of a sheet below its header, without blank rows.
pub(crate) struct Body<'s> {
    rows: Rows<'s>,
    layout: &'s Layout,
}

impl<'s> Body<'s> {
    pub(crate) fn below_header(mut rows: Rows<'s>, layout: &'s Layout) -> Result<Self, SheetError> {
        read_header(&mut rows)?;
        Ok(Self { rows, layout })
    }

    /// Reads the next row into `row`; returns false at the end. In a corrected file of rejects, it
    /// reverts the escaping of the cells and marks the cells that still contain an error.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        while self.rows.next_row(row)? {
            row.cells.truncate(self.layout.columns.len());
            if is_blank(row) {
                continue;
            }
            if self.layout.is_corrected {
                row.cells.iter_mut().for_each(rejects::unescape_formula);
                row.errors = rejects::error_columns(&row.cells);
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// Returns the first row that is not blank.
pub(crate) fn read_header(rows: &mut Rows<'_>) -> Result<Option<Row>, SheetError> {
    let mut row = Row::default();
    while rows.next_row(&mut row)? {
        if !is_blank(&row) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn is_blank(row: &Row) -> bool {
    row.cells.iter().all(|cell| cell.trim().is_empty())
}

/// Reads all rows and sends them in batches. Blocks while the channel is full, and returns early if
/// the receiver is closed.
pub(crate) fn send_batches(
    mut body: Body<'_>,
    layout: &Layout,
    disagreements: &Disagreements,
    pace: &Pace,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), SheetError> {
    let mut row = Row::default();
    let mut more = body.next(&mut row)?;
    loop {
        let mut rows = Vec::new();
        let mut sources = Vec::new();
        let mut bytes = 0;
        while more && sources.len() < pace.rows() && bytes < BATCH_BYTES_MAX {
            bytes += row.cells.iter().map(String::len).sum::<usize>();
            let fault = match cells::read(layout, &row) {
                Err(fault) => Some(fault),
                Ok(read) => {
                    let pair = disagreements.conflict_of(&read);
                    let fault = pair.map(|pair| {
                        let field = strongest_key(&read);
                        (field.into(), RowFault::RowsDisagree(pair))
                    });
                    if fault.is_none() {
                        rows.push(read);
                    }
                    fault
                }
            };
            let number = row.number;
            let cells = std::mem::take(&mut row.cells);
            sources.push(SourceRow {
                number,
                cells,
                fault,
            });
            more = body.next(&mut row)?;
        }
        let batch = Batch {
            rows: Arc::new(rows),
            sources,
            is_last: !more,
        };
        if batches.blocking_send(batch).is_err() || !more {
            return Ok(());
        }
    }
}

/// Returns the field of the strongest key by which a row identifies its record.
fn strongest_key(row: &ImportRow) -> Field {
    match row {
        ImportRow::Account(row) => row.keys.field(),
        ImportRow::Contact(row) => row.keys.field(),
        ImportRow::Association(row) => row.contact.field(),
        ImportRow::Ticket(_) => Field::TicketId,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_batch_size_grows_stepwise_to_the_target_duration_and_shrinks_at_once() {
        let pace = Pace::new();
        pace.adjust(1_000, Duration::from_millis(10));
        assert_eq!(pace.rows(), 2_000);
        for _ in 0..10 {
            pace.adjust(pace.rows(), Duration::from_millis(10));
        }
        assert_eq!(pace.rows(), BATCH_ROWS_MAX);
        pace.adjust(20_000, Duration::from_millis(1_000));
        assert_eq!(pace.rows(), 5_000);
        pace.adjust(5_000, Duration::from_secs(1_000));
        assert_eq!(pace.rows(), BATCH_ROWS_MIN);
        pace.adjust(1, Duration::from_millis(250));
        assert_eq!(pace.rows(), BATCH_ROWS_MIN);
    }
}
