//! Credentials: the services that may call Roster, and the proofs by which a server recognizes them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::id::Time;
use crate::organization::OrganizationName;
use crate::scope::Scopes;
use crate::text::{CertificateName, Name, TokenText};

/// API keys of a credential that have not expired: one in use, one that replaces it, and one to
/// spare. More would be shared keys, which belong to credentials of their own.
pub const KEYS_MAX: usize = 3;
/// Subjects of tokens of a credential, and names of certificates: each is the same service at another
/// place.
pub const PROOFS_MAX: usize = 10;
/// Networks of a credential.
pub const NETWORKS_MAX: usize = 50;
/// Scopes in a request: all that exist fit.
pub const SCOPES_MAX: usize = 50;
/// The most calls a second that a limit can allow: above what one server answers.
pub const REQUESTS_PER_SECOND_MAX: u32 = 1_000_000;
/// The most concurrent calls that a limit can allow: above what one server accepts.
pub const CONCURRENT_CALLS_MAX: u32 = 100_000;
/// Credentials of an organization, and credentials without one. Every server holds all of them in
/// memory, about 1 KiB each.
pub const CREDENTIALS_MAX: u64 = 1_000;

/// The limits of a credential or of an organization; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallLimits {
    /// Calls a second.
    pub requests_per_second: Option<u32>,
    /// Concurrent calls.
    pub concurrent_calls: Option<u32>,
}

/// An address or a CIDR block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// The text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an address or a CIDR block, as in 10.0.0.0/8 or 2001:db8::1")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let network = text.parse::<IpNet>().ok();
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        network.or_else(address).map(Self).ok_or(NotANetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let net = self.0;
        if net.prefix_len() == net.max_prefix_len() {
            return net.addr().fmt(f);
        }
        net.fmt(f)
    }
}

impl Network {
    /// Returns whether an address is in the network. An IPv4 address that is written as IPv6 counts
    /// as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The public part, by which it is found.
    pub id: Box<str>,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// The last four characters of the key.
    pub last_four: Box<str>,
    /// When it was created.
    pub create_time: Time,
    /// From when it is not accepted any more.
    pub expire_time: Option<Time>,
    /// When it was last used.
    pub last_use_time: Option<Time>,
}

impl ApiKey {
    /// Returns whether it is accepted at a time.
    pub fn is_alive(&self, now: Time) -> bool {
        self.expire_time.is_none_or(|expires| now < expires)
    }
}

/// The subject of a JSON Web Token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenSubject {
    /// The claim `iss`.
    pub issuer: TokenText,
    /// The claim `sub`.
    pub subject: TokenText,
}

/// A credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What it is for.
    pub name: Name,
    /// The organization whose data it reads and writes; `None` for administration.
    pub organization: Option<OrganizationName>,
    /// What it may do.
    pub scopes: Scopes,
    /// From when it is not accepted any more.
    pub expire_time: Option<Time>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// The networks from which it is accepted; empty: all.
    pub networks: Vec<Network>,
    /// Its limits.
    pub limits: CallLimits,
    /// Its API keys.
    pub keys: Vec<ApiKey>,
    /// The subjects of tokens that prove it.
    pub subjects: Vec<TokenSubject>,
    /// The names of client certificates that prove it.
    pub certificate_names: Vec<CertificateName>,
    /// When it was created.
    pub create_time: Time,
    /// When it was last changed.
    pub update_time: Time,
    /// How often it was changed: its version.
    pub version: u64,
}

impl Credential {
    /// Returns a credential without any proof, limit or end, before its first version.
    pub fn new(name: Name, organization: Option<OrganizationName>, scopes: Scopes) -> Self {
        Self {
            name,
            organization,
            scopes,
            expire_time: None,
            suspended: false,
            networks: Vec::new(),
            limits: CallLimits::default(),
            keys: Vec::new(),
            subjects: Vec::new(),
            certificate_names: Vec::new(),
            create_time: Time::default(),
            update_time: Time::default(),
            version: 0,
        }
    }
}

/// Returns whether a credential with these networks is accepted from an address. Without networks it
/// is accepted from everywhere; an unknown address is in no network.
pub fn accept(networks: &[Network], address: Option<IpAddr>) -> bool {
    let within = |address| networks.iter().any(|network| network.contains(address));
    networks.is_empty() || address.is_some_and(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_block_and_is_written_as_it_was_read() {
        for text in ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "2001:db8::1"] {
            let network: Network = text.parse().expect("a network");
            assert_eq!(network.to_string(), text);
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0", "example.com", "10.0.0.0/8 "] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork), "{wrong:?}");
        }
    }

    #[test]
    fn a_network_contains_its_addresses_also_when_they_are_written_as_ipv6() {
        let network: Network = "10.0.0.0/8".parse().expect("a network");
        let within = |text: &str| network.contains(text.parse().expect("an address"));
        assert!(within("10.255.0.1") && within("::ffff:10.0.0.1"));
        assert!(!within("11.0.0.1") && !within("::1"));
    }
}
