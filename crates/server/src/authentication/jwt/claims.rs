//! The claims of a token, and the rules about them that a signature does not decide.

use roster_core::id::Time;
use roster_core::organization::OrganizationName;
use roster_core::scope::{Scope, Scopes};
use roster_core::text::Actor;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::issuer::{Issuer, Organizations};

/// Seconds that the clocks of an issuer and of the server may differ.
pub(super) const SKEW_SECONDS: u64 = 60;
/// Times of claims lie between 1970 and this year-9999 second: later numbers are no times.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// The claim that the key is found by, before anything is verified.
#[derive(Deserialize)]
pub(super) struct Unverified {
    pub(super) iss: String,
}

/// See the module.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    exp: f64,
    iat: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    scope: Option<ScopeClaim>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A list with spaces, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum ScopeClaim {
    Text(String),
    List(Vec<String>),
}

/// What the claims say, if they keep the rules.
pub(super) struct Accepted {
    /// The organization that the token names, if its issuer has tokens name it.
    pub(super) organization: Option<OrganizationName>,
    pub(super) scopes: Scopes,
    pub(super) actor: Actor,
    /// When it expires, by its own clock.
    pub(super) expires: Time,
}

fn time(seconds: f64) -> Option<Time> {
    let is_time = (0.0..=SECONDS_MAX).contains(&seconds);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "microseconds of the year 9999 fit"
    )]
    let micros = (seconds * 1e6) as i64;
    is_time.then(|| Time::from_micros(micros))
}

impl Claims {
    /// Applies the rules of an issuer. The library has verified `exp`, `nbf`, `iss` and `aud`.
    pub(super) fn accept(&self, issuer: &Issuer, now: Time) -> Option<Accepted> {
        let (issued, expires) = (time(self.iat)?, time(self.exp)?);
        if let Some(nbf) = self.nbf {
            time(nbf)?;
        }
        let skew = i64::try_from(SKEW_SECONDS * 1_000_000).ok()?;
        let lifetime = expires.micros() - issued.micros();
        let lifetime_max = i64::try_from(issuer.lifetime_max_seconds * 1_000_000).ok()?;
        if issued.micros() > now.micros() + skew || lifetime <= 0 || lifetime > lifetime_max {
            return None;
        }
        Some(Accepted {
            organization: self.organization(issuer)?,
            scopes: self.scopes()?.within(issuer.scopes_max),
            actor: self.actor(issuer)?,
            expires,
        })
    }

    /// The organization that the token names; the outer `None` refuses it.
    fn organization(&self, issuer: &Issuer) -> Option<Option<OrganizationName>> {
        match &issuer.organizations {
            Organizations::Names(_) => Some(None),
            Organizations::Claimed { claim, allow } => {
                let named = self.rest.get(&**claim)?.as_str()?;
                let found = allow.iter().find(|allowed| allowed.as_str() == named)?;
                Some(Some(found.clone()))
            }
        }
    }

    /// The known scopes of the token, by their exact names. A token that claims `admin` is refused.
    fn scopes(&self) -> Option<Scopes> {
        let scopes: Scopes = match &self.scope {
            None => Scopes::default(),
            Some(ScopeClaim::Text(text)) => text.split(' ').filter_map(Scope::of_name).collect(),
            Some(ScopeClaim::List(list)) => list
                .iter()
                .filter_map(|name| Scope::of_name(name))
                .collect(),
        };
        (!scopes.has(Scope::Admin)).then_some(scopes)
    }

    fn actor(&self, issuer: &Issuer) -> Option<Actor> {
        let claim = issuer.actor_claim.as_deref();
        match claim.and_then(|claim| self.rest.get(claim)) {
            None => Some(Actor::default()),
            Some(actor) => Actor::parse(actor.as_str()?).ok(),
        }
    }
}
