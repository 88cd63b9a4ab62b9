//! The processor time that a process uses per answer.

use anyhow::Result;

use crate::load::Slice;
use crate::pairs::Spread;
use crate::process::Process;

/// The processor time that one process used in its slices, in microseconds.
#[derive(Default)]
pub(crate) struct Costs {
    answers: u64,
    micros: f64,
    /// The microseconds per answer of each slice.
    pub(crate) slices: Vec<f64>,
}

impl Costs {
    /// Runs a slice and adds the processor time that the process used meanwhile.
    pub(crate) async fn of(
        &mut self,
        process: &Process,
        slice: impl Future<Output = Result<Slice>>,
    ) -> Result<Slice> {
        let before = process.processor_time()?;
        let slice = slice.await?;
        let micros = (process.processor_time()? - before).as_secs_f64() * 1e6;
        self.answers += slice.answers;
        self.micros += micros;
        self.slices.push(micros / slice.answers as f64);
        Ok(slice)
    }

    /// The microseconds per answer over all slices. The kernel counts in steps of 10 ms, so this is
    /// more exact than the median of the slices.
    pub(crate) fn per_answer(&self) -> f64 {
        self.micros / self.answers as f64
    }

    /// The microseconds per answer, with the quartiles of the slices.
    pub(crate) fn spread(&self) -> Spread {
        Spread {
            median: self.per_answer(),
            ..Spread::of(self.slices.iter().copied())
        }
    }
}
