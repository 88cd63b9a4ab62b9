//! `roster import`: imports a spreadsheet, shows progress and downloads rejected rows.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use roster_client::v1::{
    Import as Job, ImportColumn, ImportEncoding, ImportFormat, ImportKind, ImportState,
};
use roster_client::{Error, ImportOptions, Progress, Refusal};
use tempfile::NamedTempFile;
use tokio::fs::OpenOptions;

use crate::app::App;
use crate::failure::{ANSWER, Exit, Failure};
use crate::output::Rows;
use crate::words;

/// The file name that means standard input.
const STANDARD_INPUT: &str = "-";

/// A spreadsheet and options to read it.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct Import {
    /// What each row contains.
    kind: Kind,
    /// The file; - reads standard input.
    file: PathBuf,
    /// Create accounts and contacts that a row names and that do not exist.
    #[arg(long)]
    create_missing: bool,
    /// Encoding of a CSV file, if the server detects it wrongly.
    #[arg(long)]
    encoding: Option<Encoding>,
    /// Format of the file, if the server detects it wrongly.
    #[arg(long)]
    format: Option<Format>,
    /// Field that a column fills, if its header is not recognized; an empty FIELD ignores the
    /// column. Repeatable.
    #[arg(long = "map", value_name = "HEADER=FIELD", value_parser = words::key_value)]
    mapping: Vec<(String, String)>,
    /// File for rejected rows; by default beside the imported file.
    #[arg(long, value_name = "PATH")]
    rejects: Option<PathBuf>,
    /// Overwrite an existing file of rejected rows.
    #[arg(long)]
    force: bool,
}

const HELP: &str = "\
Examples:
  roster import accounts accounts.xlsx
  roster import contacts contacts.csv --create-missing
  roster import tickets export.csv --map '顧客=contact.email' --map 'メモ='
  zcat export.csv.gz | roster import tickets - --rejects rejects.csv

The first row that is not blank is the header, in Japanese or English. --map uses the field names
of the API (account.external_id, contact.email, ticket.subject, …). Importing the same file again
changes nothing.

Rejected rows go to NAME.rejects.csv beside the file, or to --rejects. Correct them there and
import that file. If the input is not a regular file (-, a pipe), rejected rows are only counted,
unless you set --rejects.

Exit code: 0 if every row was imported, 3 if some were rejected, 1 if the import failed or stopped
early, 5 if the file cannot be read or the file of rejected rows already exists.";

/// What each row of a file contains.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// An account
    Accounts,
    /// A contact, with or without its account
    Contacts,
    /// A contact and its account
    Associations,
    /// A ticket
    Tickets,
}

/// The encoding of a CSV file.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoding {
    /// UTF-8, with or without a byte order mark
    Utf8,
    /// Shift_JIS as Windows writes it (CP932)
    ShiftJis,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Comma-separated values
    Csv,
    /// An Excel workbook of 2007 or later
    Xlsx,
    /// An Excel workbook of 97 to 2003
    Xls,
}

impl From<Kind> for ImportKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Accounts => Self::Accounts,
            Kind::Contacts => Self::Contacts,
            Kind::Associations => Self::Associations,
            Kind::Tickets => Self::Tickets,
        }
    }
}

impl From<Encoding> for ImportEncoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::Utf8,
            Encoding::ShiftJis => Self::ShiftJis,
        }
    }
}

impl From<Format> for ImportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Xlsx => Self::Xlsx,
            Format::Xls => Self::Xls,
        }
    }
}

