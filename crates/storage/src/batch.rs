//! Load, decide, write: the waiting commands of one organization as one transaction.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use roster_core::change::Change;
use roster_core::command::{Circumstances, NEEDS_ROUNDS};
use roster_core::draft::Draft;
use roster_core::fact::Needs;
use roster_core::id::{Revision, Time};
use roster_core::record::{Settings, Stored};
use roster_core::refusal::{Refusal, Refused};

use crate::connection::{ChangeSetHead, Connection, KeptAnswer, Organization, Result};
use crate::error::StorageError;
use crate::imports::{ImportGiven, ImportWrite};
use crate::loaded::Loaded;
use crate::log;
use crate::net::Net;
use crate::organization::{At, OrganizationName};

/// How long the first answer to a request_id is kept: a day and an hour, since the promise is a
/// day and clocks differ.
const ANSWER_KEPT_MICROS: i64 = 25 * 3_600 * 1_000_000;

/// By what a repeated request is known.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// Who asks.
    pub caller: String,
    /// Which RPC.
    pub rpc: &'static str,
    /// The caller's id of the request.
    pub request_id: String,
    /// Of all fields of the request but its id.
    pub hash: [u8; 32],
}

/// Who wants a command and how it came.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who.
    pub actor: String,
    /// By what way: `rpc` or `import`.
    pub source: &'static str,
    /// The job that it belongs to.
    pub job: Option<i64>,
    /// Set where the caller gave a request_id.
    pub request: Option<RequestKey>,
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
    fn needs_behind(&self, facts: &Loaded<'_>, needs: &mut Needs) -> Result<()>;
    /// Decides and keeps the answer; may be called again for the same facts.
    fn decide(
        &mut self,
        facts: &Draft<'_, Loaded<'_>>,
        given: &mut Circumstances,
    ) -> Result<Vec<Change>, Refused>;
    /// What it writes of an import, in the very transaction of its changes; asked once it is
    /// decided.
    fn import_write(&mut self, _: &ImportGiven) -> Option<ImportWrite> {
        None
    }
    /// The kept answer as the caller gets it.
    fn encode(&self, at: At) -> Vec<u8>;
    fn finish(self: Box<Self>, outcome: Outcome);
}

/// What a batch comes to before it is committed.
struct Worked {
    organization: Organization,
    outcomes: Vec<Outcome>,
    changed: bool,
}

