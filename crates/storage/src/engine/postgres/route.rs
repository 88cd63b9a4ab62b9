//! The way to a PostgreSQL server: directly, or through a tunnel that encrypts.
//!
//! This program's libpq is built without TLS. Parameters of the URL that concern TLS are ours: they are
//! taken out of the URL that libpq receives. The password stays in that URL and goes nowhere else.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::tls::{self, Authorities, ClientCertificate, Trust};
use super::tunnel::{Target, Tunnel};
use super::url::{NETWORK_LIMITS, append, decoded, encoded, parameter};
use crate::error::{Result, StorageError};

/// PostgreSQL's port, if the URL names no other.
const PORT: u16 = 5432;
/// The request to speak TLS: its length, and the code of the request.
pub(super) const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// The answer of a server that has TLS.
pub(super) const HAS_TLS: u8 = b'S';
/// The answer of a server that has no TLS.
pub(super) const HAS_NO_TLS: u8 = b'N';
/// How long to wait at the start for a server's answer whether it has TLS.
const ASK_PATIENCE: Duration = Duration::from_secs(3);
/// Parameters about TLS that this program does not know.
const UNKNOWN: [&str; 4] = ["sslcrl", "sslcrldir", "sslpassword", "sslkeylogfile"];

/// See the module.
pub(crate) struct Route {
    url: String,
    tunnel: Option<Tunnel>,
}

/// Whether TLS is used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Never,
    /// Unless the server has none.
    Preferred,
    Always(Trust),
}

/// A server, as the URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    /// The address to connect to, if it is given beside the name.
    address: Option<String>,
    port: u16,
}

impl Host {
    /// A folder of sockets of this machine, where TLS does not apply.
    fn is_folder(&self) -> bool {
        self.name.is_empty() || self.name.starts_with(['/', '@'])
    }

