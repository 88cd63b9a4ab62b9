//! Every unary call of the API, sent by its request.

use roster_api::v1::account_service_client::AccountServiceClient;
use roster_api::v1::association_service_client::AssociationServiceClient;
use roster_api::v1::contact_service_client::ContactServiceClient;
use roster_api::v1::import_service_client::ImportServiceClient;
use roster_api::v1::settings_service_client::SettingsServiceClient;
use roster_api::v1::ticket_service_client::TicketServiceClient;
use roster_api::v1::visibility_service_client::VisibilityServiceClient;
use roster_api::v1::*;
use tonic::{Response, Status};

use crate::connect::{MESSAGE_BYTES_MAX, Roster};
use crate::error::Error;
use crate::transport::Transport;

/// A request of a unary call: [`Roster::call`] sends it.
pub trait Call: Clone + Send + Sync {
    /// What it is answered with.
    type Answer: Send;

    /// The id under which the server keeps the answer of a write. A read has none.
    fn request_id(&mut self) -> Option<&mut String>;

    /// Sends it once, as it is.
    fn send(
        request: tonic::Request<Self>,
        roster: &Roster,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
}

impl Roster {
    /// Sends a request and waits for its answer, trying again where the server cannot be reached.
    ///
    /// A write without a `request_id` is given one, so that the server carries it out once however
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
    pub async fn call<C: Call>(&self, mut request: C) -> Result<C::Answer, Error> {
        if let Some(id) = request.request_id()
            && id.is_empty()
        {
            *id = fresh_request_id();
        }
        let attempts = self.retrying(|| {
            let mut once = tonic::Request::new(request.clone());
            // The server need not work for a caller who has gone.
            once.set_timeout(self.timeout);
            C::send(once, self)
        });
        self.in_time(attempts).await.map(Response::into_inner)
    }
}

/// 128 random bits; empty, as if none were given, where the system has no randomness.
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
        /// The generated clients over this connection: they name the organization, and do not repeat.
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

/// Which request goes to which method, and what answers it.
macro_rules! calls {
    (id of write $request:ident) => { Some(&mut $request.request_id) };
    (id of read $request:ident) => { None };
    ($kind:ident; $($request:ident => $service:ident.$method:ident -> $answer:ident;)*) => {$(
        impl Call for $request {
            type Answer = $answer;

            fn request_id(&mut self) -> Option<&mut String> {
                calls!(id of $kind self)
            }

            async fn send(
                request: tonic::Request<Self>,
                roster: &Roster,
            ) -> Result<Response<$answer>, Status> {
                roster.$service().$method(request).await
            }
        }
    )*};
}

services! {
    accounts: AccountServiceClient;
    contacts: ContactServiceClient;
    associations: AssociationServiceClient;
    tickets: TicketServiceClient;
    visibility: VisibilityServiceClient;
    imports: ImportServiceClient;
    settings: SettingsServiceClient;
}

// Writes.
calls! { write;
    CreateAccountRequest => accounts.create_account -> CreateAccountResponse;
    UpdateAccountRequest => accounts.update_account -> UpdateAccountResponse;
    DeleteAccountRequest => accounts.delete_account -> DeleteAccountResponse;
    CreateContactRequest => contacts.create_contact -> CreateContactResponse;
    UpdateContactRequest => contacts.update_contact -> UpdateContactResponse;
    DeleteContactRequest => contacts.delete_contact -> DeleteContactResponse;
    AssociateContactsRequest => associations.associate_contacts -> AssociateContactsResponse;
    DissociateContactRequest => associations.dissociate_contact -> DissociateContactResponse;
    SetPrimaryAccountRequest => associations.set_primary_account -> SetPrimaryAccountResponse;
    TransferContactRequest => associations.transfer_contact -> TransferContactResponse;
    UpdateAssociationRequest => associations.update_association -> UpdateAssociationResponse;
    RecordTicketsRequest => tickets.record_tickets -> RecordTicketsResponse;
    DeleteTicketsRequest => tickets.delete_tickets -> DeleteTicketsResponse;
    UpdateSettingsRequest => settings.update_settings -> UpdateSettingsResponse;
}

// Reads.
calls! { read;
    GetAccountRequest => accounts.get_account -> GetAccountResponse;
    LookupAccountsRequest => accounts.lookup_accounts -> LookupAccountsResponse;
    ListAccountsRequest => accounts.list_accounts -> ListAccountsResponse;
    ListAccountHeadingsRequest => accounts.list_account_headings -> ListAccountHeadingsResponse;
    GetContactRequest => contacts.get_contact -> GetContactResponse;
    LookupContactsRequest => contacts.lookup_contacts -> LookupContactsResponse;
    ListContactsRequest => contacts.list_contacts -> ListContactsResponse;
    ListContactHeadingsRequest => contacts.list_contact_headings -> ListContactHeadingsResponse;
    PreviewDissociationRequest => associations.preview_dissociation -> PreviewDissociationResponse;
    ListAccountContactsRequest => associations.list_account_contacts -> ListAccountContactsResponse;
    ListContactAccountsRequest => associations.list_contact_accounts -> ListContactAccountsResponse;
    GetTicketRequest => tickets.get_ticket -> GetTicketResponse;
    ListTicketsRequest => tickets.list_tickets -> ListTicketsResponse;
    CheckTicketRequest => visibility.check_ticket -> CheckTicketResponse;
    BatchCheckTicketsRequest => visibility.batch_check_tickets -> BatchCheckTicketsResponse;
    ListVisibleTicketsRequest => visibility.list_visible_tickets -> ListVisibleTicketsResponse;
    ListTicketViewersRequest => visibility.list_ticket_viewers -> ListTicketViewersResponse;
    ExplainTicketRequest => visibility.explain_ticket -> ExplainTicketResponse;
    GetImportRequest => imports.get_import -> GetImportResponse;
    GetSettingsRequest => settings.get_settings -> GetSettingsResponse;
}
