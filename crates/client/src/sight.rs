//! Who sees which ticket: the questions that are asked most, in a line each.

use futures::Stream;
use roster_api::v1::{
    CheckTicketRequest, ExplainTicketRequest, ExplainTicketResponse, Ground,
    ListVisibleTicketsRequest, Visibility, VisibleTicket,
};

use crate::connect::Roster;
use crate::error::Error;

/// Whether a contact sees a ticket.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    /// It does, and these are all the clauses of the rule by which it does.
    Visible(Vec<Ground>),
    /// It does not. To be shown as if there were no such ticket.
    Hidden,
}

impl Sight {
    /// Whether it does.
    pub fn is_visible(&self) -> bool {
        matches!(self, Self::Visible(_))
    }
}

impl Roster {
    /// May this contact see this ticket? An unknown contact or ticket is an error.
    ///
    /// ```no_run
    /// # async fn example(roster: roster_client::Roster) -> Result<(), roster_client::Error> {
    /// if roster.check("c12", "T-1001").await?.is_visible() {
    ///     println!("show it");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self, contact_id: &str, ticket_id: &str) -> Result<Sight, Error> {
        let request = CheckTicketRequest {
            contact_id: contact_id.to_owned(),
            ticket_id: ticket_id.to_owned(),
            consistency: None,
        };
        let answer = self.call(request).await?;
        match answer.visibility() {
            Visibility::Visible => Ok(Sight::Visible(answer.grounds)),
            Visibility::Hidden => Ok(Sight::Hidden),
            // What is not understood shows nobody anything.
            Visibility::Unspecified => Err(self.lacks("a visibility")),
        }
    }

    /// Why may this contact see this ticket, or why not? For staff's eyes.
    pub async fn explain(
        &self,
        contact_id: &str,
        ticket_id: &str,
    ) -> Result<ExplainTicketResponse, Error> {
        let request = ExplainTicketRequest {
            contact_id: contact_id.to_owned(),
            ticket_id: ticket_id.to_owned(),
            consistency: None,
        };
        self.call(request).await
    }

    /// Every ticket that this contact may see, newest first.
    pub fn visible_tickets(
        &self,
        contact_id: &str,
    ) -> impl Stream<Item = Result<VisibleTicket, Error>> + Send + use<> {
        self.all(ListVisibleTicketsRequest {
            contact_id: contact_id.to_owned(),
            ..Default::default()
        })
    }

    pub(crate) fn lacks(&self, part: &'static str) -> Error {
        Error::Answer {
            address: self.address.to_string(),
            part,
        }
    }
}
