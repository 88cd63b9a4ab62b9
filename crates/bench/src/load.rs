//! The load generator: streams that send the next call as soon as they have the answer (closed
//! loop), or calls at fixed times (open loop).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint};

/// Concurrent streams of the closed loop.
pub(crate) const STREAMS: usize = 64;
/// The number of connections that the streams share.
pub(crate) const CONNECTIONS: usize = 4;
/// The significant digits of recorded latencies.
const DIGITS: u8 = 3;
/// The most calls of an open loop that may be pending at once. If there are more, the server cannot
/// serve the rate, and its latency grows without bound.
const PENDING_MAX: usize = 10_000;
/// A warm server is at most this much faster than in the slice before.
const WARM: f64 = 0.1;
/// The most slices of a warm-up. A server that still gets faster after them is measured anyway.
const WARM_SLICES_MAX: usize = 20;

/// Opens [`CONNECTIONS`] connections to one server.
pub(crate) async fn connect(endpoint: &Endpoint) -> Result<Vec<Channel>> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        let endpoint = endpoint.clone().tcp_nodelay(true);
        channels.push(
            endpoint
                .connect()
                .await
                .context("cannot connect to the server")?,
        );
    }
    Ok(channels)
}

/// The results of one slice of time.
pub(crate) struct Slice {
    pub(crate) answers: u64,
    pub(crate) elapsed: Duration,
    /// In nanoseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Slice {
    fn new() -> Result<Self> {
        Ok(Self {
            answers: 0,
            elapsed: Duration::ZERO,
            latencies: Histogram::new(DIGITS)?,
        })
    }

    /// Creates a slice of work whose answers have no individual latencies.
    pub(crate) fn of(answers: u64, elapsed: Duration) -> Result<Self> {
        Ok(Self {
            answers,
            elapsed,
            ..Self::new()?
        })
    }

    fn record(&mut self, latency: Duration) -> Result<()> {
        self.answers += 1;
        Ok(self.latencies.record(latency.as_nanos() as u64)?)
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.answers += other.answers;
        Ok(self.latencies.add(&other.latencies)?)
    }

    /// The number of answers per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency, in seconds, that this fraction of the calls did not exceed.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        self.latencies.value_at_quantile(part) as f64 / 1e9
    }

    /// The mean latency in seconds.
    pub(crate) fn mean(&self) -> f64 {
        self.latencies.mean() / 1e9
    }
}

/// Formats the usual percentiles.
pub(crate) fn percentiles(latencies: &Histogram<u64>) -> String {
    let at = |part| latencies.value_at_quantile(part) as f64 / 1e6;
    format!(
        "p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms of {} calls",
        at(0.5),
        at(0.95),
        at(0.99),
        at(0.999),
        latencies.len()
    )
}

/// Runs a closed loop: each stream sends the next call as soon as it has the answer. `call` gets a
/// different number for each call. An error ends the slice.
pub(crate) async fn closed<Answer>(
    streams: usize,
    time: Duration,
    call: impl Fn(u64) -> Answer + Clone + Send + 'static,
) -> Result<Slice>
where
    Answer: Future<Output = Result<()>> + Send,
{
    closed_up_to(u64::MAX, streams, time, call).await
}

/// Like [`closed`], but ends the slice early after this many calls.
pub(crate) async fn closed_up_to<Answer>(
    calls_max: u64,
    streams: usize,
    time: Duration,
    call: impl Fn(u64) -> Answer + Clone + Send + 'static,
) -> Result<Slice>
where
    Answer: Future<Output = Result<()>> + Send,
{
    let numbers = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let stream = || {
        let (numbers, call) = (Arc::clone(&numbers), call.clone());
        tokio::spawn(async move {
            let mut slice = Slice::new()?;
            // At least one call, so that no slice is empty on a busy machine.
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= calls_max {
                    return anyhow::Ok(slice);
                }
                let sent = Instant::now();
                call(number).await?;
                slice.record(sent.elapsed())?;
                if start.elapsed() >= time {
                    return anyhow::Ok(slice);
                }
            }
        })
    };
    let running: Vec<_> = (0..streams).map(|_| stream()).collect();
    let mut all = Slice::new()?;
    for stream in running {
        all.add(&stream.await??)?;
    }
    all.elapsed = start.elapsed();
    Ok(all)
}

