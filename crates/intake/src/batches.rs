//! The second pass over a file: its rows in batches, read while the batch before them is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use roster_core::rules::import::{Field, ImportRow, RowOutcome};
use roster_sheet::{Row, Rows, SheetError};
use roster_storage::{ImportCounts, ImportReject};
use tokio::sync::mpsc;

use crate::cells::{self, CellFault};
use crate::fault::{At, RowFault};
use crate::layout::Layout;
use crate::rejects;
use crate::survey::Disagreements;

/// Most rows of a batch: beyond it a transaction gains nothing and a call waits longer.
pub(crate) const BATCH_ROWS_MAX: usize = 20_000;
/// Fewest rows that a slow batch leads to: below it commits cost more than rows.
const BATCH_ROWS_MIN: usize = 100;
/// Rows of the first batch, of which nobody knows yet how long they take.
const BATCH_ROWS_FIRST: usize = 1_000;
/// Bytes of a batch's cells: rows of long texts make smaller batches.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// How long a batch is to take: a call that comes in between waits for no longer.
const BATCH_MILLIS: u128 = 250;
/// How much larger than the last a batch may be: one that was quick by chance must not be
/// followed by one that is slow for sure.
const GROWTH_MAX: usize = 2;

/// How many rows the next batch is to have.
#[derive(Clone)]
pub(crate) struct Pace(Arc<AtomicUsize>);

impl Pace {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(BATCH_ROWS_FIRST)))
    }

    fn rows(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Learns from a batch of so many rows.
    pub(crate) fn learn(&self, rows: usize, took: std::time::Duration) {
        let millis = took.as_millis().max(1);
        let wanted = (rows as u128).saturating_mul(BATCH_MILLIS) / millis;
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        // A short last batch says little about long ones.
        if rows * GROWTH_MAX >= self.rows() {
            let max = BATCH_ROWS_MAX.min(rows * GROWTH_MAX);
            self.0.store(
                wanted.clamp(BATCH_ROWS_MIN, max.max(BATCH_ROWS_MIN)),
                Ordering::Relaxed,
            );
        }
    }
}

/// A row as it stood in the file.
struct Source {
    number: u64,
    cells: Vec<String>,
    /// Why it is rejected whatever the rules say.
    fault: Option<CellFault>,
}

/// Rows that go in together.
pub(crate) struct Batch {
    pub(crate) rows: Arc<Vec<ImportRow>>,
    sources: Vec<Source>,
    /// Whether the file ends with it.
    pub(crate) is_last: bool,
}

/// The reason and the text of a row's fault, as the API has them.
pub type Explain = fn(&RowFault) -> (String, String);

impl Batch {
    /// How many rows of the file it has.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// What the batch came to, from what the rules say of those rows that could be judged.
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
            let (at, fault) = match &source.fault {
                Some((at, fault)) => (*at, fault.clone()),
                None => match outcomes.next() {
                    Some(RowOutcome::Created) => {
                        counts.created += 1;
                        continue;
                    }
                    Some(RowOutcome::Updated) => {
                        counts.updated += 1;
                        continue;
                    }
                    // There is an outcome for each row.
                    Some(RowOutcome::Unchanged) | None => {
                        counts.unchanged += 1;
                        continue;
                    }
                    Some(RowOutcome::Rejected { field, refusal }) => {
                        (At::of(*field, refusal), RowFault::Rule(refusal.clone()))
                    }
                },
            };
            let (reason, message) = explain(&fault);
            counts.rejected += 1;
            rejects.push(ImportReject {
                number: source.number,
                header: layout.header_at(at),
                reason,
                message,
                cells: source.cells.clone(),
            });
        }
        (counts, rejects)
    }
}

/// The rows of a sheet below its header, without those that are blank.
pub(crate) struct Body<'s> {
    rows: Rows<'s>,
    layout: &'s Layout,
}

impl<'s> Body<'s> {
    pub(crate) fn below_header(mut rows: Rows<'s>, layout: &'s Layout) -> Result<Self, SheetError> {
        header(&mut rows)?;
        Ok(Self { rows, layout })
    }

    /// The next row with its cells as they are meant; whether there is one.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, SheetError> {
        while self.rows.next_row(row)? {
            row.cells.truncate(self.layout.columns.len());
            if is_blank(row) {
                continue;
            }
            if self.layout.is_corrected {
                row.cells.iter_mut().for_each(rejects::unmark);
                row.errors = rejects::errors(&row.cells);
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// The first row that is not blank, if there is one.
pub(crate) fn header(rows: &mut Rows<'_>) -> Result<Option<Row>, SheetError> {
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

/// Reads all rows into batches, as many ahead as the channel holds; ends early when nobody takes
/// them any more. Blocks.
pub(crate) fn read_all(
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
                    let pair = disagreements.of(&read);
                    let fault = pair.map(|pair| {
                        let field = strongest(&read);
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
            sources.push(Source {
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

/// The field by which a row names its record.
fn strongest(row: &ImportRow) -> Field {
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
    fn a_batch_grows_to_its_time_and_shrinks_at_once() {
        let pace = Pace::new();
        pace.learn(1_000, Duration::from_millis(10));
        assert_eq!(pace.rows(), 2_000);
        for _ in 0..10 {
            pace.learn(pace.rows(), Duration::from_millis(10));
        }
        assert_eq!(pace.rows(), BATCH_ROWS_MAX);
        pace.learn(20_000, Duration::from_millis(1_000));
        assert_eq!(pace.rows(), 5_000);
        pace.learn(5_000, Duration::from_secs(1_000));
        assert_eq!(pace.rows(), BATCH_ROWS_MIN);
        pace.learn(1, Duration::from_millis(250));
        assert_eq!(pace.rows(), BATCH_ROWS_MIN);
    }
}
