//! AccountService.

use roster_api::v1::account_service_server::AccountService;
use roster_api::v1::{self, ErrorReason, account_key::Key};
use roster_core::fact::UniqueKey;
use roster_core::id::AccountId;
use roster_core::refusal::Refusal;
use roster_core::rules::account::{AccountPatch, CreateAccount, UpdateAccount};
use roster_core::rules::deletion::DeleteAccount;
use roster_core::rules::disposition::Disposition;
use roster_core::text::{ExternalId, Name, Website};
use roster_storage::PickedAccount;
use tonic::{Code, Request, Response, Status};

use crate::access::FurtherScopes;
use crate::fault::{ACCOUNT, Fault};
use crate::handler::{Handler, caller};
use crate::lookup;
use crate::mask::{self, AccountField, MaskField};
use crate::parse::{self, Parsed};
use crate::render;
use crate::token::{Place, parse_etag};

/// See the proto.
pub(crate) struct Accounts(pub(crate) Handler);

fn patch(given: &v1::Account, fields: &[AccountField]) -> Parsed<AccountPatch> {
    let mut patch = AccountPatch::default();
    for field in fields {
        let at = format!("account.{}", field.path());
        match field {
            AccountField::Name => patch.name = Some(parse::text(&at, &given.name, Name::parse)?),
            AccountField::NameReading => {
                let reading = parse::optional_text(&at, &given.name_reading, Name::parse)?;
                patch.name_reading = Some(reading);
            }
            AccountField::ExternalId => {
                let id = parse::optional_text(&at, &given.external_id, ExternalId::parse)?;
                patch.external_id = Some(id);
            }
            AccountField::Attributes => {
                patch.attributes = Some(parse::attributes(&at, &given.attributes)?);
            }
            AccountField::SharingMode => {
                patch.sharing_mode = Some(parse::sharing_mode(&at, given.sharing_mode)?);
            }
            AccountField::SharingRoles => {
                patch.sharing_roles = Some(parse::sharing_roles(&at, &given.sharing_roles)?);
            }
            AccountField::Website => {
                patch.website = Some(parse::optional_text(&at, &given.website, Website::parse)?);
            }
        }
    }
    Ok(patch)
}

fn create(request: v1::CreateAccountRequest) -> Parsed<CreateAccount> {
    let given = parse::required("account", request.account)?;
    parse::unset("account.id", given.id.is_empty())?;
    parse::unset("account.etag", given.etag.is_empty())?;
    parse::unset("account.create_time", given.create_time.is_none())?;
    parse::unset("account.update_time", given.update_time.is_none())?;
    Ok(CreateAccount {
        name: parse::text("account.name", &given.name, Name::parse)?,
        fields: patch(&given, AccountField::ALL)?,
    })
}

fn update(request: v1::UpdateAccountRequest) -> Parsed<UpdateAccount> {
    let given = parse::required("account", request.account)?;
    let fields = mask::parse(request.update_mask)?;
    Ok(UpdateAccount {
        id: parse::id("account.id", &given.id)?,
        patch: patch(&given, &fields)?,
        etag: parse_etag(&request.etag),
    })
}

fn delete(request: v1::DeleteAccountRequest) -> Parsed<DeleteAccount> {
    let disposition = parse::disposition(request.ticket_disposition, &request.move_to_account_id)?;
    if disposition == Some(Disposition::Keep) {
        return Err(Fault::field(
            "ticket_disposition",
            ErrorReason::DispositionInvalid,
            "cannot be KEEP_WITH_ACCOUNT: the account is deleted",
        ));
    }
    Ok(DeleteAccount {
        id: parse::id("id", &request.id)?,
        etag: parse_etag(&request.etag),
        dissociate_contacts: request.dissociate_contacts,
        disposition,
    })
}

/// A key of a lookup: an id or a unique key.
fn lookup_key(index: usize, key: &v1::AccountKey) -> Parsed<lookup::Key> {
    let path = |field: &str| format!("keys[{index}].{field}");
    match &key.key {
        None => Err(Fault::field(
            &format!("keys[{index}]"),
            ErrorReason::FieldRequired,
            "is empty: set id or external_id",
        )),
        Some(Key::Id(id)) => {
            let id: AccountId = parse::id(&path("id"), id)?;
            Ok(lookup::Key::Id(id.number()))
        }
        Some(Key::ExternalId(id)) => {
            let key = parse::text(&path("external_id"), id, ExternalId::parse)?;
            let unique = UniqueKey::of_account(&key);
            Ok(lookup::Key::Unique("external_id", id.clone(), unique))
        }
    }
}

