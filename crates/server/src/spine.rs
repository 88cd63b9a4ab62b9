//! What every handler has in common: the organization, the write with its request id, the read
//! with its consistency, the page.

use std::convert::Infallible;
use std::sync::Arc;

use prost::Message;
use roster_api::v1::{Consistency, ErrorReason, consistency::Requirement};
use roster_core::command::Command;
use roster_core::id::ContactId;
use roster_core::rules::visibility::{SightFacts, Standing};
use roster_core::text::{RequestId, TicketKey};
use roster_storage::{
    At, ChangeOrigin, Done, OrganizationName, Origin, RequestKey, Snapshot, StorageError, Store,
};
use tonic::{Request, Response, Status};

use crate::fault::{self, Fault, of_text};
use crate::layers::time_given;
use crate::limits::{ANSWER_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, READ_PATIENCE};
use crate::memory::{Freshness, Memory};
use crate::token::{Binding, Place, Tokens, lost};

/// The metadata key that names the organization.
const ORGANIZATION_KEY: &str = "roster-organization";
/// The organization of callers that name none.
pub(crate) const DEFAULT_ORGANIZATION: &str = "default";
/// Who calls a server without credentials.
pub(crate) const LOCAL_CALLER: &str = "local";
/// The facts of a question, from wherever they come.
pub(crate) type Facts = dyn SightFacts<Error = Infallible>;

/// The server's store, memory and tokens, shared by all handlers.
#[derive(Clone)]
pub(crate) struct Spine {
    pub(crate) store: Arc<Store>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tokens: Arc<Tokens>,
}

/// A request that writes.
pub(crate) trait WriteRequest: Message + Clone {
    const RPC: &'static str;
    fn take_request_id(&mut self) -> String;
}

/// A request that reads.
pub(crate) trait ReadRequest: Message {
    const RPC: &'static str;
    fn consistency(&self) -> Option<&Consistency>;
}

/// A request for a page.
pub(crate) trait PageRequest: ReadRequest + Clone {
    fn take_page(&mut self) -> (i32, String);
    fn take_consistency(&mut self);
}

macro_rules! writes {
    ($($request:ident, $rpc:literal;)*) => {$(
        impl WriteRequest for roster_api::v1::$request {
            const RPC: &'static str = $rpc;
            fn take_request_id(&mut self) -> String {
                std::mem::take(&mut self.request_id)
            }
        }
    )*};
}

macro_rules! reads {
    ($($request:ident, $rpc:literal;)*) => {$(
        impl ReadRequest for roster_api::v1::$request {
            const RPC: &'static str = $rpc;
            fn consistency(&self) -> Option<&Consistency> {
                self.consistency.as_ref()
            }
        }
    )*};
}

macro_rules! pages {
    ($($request:ident;)*) => {$(
        impl PageRequest for roster_api::v1::$request {
            fn take_page(&mut self) -> (i32, String) {
                (std::mem::take(&mut self.page_size), std::mem::take(&mut self.page_token))
            }
            fn take_consistency(&mut self) {
                self.consistency = None;
            }
        }
    )*};
}

writes! {
    CreateAccountRequest, "CreateAccount";
    UpdateAccountRequest, "UpdateAccount";
    DeleteAccountRequest, "DeleteAccount";
    CreateContactRequest, "CreateContact";
    UpdateContactRequest, "UpdateContact";
    DeleteContactRequest, "DeleteContact";
    AssociateContactsRequest, "AssociateContacts";
    DissociateContactRequest, "DissociateContact";
    SetPrimaryAccountRequest, "SetPrimaryAccount";
    TransferContactRequest, "TransferContact";
    UpdateAssociationRequest, "UpdateAssociation";
    RecordTicketsRequest, "RecordTickets";
    DeleteTicketsRequest, "DeleteTickets";
    UpdateSettingsRequest, "UpdateSettings";
}

