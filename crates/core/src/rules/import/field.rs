//! The fields that spreadsheet columns can fill.

use std::fmt;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {
        /// A field of a row, with its name in a mapping.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// All fields.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns its name in a mapping and in an error.
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
    /// The reading of the account's name.
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
    /// The reading of the family name.
    ContactFamilyNameReading = "contact.family_name_reading";
    /// The reading of the given name.
    ContactGivenNameReading = "contact.given_name_reading";
    /// The reading of the whole name.
    ContactNameReading = "contact.name_reading";
    /// An e-mail address; several columns may fill it.
    ContactEmail = "contact.email";
    /// The contact's telephone number.
    ContactPhone = "contact.phone";
    /// Whether the account is the contact's primary.
    AssociationPrimary = "association.primary";
    /// Whether the association lets the contact see the account's tickets.
    AssociationSeesAccountTickets = "association.sees_account_tickets";
    /// The contact's role at the account.
    AssociationRole = "association.role";
    /// The caller's id of the ticket.
    TicketId = "ticket.id";
    /// The subject.
    TicketSubject = "ticket.subject";
    /// Open or closed.
    TicketStatus = "ticket.status";
    /// The contacts in CC.
    TicketCc = "ticket.cc";
    /// Whether the ticket is private.
    TicketPrivate = "ticket.private";
    /// When the ticket was created.
    TicketCreateTime = "ticket.create_time";
}

impl Field {
    /// Returns the field with this name in a mapping.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.path() == path)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}
