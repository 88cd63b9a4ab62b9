//! `roster credential`: manages credentials, the services that may call.

use clap::{Args, Subcommand};
use prost_types::{FieldMask, Timestamp};
use roster_client::v1::{
    ApiKey, CreateCredentialRequest, Credential, GetCredentialRequest, ListCredentialsRequest,
    SuspendCredentialRequest, UpdateCredentialRequest,
};

use super::Mask;
use super::key::KeyOutput;
use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::output::Rows;
use crate::words;

/// The commands for credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Create a credential with a key
    #[command(
        after_help = "Examples:\n  roster credential create billing --of acme --scope reader --out billing.key\n  roster credential create gateway --of acme --scope portal --without-key --certificate-name DNS:gateway.example"
    )]
    Create(Create),
    /// List credentials, the oldest first
    #[command(after_help = "Example:\n  roster credential list --of acme")]
    List(List),
    /// Show one credential with its keys
    #[command(after_help = "Example:\n  roster credential get q7")]
    Get(Named),
    /// Change fields of a credential
    #[command(
        after_help = "Examples:\n  roster credential update q7 --network 10.0.0.0/8\n  roster credential update q7 --clear expire_time"
    )]
    Update(Update),
    /// Accept a credential no more
    #[command(after_help = "Example:\n  roster credential suspend q7")]
    Suspend(Named),
    /// Accept a suspended credential again
    #[command(after_help = "Example:\n  roster credential resume q7")]
    Resume(Named),
}

/// Names a credential.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The credential: its id (q7).
    credential: String,
}

/// Selects credentials.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only credentials of this organization.
    #[arg(long = "of", value_name = "ORGANIZATION")]
    organization: Option<String>,
    /// Maximum number of rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The fields of a credential except its name and its scopes.
#[derive(Args, Clone, Debug)]
struct Fields {
    /// When it stops being accepted.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// A network from which it is accepted, as 10.0.0.0/8. Repeatable.
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// Calls a second.
    #[arg(long, value_name = "N")]
    requests_per_second_max: Option<i32>,
    /// Concurrent calls.
    #[arg(long, value_name = "N")]
    concurrent_calls_max: Option<i32>,
    /// A name of a client certificate that proves it, as DNS:gateway.example. Repeatable.
    #[arg(long = "certificate-name", value_name = "NAME")]
    certificate_names: Vec<String>,
}

/// A new credential.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// What it is for.
    name: String,
    /// The organization whose data it reads and writes; by default the caller's own. An
    /// administrator has none.
    #[arg(long = "of", value_name = "ORGANIZATION")]
    organization: Option<String>,
    /// A scope or a set of scopes: `roster scopes` lists them. Repeatable.
    #[arg(long = "scope", required = true, value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    fields: Fields,
    /// Create no key: a certificate or a token proves it.
    #[arg(long, conflicts_with_all = ["out", "key_expires"])]
    without_key: bool,
    /// When the key stops being accepted, by default never.
    #[arg(long, value_name = "TIME")]
    key_expires: Option<Timestamp>,
    #[command(flatten)]
    to: KeyOutput,
}

/// The fields that an update may clear.
const CLEARABLE: [&str; 6] = [
    "expire_time",
    "networks",
    "requests_per_second_max",
    "concurrent_calls_max",
    "subjects",
    "certificate_names",
];

/// A change of a credential.
#[derive(Args, Clone, Debug)]
pub(crate) struct Update {
    /// The credential: its id (q7).
    credential: String,
    /// What it is for.
    #[arg(long)]
    name: Option<String>,
    /// A scope or a set of scopes: `roster scopes` lists them. Repeatable; replaces all scopes.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    fields: Fields,
    /// Field to clear: expire_time, networks, requests_per_second_max, concurrent_calls_max,
    /// subjects or certificate_names. Repeatable.
    #[arg(long, value_name = "FIELD", hide_possible_values = true, value_parser = CLEARABLE)]
    clear: Vec<String>,
}

impl Fields {
    fn credential(self, mask: &mut Mask) -> Credential {
        if self.expires.is_some() {
            mask.0.push("expire_time".to_owned());
        }
        let per_second = self.requests_per_second_max;
        Credential {
            expire_time: self.expires,
            networks: mask.take_list("networks", self.networks),
            requests_per_second_max: mask.take("requests_per_second_max", per_second),
            concurrent_calls_max: mask.take("concurrent_calls_max", self.concurrent_calls_max),
            certificate_names: mask.take_list("certificate_names", self.certificate_names),
            ..Default::default()
        }
    }
}

