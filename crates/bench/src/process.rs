//! The measured programs as processes of their own, and what the kernel says of them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How many ticks of processor time `/proc` counts in a second: fixed in Linux's interface.
const TICKS_PER_SECOND: u64 = 100;
/// In `/proc/PID/stat`, behind the program's name: time spent in user mode, then in the kernel.
const USER_TICKS: usize = 11;
const KERNEL_TICKS: usize = 12;
/// Written to `/proc/PID/clear_refs`, it begins the peak of memory anew.
const RESET_PEAK: &str = "5";

/// A process that says in its first line where it listens; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// Host and port of its metrics, if it serves any.
    metrics: Option<String>,
}

impl Process {
    /// Starts a program and waits until it listens. What it logs goes to the end of a file.
    pub(crate) fn start(program: &Path, arguments: &[&str], log: &Path) -> Result<Self> {
        let log_file = File::options().create(true).append(true).open(log);
        let log_file = log_file.with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take().context("a process without output")?;
        let mut output = BufReader::new(output);
        // From here on it is killed, whatever goes wrong.
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
                "{} did not say where it listens: see {}",
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
        // What it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(process)
    }

    /// Its address as a client takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A figure of its metrics.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let address = self.metrics.as_deref().context("it serves no metrics")?;
        let mut stream = TcpStream::connect(address)?;
        let end = "\r\nConnection: close\r\n\r\n";
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}{end}")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let figure = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let figure = figure.with_context(|| format!("no metric is called {name}"))?;
        Ok(figure.parse()?)
    }

    fn proc_file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }

    /// The processor time that it has spent, over all its threads.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(self.proc_file("stat"))?;
        processor_time_in(&stat).context("/proc/PID/stat is not as it was")
    }

    /// The most memory that it has held, in bytes, since it started or since
    /// [`forget_peak`](Self::forget_peak).
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(self.proc_file("status"))?;
        bytes_in(&status, "VmHWM:").context("/proc/PID/status has no VmHWM")
    }

    /// Begins the peak of memory anew.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        Ok(std::fs::write(self.proc_file("clear_refs"), RESET_PEAK)?)
    }

    /// Ends it at once, as a power cut would, and waits until it is gone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let ended = self.child.wait()?;
        if !asked.success() || !ended.success() {
            bail!("a process did not stop in peace: {ended}");
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program's name stands in parentheses and may hold anything: fields are counted behind it.
fn processor_time_in(stat: &str) -> Option<Duration> {
    let (_, behind) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let all = ticks(USER_TICKS)? + ticks(KERNEL_TICKS)?;
    Some(Duration::from_millis(all * 1_000 / TICKS_PER_SECOND))
}

fn bytes_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// Where the server's program is: as told, or beside this one, where cargo puts it. Under `cargo
/// run` it is built first, so that no old one is measured.
pub(crate) fn server_program(told: Option<&Path>) -> Result<PathBuf> {
    if let Some(told) = told {
        return Ok(told.to_owned());
    }
    let this = std::env::current_exe()?;
    let beside = this.with_file_name("roster-server");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "roster-server"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        let built = build.status().context("cannot run cargo")?;
        if !built.success() {
            bail!("the server does not build: see above");
        }
    }
    if !beside.is_file() {
        bail!(
            "there is no {}: build it with `cargo build --release -p roster-server`, or say \
             --server PATH",
            beside.display()
        );
    }
    Ok(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_a_name_of_any_kind() {
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
