//! The wire: handlers that parse, call and render; the server that carries them.

mod fault;
mod lookup;
mod options;
mod parse;
mod render;
mod services;
mod spine;
mod spool;
mod token;

use std::sync::Arc;
use std::time::Duration;

use roster_api::v1;
use roster_intake::Intake;
use roster_storage::Store;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::transport::server::Router;

pub use options::Options;

use services::{Accounts, Associations, Contacts, Imports, SettingsOf, Tickets, Visibilities};
use spine::Spine;
use token::Tokens;

/// Longest message that is taken: a full batch with long texts fits.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// How long a stop waits for calls that run: connections that idle would hold it for ever.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// How long a stop then waits for the batches that imports were writing: one takes a quarter of a
/// second.
const IMPORTS_PATIENCE: Duration = Duration::from_secs(1);

/// Serves until `stop` is done, then finishes what runs.
///
/// `ready` is told the address once calls are taken.
pub async fn serve(
    options: &Options,
    ready: impl FnOnce(std::net::SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    options.check()?;
    let database = options.database.clone();
    let store = tokio::task::spawn_blocking(move || Store::open(&database)).await??;
    let store = Arc::new(store);
    let spine = Spine {
        tokens: Arc::new(Tokens::new(store.keys())?),
        store: Arc::clone(&store),
    };
    let intake = Arc::new(Intake::new(Arc::clone(&store), fault::explain_row));
    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let router = services_of(&spine, &intake)?.add_service(health_service);

    let listener = TcpListener::bind(options.listen).await?;
    ready(listener.local_addr()?);
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stopped_intake = Arc::clone(&intake);
    let shutdown = async move {
        stop.await;
        health
            .set_service_status("", tonic_health::ServingStatus::NotServing)
            .await;
        // First of all, so that those who watch an import hear how it ended.
        stopped_intake.stop();
        // Nobody hears it when serving has ended by itself.
        let _ = stopping.send(());
    };
    let serving = router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), shutdown);
    tokio::select! {
        served = serving => served?,
        () = async {
            let _ = stopped.await;
            tokio::time::sleep(STOP_PATIENCE).await;
        } => tracing::warn!("connections were still open when the stop's patience ended"),
    }
    if tokio::time::timeout(IMPORTS_PATIENCE, intake.stopped())
        .await
        .is_err()
    {
        tracing::warn!("imports were still at work when the stop's patience ended");
    }
    tokio::task::spawn_blocking(move || store.close()).await?;
    Ok(())
}

/// All services of the API, with reflection in both versions that tools speak.
fn services_of(spine: &Spine, intake: &Arc<Intake>) -> anyhow::Result<Router> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(roster_api::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    macro_rules! sized {
        ($server:path, $handler:expr) => {{
            use $server as Service;
            Service::new($handler(spine.clone()))
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX)
        }};
    }
    Ok(Server::builder()
        .tcp_nodelay(true)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(sized!(
            v1::account_service_server::AccountServiceServer,
            Accounts
        ))
        .add_service(sized!(
            v1::contact_service_server::ContactServiceServer,
            Contacts
        ))
        .add_service(sized!(
            v1::association_service_server::AssociationServiceServer,
            Associations
        ))
        .add_service(sized!(
            v1::ticket_service_server::TicketServiceServer,
            Tickets
        ))
        .add_service(sized!(
            v1::visibility_service_server::VisibilityServiceServer,
            Visibilities
        ))
        .add_service(sized!(
            v1::settings_service_server::SettingsServiceServer,
            SettingsOf
        ))
        .add_service(sized!(
            v1::import_service_server::ImportServiceServer,
            |spine| Imports::new(spine, Arc::clone(intake))
        )))
}
