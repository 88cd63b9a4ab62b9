//! `roster-server health`: asks a running server whether it serves, as a container without a shell
//! needs it.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::options::Options;

/// How long the answer may take. Probes of containers usually wait for a second or longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the server at `address`, or at the address of the options. Prints the answer and returns
/// whether it is SERVING.
pub async fn ask_health(
    options: &Options,
    address: Option<&str>,
    mut out: impl Write,
) -> anyhow::Result<bool> {
    let address = match address {
        Some(address) => address.to_owned(),
        None => reachable(options.listen).to_string(),
    };
    let asked = async {
        let channel = connect(&address).await?;
        let request = HealthCheckRequest::default();
        let answer = HealthClient::new(channel).check(request).await?;
        anyhow::Ok(answer.into_inner().status())
    };
    let answer = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(status)) => {
            writeln!(out, "{address}: {}", status.as_str_name())?;
            return Ok(status == ServingStatus::Serving);
        }
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("no answer within {} seconds", PATIENCE.as_secs()),
    };
    writeln!(out, "{address}: {answer}")?;
    Ok(false)
}

async fn connect(address: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    Ok(endpoint.connect().await?)
}

/// The address of a server on this machine that listens there.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen {
        SocketAddr::V4(at) if at.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        at => at.ip(),
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:7400", "127.0.0.1:7400"),
            ("[::]:7400", "[::1]:7400"),
            ("10.0.0.1:1", "10.0.0.1:1"),
        ] {
            let listen = listen.parse().expect("an address");
            assert_eq!(reachable(listen).to_string(), asked);
        }
    }
}
