//! The client crate against a real server, and against one that fails.

use std::sync::{Arc, Mutex};

use futures::TryStreamExt;
use roster_api::v1::settings_service_server::{SettingsService, SettingsServiceServer};
use roster_api::v1::*;
use roster_client::{Error, Roster, Visibility};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::world::{World, both_engines};

both_engines!(
    a_list_pages_by_itself_and_holds_every_item_once,
    a_check_answers_with_its_grounds_and_an_unknown_ticket_is_an_error,
    a_client_speaks_of_its_organization_alone,
    a_server_that_died_is_unreachable_and_one_that_comes_back_is_reached,
);

async fn connected(world: &World) -> Roster {
    let address = format!("http://{}", world.server.address);
    let roster = Roster::builder(address).attempts(2).connect().await;
    roster.expect("the server answers")
}

async fn a_list_pages_by_itself_and_holds_every_item_once(world: World) {
    let contact = world.contact("田中").await;
    let mut ids: Vec<String> = (0..7).map(|number| format!("T-{number}")).collect();
    for id in &ids {
        world
            .record(TicketRecord {
                id: id.clone(),
                requester_id: contact.clone(),
                ..Default::default()
            })
            .await;
    }
    let roster = connected(&world).await;
    for page_size in [0, 1, 2, 3, 7] {
        let request = ListTicketsRequest {
            requester_id: contact.clone(),
            page_size,
            ..Default::default()
        };
        let tickets: Vec<Ticket> = roster.all(request).try_collect().await.unwrap();
        let listed: Vec<String> = tickets.into_iter().rev().map(|ticket| ticket.id).collect();
        assert_eq!(listed, ids, "pages of {page_size}");
    }
    ids.reverse();
    let visible: Vec<VisibleTicket> = roster
        .visible_tickets(&contact)
        .try_collect()
        .await
        .unwrap();
    let visible: Vec<String> = visible
        .into_iter()
        .map(|of| of.ticket.unwrap().id)
        .collect();
    assert_eq!(visible, ids);
}

async fn a_check_answers_with_its_grounds_and_an_unknown_ticket_is_an_error(world: World) {
    let (contact, other) = (world.contact("田中").await, world.contact("鈴木").await);
    world
        .record(TicketRecord {
            id: "T".into(),
            requester_id: contact.clone(),
            ..Default::default()
        })
        .await;
    let roster = connected(&world).await;
    let Visibility::Visible(grounds) = roster.check(&contact, "T").await.unwrap() else {
        panic!("its own ticket");
    };
    assert_eq!(
        grounds.iter().map(Ground::kind).collect::<Vec<_>>(),
        [GroundKind::Requester]
    );
    assert_eq!(roster.check(&other, "T").await.unwrap(), Visibility::Hidden);
    assert_eq!(roster.explain(&other, "T").await.unwrap().clauses.len(), 3);
    let error = roster.check(&contact, "U").await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::TicketNotFound));
    assert_eq!(error.refusal().unwrap().metadata["ticket_id"], "U");
}

async fn a_client_speaks_of_its_organization_alone(world: World) {
    world.account("A").await;
    let address = format!("http://{}", world.server.address);
    let roster = Roster::builder(address)
        .organization("acme")
        .connect()
        .await
        .unwrap();
    let none: Vec<Account> = roster
        .all(ListAccountsRequest::default())
        .try_collect()
        .await
        .unwrap();
    assert!(none.is_empty());
    let raw = roster
        .accounts()
        .list_accounts(ListAccountsRequest::default())
        .await
        .unwrap();
    assert!(raw.into_inner().accounts.is_empty());
}

async fn a_server_that_died_is_unreachable_and_one_that_comes_back_is_reached(mut world: World) {
    let roster = connected(&world).await;
    roster.call(GetSettingsRequest::default()).await.unwrap();
    world.server.child.kill().unwrap();
    world.server.child.wait().unwrap();
    let error = roster
        .call(GetSettingsRequest::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    world.server.start_again(&world.database);
    roster.call(GetSettingsRequest::default()).await.unwrap();
}

/// Fails with UNAVAILABLE so many times, and keeps the request ids that it is sent.
#[derive(Clone, Default)]
struct Failing {
    left: Arc<Mutex<u32>>,
    request_ids: Arc<Mutex<Vec<String>>>,
}

impl Failing {
    fn fail(&self) -> Result<(), Status> {
        let mut left = self.left.lock().unwrap();
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(Status::unavailable("not yet"))
    }
}

#[tonic::async_trait]
impl SettingsService for Failing {
    async fn get_settings(
        &self,
        _: Request<GetSettingsRequest>,
    ) -> Result<Response<GetSettingsResponse>, Status> {
        self.fail()?;
        Ok(Response::new(GetSettingsResponse::default()))
    }

    async fn update_settings(
        &self,
        request: Request<UpdateSettingsRequest>,
    ) -> Result<Response<UpdateSettingsResponse>, Status> {
        let id = request.into_inner().request_id;
        self.request_ids.lock().unwrap().push(id);
        self.fail()?;
        Ok(Response::new(UpdateSettingsResponse::default()))
    }
}

impl Failing {
    async fn serve(&self, times: u32) -> Roster {
        *self.left.lock().unwrap() = times;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(SettingsServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        let roster = Roster::builder(format!("http://{address}")).attempts(3);
        roster.connect().await.unwrap()
    }
}

#[tokio::test]
async fn a_write_is_repeated_with_one_request_id_until_it_is_answered() {
    let failing = Failing::default();
    let roster = failing.serve(2).await;
    roster.call(UpdateSettingsRequest::default()).await.unwrap();
    let first = std::mem::take(&mut *failing.request_ids.lock().unwrap());
    assert_eq!(first.len(), 3);
    assert_eq!(first[0].len(), 32, "{first:?}");
    assert!(first.iter().all(|id| *id == first[0]), "{first:?}");

    roster.call(UpdateSettingsRequest::default()).await.unwrap();
    let given = UpdateSettingsRequest {
        request_id: "mine".into(),
        ..Default::default()
    };
    roster.call(given).await.unwrap();
    let later = failing.request_ids.lock().unwrap().clone();
    assert_ne!(later[0], first[0], "another call has another id");
    assert_eq!(later[1], "mine");
}

#[tokio::test]
async fn after_the_last_attempt_the_error_is_the_servers() {
    let failing = Failing::default();
    let roster = failing.serve(3).await;
    let error = roster
        .call(GetSettingsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(error.refusal().unwrap().message, "not yet");
    roster.call(GetSettingsRequest::default()).await.unwrap();
}
