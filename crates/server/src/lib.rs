//! The gRPC server: handlers that parse, call and render.

mod access;
mod access_log;
mod authentication;
mod caller;
mod check;
mod configuration;
mod demo;
mod fault;
mod file_watch;
mod handler;
mod health;
mod health_task;
mod key;
mod layers;
mod limits;
mod log;
mod lookup;
mod maintenance;
mod mask;
mod memory;
mod metrics;
mod operator_port;
mod options;
mod parse;
mod private_file;
mod released_names;
mod removal;
mod render;
mod sealing;
mod secret_keys;
mod secrets_task;
mod services;
mod spool;
mod token;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use roster_api::METHODS;
use roster_api::v1;
use roster_api::v1::visibility_service_server::VisibilityServiceServer;
use roster_intake::Intake;
use roster_storage::{Committed, Observer, Store, StoreOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;
use tower::Layer;

pub use authentication::{ClaimedOrganization, IssuerConfig, IssuerOrganizations, TokenAlgorithm};
pub use check::check;
pub use configuration::{Configuration, FileError, NotConfigured, Sections};
pub use health_task::ask_health;
pub use key::create_key;
pub use log::start_log;
pub use maintenance::{back_up, migrate, restore};
pub use options::{
    CreateKey, CredentialOptions, KeyTask, LogFormat, Options, OrganizationOptions, SecretOptions,
    SecretsTask, SpoolOptions, StartOptions, Task, TlsFiles, WireLimits,
};
pub use secrets_task::run_secrets_task;

use access_log::AccessLog;
use authentication::{Authenticator, Issuers, OrganizationWatch, VisitorTokens};
use handler::Handler;
use health::Health;
use layers::layers;
use limits::{GOODBYE_PATIENCE, MESSAGE_BYTES_MAX, STOP_PATIENCE};
use memory::{Memory, Wanted};
use metrics::{Metrics, OrganizationMetrics, Scraped, Snapshot};
use operator_port::serve_operators;
use released_names::ReleasedNames;
use services::{
    Accounts, Admin, Associations, Contacts, History, Imports, SettingsOf, Tickets, Visibilities,
    Visitors,
};
use spool::Spools;
use token::Tokens;
use wire::{Listener, Places, Tls, Wire};

/// How often a stop checks whether calls still run.
const STOP_LOOKS_EVERY: Duration = Duration::from_millis(10);

/// How long a stop waits until nothing uses the store, so that its files are closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// The addresses of a server.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// For calls.
    pub calls: SocketAddr,
    /// For metrics and probes.
    pub metrics: Option<SocketAddr>,
    /// Whether a call needs a credential.
    pub requires_credentials: bool,
    /// Whether calls are encrypted.
    pub is_encrypted: bool,
}

/// Serves until `stop` completes, then finishes running calls.
///
/// Sends the addresses to `ready` once the server accepts calls.
pub async fn serve(
    configuration: &Configuration,
    ready: impl FnOnce(Listening),
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let options = &configuration.options;
    options.check()?;
    let connections_max = wire::raise_limit(options.wire.connections_max);
    let tls = Tls::open(&options.tls)?;
    let (memory, wanted) = options.memory();
    let memory = Arc::new(memory);
    let metrics = Metrics::default();
    let store = open(options, &memory, &metrics).await?;
    let store = Arc::new(store);
    let released = Arc::new(ReleasedNames::default());
    let watch = OrganizationWatch::new(Arc::clone(&memory), Arc::clone(&released));
    let authenticator = authenticator(configuration, &store, &metrics, watch).await?;
    let authenticator = Arc::new(authenticator);
    let (accesses, access_writer) = AccessLog::start(Arc::clone(&store));
    let handler = Handler {
        accesses,
        authenticator: Arc::clone(&authenticator),
        tokens: Arc::new(Tokens::new(store.keys(), released)?),
        store: Arc::clone(&store),
        memory: Arc::clone(&memory),
    };
    let intake = Arc::new(options.intake(&store));
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::new(reporter, services_named());
    health.set(ServingStatus::Serving).await;
    let spools = options.spool.spools();
    let mut routes = routes(&handler, &intake, &spools, &options.organizations)?;
    routes.add_service(health_service);

    if options.demo {
        demo::fill(&store, &intake).await?;
    }
    let listener = listen(options.listen).await?;
    let scraped = Scraped::new(
        &metrics,
        Snapshot {
            store: Arc::clone(&store),
            memory: Arc::clone(&memory),
            imports: Arc::clone(intake.totals()),
            spools,
        },
    );
    let (metrics_at, operators) = for_operators(options, scraped, &health).await?;
    ready(Listening {
        calls: listener.local_addr()?,
        metrics: metrics_at,
        requires_credentials: options.requires_credentials(),
        is_encrypted: tls.is_some(),
    });
    let following = tokio::spawn(follow(
        health.clone(),
        (memory, wanted),
        Arc::clone(&authenticator),
        Arc::clone(&store),
        tls.clone(),
        Arc::clone(&metrics.organizations),
    ));
    let (stopping, stopped) = oneshot::channel();
    metrics.wire.watch_tls(tls.as_ref());
    let shutdown = shut_down(stop, following, health, Arc::clone(&intake), stopping);
    let wire = Wire::new(options.wire.clone(), Arc::clone(&metrics.wire));
    let service = layers(&metrics, &authenticator, visibility(&handler)).layer(routes.routes());
    let serving = Listener::new(listener, &wire, connections_max, tls).serve(service, shutdown);
    until_finished(serving, stopped, &wire.places, &intake).await;
    authenticator.write_uses(&store).await;
    access_writer.close().await;
    drop((handler, intake, operators));
    close(store).await
}

