//! The further scopes of methods with `PLUS_BY_KIND`: those of the kinds of records that a request
//! concerns besides the kind of its method.

use roster_api::v1;
use roster_core::scope::{Scope, Scopes};
use roster_storage::ImportKind;

/// A request whose scopes depend on its fields.
pub(crate) trait FurtherScopes {
    /// The scopes besides that of the method.
    fn further_scopes(&self) -> Scopes;
}

/// Of a disposition that changes tickets.
fn disposition(given: i32) -> Scopes {
    let keeps = [
        v1::TicketDisposition::Unspecified,
        v1::TicketDisposition::KeepWithAccount,
    ];
    let keeps = keeps.iter().any(|kept| given == i32::from(*kept));
    when(!keeps, Scope::TicketsWrite)
}

fn when(needed: bool, scope: Scope) -> Scopes {
    if needed {
        Scopes::of(&[scope])
    } else {
        Scopes::default()
    }
}

impl FurtherScopes for v1::DeleteAccountRequest {
    fn further_scopes(&self) -> Scopes {
        when(self.dissociate_contacts, Scope::AssociationsWrite)
            .and(disposition(self.ticket_disposition))
    }
}

impl FurtherScopes for v1::DeleteContactRequest {
    fn further_scopes(&self) -> Scopes {
        let changes_tickets = self.delete_tickets || !self.new_requester_id.is_empty();
        when(self.dissociate_accounts, Scope::AssociationsWrite)
            .and(when(changes_tickets, Scope::TicketsWrite))
    }
}

impl FurtherScopes for v1::AssociateContactsRequest {
    fn further_scopes(&self) -> Scopes {
        when(self.adopt_unassigned_tickets, Scope::TicketsWrite)
    }
}

impl FurtherScopes for v1::DissociateContactRequest {
    fn further_scopes(&self) -> Scopes {
        disposition(self.ticket_disposition)
    }
}

impl FurtherScopes for v1::TransferContactRequest {
    fn further_scopes(&self) -> Scopes {
        disposition(self.ticket_disposition)
    }
}

impl FurtherScopes for v1::ImportConfig {
    fn further_scopes(&self) -> Scopes {
        let scopes: &[Scope] = match v1::ImportKind::try_from(self.kind) {
            Ok(v1::ImportKind::Accounts) => &[Scope::AccountsWrite],
            Ok(v1::ImportKind::Contacts) => &[Scope::ContactsWrite, Scope::AssociationsWrite],
            Ok(v1::ImportKind::Associations) => &[Scope::AssociationsWrite],
            Ok(v1::ImportKind::Tickets) => &[Scope::TicketsWrite],
            // The parser refuses it.
            Ok(v1::ImportKind::Unspecified) | Err(_) => &[],
        };
        let creates = [Scope::AccountsWrite, Scope::ContactsWrite];
        let created = if self.create_missing {
            Scopes::of(&creates)
        } else {
            Scopes::default()
        };
        Scopes::of(scopes).and(created)
    }
}

impl FurtherScopes for ImportKind {
    /// Of a download of its rejected rows.
    fn further_scopes(&self) -> Scopes {
        Scopes::of(match self {
            Self::Accounts => &[Scope::AccountsRead],
            Self::Contacts => &[Scope::ContactsRead, Scope::AssociationsRead],
            Self::Associations => &[Scope::AssociationsRead],
            Self::Tickets => &[Scope::TicketsRead],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(request: &impl FurtherScopes) -> Vec<&'static str> {
        request.further_scopes().iter().map(Scope::name).collect()
    }

    #[test]
    fn a_disposition_needs_tickets_write_unless_it_keeps_the_tickets() {
        for (given, needed) in [
            (v1::TicketDisposition::Unspecified, &[][..]),
            (v1::TicketDisposition::KeepWithAccount, &[]),
            (v1::TicketDisposition::MoveToPrimary, &["tickets:write"]),
            (v1::TicketDisposition::MoveToAccount, &["tickets:write"]),
            (v1::TicketDisposition::ClearAccount, &["tickets:write"]),
        ] {
            let ticket_disposition = given.into();
            let dissociate = v1::DissociateContactRequest {
                ticket_disposition,
                ..Default::default()
            };
            assert_eq!(names(&dissociate), needed, "{given:?}");
            let delete = v1::DeleteAccountRequest {
                ticket_disposition,
                ..Default::default()
            };
            assert_eq!(names(&delete), needed, "{given:?}");
        }
    }

    #[test]
    fn an_import_needs_the_write_scope_of_every_kind_that_it_may_write() {
        let mut config = v1::ImportConfig {
            kind: v1::ImportKind::Associations.into(),
            ..Default::default()
        };
        assert_eq!(names(&config), ["associations:write"]);
        config.create_missing = true;
        let all = ["accounts:write", "contacts:write", "associations:write"];
        assert_eq!(names(&config), all);
    }
}
