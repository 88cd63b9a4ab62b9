//! The names in a certificate.

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// The URI and DNS names of a certificate, exactly as written, as `URI:…` and `DNS:…`. The common
/// name is not one of them: authorities do not vouch for it.
pub(super) fn names_of(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else {
        return Vec::new();
    };
    // An error means that the extension is there twice.
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(format!("URI:{uri}")),
            GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn only_uri_and_dns_names_are_names() {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "DNS:admin");
        params.subject_alt_names = vec![
            SanType::URI("spiffe://example/billing".try_into().unwrap()),
            SanType::DnsName("Billing.example".try_into().unwrap()),
            SanType::IpAddress([127, 0, 0, 1].into()),
            SanType::Rfc822Name("a@example.jp".try_into().unwrap()),
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let names = names_of(certificate.der());
        assert_eq!(
            names,
            ["URI:spiffe://example/billing", "DNS:Billing.example"]
        );
    }

    #[test]
    fn a_certificate_without_names_or_without_sense_has_no_names() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "admin");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(names_of(certificate.der()), Vec::<String>::new());
        assert_eq!(names_of(b"nonsense"), Vec::<String>::new());
    }
}
