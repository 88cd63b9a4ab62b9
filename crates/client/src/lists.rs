//! Lists that load their pages as needed.

use std::collections::VecDeque;

use futures::{Stream, stream};
use roster_api::UnaryRequest;
use roster_api::v1::*;

use crate::connect::Roster;
use crate::error::Error;

/// Default items of a page: few round trips, and a fast first page.
const PAGE_ITEMS: i32 = 500;

/// A request with a paged answer: [`Roster::all`] loads the pages in sequence.
pub trait List: UnaryRequest {
    /// The type of the items.
    type Item: Send;

    /// The page size and the page token.
    fn page(&mut self) -> (&mut i32, &mut String);

    /// The items of a page and the token of the next page, empty on the last page.
    fn split(answer: Self::Answer) -> (Vec<Self::Item>, String);
}

/// The request of the next page, if any, and the remaining items of this page.
struct Place<L: List> {
    next: Option<L>,
    items: VecDeque<L::Item>,
}

impl Roster {
    /// All items of a list, loaded page by page. After an error the stream ends.
    ///
    /// ```no_run
    /// # async fn example(roster: roster_client::Roster) -> Result<(), roster_client::Error> {
    /// use futures::TryStreamExt;
    /// use roster_client::v1::{Account, ListAccountsRequest};
    ///
    /// let request = ListAccountsRequest { query: "山田".into(), ..Default::default() };
    /// let accounts: Vec<Account> = roster.all(request).try_collect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn all<L: List>(
        &self,
        mut request: L,
    ) -> impl Stream<Item = Result<L::Item, Error>> + Send + use<L> {
        let (size, _) = request.page();
        if *size == 0 {
            *size = PAGE_ITEMS;
        }
        let roster = self.clone();
        let start = Place {
            next: Some(request),
            items: VecDeque::new(),
        };
        stream::try_unfold(start, move |mut place| {
            let roster = roster.clone();
            async move {
                loop {
                    if let Some(item) = place.items.pop_front() {
                        return Ok(Some((item, place)));
                    }
                    // An empty page may not be the last page.
                    let Some(request) = place.next.take() else {
                        return Ok(None);
                    };
                    place = roster.page(request).await?;
                }
            }
        })
    }

    async fn page<L: List>(&self, mut request: L) -> Result<Place<L>, Error> {
        let (items, token) = L::split(self.call(request.clone()).await?);
        *request.page().1 = token;
        let more = !request.page().1.is_empty();
        Ok(Place {
            next: more.then_some(request),
            items: items.into(),
        })
    }
}

/// The field of each answer that contains the items.
macro_rules! lists {
    ($($request:ident: $items:ident of $item:ident;)*) => {$(
        impl List for $request {
            type Item = $item;

            fn page(&mut self) -> (&mut i32, &mut String) {
                (&mut self.page_size, &mut self.page_token)
            }

            fn split(answer: Self::Answer) -> (Vec<$item>, String) {
                (answer.$items, answer.next_page_token)
            }
        }
    )*};
}

lists! {
    ListAccountsRequest: accounts of Account;
    ListContactsRequest: contacts of Contact;
    ListAccountContactsRequest: associations of AccountContact;
    ListContactAccountsRequest: associations of ContactAccount;
    ListTicketsRequest: tickets of Ticket;
    ListVisibleTicketsRequest: tickets of VisibleTicket;
    ListTicketViewersRequest: viewers of TicketViewer;
    ListOrganizationsRequest: organizations of Organization;
    ListCredentialsRequest: credentials of Credential;
    ListAdminEventsRequest: events of AdminEvent;
}
