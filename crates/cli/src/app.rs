//! The connection and the output that every command uses.

use roster_client::Roster;

use crate::failure::Failure;
use crate::options::Options;
use crate::output::Output;

/// A connection and an output.
pub(crate) struct App {
    pub(crate) roster: Roster,
    pub(crate) output: Output,
}

impl App {
    pub(crate) async fn connect(options: &Options) -> Result<Self, Failure> {
        let mut builder = options
            .connection
            .add_to(Roster::builder(&options.server))?;
        if let Some(organization) = &options.organization {
            builder = builder.organization(organization);
        }
        Ok(Self {
            roster: builder.connect().await?,
            output: Output::new(options.json)?,
        })
    }
}
