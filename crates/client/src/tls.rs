//! TLS of a connection, and when a token may be sent without it.

use std::net::IpAddr;

use http::Uri;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// What a connection trusts, and the certificate that it presents.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// The authorities to trust, in PEM, in place of those of the system.
    pub(crate) ca: Option<Vec<u8>>,
    /// The certificate and its key, in PEM.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.identity.is_none()
    }

    /// The configuration. Without an authority, the system's are trusted: an operator adds a
    /// company's authority to the system once, for all programs.
    pub(crate) fn config(&self) -> ClientTlsConfig {
        let config = match &self.ca {
            Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        match &self.identity {
            Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
            None => config,
        }
    }
}

/// Whether what is sent to a server leaves this machine unencrypted.
pub(crate) fn is_readable_on_the_way(server: &Uri) -> bool {
    if server.scheme_str() == Some("https") {
        return false;
    }
    let host = server.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !(is_loopback || host.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_https_hide_what_is_sent() {
        for (server, is_readable) in [
            ("http://127.0.0.1:7400", false),
            ("http://127.9.9.9", false),
            ("http://[::1]:7400", false),
            ("http://localhost:7400", false),
            ("https://roster.example", false),
            ("http://roster.example", true),
            ("http://127.0.0.1.example", true),
            ("http://localhost.example", true),
            ("http://10.0.0.1", true),
            ("http://[2001:db8::1]", true),
        ] {
            let uri = server.parse().expect("a URI");
            assert_eq!(is_readable_on_the_way(&uri), is_readable, "{server}");
        }
    }
}
