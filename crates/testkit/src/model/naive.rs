//! The rules again, written from the design in the simplest way: whole tables, loops over all rows,
//! no drafts and no changes. It calls no rule of core.

use std::collections::BTreeSet;

use roster_core::fact::UniqueKey;
use roster_core::id::{AccountId, ContactId, Pair, Revision, TicketNo, Time};
use roster_core::record::{Account, Association, Contact, Settings, Stored, Ticket};
use roster_core::refusal::Refusal;
use roster_core::rules::account::AccountPatch;
use roster_core::rules::contact::ContactPatch;
use roster_core::rules::settings::UpdateSettings;
use roster_core::text::Role;

use super::answer_text;
use super::commands::AnyCommand;
use super::maps::Maps;

/// The result of a naive rule: the answer as text, or a refusal.
pub(super) type Said = Result<String, Refusal>;

/// An organization in naive form.
#[derive(Clone, Debug)]
pub struct Naive {
    pub tables: Maps,
    pub revision: Revision,
    pub next_account: u64,
    pub next_contact: u64,
    pub next_ticket: u64,
}

impl Default for Naive {
    fn default() -> Self {
        Self {
            tables: Maps::default(),
            revision: Revision::ZERO,
            next_account: 1,
            next_contact: 1,
            next_ticket: 1,
        }
    }
}

/// The default time of recorded tickets: the time of every command here.
pub const NOW: Time = Time::from_micros(0);

impl Naive {
    /// Runs a command; a refused command or a command without changes has no effect.
    pub fn carry_out(&mut self, command: &AnyCommand) -> Said {
        let mut after = self.clone();
        let said = after.act(command)?;
        if after.tables != self.tables {
            after.revision = self.revision.next();
            *self = after;
        }
        Ok(said)
    }

    pub fn act(&mut self, command: &AnyCommand) -> Said {
        match command {
            AnyCommand::CreateAccount(c) => {
                let id = AccountId::new(self.next_account);
                self.next_account += 1;
                let blank = Account {
                    name: c.name.clone(),
                    name_reading: None,
                    external_id: None,
                    attributes: Default::default(),
                    sharing_mode: None,
                    sharing_roles: Vec::new(),
                    website: None,
                    create_time: NOW,
                    update_time: NOW,
                };
                self.put_account(id, patched_account(blank, &c.fields))
            }
            AnyCommand::UpdateAccount(c) => {
                let before = self.account(c.id)?;
                self.check_etag(c.etag, before.revision)?;
                self.put_account(c.id, patched_account(before.record, &c.patch))
            }
            AnyCommand::CreateContact(c) => {
                let id = ContactId::new(self.next_contact);
                self.next_contact += 1;
                let blank = Contact {
                    family_name: c.family_name.clone(),
                    given_name: None,
                    family_name_reading: None,
                    given_name_reading: None,
                    emails: Vec::new(),
                    external_id: None,
                    attributes: Default::default(),
                    blocked: false,
                    phone: None,
                    visitors_not_before: None,
                    create_time: NOW,
                    update_time: NOW,
                };
                self.put_contact(id, patched_contact(blank, &c.fields))
            }
            AnyCommand::UpdateContact(c) => {
                let before = self.contact(c.id)?;
                self.check_etag(c.etag, before.revision)?;
                self.put_contact(c.id, patched_contact(before.record, &c.patch))
            }
            AnyCommand::Associate(c) => self.associate(c),
            AnyCommand::SetPrimary(c) => self.set_primary(c),
            AnyCommand::UpdateAssociation(c) => self.update_association(c),
            AnyCommand::Dissociate(c) => self.dissociate(c),
            AnyCommand::Transfer(c) => self.transfer(c),
            AnyCommand::Record(c) => Ok(self.record(c)),
            AnyCommand::DeleteTickets(c) => Ok(self.delete_tickets(c)),
            AnyCommand::DeleteAccount(c) => self.delete_account(c),
            AnyCommand::DeleteContact(c) => self.delete_contact(c),
            AnyCommand::Settings(c) => self.update_settings(c),
            AnyCommand::RevokeTokens(c) => {
                let mut record = self.contact(c.contact)?.record;
                let before = record.visitors_not_before.map_or(0, Time::micros);
                // Five seconds for the clocks of other servers, and later than tokens since then.
                let after = (NOW.micros() + 5_000_000).max(before + 1);
                record.visitors_not_before = Some(Time::from_micros(after));
                self.put_contact(c.contact, record)?;
                Ok("done".into())
            }
        }
    }

