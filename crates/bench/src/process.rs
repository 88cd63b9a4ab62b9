//! The measured programs as child processes, and their resource usage as the kernel reports it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The ticks per second in which `/proc` counts processor time: fixed in the interface of Linux.
const TICKS_PER_SECOND: u64 = 100;
/// The fields of `/proc/PID/stat` after the program's name: time in user mode, and in the kernel.
const USER_TICKS: usize = 11;
const KERNEL_TICKS: usize = 12;
/// Resets the peak of memory when written to `/proc/PID/clear_refs`.
const RESET_PEAK: &str = "5";

/// A process that prints its address in its first line of output. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The host and port.
    pub(crate) address: String,
    /// The host and port of its metrics, if it serves metrics.
    metrics: Option<String>,
}

impl Process {
    /// Starts a program and waits until it listens. Appends its log to a file.
    pub(crate) fn start(program: &Path, arguments: &[&str], log: &Path) -> Result<Self> {
        let log_file = File::options().create(true).append(true).open(log);
        let log_file = log_file.with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = child
            .stdout
            .take()
            .context("the process has no standard output")?;
        let mut output = BufReader::new(output);
        // From here on, an error drops the process, which kills it.
        let mut process = Self {
            child,
            address: String::new(),
            metrics: None,
        };
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with(char::is_numeric) && word.contains(':'));
        let Some(address) = address else {
            bail!(
                "{} did not print its address: see {}",
                program.display(),
                log.display()
            );
        };
        process.address = address.to_owned();
        if arguments.contains(&"--metrics") {
            line.clear();
            output.read_line(&mut line)?;
            let url = line.trim().strip_prefix("metrics: http://");
            let address = url.and_then(|url| url.strip_suffix("/metrics"));
            process.metrics = address.map(str::to_owned);
        }
        // Later output must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(process)
    }

    /// The URL for clients.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Reads one of its metrics.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let address = self
            .metrics
            .as_deref()
            .context("the process serves no metrics")?;
        let mut stream = TcpStream::connect(address)?;
        let end = "\r\nConnection: close\r\n\r\n";
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}{end}")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let figure = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let figure = figure.with_context(|| format!("the process has no metric {name}"))?;
        Ok(figure.parse()?)
    }

    fn proc_file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }

    /// Restricts all its threads to one processor.
    pub(crate) fn pin_to(&self, processor: usize) -> Result<()> {
        pin(self.child.id(), processor)
    }

    /// The processor time that all its threads used so far.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(self.proc_file("stat"))?;
        processor_time_in(&stat).context("/proc/PID/stat has an unknown format")
    }

    /// The peak of its resident memory, in bytes, since its start or the last call of
    /// [`reset_peak_memory`](Self::reset_peak_memory).
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(self.proc_file("status"))?;
        bytes_in(&status, "VmHWM:").context("/proc/PID/status has no VmHWM")
    }

    /// Resets the peak of memory.
    pub(crate) fn reset_peak_memory(&self) -> Result<()> {
        Ok(std::fs::write(self.proc_file("clear_refs"), RESET_PEAK)?)
    }

    /// Kills it and waits until it has ended. The process cannot clean up, as in a power failure.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends SIGTERM and waits until it has ended.
    pub(crate) fn stop(mut self) -> Result<()> {
        let signalled = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let status = self.child.wait()?;
        if !signalled.success() || !status.success() {
            bail!("a process failed when it stopped: {status}");
        }
        Ok(())
    }
}

/// Restricts all threads of a process to one processor.
pub(crate) fn pin(process: u32, processor: usize) -> Result<()> {
    let arguments = [
        "-a",
        "-c",
        "-p",
        &processor.to_string(),
        &process.to_string(),
    ];
    let set = Command::new("taskset")
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .context("cannot run taskset (package util-linux)")?;
    if !set.success() {
        bail!("taskset could not restrict process {process} to processor {processor}");
    }
    Ok(())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Parses `/proc/PID/stat`. The program's name is in parentheses and may contain any character, so
/// fields are counted after it.
fn processor_time_in(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let all = ticks(USER_TICKS)? + ticks(KERNEL_TICKS)?;
    Some(Duration::from_millis(all * 1_000 / TICKS_PER_SECOND))
}

fn bytes_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// Returns the path of the server's program: the given path, or `roster-server` in the folder of
/// this program, where cargo puts it. Under `cargo run`, builds it first, so that the bench never
/// measures an outdated build.
pub(crate) fn server_program(path: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = path {
        return Ok(path.to_owned());
    }
    let this = std::env::current_exe()?;
    let program = this.with_file_name("roster-server");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "roster-server"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.status().context("cannot run cargo")?;
        if !built.success() {
            bail!("building the server failed: see the messages of cargo");
        }
    }
    if !program.is_file() {
        bail!(
            "{} does not exist: build it with `cargo build --release -p roster-server`, or pass \
             --server PATH",
            program.display()
        );
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_after_any_program_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 25 3 4 20 0 9 0 1";
        let time = processor_time_in(stat).expect("a time");
        assert_eq!(time, Duration::from_millis(1_750));
        assert_eq!(processor_time_in("7 (a"), None);
    }

    #[test]
    fn memory_is_read_by_its_name() {
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(bytes_in(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(bytes_in(status, "VmPeak:"), None);
    }
}
