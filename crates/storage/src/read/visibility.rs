//! Visibility from a snapshot: fetches the facts of a question, in a number of statements that does
//! not depend on the items, and then applies the rule of core.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;

use roster_core::id::{AccountId, ContactId, Pair, TicketNo, Time};
use roster_core::organization::RevisionId;
use roster_core::record::{Sharing, Ticket};
use roster_core::rules::visibility::{
    AssociationFacts, ContactFacts, HeldAssociation, HeldSharing, SharingFacts, TicketFacts,
    Verdict, VisibilityFacts, VisibilitySettings, check_ticket,
};
use roster_core::rules::visitor::Viewer;
use roster_core::text::TicketKey;

use crate::error::Result;
use crate::read::page_budget::{Budget, Filtered};
use crate::read::snapshot::Snapshot;
use crate::read::ticket_list::{FoundTicket, TicketFilter};
use crate::tables::ticket_list::{ListedTicket, TicketPlace, TicketSource};
use crate::tables::visibility_row::{ContactState, VisibilityPart};

/// The facts of one question.
#[derive(Default)]
struct Fetched {
    settings: VisibilitySettings,
    contacts: HashMap<ContactId, ContactState>,
    tickets: HashMap<TicketKey, TicketFacts>,
    cc: HashSet<(TicketNo, ContactId)>,
    associations: HashMap<Pair, HeldAssociation>,
    sharing: HashMap<AccountId, HeldSharing>,
}

impl VisibilityFacts for Fetched {
    type Error = Infallible;

    fn settings(&self) -> Result<&VisibilitySettings, Infallible> {
        Ok(&self.settings)
    }

    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Infallible> {
        Ok(self.contacts.get(&contact).map(|state| state.blocked))
    }

    fn visitors_not_before(&self, contact: ContactId) -> Result<Option<Time>, Infallible> {
        let state = self.contacts.get(&contact);
        Ok(state.and_then(|state| state.visitors_not_before))
    }

    fn ticket(&self, key: &TicketKey) -> Result<Option<TicketFacts>, Infallible> {
        Ok(self.tickets.get(key).copied())
    }

    fn in_cc(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, Infallible> {
        Ok(self.cc.contains(&(ticket, contact)))
    }

    fn association(&self, pair: Pair) -> Result<Option<AssociationFacts<'_>>, Infallible> {
        Ok(self.associations.get(&pair).map(HeldAssociation::facts))
    }

    fn sharing(&self, account: AccountId) -> Result<Option<SharingFacts<'_>>, Infallible> {
        Ok(self.sharing.get(&account).map(HeldSharing::facts))
    }
}

impl Fetched {
    fn add_ticket(&mut self, number: TicketNo, ticket: &Ticket) {
        let cc = ticket.cc.iter().map(|contact| (number, *contact));
        self.cc.extend(cc);
        self.tickets.insert(
            ticket.key.clone(),
            TicketFacts {
                number,
                requester: ticket.requester,
                account: ticket.account,
                private: ticket.private,
            },
        );
    }

    fn add_sharing(&mut self, id: AccountId, sharing: &Sharing) {
        let sharing = HeldSharing::of(sharing.mode, &sharing.roles);
        self.sharing.insert(id, sharing);
    }

    fn add_association(&mut self, pair: Pair, part: &VisibilityPart) {
        self.associations
            .insert(pair, HeldAssociation::of(part.streamed()));
    }
}

/// The facts of one contact and one ticket of a list. It has no others.
struct OfRow<'r> {
    settings: &'r VisibilitySettings,
    contact: ContactId,
    contact_facts: &'r ContactFacts,
    found: &'r FoundTicket,
}

