//! `roster key`: manages the API keys of credentials. The text of a key goes to a terminal or to a
//! file of its owner, never to a pipe that may end in a log.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_types::{Duration, Timestamp};
use roster_client::v1::{AddKeyRequest, RevokeKeyRequest, RollKeyRequest};

use super::credential::shown;
use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::output::Rows;

/// The commands for keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Add a key to a credential
    #[command(
        after_help = "Examples:\n  roster key add q7\n  roster key add q7 --out billing.key --expires 2027-01-01T00:00:00Z"
    )]
    Add(Add),
    /// Replace a key: add a new key and let the old key expire
    #[command(
        after_help = "Example:\n  roster key roll q7 6b1d8f0e9c2a4d5b7f30 --out billing.key --old-key-hours 1"
    )]
    Roll(Roll),
    /// Revoke a key, effective at once
    #[command(after_help = "Example:\n  roster key revoke q7 6b1d8f0e9c2a4d5b7f30")]
    Revoke(Revoke),
}

/// Where the text of a new key goes.
#[derive(Args, Debug)]
pub(crate) struct KeyOutput {
    /// A new file for the key, readable by its owner only. Without it the key is printed, and only
    /// to a terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A new key.
#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The credential: its id (q7).
    credential: String,
    /// When the key stops being accepted, by default never.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    #[command(flatten)]
    to: KeyOutput,
}

/// A key to replace.
#[derive(Args, Debug)]
pub(crate) struct Roll {
    /// The credential: its id (q7).
    credential: String,
    /// The id of the old key: `roster credential get` lists them.
    key_id: String,
    /// How many hours the old key stays accepted, by default 24.
    #[arg(long, value_name = "N")]
    old_key_hours: Option<u16>,
    /// When the new key stops being accepted, by default never.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    #[command(flatten)]
    to: KeyOutput,
}

/// A key to revoke.
#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// The credential: its id (q7).
    credential: String,
    /// The id of the key: `roster credential get` lists them.
    key_id: String,
}

/// A place for the text of a key, taken before the key exists. Dropping it unused removes its file.
pub(crate) struct KeyPlace(Option<(PathBuf, Option<File>)>);

impl KeyOutput {
    /// Takes the place. Fails if the key would be lost or would end in a pipe.
    pub(crate) fn take(self) -> Result<KeyPlace, Failure> {
        let Some(path) = self.out else {
            if io::stdout().is_terminal() {
                return Ok(KeyPlace(None));
            }
            return Err(Failure::usage(
                "the output is not a terminal, and a key must not end in a log",
                "name a file with --out",
            ));
        };
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Ok(KeyPlace(Some((path, Some(file))))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Failure::InTheWay(path))
            }
            Err(error) => Err(Failure::from(error)),
        }
    }
}

impl KeyPlace {
    /// Writes the text of a key to its place, and takes it from the answer.
    pub(crate) fn write(mut self, key: &mut String) -> Result<(), Failure> {
        let key = std::mem::take(key);
        match &mut self.0 {
            None => writeln!(io::stdout(), "{key}")?,
            Some((_, file)) => {
                if let Some(mut file) = file.take() {
                    writeln!(file, "{key}")?;
                    file.sync_all()?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for KeyPlace {
    fn drop(&mut self) {
        if let Some((path, Some(_))) = &self.0 {
            // There was no key. The error of the call matters more than a file that stays.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl KeyCommand {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::Add(add) => add.run(app).await?,
            Self::Roll(roll) => roll.run(app).await?,
            Self::Revoke(revoke) => revoke.run(app).await?,
        }
        Ok(Exit::Done)
    }
}

impl Add {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let place = self.to.take()?;
        let request = AddKeyRequest {
            credential_id: self.credential,
            expire_time: self.expires,
        };
        let mut answer = app.roster.call_once(request).await?;
        place.write(&mut answer.key)?;
        app.output.answer(&answer, |answer| new_key(&answer.key_id))
    }
}

impl Roll {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let place = self.to.take()?;
        let hours = |hours: u16| Duration {
            seconds: i64::from(hours) * 3_600,
            nanos: 0,
        };
        let request = RollKeyRequest {
            credential_id: self.credential,
            key_id: self.key_id,
            old_key_ttl: self.old_key_hours.map(hours),
            expire_time: self.expires,
        };
        let mut answer = app.roster.call_once(request).await?;
        place.write(&mut answer.key)?;
        app.output.answer(&answer, |answer| new_key(&answer.key_id))
    }
}

fn new_key(id: &str) -> Rows {
    Rows::of_fields(vec![("key_id", id.to_owned())])
}

impl Revoke {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = RevokeKeyRequest {
            credential_id: self.credential,
            key_id: self.key_id,
        };
        let answer = app.roster.call_once(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.credential.as_ref()))
    }
}
