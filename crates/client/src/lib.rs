//! A client of Roster: connect, call, list, import a file, check who sees which ticket.
//!
//! ```no_run
//! use futures::TryStreamExt;
//! use roster_client::{Roster, Visibility, v1};
//!
//! # async fn example() -> Result<(), roster_client::Error> {
//! let roster = Roster::connect("http://127.0.0.1:7400").await?;
//!
//! // Any call by its request. The client adds a request_id to a write, so retries are safe.
//! let account = v1::Account { name: "株式会社山田".into(), ..Default::default() };
//! let made = roster.call(v1::CreateAccountRequest { account: Some(account), ..Default::default() }).await?;
//! println!("{:?}", made.account);
//!
//! // May this contact see this ticket?
//! match roster.check("c12", "T-1001").await? {
//!     Visibility::Visible(grounds) => println!("yes, by {grounds:?}"),
//!     Visibility::Hidden => println!("no"),
//! }
//!
//! // Every ticket that it sees, loaded page by page.
//! let mut tickets = std::pin::pin!(roster.visible_tickets("c12"));
//! while let Some(visible) = tickets.try_next().await? {
//!     println!("{:?}", visible.ticket);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Roster::call`] and methods based on it retry, with growing pauses, if the server cannot be
//! reached or is overloaded; they return one [`Error`] that says what failed and where.
//! [`Roster::accounts`] and similar methods return the generated clients over the same connection,
//! for your own metadata and streams, without retries.

mod calls;
mod connect;
mod error;
mod import;
mod lists;
mod retry;
mod tls;
mod token;
mod transport;
mod visibility;

pub use roster_api::{UnaryRequest, v1};

pub use connect::{Builder, Roster};
pub use error::{Error, Refusal};
pub use import::{ImportOptions, Progress};
pub use lists::List;
pub use token::Token;
pub use transport::Transport;
pub use visibility::Visibility;
