//! Calls with known answers. Requests are built before a slice, so that the slice measures only the
//! server. A wrong answer is an error and ends the bench.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use roster_api::v1;
use roster_api::v1::account_service_client::AccountServiceClient;
use roster_api::v1::association_service_client::AssociationServiceClient;
use roster_api::v1::contact_service_client::ContactServiceClient;
use roster_api::v1::visibility_service_client::VisibilityServiceClient;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::load::{STREAMS, Slice, closed, connect};
use crate::process::Process;
use crate::world::{Expected, Question, World};

/// The number of distinct checks: enough that caches cannot hold all answers, and few enough to
/// build at once.
const QUESTIONS: usize = 65_536;
/// The interval at which the bench looks whether an answer came from memory.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The number of distinct batches.
const BATCHES: usize = 1_024;

/// Clients of one server that share a few connections.
#[derive(Clone)]
pub(crate) struct Clients {
    channels: Arc<[Channel]>,
    /// The metadata of each call: a key, an organization.
    metadata: Arc<MetadataMap>,
}

impl Clients {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let endpoint = Channel::from_shared(url.to_owned())?;
        Self::over(&endpoint, MetadataMap::new()).await
    }

    /// Connects to an endpoint, and sends metadata with each call.
    pub(crate) async fn over(endpoint: &Endpoint, metadata: MetadataMap) -> Result<Self> {
        Ok(Self {
            channels: connect(endpoint).await?.into(),
            metadata: Arc::new(metadata),
        })
    }

    /// A request with the metadata of these clients.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if !self.metadata.is_empty() {
            request.metadata_mut().clone_from(&self.metadata);
        }
        request
    }

    /// Distributes calls evenly over the connections.
    pub(crate) fn channel(&self, number: u64) -> Channel {
        self.channels[number as usize % self.channels.len()].clone()
    }

    /// Calls CheckTicket, without checking the answer.
    pub(crate) async fn check(
        &self,
        number: u64,
        request: v1::CheckTicketRequest,
    ) -> Result<v1::CheckTicketResponse> {
        let mut client = VisibilityServiceClient::new(self.channel(number));
        Ok(client
            .check_ticket(self.request(request))
            .await?
            .into_inner())
    }

    /// Lists the first page of the tickets that a contact sees.
    pub(crate) async fn list(&self, contact: u64) -> Result<v1::ListVisibleTicketsResponse> {
        let request = v1::ListVisibleTicketsRequest {
            contact_id: format!("c{contact}"),
            ..v1::ListVisibleTicketsRequest::default()
        };
        let mut client = VisibilityServiceClient::new(self.channel(0));
        Ok(client.list_visible_tickets(request).await?.into_inner())
    }

    /// Lists the first page of the contacts that match a query.
    pub(crate) async fn find(&self, query: &str) -> Result<v1::ListContactsResponse> {
        let request = v1::ListContactsRequest {
            query: query.to_owned(),
            ..v1::ListContactsRequest::default()
        };
        let mut client = ContactServiceClient::new(self.channel(0));
        Ok(client.list_contacts(request).await?.into_inner())
    }

    /// Creates an account with a name of this number.
    pub(crate) async fn create_account(&self, number: u64) -> Result<(), Status> {
        let request = v1::CreateAccountRequest {
            account: Some(v1::Account {
                name: format!("Account {number}"),
                ..v1::Account::default()
            }),
            ..v1::CreateAccountRequest::default()
        };
        let mut client = AccountServiceClient::new(self.channel(number));
        client.create_account(self.request(request)).await.map(drop)
    }

    /// Associates a contact with an account. They must not be associated yet.
    pub(crate) async fn associate(
        &self,
        number: u64,
        (contact, account): (u64, u64),
    ) -> Result<()> {
        let contact = v1::ContactToAssociate {
            contact_id: format!("c{contact}"),
            ..v1::ContactToAssociate::default()
        };
        let request = v1::AssociateContactsRequest {
            account_id: format!("a{account}"),
            contacts: vec![contact],
            ..v1::AssociateContactsRequest::default()
        };
        let mut client = AssociationServiceClient::new(self.channel(number));
        let answer = client.associate_contacts(request).await?.into_inner();
        let created = |result: &v1::AssociateContactsResult| {
            result.outcome() == v1::AssociateOutcome::Created
        };
        if answer.results.len() != 1 || !answer.results.iter().all(created) {
            bail!("an association was not created: {:?}", answer.results);
        }
        Ok(())
    }
}

impl Expected {
    /// Whether an answer has exactly this visibility and these grounds.
    pub(crate) fn matches(&self, visibility: v1::Visibility, grounds: &[v1::Ground]) -> bool {
        let visible = if self.visible() {
            v1::Visibility::Visible
        } else {
            v1::Visibility::Hidden
        };
        let mut answered = Expected::default();
        for ground in grounds {
            match ground.kind() {
                v1::GroundKind::Requester => answered.requester = true,
                v1::GroundKind::Cc => answered.cc = true,
                v1::GroundKind::Account => answered.account = number_of('a', &ground.account_id),
                v1::GroundKind::Unspecified => return false,
            }
        }
        let wanted = usize::from(self.requester)
            + usize::from(self.cc)
            + usize::from(self.account.is_some());
        visibility == visible && answered == *self && grounds.len() == wanted
    }
}

