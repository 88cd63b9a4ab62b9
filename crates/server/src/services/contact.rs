//! ContactService.

use roster_api::v1::contact_service_server::ContactService;
use roster_api::v1::{self, ErrorReason, contact_key::Key};
use roster_core::fact::UniqueKey;
use roster_core::id::{AccountId, ContactId};
use roster_core::limit;
use roster_core::refusal::Refusal;
use roster_core::rules::contact::{ContactPatch, CreateContact, UpdateContact};
use roster_core::rules::deletion::{DeleteContact, RequestedTickets};
use roster_core::text::{Email, ExternalId, Name, Phone};
use roster_storage::{PickedContact, Snapshot, StorageError};
use tonic::{Code, Request, Response, Status};

use crate::access::FurtherScopes;
use crate::fault::{CONTACT, Fault};
use crate::handler::{Handler, caller};
use crate::lookup;
use crate::mask::{self, ContactField, MaskField};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::{Place, parse_etag};

/// See the proto.
pub(crate) struct Contacts(pub(crate) Handler);

fn patch(given: &v1::Contact, fields: &[ContactField]) -> Parsed<ContactPatch> {
    let mut patch = ContactPatch::default();
    let name = |at: &str, text: &str| parse::optional_text(at, text, Name::parse).map(Some);
    for field in fields {
        let at = format!("contact.{}", field.path());
        match field {
            ContactField::FamilyName => {
                patch.family_name = Some(parse::text(&at, &given.family_name, Name::parse)?);
            }
            ContactField::GivenName => patch.given_name = name(&at, &given.given_name)?,
            ContactField::FamilyNameReading => {
                patch.family_name_reading = name(&at, &given.family_name_reading)?;
            }
            ContactField::GivenNameReading => {
                patch.given_name_reading = name(&at, &given.given_name_reading)?;
            }
            ContactField::Emails => patch.emails = Some(emails(&at, &given.emails)?),
            ContactField::ExternalId => {
                let id = parse::optional_text(&at, &given.external_id, ExternalId::parse)?;
                patch.external_id = Some(id);
            }
            ContactField::Attributes => {
                patch.attributes = Some(parse::attributes(&at, &given.attributes)?);
            }
            ContactField::Blocked => patch.blocked = Some(given.blocked),
            ContactField::Phone => {
                patch.phone = Some(parse::optional_text(&at, &given.phone, Phone::parse)?);
            }
        }
    }
    Ok(patch)
}

fn emails(path: &str, given: &[String]) -> Parsed<Vec<Email>> {
    parse::at_most(path, given, limit::EMAILS_MAX)?;
    let email = |(index, email): (usize, &String)| {
        parse::text(&format!("{path}[{index}]"), email, Email::parse)
    };
    given.iter().enumerate().map(email).collect()
}

fn create(request: v1::CreateContactRequest) -> Parsed<CreateContact> {
    let given = parse::required("contact", request.contact)?;
    parse::unset("contact.id", given.id.is_empty())?;
    parse::unset("contact.etag", given.etag.is_empty())?;
    parse::unset("contact.create_time", given.create_time.is_none())?;
    parse::unset("contact.update_time", given.update_time.is_none())?;
    Ok(CreateContact {
        family_name: parse::text("contact.family_name", &given.family_name, Name::parse)?,
        fields: patch(&given, ContactField::ALL)?,
    })
}

fn update(request: v1::UpdateContactRequest) -> Parsed<UpdateContact> {
    let given = parse::required("contact", request.contact)?;
    let fields = mask::parse(request.update_mask)?;
    Ok(UpdateContact {
        id: parse::id("contact.id", &given.id)?,
        patch: patch(&given, &fields)?,
        etag: parse_etag(&request.etag),
    })
}

fn delete(request: v1::DeleteContactRequest) -> Parsed<DeleteContact> {
    let heir = parse::optional_id("new_requester_id", &request.new_requester_id)?;
    let tickets = match (request.delete_tickets, heir) {
        (true, Some(_)) => {
            return Err(Fault::field(
                "new_requester_id",
                ErrorReason::DispositionInvalid,
                "is set together with delete_tickets: set only one of them",
            ));
        }
        (true, None) => Some(RequestedTickets::Delete),
        (false, heir) => heir.map(RequestedTickets::Reassign),
    };
    Ok(DeleteContact {
        id: parse::id("id", &request.id)?,
        etag: parse_etag(&request.etag),
        dissociate_accounts: request.dissociate_accounts,
        tickets,
    })
}

/// Refuses an unknown account of a picker.
fn check_account(
    at: &mut Snapshot<'_>,
    account: Option<AccountId>,
) -> Result<Result<(), Fault>, StorageError> {
    match account {
        Some(id) if at.accounts(&[id])?.is_empty() => Ok(Err(Refusal::AccountNotFound(id).into())),
        _ => Ok(Ok(())),
    }
}

/// A key of a lookup: an id or a unique key.
fn lookup_key(index: usize, key: &v1::ContactKey) -> Parsed<lookup::Key> {
    let path = |field: &str| format!("keys[{index}].{field}");
    match &key.key {
        None => Err(Fault::field(
            &format!("keys[{index}]"),
            ErrorReason::FieldRequired,
            "is empty: set id, external_id or email",
        )),
        Some(Key::Id(id)) => {
            let id: ContactId = parse::id(&path("id"), id)?;
            Ok(lookup::Key::Id(id.number()))
        }
        Some(Key::ExternalId(id)) => {
            let key = parse::text(&path("external_id"), id, ExternalId::parse)?;
            let unique = UniqueKey::of_contact(&key);
            Ok(lookup::Key::Unique("external_id", id.clone(), unique))
        }
        Some(Key::Email(email)) => {
            let key = parse::text(&path("email"), email, Email::parse)?;
            let unique = UniqueKey::of_email(&key);
            Ok(lookup::Key::Unique("email", email.clone(), unique))
        }
    }
}

