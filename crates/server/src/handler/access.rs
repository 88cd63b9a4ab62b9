//! The record of a read of personal data.

use roster_api::{METHODS, Method};
use roster_core::id::ContactId;
use roster_storage::{AccessRecord, NewAccess};
use tonic::Request;

use super::{Handler, caller};
use crate::authentication::now;
use crate::fault::Fault;

/// What a read was about.
pub(crate) struct Access {
    rpc: &'static str,
    contact: Option<ContactId>,
    target: String,
    actor: Option<String>,
}

impl Access {
    /// A read by the method of a request.
    pub(crate) fn of<Q: Method>(contact: Option<ContactId>, target: &str) -> Self {
        Self {
            rpc: METHODS[Q::INDEX].name,
            contact,
            target: target.to_owned(),
            actor: None,
        }
    }

    /// The person who reads, if it is not the actor of the call.
    pub(crate) fn by(mut self, actor: String) -> Self {
        self.actor = Some(actor);
        self
    }
}

impl Handler {
    /// Hands a read to the access log. A read is answered only after this.
    pub(crate) async fn record_access<Q>(
        &self,
        request: &Request<Q>,
        access: Access,
    ) -> Result<(), Fault> {
        let caller = caller(request)?;
        let actor = access.actor.unwrap_or_else(|| caller.actor.to_string());
        let record = AccessRecord {
            time: now(),
            credential: caller.credential().to_owned(),
            actor,
            rpc: access.rpc.to_owned(),
            contact: access.contact,
            target: access.target,
        };
        let organization = caller.organization().clone();
        let new = NewAccess {
            organization,
            record,
        };
        self.accesses.record(new).await
    }
}
