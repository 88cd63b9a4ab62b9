//! Fills a database with a world, as a customer would: by importing files, and by calls for the
//! facts that files cannot contain.

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use prost_types::{FieldMask, Timestamp};
use roster_api::v1;
use roster_api::v1::ImportKind;
use roster_client::{ImportOptions, Progress, Roster, UnaryRequest};

use crate::load::STREAMS;
use crate::output::print_line;
use crate::world::{Membership, Mode, ROLES, ROLES_LISTED, Ticket, World, ticket_id};

/// Rows per file: the server limits the bytes of an import.
const FILE_ROWS: u64 = 1_000_000;
/// Tickets per call of RecordTickets.
const CALL_TICKETS: usize = 1_000;
/// The interval between two lines of progress of an import.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// Texts of subjects.
const SUBJECTS: [&str; 4] = [
    "ログインできません",
    "請求書の再発行について",
    "CSVの取り込みに失敗する",
    "納期の確認",
];

/// The subject of a ticket.
pub(crate) fn subject(number: u64) -> String {
    let word = SUBJECTS[(number % SUBJECTS.len() as u64) as usize];
    format!("{word} ({number})")
}

/// Fills an empty database through a server on it. Writes temporary files to a folder.
pub(crate) async fn fill(world: &World, url: &str, folder: &Path) -> Result<()> {
    let roster = Roster::connect(url).await?;
    allow_multiple_accounts(&roster).await?;
    for part in parts(world) {
        let path = folder.join("filling.csv");
        part.write(world, &path)?;
        import(&roster, &path, part.kind).await?;
        std::fs::remove_file(path)?;
    }
    let filling = Filling { world, roster };
    filling.modes().await?;
    filling.blocks().await?;
    filling.exceptions().await
}

/// One file of a world.
pub(crate) struct Part {
    pub(crate) kind: ImportKind,
    numbers: RangeInclusive<u64>,
    /// Writes the rows of one number.
    rows: fn(&World, u64, &mut Csv) -> Result<()>,
}

impl Part {
    pub(crate) fn write(&self, world: &World, path: &Path) -> Result<()> {
        let mut csv = csv::Writer::from_path(path)?;
        csv.write_record(header(self.kind))?;
        for number in self.numbers.clone() {
            (self.rows)(world, number, &mut csv)?;
        }
        Ok(csv.flush()?)
    }
}

/// Returns the files of a world, in the order of their import.
pub(crate) fn parts(world: &World) -> Vec<Part> {
    type Rows = fn(&World, u64, &mut Csv) -> Result<()>;
    let kinds: [(ImportKind, u64, Rows); 4] = [
        (ImportKind::Accounts, world.accounts, account_row),
        (ImportKind::Contacts, world.contacts, contact_row),
        (ImportKind::Associations, world.contacts, association_rows),
        (ImportKind::Tickets, world.tickets, ticket_row),
    ];
    let mut parts = Vec::new();
    for (kind, last, rows) in kinds {
        for first in (1..=last).step_by(FILE_ROWS as usize) {
            let numbers = first..=last.min(first + FILE_ROWS - 1);
            parts.push(Part {
                kind,
                numbers,
                rows,
            });
        }
    }
    parts
}

/// Changes the settings so that contacts can have the second associations of a world.
pub(crate) async fn allow_multiple_accounts(roster: &Roster) -> Result<()> {
    let settings = v1::Settings {
        multiple_accounts: true,
        ..v1::Settings::default()
    };
    let request = v1::UpdateSettingsRequest {
        settings: Some(settings),
        update_mask: Some(mask("multiple_accounts")),
        ..v1::UpdateSettingsRequest::default()
    };
    roster.call(request).await?;
    Ok(())
}

/// Writes a CSV file of associations.
pub(crate) fn write_pairs(path: &Path, pairs: impl Iterator<Item = (u64, u64)>) -> Result<()> {
    let mut file = csv::Writer::from_path(path)?;
    file.write_record(ASSOCIATION_HEADER)?;
    for (contact, account) in pairs {
        let row = [format!("c{contact}"), format!("a{account}")];
        file.write_record([&row[0], &row[1], "", "", ""])?;
    }
    Ok(file.flush()?)
}

