//! TLS to PostgreSQL: whom to trust, and errors in the words of a reader.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::error::{Result, StorageError};

/// Whom a connection trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any server: the connection is encrypted, but not authenticated.
    Anyone,
    /// A server with a certificate of these authorities, for any name.
    Authority(Authorities),
    /// A server with a certificate of these authorities for the name of its host.
    AuthorityAndName(Authorities),
}

/// Certificate authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authorities {
    /// Those that the machine trusts.
    System,
    /// Those of a file.
    File(String),
}

/// The files of a client certificate and of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientCertificate {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Reads the files and makes the configuration of all connections.
pub(super) fn config(trust: &Trust, client: Option<&ClientCertificate>) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new(trust, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StorageError::Defect(error.into()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(ClientCertificate { certificate, key }) = client else {
        return Ok(config.with_no_client_auth());
    };
    let chain = certificates_of("sslcert", certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| unusable(format!("sslkey={key} holds no private key in PEM: {error}")))?;
    config
        .with_client_auth_cert(chain, secret)
        .map_err(|error| {
            unusable(format!(
                "sslcert={certificate} and sslkey={key} do not fit: {error}"
            ))
        })
}

fn unusable(what: String) -> StorageError {
    StorageError::UnusableAddress(what)
}

fn certificates_of(parameter: &str, file: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(format!(
            "{parameter}={file} holds no certificate in PEM"
        ))),
        Err(error) => Err(unusable(format!(
            "{parameter}={file} cannot be read: {error}"
        ))),
    }
}

fn certificates(authorities: &Authorities) -> Result<Vec<CertificateDer<'static>>> {
    match authorities {
        Authorities::File(file) => certificates_of("sslrootcert", file),
        Authorities::System => {
            let found = rustls_native_certs::load_native_certs();
            if found.certs.is_empty() {
                return Err(unusable(
                    "this machine has no certificate authorities: install the package \
                     ca-certificates, or set sslrootcert to the file of the database's authority"
                        .to_owned(),
                ));
            }
            Ok(found.certs)
        }
    }
}

/// Verifies a server's certificate as the trust demands.
#[derive(Debug)]
struct Verifier {
    /// `None` trusts anyone.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The trusted certificates. PostgreSQL's manual has its readers make a certificate that signed
    /// itself, and trust exactly that one.
    trusted: Vec<CertificateDer<'static>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let (authorities, checks_name) = match trust {
            Trust::Anyone => (None, false),
            Trust::Authority(authorities) => (Some(authorities), false),
            Trust::AuthorityAndName(authorities) => (Some(authorities), true),
        };
        let trusted = authorities
            .map(certificates)
            .transpose()?
            .unwrap_or_default();
        let chain = if authorities.is_some() {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(trusted.iter().cloned());
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                    .build()
                    .map_err(|error| unusable(format!("sslrootcert cannot be used: {error}")))?;
            Some(verifier)
        } else {
            None
        };
        Ok(Self {
            chain,
            trusted,
            checks_name,
            provider: Arc::clone(provider),
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        if self.trusted.iter().any(|trusted| trusted == end_entity) {
            if self.checks_name {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        // It verifies the name last, after everything else was found right.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Says in the words of a reader why a host could not be trusted.
pub(super) struct Untrusted<'e> {
    pub(super) host: &'e str,
    pub(super) error: &'e std::io::Error,
}

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, error } = self;
        let cause = error
            .get_ref()
            .and_then(|error| error.downcast_ref::<Error>());
        match cause {
            Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => write!(
                f,
                "the certificate of {host} is of no authority that this server trusts: set \
                 sslrootcert to the file of its authority"
            ),
            Some(Error::InvalidCertificate(
                error @ (CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }),
            )) => write!(
                f,
                "the certificate of {host} is for another host: use a name of the certificate, or \
                 sslmode=verify-ca ({error})"
            ),
            Some(error) => write!(f, "TLS with {host} failed: {error}"),
            None => write!(f, "TLS with {host} failed: {error}"),
        }
    }
}