reads! {
    GetAccountRequest, "GetAccount";
    LookupAccountsRequest, "LookupAccounts";
    ListAccountsRequest, "ListAccounts";
    ListAccountHeadingsRequest, "ListAccountHeadings";
    GetContactRequest, "GetContact";
    LookupContactsRequest, "LookupContacts";
    ListContactsRequest, "ListContacts";
    ListContactHeadingsRequest, "ListContactHeadings";
    PreviewDissociationRequest, "PreviewDissociation";
    ListAccountContactsRequest, "ListAccountContacts";
    ListContactAccountsRequest, "ListContactAccounts";
    GetTicketRequest, "GetTicket";
    ListTicketsRequest, "ListTickets";
    CheckTicketRequest, "CheckTicket";
    BatchCheckTicketsRequest, "BatchCheckTickets";
    ListVisibleTicketsRequest, "ListVisibleTickets";
    ListTicketViewersRequest, "ListTicketViewers";
    ExplainTicketRequest, "ExplainTicket";
    GetSettingsRequest, "GetSettings";
}

pages! {
    ListAccountsRequest;
    ListContactsRequest;
    ListAccountContactsRequest;
    ListContactAccountsRequest;
    ListTicketsRequest;
    ListVisibleTicketsRequest;
    ListTicketViewersRequest;
}

/// The organization of a call.
pub(crate) fn organization_of<T>(request: &Request<T>) -> Result<OrganizationName, Fault> {
    organization_text(request).map(OrganizationName::trusted)
}

/// The name of a call's organization.
fn organization_text<T>(request: &Request<T>) -> Result<&str, Fault> {
    let invalid = |what: &str| {
        Fault::new(
            tonic::Code::InvalidArgument,
            ErrorReason::OrganizationInvalid,
            format!("the metadata key {ORGANIZATION_KEY} {what}"),
        )
        .with("key", ORGANIZATION_KEY)
    };
    let mut given = request.metadata().get_all(ORGANIZATION_KEY).iter();
    let name = match given.next() {
        None => DEFAULT_ORGANIZATION,
        Some(value) => value.to_str().unwrap_or_default(),
    };
    if given.next().is_some() {
        return Err(invalid("is given twice"));
    }
    if OrganizationName::is_one(name) {
        Ok(name)
    } else {
        Err(invalid("must be 1 to 63 characters of a-z, 0-9 and -"))
    }
}

