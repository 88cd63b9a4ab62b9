//! VisitorService: tokens for visitors.

use roster_api::v1::visitor_service_server::VisitorService;
use roster_api::v1::{self, ErrorReason};
use roster_core::id::{AccountId, ContactId, Time};
use roster_core::refusal::Refusal;
use roster_core::rules::visitor::{RevokeVisitorTokens, Visitor, issue_time};
use roster_core::text::Actor;
use tonic::{Request, Response, Status};

use crate::authentication::{self, VisitorToken, now};
use crate::fault::{self, Fault};
use crate::handler::{Access, Handler, caller};
use crate::parse::{self, Parsed};
use crate::render;

/// How long a token is accepted, if the call does not say.
const TTL_DEFAULT_MICROS: i64 = 10 * 60 * 1_000_000;
/// The longest time that a token is accepted: a page that is open for longer mints another, so that
/// a stolen token ends soon.
const TTL_MICROS_MAX: i64 = 3_600 * 1_000_000;

/// See the proto.
pub(crate) struct Visitors(pub(crate) Handler);

fn ttl(given: Option<&prost_types::Duration>) -> Parsed<i64> {
    let Some(given) = given else {
        return Ok(TTL_DEFAULT_MICROS);
    };
    let nanos = i128::from(given.seconds) * 1_000_000_000 + i128::from(given.nanos);
    let is_whole = (0..1_000_000_000).contains(&given.nanos);
    // A rest below a microsecond is over the limit, too.
    let fits = (1_000..=i128::from(TTL_MICROS_MAX) * 1_000).contains(&nanos);
    if let Ok(micros) = i64::try_from(nanos / 1_000)
        && is_whole
        && fits
    {
        return Ok(micros);
    }
    let what = "is not more than 0 s and at most 3,600 s";
    Err(Fault::field("ttl", ErrorReason::FieldInvalid, what))
}

fn revoke(request: v1::RevokeVisitorTokensRequest) -> Parsed<RevokeVisitorTokens> {
    Ok(RevokeVisitorTokens {
        contact: parse::id("contact_id", &request.contact_id)?,
    })
}

#[tonic::async_trait]
impl VisitorService for Visitors {
    async fn mint_visitor_token(
        &self,
        request: Request<v1::MintVisitorTokenRequest>,
    ) -> Result<Response<v1::MintVisitorTokenResponse>, Status> {
        let caller = caller(&request)?;
        let given = request.get_ref();
        let contact: ContactId = parse::id("contact_id", &given.contact_id)?;
        let account: Option<AccountId> = parse::optional_id("account_id", &given.account_id)?;
        let ttl = ttl(given.ttl.as_ref())?;
        let staff = parse::text("acting_staff", &given.acting_staff, Actor::parse)?;
        let found = self.0.store.read(caller.organization(), move |at| {
            let found = at.contacts(&[contact])?.pop();
            let known = match account {
                Some(account) => !at.accounts(&[account])?.is_empty(),
                None => true,
            };
            Ok((found, known, at.at()))
        });
        let (found, account_known, at) = found.await.map_err(Fault::from)?;
        let (_, found) = found.ok_or_else(|| Fault::from(Refusal::ContactNotFound(contact)))?;
        if let Some(account) = account.filter(|_| !account_known) {
            return Err(Fault::from(Refusal::AccountNotFound(account)).into());
        }
        let tokens = self.0.authenticator.visitor_tokens();
        if !tokens.can_mint() {
            return Err(fault::secret_key_missing().into());
        }
        // A token ends with the credential that minted it: there must be one.
        let grant = caller.grant().ok_or_else(authentication::missing)?;
        let now = now();
        let token = VisitorToken {
            organization: caller.organization().clone(),
            credential: grant.id,
            contact,
            visitor: Visitor {
                issue_time: issue_time(now, found.record.visitors_not_before),
                account,
            },
            at,
            expire_time: Time::from_micros(now.micros().saturating_add(ttl)),
        };
        let minted = tokens.mint(&token);
        let minted = minted.map_err(|error| fault::internal(&error.to_string()))?;
        let minted = minted.ok_or_else(fault::secret_key_missing)?;
        if !staff.is_empty() {
            let access = Access::of::<v1::MintVisitorTokenRequest>(Some(contact), "");
            let access = access.by(staff.to_string());
            self.0.record_access(&request, access).await?;
        }
        Ok(Response::new(v1::MintVisitorTokenResponse {
            token: minted,
            expire_time: render::time(token.expire_time),
        }))
    }

    async fn revoke_visitor_tokens(
        &self,
        request: Request<v1::RevokeVisitorTokensRequest>,
    ) -> Result<Response<v1::RevokeVisitorTokensResponse>, Status> {
        self.0
            .write(request, revoke, |(), written_token| {
                v1::RevokeVisitorTokensResponse { written_token }
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_for_more_than_nothing_and_at_most_an_hour() {
        let of = |seconds, nanos| ttl(Some(&prost_types::Duration { seconds, nanos })).ok();
        assert_eq!(ttl(None).ok(), Some(600_000_000));
        assert_eq!(of(0, 1_000), Some(1));
        assert_eq!(of(3_599, 999_999_999), Some(3_599_999_999));
        assert_eq!(of(3_600, 0), Some(3_600_000_000));
        for (seconds, nanos) in [
            (0, 0),
            (0, 999),
            (3_600, 1),
            (3_601, 0),
            (-1, 0),
            (1, -1),
            (1, 1_000_000_000),
            (i64::MAX, 0),
            (i64::MIN, 0),
        ] {
            assert_eq!(of(seconds, nanos), None, "{seconds} {nanos}");
        }
    }
}
