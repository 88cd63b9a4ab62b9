//! The client's import against a server that fails while a file is on its way.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::{Stream, stream};
use roster_api::v1::import_service_server::{ImportService, ImportServiceServer};
use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use roster_client::{ImportOptions, Progress, Roster};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

/// What arrived of a file: the request id and the bytes.
type Arrived = (String, usize);

/// Takes every file twice, the first time in vain, and breaks the first stream of every watch.
#[derive(Clone, Default)]
struct Broken {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    watched: Arc<Mutex<u32>>,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn import(state: ImportState, rows_read: i64) -> Import {
    Import {
        id: "i1".into(),
        state: state.into(),
        rows_read,
        ..Default::default()
    }
}

#[tonic::async_trait]
impl ImportService for Broken {
    async fn start_import(
        &self,
        request: Request<Streaming<StartImportRequest>>,
    ) -> Result<Response<StartImportResponse>, Status> {
        let mut parts = request.into_inner();
        let mut arrived = (String::new(), 0);
        while let Some(part) = parts.message().await? {
            match part.part.unwrap() {
                Part::Config(config) => arrived.0 = config.request_id,
                Part::Chunk(chunk) => arrived.1 += chunk.len(),
            }
        }
        let mut all = self.arrived.lock().unwrap();
        all.push(arrived);
        if all.len() == 1 {
            return Err(Status::unavailable("not yet"));
        }
        Ok(Response::new(StartImportResponse {
            import_job: Some(import(ImportState::Running, 0)),
        }))
    }

    async fn get_import(
        &self,
        _: Request<GetImportRequest>,
    ) -> Result<Response<GetImportResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    type WatchImportStream = Answers<WatchImportResponse>;

    async fn watch_import(
        &self,
        _: Request<WatchImportRequest>,
    ) -> Result<Response<Self::WatchImportStream>, Status> {
        let mut watched = self.watched.lock().unwrap();
        *watched += 1;
        let moved = |state, rows_read| {
            Ok(WatchImportResponse {
                import_job: Some(import(state, rows_read)),
            })
        };
        let moves = match *watched {
            1 => vec![
                moved(ImportState::Running, 1),
                Err(Status::unavailable("gone")),
            ],
            // It ends though the import has not.
            2 => vec![moved(ImportState::Running, 2)],
            _ => vec![moved(ImportState::Completed, 3)],
        };
        Ok(Response::new(Box::pin(stream::iter(moves))))
    }

    type DownloadRejectsStream = Answers<DownloadRejectsResponse>;

    async fn download_rejects(
        &self,
        _: Request<DownloadRejectsRequest>,
    ) -> Result<Response<Self::DownloadRejectsStream>, Status> {
        Err(Status::unimplemented("not asked"))
    }
}

#[tokio::test]
async fn a_file_is_sent_again_under_the_same_id_and_its_import_followed_to_the_end() {
    const BYTES: usize = 700_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let broken = Broken::default();
    let service = ImportServiceServer::new(broken.clone());
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; BYTES]).unwrap();

    let roster = Roster::connect(format!("http://{address}")).await.unwrap();
    let (mut sent_last, mut rows) = (0, Vec::new());
    let options = ImportOptions::default();
    let ended = roster
        .import(
            file.path(),
            ImportKind::Accounts,
            &options,
            |progress| match progress {
                Progress::Sending { sent, bytes } => {
                    assert_eq!(bytes, BYTES as u64);
                    sent_last = sent;
                }
                Progress::Working(import) => rows.push(import.rows_read),
                _ => {}
            },
        )
        .await
        .unwrap();
    assert_eq!(ended.state(), ImportState::Completed);
    assert_eq!(sent_last, BYTES as u64);
    assert_eq!(rows, [1, 2, 3]);
    let arrived = broken.arrived.lock().unwrap().clone();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0], arrived[1]);
    assert_eq!((arrived[0].0.len(), arrived[0].1), (32, BYTES));
}
