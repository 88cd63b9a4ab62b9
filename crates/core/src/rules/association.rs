//! Association of contacts with accounts, and the choice of the primary account.

use std::collections::HashMap;

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::draft::Draft;
use crate::fact::{Facts, Held, Needs};
use crate::id::{AccountId, ContactId, Pair, Revision};
use crate::record::{Association, Settings, Stored};
use crate::refusal::{Refusal, Refused};
use crate::rules::set;
use crate::rules::{account_of, check_contact_exists, check_etag};
use crate::text::Role;

/// A contact to associate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The contact.
    pub contact: ContactId,
    /// The visibility flag; `None` uses the organization's default.
    pub sees_account_tickets: Option<bool>,
    /// The role.
    pub role: Role,
}

/// `associate-many`: associates contacts with an account, decided one after another.
#[derive(Clone, Debug)]
pub struct AssociateContacts {
    /// The account.
    pub account: AccountId,
    /// The contacts, in the order of the decisions.
    pub contacts: Vec<Wanted>,
    /// Whether one refused item refuses the whole call.
    pub all_or_nothing: bool,
    /// Whether the contact's tickets without an account move to a new association's account.
    pub adopt_unassigned_tickets: bool,
}

/// The result for one contact of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Associated {
    /// The association was created.
    Created(Stored<Association>),
    /// The association existed and did not change.
    Already(Stored<Association>),
    /// The contact appears earlier in the call; its association.
    Duplicate(Stored<Association>),
    /// It was refused.
    Failed(Refusal),
}

impl Associated {
    /// The result of a later item for the same contact: it fails as the first item did, or names the
    /// association.
    fn repeated(&self) -> Self {
        match self {
            Self::Created(there) | Self::Already(there) | Self::Duplicate(there) => {
                Self::Duplicate(there.clone())
            }
            Self::Failed(refusal) => Self::Failed(refusal.clone()),
        }
    }
}

/// The result of [`AssociateContacts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociateAnswer {
    /// The account of the call.
    pub account: AccountId,
    /// One result for each contact of the call, in order.
    pub results: Vec<(ContactId, Associated)>,
    /// How many tickets were adopted.
    pub tickets_adopted: u64,
}

impl Command for AssociateContacts {
    type Answer = AssociateAnswer;
    const NAME: &'static str = "AssociateContacts";

    fn needs(&self, needs: &mut Needs) {
        needs.accounts.insert(self.account);
        for wanted in &self.contacts {
            let contact = wanted.contact;
            needs.existing.insert(contact);
            needs.account_summaries.insert(contact);
            needs.pairs.insert(Pair {
                contact,
                account: self.account,
            });
            if self.adopt_unassigned_tickets {
                needs.held.insert(unassigned(contact));
            }
        }
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        account_of(facts, self.account)?;
        let settings = facts.settings()?.record;
        let mut draft = Draft::over(facts);
        let mut changes = Vec::new();
        let mut first_results: HashMap<ContactId, Associated> = HashMap::new();
        let mut results = Vec::with_capacity(self.contacts.len());
        let mut tickets_adopted = 0;
        for wanted in &self.contacts {
            if let Some(first) = first_results.get(&wanted.contact) {
                results.push((wanted.contact, first.repeated()));
                continue;
            }
            let result = match judge(&draft, &settings, self.account, wanted, given) {
                Ok(result) => result,
                Err(Refused::Rule(refusal)) => Associated::Failed(refusal),
                Err(unavailable) => return Err(unavailable),
            };
            if let Associated::Created(made) = &result {
                let of_this = self.made(&draft, wanted.contact, &made.record)?;
                tickets_adopted += adopted(&of_this);
                draft.apply(&of_this, given.revision)?;
                changes.extend(of_this);
            }
            first_results.insert(wanted.contact, result.clone());
            results.push((wanted.contact, result));
        }
        if self.all_or_nothing {
            refuse_all_for_one(&results)?;
        }
        Ok(Decision {
            changes,
            answer: AssociateAnswer {
                account: self.account,
                results,
                tickets_adopted,
            },
        })
    }
}

impl AssociateContacts {
    fn made<F: Facts>(
        &self,
        facts: &F,
        contact: ContactId,
        association: &Association,
    ) -> Result<Vec<Change>, Refused> {
        let pair = Pair {
            contact,
            account: self.account,
        };
        let mut changes = vec![Change::Association(Row::Created(pair, association.clone()))];
        if self.adopt_unassigned_tickets {
            let held = unassigned(contact);
            let tickets: Vec<_> = facts
                .held_tickets(held)?
                .into_iter()
                .map(|ticket| ticket.ticket)
                .collect();
            if !tickets.is_empty() {
                changes.push(Change::TicketsMoved {
                    held,
                    tickets,
                    after: Some(self.account),
                });
            }
        }
        Ok(changes)
    }
}

/// Decides one association with an existing account. It changes no ticket (`no-backfill`).
pub(super) fn judge<F: Facts>(
    facts: &F,
    settings: &Settings,
    account: AccountId,
    wanted: &Wanted,
    given: &Circumstances,
) -> Result<Associated, Refused> {
    let pair = Pair {
        contact: wanted.contact,
        account,
    };
    check_contact_exists(facts, pair.contact)?;
    if let Some(existing) = facts.association(pair)? {
        return Ok(Associated::Already(existing));
    }
    let count = facts.account_count(pair.contact)?;
    let accounts = Accounts {
        has: count,
        kept: count,
    };
    may_add(facts, settings, pair.contact, accounts)?;
    Ok(Associated::Created(Stored {
        record: Association {
            // `one-primary`: the first account of a contact is its primary account.
            primary: count == 0,
            sees_account_tickets: wanted
                .sees_account_tickets
                .unwrap_or(settings.new_associations_see_account_tickets),
            role: wanted.role.clone(),
            create_time: given.now,
        },
        revision: given.revision,
    }))
}

