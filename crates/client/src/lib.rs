//! The generated client made pleasant: connect, call, list, import a file, ask who sees what.
//!
//! ```no_run
//! use futures::TryStreamExt;
//! use roster_client::{Roster, Sight, v1};
//!
//! # async fn example() -> Result<(), roster_client::Error> {
//! let roster = Roster::connect("http://127.0.0.1:7400").await?;
//!
//! // Any call by its request. A write is given a request_id, so that it can be repeated safely.
//! let account = v1::Account { name: "株式会社山田".into(), ..Default::default() };
//! let made = roster.call(v1::CreateAccountRequest { account: Some(account), ..Default::default() }).await?;
//! println!("{:?}", made.account);
//!
//! // May this contact see this ticket?
//! match roster.check("c12", "T-1001").await? {
//!     Sight::Visible(grounds) => println!("yes, by {grounds:?}"),
//!     Sight::Hidden => println!("no"),
//! }
//!
//! // Every ticket that it sees, page by page as they are taken.
//! let mut tickets = std::pin::pin!(roster.visible_tickets("c12"));
//! while let Some(visible) = tickets.try_next().await? {
//!     println!("{:?}", visible.ticket);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Roster::call`] and what stands on it try again, with growing pauses, when the server cannot be
//! reached or has too much to do; they end with one [`Error`] that says what was wrong and where.
//! [`Roster::accounts`] and its neighbours are the generated clients themselves, over the same
//! connection: for metadata and streams of your own, without the repeats.

mod calls;
mod connect;
mod error;
mod import;
mod lists;
mod retry;
mod sight;
mod transport;

pub use roster_api::{UnaryRequest, v1};

pub use connect::{Builder, Roster};
pub use error::{Error, Refusal};
pub use import::{ImportOptions, Progress};
pub use lists::List;
pub use sight::Sight;
pub use transport::Transport;
