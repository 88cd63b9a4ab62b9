//! A server that requires credentials, with its first administrator.

use std::path::{Path, PathBuf};

use roster_api::v1::*;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;

use crate::process::{Database, Engine, Server, command};
use crate::world::{Clients, answered};

/// The file with the secret keys, in the folder of the test.
pub const SECRETS: &str = "secret.keys";

/// See the module.
pub struct Secured {
    pub server: Server,
    pub database: Database,
    pub channel: Channel,
    /// The administrator.
    pub admin: Clients,
    pub admin_key: String,
    folder: TempDir,
}

impl Secured {
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[], |_| Vec::new()).await
    }

    /// Starts a server with further arguments, some of which name files in the folder of the test.
    pub async fn start_with(
        engine: Engine,
        arguments: &[&str],
        of_folder: impl FnOnce(&Path) -> Vec<String>,
    ) -> Self {
        let database = Database::create(engine);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("first.key");
        let secrets = folder.path().join(SECRETS);
        let secrets_path = secrets.to_str().expect("text");
        let created = command(&["secrets", "create", "--out", secrets_path]).status();
        assert!(created.expect("the program").success());
        let more = of_folder(folder.path());
        let own = [
            "--listen",
            "127.0.0.1:0",
            "--database",
            &database.url,
            "--require-credentials",
            "--first-key-file",
            file.to_str().expect("text"),
            "--secret-key-file",
            secrets_path,
        ];
        let more = more.iter().map(String::as_str);
        let all: Vec<&str> = own
            .into_iter()
            .chain(arguments.iter().copied())
            .chain(more)
            .collect();
        let server = Server::start_with(&all);
        let admin_key = std::fs::read_to_string(&file).expect("the first key");
        let admin_key = admin_key.trim().to_owned();
        let channel = server.channel().await;
        Self {
            admin: Clients::with_key(channel.clone(), &admin_key),
            server,
            database,
            channel,
            admin_key,
            folder,
        }
    }

    /// A path for a file of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another server on the same database.
    pub fn another_server(&self) -> Server {
        let secrets = self.path(SECRETS);
        let secrets = ["--secret-key-file", secrets.to_str().expect("text")];
        self.another_server_with(&secrets)
    }

    /// Another server on the same database, with further options.
    pub fn another_server_with(&self, options: &[&str]) -> Server {
        let listen = ["--listen", "127.0.0.1:0", "--require-credentials"];
        let database = ["--database", self.database.url.as_str()];
        Server::start_with(&[&listen[..], &database, options].concat())
    }

    /// Clients with a key.
    pub fn with_key(&self, key: &str) -> Clients {
        Clients::with_key(self.channel.clone(), key)
    }

    /// Creates a credential by a caller.
    pub async fn try_create(
        &self,
        by: &Clients,
        credential: Credential,
    ) -> Result<(Credential, String), Status> {
        let request = CreateCredentialRequest {
            credential: Some(credential),
            ..Default::default()
        };
        let created = by.admin.clone().create_credential(request).await?;
        let created = created.into_inner();
        Ok((created.credential.expect("a credential"), created.key))
    }

    /// A new credential of an organization with these scopes, and its key.
    pub async fn credential(&self, organization: &str, scopes: &[&str]) -> (Credential, String) {
        let credential = Credential {
            name: "test".into(),
            organization: organization.into(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let created = self.try_create(&self.admin, credential).await;
        created.expect("a credential")
    }

    /// Clients with a new credential of an organization.
    pub async fn caller(&self, organization: &str, scopes: &[&str]) -> Clients {
        let (_, key) = self.credential(organization, scopes).await;
        self.with_key(&key)
    }

    /// Suspends a credential.
    pub async fn suspend(&self, id: &str, resume: bool) -> Credential {
        let request = SuspendCredentialRequest {
            id: id.into(),
            resume,
        };
        let suspended = self.admin.admin.clone().suspend_credential(request).await;
        answered(suspended).credential.expect("it")
    }
}

/// Creates an organization.
pub async fn organization(world: &Secured, name: &str) {
    let request = CreateOrganizationRequest {
        organization: Some(Organization {
            name: name.into(),
            ..Default::default()
        }),
    };
    let created = world.admin.admin.clone().create_organization(request).await;
    answered(created);
}

/// Makes two tests of each of these functions.
macro_rules! secured_on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::secured::Secured;
            use crate::world::Engine;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Secured::start(Engine::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Secured::start(Engine::Postgres).await).await;
            }
        }
    )+};
}
pub(crate) use secured_on_both;
