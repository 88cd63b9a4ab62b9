//! A real server of its own for each test, on either engine, and short words for what tests do
//! over and over. Nothing here knows a rule.

use roster_api::v1::account_service_client::AccountServiceClient;
use roster_api::v1::admin_service_client::AdminServiceClient;
use roster_api::v1::association_service_client::AssociationServiceClient;
use roster_api::v1::contact_service_client::ContactServiceClient;
use roster_api::v1::history_service_client::HistoryServiceClient;
use roster_api::v1::import_service_client::ImportServiceClient;
use roster_api::v1::settings_service_client::SettingsServiceClient;
use roster_api::v1::ticket_service_client::TicketServiceClient;
use roster_api::v1::visibility_service_client::VisibilityServiceClient;
use roster_api::v1::visitor_service_client::VisitorServiceClient;
use roster_api::v1::*;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::listed_channel::ListedChannel;
pub use crate::process::{Database, Engine, Server, command, rounds};

/// A client of each service.
#[derive(Clone)]
pub struct Clients {
    pub accounts: AccountServiceClient<ListedChannel>,
    pub contacts: ContactServiceClient<ListedChannel>,
    pub associations: AssociationServiceClient<ListedChannel>,
    pub tickets: TicketServiceClient<ListedChannel>,
    pub visibility: VisibilityServiceClient<ListedChannel>,
    pub settings: SettingsServiceClient<ListedChannel>,
    pub imports: ImportServiceClient<ListedChannel>,
    pub admin: AdminServiceClient<ListedChannel>,
    pub visitors: VisitorServiceClient<ListedChannel>,
    pub history: HistoryServiceClient<ListedChannel>,
}

impl Clients {
    pub fn over(channel: Channel) -> Self {
        Self::of(ListedChannel { channel, key: None })
    }

    /// Clients that send an API key.
    pub fn with_key(channel: Channel, key: &str) -> Self {
        let key = Some(key.to_owned());
        Self::of(ListedChannel { channel, key })
    }

    fn of(channel: ListedChannel) -> Self {
        Self {
            accounts: AccountServiceClient::new(channel.clone()),
            contacts: ContactServiceClient::new(channel.clone()),
            associations: AssociationServiceClient::new(channel.clone()),
            tickets: TicketServiceClient::new(channel.clone()),
            visibility: VisibilityServiceClient::new(channel.clone()),
            settings: SettingsServiceClient::new(channel.clone()),
            imports: ImportServiceClient::new(channel.clone()),
            admin: AdminServiceClient::new(channel.clone()),
            visitors: VisitorServiceClient::new(channel.clone()),
            history: HistoryServiceClient::new(channel),
        }
    }
}

/// A server, its database, and clients.
pub struct World {
    pub clients: Clients,
    pub server: Server,
    pub database: Database,
    pub engine: Engine,
}

/// Makes two tests of each of these functions, `name::sqlite` and `name::postgres`. The compiler
/// reports a function that is not in the list as dead code.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::world::{Engine, World};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(World::start(Engine::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(World::start(Engine::Postgres).await).await;
            }
        }
    )+};
}
pub(crate) use both_engines;

/// The reason of an error, as its ErrorInfo has it.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!(info.domain, "roster.v1");
    info.reason.clone()
}

/// The metadata of an error's ErrorInfo.
pub fn metadata(status: &Status, key: &str) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    info.metadata
        .get(key)
        .cloned()
        .unwrap_or_else(|| panic!("{key} in {:?}", info.metadata))
}

/// The field that an error complains of.
pub fn field(status: &Status) -> String {
    let details = status.get_error_details();
    let request = details.bad_request().expect("a BadRequest");
    request.field_violations[0].field.clone()
}

/// That a call failed so.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(
    result: Result<Response<T>, Status>,
    code: Code,
    why: &str,
) -> Status {
    let status = result.expect_err("refused");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (code, why),
        "{status:?}"
    );
    status
}

