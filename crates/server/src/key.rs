//! `roster-server key create`: a credential with a key, made without a running server.

use anyhow::Context;
use roster_storage::{StorageError, Store};

use crate::authentication;
use crate::options::{CreateKey, Options};

/// Creates a credential and its key. Creates and migrates the database as needed, so that a key
/// exists before the first start of a server.
pub async fn create_key(options: &Options, what: &CreateKey) -> anyhow::Result<()> {
    let (organization, scopes) = (what.organization()?, what.scopes()?);
    let database = options.database.clone();
    let opening = tokio::task::spawn_blocking(move || Store::open(&database));
    let store = match opening.await? {
        Err(StorageError::InUse) => anyhow::bail!(
            "a server is serving this database: call AdminService/CreateCredential on it with the \
             key of an administrator"
        ),
        opened => opened.with_context(|| {
            let database = options.shown_database();
            format!("cannot open the database {database}")
        })?,
    };
    if let Some(name) = &organization {
        store.ensure_organization(name).await?;
    }
    let out = what.out.as_deref();
    let created = authentication::create_key(&store, organization, &what.name, scopes, out).await;
    tokio::task::spawn_blocking(move || store.close()).await?;
    let (id, _) = created?;
    tracing::info!(credential = %id, "created a credential");
    Ok(())
}