impl VisibilityFacts for OfRow<'_> {
    type Error = Infallible;

    fn settings(&self) -> Result<&VisibilitySettings, Infallible> {
        Ok(self.settings)
    }

    fn blocked(&self, contact: ContactId) -> Result<Option<bool>, Infallible> {
        Ok((contact == self.contact).then_some(self.contact_facts.blocked))
    }

    fn visitors_not_before(&self, contact: ContactId) -> Result<Option<Time>, Infallible> {
        let own = contact == self.contact;
        Ok(self.contact_facts.visitors_not_before.filter(|_| own))
    }

    fn ticket(&self, key: &TicketKey) -> Result<Option<TicketFacts>, Infallible> {
        let ticket = &self.found.ticket;
        Ok((*key == ticket.place.id).then_some(TicketFacts {
            number: ticket.ticket,
            requester: ticket.requester,
            account: ticket.account,
            private: ticket.private,
        }))
    }

    fn in_cc(&self, ticket: TicketNo, contact: ContactId) -> Result<bool, Infallible> {
        let same = ticket == self.found.ticket.ticket && contact == self.contact;
        Ok(same && self.found.in_cc)
    }

    fn association(&self, pair: Pair) -> Result<Option<AssociationFacts<'_>>, Infallible> {
        let of = self.contact_facts.accounts.get(&pair.account);
        let of = of.filter(|_| pair.contact == self.contact);
        Ok(of.map(|(association, _)| association.facts()))
    }

    fn sharing(&self, account: AccountId) -> Result<Option<SharingFacts<'_>>, Infallible> {
        let of = self.contact_facts.accounts.get(&account);
        Ok(of.map(|(_, sharing)| sharing.facts()))
    }
}

/// A ticket of a list, with the verdict of the rule.
#[derive(Clone, Debug)]
pub struct VisibleTicket {
    /// The ticket.
    pub ticket: ListedTicket,
    /// Why the contact sees it.
    pub verdict: Verdict,
}

