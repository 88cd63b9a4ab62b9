//! Limits on counts. Limits on texts are in [`text`](crate::text).

/// Items in one batch: one page, so that a listed page can be written in one call.
pub const BATCH_ITEMS_MAX: usize = 1_000;
/// Contacts in CC of a ticket: mail servers refuse longer lists.
pub const CC_MAX: usize = 100;
/// E-mail addresses of a contact: more indicate a distribution list, not a person.
pub const EMAILS_MAX: usize = 10;
/// Custom attributes of a record: more than a form that people fill in has.
pub const ATTRIBUTES_MAX: usize = 50;
/// Characters of an attribute's key.
pub const ATTRIBUTE_KEY_CHARS_MAX: usize = 64;
/// Characters of an attribute's value.
pub const ATTRIBUTE_VALUE_CHARS_MAX: usize = 1_000;
/// Characters of all keys and values of a record together: a record is not a document.
pub const ATTRIBUTES_CHARS_MAX: usize = 8_000;
/// Roles that an account shares with: a company has fewer kinds of role.
pub const SHARING_ROLES_MAX: usize = 50;
