//! Reads the files of TLS. Errors name the file and what is wrong with it, never its contents.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{Error, RootCertStore, ServerConfig};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use super::HTTP_2;
use crate::options::TlsFiles;

/// What the files say.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    /// When the server's certificate expires, as Unix time.
    pub(super) expiry: i64,
}

/// The bytes of the files.
pub(super) struct FileBytes {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
}

/// The paths of the certificate and of its key.
fn pair(files: &TlsFiles) -> anyhow::Result<(&Path, &Path)> {
    match (&files.tls_cert, &files.tls_key) {
        (Some(certificate), Some(key)) => Ok((certificate, key)),
        _ => bail!("--tls-cert and --tls-key go together"),
    }
}

impl FileBytes {
    /// Reads the files.
    pub(super) fn read(files: &TlsFiles) -> anyhow::Result<Self> {
        let (certificate, key) = pair(files)?;
        let read = |what: &str, path: &Path| {
            fs::read(path).with_context(|| format!("cannot read the {what} {}", path.display()))
        };
        Ok(Self {
            certificate: read("certificate", certificate)?,
            key: Zeroizing::new(read("private key", key)?),
            client_ca: files
                .client_ca
                .as_deref()
                .map(|path| read("certificates of --client-ca", path))
                .transpose()?,
        })
    }

    pub(super) fn hash(&self) -> blake3::Hash {
        let mut hash = blake3::Hasher::new();
        for file in [&self.certificate, &*self.key]
            .into_iter()
            .chain(&self.client_ca)
        {
            hash.update(&(file.len() as u64).to_le_bytes()).update(file);
        }
        hash.finalize()
    }

    /// Parses the bytes of the files.
    pub(super) fn load(&self, files: &TlsFiles) -> anyhow::Result<Loaded> {
        let (certificate, key) = pair(files)?;
        let chain = certificates(&self.certificate, certificate)?;
        let expiry = expiry(&chain, certificate)?;
        let private = private_key(&self.key, key)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = match (&self.client_ca, &files.client_ca) {
            (Some(bytes), Some(path)) => {
                let verifier = verifier(bytes, path, files.require_client_cert, provider)?;
                config.with_client_cert_verifier(verifier)
            }
            _ => config.with_no_client_auth(),
        };
        let mut config = config
            .with_single_cert(chain, private)
            .map_err(|error| unusable(&error, certificate, key))?;
        config.alpn_protocols = vec![HTTP_2.to_vec()];
        let config = Arc::new(config);
        Ok(Loaded { config, expiry })
    }
}

fn certificates(bytes: &[u8], path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let Ok(read) = read else {
        bail!("{} is not PEM, or ends early", path.display());
    };
    if read.is_empty() {
        bail!("{} contains no certificate in PEM", path.display());
    }
    Ok(read)
}

fn private_key(bytes: &[u8], path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    // The error may quote the file.
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        PemError::NoItemsFound => anyhow!(
            "{} contains no private key in PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted)",
            path.display()
        ),
        _ => anyhow!("{} is not PEM, or ends early", path.display()),
    })
}

fn expiry(chain: &[CertificateDer<'_>], path: &Path) -> anyhow::Result<i64> {
    let first = chain.first().map(AsRef::as_ref).unwrap_or_default();
    match parse_x509_certificate(first) {
        Ok((_, certificate)) => Ok(certificate.validity().not_after.timestamp()),
        Err(_) => bail!("{} contains no valid certificate", path.display()),
    }
}

fn verifier(
    bytes: &[u8],
    path: &Path,
    is_required: bool,
    provider: Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(bytes, path)? {
        roots
            .add(certificate)
            .map_err(|_| anyhow!("{} contains an invalid certificate", path.display()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if is_required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder
        .build()
        .with_context(|| format!("{} is unusable", path.display()))
}

fn unusable(error: &Error, certificate: &Path, key: &Path) -> anyhow::Error {
    let (certificate, key) = (certificate.display(), key.display());
    match error {
        Error::InconsistentKeys(_) => {
            anyhow!("the private key {key} does not belong to the certificate {certificate}")
        }
        _ => {
            anyhow!("the certificate {certificate} and the private key {key} are unusable: {error}")
        }
    }
}
