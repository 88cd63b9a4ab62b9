//! A page of a list: what is asked for, and where it ends.

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
    /// What a request for a page asks for.
    pub(crate) fn page<Q: PageRequest>(&self, request: &Request<Q>) -> Result<Page, Fault> {
        let organization = caller(request)?.organization();
        let mut filter = request.get_ref().clone();
        let (size, token) = filter.take_page();
        filter.take_consistency();
        let size = match usize::try_from(size) {
            Err(_) => {
                return Err(Fault::field(
                    "page_size",
                    ErrorReason::PageSizeInvalid,
                    "is negative: 0 is the default of 50, at most 1,000 are answered",
                )
                .with("found", size));
            }
            Ok(0) => PAGE_ITEMS_DEFAULT,
            Ok(size) => size.min(PAGE_ITEMS_MAX),
        };
        let binding = Binding::new(organization, Q::INFO.name, &filter.encode_to_vec());
        let after = self.tokens.place(&binding, &token)?;
        Ok(Page {
            size,
            after,
            binding,
            tokens: Arc::clone(&self.tokens),
        })
    }
}

/// A page that is asked for.
pub(crate) struct Page {
    pub(crate) size: usize,
    pub(crate) after: Option<Place>,
    binding: Binding,
    tokens: Arc<Tokens>,
}

impl Page {
    /// How many rows to read to know whether there are more.
    pub(crate) fn rows(&self) -> usize {
        self.size + 1
    }

    /// Ends the page before it is too large, and names where the next begins.
    ///
    /// `rows` are up to [`rows`](Self::rows) of them, each with its place.
    pub(crate) fn fit<T: Message>(&self, rows: Vec<(Place, T)>) -> Result<(Vec<T>, String), Fault> {
        let more = rows.len() > self.size;
        self.fit_until(rows.into_iter().take(self.size).collect(), None, more)
    }

    /// As [`fit`](Self::fit) for a list that may end early: `examined` is the last place looked at,
    /// if there may be more behind it.
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

    /// As [`fit`](Self::fit) for a list that a rule filters: `examined` is the last row looked at.
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
            // Of each item, its own bytes and those of its tag and length.
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
