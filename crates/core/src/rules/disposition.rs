//! Ending associations, and what becomes of the tickets.

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::draft::Draft;
use crate::fact::{Facts, Held, HeldTicket, Needs};
use crate::id::{AccountId, ContactId, Pair, Revision};
use crate::record::{Association, Stored, TicketStatus};
use crate::refusal::{Refusal, Refused};
use crate::rules::association::{Accounts, association_of, may_add, need_association};
use crate::rules::{account_of, check_contact_exists};
use crate::text::Role;

/// What becomes of tickets whose account is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// They stay with the account.
    Keep,
    /// They go to the contact's primary account.
    MoveToPrimary,
    /// They go to this account.
    MoveTo(AccountId),
    /// They have no account any more.
    Clear,
}

/// Which of the tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// Those that are open.
    OpenOnly,
}

/// The etag of a preview: a keyed digest of what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// The store's key, so that nobody else can make one.
    pub key: [u8; 32],
    /// The digest that the caller sent.
    pub digest: [u8; 32],
}

/// How an account is left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaving {
    /// What becomes of the tickets; required where there are any.
    pub disposition: Option<Disposition>,
    /// Of which of them.
    pub scope: Scope,
    /// What the caller saw beforehand.
    pub previewed: Option<Previewed>,
}

/// `preview`: the etag that stands for an association and exactly these tickets.
pub fn preview_digest(
    key: &[u8; 32],
    pair: Pair,
    association: Revision,
    tickets: &[HeldTicket],
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    let mut put = |number: u64| {
        hasher.update(&number.to_le_bytes());
    };
    put(pair.contact.number());
    put(pair.account.number());
    put(association.number());
    for ticket in tickets {
        put(ticket.ticket.number());
        put(ticket.revision.number());
    }
    *hasher.finalize().as_bytes()
}

/// `preview`: what a dissociation would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Open tickets of the contact with the account.
    pub tickets_open: u64,
    /// Closed ones.
    pub tickets_closed: u64,
    /// Tickets of the account that the contact will still see as their requester.
    pub still_visible_as_requester: u64,
    /// Tickets of the account that the contact will still see being in copy.
    pub still_visible_as_cc: u64,
    /// See [`preview_digest`].
    pub digest: [u8; 32],
}

/// `preview`: `copied` is the number of the account's tickets with the contact in copy.
pub fn preview(
    key: &[u8; 32],
    pair: Pair,
    association: &Stored<Association>,
    held: &[HeldTicket],
    copied: u64,
    blocked: bool,
) -> Preview {
    let open = held.iter().filter(|t| t.status == TicketStatus::Open);
    let tickets_open = open.count() as u64;
    let visible = |count: u64| if blocked { 0 } else { count };
    Preview {
        tickets_open,
        tickets_closed: held.len() as u64 - tickets_open,
        still_visible_as_requester: visible(held.len() as u64),
        still_visible_as_cc: visible(copied),
        digest: preview_digest(key, pair, association.revision, held),
    }
}

/// `preview`: nothing may have changed since.
fn check_previewed(
    leaving: &Leaving,
    pair: Pair,
    association: Revision,
    tickets: &[HeldTicket],
) -> Result<(), Refusal> {
    match leaving.previewed {
        Some(seen) if preview_digest(&seen.key, pair, association, tickets) != seen.digest => {
            Err(Refusal::EtagMismatch)
        }
        _ => Ok(()),
    }
}

/// `disposition-required`: what becomes of the tickets of a pair that has just ended in `facts`.
fn dispose<F: Facts>(
    facts: &F,
    left: Pair,
    leaving: &Leaving,
    tickets: &[HeldTicket],
) -> Result<Option<Change>, Refused> {
    let target = match leaving.disposition {
        None if tickets.is_empty() => return Ok(None),
        None => {
            let tickets = tickets.len() as u64;
            return Err(Refusal::DispositionRequired {
                pair: left,
                tickets,
            }
            .into());
        }
        Some(Disposition::Keep) => return Ok(None),
        Some(Disposition::Clear) => None,
        Some(Disposition::MoveToPrimary) => facts.primary_account(left.contact)?,
        Some(Disposition::MoveTo(target)) => Some(other_account(facts, left, target)?),
    };
    let wanted = |t: &&HeldTicket| leaving.scope == Scope::All || t.status == TicketStatus::Open;
    let moved: Vec<_> = tickets.iter().filter(wanted).map(|t| t.ticket).collect();
    Ok((!moved.is_empty()).then_some(Change::TicketsMoved {
        held: held_of(left),
        tickets: moved,
        after: target,
    }))
}

fn other_account<F: Facts>(facts: &F, left: Pair, target: AccountId) -> Result<AccountId, Refused> {
    if target == left.account {
        return Err(Refusal::TargetIsLeft(target).into());
    }
    let pair = Pair {
        account: target,
        ..left
    };
    match facts.association(pair)? {
        Some(_) => Ok(target),
        None => Err(Refusal::TargetNotAssociated(pair).into()),
    }
}

fn held_of(pair: Pair) -> Held {
    Held {
        requester: pair.contact,
        account: Some(pair.account),
    }
}

