//! A server that requires credentials and encrypts, and clients with a key.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use roster_api::v1;
use roster_api::v1::admin_service_client::AdminServiceClient;
use tonic::Request;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::bench::Bench;
use crate::databases::Database;
use crate::process::Process;

/// The name in the certificate.
const HOST: &str = "localhost";

/// A certificate with its key, in files of the run.
pub(crate) struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    pem: String,
}

/// The path of a file as text.
fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the folder of the bench is not text")
}

/// The metadata of a call with a key.
fn bearer(key: &str) -> Result<MetadataMap> {
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", format!("Bearer {key}").parse()?);
    Ok(metadata)
}

impl Identity {
    /// Draws a certificate that signs itself.
    pub(crate) fn draw(folder: &Path) -> Result<Self> {
        let drawn = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
        let identity = Self {
            certificate: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
            pem: drawn.cert.pem(),
        };
        std::fs::write(&identity.certificate, &identity.pem)?;
        std::fs::write(&identity.key, drawn.signing_key.serialize_pem())?;
        Ok(identity)
    }

    /// The arguments of a program that serves with it.
    pub(crate) fn arguments(&self) -> Result<[&str; 4]> {
        let (certificate, key) = (text(&self.certificate)?, text(&self.key)?);
        Ok(["--tls-cert", certificate, "--tls-key", key])
    }

    /// The endpoint of a program that serves with it.
    pub(crate) fn endpoint(&self, process: &Process) -> Result<Endpoint> {
        let authority = Certificate::from_pem(&self.pem);
        let tls = ClientTlsConfig::new().ca_certificate(authority);
        let endpoint = Channel::from_shared(format!("https://{}", process.address))?;
        Ok(endpoint.tls_config(tls.domain_name(HOST))?)
    }

    /// Starts the server on a database that has no credential yet. Returns the metadata of a caller
    /// that reads the organization `default`.
    pub(crate) async fn serve(
        &self,
        bench: &Bench,
        database: &Database,
    ) -> Result<(Process, MetadataMap)> {
        let folder = tempfile::TempDir::new_in(bench.databases.folder())?;
        let first = folder.path().join("first.key");
        let more = ["--require-credentials", "--first-key-file", text(&first)?];
        let arguments = [&self.arguments()?[..], &more].concat();
        let server = bench.serve_with(&bench.server, database, &arguments)?;
        let admin = std::fs::read_to_string(&first).context("the server wrote no first key")?;
        let channel = self.endpoint(&server)?.connect().await?;
        let credential = v1::Credential {
            name: "bench".to_owned(),
            organization: "default".to_owned(),
            scopes: vec!["reader".to_owned()],
            ..v1::Credential::default()
        };
        let mut request = Request::new(v1::CreateCredentialRequest {
            credential: Some(credential),
            ..v1::CreateCredentialRequest::default()
        });
        *request.metadata_mut() = bearer(admin.trim())?;
        let created = AdminServiceClient::new(channel)
            .create_credential(request)
            .await?;
        Ok((server, bearer(&created.into_inner().key)?))
    }
}
