//! The log: one line for each entry on stderr, as text or JSON.

use std::io::{IsTerminal, Stderr, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::options::{LogFormat, Options};

/// The default directives. The connection pool (r2d2) logs every failed attempt, dozens a second;
/// the caller of the pool logs the same error once.
pub(crate) const LEVEL_DEFAULT: &str = "info,r2d2=off";

/// Starts the log of this process. Call it once.
pub fn start_log(options: &Options) {
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Lines(std::io::stderr()));
    let lines = match options.log_format {
        // Colors only on a terminal, not in a file or a log collector.
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(EnvFilter::new(&options.log_level))
        .with(filter_fn(is_allowed))
        .init();
}

/// Whether entries may be logged whatever the level of the options: libraries may log headers with
/// keys and messages with personal data at `debug` and `trace`.
fn is_allowed(entry: &Metadata<'_>) -> bool {
    *entry.level() <= Level::INFO || entry.target().starts_with("roster")
}

/// Whether a text is a list of directives.
pub(crate) fn directives(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Joins each entry into one line: messages of libpq have several.
struct Lines<W = Stderr>(W);

impl<W: Write> Write for Lines<W> {
    /// Each call receives one whole entry.
    fn write(&mut self, entry: &[u8]) -> std::io::Result<usize> {
        let text = entry.trim_ascii_end();
        if text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            let mut line: Vec<u8> = text
                .split(|byte| matches!(byte, b'\n' | b'\r'))
                .map(<[u8]>::trim_ascii)
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(&b' ');
            line.push(b'\n');
            self.0.write_all(&line)?;
        } else {
            self.0.write_all(entry)?;
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_several_lines_is_one_line() {
        for (entry, line) in [
            ("a b\n", "a b\n"),
            ("a\n\tb\r\n  c\n\n", "a b c\n"),
            ("  a\n", "  a\n"),
        ] {
            let mut written = Vec::new();
            Lines(&mut written).write_all(entry.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), line);
        }
    }
}