fn count(moved: Option<&Change>) -> u64 {
    match moved {
        Some(Change::TicketsMoved { tickets, .. }) => tickets.len() as u64,
        _ => 0,
    }
}

/// Ends a secondary association.
#[derive(Clone, Copy, Debug)]
pub struct DissociateContact {
    /// Which.
    pub pair: Pair,
    /// How.
    pub leaving: Leaving,
}

impl Command for DissociateContact {
    /// How many tickets changed.
    type Answer = u64;
    const NAME: &'static str = "DissociateContact";

    fn needs(&self, needs: &mut Needs) {
        need_association(needs, self.pair);
        needs.standings.insert(self.pair.contact);
        needs.held.insert(held_of(self.pair));
    }

    /// `primary-stays`, then `disposition-required`.
    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<u64>, Refused> {
        let ended = association_of(facts, self.pair)?;
        let tickets = facts.held_tickets(held_of(self.pair))?;
        check_previewed(&self.leaving, self.pair, ended.revision, &tickets)?;
        if ended.record.primary {
            return Err(Refusal::PrimaryStays(self.pair).into());
        }
        let mut changes = vec![Change::Association(Row::Deleted(self.pair, ended.record))];
        let mut draft = Draft::over(facts);
        draft.apply(&changes, given.revision)?;
        let moved = dispose(&draft, self.pair, &self.leaving, &tickets)?;
        let answer = count(moved.as_ref());
        changes.extend(moved);
        Ok(Decision { changes, answer })
    }
}

/// `transfer`: how a contact changes company.
#[derive(Clone, Debug)]
pub struct TransferContact {
    /// Who.
    pub contact: ContactId,
    /// The account that becomes primary.
    pub to: AccountId,
    /// The flag of a new association; none: the organization's default.
    pub sees_account_tickets: Option<bool>,
    /// The role of a new association.
    pub role: Role,
    /// How the old primary is left.
    pub leaving: Leaving,
}

/// What [`TransferContact`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// The contact and its primary account.
    pub pair: Pair,
    /// Their association.
    pub association: Stored<Association>,
    /// How many tickets changed.
    pub tickets_changed: u64,
}

impl Command for TransferContact {
    type Answer = Transferred;
    const NAME: &'static str = "TransferContact";

    fn needs(&self, needs: &mut Needs) {
        need_association(
            needs,
            Pair {
                contact: self.contact,
                account: self.to,
            },
        );
        needs.standings.insert(self.contact);
        needs.primaries.insert(self.contact);
        needs.primary_tickets.insert(self.contact);
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Transferred>, Refused> {
        check_contact_exists(facts, self.contact)?;
        account_of(facts, self.to)?;
        let primary = facts.primary_account(self.contact)?;
        let account = primary.ok_or(Refusal::NothingToTransfer(self.contact))?;
        let left = Pair {
            contact: self.contact,
            account,
        };
        let pair = Pair {
            account: self.to,
            ..left
        };
        let ended = association_of(facts, left)?;
        if account == self.to {
            return Ok(Decision::unchanged(Transferred {
                pair,
                association: ended,
                tickets_changed: 0,
            }));
        }
        let tickets = facts.held_tickets(held_of(left))?;
        check_previewed(&self.leaving, left, ended.revision, &tickets)?;

        let mut changes = vec![Change::Association(Row::Deleted(left, ended.record))];
        let mut draft = Draft::over(facts);
        draft.apply(&changes, given.revision)?;
        let (change, association) = self.arrive(&draft, pair, given)?;
        draft.apply(std::slice::from_ref(&change), given.revision)?;
        changes.push(change);
        let moved = dispose(&draft, left, &self.leaving, &tickets)?;
        let tickets_changed = count(moved.as_ref());
        changes.extend(moved);
        Ok(Decision {
            changes,
            answer: Transferred {
                pair,
                association,
                tickets_changed,
            },
        })
    }
}

impl TransferContact {
    /// The new primary: an association that existed keeps its flag and role.
    fn arrive<F: Facts>(
        &self,
        facts: &F,
        pair: Pair,
        given: &Circumstances,
    ) -> Result<(Change, Stored<Association>), Refused> {
        let (change, record) = match facts.association(pair)? {
            Some(existing) => {
                let after = Association {
                    primary: true,
                    ..existing.record.clone()
                };
                let row = Row::Updated {
                    key: pair,
                    before: existing.record,
                    after: after.clone(),
                };
                (row, after)
            }
            None => {
                let settings = facts.settings()?.record;
                // Judged on the outcome: the old primary is gone already.
                let kept = facts.account_count(pair.contact)?;
                if kept > 0 {
                    let has = kept + 1;
                    may_add(facts, &settings, pair.contact, Accounts { has, kept })?;
                }
                let made = Association {
                    primary: true,
                    sees_account_tickets: self
                        .sees_account_tickets
                        .unwrap_or(settings.new_associations_see_account_tickets),
                    role: self.role.clone(),
                    create_time: given.now,
                };
                (Row::Created(pair, made.clone()), made)
            }
        };
        let revision = given.revision;
        Ok((Change::Association(change), Stored { record, revision }))
    }
}
