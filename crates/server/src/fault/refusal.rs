//! Refusals of the rules as faults.

use roster_api::v1::ErrorReason;
use roster_core::fact::UniqueKey;
use roster_core::id::{AccountId, ContactId, Pair};
use roster_core::refusal::Refusal;
use tonic::Code;

use super::{Fault, reason_name};

/// The resource types of errors, as the API names them.
pub(crate) const ACCOUNT: &str = "roster.v1.Account";
pub(crate) const CONTACT: &str = "roster.v1.Contact";
const TICKET: &str = "roster.v1.Ticket";

fn account(fault: Fault, id: &AccountId) -> Fault {
    fault.with("account_id", id).about(ACCOUNT, id)
}

fn contact(fault: Fault, id: &ContactId) -> Fault {
    fault.with("contact_id", id).about(CONTACT, id)
}

fn pair(fault: Fault, pair: Pair) -> Fault {
    fault
        .with("account_id", pair.account)
        .with("contact_id", pair.contact)
}

/// The fault of each refusal. Each reason occurs once.
#[allow(clippy::too_many_lines, reason = "one total match: a table")]
pub(crate) fn of_refusal(refusal: &Refusal) -> Fault {
    use Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    use ErrorReason as Reason;
    let of = |code, reason| Fault::new(code, reason, refusal.to_string());
    match refusal {
        Refusal::AccountNotFound(id) => account(of(NotFound, Reason::AccountNotFound), id),
        Refusal::ContactNotFound(id) => contact(of(NotFound, Reason::ContactNotFound), id),
        Refusal::AssociationNotFound(of_pair) => {
            let name = format!("{},{}", of_pair.account, of_pair.contact);
            pair(of(NotFound, Reason::AssociationNotFound), *of_pair)
                .about("roster.v1.Association", name)
        }
        Refusal::TicketNotFound(key) => of(NotFound, Reason::TicketNotFound)
            .with("ticket_id", key.as_str())
            .about(TICKET, key.as_str()),
        Refusal::OneAccount { contact, has } => of(FailedPrecondition, Reason::OneAccount)
            .with("contact_id", contact)
            .with("account_id", has),
        Refusal::SeveralAccounts { contacts } => {
            of(FailedPrecondition, Reason::SeveralAccounts).with("contacts", contacts)
        }
        Refusal::AccountsPerContact { contact, has, max } => {
            of(FailedPrecondition, Reason::AccountsPerContact)
                .with("contact_id", contact)
                .with("accounts", has)
                .with("max", max)
        }
        Refusal::PrimaryStays(of_pair) => {
            pair(of(FailedPrecondition, Reason::PrimaryStays), *of_pair)
        }
        Refusal::NothingToTransfer(contact) => {
            of(FailedPrecondition, Reason::NothingToTransfer).with("contact_id", contact)
        }
        Refusal::DispositionRequired {
            pair: of_pair,
            tickets,
        } => pair(
            of(FailedPrecondition, Reason::DispositionRequired),
            *of_pair,
        )
        .with("tickets", tickets),
        Refusal::TargetNotAssociated(of_pair) => pair(
            of(FailedPrecondition, Reason::TargetNotAssociated),
            *of_pair,
        ),
        Refusal::TargetIsLeft(account) => of(InvalidArgument, Reason::TargetIsLeft)
            .at("move_to_account_id")
            .with("account_id", account),
        Refusal::RequesterIsDeleted(contact) => of(InvalidArgument, Reason::TargetIsLeft)
            .at("new_requester_id")
            .with("contact_id", contact),
        Refusal::StillInUse {
            id,
            associations,
            tickets,
        } => {
            let kind = if id.starts_with('a') {
                "account_id"
            } else {
                "contact_id"
            };
            of(FailedPrecondition, Reason::StillInUse)
                .with(kind, id)
                .with("associations", associations)
                .with("tickets", tickets)
        }
        Refusal::EtagMismatch => of(Aborted, Reason::EtagMismatch).at("etag"),
        Refusal::KeyTaken { key, owner } => {
            let path = match key {
                UniqueKey::AccountExternalId(_) => "account.external_id",
                UniqueKey::ContactExternalId(_) => "contact.external_id",
                UniqueKey::Email(_) => "contact.emails",
                UniqueKey::Ticket(_) => "id",
            };
            let kind = match key {
                UniqueKey::AccountExternalId(_) => ACCOUNT,
                UniqueKey::ContactExternalId(_) | UniqueKey::Email(_) => CONTACT,
                UniqueKey::Ticket(_) => TICKET,
            };
            of(AlreadyExists, Reason::KeyTaken)
                .at(path)
                .with("owner", owner)
                .about(kind, owner)
        }
        Refusal::AddressRepeated(_) => of(InvalidArgument, Reason::Repeated).at("contact.emails"),
        Refusal::RequesterNotFound(id) => contact(of(NotFound, Reason::RequesterNotFound), id),
        Refusal::CopiesNotFound(ids) => {
            let first = ids.first().map(ToString::to_string).unwrap_or_default();
            of(NotFound, Reason::CopiesNotFound)
                .with_list("contact_ids", ids)
                .about(CONTACT, first)
        }
        Refusal::TicketRepeated(_) => of(InvalidArgument, Reason::Repeated).at("id"),
        Refusal::NotRequestersAccount(of_pair) => pair(
            of(FailedPrecondition, Reason::NotRequestersAccount),
            *of_pair,
        ),
        Refusal::AccountUnknown { what, text } => {
            of(NotFound, Reason::AccountNotFound).with(what, text)
        }
        Refusal::ContactUnknown { what, text } => {
            of(NotFound, Reason::ContactNotFound).with(what, text)
        }
        Refusal::IdentifiersDiffer { found, what, other } => {
            of(InvalidArgument, Reason::IdentifiersDiffer)
                .with("found", found)
                .with("identifier", what)
                .with("other", other)
        }
        Refusal::NameAmbiguous { candidates, .. } => {
            of(FailedPrecondition, Reason::NameAmbiguous).with("candidates", candidates.join(","))
        }
        Refusal::Missing(field) | Refusal::Unnamed { field, .. } => {
            of(InvalidArgument, Reason::FieldRequired).at(field)
        }
        Refusal::Items { refused, of } => of_items(refusal, refused, *of),
    }
}

fn of_items(refusal: &Refusal, refused: &[(usize, Refusal)], of: usize) -> Fault {
    let first = refused.first().map(|(_, first)| of_refusal(first));
    let (code, reason) = first.map_or((Code::Internal, ErrorReason::Internal), |first| {
        (first.code, first.reason)
    });
    Fault::new(code, ErrorReason::AllOrNothing, refusal.to_string())
        .with("failed", refused.len())
        .with("items", of)
        .with_list("indexes", refused.iter().map(|(index, _)| index))
        .with("first_reason", reason_name(reason))
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        of_refusal(&refusal)
    }
}
