//! A write: parses, executes once for each request id, renders.

use std::sync::Arc;

use prost::Message;
use roster_api::WriteRequest;
use roster_core::command::Command;
use roster_core::text::RequestId;
use roster_storage::{ChangeOrigin, Done, Origin, RequestKey, RevisionId, StorageError};
use tonic::{Request, Response, Status};

use super::{Handler, caller};
use crate::fault::{Fault, of_text};

impl Handler {
    /// Parses a write, executes it or finds the earlier answer, and renders.
    pub(crate) async fn write<Q, C, R>(
        &self,
        request: Request<Q>,
        parse: impl FnOnce(Q) -> Result<C, Fault>,
        render: impl Fn(&C::Answer, String) -> R + Send + Sync + 'static,
    ) -> Result<Response<R>, Status>
    where
        Q: WriteRequest,
        C: Command,
        R: Message + Default + 'static,
    {
        let caller = Arc::clone(caller(&request)?);
        let mut message = request.into_inner();
        let request_id = message.take_request_id();
        let request = if request_id.is_empty() {
            None
        } else {
            let id =
                RequestId::parse(&request_id).map_err(|fault| of_text("request_id", &fault))?;
            Some(RequestKey {
                caller: caller.credential().to_owned(),
                rpc: Q::INFO.name,
                request_id: id.to_string(),
                hash: *blake3::hash(&message.encode_to_vec()).as_bytes(),
            })
        };
        let origin = Origin {
            credential: caller.credential().to_owned(),
            actor: caller.actor.to_string(),
            from: ChangeOrigin::CALL,
            request,
            may_create_organization: caller.grant().is_none(),
        };
        let command = parse(message)?;
        let tokens = Arc::clone(&self.tokens);
        let named = caller.organization().clone();
        let render = Arc::new(move |answer: &C::Answer, at: RevisionId| -> R {
            render(answer, tokens.of(named.as_str(), at))
        });
        let encode = {
            let render = Arc::clone(&render);
            move |answer: &C::Answer, at: RevisionId| render(answer, at).encode_to_vec()
        };
        let done = self
            .store
            .execute(caller.organization(), command, origin, encode)
            .await
            .map_err(Fault::from)?;
        let answer = match done {
            Done::Fresh(answer, at) => render(&answer, at),
            Done::Repeated(bytes) => R::decode(bytes.as_slice())
                .map_err(|error| Fault::from(StorageError::Defect(error.into())))?,
        };
        Ok(Response::new(answer))
    }
}
