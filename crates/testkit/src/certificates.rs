//! Certificates for tests of TLS.

use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, string::Ia5String,
};

/// An authority of a test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key, in PEM.
#[derive(Clone)]
pub struct Certified {
    pub certificate: String,
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        static AUTHORITIES: AtomicU32 = AtomicU32::new(0);
        let mut params = CertificateParams::default();
        // Two authorities of one name would be taken for one.
        let name = format!("authority {}", AUTHORITIES.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }
}

impl Authority {
    /// Its own certificate, in PEM.
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// A certificate of a server on this machine.
    pub fn server(&self) -> Certified {
        let names = [
            SanType::DnsName(ia5("localhost")),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ];
        self.sign("server", names.into(), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate of a server of this name.
    pub fn server_called(&self, name: &str) -> Certified {
        let names = vec![SanType::DnsName(ia5(name))];
        self.sign("server", names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate of the user of a database.
    pub fn user(&self, name: &str) -> Certified {
        self.sign(name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A certificate of a client that has these URIs and DNS names.
    pub fn client(&self, uris: &[&str], names: &[&str]) -> Certified {
        let uris = uris.iter().map(|uri| SanType::URI(ia5(uri)));
        let names = names.iter().map(|name| SanType::DnsName(ia5(name)));
        let all = uris.chain(names).collect();
        self.sign("client", all, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        called: &str,
        names: Vec<SanType>,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Certified {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, called);
        params.subject_alt_names = names;
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Certified {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn ia5(text: &str) -> Ia5String {
    text.try_into().expect("ASCII")
}
