//! The connection and its options.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tonic::transport::{Channel, Endpoint};

use crate::error::{Error, innermost};
use crate::tls::{Tls, is_readable_on_the_way};
use crate::token::Token;
use crate::transport::Transport;

/// Largest accepted or sent message, like the server's: a full batch with long texts fits.
pub(crate) const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Largest accepted block of headers. The default of HTTP/2 is 16 KiB, and a larger answer would
/// never arrive; the errors of Roster stay below 8 KiB.
const HEADER_BYTES_MAX: u32 = 64 << 10;
/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How often to ping on a connection with calls. Without pings, an import's stream would notice the
/// failure of the server's machine only when the kernel gives up.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Default timeout of a call, including retries: a dissociation of millions of tickets is one call.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);
/// Default number of attempts of a call: about three seconds with the pauses.
const ATTEMPTS_DEFAULT: u32 = 6;
/// Longest name of an organization.
const ORGANIZATION_CHARACTERS_MAX: usize = 63;

/// A connection to a server. Cheap to clone; clones share the connection, which reconnects by
/// itself.
#[derive(Clone, Debug)]
pub struct Roster {
    pub(crate) transport: Transport,
    pub(crate) address: Arc<str>,
    pub(crate) timeout: Duration,
    pub(crate) attempts: u32,
}

impl Roster {
    /// Connects to a server with the default options.
    pub async fn connect(address: impl Into<String>) -> Result<Self, Error> {
        Self::builder(address).connect().await
    }

    /// Returns a builder with options.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), roster_client::Error> {
    /// use std::time::Duration;
    ///
    /// let roster = roster_client::Roster::builder("http://127.0.0.1:7400")
    ///     .organization("acme")
    ///     .timeout(Duration::from_secs(5))
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(address: impl Into<String>) -> Builder {
        Builder {
            address: address.into(),
            organization: None,
            tls: Tls::default(),
            token: None,
            is_token_allowed_in_clear: false,
            timeout: TIMEOUT_DEFAULT,
            attempts: ATTEMPTS_DEFAULT,
        }
    }

    /// The address of the server, as given.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Options of a connection.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    address: String,
    organization: Option<String>,
    tls: Tls,
    token: Option<Token>,
    is_token_allowed_in_clear: bool,
    timeout: Duration,
    attempts: u32,
}

impl Builder {
    /// The organization of all calls: 1 to 63 characters of a to z, 0 to 9 and the hyphen. Without
    /// it the organization is `default`.
    pub fn organization(mut self, name: impl Into<String>) -> Self {
        self.organization = Some(name.into());
        self
    }

