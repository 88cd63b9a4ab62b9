//! Credentials, their proofs, and the log of administration.

use std::collections::HashMap;

use diesel::prelude::*;
use roster_core::credential::{ApiKey, Credential, TokenSubject};
use roster_core::id::{CredentialId, Time};
use roster_core::organization::OrganizationName;
use roster_core::scope::Scope;
use roster_core::text::{CertificateName, Name, TokenText};

use super::organizations::limits;
use super::session::Session;
use crate::engine::interface::{Credentials, Organizations};
use crate::error::{Result, StorageError};
use crate::tables::codec::not_understood;
use crate::tables::column::{LogValue, column};
use crate::tables::credential::{
    AdminEventRow, CERTIFICATE, KEY, KeyUse, LoggedAdminEvent, Proof, SUBJECT, proofs,
};
use crate::tables::organization::Org;
use crate::tables::schema::{admin_events, credential_proofs, credentials, organizations, store};

/// Credentials for which proofs are read by one statement.
const CREDENTIALS_PER_STATEMENT: usize = 500;

#[derive(Queryable)]
struct CredentialRow {
    credential: i64,
    organization: Option<String>,
    name: String,
    scopes: String,
    networks: String,
    requests_per_second: Option<i64>,
    concurrent_calls: Option<i64>,
    suspended: bool,
    expire_time: Option<i64>,
    create_time: i64,
    update_time: i64,
    version: i64,
}

impl CredentialRow {
    fn unclear(&self, column: &'static str) -> StorageError {
        not_understood("credentials", column, &[self.credential])
    }

    /// The credential without its proofs.
    fn credential(self) -> Result<(CredentialId, Credential)> {
        let number = u64::from_log(self.credential);
        let id = number.ok_or_else(|| self.unclear("credential"))?;
        let names: Vec<String> =
            serde_json::from_str(&self.scopes).map_err(|_| self.unclear("scopes"))?;
        // A scope of a newer version is none here: it allows no method of this version.
        let scopes = names.iter().filter_map(|name| Scope::of_name(name));
        let networks: Vec<String> =
            serde_json::from_str(&self.networks).map_err(|_| self.unclear("networks"))?;
        let networks = networks.iter().map(|network| network.parse());
        let networks = networks.collect::<Result<_, _>>();
        let limits = limits(self.requests_per_second, self.concurrent_calls);
        Ok((
            CredentialId::new(id),
            Credential {
                scopes: scopes.collect(),
                networks: networks.map_err(|_| self.unclear("networks"))?,
                limits: limits.ok_or_else(|| self.unclear("requests_per_second"))?,
                version: u64::from_log(self.version).ok_or_else(|| self.unclear("version"))?,
                organization: self.organization.as_deref().map(OrganizationName::trusted),
                name: Name::trusted(self.name),
                expire_time: self.expire_time.map(Time::from_micros),
                suspended: self.suspended,
                keys: Vec::new(),
                subjects: Vec::new(),
                certificate_names: Vec::new(),
                create_time: Time::from_micros(self.create_time),
                update_time: Time::from_micros(self.update_time),
            },
        ))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = credential_proofs)]
struct ProofRow {
    kind: i64,
    proof: String,
    credential: i64,
    hash: Option<Vec<u8>>,
    last_four: Option<String>,
    create_time: Option<i64>,
    expire_time: Option<i64>,
    last_use_time: Option<i64>,
}

