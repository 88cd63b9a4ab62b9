//! The fields that a column of a spreadsheet may fill.

use std::fmt;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        /// A field of a row, as a mapping names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in a mapping and in an error.
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)*
                }
            }
        }
    };
}

fields! {
    /// Roster's id of the account.
    AccountId = "account.id";
    /// The account's id in another system.
    AccountExternalId = "account.external_id";
    /// The account's name.
    AccountName = "account.name";
    /// How the account's name is read.
    AccountNameReading = "account.name_reading";
    /// The account's website.
    AccountWebsite = "account.website";
    /// Roster's id of the contact.
    ContactId = "contact.id";
    /// The contact's id in another system.
    ContactExternalId = "contact.external_id";
    /// The family name.
    ContactFamilyName = "contact.family_name";
    /// The given name.
    ContactGivenName = "contact.given_name";
    /// The whole name, family name first.
    ContactName = "contact.name";
    /// How the family name is read.
    ContactFamilyNameReading = "contact.family_name_reading";
    /// How the given name is read.
    ContactGivenNameReading = "contact.given_name_reading";
    /// How the whole name is read.
    ContactNameReading = "contact.name_reading";
    /// An e-mail address; several columns may fill it.
    ContactEmail = "contact.email";
    /// The contact's telephone number.
    ContactPhone = "contact.phone";
    /// Whether the account is the contact's primary.
    AssociationPrimary = "association.primary";
    /// Whether the association sees the account's tickets.
    AssociationSeesAccountTickets = "association.sees_account_tickets";
    /// What the contact is at the account.
    AssociationRole = "association.role";
    /// The caller's id of the ticket.
    TicketId = "ticket.id";
    /// The subject.
    TicketSubject = "ticket.subject";
    /// Open or closed.
    TicketStatus = "ticket.status";
    /// The contacts in copy.
    TicketCc = "ticket.cc";
    /// Whether the ticket is private.
    TicketPrivate = "ticket.private";
    /// When the ticket was created.
    TicketCreateTime = "ticket.create_time";
}

impl Field {
    /// The field with this name in a mapping.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.path() == path)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}
