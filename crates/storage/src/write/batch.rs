//! Load, decide, write: the waiting commands of one organization as one transaction.

use std::collections::BTreeSet;

use roster_core::change::Change;
use roster_core::command::{Circumstances, NEEDS_ROUNDS};
use roster_core::draft::Draft;
use roster_core::fact::Needs;
use roster_core::guard::{Subject, touched};
use roster_core::id::Revision;
use roster_core::organization::{OrganizationName, OrganizationState, RevisionId};
use roster_core::refusal::Refused;

use crate::clock::now;
use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::log;
use crate::log::{CommittedSet, Subjects, encode_settings, settings_of};
use crate::tables::change_set::{ChangeSetHead, LogEntry};
use crate::tables::derivation;
use crate::tables::organization::Organization;
use crate::tables::origin::Stamp;
use crate::tables::rows::{CHANGE_SET_BITMAPS, CHANGE_SET_SUBJECTS};
use crate::write::import_write::ImportWrite;
use crate::write::invariants::{Guarding, guard};
use crate::write::job::{Committed, Job, Outcome};
use crate::write::request_answers::RequestAnswers;
use crate::write::row_changes::RowChanges;
use crate::write::working_set::WorkingSet;

/// The result of a batch before it is committed.
struct Worked {
    organization: Organization,
    outcomes: Vec<Outcome>,
    changed: bool,
    sets: Vec<CommittedSet>,
}

/// Carries out the commands of one organization.
pub(crate) struct Batch<'b> {
    pub(crate) connection: &'b mut dyn Connection,
    pub(crate) name: &'b OrganizationName,
    pub(crate) guarding: Guarding,
    pub(crate) listener: Option<&'b dyn Committed>,
    /// Opens a second connection, used when the response to a COMMIT is lost.
    pub(crate) reconnect: &'b dyn Fn() -> Result<Box<dyn Connection>>,
}

impl Batch<'_> {
    /// Carries out commands and answers each.
    pub(crate) fn run(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return;
        }
        match self.work_and_commit(&mut jobs) {
            Ok(outcomes) => {
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    job.finish(outcome);
                }
            }
            Err(StorageError::Defect(cause)) if jobs.len() > 1 => {
                tracing::error!(error = %cause, "a batch failed; running its commands one by one");
                for job in jobs {
                    self.run(vec![job]);
                }
            }
            // The import itself finds out where it is now.
            Err(StorageError::ImportMoved) => {
                for job in jobs {
                    job.finish(Outcome::Failed(StorageError::ImportMoved));
                }
            }
            Err(StorageError::NotServed(state)) => {
                for job in jobs {
                    job.finish(Outcome::Failed(StorageError::NotServed(state)));
                }
            }
            // The engine has reported it.
            Err(StorageError::Displaced) => {
                for job in jobs {
                    job.finish(Outcome::Failed(StorageError::Displaced));
                }
            }
            Err(error) => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "a batch failed");
                let unreachable = matches!(
                    error,
                    StorageError::Unreachable(_)
                        | StorageError::NewerDerivation { .. }
                        | StorageError::NewerSchema { .. }
                );
                for job in jobs {
                    let text = error.to_string();
                    job.finish(Outcome::Failed(if unreachable {
                        StorageError::Unreachable(text.into())
                    } else {
                        StorageError::Defect(text.into())
                    }));
                }
            }
        }
    }

    fn work_and_commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Vec<Outcome>> {
        self.connection.begin_write()?;
        let nonce = nonce()?;
        let worked = match self.work(jobs, nonce) {
            Ok(worked) => worked,
            Err(error) => {
                // The first error matters, not a failed rollback.
                let _ = self.connection.rollback();
                return Err(error);
            }
        };
        if !worked.changed {
            // So that a refused first write does not create an organization.
            self.connection.rollback()?;
            return Ok(worked.outcomes);
        }
        if let Err(lost) = self.connection.commit() {
            let _ = self.connection.rollback();
            let revision = worked.organization.revision;
            let is_committed = worked.organization.nonce == nonce
                && (self.reconnect)()?.nonce_of(worked.organization.org, revision)? == Some(nonce);
            if !is_committed {
                return Err(lost);
            }
        }
        let name = self.name.as_str();
        let acknowledged = self.connection.acknowledge(name, &worked.organization);
        // Memory follows the database also if the write must not be acknowledged.
        if let Some(listener) = self.listener.filter(|_| !worked.sets.is_empty()) {
            listener.committed(self.name, &worked.sets);
        }
        acknowledged.map(|()| worked.outcomes)
    }

    fn work(&mut self, jobs: &mut [Box<dyn Job>], nonce: i64) -> Result<Worked> {
        let connection = &mut *self.connection;
        let found = connection.lock_organization(self.name.as_str())?;
        let is_new = found.is_none();
        let organization = match found {
            Some(found) => found,
            None => connection.make_organization(self.name.as_str())?,
        };
        // Locked: no write follows a deletion, whatever a server knew when it took the call.
        if organization.state != OrganizationState::Active {
            return Err(StorageError::NotServed(organization.state));
        }
        // A newer server may have started while this one was running.
        derivation::check(organization.derivation)?;
        let kept = RequestAnswers::load(connection, &organization, jobs)?;
        let loaded = WorkingSet::new(connection, organization.org, settings_of(&organization)?);
        prefetch(&loaded, jobs)?;

        let mut working = Working::new(organization, kept, nonce, self.guarding);
        let mut draft = Draft::over(&loaded);
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            if is_new && !job.origin().may_create_organization {
                let gone = StorageError::NotServed(OrganizationState::Removing);
                outcomes.push(Outcome::Failed(gone));
                continue;
            }
            outcomes.push(working.decide(job.as_mut(), &mut draft)?);
        }
        drop(draft);
        drop(loaded);

        let changed = working.write(self.connection)?;
        Ok(Worked {
            organization: working.organization,
            outcomes,
            changed,
            sets: working.decided,
        })
    }
}