impl ProofRow {
    fn add_to(self, credential: &mut Credential) -> Result<()> {
        let unclear = |column| not_understood("credential_proofs", column, &[self.credential]);
        match self.kind {
            KEY => {
                let hash = self.hash.and_then(|hash| hash.try_into().ok());
                credential.keys.push(ApiKey {
                    id: self.proof.into(),
                    hash: hash.ok_or_else(|| unclear("hash"))?,
                    last_four: self.last_four.unwrap_or_default().into(),
                    create_time: Time::from_micros(self.create_time.unwrap_or_default()),
                    expire_time: self.expire_time.map(Time::from_micros),
                    last_use_time: self.last_use_time.map(Time::from_micros),
                });
            }
            SUBJECT => {
                let parts = self.proof.split_once('\n');
                let (issuer, subject) = parts.ok_or_else(|| unclear("proof"))?;
                credential.subjects.push(TokenSubject {
                    issuer: TokenText::trusted(issuer.to_owned()),
                    subject: TokenText::trusted(subject.to_owned()),
                });
            }
            CERTIFICATE => {
                let name = CertificateName::trusted(self.proof);
                credential.certificate_names.push(name);
            }
            _ => return Err(unclear("kind")),
        }
        Ok(())
    }
}

impl Session {
    /// Adds their proofs to credentials.
    fn with_proofs(&mut self, rows: Vec<CredentialRow>) -> Result<Vec<(CredentialId, Credential)>> {
        let mut found = rows
            .into_iter()
            .map(CredentialRow::credential)
            .collect::<Result<Vec<_>>>()?;
        for some in found.chunks_mut(CREDENTIALS_PER_STATEMENT) {
            let numbers: Vec<i64> = some.iter().map(|(id, _)| column(id.number())).collect();
            let rows: Vec<ProofRow> = credential_proofs::table
                .filter(credential_proofs::credential.eq_any(&numbers))
                .order((credential_proofs::kind, credential_proofs::position))
                .select(ProofRow::as_select())
                .load(&mut self.conn)?;
            let mut by_number: HashMap<i64, &mut Credential> = some
                .iter_mut()
                .map(|(id, credential)| (column(id.number()), credential))
                .collect();
            for row in rows {
                if let Some(credential) = by_number.get_mut(&row.credential) {
                    row.add_to(credential)?;
                }
            }
        }
        Ok(found)
    }

    fn insert_proofs(&mut self, id: CredentialId, credential: &Credential) -> Result<()> {
        for (position, proof) in proofs(credential).enumerate() {
            let key = match proof {
                Proof::Key(key) => Some(key),
                Proof::Subject(_) | Proof::Certificate(_) => None,
            };
            diesel::insert_into(credential_proofs::table)
                .values((
                    credential_proofs::kind.eq(proof.kind()),
                    credential_proofs::proof.eq(proof.text()),
                    credential_proofs::credential.eq(column(id.number())),
                    credential_proofs::position.eq(column(position as u64)),
                    credential_proofs::hash.eq(key.map(|key| key.hash.as_slice())),
                    credential_proofs::last_four.eq(key.map(|key| &*key.last_four)),
                    credential_proofs::create_time.eq(key.map(|key| key.create_time.micros())),
                    credential_proofs::expire_time
                        .eq(key.and_then(|key| key.expire_time.map(Time::micros))),
                    credential_proofs::last_use_time
                        .eq(key.and_then(|key| key.last_use_time.map(Time::micros))),
                ))
                .execute(&mut self.conn)?;
        }
        Ok(())
    }
}

/// The columns of [`CredentialRow`], with the name of the organization.
macro_rules! credential_columns {
    () => {
        (
            credentials::credential,
            organizations::name.nullable(),
            credentials::name,
            credentials::scopes,
            credentials::networks,
            credentials::requests_per_second,
            credentials::concurrent_calls,
            credentials::suspended,
            credentials::expire_time,
            credentials::create_time,
            credentials::update_time,
            credentials::version,
        )
    };
}

type EventRow = (i64, i64, String, String, String, String, Option<String>);

