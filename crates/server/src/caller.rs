//! The caller of a call, read once from its metadata.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderValue, Request};
use roster_api::method_of_path;
use roster_api::v1::ErrorReason;
use roster_core::scope::Scopes;
use roster_core::text::Actor;
use roster_storage::OrganizationName;
use tokio::time::Instant;
use tonic::Code;

use crate::access::permit;
use crate::authentication::{Authenticator, Grant, Proofs, VisitorToken};
use crate::fault::Fault;
use crate::wire::Peer;

/// The metadata key that names the organization.
const ORGANIZATION_KEY: &str = "roster-organization";
/// The metadata key that names the actor in ASCII.
const ACTOR_KEY: &str = "roster-actor";
/// The metadata key that names the actor in UTF-8.
const ACTOR_BYTES_KEY: &str = "roster-actor-bin";
/// The header with the timeout of the caller.
const TIMEOUT_KEY: &str = "grpc-timeout";
/// Maximum digits before the unit of a timeout, by the protocol.
const TIMEOUT_DIGITS_MAX: usize = 8;
/// The header with the key or the token of the caller.
const AUTHORIZATION_KEY: &str = "authorization";
/// The credential of callers without one, on a server that requires none.
pub(crate) const CREDENTIAL_LOCAL: &str = "local";
/// The organization of calls without the metadata key.
pub(crate) static ORGANIZATION_DEFAULT: LazyLock<OrganizationName> =
    LazyLock::new(|| OrganizationName::trusted("default"));
/// Base64 of binary metadata, with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The number of a call on this server, for finding its log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallId(pub(crate) u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The caller and identity of a call.
#[derive(Debug)]
pub(crate) struct Caller {
    /// What its credential grants; `None` for a caller that needs no credential.
    grant: Option<Arc<Grant>>,
    /// Why it is not authenticated.
    refused: Option<Box<Fault>>,
    /// Whether the call needs further scopes that nothing has checked yet.
    unchecked: AtomicBool,
    /// The person that it acts for: recorded, but not part of its identity. The claim of a token, or
    /// the metadata.
    pub(crate) actor: Actor,
    /// Whether the metadata names an actor.
    pub(crate) names_actor: bool,
    /// The organization that it names.
    named: Option<OrganizationName>,
    /// The deadline of the call.
    pub(crate) deadline: Option<Instant>,
    /// The number of the call.
    pub(crate) call_id: CallId,
    /// The place of its method in `METHODS`, if it is a method of Roster.
    pub(crate) method: Option<usize>,
    /// The fault of the metadata: handlers refuse the call with it.
    fault: Option<Box<Fault>>,
}

impl Caller {
    /// Reads the metadata of a call, in one pass over its headers, and authenticates it.
    pub(crate) fn of<B>(call: &Request<B>, authenticator: &Authenticator, call_id: CallId) -> Self {
        let mut given = Given::default();
        for (name, value) in call.headers() {
            match name.as_str() {
                ORGANIZATION_KEY => given.organization.add(value),
                ACTOR_KEY => given.actor.add(value),
                ACTOR_BYTES_KEY => given.actor_bytes.add(value),
                TIMEOUT_KEY => given.timeout.add(value),
                AUTHORIZATION_KEY => given.authorization.add(value),
                _ => {}
            }
        }
        let time = given.timeout.first.and_then(time_given);
        // A call of a test of the layers alone has no peer.
        let peer = call.extensions().get::<Peer>();
        let proofs = Proofs {
            authorization: given.authorization.first,
            repeated: given.authorization.more,
            address: peer.and_then(|peer| peer.address),
            certificate_names: peer.map_or(&[], |peer| &peer.names),
        };
        let (grant, refused) = match authenticator.authenticate(&proofs) {
            Ok(grant) => (grant, None),
            Err(fault) => (None, Some(Box::new(fault))),
        };
        let mut caller = Self {
            grant,
            refused,
            unchecked: AtomicBool::new(false),
            actor: Actor::default(),
            names_actor: false,
            named: None,
            deadline: time.and_then(|time| Instant::now().checked_add(time)),
            call_id,
            method: method_of_path(call.uri().path()),
            fault: None,
        };
        match organization(&given.organization) {
            Ok(organization) => caller.named = organization,
            Err(fault) => caller.fault = Some(Box::new(fault)),
        }
        match actor(&given.actor, &given.actor_bytes) {
            Ok(actor) => {
                caller.names_actor = !actor.is_empty();
                caller.actor = actor;
            }
            // Of two faults, report the first.
            Err(fault) => caller.fault = caller.fault.or_else(|| Some(Box::new(fault))),
        }
        let of_token = caller.grant.as_ref().and_then(|grant| grant.actor.clone());
        if let Some(actor) = of_token {
            caller.actor = actor;
        }
        caller
    }

