//! `roster visitor`: tokens with which contacts call Roster themselves.

use clap::{Args, Subcommand};
use roster_client::v1::{MintVisitorTokenRequest, RevokeVisitorTokensRequest};

use crate::app::App;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::output::Rows;

/// The commands for visitors.
#[derive(Debug, Subcommand)]
pub(crate) enum VisitorCommand {
    /// Print a token with which a contact calls the server itself
    Mint(Mint),
    /// Revoke all tokens of a contact
    Revoke(Revoke),
}

/// The contact of the token.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  roster visitor mint tanaka@example.jp\n  roster visitor mint c12 --account a3 --seconds 60 --staff sato"
)]
pub(crate) struct Mint {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
    /// Only this account shares its tickets with the visitor.
    #[arg(long)]
    account: Option<String>,
    /// Seconds for which the token is accepted, 1 to 3600; 600 by default.
    #[arg(long, value_name = "N")]
    seconds: Option<i64>,
    /// The member of staff who looks as this contact, for the access log.
    #[arg(long, value_name = "NAME")]
    staff: Option<String>,
}

/// The contact whose tokens end.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  roster visitor revoke tanaka@example.jp")]
pub(crate) struct Revoke {
    /// The contact: its id (c12), external id or e-mail address.
    contact: String,
}

impl VisitorCommand {
    pub(crate) async fn run(self, app: &mut App) -> Result<Exit, Failure> {
        match self {
            Self::Mint(command) => command.run(app).await?,
            Self::Revoke(command) => command.run(app).await?,
        }
        Ok(Exit::Done)
    }
}

impl Mint {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let account = find::account_if(&app.roster, self.account.as_ref()).await?;
        let request = MintVisitorTokenRequest {
            contact_id: find::contact(&app.roster, &self.contact).await?,
            account_id: account.unwrap_or_default(),
            ttl: self
                .seconds
                .map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
            acting_staff: self.staff.unwrap_or_default(),
        };
        let answer = app.roster.call(request).await?;
        app.output
            .answer(&answer, |answer| Rows::of_text(answer.token.clone()))
    }
}

impl Revoke {
    async fn run(self, app: &mut App) -> Result<(), Failure> {
        let contact_id = find::contact(&app.roster, &self.contact).await?;
        let shown = format!("revoked the visitor tokens of {contact_id}");
        let request = RevokeVisitorTokensRequest {
            contact_id,
            ..Default::default()
        };
        let answer = app.roster.call(request).await?;
        app.output.answer(&answer, |_| Rows::of_text(shown))
    }
}
