//! WatchImport: an import is looked at until it ends.

use std::time::Duration;

use roster_api::v1;
use roster_core::id::ImportId;
use roster_storage::OrganizationName;
use tokio::sync::mpsc;
use tonic::Status;

use super::find;
use crate::fault::stopping;
use crate::handler::Handler;

/// How often a watched import is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// Somebody who watches an import, wherever it is worked on.
pub(super) struct Watch {
    pub(super) handler: Handler,
    pub(super) organization: OrganizationName,
    pub(super) id: ImportId,
    pub(super) stop: tokio::sync::watch::Receiver<bool>,
}

impl Watch {
    pub(super) async fn send(
        mut self,
        first: v1::Import,
        answers: &mpsc::Sender<Result<v1::WatchImportResponse, Status>>,
    ) -> Result<(), Status> {
        let mut sent: Option<v1::Import> = None;
        let mut import = first;
        loop {
            let running = import.state() == v1::ImportState::Running;
            if sent.as_ref() != Some(&import) {
                let import_job = Some(import.clone());
                let answer = v1::WatchImportResponse { import_job };
                if answers.send(Ok(answer)).await.is_err() {
                    return Ok(());
                }
                sent = Some(import);
            }
            if !running {
                return Ok(());
            }
            tokio::select! {
                () = answers.closed() => return Ok(()),
                () = tokio::time::sleep(WATCH_EVERY) => {}
                () = stopped(&mut self.stop) => {
                    return Err(stopping().into());
                }
            }
            import = find(&self.handler, &self.organization, self.id).await?;
        }
    }
}

/// A server that stops ends its own imports within a batch, and who watches one hears of it.
async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    /// Longer than a batch takes.
    const PATIENCE: Duration = Duration::from_secs(1);
    // Its sender lives as long as the server.
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(PATIENCE).await;
}