/// Waits for the stop. Then ends what runs beside calls, so that calls can finish.
async fn shut_down(
    stop: impl Future<Output = ()>,
    following: JoinHandle<()>,
    health: Health,
    intake: Arc<Intake>,
    stopping: oneshot::Sender<()>,
) {
    stop.await;
    following.abort();
    // The task ends by abort, and must end before the last report of health.
    let _ = following.await;
    health.end().await;
    // First, so that watchers of an import receive its end.
    intake.stop();
    // Fails harmlessly if serving has already ended.
    let _ = stopping.send(());
}

/// Finishes the writes of the store. Then closes its files, unless something still uses them.
async fn close(store: Arc<Store>) -> anyhow::Result<()> {
    let closing = move || {
        store.close();
        let (mut store, until) = (store, Instant::now() + CLOSE_PATIENCE);
        while let Err(used) = Arc::try_unwrap(store).map(drop) {
            if Instant::now() > until {
                // The file is complete; only its empty log stays.
                tracing::debug!("the database is still in use at the end");
                return;
            }
            store = used;
            std::thread::sleep(STOP_LOOKS_EVERY);
        }
    };
    Ok(tokio::task::spawn_blocking(closing).await?)
}

/// Opens the store, which passes its writes to memory.
async fn open(options: &Options, memory: &Arc<Memory>, metrics: &Metrics) -> anyhow::Result<Store> {
    let database = options.database.clone();
    let of_store = StoreOptions {
        calls_waiting_max: options.writes_waiting_max,
        listener: Some(Arc::clone(memory) as Arc<dyn Committed>),
        observer: Some(Arc::clone(&metrics.store) as Arc<dyn Observer>),
        lease: Duration::from_secs(options.server_lease),
        migrates: !options.start.no_migrate,
        accepts_loss: options.start.accept_loss,
        ..StoreOptions::default()
    };
    let opening = tokio::task::spawn_blocking(move || Store::open_with(&database, of_store));
    opening.await?.with_context(|| {
        let database = options.shown_database();
        format!("cannot open the database {database}")
    })
}

/// Knows the credentials of the store, after writing the first key if that is asked for.
async fn authenticator(
    configuration: &Configuration,
    store: &Store,
    metrics: &Metrics,
    watch: OrganizationWatch,
) -> anyhow::Result<Authenticator> {
    access::check_methods()?;
    let options = &configuration.options;
    let issuers = Issuers::load(&configuration.sections.issuer)?;
    if let Some(path) = &options.credentials.first_key_file {
        authentication::write_first_key(store, path).await?;
    }
    let stale_after = Duration::from_secs(options.stale_after);
    let required = options.requires_credentials();
    let secrets = options.secrets.secret_key_file.clone();
    let visitors = VisitorTokens::open(secrets, &store.keys().store_id)?;
    let metrics = Arc::clone(&metrics.authentication);
    Ok(Authenticator::open(
        store,
        required,
        stale_after,
        issuers,
        metrics,
        visitors,
        watch,
    )
    .await?)
}