    /// Returns the fault of the metadata, if any.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match &self.fault {
            None => Ok(()),
            Some(fault) => Err(Fault::clone(fault)),
        }
    }

    /// Why the caller is not authenticated, if it is not.
    pub(crate) fn refused(&self) -> Option<&Fault> {
        self.refused.as_deref()
    }

    /// What its credential grants; `None` for a caller that needs no credential.
    pub(crate) fn grant(&self) -> Option<&Arc<Grant>> {
        self.grant.as_ref()
    }

    /// The token of the visitor that calls; `None` if a service calls.
    pub(crate) fn visitor(&self) -> Option<&VisitorToken> {
        self.grant.as_ref().and_then(|grant| grant.visitor())
    }

    /// The identity of the caller, which request ids belong to.
    pub(crate) fn credential(&self) -> &str {
        match &self.grant {
            Some(grant) => &grant.id_text,
            None => CREDENTIAL_LOCAL,
        }
    }

    /// The organization that the metadata names.
    pub(crate) fn named_organization(&self) -> Option<&OrganizationName> {
        self.named.as_ref()
    }

    /// The organization of the call: of its credential, or the named one. Administrators have none,
    /// and no method with an organization accepts them.
    pub(crate) fn organization(&self) -> &OrganizationName {
        let of_grant = self
            .grant
            .as_ref()
            .and_then(|grant| grant.organization.as_ref());
        of_grant
            .or(self.named.as_ref())
            .unwrap_or(&ORGANIZATION_DEFAULT)
    }

    /// Requires further scopes of a method whose scopes depend on the request.
    pub(crate) fn require(&self, scopes: Scopes) -> Result<(), Fault> {
        self.unchecked.store(false, Ordering::Relaxed);
        scopes.iter().try_for_each(|scope| permit(self, scope))
    }

    /// Notes that the method needs further scopes, which its handler must [`require`](Self::require).
    pub(crate) fn expect_further_scopes(&self) {
        self.unchecked.store(true, Ordering::Relaxed);
    }

    /// Whether a handler forgot to require further scopes.
    pub(crate) fn lacks_check(&self) -> bool {
        self.unchecked.load(Ordering::Relaxed)
    }
}

/// The values of a key.
#[derive(Default)]
struct Values<'h> {
    first: Option<&'h HeaderValue>,
    more: bool,
}

impl<'h> Values<'h> {
    fn add(&mut self, value: &'h HeaderValue) {
        if self.first.is_some() {
            self.more = true;
        } else {
            self.first = Some(value);
        }
    }
}

/// The metadata about the caller.
#[derive(Default)]
struct Given<'h> {
    organization: Values<'h>,
    actor: Values<'h>,
    actor_bytes: Values<'h>,
    timeout: Values<'h>,
    authorization: Values<'h>,
}

fn organization(given: &Values<'_>) -> Result<Option<OrganizationName>, Fault> {
    let invalid = |what| invalid(ErrorReason::OrganizationInvalid, ORGANIZATION_KEY, what);
    let Some(value) = given.first else {
        return Ok(None);
    };
    if given.more {
        return Err(invalid("is given twice"));
    }
    let name = value.to_str().unwrap_or_default();
    if OrganizationName::is_one(name) {
        Ok(Some(OrganizationName::trusted(name)))
    } else {
        Err(invalid("must be 1 to 63 characters of a-z, 0-9 and -"))
    }
}

fn actor(ascii: &Values<'_>, bytes: &Values<'_>) -> Result<Actor, Fault> {
    let invalid = |key, what: &str| invalid(ErrorReason::ActorInvalid, key, what);
    let parsed =
        |key, text: &str| Actor::parse(text).map_err(|fault| invalid(key, &fault.to_string()));
    match (ascii.first, bytes.first) {
        (None, None) => Ok(Actor::default()),
        (Some(value), None) if !ascii.more => {
            let text = value.to_str().map_err(|_| {
                let what = "is not ASCII: send UTF-8 in the metadata key roster-actor-bin";
                invalid(ACTOR_KEY, what)
            })?;
            parsed(ACTOR_KEY, text)
        }
        (None, Some(value)) if !bytes.more => {
            let decoded = BASE64.decode(value.as_bytes()).ok();
            let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(|| invalid(ACTOR_BYTES_KEY, "is not UTF-8"))?;
            parsed(ACTOR_BYTES_KEY, &text)
        }
        (Some(_), _) => Err(invalid(ACTOR_KEY, "is given twice")),
        (None, Some(_)) => Err(invalid(ACTOR_BYTES_KEY, "is given twice")),
    }
}

fn invalid(reason: ErrorReason, key: &'static str, what: &str) -> Fault {
    let message = format!("the metadata key {key} {what}");
    Fault::new(Code::InvalidArgument, reason, message).with("key", key)
}