    /// The authorities to trust, in PEM. Without it those of the system are trusted. Requires an
    /// `https` address.
    pub fn ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.ca = Some(pem.into());
        self
    }

    /// The certificate and the private key to present to the server, in PEM. Requires an `https`
    /// address.
    pub fn certificate(mut self, pem: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls.identity = Some((pem.into(), key.into()));
        self
    }

    /// The token to send with each call. It is refused for an `http` address that is not loopback.
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Sends the token to any `http` address. Everybody on the way can read and use it.
    pub fn allow_token_in_clear(mut self) -> Self {
        self.is_token_allowed_in_clear = true;
        self
    }

    /// The timeout of a call, including retries; 60 seconds by default. The streams of an import
    /// may take longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The maximum number of attempts of a call, including the first; 6 by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Connects now, and returns an error if that fails.
    pub async fn connect(self) -> Result<Roster, Error> {
        let endpoint = self.endpoint()?;
        let organization = self.organization_header()?;
        let channel = endpoint.connect().await;
        let channel = channel.map_err(|cause| Error::unreachable(&self.address, &cause))?;
        Ok(self.roster(channel, organization))
    }

    /// Connects at the first call, for a program that starts before its server. Call it within a
    /// tokio runtime.
    pub fn connect_lazily(self) -> Result<Roster, Error> {
        let channel = self.endpoint()?.connect_lazy();
        let organization = self.organization_header()?;
        Ok(self.roster(channel, organization))
    }

    fn roster(self, channel: Channel, organization: Option<HeaderValue>) -> Roster {
        Roster {
            transport: Transport::new(channel, organization, self.token),
            address: self.address.into(),
            timeout: self.timeout,
            attempts: self.attempts,
        }
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        let wrong = |why: &str| Error::Address {
            address: self.address.clone(),
            why: why.to_owned(),
        };
        let endpoint =
            Endpoint::from_shared(self.address.clone()).map_err(|_| wrong("it is not a URI"))?;
        let is_encrypted = match endpoint.uri().scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(wrong("its scheme is neither http nor https")),
            None => return Err(wrong("it has no scheme")),
        };
        let may_be_read = is_readable_on_the_way(endpoint.uri()) && !self.is_token_allowed_in_clear;
        if self.token.is_some() && may_be_read {
            return Err(Error::TokenInClear {
                address: self.address.clone(),
            });
        }
        let endpoint = if is_encrypted {
            endpoint.tls_config(self.tls.config()).map_err(|cause| {
                Error::Tls(format!(
                    "the TLS options are unusable: {}",
                    innermost(&cause)
                ))
            })?
        } else if self.tls.is_empty() {
            endpoint
        } else {
            return Err(wrong("certificates need the scheme https"));
        };
        Ok(endpoint
            .connect_timeout(CONNECT_PATIENCE)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_max_header_list_size(HEADER_BYTES_MAX))
    }

    /// Checked here, since the server reports an invalid name only at the first call.
    fn organization_header(&self) -> Result<Option<HeaderValue>, Error> {
        let Some(name) = &self.organization else {
            return Ok(None);
        };
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let fits = (1..=ORGANIZATION_CHARACTERS_MAX).contains(&name.len());
        match HeaderValue::from_str(name) {
            Ok(header) if fits && name.bytes().all(allowed) => Ok(Some(header)),
            _ => Err(Error::Organization(name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_the_scheme_http_or_https() {
        for wrong in ["127.0.0.1:7400", "ftp://localhost", "", "http://"] {
            let refused = Roster::builder(wrong).endpoint();
            assert!(matches!(refused, Err(Error::Address { .. })), "{wrong}");
        }
        for right in ["http://127.0.0.1:7400", "https://localhost"] {
            assert!(Roster::builder(right).endpoint().is_ok(), "{right}");
        }
    }

    #[test]
    fn a_token_is_not_sent_in_clear_over_a_network_unless_that_is_wanted() {
        let of = |server: &str| {
            Roster::builder(server).token(Token::new("rst_s3cret").expect("a token"))
        };
        for allowed in [
            "http://127.0.0.1:7400",
            "http://localhost",
            "https://roster.example",
        ] {
            assert!(of(allowed).endpoint().is_ok(), "{allowed}");
        }
        let in_clear = of("http://roster.example");
        assert!(!format!("{in_clear:?}").contains("s3cret"));
        let error = in_clear.endpoint().expect_err("refused").to_string();
        assert!(
            !error.contains("s3cret") && error.contains("https"),
            "{error}"
        );
        assert!(in_clear.allow_token_in_clear().endpoint().is_ok());
    }

    #[test]
    fn certificates_need_https_and_have_to_be_certificates() {
        let plain = Roster::builder("http://localhost").ca("");
        assert!(matches!(plain.endpoint(), Err(Error::Address { .. })));
        let wrong = Roster::builder("https://localhost").certificate("no", "s3cret");
        let error = wrong.endpoint().expect_err("no certificate");
        assert!(matches!(error, Error::Tls(_)), "{error}");
        assert!(!format!("{wrong:?} {error}").contains("s3cret"));
    }

    #[test]
    fn an_organization_is_checked_before_anything_is_sent() {
        let of = |name: &str| {
            Roster::builder("http://a")
                .organization(name)
                .organization_header()
        };
        assert!(of("acme-2").is_ok());
        assert!(of(&"a".repeat(63)).is_ok());
        for wrong in ["", "Acme", "a_b", "あ", &"a".repeat(64)] {
            assert!(matches!(of(wrong), Err(Error::Organization(_))), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_to_be_unreachable() {
        // Nothing listens on port 1 of a machine that was not made to.
        let refused = Roster::connect("http://127.0.0.1:1").await;
        let Err(Error::Unreachable { address, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(address, "http://127.0.0.1:1");
    }
}