    // Reads of stored rows.

    pub fn settings(&self) -> Settings {
        self.tables.settings_now().record
    }

    pub fn account(&self, id: AccountId) -> Result<Stored<Account>, Refusal> {
        let found = self.tables.accounts.get(&id).cloned();
        found.ok_or(Refusal::AccountNotFound(id))
    }

    pub fn contact(&self, id: ContactId) -> Result<Stored<Contact>, Refusal> {
        let found = self.tables.contacts.get(&id).cloned();
        found.ok_or(Refusal::ContactNotFound(id))
    }

    pub fn association(&self, pair: Pair) -> Result<Stored<Association>, Refusal> {
        self.contact(pair.contact)?;
        self.account(pair.account)?;
        let found = self.tables.associations.get(&pair).cloned();
        found.ok_or(Refusal::AssociationNotFound(pair))
    }

    pub fn accounts_of(&self, contact: ContactId) -> Vec<AccountId> {
        let pairs = self.tables.associations.keys();
        let its = pairs.filter(|pair| pair.contact == contact);
        its.map(|pair| pair.account).collect()
    }

    pub fn primary_of(&self, contact: ContactId) -> Option<AccountId> {
        let mut all = self.tables.associations.iter();
        all.find(|(pair, of)| pair.contact == contact && of.record.primary)
            .map(|(pair, _)| pair.account)
    }

    pub fn tickets_where(&self, fits: impl Fn(&Ticket) -> bool) -> Vec<TicketNo> {
        let all = self.tables.tickets.iter();
        let those = all.filter(|(_, ticket)| fits(&ticket.record));
        those.map(|(no, _)| *no).collect()
    }

    pub fn tickets_with(&self, pair: Pair) -> Vec<TicketNo> {
        self.tickets_where(|t| t.requester == pair.contact && t.account == Some(pair.account))
    }

    pub fn ticket(&self, no: TicketNo) -> &Stored<Ticket> {
        &self.tables.tickets[&no]
    }

    pub fn check_etag(&self, sent: Option<Revision>, present: Revision) -> Result<(), Refusal> {
        if sent.is_some_and(|sent| sent != present) {
            return Err(Refusal::EtagMismatch);
        }
        Ok(())
    }

    // Writes: a row gets the revision of the command if the row differs.

    pub fn stored<R>(&self, record: R) -> Stored<R> {
        let revision = self.revision.next();
        Stored { record, revision }
    }

    pub fn put_account(&mut self, id: AccountId, record: Account) -> Said {
        if let Some(external) = &record.external_id {
            let folded = naive_fold(external.as_str());
            for (other, account) in &self.tables.accounts {
                let theirs = account.record.external_id.as_ref();
                if *other != id && theirs.is_some_and(|x| naive_fold(x.as_str()) == folded) {
                    return Err(Refusal::KeyTaken {
                        key: UniqueKey::AccountExternalId(folded),
                        owner: other.to_string(),
                    });
                }
            }
        }
        let before = self.tables.accounts.get(&id);
        if before.is_none_or(|before| before.record != record) {
            let row = self.stored(record);
            self.tables.accounts.insert(id, row);
        }
        let etag = self.tables.accounts[&id].revision;
        Ok(format!("{id} etag {}", etag.number()))
    }

    pub fn put_contact(&mut self, id: ContactId, record: Contact) -> Said {
        let mut own = BTreeSet::new();
        for email in &record.emails {
            if !own.insert(naive_fold(email.as_str())) {
                return Err(Refusal::AddressRepeated(email.to_string()));
            }
        }
        let taken = |key: UniqueKey, other: &ContactId| Refusal::KeyTaken {
            key,
            owner: other.to_string(),
        };
        for email in &record.emails {
            let folded = naive_fold(email.as_str());
            for (other, contact) in &self.tables.contacts {
                let mut theirs = contact.record.emails.iter();
                if *other != id && theirs.any(|e| naive_fold(e.as_str()) == folded) {
                    return Err(taken(UniqueKey::Email(folded), other));
                }
            }
        }
        if let Some(external) = &record.external_id {
            let folded = naive_fold(external.as_str());
            for (other, contact) in &self.tables.contacts {
                let theirs = contact.record.external_id.as_ref();
                if *other != id && theirs.is_some_and(|x| naive_fold(x.as_str()) == folded) {
                    return Err(taken(UniqueKey::ContactExternalId(folded), other));
                }
            }
        }
        let before = self.tables.contacts.get(&id);
        if before.is_none_or(|before| before.record != record) {
            let row = self.stored(record);
            self.tables.contacts.insert(id, row);
        }
        let etag = self.tables.contacts[&id].revision;
        Ok(format!("{id} etag {}", etag.number()))
    }

