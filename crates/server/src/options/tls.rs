//! The options about TLS.

use std::path::PathBuf;

use clap::Args;

/// The files of TLS. The server reads them again when they change.
#[derive(Args, Clone, Debug, Default)]
pub struct TlsFiles {
    /// The server's certificate, followed by the certificates that lead to its authority, in PEM.
    /// Calls are then served over TLS only.
    #[arg(long, env = "ROSTER_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the server's certificate, in PEM, not encrypted.
    #[arg(long, env = "ROSTER_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Certificates of the authorities that sign client certificates, in PEM. A client may then
    /// present a certificate.
    #[arg(long, env = "ROSTER_CLIENT_CA", value_name = "FILE")]
    pub client_ca: Option<PathBuf>,

    /// Refuse clients without a certificate.
    #[arg(long, env = "ROSTER_REQUIRE_CLIENT_CERT")]
    pub require_client_cert: bool,
}

impl TlsFiles {
    /// Requires that the options go together. clap cannot: values of the configuration file are
    /// defaults to it.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            anyhow::bail!("--tls-cert and --tls-key go together: set both or neither");
        }
        if self.client_ca.is_some() && self.tls_cert.is_none() {
            anyhow::bail!("--client-ca needs --tls-cert and --tls-key");
        }
        if self.require_client_cert && self.client_ca.is_none() {
            anyhow::bail!("--require-client-cert needs --client-ca");
        }
        Ok(())
    }
}
