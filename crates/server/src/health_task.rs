//! `roster-server health`: asks a running server whether it serves, as a container without a shell
//! needs it.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::options::Options;

/// How long the answer may take. Probes of containers usually wait for a second or longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The beginning of the status line of HTTP; three digits follow.
const STATUS: &[u8] = b"HTTP/1.1 ";

/// Asks the server at `address`, or of the options. Prints the answer and returns whether it is
/// SERVING.
pub async fn ask_health(
    options: &Options,
    address: Option<&str>,
    mut out: impl Write,
) -> anyhow::Result<bool> {
    let operators = options.metrics.filter(|_| address.is_none()).map(reachable);
    let address = match (address, operators) {
        (Some(address), _) => address.to_owned(),
        (None, Some(operators)) => operators.to_string(),
        (None, None) if options.tls.tls_cert.is_some() => anyhow::bail!(
            "a server with TLS is asked at its port for operators: set --metrics to the address that \
             the server has"
        ),
        (None, None) => reachable(options.listen).to_string(),
    };
    let asked = async {
        if operators.is_some() {
            ask_operators(&address).await
        } else {
            ask_calls(&address).await
        }
    };
    let answer = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(is_serving)) => {
            let status = if is_serving {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            writeln!(out, "{address}: {}", status.as_str_name())?;
            return Ok(is_serving);
        }
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("no answer within {} seconds", PATIENCE.as_secs()),
    };
    writeln!(out, "{address}: {answer}")?;
    Ok(false)
}

async fn ask_calls(address: &str) -> anyhow::Result<bool> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let channel: Channel = endpoint.connect().await?;
    let request = HealthCheckRequest::default();
    let answer = HealthClient::new(channel).check(request).await?;
    Ok(answer.into_inner().status() == ServingStatus::Serving)
}

/// Asks the port for operators, which is plain HTTP whether or not calls are encrypted.
async fn ask_operators(address: &str) -> anyhow::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; STATUS.len() + 3];
    stream.read_exact(&mut status).await?;
    match status.strip_prefix(STATUS) {
        Some(b"200") => Ok(true),
        Some(b"503") => Ok(false),
        _ => anyhow::bail!("this is not the port for operators of a roster-server"),
    }
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
