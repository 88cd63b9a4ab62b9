//! Logs failed calls. The code decides the level; a flood of refusals is one line a second.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tonic::{Code, Status};

use crate::caller::Caller;
use crate::metrics::code_name;

/// Minimum time between log lines about refusals for the same reason. At twice the load that a
/// server accepts, a line for each call was megabytes a second and slowed the calls.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// A call that ended with an error.
pub(super) struct Ended<'c> {
    pub(super) method: &'static str,
    pub(super) caller: Option<&'c Caller>,
    pub(super) status: &'c Status,
    /// The reason in its details.
    pub(super) reason: &'c str,
    pub(super) duration_ms: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    /// By reason, of which the API has a fixed number.
    refused: Mutex<HashMap<String, Refused>>,
}

/// Calls that were refused for one reason.
#[derive(Debug)]
struct Refused {
    last_line: Instant,
    /// Refusals without a line since then.
    suppressed: u64,
}

impl CallLog {
    /// Logs a failed call. Omits the message, which may contain personal data. Logs the cause,
    /// which callers do not see: text of Roster or of the database.
    pub(super) fn refused(&self, ended: &Ended<'_>) {
        let status = ended.status;
        let reason = ended.reason;
        let suppressed = match status.code() {
            Code::Unavailable | Code::ResourceExhausted | Code::Unknown => {
                match self.suppressed(reason, Instant::now()) {
                    Some(suppressed) => suppressed,
                    None => return,
                }
            }
            _ => 0,
        };
        let (method, duration_ms) = (ended.method, ended.duration_ms);
        let organization = ended.caller.map_or("", |c| c.organization().as_str());
        let actor = ended.caller.map_or("", |caller| caller.actor.as_str());
        let call_id = ended
            .caller
            .map(|caller| tracing::field::display(caller.call_id));
        let error = status.source().map(tracing::field::display);
        let code = code_name(status.code());
        macro_rules! line {
            ($level:ident, $text:literal $(, $more:ident)*) => {
                tracing::$level!(
                    method, code, reason, organization, actor, call_id, duration_ms, error,
                    $($more,)* $text
                )
            };
        }
        match status.code() {
            Code::Internal | Code::DataLoss => line!(error, "call failed"),
            Code::Unavailable | Code::ResourceExhausted | Code::Unknown => {
                line!(warn, "call refused", suppressed);
            }
            _ => line!(debug, "call refused"),
        }
    }

    /// How many refusals for this reason had no line since the last line; `None` if this refusal
    /// gets no line either.
    fn suppressed(&self, reason: &str, now: Instant) -> Option<u64> {
        let mut refused = self.refused.lock();
        let Some(of_reason) = refused.get_mut(reason) else {
            let first = Refused {
                last_line: now,
                suppressed: 0,
            };
            refused.insert(reason.to_owned(), first);
            return Some(0);
        };
        if now.duration_since(of_reason.last_line) < LINE_EVERY {
            of_reason.suppressed += 1;
            return None;
        }
        of_reason.last_line = now;
        Some(std::mem::take(&mut of_reason.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_line_a_second_and_reason_with_the_number_of_those_without_one() {
        let (log, begun) = (CallLog::default(), Instant::now());
        let after = |millis| begun + Duration::from_millis(millis);
        assert_eq!(log.suppressed("QUEUE_FULL", begun), Some(0));
        for millis in 1..1_000 {
            assert_eq!(log.suppressed("QUEUE_FULL", after(millis)), None);
        }
        assert_eq!(log.suppressed("UNAVAILABLE", after(500)), Some(0));
        assert_eq!(log.suppressed("QUEUE_FULL", after(1_000)), Some(999));
        assert_eq!(log.suppressed("QUEUE_FULL", after(1_999)), None);
        assert_eq!(log.suppressed("QUEUE_FULL", after(2_000)), Some(1));
    }
}
