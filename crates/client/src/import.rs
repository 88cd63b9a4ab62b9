//! Imports a file: sends it, reports progress, downloads rejected rows.

use std::path::Path;

use futures::{Stream, stream};
use roster_api::v1::import_service_client::ImportServiceClient;
use roster_api::v1::{
    DownloadRejectsRequest, Import, ImportColumn, ImportConfig, ImportEncoding, ImportFormat,
    ImportKind, ImportState, StartImportRequest, WatchImportRequest, start_import_request::Part,
};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::Status;

use crate::calls::fresh_request_id;
use crate::connect::Roster;
use crate::error::Error;
use crate::transport::Transport;

/// Bytes of a file in one message: larger messages gain nothing.
const CHUNK_BYTES: usize = 256 << 10;

/// Options of an import. By default the server detects everything.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The format; if unspecified, the server detects it.
    pub format: ImportFormat,
    /// The encoding; if unspecified, the server detects it.
    pub encoding: ImportEncoding,
    /// Fields of columns whose headers the server does not recognize.
    pub mapping: Vec<ImportColumn>,
    /// Whether to create accounts and contacts that a row names and that do not exist.
    pub create_missing: bool,
    /// The server imports the same file once under this id. If empty, the client makes an id for
    /// this call.
    pub request_id: String,
}

/// The progress of an import.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The client sends the file. After a broken connection it starts again from 0.
    Sending {
        /// Bytes sent.
        sent: u64,
        /// Bytes of the file.
        bytes: u64,
    },
    /// The server imports the rows.
    Working(&'a Import),
}

/// The outcome of sending a file.
enum Sent {
    Bytes(u64),
    Broke(std::io::Error),
}

impl Roster {
    /// Imports a file and returns when the import has ended. Check its `state` for the outcome.
    ///
    /// ```no_run
    /// # async fn example(roster: roster_client::Roster) -> Result<(), roster_client::Error> {
    /// use roster_client::{ImportOptions, Progress, v1::ImportKind};
    ///
    /// let done = roster
    ///     .import("contacts.xlsx", ImportKind::Contacts, &ImportOptions::default(), |progress| {
    ///         if let Progress::Working(import) = progress {
    ///             println!("{} of {}", import.rows_read, import.rows_total);
    ///         }
    ///     })
    ///     .await?;
    /// if done.rows_rejected > 0 {
    ///     let mut rejects = tokio::fs::File::create("contacts.rejects.csv").await.expect("a file");
    ///     roster.download_rejects(&done.id, &mut rejects).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn import(
        &self,
        path: impl AsRef<Path>,
        kind: ImportKind,
        options: &ImportOptions,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Import, Error> {
        let begun = self
            .start_import(path, kind, options, &mut progress)
            .await?;
        self.watch_import(&begun.id, &mut progress).await
    }

