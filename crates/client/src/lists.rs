//! Lists that page by themselves.

use std::collections::VecDeque;

use futures::{Stream, stream};
use roster_api::UnaryRequest;
use roster_api::v1::*;

use crate::connect::Roster;
use crate::error::Error;

/// Items of a page where the request does not say: few round trips, and a first page that is there
/// soon.
const PAGE_ITEMS: i32 = 500;

/// A request whose answer comes in pages: [`Roster::all`] takes them one after another.
pub trait List: UnaryRequest {
    /// What is listed.
    type Item: Send;

    /// The size of a page, and where it begins.
    fn page(&mut self) -> (&mut i32, &mut String);

    /// What a page holds, and where the next one begins; empty: nowhere.
    fn split(answer: Self::Answer) -> (Vec<Self::Item>, String);
}

/// The request of the next page, if there is one, and what is left of this one.
struct Place<L: List> {
    next: Option<L>,
    items: VecDeque<L::Item>,
}

impl Roster {
    /// All items of a list, page by page as they are taken. After an error the stream ends.
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
                    // A page may be empty and still not be the last.
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

/// Which field of which answer holds the items.
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
}
