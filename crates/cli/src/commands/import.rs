//! `roster import`: load a spreadsheet, watch it go in, take back what was rejected.

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

/// What stands for the standard input.
const STANDARD_INPUT: &str = "-";

/// A spreadsheet and how to read it.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct Import {
    /// What the rows of the file are.
    kind: Kind,
    /// The file; - is the standard input.
    file: PathBuf,
    /// Create the accounts and contacts that a row names and that do not exist.
    #[arg(long)]
    create_missing: bool,
    /// How the text of a CSV file is encoded, where it is not told rightly from its bytes.
    #[arg(long)]
    encoding: Option<Encoding>,
    /// How the file is laid out, where it is not told rightly from its bytes.
    #[arg(long)]
    format: Option<Format>,
    /// The field that a column fills, where its header does not say; no field: it is ignored. May
    /// be repeated.
    #[arg(long = "map", value_name = "HEADER=FIELD", value_parser = words::key_value)]
    mapping: Vec<(String, String)>,
    /// Where rejected rows are written, if there are any; left out, beside the file.
    #[arg(long, value_name = "PATH")]
    rejects: Option<PathBuf>,
    /// Overwrite the file of rejects of an earlier import.
    #[arg(long)]
    force: bool,
}

const HELP: &str = "\
Examples:
  roster import accounts accounts.xlsx
  roster import contacts contacts.csv --create-missing
  roster import tickets export.csv --map '顧客=contact.email' --map 'メモ='
  zcat export.csv.gz | roster import tickets - --rejects rejects.csv

The first row that is not blank is the header, in Japanese or English; fields of --map are named as
the API names them (account.external_id, contact.email, ticket.subject, …). The same file twice
changes nothing the second time.

Rejected rows are written beside the file, as NAME.rejects.csv, or to --rejects: correct them there
and import that file. What is no regular file (-, a pipe) has no place beside it: without --rejects
they are counted and not written.

Exit code: 0 if every row is in, 3 if some were rejected, 1 if nothing or not all was read, 5 if the
file cannot be read or an older file of rejects is in the way.";

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// An account each
    Accounts,
    /// A contact each, with or without its account
    Contacts,
    /// A contact and its account each
    Associations,
    /// A ticket each
    Tickets,
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoding {
    /// UTF-8, with or without a byte order mark
    Utf8,
    /// Shift_JIS as Windows writes it (CP932)
    ShiftJis,
}

/// How a file is laid out.
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

    /// Where rejects go: beside a file, under its name.
    fn rejects(&self) -> Option<PathBuf> {
        match &self.rejects {
            Some(path) => Some(path.clone()),
            None if self.is_stream() => None,
            None => Some(self.file.with_extension("rejects.csv")),
        }
    }

    /// Makes sure that rejects can be written. Asked before anything is sent: afterwards the rows are
    /// in.
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
                format!("{} is the file that is imported", path.display()),
                "name another file with --rejects",
            ));
        }
        if path.is_file() && !self.force {
            return Err(Failure::InTheWay(path.to_owned()));
        }
        Ok(())
    }

    /// Whether it can be read once alone, and has no place of its own.
    fn is_stream(&self) -> bool {
        let is_other = |metadata: Metadata| !metadata.is_file();
        self.is_standard_input() || self.file.metadata().is_ok_and(is_other)
    }

    fn is_standard_input(&self) -> bool {
        self.file.as_os_str() == STANDARD_INPUT
    }

    /// Imports the file, drawing how far it is.
    async fn send(&self, app: &App) -> Result<Job, Failure> {
        // Sending may have to begin again, for which what was read must still be there.
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

    /// Reads a stream to its end, into a file that goes when it is dropped.
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
        // Beside the connection, which has to be kept meanwhile.
        let copied = tokio::task::spawn_blocking(copy).await;
        let copied = copied.unwrap_or_else(|cause| Err(io::Error::other(cause)));
        copied.map_err(|cause| {
            let path = self.file.clone();
            Error::File { path, cause }.into()
        })
    }

    /// Writes the rejected rows, or says how they can be had.
    async fn take_back(
        &self,
        app: &App,
        done: &Job,
        rejects: Option<&Path>,
    ) -> Result<(), Failure> {
        let Some(path) = rejects else {
            let rows = words::count(done.rows_rejected, "rejected row");
            return app.output.note(&format!(
                "{rows} not written: send the same again with --rejects PATH to have them"
            ));
        };
        self.download(app, done, path).await?;
        app.output
            .note(&format!("rejected rows: {}", path.display()))
    }

    async fn download(&self, app: &App, done: &Job, path: &Path) -> Result<(), Failure> {
        // A terminal or a pipe is there already, and is not overwritten.
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
                    "the import ended before the end of the file: what was read is in; import \
                     the file again to finish it",
                )?;
                Err(Error::Refused(Box::new(Refusal::of_item(&error))).into())
            }
            ImportState::Running | ImportState::Unspecified => Err(Failure::said(
                ANSWER,
                "the server answered an import whose state this program does not know",
                "use a roster of the version of the server",
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

/// Two bars, one after the other: bytes on their way, then rows going in. Nothing is drawn where the
/// error output is no terminal.
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
    // A template that is wrong leaves the usual style: the bar is an ornament.
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
