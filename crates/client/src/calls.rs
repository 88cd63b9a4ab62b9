//! Every unary call of the API, sent by its request.

use http::uri::PathAndQuery;
use roster_api::UnaryRequest;
use roster_api::v1::account_service_client::AccountServiceClient;
use roster_api::v1::admin_service_client::AdminServiceClient;
use roster_api::v1::association_service_client::AssociationServiceClient;
use roster_api::v1::contact_service_client::ContactServiceClient;
use roster_api::v1::import_service_client::ImportServiceClient;
use roster_api::v1::settings_service_client::SettingsServiceClient;
use roster_api::v1::ticket_service_client::TicketServiceClient;
use roster_api::v1::visibility_service_client::VisibilityServiceClient;
use tonic::client::Grpc;
use tonic::{GrpcMethod, Response, Status};
use tonic_prost::ProstCodec;

use crate::connect::{MESSAGE_BYTES_MAX, Roster};
use crate::error::Error;
use crate::transport::Transport;

impl Roster {
    /// Sends a request and waits for its answer. Retries if the server cannot be reached.
    ///
    /// Adds a `request_id` to a write without one, so that the server executes it once however
    /// often it arrives.
    ///
    /// ```no_run
    /// # async fn example(roster: roster_client::Roster) -> Result<(), roster_client::Error> {
    /// use roster_client::v1::{ErrorReason, SetPrimaryAccountRequest};
    ///
    /// let request = SetPrimaryAccountRequest {
    ///     contact_id: "c12".into(),
    ///     account_id: "a7".into(),
    ///     ..Default::default()
    /// };
    /// match roster.call(request).await {
    ///     Ok(answer) => println!("{:?}", answer.association),
    ///     Err(error) if error.reason() == Some(ErrorReason::AssociationNotFound) => {
    ///         println!("associate it first")
    ///     }
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<C: UnaryRequest>(&self, mut request: C) -> Result<C::Answer, Error> {
        if let Some(id) = request.request_id_mut()
            && id.is_empty()
        {
            *id = fresh_request_id();
        }
        let attempts = self.retrying(|| {
            let mut once = tonic::Request::new(request.clone());
            // The server need not work past the client's timeout.
            once.set_timeout(self.timeout);
            self.send(once)
        });
        self.in_time(attempts).await.map(Response::into_inner)
    }

    /// Sends a request once and waits for its answer: for calls without a `request_id` that are not
    /// to be repeated, such as those that create a key.
    pub async fn call_once<C: UnaryRequest>(&self, request: C) -> Result<C::Answer, Error> {
        let attempt = async {
            let mut once = tonic::Request::new(request);
            once.set_timeout(self.timeout);
            let answer = self.send(once).await;
            answer.map_err(|status| Error::of_status(&self.address, &status))
        };
        self.in_time(attempt).await.map(Response::into_inner)
    }

    /// Sends a request once, unchanged, like the generated clients.
    async fn send<C: UnaryRequest>(
        &self,
        mut request: tonic::Request<C>,
    ) -> Result<Response<C::Answer>, Status> {
        let mut client = Grpc::new(self.transport.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        client
            .ready()
            .await
            .map_err(|error| Status::unknown(format!("Service was not ready: {error}")))?;
        let method = C::INFO;
        request
            .extensions_mut()
            .insert(GrpcMethod::new(method.service, method.name));
        let path = PathAndQuery::from_static(method.path);
        client.unary(request, path, ProstCodec::default()).await
    }
}

/// 128 random bits; empty, as if unset, if the system has no randomness.
pub(crate) fn fresh_request_id() -> String {
    let mut bits = [0; 16];
    match getrandom::fill(&mut bits) {
        Ok(()) => format!("{:032x}", u128::from_be_bytes(bits)),
        Err(_) => String::new(),
    }
}

/// The generated clients.
macro_rules! services {
    ($($name:ident: $client:ident;)*) => {
/// The generated clients over this connection. They send the organization and do not retry.
        impl Roster {$(
            #[doc = concat!("The generated [`", stringify!($client), "`].")]
            pub fn $name(&self) -> $client<Transport> {
                $client::new(self.transport.clone())
                    .max_decoding_message_size(MESSAGE_BYTES_MAX)
                    .max_encoding_message_size(MESSAGE_BYTES_MAX)
            }
        )*}
    };
}

services! {
    admin: AdminServiceClient;
    accounts: AccountServiceClient;
    contacts: ContactServiceClient;
    associations: AssociationServiceClient;
    tickets: TicketServiceClient;
    visibility: VisibilityServiceClient;
    imports: ImportServiceClient;
    settings: SettingsServiceClient;
}
