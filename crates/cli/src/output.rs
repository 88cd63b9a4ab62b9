//! Prints answers: tables on a terminal, tab-separated lines in pipes, JSON for programs.

use std::io::{self, IsTerminal, Stdout, Write};

use comfy_table::{ContentArrangement, Table, presets};
use futures::{Stream, StreamExt, TryStreamExt};
use prost::{Message, Name};
use roster_client::Error;

use crate::failure::Failure;
use crate::json::Json;

/// Space between two columns.
const COLUMN_GAP: u16 = 2;

/// The standard output and its format.
pub(crate) struct Output {
    out: Stdout,
    json: Option<Json>,
    /// The output is a terminal: columns are aligned.
    terminal: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Result<Self, Failure> {
        let out = io::stdout();
        Ok(Self {
            terminal: out.is_terminal(),
            json: json.then(Json::new).transpose()?,
            out,
        })
    }

    /// Whether the format is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// Prints one answer, as JSON or as the rows of `table`.
    pub(crate) fn answer<M: Message + Name>(
        &mut self,
        answer: &M,
        table: impl FnOnce(&M) -> Rows,
    ) -> Result<(), Failure> {
        match &self.json {
            Some(json) => {
                let line = json.line(answer)?;
                writeln!(self.out, "{line}")?;
            }
            None => self.rows(&table(answer))?,
        }
        Ok(())
    }

    /// Prints a list, one JSON line or row for each item.
    pub(crate) async fn list<M: Message + Name>(
        &mut self,
        items: impl Stream<Item = Result<M, Error>>,
        limit: Option<usize>,
        header: &'static [&'static str],
        row: impl Fn(&M) -> Vec<String>,
    ) -> Result<(), Failure> {
        let mut items = std::pin::pin!(items.take(limit.unwrap_or(usize::MAX)));
        let mut rows = Rows::with_header(header);
        // Print no header before the server has answered: it may refuse.
        let mut next = items.try_next().await?;
        if !self.terminal && self.json.is_none() {
            self.rows(&rows)?;
        }
        while let Some(item) = next {
            match &self.json {
                Some(json) => {
                    let line = json.line(&item)?;
                    writeln!(self.out, "{line}")?;
                }
                // Only an aligned table needs all rows before it prints the first.
                None if self.terminal => rows.push(row(&item)),
                None => self.tabbed(&row(&item))?,
            }
            next = items.try_next().await?;
        }
        if self.terminal && self.json.is_none() {
            self.rows(&rows)?;
        }
        Ok(())
    }

    /// Prints a table that is no answer of a server.
    pub(crate) fn print(&mut self, rows: &Rows) -> Result<(), Failure> {
        self.rows(rows)
    }

    fn rows(&mut self, rows: &Rows) -> Result<(), Failure> {
        if let Some(title) = &rows.title {
            writeln!(self.out, "{}", harmless(title))?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        if self.terminal {
            let table = rows.aligned();
            writeln!(self.out, "{table}")?;
            return Ok(());
        }
        if !rows.header.is_empty() {
            self.tabbed(rows.header)?;
        }
        for row in &rows.rows {
            self.tabbed(row)?;
        }
        Ok(())
    }

    fn tabbed(&mut self, row: &[impl AsRef<str>]) -> Result<(), Failure> {
        let cells: Vec<String> = row.iter().map(|cell| harmless(cell.as_ref())).collect();
        writeln!(self.out, "{}", cells.join("\t"))?;
        Ok(())
    }

    /// Prints a note to stderr, unless the format is JSON.
    pub(crate) fn note(&self, text: &str) -> Result<(), Failure> {
        if !self.is_json() {
            writeln!(io::stderr(), "{text}")?;
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// A table. Without a header, the first column names the second.
#[derive(Default)]
pub(crate) struct Rows {
    title: Option<String>,
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn with_header(header: &'static [&'static str]) -> Self {
        Self {
            header,
            ..Self::default()
        }
    }

    /// Adds a sentence above the table.
    pub(crate) fn titled(mut self, title: String) -> Self {
        self.title = Some(title);
        self
    }

    fn is_empty(&self) -> bool {
        self.header.is_empty() && self.rows.is_empty()
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// One record, a line for each field that is not empty.
    pub(crate) fn of_fields(fields: Vec<(&str, String)>) -> Self {
        let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Self {
            rows: filled
                .map(|(name, value)| vec![name.to_owned(), value])
                .collect(),
            ..Self::default()
        }
    }

    /// Only a sentence.
    pub(crate) fn of_text(text: impl Into<String>) -> Self {
        Self {
            title: Some(text.into()),
            ..Self::default()
        }
    }

    /// Makes each column as wide as its widest cell on a screen, where a kanji is two wide. Does
    /// not wrap or cut cells: a narrow terminal breaks the lines.
    fn aligned(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        if !self.header.is_empty() {
            table.set_header(self.header);
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| harmless(cell)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, COLUMN_GAP));
        }
        let lines = table.lines();
        let trimmed: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        trimmed.join("\n")
    }
}

/// Replaces line breaks and control characters of the terminal, which a subject may contain.
fn harmless(cell: &str) -> String {
    cell.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_though_a_kanji_is_two_wide() {
        let mut rows = Rows::with_header(&["ID", "NAME", "READING"]);
        rows.push(vec!["a1".into(), "株式会社山田".into(), "やまだ".into()]);
        rows.push(vec!["a12".into(), "Acme".into(), "x".into()]);
        assert_eq!(
            rows.aligned(),
            "ID   NAME          READING\n\
             a1   株式会社山田  やまだ\n\
             a12  Acme          x"
        );
    }

    #[test]
    fn a_cell_cannot_drive_the_terminal_or_break_its_line() {
        assert_eq!(harmless("a\x1b[2J\nb\tc"), "a [2J b c");
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let rows = Rows::of_fields(vec![("id", "a1".into()), ("reading", String::new())]);
        assert_eq!(rows.aligned(), "id  a1");
    }
}
