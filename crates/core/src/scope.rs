//! Scopes: what a credential may do, and the sets of scopes that it can be created with.

use std::fmt;

/// Declares the scopes: the one list of names, variants and descriptions.
macro_rules! scopes {
    ($($variant:ident = $name:literal, $about:literal;)+) => {
        /// What a call may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scope {
            $(#[doc = $about] $variant,)+
        }

        impl Scope {
            /// All scopes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name: `accounts:read`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns what the scope allows, in a sentence without a full stop.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)+ }
            }
        }
    };
}

scopes! {
    AccountsRead = "accounts:read", "Read accounts";
    AccountsWrite = "accounts:write", "Create, update and delete accounts";
    ContactsRead = "contacts:read", "Read contacts";
    ContactsWrite = "contacts:write", "Create, update and delete contacts";
    AssociationsRead = "associations:read", "Read which contacts belong to which accounts";
    AssociationsWrite = "associations:write", "Associate, dissociate and transfer contacts";
    TicketsRead = "tickets:read", "Read tickets, whoever sees them";
    TicketsWrite = "tickets:write", "Record, move and delete tickets";
    VisibilityRead = "visibility:read", "Check and list what a contact sees";
    VisibilityExplain = "visibility:explain", "Explain visibility and list viewers, for staff";
    VisibilityWatch = "visibility:watch", "Watch what a contact sees; no method needs it yet";
    VisitorsMint = "visitors:mint", "Mint and revoke visitor tokens";
    ImportsRead = "imports:read", "Read imports and their rejected rows";
    ImportsWrite = "imports:write", "Start imports";
    HistoryRead = "history:read", "Read who changed and who read data";
    HistoryUndo = "history:undo", "Undo change sets; no method needs it yet";
    SettingsRead = "settings:read", "Read the settings";
    SettingsWrite = "settings:write", "Update the settings";
    CrmRead = "crm:read", "Read the connection to a CRM; no method needs it yet";
    CrmWrite = "crm:write", "Manage the connection to a CRM; no method needs it yet";
    PrivacyExport = "privacy:export", "Export the data of a person; no method needs it yet";
    PrivacyErase = "privacy:erase", "Erase the data of a person; no method needs it yet";
    CredentialsRead = "credentials:read", "Read the credentials of the organization";
    CredentialsWrite = "credentials:write", "Manage the credentials of the organization";
    ActorAssert = "actor:assert", "Name the actor of a call";
    Admin = "admin", "Manage organizations and all credentials, without access to data";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Scope {
    /// Finds a scope by its exact name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name)
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// Some scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u64);

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl Scopes {
    /// The scopes of these.
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut next) = (0, 0);
        while next < scopes.len() {
            bits |= scopes[next].bit();
            next += 1;
        }
        Self(bits)
    }

    /// Returns whether these are no scopes.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether a scope is among these.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Returns whether these allow a call that needs a scope. `admin` also manages credentials.
    pub const fn allow(self, needed: Scope) -> bool {
        let manages = matches!(needed, Scope::CredentialsRead | Scope::CredentialsWrite);
        self.has(needed) || manages && self.has(Scope::Admin)
    }

    /// Returns these and others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Returns the scopes that are among these and among others.
    #[must_use]
    pub const fn within(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Returns the first of these that is not among others.
    pub fn first_beyond(self, others: Self) -> Option<Scope> {
        Self(self.0 & !others.0).iter().next()
    }

    /// Returns these, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .iter()
            .copied()
            .filter(move |scope| self.has(*scope))
    }
}

/// The scopes that read data, but not who sees it.
const READS: Scopes = Scopes::of(&[
    Scope::AccountsRead,
    Scope::ContactsRead,
    Scope::AssociationsRead,
    Scope::TicketsRead,
    Scope::VisibilityRead,
    Scope::ImportsRead,
    Scope::SettingsRead,
]);

/// The scopes that write records.
const WRITES: Scopes = Scopes::of(&[
    Scope::AccountsWrite,
    Scope::ContactsWrite,
    Scope::AssociationsWrite,
    Scope::TicketsWrite,
]);

/// A named set of scopes, so that nobody lists twenty. A credential stores the scopes and not the
/// set: a set that grows in a later version gives nothing to existing credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeSet {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a sentence without a full stop.
    pub about: &'static str,
    /// Its scopes.
    pub scopes: Scopes,
}

impl ScopeSet {
    /// All sets. `privacy:export` and `privacy:erase` are in none of them.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "portal",
            about: "A help center",
            scopes: Scopes::of(&[Scope::VisitorsMint, Scope::VisibilityRead]),
        },
        Self {
            name: "reader",
            about: "A service that reads",
            scopes: READS,
        },
        Self {
            name: "agent",
            about: "A help desk that staff work in",
            scopes: READS
                .and(WRITES)
                .and(Scopes::of(&[Scope::VisibilityExplain, Scope::ActorAssert])),
        },
        Self {
            name: "importer",
            about: "A service that loads data",
            scopes: READS.and(WRITES).and(Scopes::of(&[Scope::ImportsWrite])),
        },
        Self {
            name: "auditor",
            about: "A review of who sees and who changed what",
            scopes: Scopes::of(&[Scope::HistoryRead, Scope::VisibilityExplain]),
        },
        Self {
            name: "owner",
            about: "All of one organization, with its credentials",
            scopes: READS.and(WRITES).and(Scopes::of(&[
                Scope::VisibilityExplain,
                Scope::VisibilityWatch,
                Scope::VisitorsMint,
                Scope::ImportsWrite,
                Scope::HistoryRead,
                Scope::HistoryUndo,
                Scope::SettingsWrite,
                Scope::CrmRead,
                Scope::CrmWrite,
                Scope::CredentialsRead,
                Scope::CredentialsWrite,
                Scope::ActorAssert,
            ])),
        },
    ];

    /// Finds the scopes of a name: of a scope, or of a set.
    pub fn scopes_of_name(name: &str) -> Option<Scopes> {
        let set = Self::ALL.iter().find(|set| set.name == name);
        set.map(|set| set.scopes)
            .or_else(|| Scope::of_name(name).map(|scope| Scopes::of(&[scope])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_found_by_its_exact_name_only() {
        for scope in Scope::ALL {
            assert_eq!(Scope::of_name(scope.name()), Some(*scope));
        }
        for other in [
            "",
            "*",
            "accounts",
            "accounts:*",
            "Accounts:read",
            "accounts:read ",
        ] {
            assert_eq!(ScopeSet::scopes_of_name(other), None, "{other:?}");
        }
        assert!(Scope::ALL.len() <= 64, "the bits of a number");
    }

    #[test]
    fn the_scopes_about_privacy_and_administration_are_in_no_set() {
        for set in ScopeSet::ALL {
            for scope in [Scope::PrivacyExport, Scope::PrivacyErase, Scope::Admin] {
                assert!(!set.scopes.has(scope), "{}", set.name);
            }
        }
    }

    #[test]
    fn an_owner_has_every_scope_of_the_other_sets() {
        let owner = ScopeSet::scopes_of_name("owner").expect("a set");
        for set in ScopeSet::ALL {
            assert_eq!(set.scopes.first_beyond(owner), None, "{}", set.name);
        }
    }

    #[test]
    fn an_administrator_manages_credentials_and_reads_no_data() {
        let admin = Scopes::of(&[Scope::Admin]);
        for scope in Scope::ALL {
            let manages = ["admin", "credentials:read", "credentials:write"];
            assert_eq!(
                admin.allow(*scope),
                manages.contains(&scope.name()),
                "{scope}"
            );
        }
    }
}
