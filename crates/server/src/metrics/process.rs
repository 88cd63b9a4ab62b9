//! The standard process metrics of Prometheus clients. Without `/proc`, only the start time.

use std::fmt::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Ticks a second in `/proc/self/stat`: Linux always reports 100 to programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// The index of the processor time in `/proc/self/stat`, counted after the program's name.
const USER_TICKS: usize = 11;

/// See the module.
#[derive(Debug)]
pub(super) struct Process {
    started: SystemTime,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            started: SystemTime::now(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        if let Some(seconds) = processor_seconds() {
            let counter = ConstCounter::new(seconds);
            let metric = encoder.encode_descriptor(
                "process_cpu",
                "Processor time that the process has used, in user and system mode",
                Some(&Unit::Seconds),
                counter.metric_type(),
            )?;
            counter.encode(metric)?;
        }
        let since = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        for (name, help, unit, value) in [
            (
                "process_resident_memory",
                "Memory of the process that is in RAM",
                Some(Unit::Bytes),
                resident_bytes(),
            ),
            (
                "process_open_fds",
                "File descriptors that are open",
                None,
                open_files(),
            ),
            (
                "process_start_time",
                "When the server was started, as Unix time",
                Some(Unit::Seconds),
                Some(since.as_secs_f64()),
            ),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value);
            let metric =
                encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name is in parentheses and may have spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(USER_TICKS);
    let (user, system): (f64, f64) = (ticks.next()?.parse().ok()?, ticks.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024.0)
}

fn open_files() -> Option<f64> {
    let files = std::fs::read_dir("/proc/self/fd").ok()?;
    Some(files.count() as f64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn proc_tells_of_this_process() {
        let begun = processor_seconds().expect("/proc/self/stat");
        let until = std::time::Instant::now() + std::time::Duration::from_millis(100);
        while std::time::Instant::now() < until {}
        let used = processor_seconds().expect("/proc/self/stat") - begun;
        assert!((0.01..5.0).contains(&used), "{used}");
        let bytes = resident_bytes().expect("/proc/self/status");
        assert!((1e6..1e11).contains(&bytes), "{bytes}");
        assert!(open_files().expect("/proc/self/fd") >= 3.0);
    }
}
