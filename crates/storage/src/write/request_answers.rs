//! First answers to requests with a request id.

use std::collections::HashMap;

use roster_core::id::Time;
use roster_core::organization::RevisionId;

use crate::engine::interface::Connection;
use crate::error::{Result, StorageError};
use crate::tables::organization::Organization;
use crate::tables::request_answer::{KeptAnswer, RequestKey};
use crate::write::job::{Job, Origin, Outcome};

/// How long the first answer to a request_id is kept: the promise is a day; the extra hour allows
/// for differing clocks.
const ANSWER_KEPT_MICROS: i64 = 25 * 3_600 * 1_000_000;

/// Caller, RPC and request id.
type Asked = (String, String, String);

/// The first answer, and the hash of its request.
struct First {
    hash: Vec<u8>,
    answer: Vec<u8>,
}

/// First answers: from the table, and from this batch.
pub(crate) struct RequestAnswers {
    known: HashMap<Asked, First>,
    /// The answers of this batch, to be written with it.
    pub(crate) new: Vec<KeptAnswer>,
}

impl RequestAnswers {
    pub(crate) fn load(
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

    pub(crate) fn first_answer(&self, origin: &Origin) -> Option<Outcome> {
        let request = origin.request.as_ref()?;
        let first = self.known.get(&key_of(request))?;
        Some(if first.hash == request.hash {
            Outcome::Repeated(first.answer.clone())
        } else {
            Outcome::Failed(StorageError::RequestIdReused)
        })
    }

    /// Stores the answer of a job that has a request id.
    pub(crate) fn keep(&mut self, job: &dyn Job, at: RevisionId, now: Time) {
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
