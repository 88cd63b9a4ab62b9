//! Visibility: the most frequent calls as methods.

use futures::Stream;
use roster_api::v1::{
    self, CheckTicketRequest, ExplainTicketRequest, ExplainTicketResponse, Ground,
    ListVisibleTicketsRequest, VisibleTicket,
};

use crate::connect::Roster;
use crate::error::Error;

/// Whether a contact sees a ticket.
#[derive(Clone, Debug, PartialEq)]
pub enum Visibility {
    /// The contact sees the ticket, by all of these clauses of the rule.
    Visible(Vec<Ground>),
    /// The contact does not see the ticket. Show this as if the ticket did not exist.
    Hidden,
}

impl Visibility {
    /// Whether the contact sees the ticket.
    pub fn is_visible(&self) -> bool {
        matches!(self, Self::Visible(_))
    }
}

impl Roster {
    /// Checks whether a contact may see a ticket. An unknown contact or ticket is an error.
    ///
    /// ```no_run
    /// # async fn example(roster: roster_client::Roster) -> Result<(), roster_client::Error> {
    /// if roster.check("c12", "T-1001").await?.is_visible() {
    ///     println!("show it");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self, contact_id: &str, ticket_id: &str) -> Result<Visibility, Error> {
        let request = CheckTicketRequest {
            contact_id: contact_id.to_owned(),
            ticket_id: ticket_id.to_owned(),
            consistency: None,
        };
        let answer = self.call(request).await?;
        match answer.visibility() {
            v1::Visibility::Visible => Ok(Visibility::Visible(answer.grounds)),
            v1::Visibility::Hidden => Ok(Visibility::Hidden),
            // Deny an unknown value.
            v1::Visibility::Unspecified => Err(self.lacks("a visibility")),
        }
    }

    /// Explains why a contact may see a ticket, or why not. Show this only to staff.
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