impl CredentialCommand {
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Update(update) => update.clone().change().map(drop),
            _ => Ok(()),
        }
    }

    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::Create(create) => create.run(app).await?,
            Self::List(list) => list.run(app).await?,
            Self::Get(named) => named.get(app).await?,
            Self::Update(update) => update.run(app).await?,
            Self::Suspend(named) => named.suspend(app, false).await?,
            Self::Resume(named) => named.suspend(app, true).await?,
        }
        Ok(Exit::Done)
    }
}

impl Create {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let place = match self.without_key {
            true => None,
            false => Some(self.to.take()?),
        };
        let credential = Credential {
            name: self.name,
            organization: self.organization.unwrap_or_default(),
            scopes: self.scopes,
            ..self.fields.credential(&mut Mask::default())
        };
        let request = CreateCredentialRequest {
            credential: Some(credential),
            without_key: self.without_key,
            key_expire_time: self.key_expires,
        };
        let mut answer = app.roster.call_once(request).await?;
        if let Some(place) = place {
            place.write(&mut answer.key)?;
        }
        app.output
            .answer(&answer, |answer| shown(answer.credential.as_ref()))
    }
}

impl List {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let request = ListCredentialsRequest {
            organization: self.organization.unwrap_or_default(),
            page_size: super::page_size(self.limit),
            ..Default::default()
        };
        let credentials = app.roster.all(request);
        let header = &["ID", "NAME", "ORGANIZATION", "STATE", "KEYS", "SCOPES"];
        let row = |credential: &Credential| {
            vec![
                credential.id.clone(),
                credential.name.clone(),
                credential.organization.clone(),
                state(credential).to_owned(),
                credential.keys.len().to_string(),
                credential.scopes.join(", "),
            ]
        };
        app.output.list(credentials, self.limit, header, row).await
    }
}

impl Named {
    async fn get(self, app: &mut App) -> Result<(), Failure> {
        let request = GetCredentialRequest {
            id: self.credential,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.credential.as_ref()))
    }

    async fn suspend(self, app: &mut App, resume: bool) -> Result<(), Failure> {
        let request = SuspendCredentialRequest {
            id: self.credential,
            resume,
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.credential.as_ref()))
    }
}

impl Update {
    /// The values, with the mask of fields to write.
    fn change(self) -> Result<(Credential, FieldMask), Failure> {
        let mut mask = Mask::default();
        let credential = Credential {
            id: self.credential,
            name: mask.take("name", self.name),
            scopes: mask.take_list("scopes", self.scopes),
            ..self.fields.credential(&mut mask)
        };
        Ok((credential, mask.with_cleared(self.clear)?))
    }

    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let (credential, mask) = self.change()?;
        let request = UpdateCredentialRequest {
            credential: Some(credential),
            update_mask: Some(mask),
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| shown(answer.credential.as_ref()))
    }
}

fn state(credential: &Credential) -> &'static str {
    if credential.suspended {
        "suspended"
    } else {
        "active"
    }
}

/// A key in a cell: its id, its end, and its last use.
fn key(key: &ApiKey) -> String {
    let mut text = format!("{} (…{})", key.id, key.last_four);
    for (word, time) in [
        ("expires", key.expire_time.as_ref()),
        ("used", key.last_use_time.as_ref()),
    ] {
        if time.is_some() {
            text = format!("{text} {word} {}", words::time(time));
        }
    }
    text
}

/// The rows of one credential.
pub(super) fn shown(credential: Option<&Credential>) -> Rows {
    let of = credential.cloned().unwrap_or_default();
    let state = state(&of).to_owned();
    let keys: Vec<String> = of.keys.iter().map(key).collect();
    let subjects = of.subjects.iter();
    let subjects: Vec<String> = subjects
        .map(|of| format!("{} {}", of.issuer, of.subject))
        .collect();
    Rows::of_fields(vec![
        ("id", of.id),
        ("name", of.name),
        ("organization", of.organization),
        ("state", state),
        ("scopes", of.scopes.join(", ")),
        ("expires", words::time(of.expire_time.as_ref())),
        ("networks", of.networks.join(", ")),
        (
            "requests_per_second_max",
            words::limit(of.requests_per_second_max),
        ),
        (
            "concurrent_calls_max",
            words::limit(of.concurrent_calls_max),
        ),
        ("keys", keys.join(", ")),
        ("subjects", subjects.join(", ")),
        ("certificate_names", of.certificate_names.join(", ")),
    ])
}
