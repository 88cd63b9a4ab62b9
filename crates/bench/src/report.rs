//! Runs the rows and reports their figures: one line per figure, and a table.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::databases::Engine;
use crate::options::Report;
use crate::output::print_line;
use crate::pairs::Spread;
use crate::process::server_program;
use crate::rows::{self, Row};

/// The bar that a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// At least this on other machines. It does not apply on this machine; the note of the figure
    /// contains the reason.
    NotApplicable(f64),
}

impl Bar {
    fn verdict(self, value: f64) -> &'static str {
        let met = match self {
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
            Self::NotApplicable(_) => return "not applicable",
        };
        if met { "ok" } else { "missed" }
    }
}

/// One figure of a row.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// The name of the row, with a suffix if the row has several figures.
    pub(crate) name: &'static str,
    /// `None` if the figure does not depend on a database.
    pub(crate) engine: Option<Engine>,
    /// The measured values. Their median is the figure.
    pub(crate) spread: Spread,
    /// The unit, printed after the number.
    pub(crate) unit: &'static str,
    pub(crate) bar: Bar,
    /// Other measured values.
    pub(crate) note: String,
}

impl Figure {
    /// The name with the database.
    fn title(&self) -> String {
        match self.engine {
            Some(engine) => format!("{} ({})", self.name, engine.name()),
            None => self.name.to_owned(),
        }
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{}{}", format_number(value), self.unit)
    }

    fn bar_text(&self) -> String {
        match self.bar {
            Bar::AtLeast(bar) | Bar::NotApplicable(bar) => format!("≥ {}", self.with_unit(bar)),
            Bar::AtMost(bar) => format!("≤ {}", self.with_unit(bar)),
        }
    }

    fn value_text(&self) -> String {
        self.with_unit(self.spread.median)
    }

    fn verdict(&self) -> &'static str {
        self.bar.verdict(self.spread.median)
    }

    fn spread_text(&self) -> String {
        let Spread {
            lower, upper, of, ..
        } = self.spread;
        if of < 2 {
            return String::new();
        }
        format!(
            "{} to {} of {of}",
            format_number(lower),
            format_number(upper)
        )
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({}) {}",
            self.title(),
            self.value_text(),
            self.bar_text(),
            self.verdict()
        )?;
        match self.spread_text() {
            spread if spread.is_empty() => Ok(()),
            spread => write!(f, "  [{spread}]"),
        }
    }
}

/// Formats a number with three significant digits, and large numbers with a suffix.
pub(crate) fn format_number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000_000.0 {
        return format!("{:.2}M", value / 1e6);
    }
    if size >= 10_000.0 {
        return format!("{:.0}k", value / 1e3);
    }
    let digits = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}")
}

/// Measures the selected rows and prints each figure.
pub(crate) async fn run(report: Report) -> Result<()> {
    let wanted = rows::named(&report.rows)?;
    let server = server_program(report.server.as_deref())?;
    let bench = Bench::new(report.measuring, report.only, server)?;
    let mut figures = Vec::new();
    for row in wanted {
        print_line(format_args!("measuring {}: {}", row.name, row.about));
        for engine in engines(row, report.databases.database.engines()) {
            let measured = (row.measure)(&bench, *engine).await;
            let measured = measured.with_context(|| format!("row {} failed", row.name))?;
            for figure in measured {
                print_line(&figure);
                if !figure.note.is_empty() {
                    print_line(format_args!("    {}", figure.note));
                }
                figures.push(figure);
            }
        }
    }
    if let Some(folder) = &report.out {
        write(folder, &bench, &figures)?;
    }
    Ok(())
}

/// Returns the engines to measure a row on: the first one if the row does not depend on a database.
fn engines<'a>(row: &Row, wanted: &'a [Engine]) -> &'a [Engine] {
    if row.per_engine { wanted } else { &wanted[..1] }
}

fn write(folder: &Path, bench: &Bench, figures: &[Figure]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let of = format!(
        "World {:?}, {} pairs of slices of {} ms, a sync takes {:.2} ms",
        bench.measuring.world,
        bench.slices(),
        bench.measuring.slice_ms,
        bench.sync.as_secs_f64() * 1e3
    );
    std::fs::write(folder.join("report.md"), table(&of, figures))?;
    print_line(format_args!("written to {}", folder.display()));
    Ok(())
}

/// Formats the figures as a Markdown table.
fn table(of: &str, figures: &[Figure]) -> String {
    let mut text = String::from(
        "| figure | measured | bar | | middle half | other values |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for figure in figures {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            figure.title(),
            figure.value_text(),
            figure.bar_text(),
            figure.verdict(),
            figure.spread_text(),
            figure.note
        ));
    }
    text.push_str(&format!("\n{of}.\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &'static str, value: f64, bar: Bar) -> Figure {
        Figure {
            name,
            engine: Some(Engine::Sqlite),
            spread: Spread::of([value]),
            unit: " ×",
            bar,
            note: String::new(),
        }
    }

    #[test]
    fn a_figure_prints_its_bar_and_whether_the_bar_is_met() {
        let of = |value, bar| figure("check", value, bar).to_string();
        assert_eq!(
            of(0.9, Bar::AtLeast(0.9)),
            "check (sqlite): 0.90 × (≥ 0.90 ×) ok"
        );
        assert_eq!(
            of(0.89, Bar::AtLeast(0.9)),
            "check (sqlite): 0.89 × (≥ 0.90 ×) missed"
        );
        assert_eq!(
            of(1.31, Bar::AtMost(1.3)),
            "check (sqlite): 1.31 × (≤ 1.30 ×) missed"
        );
        assert_eq!(
            of(3.2, Bar::NotApplicable(5.0)),
            "check (sqlite): 3.20 × (≥ 5.00 ×) not applicable"
        );
        // A figure without values meets no bar.
        assert_eq!(Bar::AtMost(1.0).verdict(f64::NAN), "missed");
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        let all = [0.4567, 45.67, 456.7, 45_678.0, 2_345_678.0].map(format_number);
        assert_eq!(all, ["0.46", "45.7", "457", "46k", "2.35M"]);
    }

    #[test]
    fn the_table_has_a_line_per_figure() {
        let figures = [
            figure("check", 0.5, Bar::AtLeast(0.9)),
            figure("list", 1.0, Bar::AtMost(1.3)),
        ];
        let table = table("World S", &figures);
        assert_eq!(
            table.lines().filter(|line| line.starts_with("| ")).count(),
            4
        );
        assert!(
            table.contains("| list (sqlite) | 1.00 × | ≤ 1.30 × | ok |"),
            "{table}"
        );
    }
}