/// What a snapshot answers, and its moment; a fault where the caller has seen a moment that is lost.
fn of_moment<T>(
    snapshot: &mut Snapshot<'_>,
    fresh: Freshness,
    ask: impl FnOnce(&mut Snapshot<'_>) -> Result<Result<T, Fault>, StorageError>,
) -> Result<Result<(T, At), Fault>, StorageError> {
    if let Freshness::AtLeast(moment) = fresh
        && !snapshot.has_been(moment)?
    {
        return Ok(Err(lost()));
    }
    Ok(ask(snapshot)?.map(|answer| (answer, snapshot.at())))
}

/// What is read, if it comes a little before the caller's deadline: else the caller hears why not,
/// and when to try again.
async fn in_time<Q, T>(
    request: &Request<Q>,
    reading: impl Future<Output = Result<Result<T, Fault>, StorageError>>,
) -> Result<T, Fault> {
    let given = time_given(request.metadata().as_ref()).unwrap_or(READ_PATIENCE);
    match tokio::time::timeout(given / 10 * 9, reading).await {
        Ok(answered) => answered?,
        Err(_) => Err(fault::slow()),
    }
}

impl Spine {
    /// A write: parse, carry out or answer what was answered before, render.
    pub(crate) async fn write<Q, C, R>(
        &self,
        request: Request<Q>,
        parse: impl FnOnce(Q) -> Result<C, Fault>,
        render: impl Fn(&C::Answer, String) -> R + Send + Sync + 'static,
    ) -> Result<Response<R>, Status>
    where
        Q: WriteRequest,
        C: Command,
        R: Message + Default + 'static,
    {
        let organization = organization_of(&request)?;
        let mut message = request.into_inner();
        let request_id = message.take_request_id();
        let request = if request_id.is_empty() {
            None
        } else {
            let id =
                RequestId::parse(&request_id).map_err(|fault| of_text("request_id", &fault))?;
            Some(RequestKey {
                caller: LOCAL_CALLER.to_owned(),
                rpc: Q::RPC,
                request_id: id.to_string(),
                hash: *blake3::hash(&message.encode_to_vec()).as_bytes(),
            })
        };
        let origin = Origin {
            credential: LOCAL_CALLER.to_owned(),
            actor: String::new(),
            from: ChangeOrigin::CALL,
            request,
        };
        let command = parse(message)?;
        let tokens = Arc::clone(&self.tokens);
        let named = organization.clone();
        let render = Arc::new(move |answer: &C::Answer, at: At| -> R {
            render(answer, tokens.of(named.as_str(), at))
        });
        let encode = {
            let render = Arc::clone(&render);
            move |answer: &C::Answer, at: At| render(answer, at).encode_to_vec()
        };
        let done = self
            .store
            .execute(&organization, command, origin, encode)
            .await
            .map_err(Fault::from)?;
        let answer = match done {
            Done::Fresh(answer, at) => render(&answer, at),
            Done::Repeated(bytes) => R::decode(bytes.as_slice())
                .map_err(|error| Fault::from(StorageError::Defect(error.into())))?,
        };
        Ok(Response::new(answer))
    }

    /// A read of one moment: what it answers and that moment's token.
    pub(crate) async fn read<Q, T>(
        &self,
        request: &Request<Q>,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<Result<T, Fault>, StorageError> + Send + 'static,
    ) -> Result<(T, String), Fault>
    where
        Q: ReadRequest,
        T: Send + 'static,
    {
        let organization = organization_of(request)?;
        let fresh = self.freshness(organization.as_str(), request.get_ref())?;
        let (answer, at) = self.read_at(request, &organization, fresh, ask).await?;
        Ok((answer, self.tokens.of(organization.as_str(), at)))
    }

    /// As [`read`](Self::read), for a page in the order of an index, with memory at hand: it tells
    /// how contacts stand at the snapshot's moment, where it has that.
    pub(crate) async fn read_page<Q, T>(
        &self,
        request: &Request<Q>,
        ask: impl Fn(
            &mut Snapshot<'_>,
            &dyn Fn(ContactId, At) -> Option<Standing>,
        ) -> Result<Result<T, Fault>, StorageError>
        + Send
        + 'static,
    ) -> Result<(T, String), Fault>
    where
        Q: ReadRequest,
        T: Send + 'static,
    {
        let organization = organization_of(request)?;
        let fresh = self.freshness(organization.as_str(), request.get_ref())?;
        let (memory, name) = (Arc::clone(&self.memory), organization.clone());
        let asked = move |snapshot: &mut Snapshot<'_>| {
            of_moment(snapshot, fresh, |snapshot| {
                let standing = |contact, at| memory.standing(name.as_str(), contact, at);
                let answer = ask(snapshot, &standing)?;
                Ok(answer.map(|answer| (answer, snapshot.exists())))
            })
        };
        let reading = self.store.read_page(&organization, asked);
        let ((answer, exists), at) = in_time(request, reading).await?;
        self.memory.want(&organization, exists);
        Ok((answer, self.tokens.of(organization.as_str(), at)))
    }

    /// Judges by the facts of sight: those in memory, if they are there and fresh enough, else
    /// those of a snapshot, in which no facts are found but of this contact and these tickets.
    pub(crate) async fn sights<Q, K, T>(
        &self,
        request: &Request<Q>,
        contact: ContactId,
        keys: K,
        judge: impl Fn(&Facts, &[TicketKey]) -> T + Send + 'static,
    ) -> Result<(T, String), Fault>
    where
        Q: ReadRequest,
        K: AsRef<[TicketKey]> + Send + 'static,
        T: Send + 'static,
    {
        let name = organization_text(request)?;
        let fresh = self.freshness(name, request.get_ref())?;
        let judged = |facts: &_| judge(facts, keys.as_ref());
        if let Some((answer, at)) = self.memory.answer(name, fresh, |facts| judged(facts))? {
            return Ok((answer, self.tokens.of(name, at)));
        }
        let organization = OrganizationName::trusted(name);
        let from_snapshot = move |snapshot: &mut Snapshot<'_>| {
            let facts = snapshot.sight_facts(contact, keys.as_ref())?;
            Ok(Ok((judge(&facts, keys.as_ref()), snapshot.exists())))
        };
        // Boxed, so that an answer from memory does not carry its room about.
        let reading = Box::pin(self.read_at(request, &organization, fresh, from_snapshot));
        let ((answer, exists), at) = reading.await?;
        self.memory.missed(&organization, exists);
        Ok((answer, self.tokens.of(name, at)))
    }

    /// A snapshot's answer and its moment.
    async fn read_at<Q, T: Send + 'static>(
        &self,
        request: &Request<Q>,
        organization: &OrganizationName,
        fresh: Freshness,
        ask: impl FnOnce(&mut Snapshot<'_>) -> Result<Result<T, Fault>, StorageError> + Send + 'static,
    ) -> Result<(T, At), Fault> {
        let asked = move |snapshot: &mut Snapshot<'_>| of_moment(snapshot, fresh, ask);
        in_time(request, self.store.read(organization, asked)).await
    }

    /// How fresh a read must be. The database itself is the freshest: whatever a snapshot answers
    /// is fully consistent.
    fn freshness(&self, organization: &str, read: &impl ReadRequest) -> Result<Freshness, Fault> {
        match read.consistency().and_then(|c| c.requirement.as_ref()) {
            None | Some(Requirement::FullyConsistent(false)) => Ok(Freshness::Any),
            Some(Requirement::FullyConsistent(true)) => Ok(Freshness::Head),
            Some(Requirement::AtLeastAsFresh(token)) => {
                let moment = self.tokens.moment(organization, token)?;
                Ok(Freshness::AtLeast(moment))
            }
        }
    }

    /// What a request for a page asks for.
    pub(crate) fn page<Q: PageRequest>(&self, request: &Request<Q>) -> Result<Page, Fault> {
        let organization = organization_of(request)?;
        let mut filter = request.get_ref().clone();
        let (size, token) = filter.take_page();
        filter.take_consistency();
        let size = match usize::try_from(size) {
            Err(_) => {
                return Err(Fault::field(
                    "page_size",
                    ErrorReason::PageSizeInvalid,
                    "is negative: 0 is the default of 50, at most 1,000 are answered",
                )
                .with("found", size));
            }
            Ok(0) => PAGE_ITEMS_DEFAULT,
            Ok(size) => size.min(PAGE_ITEMS_MAX),
        };
        let binding = Binding::new(&organization, Q::RPC, &filter.encode_to_vec());
        let after = self.tokens.place(&binding, &token)?;
        Ok(Page {
            size,
            after,
            binding,
            tokens: Arc::clone(&self.tokens),
        })
    }
}