/// The answer of a call that succeeded.
#[track_caller]
pub fn answered<T: std::fmt::Debug>(result: Result<Response<T>, Status>) -> T {
    result.expect("an answer").into_inner()
}

/// A mask of these fields.
pub fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(ToString::to_string).collect(),
    })
}

/// The reason of the error of an item.
pub fn item_reason(error: &Option<tonic_types::Status>) -> String {
    let error = error.as_ref().expect("an error");
    let status = Status::with_details(
        Code::from_i32(error.code),
        error.message.clone(),
        prost::Message::encode_to_vec(error).into(),
    );
    reason(&status)
}

impl World {
    /// Returns clients without a server, so that their connections to a stopped server are closed.
    pub fn nobody() -> Clients {
        Clients::over(Channel::from_static("http://127.0.0.1:1").connect_lazy())
    }

    pub async fn start(engine: Engine) -> Self {
        let database = Database::create(engine);
        let server = Server::start(&database);
        let clients = server.connect().await;
        Self {
            clients,
            server,
            database,
            engine,
        }
    }

    /// Kills the server and starts another on the same database.
    pub async fn restart(&mut self) {
        self.server.kill();
        self.server = Server::start(&self.database);
        self.clients = self.server.connect().await;
    }

    /// The token of the newest revision: equal tokens mean that nothing changed in between.
    pub async fn read_token(&self) -> String {
        let request = GetSettingsRequest::default();
        let answer = self.clients.settings.clone().get_settings(request).await;
        answer.expect("settings").into_inner().read_token
    }

    pub async fn account(&self, name: &str) -> String {
        self.account_of(Account {
            name: name.into(),
            ..Account::default()
        })
        .await
    }

    pub async fn account_of(&self, account: Account) -> String {
        let request = CreateAccountRequest {
            account: Some(account),
            ..Default::default()
        };
        let made = self.clients.accounts.clone().create_account(request).await;
        made.expect("an account")
            .into_inner()
            .account
            .expect("it")
            .id
    }

    pub async fn contact(&self, family_name: &str) -> String {
        self.contact_of(Contact {
            family_name: family_name.into(),
            ..Contact::default()
        })
        .await
    }

    pub async fn contact_of(&self, contact: Contact) -> String {
        let request = CreateContactRequest {
            contact: Some(contact),
            ..Default::default()
        };
        let made = self.clients.contacts.clone().create_contact(request).await;
        made.expect("a contact")
            .into_inner()
            .contact
            .expect("it")
            .id
    }

    /// Associates one contact, with these flags; answers the result of the item.
    pub async fn try_associate(
        &self,
        account: &str,
        contact: &str,
        sees: Option<bool>,
        role: &str,
    ) -> AssociateContactsResult {
        let request = AssociateContactsRequest {
            account_id: account.into(),
            contacts: vec![ContactToAssociate {
                contact_id: contact.into(),
                sees_account_tickets: sees,
                role: role.into(),
            }],
            ..Default::default()
        };
        let answer = self
            .clients
            .associations
            .clone()
            .associate_contacts(request)
            .await;
        answer.expect("an answer").into_inner().results.remove(0)
    }

    pub async fn associate(&self, account: &str, contact: &str) -> Association {
        self.associated(account, contact, None, "").await
    }

    pub async fn associated(
        &self,
        account: &str,
        contact: &str,
        sees: Option<bool>,
        role: &str,
    ) -> Association {
        let result = self.try_associate(account, contact, sees, role).await;
        result
            .association
            .unwrap_or_else(|| panic!("{:?}", result.error))
    }

    pub async fn settings(&self, settings: Settings, paths: &[&str]) {
        let answer = self.try_settings(settings, paths).await;
        answer.expect("settings");
    }

    pub async fn try_settings(
        &self,
        settings: Settings,
        paths: &[&str],
    ) -> Result<Response<UpdateSettingsResponse>, Status> {
        let request = UpdateSettingsRequest {
            settings: Some(settings),
            update_mask: mask(paths),
            ..Default::default()
        };
        self.clients.settings.clone().update_settings(request).await
    }

