//! The baseline for calls: a bare tonic server that sends constant answers of the same messages.

use anyhow::Result;
use roster_api::v1;
use roster_api::v1::visibility_service_server::{VisibilityService, VisibilityServiceServer};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

use crate::options;
use crate::output::print_line;
use crate::world::ticket_id;

/// As long as the read tokens of Roster.
const READ_TOKEN: &str = "AZUJBg1QtNtPn2OzYtoSvRj3h2HPjDYh6AAAAAAAAAAMKbE80X1LQDE";
/// As long as the page tokens of Roster.
const PAGE_TOKEN: &str =
    "XKLfE6ALtXGsrUcMQKAUuc3tBhZopWVZSIyNKwvDuRLaP048_STv_3zTA60XKLfE6ALtXGsrUcMQKA";
/// Tickets per page.
const PAGE: u64 = 50;

/// Sends the same answer to every request.
struct Echo;

/// Serves until the process is killed.
pub(crate) async fn serve(options: &options::Echo) -> Result<()> {
    let mut server = Server::builder();
    if let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) {
        let identity = Identity::from_pem(std::fs::read(certificate)?, std::fs::read(key)?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let listener = TcpListener::bind(options.listen).await?;
    print_line(format_args!("echo listens on {}", listener.local_addr()?));
    // Otherwise, an answer of several kilobytes waits for an acknowledgement that the client's
    // kernel delays by 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Ok(server
        .add_service(VisibilityServiceServer::new(Echo))
        .serve_with_incoming(incoming)
        .await?)
}

fn ground(kind: v1::GroundKind, account_id: &str) -> v1::Ground {
    v1::Ground {
        kind: kind.into(),
        account_id: account_id.to_owned(),
    }
}

fn listed(number: u64) -> v1::VisibleTicket {
    let ticket = v1::TicketSummary {
        id: ticket_id(number),
        requester_id: "c123456".to_owned(),
        account_id: "a12".to_owned(),
        subject: crate::fill::subject(number),
        status: v1::TicketStatus::Closed.into(),
        create_time: Some(prost_types::Timestamp {
            seconds: 1_600_000_000,
            nanos: 0,
        }),
    };
    v1::VisibleTicket {
        ticket: Some(ticket),
        grounds: vec![ground(v1::GroundKind::Account, "a12")],
    }
}

#[tonic::async_trait]
impl VisibilityService for Echo {
    async fn check_ticket(
        &self,
        _: Request<v1::CheckTicketRequest>,
    ) -> Result<Response<v1::CheckTicketResponse>, Status> {
        Ok(Response::new(v1::CheckTicketResponse {
            visibility: v1::Visibility::Visible.into(),
            grounds: vec![ground(v1::GroundKind::Requester, "")],
            read_token: READ_TOKEN.to_owned(),
        }))
    }

    async fn list_visible_tickets(
        &self,
        _: Request<v1::ListVisibleTicketsRequest>,
    ) -> Result<Response<v1::ListVisibleTicketsResponse>, Status> {
        Ok(Response::new(v1::ListVisibleTicketsResponse {
            tickets: (1..=PAGE).map(listed).collect(),
            next_page_token: PAGE_TOKEN.to_owned(),
            read_token: READ_TOKEN.to_owned(),
        }))
    }

    async fn batch_check_tickets(
        &self,
        _: Request<v1::BatchCheckTicketsRequest>,
    ) -> Result<Response<v1::BatchCheckTicketsResponse>, Status> {
        Err(not_measured())
    }

    async fn list_ticket_viewers(
        &self,
        _: Request<v1::ListTicketViewersRequest>,
    ) -> Result<Response<v1::ListTicketViewersResponse>, Status> {
        Err(not_measured())
    }

    async fn explain_ticket(
        &self,
        _: Request<v1::ExplainTicketRequest>,
    ) -> Result<Response<v1::ExplainTicketResponse>, Status> {
        Err(not_measured())
    }
}

fn not_measured() -> Status {
    Status::unimplemented(
        "the echo does not implement this method, because no row of the bench needs it",
    )
}
