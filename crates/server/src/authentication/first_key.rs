//! The first key of a store, and keys that an operator creates with `roster-server key create`.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use roster_core::credential::Credential;
use roster_core::organization::OrganizationName;
use roster_core::rules::credential::Manager;
use roster_core::scope::{Scope, Scopes};
use roster_core::text::Name;
use roster_storage::{AdminEvent, Administered, Store};

use super::NewKey;
use crate::private_file;

/// The credential of an operator with access to the database itself.
const OPERATOR: &str = "operator";

/// A credential with a name, scopes and a key, for the storage to complete.
fn credential(
    name: &str,
    organization: Option<OrganizationName>,
    scopes: Scopes,
    key: &NewKey,
) -> anyhow::Result<Credential> {
    let name = Name::parse(name).map_err(|fault| anyhow::anyhow!("the name {fault}"))?;
    Ok(Credential {
        keys: vec![key.key.clone()],
        ..Credential::new(name, organization, scopes)
    })
}

fn event(action: &'static str) -> AdminEvent {
    AdminEvent {
        credential: OPERATOR.to_owned(),
        actor: String::new(),
        action,
    }
}

/// Writes a key to a new file that only its owner reads.
fn write_key(path: &Path, key: &NewKey) -> anyhow::Result<()> {
    private_file::create(path, format!("{}\n", key.text).as_bytes())
        .with_context(|| format!("cannot create the key file {}", path.display()))
}

/// Creates an administrator with a key in a file, if the store has no credential at all. Of several
/// servers that start at once, one does so: a row of the database decides.
pub(crate) async fn write_first_key(store: &Store, path: &Path) -> anyhow::Result<()> {
    if !store
        .credentials_after(None, 0, 1)
        .await?
        .unwrap_or_default()
        .is_empty()
    {
        return Ok(());
    }
    let key = NewKey::draw(true, None)?;
    let scopes = Scopes::of(&[Scope::Admin]);
    let new = credential("first administrator", None, scopes, &key)?;
    // First the file: a key that nobody holds would keep the store from ever having a first key.
    write_key(path, &key)?;
    let created = store.create_first_credential(new, event("first key")).await;
    match created {
        Ok(Some((id, _))) => {
            let path = path.display();
            tracing::info!(credential = %id, %path, "wrote the first key");
            Ok(())
        }
        other => {
            // Nothing accepts the key.
            let _ = std::fs::remove_file(path);
            other
                .map(drop)
                .context("cannot create the first credential")
        }
    }
}

/// Creates a credential with a key, directly in the database, and writes the key to a file or to a
/// terminal.
pub(crate) async fn create_key(
    store: &Store,
    organization: Option<OrganizationName>,
    name: &str,
    scopes: Scopes,
    out: Option<&Path>,
) -> anyhow::Result<Administered> {
    if out.is_none() && !std::io::stdout().is_terminal() {
        bail!(
            "the output is not a terminal, and a key must not end in a log: name a file with --out"
        );
    }
    let key = NewKey::draw(organization.is_none(), None)?;
    let new = credential(name, organization, scopes, &key)?;
    if let Some(path) = out {
        write_key(path, &key)?;
    }
    let manager = Manager {
        organization: None,
        scopes: None,
    };
    let created = store
        .create_credential(manager, new, event("key create"))
        .await;
    match (created, out) {
        (Ok(created), None) => {
            // The caller asked for it on its terminal.
            writeln!(std::io::stdout(), "{}", key.text)?;
            Ok(created)
        }
        (Ok(created), Some(_)) => Ok(created),
        (Err(error), out) => {
            if let Some(path) = out {
                let _ = std::fs::remove_file(path);
            }
            Err(error.into())
        }
    }
}