impl Session {
    /// Adds the names of their credentials to events.
    fn with_names(&mut self, rows: Vec<EventRow>) -> Result<Vec<LoggedAdminEvent>> {
        let id = |text: &str| {
            text.parse()
                .ok()
                .map(|id: CredentialId| column(id.number()))
        };
        let numbers: Vec<i64> = rows.iter().filter_map(|row| id(&row.2)).collect();
        let mut known: HashMap<i64, (String, bool)> = HashMap::new();
        for some in numbers.chunks(CREDENTIALS_PER_STATEMENT) {
            let named: Vec<(i64, String, Option<i64>)> = credentials::table
                .filter(credentials::credential.eq_any(some))
                .select((credentials::credential, credentials::name, credentials::org))
                .load(&mut self.conn)?;
            let named = named.into_iter();
            known.extend(named.map(|(number, name, org)| (number, (name, org.is_some()))));
        }
        let event = |(event, time, credential, actor, action, target, organization): EventRow| {
            let unclear = || not_understood("admin_events", "event", &[event]);
            let named = id(&credential).and_then(|number| known.get(&number));
            Ok(LoggedAdminEvent {
                number: u64::from_log(event).ok_or_else(unclear)?,
                time: Time::from_micros(time),
                credential_name: named.map(|(name, _)| name.clone()),
                is_of_organization: named.is_some_and(|(_, is_of)| *is_of),
                credential,
                actor,
                action,
                target,
                organization: organization.as_deref().map(OrganizationName::trusted),
            })
        };
        rows.into_iter().map(event).collect()
    }
}

/// The columns of a credential that a change may write.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = credentials, treat_none_as_null = true, treat_none_as_default_value = false)]
struct CredentialValues<'c> {
    name: &'c str,
    scopes: String,
    networks: String,
    requests_per_second: Option<i64>,
    concurrent_calls: Option<i64>,
    suspended: bool,
    expire_time: Option<i64>,
    update_time: i64,
    version: i64,
}

impl<'c> CredentialValues<'c> {
    fn of(credential: &'c Credential) -> Self {
        Self {
            name: credential.name.as_str(),
            scopes: json(credential.scopes.iter().map(|scope| scope.to_string())),
            networks: json(credential.networks.iter().map(ToString::to_string)),
            requests_per_second: credential.limits.requests_per_second.map(i64::from),
            concurrent_calls: credential.limits.concurrent_calls.map(i64::from),
            suspended: credential.suspended,
            expire_time: credential.expire_time.map(Time::micros),
            update_time: credential.update_time.micros(),
            version: column(credential.version),
        }
    }
}

/// A list of texts as JSON.
fn json(texts: impl Iterator<Item = String>) -> String {
    serde_json::to_string(&texts.collect::<Vec<_>>()).unwrap_or_default()
}

impl Credentials for Session {
    fn raise_credentials_version(&mut self) -> Result<i64> {
        diesel::update(store::table)
            .set(store::credentials_version.eq(store::credentials_version + 1))
            .execute(&mut self.conn)?;
        self.credentials_version()
    }

    fn credentials_version(&mut self) -> Result<i64> {
        Ok(store::table
            .select(store::credentials_version)
            .first(&mut self.conn)?)
    }

