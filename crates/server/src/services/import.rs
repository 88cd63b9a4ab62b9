//! ImportService.

mod watch;

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use prost::Message;
use roster_api::Method;
use roster_api::v1::import_service_server::ImportService;
use roster_api::v1::start_import_request::Part;
use roster_api::v1::{self, ErrorReason};
use roster_core::id::ImportId;
use roster_core::rules::import::Field;
use roster_core::text::RequestId;
use roster_intake::{Config, Encoding, Format, Intake, Kind, Mapping, Upload, rejects};
use roster_storage::{
    ChangeOrigin, Done, ImportKind, ImportRecord, ImportState, OrganizationName, Origin,
    OriginKind, RequestKey, StorageError,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::access::FurtherScopes;
use crate::caller::Caller;
use crate::fault::{Fault, import_not_found, of_import, of_text};
use crate::handler::{Access, Handler, caller};
use crate::parse::{self, Parsed};
use crate::render;
use crate::spool::{FILE_BYTES_MAX, Spool, Spooled, Spools};
use watch::Watch;

/// Maximum columns of a mapping: as many as a file may have.
const MAPPING_MAX: usize = 200;
/// Rejected rows in one read of a download.
const REJECTS_PAGE: usize = 1_000;
/// Bytes of one message of a download: well below the limit of any client.
const DOWNLOAD_BYTES_MAX: usize = 256 << 10;
/// Buffered messages of a stream.
const MESSAGES_AHEAD: usize = 2;

/// See the proto.
pub(crate) struct Imports {
    handler: Handler,
    intake: Arc<Intake>,
    spools: Arc<Spools>,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Imports {
    pub(crate) fn new(handler: Handler, intake: Arc<Intake>, spools: Arc<Spools>) -> Self {
        Self {
            handler,
            intake,
            spools,
        }
    }

    async fn find(
        &self,
        organization: &OrganizationName,
        id: ImportId,
    ) -> Result<v1::Import, Fault> {
        find(&self.handler, organization, id).await
    }

    /// The import that an earlier request with this id began, if any.
    async fn begun_before(
        &self,
        organization: &OrganizationName,
        request: Option<&RequestKey>,
    ) -> Result<Option<v1::Import>, Fault> {
        let Some(request) = request.cloned() else {
            return Ok(None);
        };
        let read = self
            .handler
            .store
            .read(organization, move |at| at.first_answer(&request));
        match read.await? {
            Some(kept) => self.of_kept(organization, &kept).await.map(Some),
            None => Ok(None),
        }
    }

    /// The stored answer names the import; returns its current state.
    async fn of_kept(
        &self,
        organization: &OrganizationName,
        kept: &[u8],
    ) -> Result<v1::Import, Fault> {
        let import = v1::Import::decode(kept).map_err(|e| StorageError::Defect(e.into()))?;
        self.find(organization, parse::id("id", &import.id)?).await
    }
}

async fn find(
    handler: &Handler,
    organization: &OrganizationName,
    id: ImportId,
) -> Result<v1::Import, Fault> {
    let found = handler
        .store
        .read(organization, move |at| at.import(id))
        .await?;
    let import = found.ok_or_else(|| import_not_found(id))?;
    Ok(render_import(handler, organization, &import))
}

fn render_import(
    handler: &Handler,
    organization: &OrganizationName,
    import: &ImportRecord,
) -> v1::Import {
    let counts = &import.counts;
    let columns = import.new.columns.iter();
    let column = |(header, field): &(String, String)| v1::ImportColumn {
        header: header.clone(),
        field: field.clone(),
    };
    let (filled, ignored): (Vec<_>, Vec<_>) = columns.partition(|(_, field)| !field.is_empty());
    let ended = import.state != ImportState::Running;
    let (state, failure) = match import.state {
        ImportState::Running => (v1::ImportState::Running, None),
        ImportState::Completed => (v1::ImportState::Completed, None),
        ImportState::CompletedWithErrors => (v1::ImportState::CompletedWithErrors, None),
        ImportState::Failed(why) => (v1::ImportState::Failed, Some(why)),
    };
    v1::Import {
        id: import.id.to_string(),
        kind: kind_of(import.new.kind).into(),
        state: state.into(),
        rows_total: render::count(import.new.rows_total),
        rows_read: render::count(counts.read()),
        rows_created: render::count(counts.created),
        rows_updated: render::count(counts.updated),
        rows_unchanged: render::count(counts.unchanged),
        rows_rejected: render::count(counts.rejected),
        accounts_created: render::count(counts.accounts_created),
        contacts_created: render::count(counts.contacts_created),
        columns: filled.into_iter().map(column).collect(),
        ignored_headers: ignored
            .into_iter()
            .map(|(header, _)| header.clone())
            .collect(),
        error: failure.map(|why| of_import(why).item()),
        create_time: render::time(import.create_time),
        end_time: import.end_time.and_then(render::time),
        written_token: if ended {
            handler.tokens.of(organization.as_str(), import.at)
        } else {
            String::new()
        },
    }
}

fn kind_of(stored: ImportKind) -> v1::ImportKind {
    match stored {
        ImportKind::Accounts => v1::ImportKind::Accounts,
        ImportKind::Contacts => v1::ImportKind::Contacts,
        ImportKind::Associations => v1::ImportKind::Associations,
        ImportKind::Tickets => v1::ImportKind::Tickets,
    }
}

fn config(given: &v1::ImportConfig) -> Parsed<Config> {
    let invalid = |path: &str, what: &str| Fault::field(path, ErrorReason::FieldInvalid, what);
    let kind = match v1::ImportKind::try_from(given.kind) {
        Ok(v1::ImportKind::Accounts) => Kind::Accounts,
        Ok(v1::ImportKind::Contacts) => Kind::Contacts,
        Ok(v1::ImportKind::Associations) => Kind::Associations,
        Ok(v1::ImportKind::Tickets) => Kind::Tickets,
        Ok(v1::ImportKind::Unspecified) => {
            let what = "is required: set the kind of the rows";
            return Err(Fault::field(
                "config.kind",
                ErrorReason::FieldRequired,
                what,
            ));
        }
        Err(_) => return Err(invalid("config.kind", "is not a value of ImportKind")),
    };
    let format = match v1::ImportFormat::try_from(given.format) {
        Ok(v1::ImportFormat::Unspecified) => None,
        Ok(v1::ImportFormat::Csv) => Some(Format::Csv),
        Ok(v1::ImportFormat::Xlsx) => Some(Format::Xlsx),
        Ok(v1::ImportFormat::Xls) => Some(Format::Xls),
        Err(_) => return Err(invalid("config.format", "is not a value of ImportFormat")),
    };
    let encoding = match v1::ImportEncoding::try_from(given.encoding) {
        Ok(v1::ImportEncoding::Unspecified) => None,
        Ok(v1::ImportEncoding::Utf8) => Some(Encoding::Utf8),
        Ok(v1::ImportEncoding::ShiftJis) => Some(Encoding::ShiftJis),
        Err(_) => {
            return Err(invalid(
                "config.encoding",
                "is not a value of ImportEncoding",
            ));
        }
    };
    Ok(Config {
        kind,
        format,
        encoding,
        mapping: mapping(kind, &given.mapping)?,
        create_missing: given.create_missing,
    })
}

fn mapping(kind: Kind, given: &[v1::ImportColumn]) -> Parsed<Vec<Mapping>> {
    parse::at_most("config.mapping", given, MAPPING_MAX)?;
    let mut mapping: Vec<Mapping> = Vec::with_capacity(given.len());
    for (index, column) in given.iter().enumerate() {
        let path = |name: &str| format!("config.mapping[{index}].{name}");
        let header = column.header.trim().to_owned();
        if header.is_empty() {
            let what = "is empty: use the header of the column";
            return Err(Fault::field(
                &path("header"),
                ErrorReason::FieldRequired,
                what,
            ));
        }
        if mapping.iter().any(|before| before.header == header) {
            let what = "is given twice";
            return Err(Fault::field(&path("header"), ErrorReason::Repeated, what));
        }
        let field = match column.field.as_str() {
            "" => None,
            name => {
                let known = Field::of_path(name).filter(|field| kind.has(*field));
                Some(known.ok_or_else(|| {
                    let what = "is not a field of this kind of file";
                    Fault::field(&path("field"), ErrorReason::FieldInvalid, what)
                })?)
            }
        };
        mapping.push(Mapping { header, field });
    }
    Ok(mapping)
}

/// The first message of an upload.
async fn first(stream: &mut Streaming<v1::StartImportRequest>) -> Result<v1::ImportConfig, Status> {
    match stream.message().await?.and_then(|message| message.part) {
        Some(Part::Config(config)) => Ok(config),
        Some(Part::Chunk(_)) | None => {
            let what = "is required in the first message";
            Err(Fault::field("config", ErrorReason::FieldRequired, what).into())
        }
    }
}

/// All later messages.
async fn receive(
    stream: &mut Streaming<v1::StartImportRequest>,
    mut spool: Spool,
) -> Result<Spooled, Status> {
    while let Some(message) = stream.message().await? {
        match message.part {
            Some(Part::Chunk(chunk)) => tokio::task::block_in_place(|| spool.take(&chunk))?,
            Some(Part::Config(_)) => {
                let what = "is allowed only in the first message";
                return Err(Fault::field("config", ErrorReason::FieldInvalid, what).into());
            }
            None => {
                let what = "is required in every message but the first";
                return Err(Fault::field("chunk", ErrorReason::FieldRequired, what).into());
            }
        }
    }
    // The transport reports a reset like the end of the stream, but drops the call at its next
    // wait. So if this wait returns, the caller has finished.
    tokio::task::yield_now().await;
    Ok(spool.finish())
}

/// Identifies a repeat of the call.
fn request_key(
    caller: &Caller,
    mut config: v1::ImportConfig,
    file: blake3::Hash,
) -> Parsed<Option<RequestKey>> {
    let request_id = std::mem::take(&mut config.request_id);
    if request_id.is_empty() {
        return Ok(None);
    }
    let id = RequestId::parse(&request_id).map_err(|fault| of_text("config.request_id", &fault))?;
    let mut hash = blake3::Hasher::new();
    hash.update(&config.encode_to_vec());
    hash.update(file.as_bytes());
    Ok(Some(RequestKey {
        caller: caller.credential().to_owned(),
        rpc: v1::StartImportRequest::INFO.name,
        request_id: id.to_string(),
        hash: *hash.finalize().as_bytes(),
    }))
}

#[tonic::async_trait]
impl ImportService for Imports {
    type WatchImportStream = Answers<v1::WatchImportResponse>;
    type DownloadRejectsStream = Answers<v1::DownloadRejectsResponse>;

    async fn start_import(
        &self,
        request: Request<Streaming<v1::StartImportRequest>>,
    ) -> Result<Response<v1::StartImportResponse>, Status> {
        let caller = Arc::clone(caller(&request)?);
        let organization = caller.organization().clone();
        let spool = self.spools.begin(&organization, FILE_BYTES_MAX)?;
        let mut stream = request.into_inner();
        let given = first(&mut stream).await?;
        caller.require(given.further_scopes())?;
        let config = config(&given)?;
        if !given.request_id.is_empty() {
            // Before the caller sends a gibibyte in vain.
            parse::text("config.request_id", &given.request_id, RequestId::parse)?;
        }
        let file = receive(&mut stream, spool).await?;
        let request = request_key(&caller, given, file.hash)?;
        if let Some(import) = self.begun_before(&organization, request.as_ref()).await? {
            let import_job = Some(import);
            return Ok(Response::new(v1::StartImportResponse { import_job }));
        }
        let origin = Origin {
            credential: caller.credential().to_owned(),
            actor: caller.actor.to_string(),
            from: ChangeOrigin::of(OriginKind::Import),
            request,
            may_create_organization: caller.grant().is_none(),
        };
        let encode = {
            let (handler, organization) = (self.handler.clone(), organization.clone());
            move |import: &ImportRecord| {
                render_import(&handler, &organization, import).encode_to_vec()
            }
        };
        let upload = Upload {
            file: file.file,
            space: Box::new(file.space),
        };
        let begun = self
            .intake
            .start(organization.clone(), upload, config, origin, encode)
            .await
            .map_err(Fault::from)?;
        let import = match begun {
            Done::Fresh(import, _) => render_import(&self.handler, &organization, &import),
            Done::Repeated(kept) => self.of_kept(&organization, &kept).await?,
        };
        Ok(Response::new(v1::StartImportResponse {
            import_job: Some(import),
        }))
    }

    async fn get_import(
        &self,
        request: Request<v1::GetImportRequest>,
    ) -> Result<Response<v1::GetImportResponse>, Status> {
        let organization = caller(&request)?.organization().clone();
        let id = parse::id("id", &request.get_ref().id)?;
        let import_job = Some(self.find(&organization, id).await?);
        Ok(Response::new(v1::GetImportResponse { import_job }))
    }

    async fn watch_import(
        &self,
        request: Request<v1::WatchImportRequest>,
    ) -> Result<Response<Self::WatchImportStream>, Status> {
        let organization = caller(&request)?.organization().clone();
        let id: ImportId = parse::id("id", &request.get_ref().id)?;
        let first = self.find(&organization, id).await?;
        let (sender, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let watch = Watch {
            handler: self.handler.clone(),
            organization,
            id,
            stop: self.intake.stopping(),
        };
        tokio::spawn(async move {
            let ended = watch.send(first, &sender).await;
            if let Err(status) = ended {
                log_cause(id, &status);
                // The watcher may have disconnected.
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn download_rejects(
        &self,
        request: Request<v1::DownloadRejectsRequest>,
    ) -> Result<Response<Self::DownloadRejectsStream>, Status> {
        let organization = caller(&request)?.organization().clone();
        let id: ImportId = parse::id("id", &request.get_ref().id)?;
        let found = self
            .handler
            .store
            .read(&organization, move |at| at.import(id));
        let import = found.await.map_err(Fault::from)?;
        let import = import.ok_or_else(|| import_not_found(id))?;
        caller(&request)?.require(import.new.kind.further_scopes())?;
        let access = Access::of::<v1::DownloadRejectsRequest>(None, &id.to_string());
        self.handler.record_access(&request, access).await?;
        let (sender, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let handler = self.handler.clone();
        tokio::spawn(async move {
            if let Err(fault) = download(&handler, &organization, &import, &sender).await {
                let status = fault.status();
                log_cause(id, &status);
                // The caller may have disconnected.
                let _ = sender.send(Err(status)).await;
            }
        });
        let chunks = ReceiverStream::new(receiver);
        let answers = chunks.map(|chunk| chunk.map(|chunk| v1::DownloadRejectsResponse { chunk }));
        Ok(Response::new(Box::pin(answers)))
    }
}

type Chunks = mpsc::Sender<Result<Vec<u8>, Status>>;

/// Logs the cause of an error within a stream: the status that ends the stream does not contain it.
fn log_cause(import: ImportId, status: &Status) {
    if let Some(error) = status.source() {
        tracing::warn!(%import, %error, "a stream about an import failed");
    }
}

/// Sends the rejected rows page by page; stops when the caller disconnects.
async fn download(
    handler: &Handler,
    organization: &OrganizationName,
    import: &ImportRecord,
    chunks: &Chunks,
) -> Result<(), Fault> {
    if !send(chunks, rejects::header(import)).await {
        return Ok(());
    }
    let (id, mut after) = (import.id, 0);
    loop {
        let read = handler.store.read(organization, move |at| {
            at.import_rejects(id, after, REJECTS_PAGE)
        });
        let page = read.await?;
        if !send(chunks, rejects::rows(import, &page)).await {
            return Ok(());
        }
        match page.last() {
            Some(last) if page.len() == REJECTS_PAGE => after = last.number,
            _ => return Ok(()),
        }
    }
}

/// Whether the caller is still connected.
async fn send(chunks: &Chunks, bytes: Vec<u8>) -> bool {
    for chunk in bytes.chunks(DOWNLOAD_BYTES_MAX) {
        if chunks.send(Ok(chunk.to_vec())).await.is_err() {
            return false;
        }
    }
    true
}
