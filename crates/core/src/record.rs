//! The records that Roster keeps, as the rules see them.

mod fields;

use std::collections::BTreeMap;

use crate::id::{AccountId, ContactId, Revision, Time};
use crate::text::{Email, ExternalId, Name, Phone, Role, Subject, TicketKey, Website};

pub(crate) use fields::Limited;
use fields::record_fields;

/// Free attributes of a record: key to value, in key order.
pub type Attributes = BTreeMap<String, String>;

/// A record as stored, with the revision that last wrote it: its etag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<R> {
    /// The record.
    pub record: R,
    /// The revision that last wrote it.
    pub revision: Revision,
}

record_fields! {
    /// A company that is served (取引先).
    Account,
    /// Fields of an account to write; fields that are `None` stay as they are.
    AccountPatch,
    required
    /// The name.
    name: Name;
    /// How the name is read (ふりがな).
    name_reading: Option<Name>;
    /// The id in another system.
    external_id: Option<ExternalId>;
    /// Free attributes.
    attributes: Attributes;
    /// Who of the account sees its tickets; `None` takes the organization's default.
    sharing_mode: Option<SharingMode>;
    /// The roles that see its tickets under [`SharingMode::Roles`].
    sharing_roles: Vec<Role>;
    /// The website.
    website: Option<Website>;
}

record_fields! {
    /// A person who sends tickets (連絡先).
    Contact,
    /// Fields of a contact to write; fields that are `None` stay as they are.
    ContactPatch,
    required
    /// The family name.
    family_name: Name;
    /// The given name.
    given_name: Option<Name>;
    /// How the family name is read.
    family_name_reading: Option<Name>;
    /// How the given name is read.
    given_name_reading: Option<Name>;
    /// E-mail addresses in the order given; each belongs to at most one contact.
    emails: Vec<Email>;
    /// The id in another system.
    external_id: Option<ExternalId>;
    /// Free attributes.
    attributes: Attributes;
    /// A blocked contact sees nothing.
    blocked: bool;
    /// The telephone number.
    phone: Option<Phone>;
}

impl Contact {
    /// The name, family name first, as [`person_key`](crate::names::person_key) takes it.
    pub fn full_name(&self) -> String {
        let given = self.given_name.as_ref().map_or("", Name::as_str);
        [self.family_name.as_str(), given].concat()
    }
}

/// One contact belongs to one account (関連付け); its pair is its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Whether the account stands for the contact.
    pub primary: bool,
    /// Looked at under [`SharingMode::Granted`] alone.
    pub sees_account_tickets: bool,
    /// Looked at under [`SharingMode::Roles`] alone.
    pub role: Role,
    /// When it was created.
    pub create_time: Time,
}

/// Facts about a ticket (問い合わせ) that lives in another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The caller's id of it.
    pub key: TicketKey,
    /// Whose it is.
    pub requester: ContactId,
    /// The account that it stands under; none is equal to no other none.
    pub account: Option<AccountId>,
    /// Its subject.
    pub subject: Subject,
    /// Open or closed.
    pub status: TicketStatus,
    /// Never shown through the account.
    pub private: bool,
    /// The contacts in copy, each once, in the order given.
    pub copies: Vec<ContactId>,
    /// When it was created in the caller's system.
    pub create_time: Time,
}

/// Whether a ticket is still worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TicketStatus {
    /// Being worked on.
    #[default]
    Open,
    /// Done.
    Closed,
}

/// Who of an account sees the account's tickets (公開範囲).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharingMode {
    /// Nobody.
    Nobody,
    /// Contacts whose association is marked.
    Granted,
    /// Contacts whose role at the account is listed.
    Roles,
    /// Every associated contact.
    Everyone,
}

/// Who sees what of one account, with the organization's defaults not yet applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// None: the organization's default mode and roles.
    pub mode: Option<SharingMode>,
    /// The account's own roles.
    pub roles: Vec<Role>,
}

/// An organization's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether a contact may have several accounts.
    pub multiple_accounts: bool,
    /// How many accounts a contact may have, asked when one is added.
    pub accounts_per_contact_max: u32,
    /// The switch over everything seen through an account.
    pub sharing_enabled: bool,
    /// The mode of accounts without one of their own.
    pub default_sharing_mode: SharingMode,
    /// The roles that go with the default mode.
    pub default_sharing_roles: Vec<Role>,
    /// The flag of an association that does not say.
    pub new_associations_see_account_tickets: bool,
    /// Whether only the primary association counts.
    pub sharing_primary_only: bool,
}

/// How many accounts a contact may have out of the box: far above any person's.
pub const ACCOUNTS_PER_CONTACT_DEFAULT: u32 = 300;
/// How many the setting may allow: a distributor may serve thousands.
pub const ACCOUNTS_PER_CONTACT_MAX: u32 = 10_000;

impl Default for Settings {
    /// Out of the box nobody sees a colleague's ticket until an association is marked.
    fn default() -> Self {
        Self {
            multiple_accounts: false,
            accounts_per_contact_max: ACCOUNTS_PER_CONTACT_DEFAULT,
            sharing_enabled: true,
            default_sharing_mode: SharingMode::Granted,
            default_sharing_roles: Vec::new(),
            new_associations_see_account_tickets: false,
            sharing_primary_only: false,
        }
    }
}
