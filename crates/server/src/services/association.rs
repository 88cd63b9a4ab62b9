//! AssociationService.

use roster_api::v1;
use roster_api::v1::association_service_server::AssociationService;
use roster_core::id::{AccountId, ContactId, Pair};
use roster_core::record::{Association, Stored};
use roster_core::refusal::Refusal;
use roster_core::rules::association::{
    AssociateAnswer, AssociateContacts, Associated, SetPrimaryAccount, UpdateAssociation, Wanted,
};
use roster_core::rules::disposition::{DissociateContact, TransferContact};
use roster_core::text::Role;
use roster_storage::{ContactAccountPlace, NamePlace};
use tonic::{Request, Response, Status};

use crate::access::FurtherScopes;
use crate::fault::{Fault, of_refusal};
use crate::handler::{Handler, caller};
use crate::mask::{self, AssociationField};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::{Place, parse_etag, preview_etag};

/// See the proto.
pub(crate) struct Associations(pub(crate) Handler);

fn pair(prefix: &str, account: &str, contact: &str) -> Parsed<Pair> {
    Ok(Pair {
        account: parse::id(&format!("{prefix}account_id"), account)?,
        contact: parse::id(&format!("{prefix}contact_id"), contact)?,
    })
}

fn associate(request: v1::AssociateContactsRequest) -> Parsed<AssociateContacts> {
    parse::batch("contacts", &request.contacts)?;
    let wanted = |(index, given): (usize, &v1::ContactToAssociate)| {
        Ok(Wanted {
            contact: parse::id(&format!("contacts[{index}].contact_id"), &given.contact_id)?,
            sees_account_tickets: given.sees_account_tickets,
            role: parse::text(&format!("contacts[{index}].role"), &given.role, Role::parse)?,
        })
    };
    Ok(AssociateContacts {
        account: parse::id("account_id", &request.account_id)?,
        contacts: request
            .contacts
            .iter()
            .enumerate()
            .map(wanted)
            .collect::<Parsed<_>>()?,
        all_or_nothing: request.all_or_nothing,
        adopt_unassigned_tickets: request.adopt_unassigned_tickets,
    })
}

fn associated(answer: &AssociateAnswer, written_token: String) -> v1::AssociateContactsResponse {
    let result = |(contact, result): &(ContactId, Associated)| {
        use v1::AssociateOutcome as Outcome;
        let of = |stored: &Stored<Association>| {
            let pair = Pair {
                contact: *contact,
                account: answer.account,
            };
            Some(render::association(pair, stored))
        };
        let (outcome, association, error) = match result {
            Associated::Created(made) => (Outcome::Created, of(made), None),
            Associated::Already(there) => (Outcome::AlreadyAssociated, of(there), None),
            Associated::Duplicate(there) => (Outcome::Duplicate, of(there), None),
            Associated::Failed(refusal) => {
                (Outcome::Failed, None, Some(of_refusal(refusal).item()))
            }
        };
        v1::AssociateContactsResult {
            contact_id: contact.to_string(),
            outcome: outcome.into(),
            association,
            error,
        }
    };
    v1::AssociateContactsResponse {
        results: answer.results.iter().map(result).collect(),
        tickets_adopted: render::count(answer.tickets_adopted),
        written_token,
    }
}

fn update(request: v1::UpdateAssociationRequest) -> Parsed<UpdateAssociation> {
    let given = parse::required("association", request.association)?;
    let mut command = UpdateAssociation {
        pair: pair("association.", &given.account_id, &given.contact_id)?,
        sees_account_tickets: None,
        role: None,
        etag: parse_etag(&request.etag),
    };
    for field in mask::parse(request.update_mask)? {
        match field {
            AssociationField::SeesAccountTickets => {
                command.sees_account_tickets = Some(given.sees_account_tickets);
            }
            AssociationField::Role => {
                command.role = Some(parse::text("association.role", &given.role, Role::parse)?);
            }
        }
    }
    Ok(command)
}

#[tonic::async_trait]
impl AssociationService for Associations {
    async fn associate_contacts(
        &self,
        request: Request<v1::AssociateContactsRequest>,
    ) -> Result<Response<v1::AssociateContactsResponse>, Status> {
        caller(&request)?.require(request.get_ref().further_scopes())?;
        self.0.write(request, associate, associated).await
    }

    async fn preview_dissociation(
        &self,
        request: Request<v1::PreviewDissociationRequest>,
    ) -> Result<Response<v1::PreviewDissociationResponse>, Status> {
        let asked = pair(
            "",
            &request.get_ref().account_id,
            &request.get_ref().contact_id,
        )?;
        let key = self.0.tokens.preview_key();
        let (preview, read_token) = self
            .0
            .read(&request, move |at| {
                Ok(at.preview(asked, &key)?.map_err(Fault::from))
            })
            .await?;
        Ok(Response::new(v1::PreviewDissociationResponse {
            tickets_open: render::count(preview.tickets_open),
            tickets_closed: render::count(preview.tickets_closed),
            still_visible_as_requester: render::count(preview.still_visible_as_requester),
            still_visible_as_cc: render::count(preview.still_visible_as_cc),
            etag: preview_etag(&preview.digest),
            read_token,
        }))
    }

