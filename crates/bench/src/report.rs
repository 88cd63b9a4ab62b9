//! What a run comes to: a line a figure, and a table.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::databases::Engine;
use crate::options::Report;
use crate::pairs::Spread;
use crate::process::server_program;
use crate::rows::{self, Row};
use crate::say::say;

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// At least this on other machines, but not on this one: the note of the figure says why.
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
    /// The row's name, or that and what of it.
    pub(crate) name: &'static str,
    /// None: no database has a part in it.
    pub(crate) engine: Option<Engine>,
    /// Its median is the figure.
    pub(crate) spread: Spread,
    /// What stands behind the number.
    pub(crate) unit: &'static str,
    pub(crate) bar: Bar,
    /// What was measured on the way.
    pub(crate) note: String,
}

impl Figure {
    /// The name with its database.
    fn title(&self) -> String {
        match self.engine {
            Some(engine) => format!("{} ({})", self.name, engine.name()),
            None => self.name.to_owned(),
        }
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{}{}", shown(value), self.unit)
    }

    fn bar_shown(&self) -> String {
        match self.bar {
            Bar::AtLeast(bar) | Bar::NotApplicable(bar) => format!("≥ {}", self.with_unit(bar)),
            Bar::AtMost(bar) => format!("≤ {}", self.with_unit(bar)),
        }
    }

    fn value_shown(&self) -> String {
        self.with_unit(self.spread.median)
    }

    fn verdict(&self) -> &'static str {
        self.bar.verdict(self.spread.median)
    }

    fn spread_shown(&self) -> String {
        let Spread {
            lower, upper, of, ..
        } = self.spread;
        if of < 2 {
            return String::new();
        }
        format!("{} to {} of {of}", shown(lower), shown(upper))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({}) {}",
            self.title(),
            self.value_shown(),
            self.bar_shown(),
            self.verdict()
        )?;
        match self.spread_shown() {
            spread if spread.is_empty() => Ok(()),
            spread => write!(f, "  [{spread}]"),
        }
    }
}

/// Three digits that count, and large numbers in groups of three.
pub(crate) fn shown(value: f64) -> String {
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

/// Measures what was asked for and tells it as it comes.
pub(crate) async fn run(report: Report) -> Result<()> {
    let wanted = rows::named(&report.rows)?;
    let server = server_program(report.server.as_deref())?;
    let bench = Bench::new(report.measuring, report.only, server)?;
    let mut figures = Vec::new();
    for row in wanted {
        say(format_args!("measuring {}: {}", row.name, row.about));
        for engine in engines(row, report.databases.database.engines()) {
            let measured = (row.measure)(&bench, *engine).await;
            let measured = measured.with_context(|| format!("row {} failed", row.name))?;
            for figure in measured {
                say(&figure);
                if !figure.note.is_empty() {
                    say(format_args!("    {}", figure.note));
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

/// A row in which no database has a part is measured once.
fn engines<'a>(row: &Row, wanted: &'a [Engine]) -> &'a [Engine] {
    if row.of_database {
        wanted
    } else {
        &wanted[..1]
    }
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
    say(format_args!("written to {}", folder.display()));
    Ok(())
}

/// A table in Markdown.
fn table(of: &str, figures: &[Figure]) -> String {
    let mut text = String::from(
        "| figure | measured | bar | | middle half | on the way |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for figure in figures {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            figure.title(),
            figure.value_shown(),
            figure.bar_shown(),
            figure.verdict(),
            figure.spread_shown(),
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
    fn a_figure_says_its_bar_and_whether_it_is_met() {
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
        // What could not be measured meets no bar.
        assert_eq!(Bar::AtMost(1.0).verdict(f64::NAN), "missed");
    }

    #[test]
    fn numbers_show_the_digits_that_count() {
        let all = [0.4567, 45.67, 456.7, 45_678.0, 2_345_678.0].map(shown);
        assert_eq!(all, ["0.46", "45.7", "457", "46k", "2.35M"]);
    }

    #[test]
    fn the_table_has_a_line_a_figure() {
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