impl Import {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        let rejects = self.rejects();
        if let Some(path) = &rejects {
            self.find_room(path)?;
        }
        let done = self.send(app).await?;
        if done.rows_rejected > 0 {
            self.take_back(app, &done, rejects.as_deref()).await?;
        }
        app.output.answer(&done, summary)?;
        self.end(app, &done)
    }

    fn options(&self) -> ImportOptions {
        let column = |(header, field): &(String, String)| ImportColumn {
            header: header.clone(),
            field: field.clone(),
        };
        ImportOptions {
            format: self.format.map(ImportFormat::from).unwrap_or_default(),
            encoding: self.encoding.map(ImportEncoding::from).unwrap_or_default(),
            mapping: self.mapping.iter().map(column).collect(),
            create_missing: self.create_missing,
            request_id: String::new(),
        }
    }

    /// The file for rejected rows; `None` for a stream without --rejects.
    fn rejects(&self) -> Option<PathBuf> {
        match &self.rejects {
            Some(path) => Some(path.clone()),
            None if self.is_stream() => None,
            None => Some(self.file.with_extension("rejects.csv")),
        }
    }

    /// Checks before the upload that rejected rows can be written: later, rows are already stored.
    fn find_room(&self, path: &Path) -> Result<(), Failure> {
        if !path.exists() {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let tried = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
            return tried.map(drop).map_err(|cause| {
                let path = path.to_owned();
                Error::File { path, cause }.into()
            });
        }
        let same = |file: &Path| file.canonicalize().ok();
        if path.is_file() && same(path) == same(&self.file) {
            return Err(Failure::usage(
                format!("{} is the imported file itself", path.display()),
                "choose another file with --rejects",
            ));
        }
        if path.is_file() && !self.force {
            return Err(Failure::InTheWay(path.to_owned()));
        }
        Ok(())
    }

    /// Whether the input can be read only once and has no folder.
    fn is_stream(&self) -> bool {
        let is_other = |metadata: Metadata| !metadata.is_file();
        self.is_standard_input() || self.file.metadata().is_ok_and(is_other)
    }

    fn is_standard_input(&self) -> bool {
        self.file.as_os_str() == STANDARD_INPUT
    }

    /// Imports the file and draws the progress.
    async fn send(&self, app: &App) -> Result<Job, Failure> {
        // A retry sends the file from its start, so a stream must be copied first.
        let kept = if self.is_stream() {
            Some(self.keep().await?)
        } else {
            None
        };
        let path = kept
            .as_ref()
            .map_or(self.file.as_path(), |kept| kept.path());
        let bars = Bars::new();
        let done = app
            .roster
            .import(path, self.kind.into(), &self.options(), |progress| {
                bars.show(&progress);
            })
            .await;
        bars.clear();
        Ok(done?)
    }

    /// Copies a stream into a temporary file, which is deleted on drop.
    async fn keep(&self) -> Result<NamedTempFile, Failure> {
        let (path, is_standard_input) = (self.file.clone(), self.is_standard_input());
        let copy = move || {
            let mut kept = NamedTempFile::new()?;
            if is_standard_input {
                io::copy(&mut io::stdin().lock(), &mut kept)?;
            } else {
                io::copy(&mut File::open(path)?, &mut kept)?;
            }
            Ok(kept)
        };
        // On another thread, so that the connection stays alive.
        let copied = tokio::task::spawn_blocking(copy).await;
        let copied = copied.unwrap_or_else(|cause| Err(io::Error::other(cause)));
        copied.map_err(|cause| {
            let path = self.file.clone();
            Error::File { path, cause }.into()
        })
    }

    /// Writes the rejected rows, or prints how to get them.
    async fn take_back(
        &self,
        app: &App,
        done: &Job,
        rejects: Option<&Path>,
    ) -> Result<(), Failure> {
        let Some(path) = rejects else {
            let rows = words::count(done.rows_rejected, "rejected row");
            return app.output.note(&format!(
                "{rows} not written: import it again with --rejects PATH to get them"
            ));
        };
        self.download(app, done, path).await?;
        app.output
            .note(&format!("rejected rows: {}", path.display()))
    }

    async fn download(&self, app: &App, done: &Job, path: &Path) -> Result<(), Failure> {
        // A terminal or a pipe already exists; writing to it overwrites no file.
        let may_be_there = self.force || path.exists() && !path.is_file();
        let mut file = OpenOptions::new()
            .write(true)
            .create(may_be_there)
            .truncate(may_be_there)
            .create_new(!may_be_there)
            .open(path)
            .await
            .map_err(|cause| Error::File {
                path: path.to_owned(),
                cause,
            })?;
        app.roster.download_rejects(&done.id, &mut file).await?;
        Ok(())
    }

    fn end(&self, app: &App, done: &Job) -> Result<Exit, Failure> {
        match done.state() {
            ImportState::Completed => Ok(Exit::Done),
            ImportState::CompletedWithErrors => Ok(Exit::Part),
            ImportState::Failed => {
                let error = done.error.clone().unwrap_or_default();
                app.output.note(
                    "the import stopped before the end of the file and kept the rows until there; \
                     import the file again to finish it",
                )?;
                Err(Error::Refused(Box::new(Refusal::of_item(&error))).into())
            }
            ImportState::Running | ImportState::Unspecified => Err(Failure::said(
                ANSWER,
                "the server returned an import in a state that this program does not know",
                "use the roster program of the server's version",
            )),
        }
    }
}

fn summary(done: &Job) -> Rows {
    let count = |count: i64| count.to_string();
    let some = |count: i64| {
        if count == 0 {
            String::new()
        } else {
            count.to_string()
        }
    };
    let columns: Vec<String> = done
        .columns
        .iter()
        .map(|column| format!("{} = {}", column.header, column.field))
        .collect();
    Rows::of_fields(vec![
        ("import", done.id.clone()),
        ("rows", count(done.rows_total)),
        ("created", count(done.rows_created)),
        ("updated", count(done.rows_updated)),
        ("unchanged", count(done.rows_unchanged)),
        ("rejected", count(done.rows_rejected)),
        ("accounts created", some(done.accounts_created)),
        ("contacts created", some(done.contacts_created)),
        ("columns", columns.join(", ")),
        ("ignored columns", done.ignored_headers.join(", ")),
    ])
}

/// Two progress bars in sequence: bytes sent, then rows imported. Draws only on a terminal.
struct Bars {
    sending: ProgressBar,
    working: ProgressBar,
}

impl Bars {
    fn new() -> Self {
        Self {
            sending: bar("sending {wide_bar} {bytes} of {total_bytes}"),
            working: bar("importing {wide_bar} {pos} of {len} rows, {per_sec}, {eta} left"),
        }
    }

    fn show(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Sending { sent, bytes } => {
                self.sending.set_length(*bytes);
                self.sending.set_position(*sent);
            }
            Progress::Working(job) => {
                self.sending.finish_and_clear();
                self.working.set_length(unsigned(job.rows_total));
                self.working.set_position(unsigned(job.rows_read));
            }
            _ => {}
        }
    }

    fn clear(&self) {
        self.sending.finish_and_clear();
        self.working.finish_and_clear();
    }
}

fn bar(template: &str) -> ProgressBar {
    // A wrong template falls back to the default style: progress is not essential.
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
