//! Rows of lists by name, and their places in the name order.

use roster_core::id::{AccountId, ContactId};
use roster_core::names::{Heading, SearchQuery};
use roster_core::record::{Account, Association, Contact, Stored};

use crate::tables::listed::Listed;

/// The filter of a picker.
pub(crate) struct Picking<'a> {
    pub(crate) listed: Listed,
    pub(crate) query: &'a SearchQuery,
    pub(crate) heading: Option<Heading>,
    /// Only for contacts: excludes contacts of this account.
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
/// Invariant: no account is skipped or repeated, even if the primary changes between two pages: the
/// first account of the list is not repeated, and all others follow by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactAccountPlace {
    /// The first account of the list.
    pub first: Option<AccountId>,
    /// The last name examined; the default, which precedes every name, if only the first account
    /// was.
    pub name: NamePlace,
}

/// An examined row of a picker's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) place: NamePlace,
    /// Whether the row passes the filter, apart from its heading.
    pub(crate) passes: bool,
}

impl Looked {
    /// Its heading, with which its sort key begins.
    pub(crate) fn heading(&self) -> Heading {
        let code = self.place.sort_key.first().copied();
        code.and_then(Heading::from_code).unwrap_or(Heading::Other)
    }
}

/// A contact of an account.
#[derive(Clone, Debug)]
pub struct AccountContact {
    /// Its place in the list.
    pub place: NamePlace,
    /// Its number.
    pub id: ContactId,
    /// The contact.
    pub contact: Stored<Contact>,
    /// Its association with the account.
    pub association: Stored<Association>,
}

/// An account of a contact.
#[derive(Clone, Debug)]
pub struct ContactAccount {
    /// Its place by name.
    pub place: NamePlace,
    /// Its number.
    pub id: AccountId,
    /// The account.
    pub account: Stored<Account>,
    /// The contact's association with it.
    pub association: Stored<Association>,
}
