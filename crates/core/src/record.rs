//! The records that Roster stores, in the form that the rules use.

mod fields;

use std::collections::BTreeMap;

use crate::id::{AccountId, ContactId, Revision, Time};
use crate::text::{Email, ExternalId, Name, Phone, Role, Subject, TicketKey, Website};

pub(crate) use fields::Limited;
use fields::record_fields;

/// Custom attributes of a record: key to value, in key order.
pub type Attributes = BTreeMap<String, String>;

/// A stored record, with its etag: the revision that last wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<R> {
    /// The record.
    pub record: R,
    /// The revision that last wrote it.
    pub revision: Revision,
}

record_fields! {
    /// A company that is a customer (取引先).
    Account,
    /// Fields of an account to write; fields that are `None` keep their value.
    AccountPatch,
    required
    /// The name.
    name: Name;
    /// The reading of the name (ふりがな).
    name_reading: Option<Name>;
    /// The id in another system.
    external_id: Option<ExternalId>;
    /// Custom attributes.
    attributes: Attributes;
    /// Which contacts of the account see its tickets; `None` uses the organization's default.
    sharing_mode: Option<SharingMode>;
    /// The roles that see its tickets under [`SharingMode::Roles`].
    sharing_roles: Vec<Role>;
    /// The website.
    website: Option<Website>;
    [apart]
}

record_fields! {
    /// A person who sends tickets (連絡先).
    Contact,
    /// Fields of a contact to write; fields that are `None` keep their value.
    ContactPatch,
    required
    /// The family name.
    family_name: Name;
    /// The given name.
    given_name: Option<Name>;
    /// The reading of the family name.
    family_name_reading: Option<Name>;
    /// The reading of the given name.
    given_name_reading: Option<Name>;
    /// E-mail addresses in the caller's order; each belongs to at most one contact.
    emails: Vec<Email>;
    /// The id in another system.
    external_id: Option<ExternalId>;
    /// Custom attributes.
    attributes: Attributes;
    /// A blocked contact sees nothing.
    blocked: bool;
    /// The telephone number.
    phone: Option<Phone>;
    [apart]
    /// Visitor tokens that were issued until then are not accepted.
    visitors_not_before: Option<Time>;
}

impl Contact {
    /// Returns the full name, family name first, as [`person_key`](crate::names::person_key)
    /// expects it.
    pub fn full_name(&self) -> String {
        let given = self.given_name.as_ref().map_or("", Name::as_str);
        [self.family_name.as_str(), given].concat()
    }
}

/// A contact belongs to an account (関連付け). The pair is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Whether the account is the contact's primary (default) account.
    pub primary: bool,
    /// Read only under [`SharingMode::Granted`].
    pub sees_account_tickets: bool,
    /// Read only under [`SharingMode::Roles`].
    pub role: Role,
    /// When it was created.
    pub create_time: Time,
}

/// Facts about a ticket (問い合わせ) whose content is in another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The caller's ticket id.
    pub key: TicketKey,
    /// The contact who requested it.
    pub requester: ContactId,
    /// The ticket's account. Two tickets without an account share nothing.
    pub account: Option<AccountId>,
    /// Its subject.
    pub subject: Subject,
    /// Open or closed.
    pub status: TicketStatus,
    /// Whether the ticket is never visible through its account.
    pub private: bool,
    /// The contacts in CC, each once, in the caller's order.
    pub cc: Vec<ContactId>,
    /// When it was created in the caller's system.
    pub create_time: Time,
}

/// Whether a ticket is open or closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TicketStatus {
    /// Work on it continues.
    #[default]
    Open,
    /// Work on it is done.
    Closed,
}

/// Which contacts of an account see its tickets (公開範囲).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharingMode {
    /// Nobody.
    Nobody,
    /// Contacts whose association has the flag.
    Granted,
    /// Contacts whose role at the account is in the list.
    Roles,
    /// Every associated contact.
    Everyone,
}

/// The sharing of one account, before the organization's defaults apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// The account's own mode; `None` uses the organization's default mode and roles.
    pub mode: Option<SharingMode>,
    /// The account's own roles.
    pub roles: Vec<Role>,
}

/// An organization's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether a contact may have several accounts.
    pub multiple_accounts: bool,
    /// The maximum number of accounts of a contact, checked when an account is added.
    pub accounts_per_contact_max: u32,
    /// Whether tickets are visible through accounts at all.
    pub sharing_enabled: bool,
    /// The mode of accounts without a mode of their own.
    pub default_sharing_mode: SharingMode,
    /// The roles of the default mode.
    pub default_sharing_roles: Vec<Role>,
    /// The flag of new associations for which the caller sets no flag.
    pub new_associations_see_account_tickets: bool,
    /// Whether sharing requires the association to be primary.
    pub sharing_primary_only: bool,
}

/// The default of the limit on accounts of a contact: far above the number that a person has.
pub const ACCOUNTS_PER_CONTACT_DEFAULT: u32 = 300;
/// The highest value of that setting: a distributor may serve thousands.
pub const ACCOUNTS_PER_CONTACT_MAX: u32 = 10_000;

impl Default for Settings {
    /// By default, no contact sees a colleague's ticket until an association has the flag.
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
