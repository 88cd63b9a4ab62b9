//! Credentials: who may manage them, and their keys.

use roster_core::credential::{ApiKey, Credential};
use roster_core::id::{CredentialId, Time};
use roster_core::organization::OrganizationName;
use roster_core::rules::credential::{CredentialRefusal, Manager, add_key, expire_key, revoke_key};
use roster_core::scope::{Scope, Scopes};
use roster_core::text::Name;

fn acme() -> OrganizationName {
    OrganizationName::trusted("acme")
}

fn credential() -> Credential {
    let name = Name::trusted("billing".to_owned());
    Credential::new(name, Some(acme()), Scopes::of(&[Scope::AccountsRead]))
}

fn key(id: &str, expires: Option<i64>) -> ApiKey {
    ApiKey {
        id: id.into(),
        hash: [0; 32],
        last_four: "abcd".into(),
        create_time: Time::from_micros(0),
        expire_time: expires.map(Time::from_micros),
        last_use_time: None,
    }
}

/// `keys-per-credential`
#[test]
fn keys_per_credential_three_that_are_alive_and_any_number_that_have_expired() {
    let (id, now) = (CredentialId::new(1), Time::from_micros(10));
    let mut credential = credential();
    for (name, expires) in [("a", Some(10)), ("b", Some(11)), ("c", None)] {
        credential.keys.push(key(name, expires));
    }
    add_key(id, &mut credential, key("d", None), now).expect("a has expired");
    let names: Vec<_> = credential.keys.iter().map(|key| &*key.id).collect();
    assert_eq!(names, ["b", "c", "d"]);
    let refused = add_key(id, &mut credential, key("e", None), now);
    assert_eq!(refused, Err(CredentialRefusal::TooManyKeys(id)));
}

#[test]
fn a_key_that_expires_soon_does_not_live_longer_because_it_is_rolled() {
    let id = CredentialId::new(1);
    let mut credential = credential();
    credential.keys = vec![key("a", Some(5)), key("b", None)];
    for name in ["a", "b"] {
        expire_key(id, &mut credential, name, Time::from_micros(9)).expect("a key");
    }
    let expires = |at: usize| credential.keys[at].expire_time.map(Time::micros);
    assert_eq!((expires(0), expires(1)), (Some(5), Some(9)));
    let unknown = revoke_key(id, &mut credential, "c");
    assert_eq!(unknown, Err(CredentialRefusal::KeyNotFound(id)));
}

/// `scopes-within`
#[test]
fn scopes_within_a_caller_manages_only_what_it_could_do_itself() {
    let own = Manager {
        organization: Some(acme()),
        scopes: Some(Scopes::of(&[Scope::AccountsRead, Scope::CredentialsWrite])),
    };
    let reads = Scopes::of(&[Scope::AccountsRead]);
    let writes = Scopes::of(&[Scope::AccountsWrite]);
    let admin = Scopes::of(&[Scope::Admin]);
    let (here, other) = (acme(), OrganizationName::trusted("other"));
    assert_eq!(own.check(Some(&here), reads), Ok(()));
    assert_eq!(
        own.check(Some(&here), writes),
        Err(CredentialRefusal::BeyondOwn(Scope::AccountsWrite))
    );
    assert_eq!(
        own.check(Some(&other), reads),
        Err(CredentialRefusal::OtherOrganization)
    );
    assert_eq!(
        own.check(None, admin),
        Err(CredentialRefusal::OtherOrganization)
    );
    for (organization, scopes) in [
        (Some(&here), admin),
        (None, reads),
        (None, admin.and(reads)),
        (None, Scopes::default()),
    ] {
        let refused = own.check(organization, scopes);
        assert_eq!(refused, Err(CredentialRefusal::AdminMixed), "{scopes:?}");
    }
    let administrator = Manager {
        organization: None,
        scopes: Some(admin),
    };
    assert_eq!(administrator.check(Some(&other), writes), Ok(()));
    assert_eq!(administrator.check(None, admin), Ok(()));
}
