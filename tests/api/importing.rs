//! Functions for tests that import files.

use roster_api::v1::start_import_request::Part;
use roster_api::v1::*;
use tonic::{Response, Status};

use crate::world::World;

/// Returns the config of an import of this kind, with defaults.
pub fn of(kind: ImportKind) -> ImportConfig {
    ImportConfig {
        kind: kind.into(),
        ..Default::default()
    }
}

/// Returns the same config with `create_missing`.
pub fn creating(kind: ImportKind) -> ImportConfig {
    ImportConfig {
        create_missing: true,
        ..of(kind)
    }
}

/// Returns the counts of an import: created, updated, unchanged, rejected.
pub fn counts(import: &Import) -> [i64; 4] {
    assert_eq!(
        import.rows_read,
        import.rows_created + import.rows_updated + import.rows_unchanged + import.rows_rejected
    );
    [
        import.rows_created,
        import.rows_updated,
        import.rows_unchanged,
        import.rows_rejected,
    ]
}

/// Returns the messages of an upload.
pub fn messages(config: ImportConfig, file: &[u8]) -> Vec<StartImportRequest> {
    let first = StartImportRequest {
        part: Some(Part::Config(config)),
    };
    let chunks = file.chunks(60_000).map(|chunk| StartImportRequest {
        part: Some(Part::Chunk(chunk.to_vec())),
    });
    std::iter::once(first).chain(chunks).collect()
}

impl World {
    pub async fn try_import(
        &self,
        config: ImportConfig,
        file: impl AsRef<[u8]>,
    ) -> Result<Response<StartImportResponse>, Status> {
        let messages = messages(config, file.as_ref());
        let mut client = self.clients.imports.clone();
        client.start_import(tokio_stream::iter(messages)).await
    }

    pub async fn start_import(&self, config: ImportConfig, file: impl AsRef<[u8]>) -> Import {
        let answer = self.try_import(config, file).await.expect("an import");
        answer.into_inner().import_job.expect("an import")
    }

    /// Imports a file and waits until the import has ended.
    pub async fn import(&self, config: ImportConfig, file: impl AsRef<[u8]>) -> Import {
        let import = self.start_import(config, file).await;
        self.end_of(&import.id).await
    }

    /// Waits until an import has ended and returns it.
    pub async fn end_of(&self, id: &str) -> Import {
        self.watch(id).await.pop().expect("a last state")
    }

    /// Watches an import until the stream ends and returns all states.
    pub async fn watch(&self, id: &str) -> Vec<Import> {
        let request = WatchImportRequest { id: id.into() };
        let stream = self.clients.imports.clone().watch_import(request).await;
        let mut stream = stream.expect("a stream").into_inner();
        let mut states = Vec::new();
        while let Some(answer) = stream.message().await.expect("a state") {
            states.push(answer.import_job.expect("an import"));
        }
        states
    }

    /// Downloads the file of rejects of an import.
    pub async fn rejects_file(&self, id: &str) -> Vec<u8> {
        let request = DownloadRejectsRequest { id: id.into() };
        let stream = self.clients.imports.clone().download_rejects(request).await;
        let mut stream = stream.expect("a stream").into_inner();
        let mut file = Vec::new();
        while let Some(answer) = stream.message().await.expect("a chunk") {
            file.extend(answer.chunk);
        }
        file
    }

    /// Returns row, column and reason of each reject.
    pub async fn rejects(&self, id: &str) -> Vec<(String, String, String)> {
        let file = self.rejects_file(id).await;
        let text = file.strip_prefix("\u{feff}".as_bytes()).expect("a BOM");
        let mut reader = csv::Reader::from_reader(text);
        let last = reader.headers().expect("a header").len();
        let reject = |record: csv::StringRecord| {
            let cell = |from_end: usize| record[last - from_end].to_owned();
            let reason = cell(1).split(':').next().expect("a reason").to_owned();
            (cell(3), cell(2), reason)
        };
        reader
            .into_records()
            .map(|r| reject(r.expect("a row")))
            .collect()
    }

    pub async fn all_accounts(&self) -> Vec<Account> {
        let request = ListAccountsRequest {
            page_size: 1_000,
            ..Default::default()
        };
        let answer = self.clients.accounts.clone().list_accounts(request).await;
        answer.expect("a list").into_inner().accounts
    }

    pub async fn all_contacts(&self) -> Vec<Contact> {
        let request = ListContactsRequest {
            page_size: 1_000,
            ..Default::default()
        };
        let answer = self.clients.contacts.clone().list_contacts(request).await;
        answer.expect("a list").into_inner().contacts
    }

    /// Returns the contact with an address.
    pub async fn by_email(&self, email: &str) -> Contact {
        let request = LookupContactsRequest {
            keys: vec![ContactKey {
                key: Some(contact_key::Key::Email(email.into())),
            }],
            ..Default::default()
        };
        let answer = self.clients.contacts.clone().lookup_contacts(request).await;
        let mut results = answer.expect("an answer").into_inner().results;
        let found = results.remove(0);
        found.contact.unwrap_or_else(|| panic!("{:?}", found.error))
    }
}
