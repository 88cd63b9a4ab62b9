//! Creation and update of accounts.

use crate::change::{Change, Row};
use crate::command::{Circumstances, Command, Decision};
use crate::fact::account_keys;
use crate::fact::{Facts, Needs};
use crate::id::{AccountId, Revision};
use crate::record::{Account, Stored};
use crate::refusal::Refused;
use crate::rules::{account_of, check_etag, check_keys};
use crate::text::Name;

pub use crate::record::AccountPatch;

/// Creates an account.
#[derive(Clone, Debug)]
pub struct CreateAccount {
    /// Its name.
    pub name: Name,
    /// All other fields.
    pub fields: AccountPatch,
}

impl Command for CreateAccount {
    type Answer = (AccountId, Stored<Account>);
    const NAME: &'static str = "CreateAccount";

    fn needs(&self, needs: &mut Needs) {
        let external = self.fields.external_id.iter().flatten();
        needs
            .keys
            .extend(external.map(crate::fact::UniqueKey::of_account));
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let mut account = Account::new(self.name.clone(), given.now);
        self.fields.clone().onto(&mut account);
        check_keys(facts, account_keys(Some(&account)), None, 'a')?;
        let id = given.take_account();
        let stored = Stored {
            record: account.clone(),
            revision: given.revision,
        };
        Ok(Decision {
            changes: vec![Change::Account(Row::Created(id, account))],
            answer: (id, stored),
        })
    }
}

/// Updates an account.
#[derive(Clone, Debug)]
pub struct UpdateAccount {
    /// The account to update.
    pub id: AccountId,
    /// The fields to write.
    pub patch: AccountPatch,
    /// The etag that the account must have.
    pub etag: Option<Revision>,
}

impl Command for UpdateAccount {
    type Answer = (AccountId, Stored<Account>);
    const NAME: &'static str = "UpdateAccount";

    fn needs(&self, needs: &mut Needs) {
        needs.accounts.insert(self.id);
        let external = self.patch.external_id.iter().flatten();
        needs
            .keys
            .extend(external.map(crate::fact::UniqueKey::of_account));
    }

    fn decide<F: Facts>(
        &self,
        facts: &F,
        given: &mut Circumstances,
    ) -> Result<Decision<Self::Answer>, Refused> {
        let before = account_of(facts, self.id)?;
        check_etag(self.etag, before.revision)?;
        let mut after = before.record.clone();
        self.patch.clone().onto(&mut after);
        if after == before.record {
            return Ok(Decision::unchanged((self.id, before)));
        }
        check_keys(
            facts,
            account_keys(Some(&after)),
            Some(self.id.number()),
            'a',
        )?;
        after.update_time = given.now;
        let stored = Stored {
            record: after.clone(),
            revision: given.revision,
        };
        let row = Row::Updated {
            key: self.id,
            before: before.record,
            after,
        };
        Ok(Decision {
            changes: vec![Change::Account(row)],
            answer: (self.id, stored),
        })
    }
}
