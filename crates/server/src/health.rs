//! Health: SERVING while the database answers.

use std::sync::Arc;
use std::time::Duration;

use roster_storage::Store;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// How often the database is asked whether it answers: its return is noticed well within a second.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How long one answer is waited for: a database that hangs does not answer.
const PROBE_PATIENCE: Duration = Duration::from_secs(1);

/// Tells the health of the whole server and of each of its services, which is one.
#[derive(Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    services: Arc<[String]>,
}

impl Health {
    /// Of the services that the descriptor set has.
    pub(crate) fn new(reporter: HealthReporter, services: Vec<String>) -> Self {
        let services = std::iter::once(String::new()).chain(services).collect();
        Self { reporter, services }
    }

    pub(crate) async fn tell(&self, status: ServingStatus) {
        for service in self.services.iter() {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Tells whether the database answers, again and again; SERVING was told before.
    pub(crate) async fn follow(self, store: Arc<Store>) {
        let mut told = ServingStatus::Serving;
        loop {
            let status = self.probe(&store, &mut told).await;
            self.turn(&mut told, status).await;
            tokio::time::sleep(PROBE_EVERY).await;
        }
    }

    /// Tells a status that is another than the one told before.
    async fn turn(&self, told: &mut ServingStatus, status: ServingStatus) {
        if *told == status {
            return;
        }
        if status == ServingStatus::NotServing {
            tracing::warn!("the database does not answer: not serving");
        } else {
            tracing::info!("the database answers again: serving");
        }
        self.tell(status).await;
        *told = status;
    }

    /// One question. While it hangs no second one is asked, but the hanging is told.
    async fn probe(&self, store: &Arc<Store>, told: &mut ServingStatus) -> ServingStatus {
        let store = Arc::clone(store);
        let mut asked = tokio::task::spawn_blocking(move || store.probe().is_ok());
        let answered = match tokio::time::timeout(PROBE_PATIENCE, &mut asked).await {
            Ok(answered) => answered,
            Err(_) => {
                self.turn(told, ServingStatus::NotServing).await;
                asked.await
            }
        };
        match answered {
            Ok(true) => ServingStatus::Serving,
            Ok(false) | Err(_) => ServingStatus::NotServing,
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