fn unassigned(requester: ContactId) -> Held {
    Held {
        requester,
        account: None,
    }
}

fn adopted(changes: &[Change]) -> u64 {
    let count = |change: &Change| match change {
        Change::TicketsMoved { tickets, .. } => tickets.len() as u64,
        _ => 0,
    };
    changes.iter().map(count).sum()
}

fn refuse_all_for_one(results: &[(ContactId, Associated)]) -> Result<(), Refusal> {
    let failed = results
        .iter()
        .enumerate()
        .filter_map(|(index, (_, result))| match result {
            Associated::Failed(refusal) => Some((index, refusal.clone())),
            _ => None,
        });
    let failed: Vec<_> = failed.collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Items {
            refused: failed,
            of: results.len(),
        })
    }
}

/// How many accounts a contact has when an account is to be added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accounts {
    /// Before the command.
    pub(super) has: u64,
    /// Without the accounts that the command removes.
    pub(super) kept: u64,
}

/// `one-account` and `accounts-per-contact`: refuses if a contact may not have another account.
pub(super) fn may_add<F: Facts>(
    facts: &F,
    settings: &Settings,
    contact: ContactId,
    accounts: Accounts,
) -> Result<(), Refused> {
    let Accounts { has, kept } = accounts;
    if kept > 0
        && !settings.multiple_accounts
        && let Some(has) = facts.primary_account(contact)?
    {
        return Err(Refusal::OneAccount { contact, has }.into());
    }
    let max = settings.accounts_per_contact_max;
    if kept >= u64::from(max) {
        return Err(Refusal::AccountsPerContact { contact, has, max }.into());
    }
    Ok(())
}

/// Returns an association, or refuses and names the record that does not exist.
pub(super) fn association_of<F: Facts>(
    facts: &F,
    pair: Pair,
) -> Result<Stored<Association>, Refused> {
    check_contact_exists(facts, pair.contact)?;
    account_of(facts, pair.account)?;
    let found = facts.association(pair)?;
    Ok(found.ok_or(Refusal::AssociationNotFound(pair))?)
}

/// Adds the facts needed to read one association.
pub(super) fn need_association(needs: &mut Needs, pair: Pair) {
    needs.existing.insert(pair.contact);
    needs.accounts.insert(pair.account);
    needs.pairs.insert(pair);
}

/// Returns the change that sets or clears an association's primary flag.
pub(super) fn with_primary(pair: Pair, before: Association, primary: bool) -> Change {
    let after = Association {
        primary,
        ..before.clone()
    };
    Change::Association(Row::Updated {
        key: pair,
        before,
        after,
    })
}

/// `one-primary`: makes another of the contact's accounts its primary.
#[derive(Clone, Copy, Debug)]
pub struct SetPrimaryAccount {
    /// The contact and its new primary account.
    pub pair: Pair,
}

impl Command for SetPrimaryAccount {
    type Answer = (Pair, Stored<Association>);
    const NAME: &'static str = "SetPrimaryAccount";

    fn needs(&self, needs: &mut Needs) {
        need_association(needs, self.pair);
        needs.primaries.insert(self.pair.contact);
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let promoted = association_of(facts, self.pair)?;
        if promoted.record.primary {
            return Ok(Decision::unchanged((self.pair, promoted)));
        }
        let mut changes = Vec::with_capacity(2);
        if let Some(account) = facts.primary_account(self.pair.contact)? {
            let old = Pair {
                account,
                ..self.pair
            };
            let demoted = association_of(facts, old)?;
            changes.push(with_primary(old, demoted.record, false));
        }
        changes.push(with_primary(self.pair, promoted.record.clone(), true));
        let answer = Stored {
            record: Association {
                primary: true,
                ..promoted.record
            },
            revision: given.revision,
        };
        Ok(Decision {
            changes,
            answer: (self.pair, answer),
        })
    }
}

/// `pair-fixed`: updates only the role and the visibility flag of an association.
#[derive(Clone, Debug)]
pub struct UpdateAssociation {
    /// The association to update.
    pub pair: Pair,
    /// The flag to write.
    pub sees_account_tickets: Option<bool>,
    /// The role to write.
    pub role: Option<Role>,
    /// The etag that the association must have.
    pub etag: Option<Revision>,
}

impl Command for UpdateAssociation {
    type Answer = (Pair, Stored<Association>);
    const NAME: &'static str = "UpdateAssociation";

    fn needs(&self, needs: &mut Needs) {
        need_association(needs, self.pair);
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let before = association_of(facts, self.pair)?;
        check_etag(self.etag, before.revision)?;
        let mut after = before.record.clone();
        set(&mut after.sees_account_tickets, self.sees_account_tickets);
        set(&mut after.role, self.role.clone());
        if after == before.record {
            return Ok(Decision::unchanged((self.pair, before)));
        }
        let answer = Stored {
            record: after.clone(),
            revision: given.revision,
        };
        let row = Row::Updated {
            key: self.pair,
            before: before.record,
            after,
        };
        Ok(Decision {
            changes: vec![Change::Association(row)],
            answer: (self.pair, answer),
        })
    }
}