/// The timeout of a caller; `None` if it is malformed, which tonic ignores, too.
fn time_given(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > TIMEOUT_DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(given: &[(&'static str, &[u8])]) -> Caller {
        let mut call = Request::new(());
        for (key, value) in given {
            let value = HeaderValue::from_bytes(value).expect("a header");
            call.headers_mut().append(*key, value);
        }
        Caller::of(&call, &Authenticator::open_to_all(), CallId(1))
    }

    fn refused(given: &[(&'static str, &[u8])]) -> (ErrorReason, String) {
        let fault = caller(given).check().expect_err("refused");
        assert_eq!(fault.code, Code::InvalidArgument);
        (fault.reason, fault.message)
    }

    #[test]
    fn a_caller_that_says_nothing_is_local_and_in_the_default_organization() {
        let caller = caller(&[]);
        caller.check().expect("nothing is wrong");
        assert_eq!(caller.named_organization(), None);
        assert_eq!(caller.organization().as_str(), "default");
        assert!(caller.actor.is_empty() && caller.deadline.is_none());
        assert_eq!(caller.credential(), "local");
    }

    #[test]
    fn an_actor_is_named_in_ascii_or_in_utf_8() {
        let of = |key, value: &str| caller(&[(key, value.as_bytes())]);
        assert_eq!(
            of(ACTOR_KEY, "sato@example.jp").actor.as_str(),
            "sato@example.jp"
        );
        for padded in [BASE64.encode("佐藤"), BASE64.encode("佐藤1")] {
            for value in [padded.as_str(), padded.trim_end_matches('=')] {
                assert!(
                    of(ACTOR_BYTES_KEY, value)
                        .actor
                        .as_str()
                        .starts_with("佐藤")
                );
            }
        }
        assert_eq!(of(ACTOR_KEY, "").actor.as_str(), "");
    }

    #[test]
    fn an_actor_has_at_most_200_characters_whichever_key_names_it() {
        for length in [199, 200, 201] {
            let (ascii, wide) = ("a".repeat(length), BASE64.encode("あ".repeat(length)));
            for (key, value) in [(ACTOR_KEY, ascii), (ACTOR_BYTES_KEY, wide)] {
                let taken = caller(&[(key, value.as_bytes())]).check().is_ok();
                assert_eq!(taken, length <= 200, "{key}, {length}");
            }
        }
    }

    #[test]
    fn an_actor_that_cannot_be_recorded_is_refused_with_its_key() {
        let nul = BASE64.encode("a\0b");
        let latin_1 = BASE64.encode(b"\xe9");
        for (given, said) in [
            (&[(ACTOR_KEY, &b"\xe9"[..])][..], "is not ASCII"),
            (&[(ACTOR_KEY, b"a\tb")], "control character U+0009"),
            (&[(ACTOR_KEY, b"a"), (ACTOR_KEY, b"a")], "is given twice"),
            (
                &[(ACTOR_KEY, b"a"), (ACTOR_BYTES_KEY, b"YQ")],
                "is given twice",
            ),
            (
                &[(ACTOR_BYTES_KEY, b"YQ"), (ACTOR_BYTES_KEY, b"YQ")],
                "is given twice",
            ),
            (&[(ACTOR_BYTES_KEY, b"%")], "is not UTF-8"),
            (&[(ACTOR_BYTES_KEY, latin_1.as_bytes())], "is not UTF-8"),
            (
                &[(ACTOR_BYTES_KEY, nul.as_bytes())],
                "control character U+0000",
            ),
        ] {
            let (reason, message) = refused(given);
            assert_eq!(reason, ErrorReason::ActorInvalid, "{message}");
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn a_bad_organization_is_reported_before_a_bad_actor() {
        let (reason, _) = refused(&[(ACTOR_KEY, b"\xe9"), (ORGANIZATION_KEY, b"A B")]);
        assert_eq!(reason, ErrorReason::OrganizationInvalid);
        let (_, message) = refused(&[(ORGANIZATION_KEY, b"a"), (ORGANIZATION_KEY, b"b")]);
        assert!(message.ends_with("is given twice"), "{message}");
    }

    #[test]
    fn a_timeout_is_a_number_of_at_most_8_digits_and_a_unit() {
        let of = |text: &str| time_given(&text.parse().expect("a header"));
        assert_eq!(of("99999999H"), Some(Duration::from_secs(359_999_996_400)));
        assert_eq!(of("2M"), Some(Duration::from_secs(120)));
        assert_eq!(of("3S"), Some(Duration::from_secs(3)));
        assert_eq!(of("50m"), Some(Duration::from_millis(50)));
        assert_eq!(of("7u"), Some(Duration::from_micros(7)));
        assert_eq!(of("0n"), Some(Duration::ZERO));
        for none in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
        assert!(caller(&[]).deadline.is_none());
        assert!(caller(&[(TIMEOUT_KEY, b"1S")]).deadline.is_some());
    }
}