/// All that runs beside calls: health, facts in memory, the age of the access log, credentials.
async fn follow(
    health: Health,
    (memory, wanted): (Arc<Memory>, Wanted),
    authenticator: Arc<Authenticator>,
    store: Arc<Store>,
    tls: Option<Arc<Tls>>,
    organizations: Arc<OrganizationMetrics>,
) {
    let health = health.follow(Arc::clone(&memory), Arc::clone(&store));
    let facts = memory::follow(memory, Arc::clone(&store), wanted);
    let pruning = access_log::prune(Arc::clone(&store));
    let removal = removal::follow(Arc::clone(&store), organizations);
    let credentials = authenticator.follow(store);
    let tls = Tls::follow(tls);
    tokio::join!(health, facts, pruning, removal, credentials, tls);
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

/// Serves metrics and probes, if configured, until the set is dropped, so that probes get answers
/// while the server stops.
async fn for_operators(
    options: &Options,
    scraped: Scraped,
    health: &Health,
) -> anyhow::Result<(Option<SocketAddr>, JoinSet<()>)> {
    let mut tasks = JoinSet::new();
    let Some(address) = options.metrics else {
        return Ok((None, tasks));
    };
    let listener = listen(address).await?;
    let at = listener.local_addr()?;
    tasks.spawn(serve_operators(listener, scraped, health.clone()));
    Ok((Some(at), tasks))
}

/// Serves until all connections have ended, or until the running work has ended after a stop.
async fn until_finished(
    serving: impl Future<Output = ()>,
    stopped: oneshot::Receiver<()>,
    places: &Places,
    intake: &Intake,
) {
    tokio::select! {
        () = serving => {
            // Imports may run although no caller is connected.
            finish(places, intake).await;
        }
        () = async {
            let _ = stopped.await;
            finish(places, intake).await;
        } => {}
    }
}

/// Waits, with a limit, until running calls and batches of imports finish. Watchers of an import
/// receive its end before their connection closes.
async fn finish(places: &Places, intake: &Intake) {
    let none_runs = async {
        while !places.are_free() {
            tokio::time::sleep(STOP_LOOKS_EVERY).await;
        }
    };
    let all = async { tokio::join!(none_runs, intake.stopped()) };
    if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
        tracing::warn!("stopping although calls or imports still run: the time to finish is over");
    }
    tokio::time::sleep(GOODBYE_PATIENCE).await;
}

/// The full names of our services.
fn services_named() -> Vec<String> {
    let mut services: Vec<_> = METHODS.iter().map(|of| of.service.to_owned()).collect();
    // The methods of a service are adjacent.
    services.dedup();
    services
}

/// A service of the API with our message size.
macro_rules! sized {
    ($server:path, $handler:expr) => {{
        use $server as Service;
        Service::new($handler)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }};
}

/// The service that is called on every page view, outside the router of the others.
fn visibility(handler: &Handler) -> VisibilityServiceServer<Visibilities> {
    sized!(VisibilityServiceServer, Visibilities(handler.clone()))
}

/// All other services of the API, with both versions of reflection that tools use.
fn routes(
    handler: &Handler,
    intake: &Arc<Intake>,
    spools: &Arc<Spools>,
    organizations: &OrganizationOptions,
) -> anyhow::Result<RoutesBuilder> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(roster_api::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let mut routes = Routes::builder();
    routes
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(sized!(
            v1::account_service_server::AccountServiceServer,
            Accounts(handler.clone())
        ))
        .add_service(sized!(
            v1::admin_service_server::AdminServiceServer,
            Admin {
                handler: handler.clone(),
                undelete_days: organizations.undelete_days,
            }
        ))
        .add_service(sized!(
            v1::contact_service_server::ContactServiceServer,
            Contacts(handler.clone())
        ))
        .add_service(sized!(
            v1::association_service_server::AssociationServiceServer,
            Associations(handler.clone())
        ))
        .add_service(sized!(
            v1::ticket_service_server::TicketServiceServer,
            Tickets(handler.clone())
        ))
        .add_service(sized!(
            v1::settings_service_server::SettingsServiceServer,
            SettingsOf(handler.clone())
        ))
        .add_service(sized!(
            v1::history_service_server::HistoryServiceServer,
            History(handler.clone())
        ))
        .add_service(sized!(
            v1::visitor_service_server::VisitorServiceServer,
            Visitors(handler.clone())
        ))
        .add_service(sized!(
            v1::import_service_server::ImportServiceServer,
            Imports::new(handler.clone(), Arc::clone(intake), Arc::clone(spools))
        ));
    Ok(routes)
}
