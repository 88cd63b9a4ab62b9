//! The options about the connection: TLS and the token.

use std::path::{Path, PathBuf};

use clap::Args;
use roster_client::{Builder, Token};

use crate::failure::Failure;
use crate::options::GLOBAL;

/// The environment variable with the token. There is no option for it: every user of a machine can
/// read the arguments of its processes.
const TOKEN: &str = "ROSTER_TOKEN";

/// How to connect.
#[derive(Args, Debug)]
pub(crate) struct Connection {
    /// Certificates of the authorities to trust, in PEM; by default those of the system.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_CA",
        value_name = "FILE"
    )]
    ca: Option<PathBuf>,

    /// Certificate to present to the server, in PEM.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_CERT",
        value_name = "FILE"
    )]
    cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_KEY",
        value_name = "FILE"
    )]
    key: Option<PathBuf>,

    /// File with the token to send. The environment variable ROSTER_TOKEN may hold the token
    /// itself.
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        env = "ROSTER_TOKEN_FILE",
        value_name = "FILE"
    )]
    token_file: Option<PathBuf>,

    /// Send the token without encryption, even over a network.
    #[arg(long, global = true, help_heading = GLOBAL)]
    token_in_clear: bool,
}

impl Connection {
    /// Adds these options.
    pub(crate) fn add_to(&self, mut builder: Builder) -> Result<Builder, Failure> {
        if let Some(ca) = &self.ca {
            builder = builder.ca(read(ca)?);
        }
        builder = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => builder.certificate(read(certificate)?, read(key)?),
            (None, None) => builder,
            _ => {
                return Err(Failure::usage(
                    "a certificate needs its private key",
                    "give --cert and --key together",
                ));
            }
        };
        if let Some(token) = self.token()? {
            builder = builder.token(token);
        }
        if self.token_in_clear {
            builder = builder.allow_token_in_clear();
        }
        Ok(builder)
    }

    fn token(&self) -> Result<Option<Token>, Failure> {
        let given = std::env::var_os(TOKEN).filter(|token| !token.is_empty());
        match (given, &self.token_file) {
            (None, None) => Ok(None),
            (None, Some(file)) => Ok(Some(Token::from_file(file)?)),
            (Some(token), None) => {
                // A token that is not UTF-8 is refused without its text, as any other.
                let token = token.to_str().unwrap_or(" ");
                Ok(Some(Token::new(token)?))
            }
            (Some(_), Some(_)) => Err(Failure::usage(
                "two tokens are given",
                "unset ROSTER_TOKEN, or leave out --token-file (ROSTER_TOKEN_FILE)",
            )),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::usage(
            format!("cannot read {}: {error}", path.display()),
            "check the path and its permissions",
        )
    })
}