/// Carries out the commands of one organization and answers each.
///
/// `reconnect` is asked for a second connection when the answer to a COMMIT is lost.
pub(crate) fn run(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    mut jobs: Vec<Box<dyn Job>>,
    reconnect: &dyn Fn() -> Result<Box<dyn Connection>>,
) {
    jobs.retain(|job| !job.is_abandoned());
    if jobs.is_empty() {
        return;
    }
    match work_and_commit(connection, name, &mut jobs, reconnect) {
        Ok(outcomes) => {
            for (job, outcome) in jobs.into_iter().zip(outcomes) {
                job.finish(outcome);
            }
        }
        Err(StorageError::Defect(cause)) if jobs.len() > 1 => {
            tracing::error!(%cause, "a batch was refused by the database: running its commands one by one");
            for job in jobs {
                run(connection, name, vec![job], reconnect);
            }
        }
        // Whoever steps an import knows how to find out what became of it.
        Err(StorageError::ImportMoved) => {
            for job in jobs {
                job.finish(Outcome::Failed(StorageError::ImportMoved));
            }
        }
        Err(error) => {
            tracing::error!(%error, cause = ?std::error::Error::source(&error), "a batch failed");
            let unreachable = matches!(error, StorageError::Unreachable(_));
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

fn work_and_commit(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    jobs: &mut [Box<dyn Job>],
    reconnect: &dyn Fn() -> Result<Box<dyn Connection>>,
) -> Result<Vec<Outcome>> {
    connection.begin_write()?;
    let nonce = nonce()?;
    let worked = match work(connection, name, jobs, nonce) {
        Ok(worked) => worked,
        Err(error) => {
            // The error that counts is the first one.
            let _ = connection.rollback();
            return Err(error);
        }
    };
    if !worked.changed {
        // So a refused first write does not make an organization.
        connection.rollback()?;
        return Ok(worked.outcomes);
    }
    let Err(lost) = connection.commit() else {
        return Ok(worked.outcomes);
    };
    let _ = connection.rollback();
    let revision = worked.organization.revision;
    let stands = worked.organization.nonce == nonce
        && reconnect()?.nonce_of(worked.organization.org, revision)? == Some(nonce);
    if stands {
        Ok(worked.outcomes)
    } else {
        Err(lost)
    }
}

fn work(
    connection: &mut dyn Connection,
    name: &OrganizationName,
    jobs: &mut [Box<dyn Job>],
    nonce: i64,
) -> Result<Worked> {
    let mut organization = connection.lock_organization(name.as_str())?;
    let org = organization.org;
    let mut kept = Kept::load(connection, &organization, jobs)?;
    let loaded = Loaded::new(connection, org, settings_of(&organization)?);
    loaded.prefetch(&needs_of(jobs))?;
    for _ in 0..NEEDS_ROUNDS {
        let mut behind = Needs::default();
        for job in jobs.iter() {
            job.needs_behind(&loaded, &mut behind)?;
        }
        loaded.prefetch(&behind)?;
    }

    let mut draft = Draft::over(&loaded);
    let mut given = Circumstances {
        now: now(),
        revision: organization.revision.next(),
        next_account: organization.next_account,
        next_contact: organization.next_contact,
        next_ticket: organization.next_ticket,
    };
    let mut net = Net::default();
    let mut sets = Vec::new();
    let mut imports = Vec::new();
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        if let Some(outcome) = kept.first_answer(job.origin()) {
            outcomes.push(outcome);
            continue;
        }
        let before = given.clone();
        let changes = match job.decide(&draft, &mut given) {
            Ok(changes) => changes,
            Err(Refused::Facts(cause)) => return Err(cause.into()),
            Err(Refused::Rule(refusal)) => {
                given = before;
                outcomes.push(Outcome::Refused(refusal));
                continue;
            }
        };
        if changes.is_empty() {
            given = before;
        } else {
            let revision = given.revision;
            debug_assert_eq!(revision, organization.revision.next());
            draft.apply(&changes, revision)?;
            net.add(&changes, revision);
            sets.push((
                head(job.as_ref(), revision, given.now, nonce),
                log::encode(&changes)?,
            ));
            organization.revision = revision;
            organization.nonce = nonce;
            given.revision = revision.next();
        }
        let at = At {
            revision: organization.revision,
            nonce: organization.nonce,
        };
        let of_imports = ImportGiven {
            next: organization.next_import,
            now: given.now,
            at,
        };
        if let Some(write) = job.import_write(&of_imports) {
            organization.next_import += u64::from(matches!(write, ImportWrite::Begin(..)));
            imports.push(write);
        }
        if job.origin().request.is_some() {
            kept.keep(job.as_ref(), at, given.now);
        }
        outcomes.push(Outcome::Done(at));
    }
    drop(draft);
    drop(loaded);

    let changed = !sets.is_empty() || !kept.new.is_empty() || !imports.is_empty();
    if !sets.is_empty() {
        organization.next_account = given.next_account;
        organization.next_contact = given.next_contact;
        organization.next_ticket = given.next_ticket;
        if let Some(settings) = net.settings() {
            organization.settings = Some(log::encode_settings(&settings.record));
            organization.settings_revision = settings.revision;
        }
        net.write(connection, org)?;
        connection.append_log(org, &sets)?;
    }
    if !sets.is_empty() || !imports.is_empty() {
        connection.write_organization(&organization)?;
    }
    for write in &imports {
        write.write(connection, org)?;
    }
    if !kept.new.is_empty() {
        connection.keep_answers(org, &kept.new)?;
    }
    Ok(Worked {
        organization,
        outcomes,
        changed,
    })
}

fn needs_of(jobs: &[Box<dyn Job>]) -> Needs {
    let mut needs = Needs::default();
    for job in jobs {
        job.needs(&mut needs);
    }
    needs
}

fn head(job: &dyn Job, revision: Revision, now: Time, nonce: i64) -> ChangeSetHead {
    let origin = job.origin();
    ChangeSetHead {
        revision,
        create_time: now,
        actor: origin.actor.clone(),
        command: job.name().to_owned(),
        source: origin.source.to_owned(),
        job: origin.job,
        request_id: origin
            .request
            .as_ref()
            .map(|request| request.request_id.clone()),
        nonce,
        format: log::FORMAT,
    }
}

/// Caller, RPC and request id.
type Asked = (String, String, String);

/// The first answer and what was asked.
struct First {
    hash: Vec<u8>,
    answer: Vec<u8>,
}

/// First answers: those in the table, and those of this batch.
struct Kept {
    known: HashMap<Asked, First>,
    new: Vec<KeptAnswer>,
}

impl Kept {
    fn load(
        connection: &mut dyn Connection,
        organization: &Organization,
        jobs: &[Box<dyn Job>],
    ) -> Result<Self> {
        let ids: Vec<&str> = jobs
            .iter()
            .filter_map(|job| job.origin().request.as_ref())
            .map(|request| request.request_id.as_str())
            .collect();
        let mut known = HashMap::new();
        if !ids.is_empty() {
            for kept in connection.kept_answers(organization.org, &ids)? {
                let first = First {
                    hash: kept.hash,
                    answer: kept.answer,
                };
                known.insert((kept.caller, kept.rpc, kept.request_id), first);
            }
        }
        Ok(Self {
            known,
            new: Vec::new(),
        })
    }

    fn first_answer(&self, origin: &Origin) -> Option<Outcome> {
        let request = origin.request.as_ref()?;
        let first = self.known.get(&key_of(request))?;
        Some(if first.hash == request.hash {
            Outcome::Repeated(first.answer.clone())
        } else {
            Outcome::Failed(StorageError::RequestIdReused)
        })
    }

    fn keep(&mut self, job: &dyn Job, at: At, now: Time) {
        let Some(request) = job.origin().request.as_ref() else {
            return;
        };
        let answer = job.encode(at);
        let first = First {
            hash: request.hash.to_vec(),
            answer: answer.clone(),
        };
        self.known.insert(key_of(request), first);
        self.new.push(KeptAnswer {
            caller: request.caller.clone(),
            rpc: request.rpc.to_owned(),
            request_id: request.request_id.clone(),
            hash: request.hash.to_vec(),
            answer,
            expire_time: Time::from_micros(now.micros().saturating_add(ANSWER_KEPT_MICROS)),
        });
    }
}

fn key_of(request: &RequestKey) -> Asked {
    (
        request.caller.clone(),
        request.rpc.to_owned(),
        request.request_id.clone(),
    )
}

pub(crate) fn settings_of(organization: &Organization) -> Result<Stored<Settings>> {
    let record = match &organization.settings {
        None => Settings::default(),
        Some(stored) => log::decode_settings(stored)?,
    };
    Ok(Stored {
        record,
        revision: organization.settings_revision,
    })
}

pub(crate) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn nonce() -> Result<i64> {
    let drawn = getrandom::u64().map_err(|error| StorageError::Defect(Box::new(error)))?;
    // 0 is the nonce of revision 0.
    Ok(drawn.cast_signed() | 1)
}
