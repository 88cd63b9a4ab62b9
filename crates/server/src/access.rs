//! Permission: whether a caller may call a method, decided before the request is read.

mod by_kind;

use std::sync::LazyLock;

use anyhow::Context;
use roster_api::METHODS;
use roster_api::v1::ErrorReason;
use roster_core::scope::{Scope, Scopes};
use tonic::Code;

use crate::authentication::{Authenticator, Grant};
use crate::caller::Caller;
use crate::fault::{self, Fault};

pub(crate) use by_kind::FurtherScopes;

/// The paths of the health service, which load balancers call without a credential.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// The scope of each method, by its place in [`METHODS`].
static SCOPES: LazyLock<Vec<Option<Scope>>> = LazyLock::new(|| {
    let scope = |method: &roster_api::MethodInfo| Scope::of_name(method.access.scope);
    METHODS.iter().map(scope).collect()
});

/// The scopes of methods that belong to no organization.
const MANAGES: Scopes = Scopes::of(&[
    Scope::Admin,
    Scope::CredentialsRead,
    Scope::CredentialsWrite,
]);

/// Fails if a method of the proto has an unknown scope: nobody could call it.
pub(crate) fn check_methods() -> anyhow::Result<()> {
    for (method, scope) in METHODS.iter().zip(SCOPES.iter()) {
        let (path, name) = (method.path, method.access.scope);
        scope.with_context(|| format!("the method {path} has the unknown scope {name:?}"))?;
    }
    Ok(())
}

/// Refuses a caller that lacks a scope.
pub(crate) fn permit(caller: &Caller, scope: Scope) -> Result<(), Fault> {
    let granted = caller.grant().is_none_or(|grant| grant.scopes.allow(scope));
    if granted {
        return Ok(());
    }
    let what = format!("the credential lacks the scope {scope}: ask its administrator for it");
    Err(Fault::new(Code::PermissionDenied, ErrorReason::ScopeMissing, what).with("scope", scope))
}

/// Decides whether a call may begin.
pub(crate) fn check(
    authenticator: &Authenticator,
    caller: &Caller,
    path: &str,
) -> Result<(), Fault> {
    if path.starts_with(HEALTH) {
        return Ok(());
    }
    if let Some(fault) = caller.refused() {
        return Err(fault.clone());
    }
    let Some(grant) = caller.grant() else {
        return check_local(authenticator, caller);
    };
    if let Some(own) = &grant.organization
        && !authenticator.serves(own.as_str())
    {
        return Err(fault::organization_suspended());
    }
    check_method(caller)?;
    let named = caller.named_organization();
    if named.is_some() && named != grant.organization.as_ref() {
        return Err(Fault::new(
            Code::PermissionDenied,
            ErrorReason::OrganizationDenied,
            "the call names another organization than that of its credential: omit the metadata \
             key roster-organization",
        ));
    }
    check_actor(caller, grant)
}

/// Whether the caller may name an actor in the metadata. Only a claim names the actor of a token.
fn check_actor(caller: &Caller, grant: &Grant) -> Result<(), Fault> {
    if !caller.names_actor {
        return Ok(());
    }
    if grant.actor.is_some() {
        let what = "the actor of a call with a token is a claim of the token: omit the metadata \
                    key roster-actor";
        return Err(Fault::new(
            Code::PermissionDenied,
            ErrorReason::ActorDenied,
            what,
        ));
    }
    if !grant.scopes.allow(Scope::ActorAssert) {
        let what =
            "the credential lacks the scope actor:assert: omit the metadata key roster-actor";
        return Err(
            Fault::new(Code::PermissionDenied, ErrorReason::ActorDenied, what)
                .with("scope", Scope::ActorAssert),
        );
    }
    Ok(())
}

/// Decides for a caller that needs no credential: it names its organization, unless it calls a
/// method of administration.
fn check_local(authenticator: &Authenticator, caller: &Caller) -> Result<(), Fault> {
    let scope = caller.method;
    let scope = scope.and_then(|method| SCOPES.get(method).copied().flatten());
    let is_of_data = scope.is_some_and(|scope| !MANAGES.has(scope));
    if is_of_data && !authenticator.serves(caller.organization().as_str()) {
        return Err(fault::organization_suspended());
    }
    check_method(caller)
}

/// Whether the caller has the scope of the method. Any caller but a visitor may ask for an unknown
/// method or for reflection.
fn check_method(caller: &Caller) -> Result<(), Fault> {
    let is_visitor = caller.visitor().is_some();
    let Some(method) = caller.method else {
        return if is_visitor {
            let what = "the token of a visitor is not accepted by this method";
            let reason = ErrorReason::ScopeMissing;
            Err(Fault::new(Code::PermissionDenied, reason, what))
        } else {
            Ok(())
        };
    };
    if is_visitor && METHODS[method].access.visitors {
        return Ok(());
    }
    let scope = SCOPES.get(method).copied().flatten();
    let scope = scope.ok_or_else(|| fault::internal("a method has no scope"))?;
    permit(caller, scope)?;
    if METHODS[method].access.by_kind {
        caller.expect_further_scopes();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_scope_that_exists() {
        check_methods().expect("scopes");
        assert_eq!(SCOPES.len(), METHODS.len());
    }
}