    fn connected(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.name)
    }

    fn is_local(&self) -> bool {
        let of = self.connected();
        self.is_folder()
            || of == "localhost"
            || of
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl Route {
    /// Decides how to reach the database of a URL. Asks its servers if TLS is optional. Blocks.
    pub(crate) fn of(url: &str) -> Result<Self> {
        let hosts = hosts(url)?;
        let mode = mode(url, &hosts)?;
        let direct = hosts.iter().all(Host::is_folder)
            || mode == Mode::Never
            || (mode == Mode::Preferred && all_lack_tls(&hosts));
        let mut plain = super::url::without(url, is_ours);
        append(&mut plain, "sslmode", "disable");
        if direct {
            if mode == Mode::Preferred {
                warn_of_plain(&hosts);
            }
            limit(&mut plain);
            return Ok(Self {
                url: plain,
                tunnel: None,
            });
        }
        if of(url, "channel_binding").as_deref() == Some("require") {
            return Err(StorageError::UnusableAddress(
                "channel_binding=require cannot be used with TLS here, as the password is \
                 proved outside of TLS: use sslmode=verify-full"
                    .to_owned(),
            ));
        }
        let trust = match mode {
            Mode::Always(trust) => Some(trust),
            Mode::Never | Mode::Preferred => None,
        };
        let config = tls::config(
            trust.as_ref().unwrap_or(&Trust::Anyone),
            client_certificate(url)?.as_ref(),
        )?;
        let targets = hosts.iter().filter(|host| !host.is_folder());
        let targets = targets.map(|host| Target {
            name: host.name.clone(),
            connected: host.connected().to_owned(),
            port: host.port,
            requires_tls: trust.is_some(),
        });
        let tunnel = Tunnel::start(targets.collect(), config)?;
        let url = through(&plain, &hosts, &tunnel);
        Ok(Self {
            url,
            tunnel: Some(tunnel),
        })
    }

    /// The URL for libpq.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Closes the connections of the tunnel, as they may be stuck.
    pub(crate) fn close_stuck(&self) {
        if let Some(tunnel) = &self.tunnel {
            tunnel.close_connections();
        }
    }
}

/// Whether a parameter is about TLS.
fn is_ours(name: &str) -> bool {
    name.starts_with("ssl") || name == "requiressl" || name == "gssencmode"
}

/// Appends the limits of the network that the URL leaves open.
fn limit(url: &mut String) {
    for (name, value) in NETWORK_LIMITS {
        if parameter(url, name).is_none() {
            append(url, name, value);
        }
    }
}

/// The URL that leads libpq to the sockets of a tunnel.
fn through(url: &str, hosts: &[Host], tunnel: &Tunnel) -> String {
    let replaced = |name: &str| matches!(name, "host" | "hostaddr" | "port" | "channel_binding");
    let mut url = super::url::without_hosts(&super::url::without(url, replaced));
    let folder = tunnel.folder().display().to_string();
    let (mut names, mut ports, mut number) = (Vec::new(), Vec::new(), 0);
    for host in hosts {
        if host.is_folder() {
            names.push(host.name.clone());
            ports.push(host.port.to_string());
        } else {
            names.push(folder.clone());
            ports.push(Tunnel::port(number).to_string());
            number += 1;
        }
    }
    append(&mut url, "host", &encoded(&names.join(",")));
    append(&mut url, "port", &ports.join(","));
    append(&mut url, "channel_binding", "disable");
    limit(&mut url);
    url
}

/// A parameter of the URL, or of the environment as libpq reads it.
fn of(url: &str, name: &str) -> Option<String> {
    let given = parameter(url, name).map(decoded);
    let variable = match name {
        "channel_binding" => "PGCHANNELBINDING".to_owned(),
        name => format!("PG{}", name.to_ascii_uppercase()),
    };
    given
        .or_else(|| std::env::var(variable).ok())
        .filter(|value| !value.is_empty())
}

fn list(text: Option<String>) -> Vec<String> {
    text.map_or_else(Vec::new, |text| {
        text.split(',').map(str::to_owned).collect()
    })
}

/// The servers of a URL, in the order in which libpq tries them.
fn hosts(url: &str) -> Result<Vec<Host>> {
    let (mut names, mut ports) = super::url::hosts(url);
    if names.iter().all(String::is_empty) || parameter(url, "host").is_some() {
        names = list(of(url, "host"));
    }
    if ports.iter().all(String::is_empty) || parameter(url, "port").is_some() {
        ports = list(of(url, "port"));
    }
    let addresses = list(of(url, "hostaddr"));
    let count = names.len().max(addresses.len()).max(1);
    let place = |list: &[String], index: usize| {
        let found = list
            .get(index)
            .or(if list.len() == 1 { list.first() } else { None });
        found.cloned().unwrap_or_default()
    };
    let host = |index| {
        let (name, port) = (place(&names, index), place(&ports, index));
        let address = addresses.get(index).filter(|address| !address.is_empty());
        let port = match port.as_str() {
            "" => PORT,
            text => text.parse().map_err(|_| {
                StorageError::UnusableAddress(format!("the port {text:?} is not a port"))
            })?,
        };
        Ok(Host {
            name: if name.is_empty() {
                address.cloned().unwrap_or_default()
            } else {
                name
            },
            address: address.cloned(),
            port,
        })
    };
    (0..count).map(host).collect()
}

fn mode(url: &str, hosts: &[Host]) -> Result<Mode> {
    let unusable = |what: String| Err(StorageError::UnusableAddress(what));
    for name in UNKNOWN {
        if parameter(url, name).is_some() {
            return unusable(format!("{name} is not supported: leave it out"));
        }
    }
    let roots = of(url, "sslrootcert").map(|value| match value.as_str() {
        "system" => Authorities::System,
        _ => Authorities::File(value),
    });
    Ok(match (of(url, "sslmode").as_deref(), roots) {
        (None, Some(roots @ Authorities::System)) => Mode::Always(Trust::AuthorityAndName(roots)),
        (None, _) if hosts.iter().all(Host::is_local) => Mode::Never,
        (Some("disable"), _) => Mode::Never,
        (None | Some("allow" | "prefer"), _) => Mode::Preferred,
        (Some("require"), None) => Mode::Always(Trust::Anyone),
        (Some("require" | "verify-ca"), Some(roots @ Authorities::File(_))) => {
            Mode::Always(Trust::Authority(roots))
        }
        (Some(mode @ ("require" | "verify-ca")), Some(Authorities::System)) => {
            return unusable(format!(
                "sslmode={mode} with sslrootcert=system would trust any certificate of the web: use \
                 sslmode=verify-full"
            ));
        }
        (Some("verify-ca"), None) => {
            return unusable(
                "sslmode=verify-ca needs sslrootcert, the file of the database's certificate \
                 authority"
                    .to_owned(),
            );
        }
        (Some("verify-full"), roots) => Mode::Always(Trust::AuthorityAndName(
            roots.unwrap_or(Authorities::System),
        )),
        (Some(other), _) => {
            return unusable(format!(
                "sslmode={other} is unknown: use disable, prefer, require, verify-ca or verify-full"
            ));
        }
    })
}

fn client_certificate(url: &str) -> Result<Option<ClientCertificate>> {
    match (of(url, "sslcert"), of(url, "sslkey")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(ClientCertificate { certificate, key })),
        _ => Err(StorageError::UnusableAddress(
            "sslcert and sslkey belong together: set both, or neither".to_owned(),
        )),
    }
}

