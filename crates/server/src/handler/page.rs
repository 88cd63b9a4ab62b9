//! A page of a list: the request, and where the page ends.

use std::sync::Arc;

use prost::Message;
use roster_api::PageRequest;
use roster_api::v1::ErrorReason;
use tonic::Request;

use super::{Handler, caller};
use crate::fault::Fault;
use crate::limits::{ANSWER_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::token::{Binding, Place, Tokens};

impl Handler {
    /// Parses a request for a page.
    pub(crate) fn page<Q: PageRequest>(&self, request: &Request<Q>) -> Result<Page, Fault> {
        let organization = caller(request)?.organization().as_str();
        let mut filter = request.get_ref().clone();
        let (size, token) = filter.take_page();
        filter.take_consistency();
        self.page_of(organization, Q::INFO.name, (size, &token), &filter)
    }

    /// Parses the size and the token of a page of a list with this filter.
    pub(crate) fn page_of(
        &self,
        organization: &str,
        rpc: &str,
        (size, token): (i32, &str),
        filter: &impl Message,
    ) -> Result<Page, Fault> {
        let size = match usize::try_from(size) {
            Err(_) => {
                return Err(Fault::field(
                    "page_size",
                    ErrorReason::PageSizeInvalid,
                    "is negative: 0 means the default of 50, and the maximum is 1,000",
                )
                .with("found", size));
            }
            Ok(0) => PAGE_ITEMS_DEFAULT,
            Ok(size) => size.min(PAGE_ITEMS_MAX),
        };
        let filter = filter.encode_to_vec();
        let binding = self.tokens.binding(organization, rpc, &filter);
        let after = self.tokens.place(&binding, token)?;
        Ok(Page {
            size,
            after,
            binding,
            tokens: Arc::clone(&self.tokens),
        })
    }
}

/// A requested page.
pub(crate) struct Page {
    pub(crate) size: usize,
    pub(crate) after: Option<Place>,
    binding: Binding,
    tokens: Arc<Tokens>,
}

impl Page {
    /// How many rows to read to detect a next page.
    pub(crate) fn rows(&self) -> usize {
        self.size + 1
    }

    /// Ends the page before it is too large, and returns where the next page begins.
    ///
    /// `rows` has up to [`rows`](Self::rows) rows, each with its place.
    pub(crate) fn fit<T: Message>(&self, rows: Vec<(Place, T)>) -> Result<(Vec<T>, String), Fault> {
        let more = rows.len() > self.size;
        self.fit_until(rows.into_iter().take(self.size).collect(), None, more)
    }

    /// Like [`fit`](Self::fit), for a list that may end early: `examined` is the last place that
    /// was read, if more rows may follow.
    pub(crate) fn fit_found<T: Message>(
        &self,
        rows: Vec<(Place, T)>,
        examined: Option<Place>,
    ) -> Result<(Vec<T>, String), Fault> {
        if rows.len() > self.size {
            return self.fit(rows);
        }
        let more = examined.is_some();
        self.fit_until(rows, examined, more)
    }

    /// Like [`fit`](Self::fit), for a list that a rule filters: `examined` is the last row that was
    /// read.
    pub(crate) fn fit_until<T: Message>(
        &self,
        rows: Vec<(Place, T)>,
        examined: Option<Place>,
        more: bool,
    ) -> Result<(Vec<T>, String), Fault> {
        let mut bytes = 0;
        let mut items = Vec::with_capacity(rows.len());
        let mut last = None;
        let mut cut = false;
        for (place, item) in rows {
            // The bytes of each item, its tag and its length.
            bytes += item.encoded_len() + 8;
            if bytes > ANSWER_BYTES_MAX && !items.is_empty() {
                cut = true;
                break;
            }
            items.push(item);
            last = Some(place);
        }
        let next = if cut {
            last
        } else if more {
            examined.or(last)
        } else {
            None
        };
        let token = next.map(|place| self.tokens.page(&self.binding, &place));
        Ok((items, token.transpose()?.unwrap_or_default()))
    }
}