/// Parses the number of an id.
pub(crate) fn number_of(letter: char, id: &str) -> Option<u64> {
    id.strip_prefix(letter)?.parse().ok()
}

/// Calls of CheckTicket: one quarter each for own, CC, shared and hidden tickets.
#[derive(Clone)]
pub(crate) struct Checks {
    clients: Clients,
    requests: Arc<[(v1::CheckTicketRequest, Expected)]>,
}

impl Checks {
    pub(crate) fn new(clients: Clients, world: &World) -> Self {
        let with_answer = |question: Question| {
            let request = v1::CheckTicketRequest {
                contact_id: format!("c{}", question.contact),
                ticket_id: question.ticket.id(),
                consistency: None,
            };
            (request, question.expected)
        };
        let requests = world
            .questions(1)
            .take(QUESTIONS)
            .map(with_answer)
            .collect();
        Self { clients, requests }
    }

    /// The same requests to another server.
    pub(crate) fn of(&self, clients: Clients) -> Self {
        Self {
            clients,
            requests: Arc::clone(&self.requests),
        }
    }

    /// Sends a request and checks the answer.
    pub(crate) async fn call(self, number: u64) -> Result<()> {
        let (request, expected) = &self.requests[number as usize % self.requests.len()];
        let answer = self.clients.check(number, request.clone()).await?;
        if !expected.matches(answer.visibility(), &answer.grounds) {
            bail!("wrong answer to {request:?}: {answer:?}, expected {expected:?}");
        }
        Ok(())
    }

    /// Sends requests on all streams for this time.
    pub(crate) async fn slice(&self, time: Duration) -> Result<Slice> {
        let checks = self.clone();
        closed(STREAMS, time, move |number| checks.clone().call(number)).await
    }

    /// Sends requests until the server answers from memory. It loads facts at the first request.
    pub(crate) async fn until_in_memory(&self, server: &Process) -> Result<()> {
        for number in 0.. {
            self.clone().call(number).await?;
            if server.metric("roster_answers_from_memory_total")? > 0.0 {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Sends a request to the echo, which sends an answer of the same size.
    pub(crate) async fn echo(self, number: u64) -> Result<()> {
        let (request, _) = &self.requests[number as usize % self.requests.len()];
        let answer = self.clients.check(number, request.clone()).await?;
        if answer.visibility() != v1::Visibility::Visible {
            bail!("unexpected answer of the echo: {answer:?}");
        }
        Ok(())
    }
}

/// Calls of BatchCheckTickets.
#[derive(Clone)]
pub(crate) struct Batches {
    clients: Clients,
    requests: Arc<[(v1::BatchCheckTicketsRequest, Vec<Expected>)]>,
}

impl Batches {
    pub(crate) fn new(clients: Clients, world: &World, size: usize) -> Self {
        let mut questions = world.questions(2);
        let with_answers = |_| {
            let batch = questions.batch(size);
            let request = v1::BatchCheckTicketsRequest {
                contact_id: format!("c{}", batch[0].contact),
                ticket_ids: batch.iter().map(|question| question.ticket.id()).collect(),
                consistency: None,
            };
            (
                request,
                batch.iter().map(|question| question.expected).collect(),
            )
        };
        let requests = (0..BATCHES).map(with_answers).collect();
        Self { clients, requests }
    }

    /// Sends a batch and checks every answer.
    pub(crate) async fn call(self, number: u64) -> Result<()> {
        let (request, expected) = &self.requests[number as usize % self.requests.len()];
        let mut client = VisibilityServiceClient::new(self.clients.channel(number));
        let answer = client
            .batch_check_tickets(request.clone())
            .await?
            .into_inner();
        let right = |(result, expected): (&v1::BatchCheckTicketsResult, &Expected)| {
            result.error.is_none() && expected.matches(result.visibility(), &result.grounds)
        };
        let all_right = answer.results.iter().zip(expected).all(right);
        if answer.results.len() != expected.len() || !all_right {
            bail!(
                "wrong answer to a batch of {}: {answer:?}",
                request.contact_id
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_right_only_if_it_has_exactly_the_expected_grounds() {
        use v1::Visibility::{Hidden, Visible};
        let ground = |kind: v1::GroundKind, account: &str| v1::Ground {
            kind: kind.into(),
            account_id: account.to_owned(),
        };
        let by_account = [ground(v1::GroundKind::Account, "a7")];
        let expected = Expected {
            account: Some(7),
            ..Expected::default()
        };
        assert!(expected.matches(Visible, &by_account));
        assert!(!expected.matches(Hidden, &by_account));
        assert!(!expected.matches(Visible, &[]));
        assert!(!expected.matches(Visible, &[ground(v1::GroundKind::Account, "a8")]));
        assert!(!expected.matches(Visible, &[by_account[0].clone(), by_account[0].clone()]));
        assert!(Expected::default().matches(Hidden, &[]));
        assert!(!Expected::default().matches(Visible, &[]));
    }
}
