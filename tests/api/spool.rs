//! Where uploads are kept: what is left of them, and what the caller of an upload hears.

use std::time::{Duration, Instant};

use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::importing::{messages, of};
use crate::memory::metric;
use crate::world::{Clients, Database, Engine, Server, refused};

const MIB: usize = 1 << 20;
/// The server has written what was sent within this.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

fn start(database: &Database, options: &[&str]) -> Server {
    let listen = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
    let database = ["--database", &database.url];
    Server::start_with(&[&listen[..], &database, options].concat())
}

/// A file of accounts of this many bytes.
fn file_of(bytes: usize) -> Vec<u8> {
    let mut file = "取引先名\n".as_bytes().to_vec();
    let line = b"A account with a long name, so that the file has few rows ..........\n";
    while file.len() + line.len() <= bytes {
        file.extend(line);
    }
    let rest = bytes - file.len();
    file.extend(std::iter::repeat_n(b'\n', rest));
    file
}

async fn import(clients: &Clients, file: &[u8]) -> Result<Response<StartImportResponse>, Status> {
    let messages = messages(of(ImportKind::Accounts), file);
    let mut client = clients.imports.clone();
    client.start_import(tokio_stream::iter(messages)).await
}

#[track_caller]
fn passes(status: &Status) {
    let details = status.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_fits_into_the_room_for_uploads_is_taken_and_a_byte_more_is_refused() {
    let database = Database::create(Engine::Sqlite);
    let server = start(&database, &["--spool-mib", "1"]);
    let clients = server.connect().await;
    import(&clients, &file_of(MIB)).await.unwrap();
    let began = Instant::now();
    while metric(&server, "roster_spool_bytes") > 0.0 {
        assert!(began.elapsed() < WRITTEN_WITHIN);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = import(&clients, &file_of(MIB + 1)).await;
    let status = refused(answer, Code::ResourceExhausted, "QUEUE_FULL");
    passes(&status);
    assert!(
        status.message().contains("the room for the files"),
        "{status}"
    );
    assert!(metric(&server, "roster_spool_bytes") == 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_named_and_the_call_can_be_repeated() {
    let database = Database::create(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uploads");
    let server = start(&database, &["--spool-folder", path.to_str().unwrap()]);
    let clients = server.connect().await;
    let answer = import(&clients, &file_of(1_000)).await;
    let status = refused(answer, Code::Unavailable, "UNAVAILABLE");
    passes(&status);
    assert!(
        status.message().contains(path.to_str().unwrap()),
        "{status}"
    );
    std::fs::create_dir(&path).unwrap();
    import(&clients, &file_of(1_000)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_leaves_nothing_of_an_upload() {
    let database = Database::create(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut server = start(&database, &["--spool-folder", path]);
    let clients = server.connect().await;
    let (sender, parts) = mpsc::channel(4);
    let mut client = clients.imports.clone();
    let upload = tokio::spawn(async move { client.start_import(ReceiverStream::new(parts)).await });
    let config = Part::Config(of(ImportKind::Accounts));
    for part in [config, Part::Chunk(file_of(MIB))] {
        let message = StartImportRequest { part: Some(part) };
        sender.send(message).await.unwrap();
    }
    let began = Instant::now();
    while metric(&server, "roster_spool_bytes") < MIB as f64 {
        assert!(began.elapsed() < WRITTEN_WITHIN);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill();
    upload.await.unwrap().unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