/// A page that is asked for.
pub(crate) struct Page {
    pub(crate) size: usize,
    pub(crate) after: Option<Place>,
    binding: Binding,
    tokens: Arc<Tokens>,
}

impl Page {
    /// How many rows to read to know whether there are more.
    pub(crate) fn rows(&self) -> usize {
        self.size + 1
    }

    /// Ends the page before it is too large, and names where the next begins.
    ///
    /// `rows` are up to [`rows`](Self::rows) of them, each with its place.
    pub(crate) fn fit<T: Message>(&self, rows: Vec<(Place, T)>) -> Result<(Vec<T>, String), Fault> {
        let more = rows.len() > self.size;
        self.fit_until(rows.into_iter().take(self.size).collect(), None, more)
    }

    /// As [`fit`](Self::fit) for a list that may end early: `examined` is the last place looked at,
    /// if there may be more behind it.
    pub(crate) fn fit_found<T: Message>(
        &self,
        rows: Vec<(Place, T)>,
        examined: Option<Place>,
    ) -> Result<(Vec<T>, String), Fault> {
        if rows.len() > self.size {
            return self.fit(rows);
        }
        let more = examined.is_some();
        self.fit_until(rows, examined, more)
    }

    /// As [`fit`](Self::fit) for a list that a rule filters: `examined` is the last row looked at.
    pub(crate) fn fit_until<T: Message>(
        &self,
        rows: Vec<(Place, T)>,
        examined: Option<Place>,
        more: bool,
    ) -> Result<(Vec<T>, String), Fault> {
        let mut bytes = 0;
        let mut items = Vec::with_capacity(rows.len());
        let mut last = None;
        let mut cut = false;
        for (place, item) in rows {
            // Of each item, its own bytes and those of its tag and length.
            bytes += item.encoded_len() + 8;
            if bytes > ANSWER_BYTES_MAX && !items.is_empty() {
                cut = true;
                break;
            }
            items.push(item);
            last = Some(place);
        }
        let next = if cut {
            last
        } else if more {
            examined.or(last)
        } else {
            None
        };
        let token = next.map(|place| self.tokens.page(&self.binding, &place));
        Ok((items, token.transpose()?.unwrap_or_default()))
    }
}
