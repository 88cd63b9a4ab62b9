//! Each record's codec. See [`codec`](crate::tables::codec).

use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::names::{AccountNames, ContactNames, Derived};
use roster_core::record::{
    Account, Association, Attributes, Contact, SharingMode, Stored, Ticket, TicketStatus,
};
use roster_core::text::{Email, ExternalId, Name, Phone, Role, Subject, TicketKey, Website};

use crate::error::Result;
use crate::tables::cell::{Cell, ColumnType, Rows, Table};
#[cfg(test)]
use crate::tables::codec::Privacy;
use crate::tables::codec::{Logged, not_understood, record_codec};
use crate::tables::column::{Column, LogValue, RowKey, column};
use crate::tables::message;

record_codec! {
    /// An account as its table holds it.
    AccountRow for Account in accounts,
    key AccountId { account }
    columns {
        name = name: Name => (Text), Personal;
        name_reading = name_reading: Option<Name> => (Nullable<Text>), Personal;
        external_id = external_id: Option<ExternalId> => (Nullable<Text>), Personal;
        attributes = attributes: Attributes => (Text), Personal;
        sharing_mode = sharing_mode: Option<SharingMode> => (Nullable<BigInt>), Plain;
        sharing_roles = sharing_roles: Vec<Role> => (Text), Plain;
        website = website: Option<Website> => (Nullable<Text>), Personal;
        create_time = create_time: Time => (BigInt), Plain;
        update_time = update_time: Time => (BigInt), Plain;
    }
    beside {}
    derived {
        heading => BigInt, Int;
        sort_key => Binary, Bytes;
        name_key => Text, Text;
        search_text => Text, Text;
    }
    stamps {
        origin_kind;
        origin_id;
        creation_revision;
    }
}

record_codec! {
    /// A contact as its table holds it.
    ContactRow for Contact in contacts,
    key ContactId { contact }
    columns {
        family_name = family_name: Name => (Text), Personal;
        given_name = given_name: Option<Name> => (Nullable<Text>), Personal;
        family_name_reading = family_name_reading: Option<Name> => (Nullable<Text>), Personal;
        given_name_reading = given_name_reading: Option<Name> => (Nullable<Text>), Personal;
        emails = emails: Vec<Email> => (Text), Personal;
        external_id = external_id: Option<ExternalId> => (Nullable<Text>), Personal;
        attributes = attributes: Attributes => (Text), Personal;
        blocked = blocked: bool => (Bool), Plain;
        phone = phone: Option<Phone> => (Nullable<Text>), Personal;
        visitors_not_before = visitors_not_before: Option<Time> => (Nullable<BigInt>), Plain;
        create_time = create_time: Time => (BigInt), Plain;
        update_time = update_time: Time => (BigInt), Plain;
    }
    beside {}
    derived {
        heading => BigInt, Int;
        sort_key => Binary, Bytes;
        name_key => Text, Text;
        search_text => Text, Text;
    }
    stamps {
        origin_kind;
        origin_id;
        creation_revision;
    }
}

record_codec! {
    /// An association as its table holds it.
    AssociationRow for Association in associations,
    key Pair { contact, account }
    columns {
        is_primary = primary: bool => (Bool), Plain;
        sees_account_tickets = sees_account_tickets: bool => (Bool), Plain;
        role = role: Role => (Text), Personal;
        create_time = create_time: Time => (BigInt), Plain;
    }
    beside {}
    derived {}
    stamps {
        origin_kind;
        origin_id;
        creation_revision;
    }
}

record_codec! {
    /// A ticket as its table holds it.
    TicketRow for Ticket in tickets,
    key TicketNo { ticket }
    columns {
        id = key: TicketKey => (Text), Plain;
        requester = requester: ContactId => (BigInt), Plain;
        account = account: Option<AccountId> => (Nullable<BigInt>), Plain;
        subject = subject: Subject => (Text), Personal;
        closed = status: TicketStatus => (Bool), Plain;
        is_private = private: bool => (Bool), Plain;
        create_time = create_time: Time => (BigInt), Plain;
    }
    beside {
        cc: Vec<ContactId>;
    }
    derived {}
    stamps {}
}

/// Computes the derived columns of an account.
pub(crate) fn derived_of_account(account: &Account) -> Derived {
    Derived::of_account(&AccountNames {
        name: account.name.as_str(),
        reading: account.name_reading.as_ref().map(Name::as_str),
        external_id: account.external_id.as_ref().map(ExternalId::as_str),
    })
}

/// Computes the derived columns of a contact.
pub(crate) fn derived_of_contact(contact: &Contact) -> Derived {
    let emails: Vec<&str> = contact.emails.iter().map(Email::as_str).collect();
    Derived::of_contact(
        &ContactNames {
            family: contact.family_name.as_str(),
            given: contact.given_name.as_ref().map(Name::as_str),
            family_reading: contact.family_name_reading.as_ref().map(Name::as_str),
            given_reading: contact.given_name_reading.as_ref().map(Name::as_str),
            external_id: contact.external_id.as_ref().map(ExternalId::as_str),
            phone: contact.phone.as_ref().map(Phone::as_str),
        },
        &emails,
    )
}
