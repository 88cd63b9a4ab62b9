//! Administration: credentials and organizations. Its transactions belong to no organization's
//! revision, and each writes an event.

mod organizations;
mod removal;

use roster_core::credential::{CREDENTIALS_MAX, Credential};
use roster_core::id::{CredentialId, Time};
use roster_core::organization::{OrganizationName, OrganizationProfile};
use roster_core::rules::credential::{CredentialRefusal, Manager, ProofKind};
use roster_core::rules::organization::OrganizationRefusal;
use tokio::sync::oneshot;

use crate::clock::now;
use crate::engine::interface::{Connection, Reading};
use crate::engine::transaction::in_transaction;
use crate::error::{Result, StorageError};
use crate::store::Store;
use crate::tables::credential::{
    AdminEventRow, KeyUse, LoggedAdminEvent, Proof, StoredCredentials, proofs,
};

pub use organizations::OrganizationCounts;
pub use removal::{Removal, RemovalStep};

/// Credentials that one statement reads.
const CREDENTIALS_PAGE: usize = 1_000;

/// Who does something in administration, for its log.
#[derive(Clone, Debug)]
pub struct AdminEvent {
    /// The credential of the caller.
    pub credential: String,
    /// The actor that the caller names.
    pub actor: String,
    /// The RPC or the command.
    pub action: &'static str,
}

