//! Health: SERVING while the database is heard and followed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use roster_storage::Store;

use crate::memory::Memory;

/// How often it is looked at: a change is told well within a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How old facts in memory may be. The database is asked every 50 ms and an answer that it is away
/// takes less than a second, so this is a database that is away, or hangs, or brings more than can be
/// followed.
const AGE_MAX: Duration = Duration::from_millis(1_500);

/// Tells the health of the whole server and of each of its services, which is one.
#[derive(Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    services: Arc<[String]>,
    /// What was told last.
    serving: Arc<AtomicBool>,
}

impl Health {
    /// Of the services that the descriptor set has.
    pub(crate) fn new(reporter: HealthReporter, services: Vec<String>) -> Self {
        let services = std::iter::once(String::new()).chain(services).collect();
        Self {
            reporter,
            services,
            serving: Arc::default(),
        }
    }

    /// Whether the last that was told is SERVING.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    pub(crate) async fn tell(&self, status: ServingStatus) {
        let serving = status == ServingStatus::Serving;
        self.serving.store(serving, Ordering::Relaxed);
        for service in self.services.iter() {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Tells again and again whether the database is followed and this server may go on serving it;
    /// SERVING was told before.
    pub(crate) async fn follow(self, memory: Arc<Memory>, store: Arc<Store>) {
        let mut told = ServingStatus::Serving;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let status = if memory.age() > AGE_MAX || store.is_superseded() {
                ServingStatus::NotServing
            } else {
                ServingStatus::Serving
            };
            if status != told {
                self.tell(status).await;
                told = status;
            }
        }
    }

    /// Tells that the server stops, and ends the streams of those who watch: each of them would
    /// hold its connection open.
    pub(crate) async fn end(mut self) {
        self.tell(ServingStatus::NotServing).await;
        for service in self.services.iter() {
            self.reporter.clear_service_status(service).await;
        }
    }
}