    async fn dissociate_contact(
        &self,
        request: Request<v1::DissociateContactRequest>,
    ) -> Result<Response<v1::DissociateContactResponse>, Status> {
        caller(&request)?.require(request.get_ref().further_scopes())?;
        let key = self.0.tokens.preview_key();
        let parse = move |request: v1::DissociateContactRequest| {
            Ok(DissociateContact {
                pair: pair("", &request.account_id, &request.contact_id)?,
                leaving: parse::leaving(
                    request.ticket_disposition,
                    &request.move_to_account_id,
                    request.ticket_scope,
                    &request.etag,
                    key,
                )?,
            })
        };
        self.0
            .write(request, parse, |tickets_changed, written_token| {
                v1::DissociateContactResponse {
                    tickets_changed: render::count(*tickets_changed),
                    written_token,
                }
            })
            .await
    }

    async fn set_primary_account(
        &self,
        request: Request<v1::SetPrimaryAccountRequest>,
    ) -> Result<Response<v1::SetPrimaryAccountResponse>, Status> {
        let parse = |request: v1::SetPrimaryAccountRequest| {
            let pair = pair("", &request.account_id, &request.contact_id)?;
            Ok(SetPrimaryAccount { pair })
        };
        self.0
            .write(request, parse, |(pair, association), written_token| {
                v1::SetPrimaryAccountResponse {
                    association: Some(render::association(*pair, association)),
                    written_token,
                }
            })
            .await
    }

    async fn transfer_contact(
        &self,
        request: Request<v1::TransferContactRequest>,
    ) -> Result<Response<v1::TransferContactResponse>, Status> {
        caller(&request)?.require(request.get_ref().further_scopes())?;
        let key = self.0.tokens.preview_key();
        let parse = move |request: v1::TransferContactRequest| {
            Ok(TransferContact {
                contact: parse::id("contact_id", &request.contact_id)?,
                to: parse::id("to_account_id", &request.to_account_id)?,
                sees_account_tickets: request.sees_account_tickets,
                role: parse::text("role", &request.role, Role::parse)?,
                leaving: parse::leaving(
                    request.ticket_disposition,
                    &request.move_to_account_id,
                    request.ticket_scope,
                    &request.etag,
                    key,
                )?,
            })
        };
        self.0
            .write(request, parse, |transferred, written_token| {
                v1::TransferContactResponse {
                    association: Some(render::association(
                        transferred.pair,
                        &transferred.association,
                    )),
                    tickets_changed: render::count(transferred.tickets_changed),
                    written_token,
                }
            })
            .await
    }

    async fn update_association(
        &self,
        request: Request<v1::UpdateAssociationRequest>,
    ) -> Result<Response<v1::UpdateAssociationResponse>, Status> {
        self.0
            .write(request, update, |(pair, association), written_token| {
                v1::UpdateAssociationResponse {
                    association: Some(render::association(*pair, association)),
                    written_token,
                }
            })
            .await
    }

    async fn list_account_contacts(
        &self,
        request: Request<v1::ListAccountContactsRequest>,
    ) -> Result<Response<v1::ListAccountContactsResponse>, Status> {
        let account: AccountId = parse::id("account_id", &request.get_ref().account_id)?;
        let page = self.0.page(&request)?;
        let (rows, after) = (page.rows(), page.after.clone().map(Place::name));
        let (found, read_token) = self
            .0
            .read(&request, move |at| {
                if at.accounts(&[account])?.is_empty() {
                    return Ok(Err(Refusal::AccountNotFound(account).into()));
                }
                let found = at.account_contacts(account, after.as_ref(), rows)?;
                let rows = found.into_iter().map(|row| {
                    let contact = row.id;
                    let of = Pair { contact, account };
                    let person = render::contact(contact, &row.contact);
                    let shown = v1::AccountContact {
                        association: Some(render::association(of, &row.association)),
                        family_name: person.family_name,
                        given_name: person.given_name,
                        blocked: person.blocked,
                    };
                    (row.place.into(), shown)
                });
                Ok(Ok(rows.collect()))
            })
            .await?;
        let (associations, next_page_token) = page.fit(found)?;
        Ok(Response::new(v1::ListAccountContactsResponse {
            associations,
            next_page_token,
            read_token,
        }))
    }

    async fn list_contact_accounts(
        &self,
        request: Request<v1::ListContactAccountsRequest>,
    ) -> Result<Response<v1::ListContactAccountsResponse>, Status> {
        let contact: ContactId = parse::id("contact_id", &request.get_ref().contact_id)?;
        let page = self.0.page(&request)?;
        let (rows, after) = (page.rows(), page.after.clone().map(Place::contact_account));
        let (found, read_token) = self
            .0
            .read(&request, move |at| {
                if at.contacts(&[contact])?.is_empty() {
                    return Ok(Err(Refusal::ContactNotFound(contact).into()));
                }
                let found = at.contact_accounts(contact, after.as_ref(), rows)?;
                let first = match &after {
                    None => found.first().map(|row| row.id),
                    Some(after) => after.first,
                };
                let rows = found.into_iter().map(|row| {
                    let account = row.id;
                    let begins = first == Some(account);
                    let name = if begins {
                        NamePlace::default()
                    } else {
                        row.place
                    };
                    let place = ContactAccountPlace { first, name };
                    let shown = v1::ContactAccount {
                        association: Some(render::association(
                            Pair { contact, account },
                            &row.association,
                        )),
                        account_name: row.account.record.name.to_string(),
                    };
                    (place.into(), shown)
                });
                Ok(Ok(rows.collect()))
            })
            .await?;
        let (associations, next_page_token) = page.fit(found)?;
        Ok(Response::new(v1::ListContactAccountsResponse {
            associations,
            next_page_token,
            read_token,
        }))
    }
}
