//! Health: SERVING while the server reaches and follows the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use roster_storage::Store;

use crate::memory::Memory;

/// How often to check: reports a change well within a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Maximum age of facts in memory. The server polls the database every 50 ms and notices an
/// unreachable database within a second. Older facts mean that the database is unreachable, hangs,
/// or changes faster than the server can follow.
const AGE_MAX: Duration = Duration::from_millis(1_500);

/// Reports the health of the server and of each service, which are the same.
#[derive(Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    services: Arc<[String]>,
    /// The last reported status.
    serving: Arc<AtomicBool>,
}

impl Health {
    /// For the services of the descriptor set.
    pub(crate) fn new(reporter: HealthReporter, services: Vec<String>) -> Self {
        let services = std::iter::once(String::new()).chain(services).collect();
        Self {
            reporter,
            services,
            serving: Arc::default(),
        }
    }

    /// Whether the last reported status is SERVING.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Relaxed)
    }

    pub(crate) async fn set(&self, status: ServingStatus) {
        let serving = status == ServingStatus::Serving;
        self.serving.store(serving, Ordering::Relaxed);
        for service in self.services.iter() {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Reports repeatedly whether the server follows the database and may go on serving it. SERVING
    /// was reported before.
    pub(crate) async fn follow(self, memory: Arc<Memory>, store: Arc<Store>) {
        let mut reported = ServingStatus::Serving;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let status = if memory.age() > AGE_MAX || store.is_superseded() || store.is_displaced()
            {
                ServingStatus::NotServing
            } else {
                ServingStatus::Serving
            };
            if status != reported {
                self.set(status).await;
                reported = status;
            }
        }
    }

    /// Reports that the server stops, and ends the streams of watchers: each stream would keep its
    /// connection open.
    pub(crate) async fn end(mut self) {
        self.set(ServingStatus::NotServing).await;
        for service in self.services.iter() {
            self.reporter.clear_service_status(service).await;
        }
    }
}