    fn credentials_after(
        &mut self,
        organization: Option<&OrganizationName>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(CredentialId, Credential)>> {
        let org = match organization {
            Some(name) => match self.organization_number(name)? {
                Some(org) => Some(org),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let mut asked = credentials::table
            .left_join(organizations::table.on(credentials::org.eq(organizations::org.nullable())))
            .filter(credentials::credential.gt(column(after)))
            .order(credentials::credential)
            .limit(column(limit as u64))
            .select(credential_columns!())
            .into_boxed();
        if let Some(org) = org {
            asked = asked.filter(credentials::org.eq(org));
        }
        let rows = asked.load(&mut self.conn)?;
        self.with_proofs(rows)
    }

    fn credential(&mut self, id: CredentialId) -> Result<Option<Credential>> {
        let rows = credentials::table
            .left_join(organizations::table.on(credentials::org.eq(organizations::org.nullable())))
            .filter(credentials::credential.eq(column(id.number())))
            .select(credential_columns!())
            .load(&mut self.conn)?;
        let found = self.with_proofs(rows)?.pop();
        Ok(found.map(|(_, credential)| credential))
    }

    fn credentials_count(&mut self, organization: Option<&OrganizationName>) -> Result<u64> {
        let count: i64 = match organization {
            None => credentials::table
                .filter(credentials::org.is_null())
                .count()
                .get_result(&mut self.conn)?,
            Some(name) => match self.organization_number(name)? {
                None => 0,
                Some(org) => credentials::table
                    .filter(credentials::org.eq(org))
                    .count()
                    .get_result(&mut self.conn)?,
            },
        };
        Ok(u64::from_log(count).unwrap_or_default())
    }

    fn proof_owner(&mut self, proof: &Proof<'_>) -> Result<Option<CredentialId>> {
        let owner: Option<i64> = credential_proofs::table
            .find((proof.kind(), proof.text()))
            .select(credential_proofs::credential)
            .first(&mut self.conn)
            .optional()?;
        Ok(owner.and_then(u64::from_log).map(CredentialId::new))
    }

    fn insert_credential(&mut self, credential: &Credential) -> Result<CredentialId> {
        let org = match &credential.organization {
            Some(name) => self.organization_number(name)?,
            None => None,
        };
        let number: i64 = diesel::insert_into(credentials::table)
            .values((
                credentials::org.eq(org),
                credentials::create_time.eq(credential.create_time.micros()),
                CredentialValues::of(credential),
            ))
            .returning(credentials::credential)
            .get_result(&mut self.conn)?;
        let unclear = || not_understood("credentials", "credential", &[number]);
        let id = CredentialId::new(u64::from_log(number).ok_or_else(unclear)?);
        self.insert_proofs(id, credential)?;
        Ok(id)
    }

    fn update_credential(&mut self, id: CredentialId, credential: &Credential) -> Result<()> {
        diesel::update(credentials::table.find(column(id.number())))
            .set(CredentialValues::of(credential))
            .execute(&mut self.conn)?;
        let had =
            credential_proofs::table.filter(credential_proofs::credential.eq(column(id.number())));
        diesel::delete(had).execute(&mut self.conn)?;
        self.insert_proofs(id, credential)
    }

    fn record_key_uses(&mut self, uses: &[KeyUse]) -> Result<()> {
        for of in uses {
            diesel::update(credential_proofs::table.find((KEY, &*of.key_id)))
                .set(credential_proofs::last_use_time.eq(of.time.micros()))
                .execute(&mut self.conn)?;
        }
        Ok(())
    }

    fn append_admin_event(&mut self, event: &AdminEventRow<'_>) -> Result<()> {
        let org = match event.organization {
            Some(name) => self.organization_number(name)?,
            None => None,
        };
        diesel::insert_into(admin_events::table)
            .values((
                admin_events::create_time.eq(event.time.micros()),
                admin_events::credential.eq(event.credential),
                admin_events::actor.eq(event.actor),
                admin_events::action.eq(event.action),
                admin_events::target.eq(event.target),
                admin_events::org.eq(org),
            ))
            .execute(&mut self.conn)?;
        Ok(())
    }

    fn admin_events_before(
        &mut self,
        org: Option<Org>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LoggedAdminEvent>> {
        let mut asked = admin_events::table
            .left_join(organizations::table.on(admin_events::org.eq(organizations::org.nullable())))
            .order(admin_events::event.desc())
            .limit(column(limit as u64))
            .select((
                admin_events::event,
                admin_events::create_time,
                admin_events::credential,
                admin_events::actor,
                admin_events::action,
                admin_events::target,
                organizations::name.nullable(),
            ))
            .into_boxed();
        if let Some(org) = org {
            asked = asked.filter(admin_events::org.eq(org));
        }
        if let Some(before) = before {
            asked = asked.filter(admin_events::event.lt(column(before)));
        }
        let rows: Vec<EventRow> = asked.load(&mut self.conn)?;
        self.with_names(rows)
    }
}