const ACCOUNT_HEADER: [&str; 2] = ["取引先コード", "取引先名"];
const CONTACT_HEADER: [&str; 6] = ["社員番号", "姓", "名", "セイ", "メイ", "メール"];
const ASSOCIATION_HEADER: [&str; 5] = [
    "Contact ID",
    "Account ID",
    "Primary",
    "Can View Account Tickets",
    "Role",
];
const TICKET_HEADER: [&str; 8] = [
    "Ticket ID",
    "Subject",
    "Status",
    "Contact ID",
    "Account ID",
    "CC",
    "Private",
    "Created Time",
];

fn header(kind: ImportKind) -> &'static [&'static str] {
    match kind {
        ImportKind::Accounts => &ACCOUNT_HEADER,
        ImportKind::Contacts => &CONTACT_HEADER,
        ImportKind::Associations => &ASSOCIATION_HEADER,
        ImportKind::Tickets | ImportKind::Unspecified => &TICKET_HEADER,
    }
}

type Csv = csv::Writer<File>;

fn account_row(_: &World, number: u64, csv: &mut Csv) -> Result<()> {
    let name = format!("株式会社システム{number}");
    Ok(csv.write_record([format!("D{number:06}"), name])?)
}

/// The email address of a contact, unique by its number.
pub(crate) fn email(contact: u64) -> String {
    format!("user{contact}@example.co.jp")
}

fn contact_row(world: &World, number: u64, csv: &mut Csv) -> Result<()> {
    let (names, id) = (world.names(number), format!("E{number:07}"));
    let (family, given) = (names.family, names.given);
    Ok(csv.write_record([&id, family.0, given.0, family.1, given.1, &email(number)])?)
}

fn association_rows(world: &World, contact: u64, csv: &mut Csv) -> Result<()> {
    for Membership {
        account,
        primary,
        marked,
        role,
    } in world.memberships(contact)
    {
        let (contact, account) = (format!("c{contact}"), format!("a{account}"));
        let yes = |yes| if yes { "1" } else { "0" };
        csv.write_record([&contact, &account, yes(primary), yes(marked), ROLES[role]])?;
    }
    Ok(())
}

fn ticket_row(world: &World, number: u64, csv: &mut Csv) -> Result<()> {
    let ticket = world.ticket(number);
    let cc: Vec<String> = ticket
        .cc()
        .iter()
        .map(|contact| format!("c{contact}"))
        .collect();
    // A file cannot give a ticket no account or an account of others: see `exceptions`.
    let account = ticket.account.filter(|_| !ticket.exceptional);
    let time = rfc_3339(ticket.create_seconds);
    csv.write_record([
        ticket.id(),
        subject(number),
        if ticket.closed { "Closed" } else { "Open" }.to_owned(),
        format!("c{}", ticket.requester),
        account
            .map(|account| format!("a{account}"))
            .unwrap_or_default(),
        cc.join(" "),
        if ticket.private { "1" } else { "0" }.to_owned(),
        time,
    ])?;
    Ok(())
}

/// Formats seconds since 1970 as RFC 3339.
fn rfc_3339(seconds: u64) -> String {
    Timestamp {
        seconds: seconds as i64,
        nanos: 0,
    }
    .to_string()
}

struct Filling<'f> {
    world: &'f World,
    roster: Roster,
}

