//! Why a rule says no. One value a reason; the wire renders each to a code, a reason and details.

use crate::count::counted;
use crate::fact::{Unavailable, UniqueKey};
use crate::id::{AccountId, ContactId, Pair};
use crate::text::TicketKey;

/// What a rule refuses, in words for the reader: what was wrong, where, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such account.
    #[error("there is no account {0}")]
    AccountNotFound(AccountId),
    /// No such contact.
    #[error("there is no contact {0}")]
    ContactNotFound(ContactId),
    /// The account is not the contact's.
    #[error("contact {} is not associated with account {}", .0.contact, .0.account)]
    AssociationNotFound(Pair),
    /// No such ticket.
    #[error("there is no ticket {:?}", .0.as_str())]
    TicketNotFound(TicketKey),
    /// `one-account`
    #[error(
        "contact {contact} already has account {has} and the organization allows one account a \
         contact: transfer the contact, or turn multiple_accounts on"
    )]
    OneAccount {
        /// The contact.
        contact: ContactId,
        /// The account that it has.
        has: AccountId,
    },
    /// `one-account`, when the setting is turned off
    #[error(
        "multiple_accounts cannot be turned off while {} several accounts: dissociate the secondary \
         ones first", have(*.contacts, "contact")
    )]
    SeveralAccounts {
        /// How many contacts have several.
        contacts: u64,
    },
    /// `accounts-per-contact`
    #[error(
        "contact {contact} has {} and accounts_per_contact_max allows {max}: dissociate it from \
         others first, or raise the setting", counted(*.has, "account")
    )]
    AccountsPerContact {
        /// The contact.
        contact: ContactId,
        /// How many it has: more than the limit where that was lowered.
        has: u64,
        /// The limit.
        max: u32,
    },
    /// `primary-stays`
    #[error(
        "account {} is the primary account of contact {}: set another primary account \
         (SetPrimaryAccount) first, or transfer the contact (TransferContact)",
        .0.account, .0.contact
    )]
    PrimaryStays(Pair),
    /// `transfer`, for a contact without an account
    #[error("contact {0} has no account to be transferred from: associate it instead")]
    NothingToTransfer(ContactId),
    /// `disposition-required`
    #[error(
        "contact {} has {} with account {}: say with ticket_disposition what becomes of them",
        pair.contact, counted(*.tickets, "ticket"), pair.account
    )]
    DispositionRequired {
        /// The association that would end.
        pair: Pair,
        /// How many tickets it has.
        tickets: u64,
    },
    /// `disposition-required`: the target is not one of the contact's accounts
    #[error("tickets cannot move to account {}: it is not one of contact {}'s accounts", .0.account, .0.contact)]
    TargetNotAssociated(Pair),
    /// `disposition-required`: the target is the account that is left
    #[error("tickets cannot move to account {0}: it is the account being left")]
    TargetIsLeft(AccountId),
    /// The etag that was sent is not the present one.
    #[error("this was changed since its etag was read: read it again and repeat")]
    EtagMismatch,
    /// A key is another record's.
    #[error("{} belongs to {owner} already", describe(.key))]
    KeyTaken {
        /// Which key.
        key: UniqueKey,
        /// The record that has it, as an id on the wire.
        owner: String,
    },
    /// The same address twice on one contact.
    #[error("the address {0} is given twice")]
    AddressRepeated(String),
    /// `record`: the requester is unknown
    #[error("there is no contact {0} to be the requester")]
    RequesterNotFound(ContactId),
    /// `record`: contacts in copy are unknown
    #[error("there {} {} to be in copy", if .0.len() == 1 { "is no contact" } else { "are no contacts" }, list(.0))]
    CopiesNotFound(Vec<ContactId>),
    /// `record`: the same ticket twice in one call
    #[error("ticket {:?} stands earlier in this call already", .0.as_str())]
    TicketRepeated(TicketKey),
    /// `auto-fill`: a given account is not the requester's
    #[error(
        "account {} is not one of the requester {}'s: leave account_id out, or set \
         allow_unassociated_account", .0.account, .0.contact
    )]
    NotRequestersAccount(Pair),
    /// `deletion`: something still depends on the record
    #[error(
        "{id} has {} and {}: say what becomes of them",
        counted(*.associations, "association"), counted(*.tickets, "ticket")
    )]
    StillInUse {
        /// The record, as an id on the wire.
        id: String,
        /// How many associations it has.
        associations: u64,
        /// How many tickets it has.
        tickets: u64,
    },
    /// `deletion`: the tickets would go to the contact that is deleted
    #[error("tickets cannot go to contact {0}: it is the contact being deleted")]
    RequesterIsDeleted(ContactId),
    /// An import's row names an account that is not there, by a key or a name
    #[error("there is no account with the {what} {text}: create it, or set create_missing")]
    AccountUnknown {
        /// `external_id` or `name`.
        what: &'static str,
        /// As the row has it.
        text: String,
    },
    /// An import's row names a contact that is not there, by a key or a name
    #[error("there is no contact with the {what} {text}: create it, or set create_missing")]
    ContactUnknown {
        /// `external_id`, `email` or `name`.
        what: &'static str,
        /// As the row has it.
        text: String,
    },
    /// An import's row names two records where it means one
    #[error(
        "the row means {found}, but its {what} belongs to {other}: correct one of them, or leave it \
         blank"
    )]
    IdentifiersDiffer {
        /// The record that the stronger identifier names, as an id on the wire.
        found: String,
        /// The weaker identifier: `external_id`, `email` or `name`.
        what: &'static str,
        /// Whose that is, as an id on the wire.
        other: String,
    },
    /// An import's row names several records by one name
    #[error(
        "several records have the name {name}, {} and {} among them: give an id, an external id or \
         an address", .candidates[0], .candidates[1]
    )]
    NameAmbiguous {
        /// As the row has it.
        name: String,
        /// Two that have it.
        candidates: [String; 2],
    },
    /// An import's row lacks what a new record needs
    #[error("{0} is empty: a new record needs it")]
    Missing(&'static str),
    /// An import's row does not say whom or what it means
    #[error("the row names no {what}, which {whose} needs: fill in a column that names it")]
    Unnamed {
        /// What is not named.
        what: &'static str,
        /// What cannot be without it.
        whose: &'static str,
        /// The first field that would name it.
        field: &'static str,
    },
    /// `associate-many`, all or nothing
    #[error("nothing was changed: {}", items(.refused, *.of))]
    Items {
        /// The items that are refused, at least one, each with its index in the call.
        refused: Vec<(usize, Refusal)>,
        /// How many items the call has.
        of: usize,
    },
}

fn describe(key: &UniqueKey) -> String {
    match key {
        UniqueKey::AccountExternalId(id) | UniqueKey::ContactExternalId(id) => {
            format!("the external id {id}")
        }
        UniqueKey::Email(email) => format!("the address {email}"),
        UniqueKey::Ticket(id) => format!("the ticket id {id}"),
    }
}

fn have(count: u64, thing: &str) -> String {
    let verb = if count == 1 { "has" } else { "have" };
    format!("{} {verb}", counted(count, thing))
}

fn items(refused: &[(usize, Refusal)], of: usize) -> String {
    let all = counted(of as u64, "item");
    match refused {
        [] => format!("none of {all} is refused"),
        [(index, why)] => format!("1 of {all} is refused, at index {index}: {why}"),
        [(index, why), ..] => format!(
            "{} of {all} are refused, the first of them at index {index}: {why}",
            refused.len()
        ),
    }
}

fn list(contacts: &[ContactId]) -> String {
    contacts
        .iter()
        .map(ContactId::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A command that was not carried out: nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A rule says no.
    #[error(transparent)]
    Rule(#[from] Refusal),
    /// The facts could not be read.
    #[error(transparent)]
    Facts(#[from] Unavailable),
}
