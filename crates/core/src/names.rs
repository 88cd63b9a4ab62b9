//! Names and readings: which names are equal, which heading a picker shows, and how a search finds
//! them.
//!
//! The values that the database stores next to a name are derived here, only from the name, so that
//! the database needs no knowledge of names.
//!
//! | question | answer | file |
//! | --- | --- | --- |
//! | Are these two external ids or e-mail addresses equal? | [`fold()`] | `fold.rs` |
//! | Are these two names equal? | [`name_key()`], [`person_key`] | `name_key.rs` |
//! | What is a legal form, and how is it written? | [`LEGAL_FORMS`] | `legal_form.rs` |
//! | Under which heading does a picker show it? | [`Heading`] | `heading.rs` |
//! | Where is it in the order of a list? | [`sort_key()`] | `sort_key.rs` |
//! | Does a query find it? | [`search_text`], [`SearchQuery`], [`grams`] | `search.rs` |
//! | All of these for one account or contact | [`Derived`] | `derived.rs` |
//!
//! The answers are stored, so a change to them is a change of the stored data: see [`DERIVATION`].

mod derived;
mod fold;
mod heading;
mod legal_form;
mod name_key;
mod search;
mod sort_key;
mod spelling;

pub use derived::{AccountNames, ContactNames, DERIVATION, Derived};
pub use fold::fold;
pub use heading::Heading;
pub use legal_form::{LEGAL_FORMS, LegalForm};
pub use name_key::{name_key, person_key};
pub use search::{Field, Gram, NAME_START, OTHER_START, SearchQuery, grams, search_text};
pub use sort_key::{SORT_KEY_BYTES_MAX, sort_key};
