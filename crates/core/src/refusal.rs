//! Why a rule refuses a command. Each variant becomes a code, a reason and details on the wire.

use crate::count::counted;
use crate::fact::{Unavailable, UniqueKey};
use crate::id::{AccountId, ContactId, Pair};
use crate::text::TicketKey;

/// A refusal of a rule. The message says what was wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The account does not exist.
    #[error("there is no account {0}")]
    AccountNotFound(AccountId),
    /// The contact does not exist.
    #[error("there is no contact {0}")]
    ContactNotFound(ContactId),
    /// The contact is not associated with the account.
    #[error("contact {} is not associated with account {}", .0.contact, .0.account)]
    AssociationNotFound(Pair),
    /// The ticket does not exist.
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
        /// How many contacts have several accounts.
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
        /// How many accounts it has: above the limit if the limit was lowered.
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
        "contact {} has {} with account {}: set ticket_disposition to say what happens to them",
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
    /// `disposition-required`: the target is the account that the contact leaves
    #[error("tickets cannot move to account {0}: the contact is leaving it")]
    TargetIsLeft(AccountId),
    /// The etag is not the current one.
    #[error("the record changed after its etag was read: read it again and retry")]
    EtagMismatch,
    /// Another record has the key.
    #[error("{} already belongs to {owner}", describe(.key))]
    KeyTaken {
        /// The key.
        key: UniqueKey,
        /// The record that has it, as an id on the wire.
        owner: String,
    },
    /// A contact has the same address twice.
    #[error("the address {0} appears twice: send it once")]
    AddressRepeated(String),
    /// `record`: the requester does not exist
    #[error("the requester, contact {0}, does not exist")]
    RequesterNotFound(ContactId),
    /// `record`: contacts in CC do not exist
    #[error("these contacts in CC do not exist: {}", list(.0))]
    CopiesNotFound(Vec<ContactId>),
    /// `record`: one call contains the same ticket twice
    #[error("ticket {:?} appears earlier in this call: send each ticket once", .0.as_str())]
    TicketRepeated(TicketKey),
    /// `auto-fill`: the account is not one of the requester's
    #[error(
        "account {} is not one of the requester {}'s: leave account_id out, or set \
         allow_unassociated_account", .0.account, .0.contact
    )]
    NotRequestersAccount(Pair),
    /// `deletion`: associations or tickets depend on the record
    #[error(
        "{id} has {} and {}: say in the request what happens to them",
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
    /// `deletion`: the new requester is the contact being deleted
    #[error("tickets cannot go to contact {0}: it is the contact being deleted")]
    RequesterIsDeleted(ContactId),
    /// A row of an import identifies an account that does not exist, by a key or a name
    #[error("there is no account with the {what} {text}: create it, or set create_missing")]
    AccountUnknown {
        /// `external_id` or `name`.
        what: &'static str,
        /// The text in the row.
        text: String,
    },
    /// A row of an import identifies a contact that does not exist, by a key or a name
    #[error("there is no contact with the {what} {text}: create it, or set create_missing")]
    ContactUnknown {
        /// `external_id`, `email` or `name`.
        what: &'static str,
        /// The text in the row.
        text: String,
    },
    /// A row of an import identifies two different records
    #[error(
        "the row means {found}, but its {what} belongs to {other}: correct one of them, or leave it \
         blank"
    )]
    IdentifiersDiffer {
        /// The record of the stronger identifier, as an id on the wire.
        found: String,
        /// The weaker identifier: `external_id`, `email` or `name`.
        what: &'static str,
        /// The record of the weaker identifier, as an id on the wire.
        other: String,
    },
    /// The name in a row of an import fits several records
    #[error(
        "several records have the name {name}, {} and {} among them: give an id, an external id or \
         an address", .candidates[0], .candidates[1]
    )]
    NameAmbiguous {
        /// The name in the row.
        name: String,
        /// Two records that have the name.
        candidates: [String; 2],
    },
    /// A row of an import lacks a value that a new record needs
    #[error("{0} is empty: a new record needs it")]
    Missing(&'static str),
    /// A row of an import does not identify a record that it needs
    #[error("the row names no {what}, which {whose} needs: fill in a column that names it")]
    Unnamed {
        /// The missing record.
        what: &'static str,
        /// The record that needs it.
        whose: &'static str,
        /// The first field that could identify it.
        field: &'static str,
    },
    /// `associate-many` with `all_or_nothing`
    #[error("nothing was changed: {}", items(.refused, *.of))]
    Items {
        /// The refused items, at least one, each with its index in the call.
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

/// A command that failed and changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A rule refused it.
    #[error(transparent)]
    Rule(#[from] Refusal),
    /// The facts could not be read.
    #[error(transparent)]
    Facts(#[from] Unavailable),
}
