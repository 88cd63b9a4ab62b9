//! Limits on numbers of things; those on texts stand in [`text`](crate::text).

/// Items of one batch: as many as a page, so that what was listed can be written at once.
pub const BATCH_ITEMS_MAX: usize = 1_000;
/// Contacts on a ticket's copy list: mail servers refuse longer ones.
pub const COPIES_MAX: usize = 100;
/// E-mail addresses of a contact: more is a distribution list, not a person.
pub const EMAILS_MAX: usize = 10;
/// Free attributes of a record: as many as a form that somebody still fills in.
pub const ATTRIBUTES_MAX: usize = 50;
/// Characters of an attribute's key.
pub const ATTRIBUTE_KEY_CHARS_MAX: usize = 64;
/// Characters of an attribute's value.
pub const ATTRIBUTE_VALUE_CHARS_MAX: usize = 1_000;
/// Characters of all keys and values of a record together: a record stays a record, no document.
pub const ATTRIBUTES_CHARS_MAX: usize = 8_000;
/// Roles that an account shares with: a company has fewer kinds of people.
pub const SHARING_ROLES_MAX: usize = 50;
