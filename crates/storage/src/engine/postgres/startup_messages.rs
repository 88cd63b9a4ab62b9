//! The first messages of a connection between libpq and PostgreSQL.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The first messages of both sides are shorter.
const MESSAGE_BYTES_MAX: usize = 10_000;
/// The type of a message about authentication.
const AUTHENTICATION: u8 = b'R';
/// The type of an error, which ends the connection.
const ERROR: u8 = b'E';
/// The number of the message that offers mechanisms to prove a password.
const MECHANISMS: [u8; 4] = [0, 0, 0, 10];
/// The mechanism that binds the proof of a password to TLS.
const BOUND_TO_TLS: &[u8] = b"SCRAM-SHA-256-PLUS";

/// Reads libpq's first message: it would see a reset instead of a refusal if it were still sending.
pub(super) async fn first_message(client: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = client.read_u32().await?;
    let body = body_of(length, client).await?;
    Ok([length.to_be_bytes().as_slice(), &body].concat())
}

/// Reads the rest of a message.
async fn body_of(length: u32, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = length as usize;
    if !(4..=MESSAGE_BYTES_MAX).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length - 4];
    from.read_exact(&mut body).await?;
    Ok(body)
}

/// Reads the first answers of a server, up to its demand for authentication. Takes out the offer to
/// bind the proof of a password to TLS: libpq knows of no TLS and would refuse the offer.
pub(super) async fn first_answers(server: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut answers = Vec::new();
    loop {
        let kind = server.read_u8().await?;
        let length = server.read_u32().await?;
        let mut body = body_of(length, server).await?;
        if kind == AUTHENTICATION {
            body = without_binding(body);
        }
        push(&mut answers, kind, &body);
        if kind == AUTHENTICATION || kind == ERROR {
            return Ok(answers);
        }
    }
}

fn push(messages: &mut Vec<u8>, kind: u8, body: &[u8]) {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    messages.push(kind);
    messages.extend(length.to_be_bytes());
    messages.extend(body);
}

fn without_binding(body: Vec<u8>) -> Vec<u8> {
    let Some(offered) = body.strip_prefix(&MECHANISMS) else {
        return body;
    };
    // Texts that each end with a zero; an empty text ends the list.
    let names = offered.split(|byte| *byte == 0);
    let mut answer = MECHANISMS.to_vec();
    for name in names.filter(|name| !name.is_empty() && *name != BOUND_TO_TLS) {
        answer.extend(name);
        answer.push(0);
    }
    answer.push(0);
    answer
}

/// Why there is no connection, as a server would say it.
pub(super) struct Refusal {
    /// The SQLSTATE.
    code: &'static str,
    why: String,
}

impl Refusal {
    /// libpq goes on to its next host.
    pub(super) fn unreachable(why: String) -> Self {
        // cannot_connect_now.
        Self { code: "57P03", why }
    }

    /// libpq gives up.
    pub(super) fn unsuitable(why: String) -> Self {
        // connection_failure.
        Self { code: "08006", why }
    }

    /// Tells libpq, and ends the connection.
    pub(super) async fn send(&self, client: &mut (impl AsyncWrite + Unpin)) {
        let mut body = Vec::new();
        let fields = [
            (b'S', "FATAL"),
            (b'V', "FATAL"),
            (b'C', self.code),
            (b'M', &self.why),
        ];
        for (field, value) in fields {
            body.push(field);
            body.extend(value.bytes().filter(|byte| *byte != 0));
            body.push(0);
        }
        body.push(0);
        let mut message = Vec::new();
        push(&mut message, ERROR, &body);
        // libpq may have given up.
        let _ = client.write_all(&message).await;
        let _ = client.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mechanism_that_is_bound_to_tls_is_taken_out_of_an_offer() {
        let offer = |names: &[&str]| {
            let mut body = MECHANISMS.to_vec();
            for name in names {
                body.extend(name.bytes());
                body.push(0);
            }
            body.push(0);
            body
        };
        let both = offer(&["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        assert_eq!(without_binding(both), offer(&["SCRAM-SHA-256"]));
        let unbound = offer(&["SCRAM-SHA-256"]);
        assert_eq!(without_binding(unbound.clone()), unbound);
        let done = vec![0, 0, 0, 0];
        assert_eq!(without_binding(done.clone()), done);
    }
}