/// Why administration was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminNotDone {
    /// A rule refused it.
    #[error(transparent)]
    Refused(#[from] CredentialRefusal),
    /// A rule about organizations refused it.
    #[error(transparent)]
    Organization(#[from] OrganizationRefusal),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A credential as administration left it.
pub type Administered = (CredentialId, Credential);

/// An organization as administration left it.
pub type NamedProfile = (OrganizationName, OrganizationProfile);

/// A credential to create: everything but its version and its times.
pub type NewCredential = Credential;

/// Whether another credential has one of the proofs.
fn check_proofs(
    connection: &mut dyn Connection,
    own: Option<CredentialId>,
    credential: &Credential,
) -> Result<(), AdminNotDone> {
    for proof in proofs(credential) {
        let kind = match proof {
            // Drawn at random.
            Proof::Key(_) => continue,
            Proof::Subject(_) => ProofKind::Subject,
            Proof::Certificate(_) => ProofKind::CertificateName,
        };
        let owner = connection.proof_owner(&proof)?;
        if owner.is_some() && owner != own {
            return Err(CredentialRefusal::ProofTaken(kind).into());
        }
    }
    Ok(())
}

fn create(
    connection: &mut dyn Connection,
    manager: &Manager,
    mut new: NewCredential,
    now: Time,
) -> Result<Administered, AdminNotDone> {
    manager.check(new.organization.as_ref(), new.scopes)?;
    let organization = new.organization.as_ref();
    if let Some(name) = organization {
        let found = connection.organization_profile(name)?;
        let not_found = || CredentialRefusal::OrganizationNotFound(name.clone());
        if found.ok_or_else(not_found)?.deletion.is_some() {
            return Err(OrganizationRefusal::Deleted(name.clone()).into());
        }
    }
    let count = connection.credentials_count(organization)?;
    if count >= CREDENTIALS_MAX {
        return Err(CredentialRefusal::TooManyCredentials(count).into());
    }
    check_proofs(connection, None, &new)?;
    (new.create_time, new.update_time, new.version) = (now, now, 1);
    let id = connection.insert_credential(&new)?;
    Ok((id, new))
}

fn change(
    connection: &mut dyn Connection,
    manager: &Manager,
    id: CredentialId,
    change: impl FnOnce(&mut Credential, Time) -> Result<(), CredentialRefusal>,
    now: Time,
) -> Result<Administered, AdminNotDone> {
    let found = connection.credential(id)?;
    let found = found.filter(|credential| manager.sees(credential));
    let mut credential = found.ok_or(CredentialRefusal::NotFound(id))?;
    manager
        .check(credential.organization.as_ref(), credential.scopes)
        .map_err(|refusal| match refusal {
            CredentialRefusal::BeyondOwn(scope) => CredentialRefusal::Stronger(scope),
            other => other,
        })?;
    change(&mut credential, now)?;
    manager.check(credential.organization.as_ref(), credential.scopes)?;
    check_proofs(connection, Some(id), &credential)?;
    credential.update_time = now;
    credential.version += 1;
    connection.update_credential(id, &credential)?;
    Ok((id, credential))
}

/// What a transaction of administration was about, for its event.
trait Target {
    /// Its id.
    fn id(&self) -> String;
    fn organization(&self) -> Option<&OrganizationName>;
}

impl Target for Administered {
    fn id(&self) -> String {
        self.0.to_string()
    }

    fn organization(&self) -> Option<&OrganizationName> {
        self.1.organization.as_ref()
    }
}

impl Target for NamedProfile {
    fn id(&self) -> String {
        self.0.to_string()
    }

    fn organization(&self) -> Option<&OrganizationName> {
        Some(&self.0)
    }
}

/// Runs a transaction of administration and writes its event.
fn administer<T: Target>(
    connection: &mut dyn Connection,
    event: &AdminEvent,
    work: impl FnOnce(&mut dyn Connection, Time) -> Result<T, AdminNotDone>,
) -> Result<T, AdminNotDone> {
    let (version, done) = in_transaction(connection, |connection| {
        let now = now();
        let version = connection.raise_credentials_version()?;
        let done = work(connection, now)?;
        connection.append_admin_event(&AdminEventRow {
            time: now,
            credential: &event.credential,
            actor: &event.actor,
            action: event.action,
            target: &done.id(),
            organization: done.organization(),
        })?;
        Ok::<_, AdminNotDone>((version, done))
    })?;
    connection.acknowledge_administration(version)?;
    Ok(done)
}

impl Store {
    /// Runs work of administration on a writer, before waiting commands.
    async fn administer<T: Target + Send + 'static>(
        &self,
        event: AdminEvent,
        work: impl FnOnce(&mut dyn Connection, Time) -> Result<T, AdminNotDone> + Send + 'static,
    ) -> Result<T, AdminNotDone> {
        self.on_writer(move |connection| administer(connection, &event, work))
            .await
    }

    /// Runs work on a writer, before waiting commands.
    pub(crate) async fn on_writer<T: Send + 'static, E: From<StorageError> + Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (tell, told) = oneshot::channel();
        self.queue.push_administration(Box::new(move |connection| {
            // The caller may have gone: administration is carried out regardless, as the commands of
            // a batch are.
            let _ = tell.send(match connection {
                Ok(connection) => work(connection),
                Err(error) => Err(error.into()),
            });
        }))?;
        let lost = |_| StorageError::Unreachable("administration was dropped".into());
        self.unless_silent(async { told.await.map_err(lost)? })
            .await
    }

    /// Creates a credential (`scopes-within`).
    pub async fn create_credential(
        &self,
        manager: Manager,
        new: NewCredential,
        event: AdminEvent,
    ) -> Result<Administered, AdminNotDone> {
        self.administer(event, move |connection, now| {
            create(connection, &manager, new, now)
        })
        .await
    }

    /// Changes a credential, which the manager must be allowed to manage before and after
    /// (`scopes-within`).
    pub async fn change_credential(
        &self,
        manager: Manager,
        id: CredentialId,
        event: AdminEvent,
        by: impl FnOnce(&mut Credential, Time) -> Result<(), CredentialRefusal> + Send + 'static,
    ) -> Result<Administered, AdminNotDone> {
        self.administer(event, move |connection, now| {
            change(connection, &manager, id, by, now)
        })
        .await
    }

    /// Creates the first credential of a store that has none: on several servers, once. Returns
    /// `None` if there is one already.
    pub async fn create_first_credential(
        &self,
        new: NewCredential,
        event: AdminEvent,
    ) -> Result<Option<Administered>, AdminNotDone> {
        let manager = Manager {
            organization: None,
            scopes: None,
        };
        self.on_writer(move |connection| {
            if !connection.credentials_after(None, 0, 1)?.is_empty() {
                return Ok(None);
            }
            let created = administer(connection, &event, |connection, now| {
                // Again, now that the store's row is locked.
                if connection.credentials_after(None, 0, 1)?.is_empty() {
                    return create(connection, &manager, new, now);
                }
                Err(CredentialRefusal::Stale.into())
            });
            match created {
                Err(AdminNotDone::Refused(CredentialRefusal::Stale)) => Ok(None),
                created => created.map(Some),
            }
        })
        .await
    }

    /// Returns a credential.
    pub async fn credential(&self, id: CredentialId) -> Result<Option<Credential>> {
        self.ask_connection(&self.roles.readers, move |connection| {
            connection.credential(id)
        })
        .await
    }

    /// Returns credentials after a number, by number: of an organization, or all. `None` if there
    /// is no such organization.
    pub async fn credentials_after(
        &self,
        organization: Option<OrganizationName>,
        after: u64,
        limit: usize,
    ) -> Result<Option<Vec<Administered>>> {
        self.ask_connection(&self.roles.readers, move |connection| {
            if let Some(name) = &organization
                && connection.organization_number(name)?.is_none()
            {
                return Ok(None);
            }
            let found = connection.credentials_after(organization.as_ref(), after, limit)?;
            Ok(Some(found))
        })
        .await
    }

    /// Returns all credentials, unless their version is this one.
    pub async fn credentials_since(
        &self,
        version: Option<i64>,
    ) -> Result<Option<StoredCredentials>> {
        self.ask_connection(&self.roles.followers, move |connection| {
            if version == Some(connection.credentials_version()?) {
                return Ok(None);
            }
            connection.begin_read(Reading::Facts)?;
            let read = read_credentials(connection);
            connection.rollback()?;
            read.map(Some)
        })
        .await
    }

    /// Returns events before a number, the newest first: of an organization, or all.
    pub async fn admin_events_before(
        &self,
        organization: Option<OrganizationName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LoggedAdminEvent>> {
        self.ask_connection(&self.roles.readers, move |connection| {
            let org = match &organization {
                None => None,
                Some(name) => match connection.organization_number(name)? {
                    None => return Ok(Vec::new()),
                    found => found,
                },
            };
            connection.admin_events_before(org, before, limit)
        })
        .await
    }

    /// Records when keys were used. Does not change the version of the credentials.
    pub async fn record_key_uses(&self, uses: Vec<KeyUse>) -> Result<()> {
        self.on_writer(move |connection| {
            in_transaction(connection, |connection| connection.record_key_uses(&uses))
        })
        .await
    }
}

/// Reads everything in one snapshot.
fn read_credentials(connection: &mut dyn Connection) -> Result<StoredCredentials> {
    let version = connection.credentials_version()?;
    let mut credentials: Vec<Administered> = Vec::new();
    loop {
        let after = credentials.last().map_or(0, |(id, _)| id.number());
        let page = connection.credentials_after(None, after, CREDENTIALS_PAGE)?;
        let more = page.len() == CREDENTIALS_PAGE;
        credentials.extend(page);
        if !more {
            break;
        }
    }
    Ok(StoredCredentials {
        version,
        credentials,
        organizations: connection.organization_statuses()?,
        released: connection.released_names()?,
    })
}
