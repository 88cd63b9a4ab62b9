//! Faults of visitors and of their tokens.

use roster_api::v1::ErrorReason;
use tonic::Code;

use super::Fault;

/// There is no key to seal a token with.
pub(crate) fn secret_key_missing() -> Fault {
    let what = "this server has no secret keys: start it with --secret-key-file; roster-server \
                secrets create makes the file";
    Fault::new(
        Code::FailedPrecondition,
        ErrorReason::SecretKeyMissing,
        what,
    )
}

/// The contact of a visitor's token is gone, or its tokens were revoked.
pub(crate) fn visitor_gone() -> Fault {
    let what =
        "the contact of this token was deleted or its tokens were revoked: mint another token";
    Fault::new(Code::Unauthenticated, ErrorReason::VisitorGone, what)
}

/// A visitor names another contact.
pub(crate) fn contact_denied() -> Fault {
    let what = "contact_id is not the contact of this token: leave it empty";
    let reason = ErrorReason::ContactDenied;
    Fault::new(Code::PermissionDenied, reason, what).with("field", "contact_id")
}

/// A visitor asks for the current database.
pub(crate) fn consistency_denied() -> Fault {
    let what = "a visitor may not ask for consistency.fully_consistent: send a token as \
                at_least_as_fresh instead";
    Fault::new(Code::PermissionDenied, ErrorReason::ConsistencyDenied, what)
        .with("field", "consistency.fully_consistent")
}