impl Snapshot<'_> {
    fn no_facts(&self) -> Fetched {
        Fetched {
            settings: VisibilitySettings::of(self.visibility_settings()),
            ..Fetched::default()
        }
    }

    fn fetch_states(&mut self, fetched: &mut Fetched, contacts: &[ContactId]) -> Result<()> {
        let states = self.connection.contact_states(self.org, contacts)?;
        fetched.contacts.extend(states);
        Ok(())
    }

    /// Returns the facts that the rule needs for one contact and each of these tickets. It has no
    /// others.
    pub fn visibility_facts(
        &mut self,
        contact: ContactId,
        keys: &[TicketKey],
    ) -> Result<impl VisibilityFacts<Error = Infallible> + use<>> {
        let mut fetched = self.no_facts();
        self.fetch_states(&mut fetched, &[contact])?;
        let distinct: BTreeSet<&str> = keys.iter().map(TicketKey::as_str).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        for row in self
            .connection
            .visibility_rows(self.org, contact, &distinct)?
        {
            if row.in_cc {
                fetched.cc.insert((row.ticket, contact));
            }
            if let Some(account) = row.account {
                let pair = Pair { contact, account };
                if let Some(association) = row.association {
                    fetched.add_association(pair, &association);
                }
                if let Some(sharing) = row.sharing {
                    fetched.add_sharing(account, &sharing);
                }
            }
            fetched.tickets.insert(
                row.key,
                TicketFacts {
                    number: row.ticket,
                    requester: row.requester,
                    account: row.account,
                    private: row.private,
                },
            );
        }
        Ok(fetched)
    }

    /// Returns the tickets that a viewer sees, newest first; `None` if there is no such contact, or
    /// if the token of a visitor was revoked.
    ///
    /// Pass the contact's accounts as `known` if they are already known at this revision: then they
    /// are not read.
    pub fn visible_tickets(
        &mut self,
        viewer: &Viewer,
        known: impl FnOnce(RevisionId) -> Option<ContactFacts>,
        filter: &TicketFilter,
        after: Option<TicketPlace>,
        limit: usize,
    ) -> Result<Option<Filtered<VisibleTicket, TicketPlace>>> {
        let contact = viewer.contact;
        let contact_facts = match known(self.at()) {
            Some(contact_facts) => Some(contact_facts),
            None => {
                // The number of accounts is not bounded.
                self.take_rows(usize::MAX)?;
                self.connection.contact_facts(self.org, contact)?
            }
        };
        let Some(mut contact_facts) = contact_facts else {
            return Ok(None);
        };
        if let Some(visitor) = &viewer.visitor {
            if visitor.is_revoked(contact_facts.visitors_not_before) {
                return Ok(None);
            }
            visitor.narrow(&mut contact_facts);
        }
        let mut page = Filtered {
            items: Vec::new(),
            examined: None,
        };
        if contact_facts.blocked {
            return Ok(Some(page));
        }
        let settings = VisibilitySettings::of(self.visibility_settings());
        // Where tickets that a contact may see can come from: one source a clause.
        let sources = [
            TicketSource::Requester(contact),
            TicketSource::Cc(contact),
            TicketSource::Shared(contact_facts.shared(&settings).collect()),
        ];
        let budget = Budget::of_a_page();
        let mut place = after;
        loop {
            let wanted = limit - page.items.len();
            let found =
                self.ticket_page_within(&sources, filter, place.as_ref(), wanted, budget)?;
            page.items
                .extend(found.found.into_iter().filter_map(|found| {
                    let facts = OfRow {
                        settings: &settings,
                        contact,
                        contact_facts: &contact_facts,
                        found: &found,
                    };
                    let seen = check_ticket(&facts, contact, &found.ticket.place.id);
                    let verdict = seen.ok().filter(Verdict::visible)?;
                    let ticket = found.ticket;
                    Some(VisibleTicket { ticket, verdict })
                }));
            place = found.examined;
            if place.is_none() || page.items.len() == limit || budget.is_spent() {
                page.examined = place;
                return Ok(Some(page));
            }
        }
    }

    /// Returns the contacts that see a ticket, by number; `None` if there is no such ticket.
    pub fn viewers(
        &mut self,
        key: &TicketKey,
        after: u64,
        limit: usize,
    ) -> Result<Option<Filtered<(ContactId, Verdict), u64>>> {
        let Some((number, ticket)) = self.ticket(key)? else {
            return Ok(None);
        };
        let ticket = ticket.record;
        let mut fetched = self.no_facts();
        fetched.add_ticket(number, &ticket);
        if let Some(account) = ticket.account
            && let Some(sharing) = self.connection.sharing(self.org, account)?
        {
            fetched.add_sharing(account, &sharing);
        }
        let mut page = Filtered {
            items: Vec::new(),
            examined: None,
        };
        let budget = Budget::of_a_page();
        let mut after = after;
        loop {
            let (candidates, bound) = self.candidates(&ticket, after, limit, &mut fetched)?;
            self.fetch_states(&mut fetched, &candidates)?;
            for contact in candidates {
                if page.items.len() == limit {
                    page.examined = Some(after);
                    return Ok(Some(page));
                }
                after = contact.number();
                if let Ok(verdict) = check_ticket(&fetched, contact, key)
                    && verdict.visible()
                {
                    page.items.push((contact, verdict));
                }
            }
            match bound {
                None => return Ok(Some(page)),
                Some(bound) => after = bound,
            }
            if budget.is_spent() {
                page.examined = Some(after);
                return Ok(Some(page));
            }
        }
    }

    /// Returns contacts after a number that any clause may admit, by number, and the number up to
    /// which they are complete.
    fn candidates(
        &mut self,
        ticket: &Ticket,
        after: u64,
        limit: usize,
        fetched: &mut Fetched,
    ) -> Result<(Vec<ContactId>, Option<u64>)> {
        let mut found = BTreeSet::from([ticket.requester]);
        found.extend(ticket.cc.iter().copied());
        let mut bound = None;
        if let Some(account) = ticket.account {
            let members = self.connection.members(self.org, account, after, limit)?;
            if members.len() == limit {
                bound = members.last().map(|(contact, _)| contact.number());
            }
            for (contact, association) in members {
                found.insert(contact);
                let pair = Pair { contact, account };
                fetched.add_association(pair, &association);
            }
        }
        let last = bound.unwrap_or(u64::MAX);
        let within = |contact: &ContactId| after < contact.number() && contact.number() <= last;
        Ok((found.into_iter().filter(within).collect(), bound))
    }
}