    /// Sends a file and returns when the server has read and accepted it. No row is stored yet.
    pub async fn start_import(
        &self,
        path: impl AsRef<Path>,
        kind: ImportKind,
        options: &ImportOptions,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Import, Error> {
        let path = path.as_ref();
        let config = config(kind, options);
        let mut tried = 0;
        loop {
            tried += 1;
            let (client, request) = (self.imports(), config.clone());
            match send_file(client, path, request, &mut progress).await? {
                Ok(answer) => return answer.ok_or_else(|| self.lacks("an import")),
                Err(status) => {
                    let error = Error::of_status(&self.address, &status);
                    // If the file arrived after all, the request id finds the first import.
                    self.pause_or_fail(error, tried).await?;
                }
            }
        }
    }

    /// Follows an import to its end, across broken connections.
    pub async fn watch_import(
        &self,
        import_id: &str,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Import, Error> {
        let mut tried = 0;
        loop {
            let followed = self
                .follow(import_id, |import| {
                    tried = 0;
                    progress(Progress::Working(import));
                })
                .await;
            tried += 1;
            match followed {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => {}
                Err(error) => self.pause_or_fail(error, tried).await?,
            }
            if tried >= self.attempts {
                return Err(self.lacks("the end of the import"));
            }
        }
    }

    /// Follows an import over one stream; `None` if the stream ended before the import.
    async fn follow(
        &self,
        import_id: &str,
        mut seen: impl FnMut(&Import),
    ) -> Result<Option<Import>, Error> {
        let failed = |status: Status| Error::of_status(&self.address, &status);
        let request = WatchImportRequest {
            id: import_id.to_owned(),
        };
        let answer = self.imports().watch_import(request).await;
        let mut moves = answer.map_err(failed)?.into_inner();
        while let Some(moved) = moves.message().await.map_err(failed)? {
            let import = moved.import_job.ok_or_else(|| self.lacks("an import"))?;
            seen(&import);
            if has_ended(&import) {
                return Ok(Some(import));
            }
        }
        Ok(None)
    }

    /// Writes the rejected rows of an import as a CSV file for Excel, and returns the number of
    /// bytes.
    pub async fn download_rejects(
        &self,
        import_id: &str,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, Error> {
        let request = DownloadRejectsRequest {
            id: import_id.to_owned(),
        };
        // After the first write, only the caller can retry, with a new file.
        let answer = self
            .retrying(|| {
                let (mut client, request) = (self.imports(), request.clone());
                async move { client.download_rejects(request).await }
            })
            .await?;
        let mut parts = answer.into_inner();
        let failed = |status: Status| Error::of_status(&self.address, &status);
        let unwritten = |cause| Error::File {
            path: "the rejects".into(),
            cause,
        };
        let mut bytes = 0;
        while let Some(part) = parts.message().await.map_err(failed)? {
            writer.write_all(&part.chunk).await.map_err(unwritten)?;
            bytes += part.chunk.len() as u64;
        }
        writer.flush().await.map_err(unwritten)?;
        Ok(bytes)
    }
}

fn has_ended(import: &Import) -> bool {
    match import.state() {
        ImportState::Completed | ImportState::CompletedWithErrors | ImportState::Failed => true,
        ImportState::Running | ImportState::Unspecified => false,
    }
}

fn config(kind: ImportKind, options: &ImportOptions) -> ImportConfig {
    let mut request_id = options.request_id.clone();
    if request_id.is_empty() {
        request_id = fresh_request_id();
    }
    ImportConfig {
        kind: kind.into(),
        format: options.format.into(),
        encoding: options.encoding.into(),
        mapping: options.mapping.clone(),
        create_missing: options.create_missing,
        request_id,
    }
}

/// Sends a file once. The outer error is an error of the file, without a retry.
async fn send_file(
    mut client: ImportServiceClient<Transport>,
    path: &Path,
    config: ImportConfig,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Result<Option<Import>, Status>, Error> {
    let unreadable = |cause| Error::File {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).await.map_err(unreadable)?;
    let bytes = file.metadata().await.map_err(unreadable)?.len();
    let (report, mut reports) = unbounded_channel();
    let call = client.start_import(parts(file, config, report));
    let mut call = std::pin::pin!(call);
    loop {
        tokio::select! {
        // Reports first, so that a file that failed never looks complete.
                    biased;
                    Some(sent) = reports.recv() => match sent {
                        Sent::Bytes(sent) => progress(Progress::Sending { sent, bytes }),
        // Returning drops the call, so the server sees an incomplete file.
                        Sent::Broke(cause) => return Err(unreadable(cause)),
                    },
                    answer = &mut call => {
                        return Ok(answer.map(|answer| answer.into_inner().import_job));
                    }
                }
    }
}

/// The messages of a file: the options, then the bytes. After a read error the stream reports it
/// and never ends, since an end would make the part a complete file; the client drops the call.
fn parts(
    file: File,
    config: ImportConfig,
    report: UnboundedSender<Sent>,
) -> impl Stream<Item = StartImportRequest> + Send {
    let part = |part| StartImportRequest { part: Some(part) };
    let head = stream::once(async move { part(Part::Config(config)) });
    let rest = stream::unfold((file, 0), move |(mut file, sent)| {
        let report = report.clone();
        async move {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let mut limited = (&mut file).take(CHUNK_BYTES as u64);
            match limited.read_to_end(&mut chunk).await {
                Ok(0) => None,
                Ok(read) => {
                    let sent = sent + read as u64;
                    // Fails harmlessly if the call has ended.
                    let _ = report.send(Sent::Bytes(sent));
                    Some((part(Part::Chunk(chunk)), (file, sent)))
                }
                Err(cause) => {
                    let _ = report.send(Sent::Broke(cause));
                    std::future::pending().await
                }
            }
        }
    });
    futures::StreamExt::chain(head, rest)
}
