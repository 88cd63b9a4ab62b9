//! Visitors: contacts that ask for themselves, by a token that a help center minted for them.

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::fact::{Facts, Needs};
use crate::id::{AccountId, ContactId, Pair, TicketNo, Time};
use crate::refusal::Refused;
use crate::rules::contact_of;
use crate::rules::visibility::{
    AssociationFacts, ContactFacts, SharingFacts, TicketFacts, Unseen, Verdict, VisibilityFacts,
    VisibilitySettings, check_ticket,
};
use crate::text::TicketKey;

/// How far the clocks of two servers may differ without a revoked token being accepted.
pub const CLOCK_SKEW_MICROS: i64 = 5_000_000;

/// What a visitor token says besides its contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// When the token was issued.
    pub issue_time: Time,
    /// The only account whose sharing counts, if the token names one.
    pub account: Option<AccountId>,
}

/// The contact for which a call asks, and whether the contact itself asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The contact.
    pub contact: ContactId,
    /// The token of the contact; `None` if a service asks about the contact.
    pub visitor: Option<Visitor>,
}

/// A service asks about the contact.
impl From<ContactId> for Viewer {
    fn from(contact: ContactId) -> Self {
        Self {
            contact,
            visitor: None,
        }
    }
}

impl Visitor {
    /// **`visitor-gone`**: returns whether the token was revoked.
    pub fn is_revoked(&self, not_before: Option<Time>) -> bool {
        not_before.is_some_and(|not_before| self.issue_time <= not_before)
    }

    /// **`visitor-account`**: removes the accounts whose sharing does not count.
    pub fn narrow(&self, facts: &mut ContactFacts) {
        if let Some(only) = self.account {
            facts.accounts.retain(|account, _| *account == only);
        }
    }
}

/// When a token is issued: after the last revocation, whichever server's clock is ahead.
pub fn issue_time(now: Time, not_before: Option<Time>) -> Time {
    not_before.map_or(now, |not_before| now.max(later(not_before, 1)))
}

fn later(time: Time, micros: i64) -> Time {
    Time::from_micros(time.micros().saturating_add(micros))
}

/// The facts that count for a visitor whose token names an account.
struct OfAccount<'f, F: ?Sized> {
    facts: &'f F,
    only: AccountId,
}

impl<F: VisibilityFacts + ?Sized> VisibilityFacts for OfAccount<'_, F> {
    type Error = F::Error;

    fn settings(&self) -> Result<&VisibilitySettings, F::Error> {
        self.facts.settings()
    }

    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, F::Error> {
        self.facts.blocked(contact)
    }

    fn visitors_not_before(&self, contact: ContactId) -> Result<Option<Time>, F::Error> {
        self.facts.visitors_not_before(contact)
    }

    fn ticket(&self, key: &TicketKey) -> Result<Option<TicketFacts>, F::Error> {
        self.facts.ticket(key)
    }

    fn in_cc(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, F::Error> {
        self.facts.in_cc(ticket, contact)
    }

    fn association(&self, pair: Pair) -> Result<Option<AssociationFacts<'_>>, F::Error> {
        if pair.account == self.only {
            self.facts.association(pair)
        } else {
            Ok(None)
        }
    }

    fn sharing(&self, account: AccountId) -> Result<Option<SharingFacts<'_>>, F::Error> {
        self.facts.sharing(account)
    }
}

/// Decides visibility for a viewer: by [`check_ticket`], and for a visitor by three rules before it.
/// **`visitor-gone`**: a revoked token, or one of a deleted contact, sees nothing, not even a
/// refusal of a ticket. **`visitor-account`**: only the account of the token shares.
/// **`visitor-hidden`**: a ticket that does not exist is a hidden ticket.
pub fn check_ticket_of<F: VisibilityFacts + ?Sized>(
    facts: &F,
    viewer: &Viewer,
    ticket: &TicketKey,
) -> Result<Verdict, Unseen<F::Error>> {
    let contact = viewer.contact;
    let Some(visitor) = &viewer.visitor else {
        return check_ticket(facts, contact, ticket);
    };
    if visitor.is_revoked(facts.visitors_not_before(contact)?) {
        return Err(Unseen::UnknownContact);
    }
    let seen = match visitor.account {
        None => check_ticket(facts, contact, ticket),
        Some(only) => check_ticket(&OfAccount { facts, only }, contact, ticket),
    };
    match seen {
        Err(Unseen::UnknownTicket) => Ok(Verdict::UNKNOWN_TICKET),
        seen => seen,
    }
}

/// Revokes the visitor tokens of a contact that were issued so far.
#[derive(Clone, Debug)]
pub struct RevokeVisitorTokens {
    /// The contact.
    pub contact: ContactId,
}

impl Command for RevokeVisitorTokens {
    type Answer = ();
    const NAME: &'static str = "RevokeVisitorTokens";

    fn needs(&self, needs: &mut Needs) {
        needs.contacts.insert(self.contact);
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<()>, Refused> {
        let before = contact_of(facts, self.contact)?.record;
        let mut after = before.clone();
        let now = later(given.now, CLOCK_SKEW_MICROS);
        // Tokens issued since the last revocation may carry the time directly after it.
        after.visitors_not_before = Some(issue_time(now, before.visitors_not_before));
        after.update_time = given.now;
        let row = Row::Updated {
            key: self.contact,
            before,
            after,
        };
        Ok(Decision {
            changes: vec![Change::Contact(row)],
            answer: (),
        })
    }
}
