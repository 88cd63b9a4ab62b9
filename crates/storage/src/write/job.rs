//! A queued command: who wants it, what it writes, and how its caller hears the outcome.

use roster_core::change::Change;
use roster_core::command::{Circumstances, Command};
use roster_core::draft::Draft;
use roster_core::fact::Needs;
use roster_core::organization::{At, OrganizationName};
use roster_core::refusal::{Refusal, Refused};
use tokio::sync::oneshot;

use crate::error::{NotDone, Result, StorageError};
use crate::log::CommittedSet;
use crate::tables::origin::ChangeOrigin;
use crate::tables::request_answer::RequestKey;
use crate::write::import_write::ImportWrite;
use crate::write::working_set::WorkingSet;

/// Who wants a command and how it came.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The credential by which the caller is known.
    pub credential: String,
    /// The person behind the caller, as the caller says; empty where it says nobody.
    pub actor: String,
    /// By what way it came.
    pub from: ChangeOrigin,
    /// Set where the caller gave a request_id.
    pub request: Option<RequestKey>,
}

/// Hears what was committed, by the thread that committed it and before whoever asked for it does:
/// so what a caller was told is true wherever this took it.
pub trait Committed: Send + Sync {
    /// The change sets of one transaction, in the order of their revisions, which follow one
    /// another. What came before the first of them may have been written elsewhere.
    fn committed(&self, organization: &OrganizationName, sets: &[CommittedSet]);
}

/// How a command ended well.
#[derive(Debug)]
pub enum Done<A> {
    /// It was carried out now.
    Fresh(A, At),
    /// It was carried out before under the same request id: the first answer, as it was encoded.
    Repeated(Vec<u8>),
}

/// How a command ended.
pub(crate) enum Outcome {
    /// Carried out, or nothing was to be done.
    Done(At),
    /// The first answer to the same request.
    Repeated(Vec<u8>),
    Refused(Refusal),
    Failed(StorageError),
}

/// A queued command, whatever its type.
pub(crate) trait Job: Send {
    fn origin(&self) -> &Origin;
    fn name(&self) -> &'static str;
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    fn needs(&self, needs: &mut Needs);
    fn needs_behind(&self, facts: &WorkingSet<'_>, needs: &mut Needs) -> Result<()>;
    /// Decides and keeps the answer; may be called again for the same facts.
    fn decide(
        &mut self,
        facts: &Draft<'_, WorkingSet<'_>>,
        given: &mut Circumstances,
    ) -> Result<Vec<Change>, Refused>;
    /// What it writes of an import, in the transaction of its changes; asked once it is decided.
    fn import_write(&self, at: At) -> Option<ImportWrite>;
    /// The kept answer as the caller gets it.
    fn encode(&self, at: At) -> Vec<u8>;
    fn finish(self: Box<Self>, outcome: Outcome);
}

/// What a command writes of an import, given its answer and the revision after it.
pub(crate) type WritesImport<A> = Box<dyn Fn(&A, At) -> ImportWrite + Send>;

/// Makes the answer that is kept for a repeat of the same request.
type Encode<A> = Box<dyn Fn(&A, At) -> Vec<u8> + Send>;

/// Where the caller of a command waits.
pub(crate) type Answered<A> = oneshot::Receiver<Result<Done<A>, NotDone>>;

/// A command in a queue.
pub(crate) struct Queued<C: Command> {
    command: C,
    origin: Origin,
    encode: Encode<C::Answer>,
    /// Set where the command belongs to an import.
    writes_import: Option<WritesImport<C::Answer>>,
    answer: Option<C::Answer>,
    reply: oneshot::Sender<Result<Done<C::Answer>, NotDone>>,
}

impl<C: Command> Queued<C> {
    /// A command, and where its caller waits.
    pub(crate) fn new(
        command: C,
        origin: Origin,
        encode: impl Fn(&C::Answer, At) -> Vec<u8> + Send + 'static,
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

    /// Has it write of an import, in the transaction of its changes.
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

    fn import_write(&self, at: At) -> Option<ImportWrite> {
        let (writes, answer) = (self.writes_import.as_ref()?, self.answer.as_ref()?);
        Some(writes(answer, at))
    }

    fn encode(&self, at: At) -> Vec<u8> {
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
