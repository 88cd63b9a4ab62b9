//! A read at one revision, from memory or a snapshot, as fresh as the caller requests.

use std::convert::Infallible;
use std::sync::Arc;

use roster_api::ReadRequest;
use roster_api::v1::ErrorReason;
use roster_api::v1::consistency::Requirement;
use roster_core::id::ContactId;
use roster_core::rules::visibility::{ContactFacts, VisibilityFacts};
use roster_core::text::TicketKey;
use roster_storage::{RevisionId, Snapshot, StorageError};
use tokio::time::Instant;
use tonic::Request;

use super::{Handler, caller};
use crate::caller::Caller;
use crate::fault::{self, Fault};
use crate::limits::READ_PATIENCE;
use crate::memory::Freshness;
use crate::token::lost;

/// The answer of a snapshot and its revision; a fault if the caller's token has a lost revision.
fn at_revision<T>(
    snapshot: &mut Snapshot<'_>,
    fresh: Freshness,
    ask: impl FnOnce(&mut Snapshot<'_>) -> Result<Result<T, Fault>, StorageError>,
) -> Result<Result<(T, RevisionId), Fault>, StorageError> {
    if let Freshness::AtLeast(revision) | Freshness::Reached(revision) = fresh
        && !snapshot.has_been(revision)?
    {
        return Ok(Err(lost()));
    }
    Ok(ask(snapshot)?.map(|answer| (answer, snapshot.at())))
}

/// A revision that this store lost: of the token that the caller sent, or of the visitor's token.
fn of_visitor(fault: Fault, fresh: Freshness) -> Fault {
    match fresh {
        Freshness::Reached(_) if fault.reason == ErrorReason::TokenLost => fault::visitor_gone(),
        _ => fault,
    }
}

/// The result of a read, if it completes shortly before the caller's deadline. Otherwise a fault
/// that says when to try again.
async fn in_time<T>(
    caller: &Caller,
    reading: impl Future<Output = Result<Result<T, Fault>, StorageError>>,
) -> Result<T, Fault> {
    let given = caller.deadline.map_or(READ_PATIENCE, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    });
    match tokio::time::timeout(given / 10 * 9, reading).await {
        Ok(answered) => answered?,
        Err(_) => Err(fault::slow()),
    }
}

impl Handler {
    /// Reads at one revision and returns the answer with the token of the revision.
    pub(crate) async fn read<Q, T>(
        &self,
        request: &Request<Q>,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<Result<T, Fault>, StorageError> + Send + 'static,
    ) -> Result<(T, String), Fault>
    where
        Q: ReadRequest,
        T: Send + 'static,
    {
        let caller = caller(request)?;
        let organization = caller.organization();
        let fresh = self.freshness(caller, request.get_ref())?;
        let (answer, at) = self.read_at(caller, fresh, ask).await?;
        Ok((answer, self.tokens.of(organization.as_str(), at)))
    }

