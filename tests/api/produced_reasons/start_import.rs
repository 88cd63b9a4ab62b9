//! What is wrong with files and with how they are to be read.

use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;

use super::Produced;
use crate::world::World;

const PATH: &str = "/roster.v1.ImportService/StartImport";
/// Bytes of a chunk: a message may have up to 16 MiB.
const CHUNK_BYTES: usize = 15 << 20;
/// A file may have up to 1 GiB.
const CHUNKS_TOO_MANY: usize = (1 << 30) / CHUNK_BYTES + 1;

fn accounts() -> ImportConfig {
    ImportConfig {
        kind: ImportKind::Accounts.into(),
        encoding: ImportEncoding::Utf8.into(),
        ..Default::default()
    }
}

/// Has StartImport fail with all that its comment lists.
pub async fn of_files(produced: &mut Produced, world: &World) {
    let good = "取引先名\nA\n".as_bytes();
    let once = |request_id: &str| ImportConfig {
        request_id: request_id.into(),
        ..accounts()
    };
    let column = ImportColumn {
        header: "取引先名".into(),
        field: String::new(),
    };
    let twice = ImportConfig {
        mapping: vec![column; 2],
        ..accounts()
    };
    let no_kind = ImportConfig {
        kind: 0,
        ..accounts()
    };
    let unknown_kind = ImportConfig {
        kind: 99,
        ..accounts()
    };
    world.import(once("once"), good).await;
    for (reason, config, file) in [
        ("FIELD_INVALID", unknown_kind, good),
        ("FIELD_REQUIRED", no_kind, good),
        ("FILE_ENCODING", accounts(), &b"Name\n\x8e\x52\n"[..]),
        ("FILE_UNREADABLE", accounts(), b"Name\n\"A\n"),
        ("HEADER_UNUSABLE", accounts(), b"x\n1\n"),
        ("REPEATED", twice, good),
        ("REQUEST_ID_REUSED", once("once"), b"Name\nB\n"),
        ("TEXT_CONTROL_CHARACTER", once("a\0b"), good),
        ("TEXT_TOO_LONG", once(&"x".repeat(65)), good),
    ] {
        let status = world.try_import(config, file).await.unwrap_err();
        produced.call(PATH, reason, &status);
    }
    let config = StartImportRequest {
        part: Some(Part::Config(accounts())),
    };
    let chunk = || StartImportRequest {
        part: Some(Part::Chunk(vec![b'x'; CHUNK_BYTES])),
    };
    let chunks = std::iter::repeat_with(chunk).take(CHUNKS_TOO_MANY);
    let large = tokio_stream::iter(std::iter::once(config).chain(chunks));
    let answer = world.clients.imports.clone().start_import(large).await;
    produced.call(PATH, "FILE_TOO_LARGE", &answer.unwrap_err());
}