/// Whether every server says that it has no TLS. One that does not answer may have it.
fn all_lack_tls(hosts: &[Host]) -> bool {
    let lacks_tls = |host: &Host| host.is_folder() || asks(host).is_ok_and(|a| a == HAS_NO_TLS);
    hosts.iter().all(lacks_tls)
}

fn asks(host: &Host) -> std::io::Result<u8> {
    let mut addresses = (host.connected(), host.port).to_socket_addrs()?;
    let address = addresses.next().ok_or(std::io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, ASK_PATIENCE)?;
    stream.set_read_timeout(Some(ASK_PATIENCE))?;
    stream.write_all(&TLS_REQUEST)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer[0])
}

fn warn_of_plain(hosts: &[Host]) {
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let hosts = names.join(",");
    tracing::warn!(
        hosts,
        "PostgreSQL has no TLS, so the connections to it are not encrypted: turn ssl on there and set \
         sslmode=verify-full, or set sslmode=disable if the network itself keeps others out"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Host {
        Host {
            name: name.to_owned(),
            address: None,
            port,
        }
    }

    #[test]
    fn the_servers_of_a_url_are_read_as_libpq_reads_them() {
        for (url, expected) in [
            ("postgres://u:p@db/n", vec![host("db", 5432)]),
            ("postgresql://db:6432", vec![host("db", 6432)]),
            ("postgres://u@a,b:7/n", vec![host("a", 5432), host("b", 7)]),
            ("postgres://u@[::1]:7/n", vec![host("::1", 7)]),
            ("postgres://u@%2Ftmp%2Fs/n", vec![host("/tmp/s", 5432)]),
            (
                "postgres:///n?host=a,b&port=7",
                vec![host("a", 7), host("b", 7)],
            ),
            ("postgres:///n?host=/tmp/s", vec![host("/tmp/s", 5432)]),
        ] {
            assert_eq!(hosts(url).unwrap(), expected, "{url}");
        }
        let with_address = Host {
            address: Some("10.0.0.7".into()),
            ..host("db", 5432)
        };
        let url = "postgres://db/n?hostaddr=10.0.0.7";
        assert_eq!(hosts(url).unwrap(), vec![with_address]);
    }

    fn mode_of(url: &str) -> Result<Mode, String> {
        let hosts = hosts(url).unwrap();
        mode(url, &hosts).map_err(|error| error.to_string())
    }

    #[test]
    fn each_sslmode_demands_what_libpq_demands() {
        let file = || Authorities::File("ca.pem".into());
        for (query, expected) in [
            ("", Mode::Preferred),
            ("?sslmode=disable", Mode::Never),
            ("?sslmode=allow", Mode::Preferred),
            ("?sslmode=prefer", Mode::Preferred),
            ("?sslmode=require", Mode::Always(Trust::Anyone)),
            (
                "?sslmode=require&sslrootcert=ca.pem",
                Mode::Always(Trust::Authority(file())),
            ),
            (
                "?sslmode=verify-ca&sslrootcert=ca.pem",
                Mode::Always(Trust::Authority(file())),
            ),
            (
                "?sslmode=verify-full&sslrootcert=ca.pem",
                Mode::Always(Trust::AuthorityAndName(file())),
            ),
            (
                "?sslmode=verify-full",
                Mode::Always(Trust::AuthorityAndName(Authorities::System)),
            ),
            (
                "?sslrootcert=system",
                Mode::Always(Trust::AuthorityAndName(Authorities::System)),
            ),
        ] {
            assert_eq!(
                mode_of(&format!("postgres://db/n{query}")),
                Ok(expected),
                "{query}"
            );
        }
        assert_eq!(mode_of("postgres://127.0.0.1/n"), Ok(Mode::Never));
        assert_eq!(mode_of("postgres://[::1],localhost/n"), Ok(Mode::Never));
        assert_eq!(
            mode_of("postgres://127.0.0.1/n?sslmode=prefer"),
            Ok(Mode::Preferred)
        );
        for (query, said) in [
            ("sslmode=verify-ca", "needs sslrootcert"),
            (
                "sslmode=verify-ca&sslrootcert=system",
                "use sslmode=verify-full",
            ),
            ("sslmode=on", "sslmode=on is unknown"),
            ("sslmode=require&sslcrl=x", "sslcrl is not supported"),
        ] {
            let refused = mode_of(&format!("postgres://db/n?{query}")).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn libpq_receives_no_parameter_of_tls_and_the_password_as_it_was() {
        let url =
            "postgres://u:p%40ss@127.0.0.1/n?sslmode=disable&sslrootcert=x&application_name=a";
        let route = Route::of(url).unwrap();
        let begin =
            "postgres://u:p%40ss@127.0.0.1/n?application_name=a&sslmode=disable&connect_timeout=5";
        assert!(route.url().starts_with(begin), "{}", route.url());
    }
}