    pub fn put_association(&mut self, pair: Pair, record: Association) {
        let before = self.tables.associations.get(&pair);
        if before.is_none_or(|before| before.record != record) {
            let row = self.stored(record);
            self.tables.associations.insert(pair, row);
        }
    }

    pub fn put_ticket(&mut self, no: TicketNo, record: Ticket) {
        let before = self.tables.tickets.get(&no);
        if before.is_none_or(|before| before.record != record) {
            let row = self.stored(record);
            self.tables.tickets.insert(no, row);
        }
    }

    pub fn move_ticket(&mut self, no: TicketNo, account: Option<AccountId>) {
        let record = self.ticket(no).record.clone();
        self.put_ticket(no, Ticket { account, ..record });
    }

    pub fn make_primary(&mut self, pair: Pair, primary: bool) {
        let record = self.tables.associations[&pair].record.clone();
        self.put_association(pair, Association { primary, ..record });
    }

    pub fn new_association(&self, primary: bool, sees: Option<bool>, role: &Role) -> Association {
        let default = self.settings().new_associations_see_account_tickets;
        Association {
            primary,
            sees_account_tickets: sees.unwrap_or(default),
            role: role.clone(),
            create_time: NOW,
        }
    }

    pub fn tell_association(&self, pair: Pair) -> String {
        answer_text::association(&self.tables.associations[&pair])
    }

    pub fn update_settings(&mut self, c: &UpdateSettings) -> Said {
        let before = self.tables.settings_now();
        self.check_etag(c.etag, before.revision)?;
        let now = &before.record;
        let after = Settings {
            multiple_accounts: c.multiple_accounts.unwrap_or(now.multiple_accounts),
            accounts_per_contact_max: c
                .accounts_per_contact_max
                .unwrap_or(now.accounts_per_contact_max),
            sharing_enabled: c.sharing_enabled.unwrap_or(now.sharing_enabled),
            default_sharing_mode: c.default_sharing_mode.unwrap_or(now.default_sharing_mode),
            default_sharing_roles: c
                .default_sharing_roles
                .clone()
                .unwrap_or_else(|| now.default_sharing_roles.clone()),
            new_associations_see_account_tickets: c
                .new_associations_see_account_tickets
                .unwrap_or(now.new_associations_see_account_tickets),
            sharing_primary_only: c.sharing_primary_only.unwrap_or(now.sharing_primary_only),
        };
        let several = |id: &&ContactId| self.accounts_of(**id).len() > 1;
        let contacts = self.tables.contacts.keys().filter(several).count() as u64;
        if !after.multiple_accounts && contacts > 0 {
            return Err(Refusal::SeveralAccounts { contacts });
        }
        if after != before.record {
            self.tables.settings = Some(self.stored(after));
        }
        Ok(format!(
            "etag {}",
            self.tables.settings_now().revision.number()
        ))
    }
}

/// Folds only what these tests vary: width and case.
fn naive_fold(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(narrow).collect::<String>().to_lowercase()
}

fn patched_account(mut account: Account, patch: &AccountPatch) -> Account {
    if let Some(name) = &patch.name {
        account.name = name.clone();
    }
    if let Some(external_id) = &patch.external_id {
        account.external_id = external_id.clone();
    }
    if let Some(mode) = patch.sharing_mode {
        account.sharing_mode = mode;
    }
    account
}

fn patched_contact(mut contact: Contact, patch: &ContactPatch) -> Contact {
    if let Some(emails) = &patch.emails {
        contact.emails = emails.clone();
    }
    if let Some(external_id) = &patch.external_id {
        contact.external_id = external_id.clone();
    }
    if let Some(blocked) = patch.blocked {
        contact.blocked = blocked;
    }
    contact
}
