//! The end of associations, and the ticket disposition.

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

/// What happens to tickets when their requester leaves the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// They stay with the account.
    Keep,
    /// They move to the contact's primary account.
    MoveToPrimary,
    /// They move to this account.
    MoveTo(AccountId),
    /// Their account is cleared.
    Clear,
}

/// Which tickets the disposition applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All tickets.
    #[default]
    All,
    /// Only open tickets.
    OpenOnly,
}

/// The etag of a preview: a keyed digest of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// The store's key, so that callers cannot forge a digest.
    pub key: [u8; 32],
    /// The digest that the caller sent.
    pub digest: [u8; 32],
}

/// How a contact leaves an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaving {
    /// What happens to the tickets; required if there are any.
    pub disposition: Option<Disposition>,
    /// The tickets to which the disposition applies.
    pub scope: Scope,
    /// The preview that the caller saw, if any.
    pub previewed: Option<Previewed>,
}

/// `preview`: returns the digest of an association and exactly these tickets.
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

/// `preview`: the effects of a dissociation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Open tickets of the contact at the account.
    pub tickets_open: u64,
    /// Closed tickets of the contact at the account.
    pub tickets_closed: u64,
    /// Tickets of the account that the contact will still see as their requester.
    pub still_visible_as_requester: u64,
    /// Tickets of the account that the contact will still see as a contact in CC.
    pub still_visible_as_cc: u64,
    /// See [`preview_digest`].
    pub digest: [u8; 32],
}

/// `preview`: `cc_count` is the number of the account's tickets that have the contact in CC.
pub fn preview(
    key: &[u8; 32],
    pair: Pair,
    association: &Stored<Association>,
    held: &[HeldTicket],
    cc_count: u64,
    blocked: bool,
) -> Preview {
    let open = held.iter().filter(|t| t.status == TicketStatus::Open);
    let tickets_open = open.count() as u64;
    let visible = |count: u64| if blocked { 0 } else { count };
    Preview {
        tickets_open,
        tickets_closed: held.len() as u64 - tickets_open,
        still_visible_as_requester: visible(held.len() as u64),
        still_visible_as_cc: visible(cc_count),
        digest: preview_digest(key, pair, association.revision, held),
    }
}

/// `preview`: refuses if anything changed after the preview.
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

/// `disposition-required`: decides the tickets of an association that `facts` no longer contains.
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
    /// The association to end.
    pub pair: Pair,
    /// The disposition.
    pub leaving: Leaving,
}

impl Command for DissociateContact {
    /// How many tickets changed.
    type Answer = u64;
    const NAME: &'static str = "DissociateContact";

    fn needs(&self, needs: &mut Needs) {
        need_association(needs, self.pair);
        needs.account_summaries.insert(self.pair.contact);
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

/// `transfer`: moves a contact to another company.
#[derive(Clone, Debug)]
pub struct TransferContact {
    /// The contact.
    pub contact: ContactId,
    /// The account that becomes primary.
    pub to: AccountId,
    /// The flag of a new association; `None` uses the organization's default.
    pub sees_account_tickets: Option<bool>,
    /// The role of a new association.
    pub role: Role,
    /// How the contact leaves the old primary account.
    pub leaving: Leaving,
}

/// The result of [`TransferContact`].
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
        needs.account_summaries.insert(self.contact);
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
    /// Makes the target primary: an existing association keeps its flag and role.
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
                // Checked on the result: `facts` no longer contains the old primary.
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