impl Filling<'_> {
    /// Sends these requests, as many concurrently as the load generator does.
    async fn call_all<C: UnaryRequest>(
        &self,
        what: &str,
        requests: impl Iterator<Item = C>,
    ) -> Result<()> {
        let started = Instant::now();
        let calls = stream::iter(requests).map(|request| self.roster.call(request));
        let called: Vec<C::Answer> = calls.buffer_unordered(STREAMS).try_collect().await?;
        print_rows(what, called.len() as u64, started);
        Ok(())
    }

    async fn modes(&self) -> Result<()> {
        let own = (1..=self.world.accounts).filter_map(|account| {
            let (mode, listed) = match self.world.mode(account)? {
                Mode::Nobody => (v1::SharingMode::Nobody, 0),
                Mode::Granted => (v1::SharingMode::Granted, 0),
                Mode::Roles(listed) => (v1::SharingMode::Roles, listed),
                Mode::Everyone => (v1::SharingMode::Everyone, 0),
            };
            let roles = ROLES_LISTED[..listed].iter();
            let account = v1::Account {
                id: format!("a{account}"),
                sharing_mode: mode.into(),
                sharing_roles: roles.map(|role| (*role).to_owned()).collect(),
                ..v1::Account::default()
            };
            Some(v1::UpdateAccountRequest {
                account: Some(account),
                update_mask: Some(mask("sharing_mode,sharing_roles")),
                ..v1::UpdateAccountRequest::default()
            })
        });
        self.call_all("sharing modes", own).await
    }

    async fn blocks(&self) -> Result<()> {
        let blocked = (1..=self.world.contacts).filter(|contact| self.world.blocked(*contact));
        let requests = blocked.map(|contact| {
            let contact = v1::Contact {
                id: format!("c{contact}"),
                blocked: true,
                ..v1::Contact::default()
            };
            v1::UpdateContactRequest {
                contact: Some(contact),
                update_mask: Some(mask("blocked")),
                ..v1::UpdateContactRequest::default()
            }
        });
        self.call_all("blocked contacts", requests).await
    }

    /// Records the tickets that have no account, or an account that their requester is not
    /// associated with.
    async fn exceptions(&self) -> Result<()> {
        let started = Instant::now();
        let all = (1..=self.world.tickets).map(|number| self.world.ticket(number));
        let mut exceptions = all.filter(|ticket| ticket.exceptional).peekable();
        let mut recorded = 0;
        while exceptions.peek().is_some() {
            let tickets: Vec<_> = exceptions.by_ref().take(CALL_TICKETS).map(record).collect();
            recorded += tickets.len() as u64;
            let request = v1::RecordTicketsRequest {
                tickets,
                ..v1::RecordTicketsRequest::default()
            };
            let answer = self.roster.call(request).await?;
            if let Some(error) = answer.results.into_iter().find_map(|result| result.error) {
                bail!("recording a ticket failed: {}", error.message);
            }
        }
        print_rows("tickets recorded by calls", recorded, started);
        Ok(())
    }
}

fn record(ticket: Ticket) -> v1::TicketRecord {
    v1::TicketRecord {
        id: ticket_id(ticket.number),
        requester_id: format!("c{}", ticket.requester),
        cc_contact_ids: ticket
            .cc()
            .iter()
            .map(|contact| format!("c{contact}"))
            .collect(),
        allow_unassociated_account: true,
        account_id: Some(match ticket.account {
            Some(account) => format!("a{account}"),
            None => String::new(),
        }),
        ..v1::TicketRecord::default()
    }
}

fn mask(paths: &str) -> FieldMask {
    FieldMask {
        paths: paths.split(',').map(str::to_owned).collect(),
    }
}

/// Imports a file, prints the speed, and fails if a row is rejected.
pub(crate) async fn import(roster: &Roster, path: &PathBuf, kind: ImportKind) -> Result<()> {
    let what = format!("{kind:?}").to_lowercase();
    let started = Instant::now();
    let mut printed = started;
    let print = |progress: Progress<'_>| {
        if let Progress::Working(import) = progress
            && printed.elapsed() >= PROGRESS_EVERY
        {
            printed = Instant::now();
            print_rows(&format!("{what} so far"), import.rows_read as u64, started);
        }
    };
    let done = roster
        .import(path, kind, &ImportOptions::default(), print)
        .await?;
    check_import(&done)?;
    print_rows(&what, done.rows_read as u64, started);
    Ok(())
}

/// Fails if an import did not create every row: the world or the measurement would be wrong.
pub(crate) fn check_import(done: &v1::Import) -> Result<()> {
    if done.state() == v1::ImportState::Completed && done.rows_created == done.rows_total {
        return Ok(());
    }
    let why = done.error.as_ref().map(|error| error.message.as_str());
    Err(anyhow::anyhow!(
        "an import ended in state {:?} with {} of {} rows created, {} rejected",
        done.state(),
        done.rows_created,
        done.rows_total,
        done.rows_rejected
    ))
    .context(why.unwrap_or("every row must be created").to_owned())
}

fn print_rows(what: &str, rows: u64, started: Instant) {
    let speed = rows as f64 / started.elapsed().as_secs_f64();
    print_line(format_args!("  filled {rows} {what}: {speed:.0} rows/s"));
}
