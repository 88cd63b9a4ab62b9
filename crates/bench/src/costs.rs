//! The processor time that a process spends on its answers.

use anyhow::Result;

use crate::load::Slice;
use crate::pairs::Spread;
use crate::process::Process;

/// What the slices of one process cost it, in microseconds of processor time.
#[derive(Default)]
pub(crate) struct Costs {
    answers: u64,
    micros: f64,
    /// Of each slice, in microseconds an answer.
    pub(crate) slices: Vec<f64>,
}

impl Costs {
    /// Runs a slice and adds what it cost the process.
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

    /// Microseconds an answer, over all slices. The kernel counts in steps of 10 ms: all slices
    /// together are more exact than the median of them.
    pub(crate) fn each(&self) -> f64 {
        self.micros / self.answers as f64
    }

    /// Microseconds an answer, with the quartiles of the slices.
    pub(crate) fn spread(&self) -> Spread {
        Spread {
            median: self.each(),
            ..Spread::of(self.slices.iter().copied())
        }
    }
}