fn not_found(key: &lookup::Key) -> Fault {
    match key {
        lookup::Key::Id(number) => Refusal::ContactNotFound(ContactId::new(*number)).into(),
        lookup::Key::Unique(name, text, _) => Fault::new(
            Code::NotFound,
            ErrorReason::ContactNotFound,
            format!("there is no contact with the {name} {text}"),
        )
        .with(name, text)
        .about(CONTACT, text),
    }
}

#[tonic::async_trait]
impl ContactService for Contacts {
    async fn create_contact(
        &self,
        request: Request<v1::CreateContactRequest>,
    ) -> Result<Response<v1::CreateContactResponse>, Status> {
        self.0
            .write(request, create, |(id, contact), written_token| {
                v1::CreateContactResponse {
                    contact: Some(render::contact(*id, contact)),
                    written_token,
                }
            })
            .await
    }

    async fn get_contact(
        &self,
        request: Request<v1::GetContactRequest>,
    ) -> Result<Response<v1::GetContactResponse>, Status> {
        let id: ContactId = parse::id("id", &request.get_ref().id)?;
        let (contact, read_token) = self
            .0
            .read(&request, move |at| {
                let found = at.contacts(&[id])?.pop();
                Ok(found
                    .map(|(id, contact)| render::contact(id, &contact))
                    .ok_or_else(|| Refusal::ContactNotFound(id).into()))
            })
            .await?;
        Ok(Response::new(v1::GetContactResponse {
            contact: Some(contact),
            read_token,
        }))
    }

    async fn lookup_contacts(
        &self,
        request: Request<v1::LookupContactsRequest>,
    ) -> Result<Response<v1::LookupContactsResponse>, Status> {
        let keys = &request.get_ref().keys;
        parse::batch("keys", keys)?;
        let keys = lookup::keys(keys, lookup_key);
        let (results, read_token) = self
            .0
            .read(&request, move |at| {
                let found = lookup::resolve(at, &keys, |at, numbers| {
                    let ids: Vec<_> = numbers.iter().map(|n| ContactId::new(*n)).collect();
                    let rows = at.contacts(&ids)?.into_iter();
                    Ok(rows
                        .map(|(id, row)| (id.number(), render::contact(id, &row)))
                        .collect())
                })?;
                Ok(Ok(lookup::results(&keys, found, not_found)))
            })
            .await?;
        let results = results
            .into_iter()
            .map(|(contact, error)| v1::LookupContactsResult { contact, error })
            .collect();
        Ok(Response::new(v1::LookupContactsResponse {
            results,
            read_token,
        }))
    }

    async fn update_contact(
        &self,
        request: Request<v1::UpdateContactRequest>,
    ) -> Result<Response<v1::UpdateContactResponse>, Status> {
        self.0
            .write(request, update, |(id, contact), written_token| {
                v1::UpdateContactResponse {
                    contact: Some(render::contact(*id, contact)),
                    written_token,
                }
            })
            .await
    }

    async fn delete_contact(
        &self,
        request: Request<v1::DeleteContactRequest>,
    ) -> Result<Response<v1::DeleteContactResponse>, Status> {
        caller(&request)?.require(request.get_ref().further_scopes())?;
        self.0
            .write(request, delete, |deleted, written_token| {
                v1::DeleteContactResponse {
                    accounts_dissociated: render::count(deleted.accounts_dissociated),
                    tickets_deleted: render::count(deleted.tickets_deleted),
                    tickets_reassigned: render::count(deleted.tickets_reassigned),
                    written_token,
                }
            })
            .await
    }

    async fn list_contacts(
        &self,
        request: Request<v1::ListContactsRequest>,
    ) -> Result<Response<v1::ListContactsResponse>, Status> {
        let page = self.0.page(&request)?;
        let query = parse::query(&request.get_ref().query)?;
        let not_in = parse::optional_id("not_in_account_id", &request.get_ref().not_in_account_id)?;
        let heading = parse::heading(&request.get_ref().heading)?;
        let (rows, after) = (page.rows(), page.after.clone().map(Place::name));
        let ((rows, examined), read_token) = self
            .0
            .read(&request, move |at| {
                if let Err(fault) = check_account(at, not_in)? {
                    return Ok(Err(fault));
                }
                let found = at.contact_page(&query, heading, not_in, after.as_ref(), rows)?;
                let row = |(place, id, row): PickedContact| {
                    (Place::from(place), render::contact(id, &row))
                };
                let rows: Vec<_> = found.items.into_iter().map(row).collect();
                Ok(Ok((rows, found.examined.map(Place::from))))
            })
            .await?;
        let (contacts, next_page_token) = page.fit_found(rows, examined)?;
        Ok(Response::new(v1::ListContactsResponse {
            contacts,
            next_page_token,
            read_token,
        }))
    }

    async fn list_contact_headings(
        &self,
        request: Request<v1::ListContactHeadingsRequest>,
    ) -> Result<Response<v1::ListContactHeadingsResponse>, Status> {
        let query = parse::query(&request.get_ref().query)?;
        let not_in = parse::optional_id("not_in_account_id", &request.get_ref().not_in_account_id)?;
        let (headings, read_token) = self
            .0
            .read(&request, move |at| {
                if let Err(fault) = check_account(at, not_in)? {
                    return Ok(Err(fault));
                }
                Ok(Ok(render::headings(at.contact_headings(&query, not_in)?)))
            })
            .await?;
        Ok(Response::new(v1::ListContactHeadingsResponse {
            headings,
            read_token,
        }))
    }
}
