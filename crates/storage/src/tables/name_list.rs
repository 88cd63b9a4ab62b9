//! Rows of lists by name, and their places in the order of names.

use roster_core::id::{AccountId, ContactId};
use roster_core::names::{Heading, SearchQuery};
use roster_core::record::{Account, Association, Contact, Stored};

use crate::tables::listed::Listed;

/// What a picker shows.
pub(crate) struct Picking<'a> {
    pub(crate) listed: Listed,
    pub(crate) query: &'a SearchQuery,
    pub(crate) heading: Option<Heading>,
    /// Contacts alone: without those of this account.
    pub(crate) not_in: Option<AccountId>,
}

/// A place in a list by name: the sort key and the number of the last row examined.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamePlace {
    /// The row's sort key.
    pub sort_key: Vec<u8>,
    /// The row's number.
    pub number: u64,
}

/// A place in the list of a contact's accounts, whose first page begins with the primary.
///
/// Invariant: none is skipped or repeated, whatever becomes primary between two pages, since what
/// the list began with does not come again and all others come by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactAccountPlace {
    /// The account that the list began with.
    pub first: Option<AccountId>,
    /// The last name examined; the default, which is before every name, where that was the first.
    pub name: NamePlace,
}

/// A row of a picker's list that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) place: NamePlace,
    /// Whether the picker shows it, its heading aside.
    pub(crate) passes: bool,
}

impl Looked {
    /// What it is filed under: a sort key begins with its heading.
    pub(crate) fn heading(&self) -> Heading {
        let code = self.place.sort_key.first().copied();
        code.and_then(Heading::from_code).unwrap_or(Heading::Other)
    }
}

/// A contact of an account.
#[derive(Clone, Debug)]
pub struct AccountContact {
    /// Where it stands in the list.
    pub place: NamePlace,
    /// Which contact.
    pub id: ContactId,
    /// The contact.
    pub contact: Stored<Contact>,
    /// Its association with the account.
    pub association: Stored<Association>,
}

/// An account of a contact.
#[derive(Clone, Debug)]
pub struct ContactAccount {
    /// Where it stands by name.
    pub place: NamePlace,
    /// Which account.
    pub id: AccountId,
    /// The account.
    pub account: Stored<Account>,
    /// The contact's association with it.
    pub association: Stored<Association>,
}
