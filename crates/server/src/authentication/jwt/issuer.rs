//! An issuer of tokens: its rules, and its keys as its file last had them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use parking_lot::RwLock;
use roster_core::organization::OrganizationName;
use roster_core::scope::{Scope, ScopeSet, Scopes};
use roster_core::text::TokenText;

use super::issuer_config::{IssuerConfig, IssuerOrganizations, TokenAlgorithm};
use super::key_set::{KeySet, KeySetError, read};

/// The longest lifetime that can be allowed: a day. A longer token is a key, and keys belong to
/// credentials.
const LIFETIME_SECONDS_MAX: u64 = 86_400;

/// See the module.
pub(super) struct Issuer {
    pub(super) name: TokenText,
    pub(super) audience: String,
    file: PathBuf,
    algorithms: Vec<TokenAlgorithm>,
    pub(super) organizations: Organizations,
    pub(super) scopes_max: Scopes,
    pub(super) actor_claim: Option<Box<str>>,
    pub(super) lifetime_max_seconds: u64,
    keys: RwLock<Arc<KeySet>>,
    /// The text of the keys, and why the last look failed.
    looked: RwLock<Looked>,
}

#[derive(Default)]
struct Looked {
    text: Vec<u8>,
    failure: Option<String>,
}

/// The organizations whose credentials the tokens may prove.
pub(super) enum Organizations {
    Names(Vec<OrganizationName>),
    Claimed {
        claim: Box<str>,
        allow: Vec<OrganizationName>,
    },
}

/// What a look at the file found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Same,
    Changed,
    Broken,
}

fn names(given: &[String]) -> anyhow::Result<Vec<OrganizationName>> {
    ensure!(!given.is_empty(), "name at least one organization");
    let parse = |name: &String| OrganizationName::parse(name).with_context(|| name.clone());
    given.iter().map(parse).collect()
}

fn scopes(given: Option<&[String]>) -> anyhow::Result<Scopes> {
    let Some(given) = given else {
        let all = Scope::ALL.iter().copied();
        return Ok(all.filter(|scope| *scope != Scope::Admin).collect());
    };
    let mut scopes = Scopes::default();
    for name in given {
        let Some(of_name) = ScopeSet::scopes_of_name(name) else {
            bail!("{name:?} is neither a scope nor the name of a set of scopes");
        };
        scopes = scopes.and(of_name);
    }
    ensure!(!scopes.has(Scope::Admin), "no token has the scope admin");
    Ok(scopes)
}

impl Issuer {
    /// Checks the table and reads the keys. Blocks.
    pub(super) fn new(config: &IssuerConfig) -> anyhow::Result<Self> {
        let name = TokenText::parse(&config.issuer);
        let name = name.map_err(|fault| anyhow::anyhow!("`issuer` {fault}"))?;
        ensure!(!config.audience.is_empty(), "`audience` is empty");
        ensure!(!config.algorithms.is_empty(), "`algorithms` is empty");
        let allowed = 1..=LIFETIME_SECONDS_MAX;
        ensure!(
            allowed.contains(&config.lifetime_max),
            "`lifetime_max` is not 1 to {LIFETIME_SECONDS_MAX} seconds"
        );
        let organizations = match &config.organizations {
            IssuerOrganizations::Names(given) => names(given).map(Organizations::Names),
            IssuerOrganizations::Claimed(of) => names(&of.allow).map(|allow| {
                let claim = of.claim.as_str().into();
                Organizations::Claimed { claim, allow }
            }),
        };
        let issuer = Self {
            name,
            audience: config.audience.clone(),
            file: config.jwks_file.clone(),
            algorithms: config.algorithms.clone(),
            organizations: organizations.context("`organizations`")?,
            scopes_max: scopes(config.scopes_max.as_deref()).context("`scopes_max`")?,
            actor_claim: config.actor_claim.as_deref().map(Into::into),
            lifetime_max_seconds: config.lifetime_max,
            keys: RwLock::default(),
            looked: RwLock::default(),
        };
        let file = issuer.file.display();
        issuer
            .read_keys()
            .with_context(|| format!("`jwks_file` {file}"))?;
        Ok(issuer)
    }

    pub(super) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read())
    }

    /// Whether the tokens may prove a credential of an organization.
    pub(super) fn allows(
        &self,
        organization: Option<&OrganizationName>,
        claimed: Option<&OrganizationName>,
    ) -> bool {
        let Some(organization) = organization else {
            return false;
        };
        match &self.organizations {
            Organizations::Names(names) => names.contains(organization),
            Organizations::Claimed { .. } => claimed == Some(organization),
        }
    }

    /// Reads the file; `true` if the keys changed.
    fn read_keys(&self) -> Result<bool, KeySetError> {
        let text = read(&self.file)?;
        if text == self.looked.read().text {
            return Ok(false);
        }
        let keys = KeySet::parse(&text, &self.algorithms)?;
        *self.keys.write() = Arc::new(keys);
        self.looked.write().text = text;
        Ok(true)
    }

    /// Reads the file again. A broken file keeps the keys of before and is reported once. Blocks.
    pub(super) fn look(&self) -> Look {
        let read = self.read_keys();
        let failure = read.as_ref().err().map(ToString::to_string);
        let (issuer, file) = (&self.name, self.file.display());
        if failure != self.looked.read().failure {
            match &failure {
                Some(error) => tracing::warn!(
                    %issuer, %file, %error,
                    "could not read the keys of an issuer: its older keys apply"
                ),
                None => tracing::info!(%issuer, %file, "the keys of an issuer are readable again"),
            }
            self.looked.write().failure = failure;
        }
        match read {
            Ok(false) => Look::Same,
            Ok(true) => {
                tracing::info!(%issuer, %file, "the keys of an issuer changed");
                Look::Changed
            }
            Err(_) => Look::Broken,
        }
    }
}