    /// Like [`read`](Self::read), for a page in the order of an index. If memory has the snapshot's
    /// revision, it supplies the accounts of contacts.
    pub(crate) async fn read_page<Q, T>(
        &self,
        request: &Request<Q>,
        ask: impl Fn(
            &mut Snapshot<'_>,
            &dyn Fn(ContactId, RevisionId) -> Option<ContactFacts>,
        ) -> Result<Result<T, Fault>, StorageError>
        + Send
        + 'static,
    ) -> Result<(T, String), Fault>
    where
        Q: ReadRequest,
        T: Send + 'static,
    {
        let caller = caller(request)?;
        let organization = caller.organization();
        let fresh = self.freshness(caller, request.get_ref())?;
        let (memory, name) = (Arc::clone(&self.memory), organization.clone());
        let asked = move |snapshot: &mut Snapshot<'_>| {
            at_revision(snapshot, fresh, |snapshot| {
                let contact_facts = |contact, at| memory.contact_facts(name.as_str(), contact, at);
                let answer = ask(snapshot, &contact_facts)?;
                Ok(answer.map(|answer| (answer, snapshot.exists())))
            })
        };
        let reading = self.store.read_page(organization, asked);
        let read = in_time(caller, reading).await;
        let ((answer, exists), at) = read.map_err(|fault| of_visitor(fault, fresh))?;
        self.memory.want(organization, exists);
        Ok((answer, self.tokens.of(organization.as_str(), at)))
    }

    /// Decides visibility by the facts in memory, if they are there and fresh enough, else by a
    /// snapshot that contains only facts of this contact and these tickets.
    pub(crate) async fn ask_visibility<Q, K, T>(
        &self,
        request: &Request<Q>,
        contact: ContactId,
        keys: K,
        check: impl Fn(&dyn VisibilityFacts<Error = Infallible>, &[TicketKey]) -> T + Send + 'static,
    ) -> Result<(T, String), Fault>
    where
        Q: ReadRequest,
        K: AsRef<[TicketKey]> + Send + 'static,
        T: Send + 'static,
    {
        let caller = caller(request)?;
        let name = caller.organization().as_str();
        let fresh = self.freshness(caller, request.get_ref())?;
        let checked = |facts: &_| check(facts, keys.as_ref());
        let answered = self.memory.answer(name, fresh, |facts| checked(facts));
        if let Some((answer, at)) = answered.map_err(|fault| of_visitor(fault, fresh))? {
            return Ok((answer, self.tokens.of(name, at)));
        }
        let from_snapshot = move |snapshot: &mut Snapshot<'_>| {
            let facts = snapshot.visibility_facts(contact, keys.as_ref())?;
            Ok(Ok((check(&facts, keys.as_ref()), snapshot.exists())))
        };
        // Boxed, so that the future of an answer from memory stays small.
        let reading = Box::pin(self.read_at(caller, fresh, from_snapshot));
        let ((answer, exists), at) = reading.await?;
        self.memory.missed(caller.organization(), exists);
        Ok((answer, self.tokens.of(name, at)))
    }

    /// The answer of a snapshot and its revision.
    async fn read_at<T: Send + 'static>(
        &self,
        caller: &Caller,
        fresh: Freshness,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<Result<T, Fault>, StorageError> + Send + 'static,
    ) -> Result<(T, RevisionId), Fault> {
        let asked = move |snapshot: &mut Snapshot<'_>| at_revision(snapshot, fresh, ask);
        let read = in_time(caller, self.store.read(caller.organization(), asked)).await;
        read.map_err(|fault| of_visitor(fault, fresh))
    }

    /// How fresh a read must be. An answer from a snapshot is always fully consistent. A visitor is
    /// answered at the revision of its token or later, so that a server whose facts are older does
    /// not take its contact for deleted.
    fn freshness(&self, caller: &Caller, read: &impl ReadRequest) -> Result<Freshness, Fault> {
        let asked = self.freshness_asked(caller.organization().as_str(), read)?;
        let Some(token) = caller.visitor() else {
            return Ok(asked);
        };
        match asked {
            Freshness::Head => Err(fault::consistency_denied()),
            Freshness::AtLeast(asked_at) if token.at.revision <= asked_at.revision => Ok(asked),
            Freshness::AtLeast(_) | Freshness::Any | Freshness::Reached(_) => {
                Ok(Freshness::Reached(token.at))
            }
        }
    }

    fn freshness_asked(
        &self,
        organization: &str,
        read: &impl ReadRequest,
    ) -> Result<Freshness, Fault> {
        match read.consistency().and_then(|c| c.requirement.as_ref()) {
            None | Some(Requirement::FullyConsistent(false)) => Ok(Freshness::Any),
            Some(Requirement::FullyConsistent(true)) => Ok(Freshness::Head),
            Some(Requirement::AtLeastAsFresh(token)) => {
                let revision = self.tokens.revision_id(organization, token)?;
                Ok(Freshness::AtLeast(revision))
            }
        }
    }
}
