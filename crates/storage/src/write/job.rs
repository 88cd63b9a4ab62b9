//! A queued command: its origin, its writes, and how its caller receives the outcome.

use roster_core::change::Change;
use roster_core::command::{Circumstances, Command};
use roster_core::draft::Draft;
use roster_core::fact::Needs;
use roster_core::organization::{OrganizationName, RevisionId};
use roster_core::refusal::{Refusal, Refused};
use tokio::sync::oneshot;

use crate::error::{NotDone, Result, StorageError};
use crate::log::CommittedSet;
use crate::tables::origin::ChangeOrigin;
use crate::tables::request_answer::RequestKey;
use crate::write::import_write::ImportWrite;
use crate::write::working_set::WorkingSet;

/// The caller of a command, and how the command arrived.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The credential that identified the caller.
    pub credential: String,
    /// The person behind the caller, as stated by the caller; empty if not stated.
    pub actor: String,
    /// The kind of call or job that it came from.
    pub from: ChangeOrigin,
    /// Set if the caller sent a request_id.
    pub request: Option<RequestKey>,
    /// Whether the command creates its organization if it does not exist. A caller with a credential
    /// never does: its organization was created before.
    pub may_create_organization: bool,
}

/// Receives committed change sets, on the committing thread and before the caller gets the answer:
/// so a listener already has every change that was reported to a caller.
pub trait Committed: Send + Sync {
    /// Receives the change sets of one transaction, in the order of their consecutive revisions.
    /// Another server may have written the revisions before the first of them.
    fn committed(&self, organization: &OrganizationName, sets: &[CommittedSet]);
}

/// The result of a successful command.
#[derive(Debug)]
pub enum Done<A> {
    /// It was carried out now.
    Fresh(A, RevisionId),
    /// It was carried out before under the same request id: the first answer, as it was encoded.
    Repeated(Vec<u8>),
}

/// How a command ended.
pub(crate) enum Outcome {
    /// Carried out, or there was nothing to do.
    Done(RevisionId),
    /// The first answer to the same request.
    Repeated(Vec<u8>),
    Refused(Refusal),
    Failed(StorageError),
}

/// A queued command of any type.
pub(crate) trait Job: Send {
    fn origin(&self) -> &Origin;
    fn name(&self) -> &'static str;
    /// Whether the caller no longer waits for the answer.
    fn is_abandoned(&self) -> bool;
    fn needs(&self, needs: &mut Needs);
    fn needs_behind(&self, facts: &WorkingSet<'_>, needs: &mut Needs) -> Result<()>;
    /// Decides and stores the answer; may be called again with the same facts.
    fn decide(
        &mut self,
        facts: &Draft<'_, WorkingSet<'_>>,
        given: &mut Circumstances,
    ) -> Result<Vec<Change>, Refused>;
    /// The write to its import, in the transaction of its changes. Called after `decide`.
    fn import_write(&self, at: RevisionId) -> Option<ImportWrite>;
    /// Encodes the answer to store for a repeat of the same request.
    fn encode(&self, at: RevisionId) -> Vec<u8>;
    fn finish(self: Box<Self>, outcome: Outcome);
}

/// Makes a command's write to its import from its answer and the revision after it.
pub(crate) type WritesImport<A> = Box<dyn Fn(&A, RevisionId) -> ImportWrite + Send>;

/// Encodes the answer to store for a repeat of the same request.
type Encode<A> = Box<dyn Fn(&A, RevisionId) -> Vec<u8> + Send>;

/// Where the caller of a command waits.
pub(crate) type Answered<A> = oneshot::Receiver<Result<Done<A>, NotDone>>;

/// A command in a queue.
pub(crate) struct Queued<C: Command> {
    command: C,
    origin: Origin,
    encode: Encode<C::Answer>,
    /// Set if the command belongs to an import.
    writes_import: Option<WritesImport<C::Answer>>,
    answer: Option<C::Answer>,
    reply: oneshot::Sender<Result<Done<C::Answer>, NotDone>>,
}

impl<C: Command> Queued<C> {
    /// Creates a queued command, and the receiver of its answer.
    pub(crate) fn new(
        command: C,
        origin: Origin,
        encode: impl Fn(&C::Answer, RevisionId) -> Vec<u8> + Send + 'static,
    ) -> (Self, Answered<C::Answer>) {
        let (reply, answered) = oneshot::channel();
        let queued = Self {
            command,
            origin,
            encode: Box::new(encode),
            writes_import: None,
            answer: None,
            reply,
        };
        (queued, answered)
    }

    /// Adds a write to an import, in the transaction of the command's changes.
    pub(crate) fn writing_import(mut self, writes: WritesImport<C::Answer>) -> Self {
        self.writes_import = Some(writes);
        self
    }
}

impl<C: Command> Job for Queued<C> {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn name(&self) -> &'static str {
        C::NAME
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn needs(&self, needs: &mut Needs) {
        self.command.needs(needs);
    }

    fn needs_behind(&self, facts: &WorkingSet<'_>, needs: &mut Needs) -> Result<()> {
        Ok(self.command.needs_behind(facts, needs)?)
    }

    fn decide(
        &mut self,
        facts: &Draft<'_, WorkingSet<'_>>,
        given: &mut Circumstances,
    ) -> Result<Vec<Change>, Refused> {
        let decision = self.command.decide(facts, given)?;
        self.answer = Some(decision.answer);
        Ok(decision.changes)
    }

    fn import_write(&self, at: RevisionId) -> Option<ImportWrite> {
        let (writes, answer) = (self.writes_import.as_ref()?, self.answer.as_ref()?);
        Some(writes(answer, at))
    }

    fn encode(&self, at: RevisionId) -> Vec<u8> {
        let answer = self.answer.as_ref();
        answer.map_or_else(Vec::new, |answer| (self.encode)(answer, at))
    }

    fn finish(self: Box<Self>, outcome: Outcome) {
        let Self { answer, reply, .. } = *self;
        let told = match (outcome, answer) {
            (Outcome::Done(at), Some(answer)) => Ok(Done::Fresh(answer, at)),
            (Outcome::Done(_), None) => {
                Err(StorageError::Defect("a command ended without an answer".into()).into())
            }
            (Outcome::Repeated(bytes), _) => Ok(Done::Repeated(bytes)),
            (Outcome::Refused(refusal), _) => Err(refusal.into()),
            (Outcome::Failed(error), _) => Err(error.into()),
        };
        // The caller may have gone.
        let _ = reply.send(told);
    }
}
