//! The options about credentials, and the task `key`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use roster_core::scope::{ScopeSet, Scopes};
use roster_storage::OrganizationName;

/// Who may call.
#[derive(Clone, Debug, Args)]
pub struct CredentialOptions {
    /// Refuse calls without a credential, also on a loopback address. A server that listens on
    /// another address always does, except with --insecure.
    #[arg(long, env = "ROSTER_REQUIRE_CREDENTIALS")]
    pub require_credentials: bool,

    /// Write the key of a first administrator to this new file if the database has no credential at
    /// all. Of several servers that start at once, one does so.
    #[arg(long, env = "ROSTER_FIRST_KEY_FILE", value_name = "FILE")]
    pub first_key_file: Option<PathBuf>,
}

/// Tasks about keys.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum KeyTask {
    /// Create a credential with an API key, directly in the database. A SQLite database must not be
    /// served meanwhile: call AdminService instead.
    Create(CreateKey),
}

/// The credential to create.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct CreateKey {
    /// The organization whose data the credential reads and writes, which is created if it is
    /// missing. Omit it for an administrator, with `--set admin`.
    #[arg(long, value_name = "NAME")]
    pub organization: Option<String>,

    /// A scope or a set of scopes, several times if needed: see `roster scopes`.
    #[arg(long = "set", required = true, value_name = "SCOPE")]
    pub scopes: Vec<String>,

    /// What the credential is for.
    #[arg(long, default_value = "operator", value_name = "TEXT")]
    pub name: String,

    /// A new file for the key, readable by its owner only. Without it the key is printed, and only
    /// to a terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl CreateKey {
    /// The organization of the credential.
    pub(crate) fn organization(&self) -> anyhow::Result<Option<OrganizationName>> {
        let name = self.organization.as_deref().map(OrganizationName::parse);
        Ok(name.transpose()?)
    }

    /// The scopes of the credential.
    pub(crate) fn scopes(&self) -> anyhow::Result<Scopes> {
        let mut scopes = Scopes::default();
        for name in &self.scopes {
            let of_name = ScopeSet::scopes_of_name(name).with_context(|| {
                format!("{name:?} is neither a scope nor the name of a set of scopes")
            })?;
            scopes = scopes.and(of_name);
        }
        if scopes.is_empty() {
            bail!("name a scope with --set");
        }
        Ok(scopes)
    }
}