fn not_found(key: &lookup::Key) -> Fault {
    match key {
        lookup::Key::Id(number) => Refusal::AccountNotFound(AccountId::new(*number)).into(),
        lookup::Key::Unique(name, text, _) => Fault::new(
            Code::NotFound,
            ErrorReason::AccountNotFound,
            format!("there is no account with the {name} {text}"),
        )
        .with(name, text)
        .about(ACCOUNT, text),
    }
}

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn create_account(
        &self,
        request: Request<v1::CreateAccountRequest>,
    ) -> Result<Response<v1::CreateAccountResponse>, Status> {
        self.0
            .write(request, create, |(id, account), written_token| {
                v1::CreateAccountResponse {
                    account: Some(render::account(*id, account)),
                    written_token,
                }
            })
            .await
    }

    async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Result<Response<v1::GetAccountResponse>, Status> {
        let id: AccountId = parse::id("id", &request.get_ref().id)?;
        let (account, read_token) = self
            .0
            .read(&request, move |at| {
                let found = at.accounts(&[id])?.pop();
                Ok(found
                    .map(|(id, account)| render::account(id, &account))
                    .ok_or_else(|| Refusal::AccountNotFound(id).into()))
            })
            .await?;
        Ok(Response::new(v1::GetAccountResponse {
            account: Some(account),
            read_token,
        }))
    }

    async fn lookup_accounts(
        &self,
        request: Request<v1::LookupAccountsRequest>,
    ) -> Result<Response<v1::LookupAccountsResponse>, Status> {
        let keys = &request.get_ref().keys;
        parse::batch("keys", keys)?;
        let keys = lookup::keys(keys, lookup_key);
        let (results, read_token) = self
            .0
            .read(&request, move |at| {
                let found = lookup::resolve(at, &keys, |at, numbers| {
                    let ids: Vec<_> = numbers.iter().map(|n| AccountId::new(*n)).collect();
                    let rows = at.accounts(&ids)?.into_iter();
                    Ok(rows
                        .map(|(id, row)| (id.number(), render::account(id, &row)))
                        .collect())
                })?;
                Ok(Ok(lookup::results(&keys, found, not_found)))
            })
            .await?;
        let results = results
            .into_iter()
            .map(|(account, error)| v1::LookupAccountsResult { account, error })
            .collect();
        Ok(Response::new(v1::LookupAccountsResponse {
            results,
            read_token,
        }))
    }

    async fn update_account(
        &self,
        request: Request<v1::UpdateAccountRequest>,
    ) -> Result<Response<v1::UpdateAccountResponse>, Status> {
        self.0
            .write(request, update, |(id, account), written_token| {
                v1::UpdateAccountResponse {
                    account: Some(render::account(*id, account)),
                    written_token,
                }
            })
            .await
    }

    async fn delete_account(
        &self,
        request: Request<v1::DeleteAccountRequest>,
    ) -> Result<Response<v1::DeleteAccountResponse>, Status> {
        caller(&request)?.require(request.get_ref().further_scopes())?;
        self.0
            .write(request, delete, |deleted, written_token| {
                v1::DeleteAccountResponse {
                    contacts_dissociated: render::count(deleted.contacts_dissociated),
                    tickets_changed: render::count(deleted.tickets_changed),
                    written_token,
                }
            })
            .await
    }

    async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Result<Response<v1::ListAccountsResponse>, Status> {
        let page = self.0.page(&request)?;
        let query = parse::query(&request.get_ref().query)?;
        let heading = parse::heading(&request.get_ref().heading)?;
        let (rows, after) = (page.rows(), page.after.clone().map(Place::name));
        let ((rows, examined), read_token) = self
            .0
            .read(&request, move |at| {
                let found = at.account_page(&query, heading, after.as_ref(), rows)?;
                let row = |(place, id, row): PickedAccount| {
                    (Place::from(place), render::account(id, &row))
                };
                let rows: Vec<_> = found.items.into_iter().map(row).collect();
                Ok(Ok((rows, found.examined.map(Place::from))))
            })
            .await?;
        let (accounts, next_page_token) = page.fit_found(rows, examined)?;
        Ok(Response::new(v1::ListAccountsResponse {
            accounts,
            next_page_token,
            read_token,
        }))
    }

    async fn list_account_headings(
        &self,
        request: Request<v1::ListAccountHeadingsRequest>,
    ) -> Result<Response<v1::ListAccountHeadingsResponse>, Status> {
        let query = parse::query(&request.get_ref().query)?;
        let (headings, read_token) = self
            .0
            .read(&request, move |at| {
                Ok(Ok(render::headings(at.account_headings(&query)?)))
            })
            .await?;
        Ok(Response::new(v1::ListAccountHeadingsResponse {
            headings,
            read_token,
        }))
    }
}