/// Loads the facts that jobs say they need, and the facts that depend on those.
fn prefetch(loaded: &WorkingSet<'_>, jobs: &[Box<dyn Job>]) -> Result<()> {
    let mut needs = Needs::default();
    for job in jobs {
        job.needs(&mut needs);
    }
    loaded.prefetch(&needs)?;
    for _ in 0..NEEDS_ROUNDS {
        let mut behind = Needs::default();
        for job in jobs {
            job.needs_behind(loaded, &mut behind)?;
        }
        loaded.prefetch(&behind)?;
    }
    Ok(())
}

/// A batch between its facts and its rows: the decisions so far.
struct Working {
    organization: Organization,
    given: Circumstances,
    kept: RequestAnswers,
    net: RowChanges,
    sets: Vec<LogEntry>,
    /// The same change sets, for the listener.
    decided: Vec<CommittedSet>,
    imports: Vec<ImportWrite>,
    /// The subjects for the guards to check; empty if the guards are off.
    subjects: BTreeSet<Subject>,
    guarding: Guarding,
    nonce: i64,
}

impl Working {
    fn new(
        organization: Organization,
        kept: RequestAnswers,
        nonce: i64,
        guarding: Guarding,
    ) -> Self {
        let given = Circumstances {
            // The clock may go back; the times of change sets do not.
            now: now().max(organization.change_time),
            revision: organization.revision.next(),
            next_account: organization.next_account,
            next_contact: organization.next_contact,
            next_ticket: organization.next_ticket,
            next_import: organization.next_import,
        };
        Self {
            organization,
            given,
            kept,
            net: RowChanges::default(),
            sets: Vec::new(),
            decided: Vec::new(),
            imports: Vec::new(),
            subjects: BTreeSet::new(),
            guarding,
            nonce,
        }
    }

