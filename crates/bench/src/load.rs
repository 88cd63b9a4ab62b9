//! The load generator: streams that ask as fast as they are answered, or arrivals at set times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tonic::transport::Channel;

/// Streams of the closed loop.
pub(crate) const STREAMS: usize = 64;
/// Connections that the streams share.
pub(crate) const CONNECTIONS: usize = 4;
/// How precisely latencies are kept: three digits.
const DIGITS: u8 = 3;
/// Calls of an open loop that may be on their way at once. Beyond, the rate is more than the server
/// can do, and its latency is as long as one cares to wait.
const ON_THEIR_WAY_MAX: usize = 10_000;
/// How near the speeds of two slices come once both sides are warm.
const WARM: f64 = 0.1;
/// How often that is waited for: whoever still speeds up then is measured as it is.
const WARM_SLICES_MAX: usize = 20;

/// Connects some times to one server: a connection each.
pub(crate) async fn connect(url: &str) -> Result<Vec<Channel>> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        let endpoint = Channel::from_shared(url.to_owned())?.tcp_nodelay(true);
        channels.push(
            endpoint
                .connect()
                .await
                .context("the server is not there")?,
        );
    }
    Ok(channels)
}

/// What was measured in one slice of time.
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

    /// Of a piece of work whose answers have no latencies of their own.
    pub(crate) fn of(answers: u64, elapsed: Duration) -> Result<Self> {
        Ok(Self {
            answers,
            elapsed,
            ..Self::new()?
        })
    }

    fn note(&mut self, latency: Duration) -> Result<()> {
        self.answers += 1;
        Ok(self.latencies.record(latency.as_nanos() as u64)?)
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.answers += other.answers;
        Ok(self.latencies.add(&other.latencies)?)
    }

    /// Answers a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency, in seconds, that this part of the calls did not exceed.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        self.latencies.value_at_quantile(part) as f64 / 1e9
    }

    /// The mean latency in seconds.
    pub(crate) fn mean(&self) -> f64 {
        self.latencies.mean() / 1e9
    }
}

/// The usual percentiles in words.
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

/// Closed loop: each stream asks anew as soon as it is answered. `ask` is given a number, another
/// for every call; a wrong answer ends the slice as an error.
pub(crate) async fn closed<Answer>(
    streams: usize,
    time: Duration,
    ask: impl Fn(u64) -> Answer + Clone + Send + 'static,
) -> Result<Slice>
where
    Answer: Future<Output = Result<()>> + Send,
{
    closed_up_to(u64::MAX, streams, time, ask).await
}

/// As [`closed`], with no more than this many calls: the slice ends early where they are made.
pub(crate) async fn closed_up_to<Answer>(
    calls_max: u64,
    streams: usize,
    time: Duration,
    ask: impl Fn(u64) -> Answer + Clone + Send + 'static,
) -> Result<Slice>
where
    Answer: Future<Output = Result<()>> + Send,
{
    let numbers = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let stream = || {
        let (numbers, ask) = (Arc::clone(&numbers), ask.clone());
        tokio::spawn(async move {
            let mut slice = Slice::new()?;
            // Once at least, so that no slice is empty where the machine is busy.
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= calls_max {
                    return anyhow::Ok(slice);
                }
                let asked = Instant::now();
                ask(number).await?;
                slice.note(asked.elapsed())?;
                if begun.elapsed() >= time {
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
    all.elapsed = begun.elapsed();
    Ok(all)
}

/// Closed slices until one is hardly faster than the one before: what is read into memory by then is
/// there.
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

/// Open loop: calls begin at set times, whether those before are answered or not, and latencies
/// count from those times: a server that stalls is not spared the calls that it kept waiting.
pub(crate) async fn open<Answer>(
    per_second: u64,
    going_on: impl Fn(Duration) -> bool + Send + 'static,
    ask: impl Fn(u64) -> Answer + Clone + Send + 'static,
) -> Result<Slice>
where
    Answer: Future<Output = Result<()>> + Send + 'static,
{
    let (told, mut answers) = mpsc::unbounded_channel();
    let on_their_way = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Handle::current();
    let begun = Instant::now();
    // A thread, since the runtime's own timer counts in milliseconds.
    let pacing = std::thread::spawn(move || {
        for number in 0_u64.. {
            let due = Duration::from_nanos(number * 1_000_000_000 / per_second);
            if !going_on(due) {
                return Ok(());
            }
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            if on_their_way.fetch_add(1, Ordering::Relaxed) > ON_THEIR_WAY_MAX {
                bail!("the server cannot answer {per_second} calls a second");
            }
            let (ask, told) = (ask.clone(), told.clone());
            let on_their_way = Arc::clone(&on_their_way);
            runtime.spawn(async move {
                let answered = ask(number).await;
                on_their_way.fetch_sub(1, Ordering::Relaxed);
                // Nobody listens once another call has failed.
                let _ = told.send(answered.map(|()| begun.elapsed().saturating_sub(due)));
            });
        }
        Ok(())
    });
    let mut slice = Slice::new()?;
    while let Some(latency) = answers.recv().await {
        slice.note(latency?)?;
    }
    slice.elapsed = begun.elapsed();
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
    async fn an_open_loop_counts_from_when_a_call_was_due() {
        // The first call holds the only place for 40 ms: those that were due meanwhile waited.
        let place = Arc::new(tokio::sync::Semaphore::new(1));
        let ask = move |number| {
            let place = Arc::clone(&place);
            async move {
                let _place = place.acquire().await?;
                if number == 0 {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                }
                Ok(())
            }
        };
        let slice = open(1_000, |due| due < SHORT, ask).await.expect("a slice");
        assert_eq!(slice.answers, 50);
        assert!(slice.latency(0.5) > 0.01, "{}", slice.latency(0.5));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_closed_loop_counts_every_answer_once() {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let ask = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        };
        let slice = closed(4, SHORT, ask).await.expect("a slice");
        assert_eq!(slice.answers, asked.load(Ordering::Relaxed));
        assert_eq!(slice.latencies.len(), slice.answers);
        assert!(slice.elapsed >= SHORT);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_closed_loop_makes_no_more_calls_than_it_may() {
        let ask = |number| async move {
            assert!(number < 100);
            Ok(())
        };
        let hour = Duration::from_secs(3_600);
        let slice = closed_up_to(100, 4, hour, ask).await.expect("a slice");
        assert_eq!(slice.answers, 100);
    }
}