    pub async fn allow_several_accounts(&self) {
        let settings = Settings {
            multiple_accounts: true,
            ..Settings::default()
        };
        self.settings(settings, &["multiple_accounts"]).await;
    }

    pub async fn try_record(&self, record: TicketRecord) -> RecordTicketsResult {
        let request = RecordTicketsRequest {
            tickets: vec![record],
            ..Default::default()
        };
        let answer = self.clients.tickets.clone().record_tickets(request).await;
        answer.expect("an answer").into_inner().results.remove(0)
    }

    pub async fn record(&self, record: TicketRecord) -> Ticket {
        let result = self.try_record(record).await;
        result
            .ticket
            .unwrap_or_else(|| panic!("{:?}", result.error))
    }

    /// A ticket of a requester under one of its accounts.
    pub async fn ticket(&self, id: &str, requester: &str, account: &str) -> Ticket {
        self.record(TicketRecord {
            id: id.into(),
            requester_id: requester.into(),
            account_id: Some(account.into()),
            ..Default::default()
        })
        .await
    }

    pub async fn get_ticket(&self, id: &str) -> Ticket {
        let request = GetTicketRequest {
            id: id.into(),
            ..Default::default()
        };
        let answer = self.clients.tickets.clone().get_ticket(request).await;
        answer.expect("a ticket").into_inner().ticket.expect("it")
    }

    pub async fn sees(&self, contact: &str, ticket: &str) -> bool {
        let request = CheckTicketRequest {
            contact_id: contact.into(),
            ticket_id: ticket.into(),
            ..Default::default()
        };
        let answer = self.clients.visibility.clone().check_ticket(request).await;
        let visibility = answer.expect("a verdict").into_inner().visibility();
        visibility == Visibility::Visible
    }

    /// The ids of the tickets that a contact sees, in the order of the list.
    pub async fn visible(&self, contact: &str) -> Vec<String> {
        let request = ListVisibleTicketsRequest {
            contact_id: contact.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let answer = self
            .clients
            .visibility
            .clone()
            .list_visible_tickets(request)
            .await;
        let tickets = answer.expect("a list").into_inner().tickets;
        tickets
            .into_iter()
            .map(|visible| visible.ticket.expect("it").id)
            .collect()
    }

    pub async fn accounts_of(&self, contact: &str) -> Vec<ContactAccount> {
        let request = ListContactAccountsRequest {
            contact_id: contact.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let answer = self
            .clients
            .associations
            .clone()
            .list_contact_accounts(request)
            .await;
        answer.expect("a list").into_inner().associations
    }

    /// The primary account of a contact; it has exactly one.
    pub async fn primary_of(&self, contact: &str) -> String {
        let all = self.accounts_of(contact).await;
        let mut primaries = all
            .into_iter()
            .filter_map(|of| of.association)
            .filter(|association| association.primary);
        let primary = primaries.next().expect("a primary").account_id;
        assert!(primaries.next().is_none(), "one primary");
        primary
    }

    pub async fn promote(
        &self,
        contact: &str,
        account: &str,
    ) -> Result<Response<SetPrimaryAccountResponse>, Status> {
        let request = SetPrimaryAccountRequest {
            contact_id: contact.into(),
            account_id: account.into(),
            ..Default::default()
        };
        let mut client = self.clients.associations.clone();
        client.set_primary_account(request).await
    }

    pub async fn dissociate(
        &self,
        account: &str,
        contact: &str,
        disposition: TicketDisposition,
    ) -> Result<Response<DissociateContactResponse>, Status> {
        let request = DissociateContactRequest {
            account_id: account.into(),
            contact_id: contact.into(),
            ticket_disposition: disposition.into(),
            ..Default::default()
        };
        let mut client = self.clients.associations.clone();
        client.dissociate_contact(request).await
    }
}