/// Repeats a slice until it is hardly faster than the slice before: by then, caches are filled.
pub(crate) async fn warm_up(mut speed: impl AsyncFnMut() -> Result<f64>) -> Result<()> {
    let mut before = speed().await?;
    for _ in 0..WARM_SLICES_MAX {
        let now = speed().await?;
        if now < before * (1.0 + WARM) {
            break;
        }
        before = now;
    }
    Ok(())
}

/// Runs an open loop: calls start at fixed times, even if earlier calls have no answer yet.
/// Latencies count from the planned start, so they include the time that a call waited for a
/// stalled server. `continues` gets the planned start of the next call, counted from the first
/// call.
pub(crate) async fn open<Answer>(
    per_second: u64,
    continues: impl Fn(Duration) -> bool + Send + 'static,
    call: impl Fn(u64) -> Answer + Clone + Send + 'static,
) -> Result<Slice>
where
    Answer: Future<Output = Result<()>> + Send + 'static,
{
    let (sender, mut answers) = mpsc::unbounded_channel();
    let pending = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Handle::current();
    let start = Instant::now();
    // A thread, because the timer of the runtime has a resolution of 1 ms.
    let pacing = std::thread::spawn(move || {
        for number in 0_u64.. {
            let due = Duration::from_nanos(number * 1_000_000_000 / per_second);
            if !continues(due) {
                return Ok(());
            }
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            if pending.fetch_add(1, Ordering::Relaxed) > PENDING_MAX {
                bail!("the server cannot serve {per_second} calls per second");
            }
            let (call, sender) = (call.clone(), sender.clone());
            let pending = Arc::clone(&pending);
            runtime.spawn(async move {
                let answered = call(number).await;
                pending.fetch_sub(1, Ordering::Relaxed);
                // The receiver is gone if another call failed.
                let _ = sender.send(answered.map(|()| start.elapsed().saturating_sub(due)));
            });
        }
        Ok(())
    });
    let mut slice = Slice::new()?;
    while let Some(latency) = answers.recv().await {
        slice.record(latency?)?;
    }
    slice.elapsed = start.elapsed();
    match pacing.join() {
        Ok(paced) => paced.map(|()| slice),
        Err(_) => bail!("the pacing thread panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_answer_ends_either_loop_as_an_error() {
        let wrong = |number| async move {
            if number == 3 {
                bail!("wrong");
            }
            Ok(())
        };
        assert!(closed(4, SHORT, wrong).await.is_err());
        assert!(open(1_000, |due| due < SHORT, wrong).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn latencies_of_an_open_loop_count_from_the_planned_start() {
        // The first call holds the only permit for 40 ms: the calls that are due meanwhile wait.
        let permit = Arc::new(tokio::sync::Semaphore::new(1));
        let call = move |number| {
            let permit = Arc::clone(&permit);
            async move {
                let _permit = permit.acquire().await?;
                if number == 0 {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                }
                Ok(())
            }
        };
        let slice = open(1_000, |due| due < SHORT, call).await.expect("a slice");
        assert_eq!(slice.answers, 50);
        assert!(slice.latency(0.5) > 0.01, "{}", slice.latency(0.5));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_closed_loop_counts_every_answer_once() {
        let calls = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&calls);
        let call = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        };
        let slice = closed(4, SHORT, call).await.expect("a slice");
        assert_eq!(slice.answers, calls.load(Ordering::Relaxed));
        assert_eq!(slice.latencies.len(), slice.answers);
        assert!(slice.elapsed >= SHORT);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_closed_loop_makes_no_more_calls_than_its_limit() {
        let call = |number| async move {
            assert!(number < 100);
            Ok(())
        };
        let hour = Duration::from_secs(3_600);
        let slice = closed_up_to(100, 4, hour, call).await.expect("a slice");
        assert_eq!(slice.answers, 100);
    }
}