    /// Decides one job after the jobs before it. A refused job leaves nothing behind.
    fn decide(
        &mut self,
        job: &mut dyn Job,
        draft: &mut Draft<'_, WorkingSet<'_>>,
    ) -> Result<Outcome> {
        if let Some(outcome) = self.kept.first_answer(job.origin()) {
            return Ok(outcome);
        }
        let before = self.given.clone();
        let changes = match job.decide(draft, &mut self.given) {
            Ok(changes) => changes,
            Err(Refused::Facts(cause)) => return Err(cause.into()),
            Err(Refused::Rule(refusal)) => {
                self.given = before;
                return Ok(Outcome::Refused(refusal));
            }
        };
        if changes.is_empty() {
            // Only an import receives a number without a change.
            let next_import = self.given.next_import;
            self.given = Circumstances {
                next_import,
                ..before
            };
        }
        if !changes.is_empty() {
            draft.apply(&changes, self.given.revision)?;
            self.take(job, changes)?;
        }
        let at = self.at();
        self.imports.extend(job.import_write(at));
        self.kept.keep(job, at, self.given.now);
        Ok(Outcome::Done(at))
    }

    /// The revision after the change sets so far.
    fn at(&self) -> RevisionId {
        self.organization.at()
    }

    /// Takes the changes of a job as the next change set.
    fn take(&mut self, job: &dyn Job, changes: Vec<Change>) -> Result<()> {
        let revision = self.given.revision;
        debug_assert_eq!(revision, self.organization.revision.next());
        let from = job.origin().from;
        self.net.add(
            &changes,
            Stamp {
                origin: from,
                revision,
            },
        );
        if self.guarding == Guarding::On {
            touched(&changes, &mut self.subjects);
        }
        let (mut subjects, mut bitmaps) = (CHANGE_SET_SUBJECTS.rows(), CHANGE_SET_BITMAPS.rows());
        Subjects::of(&changes).push(revision, &mut subjects, &mut bitmaps)?;
        self.sets.push(LogEntry {
            head: self.head(job, revision),
            parts: log::encode(&changes)?,
            subjects,
            bitmaps,
        });
        self.organization.revision = revision;
        self.organization.nonce = self.nonce;
        let at = self.at();
        self.decided.push(CommittedSet { at, changes });
        self.given.revision = revision.next();
        Ok(())
    }

    fn head(&self, job: &dyn Job, revision: Revision) -> ChangeSetHead {
        let origin = job.origin();
        ChangeSetHead {
            revision,
            create_time: self.given.now,
            credential: origin.credential.clone(),
            actor: origin.actor.clone(),
            command: job.name().to_owned(),
            origin: origin.from,
            request_id: origin
                .request
                .as_ref()
                .map(|request| request.request_id.clone()),
            nonce: self.nonce,
            format: log::FORMAT,
            epoch: self.organization.epoch,
        }
    }

    /// Writes everything. Returns whether there was anything to write.
    fn write(&mut self, connection: &mut dyn Connection) -> Result<bool> {
        let org = self.organization.org;
        if !self.sets.is_empty() {
            self.organization.change_time = self.given.now;
            self.organization.next_account = self.given.next_account;
            self.organization.next_contact = self.given.next_contact;
            self.organization.next_ticket = self.given.next_ticket;
            if let Some(settings) = self.net.settings() {
                self.organization.settings = Some(encode_settings(&settings.record));
                self.organization.settings_revision = settings.revision;
            }
            self.net.write(connection, org)?;
            connection.append_log(org, &self.sets)?;
        }
        if !self.sets.is_empty() || !self.imports.is_empty() {
            self.organization.next_import = self.given.next_import;
            connection.write_organization(&self.organization)?;
        }
        for write in &self.imports {
            write.write(connection, org, self.given.now)?;
        }
        if !self.kept.new.is_empty() {
            connection.keep_answers(org, &self.kept.new, self.given.now)?;
        }
        guard(
            connection,
            &self.organization,
            std::mem::take(&mut self.subjects),
        )?;
        Ok(!self.sets.is_empty() || !self.imports.is_empty() || !self.kept.new.is_empty())
    }
}

fn nonce() -> Result<i64> {
    let drawn = getrandom::u64().map_err(|error| StorageError::Defect(Box::new(error)))?;
    // Odd, because 0 is the nonce of revision 0.
    Ok(drawn.cast_signed() | 1)
}
