//! Errors that any call may fail with.

use prost::Message;
use tonic::Code;
use tonic::transport::Channel;

use super::{admin, path_of, request, requests, visitor};
use crate::manual::{self, Listed, MANUAL};
use crate::raw_call;
use crate::wire::GRPC;
use crate::world::World;

/// The header of a message of this many bytes.
fn header(compressed: u8, bytes: u32) -> Vec<u8> {
    [&[compressed][..], &bytes.to_be_bytes()].concat()
}

/// A message that the RPC takes.
fn good_message(path: &str) -> Vec<u8> {
    let good = requests::GOOD.iter().chain(admin::GOOD);
    let mut good = good.chain(visitor::GOOD);
    let good = good.find(|(rpc, _)| path_of(rpc) == path);
    let message = good.map(|(_, json)| request(path, json).encode_to_vec());
    let message = message.unwrap_or_default();
    let bytes = u32::try_from(message.len()).expect("a short message");
    [header(0, bytes), message].concat()
}

/// Of the errors that any call may fail with, those that other tests produce by some call: calls
/// without the database, more calls than can wait, defects, and calls on a server that requires
/// credentials.
const ELSEWHERE: [(Code, &str); 12] = [
    (Code::Unauthenticated, "CREDENTIAL_MISSING"),
    (Code::Unauthenticated, "CREDENTIAL_INVALID"),
    (Code::Unauthenticated, "CREDENTIAL_REVOKED"),
    (Code::PermissionDenied, "SCOPE_MISSING"),
    (Code::PermissionDenied, "ORGANIZATION_DENIED"),
    (Code::PermissionDenied, "ORGANIZATION_SUSPENDED"),
    (Code::PermissionDenied, "ACTOR_DENIED"),
    (Code::PermissionDenied, "NETWORK_DENIED"),
    (Code::ResourceExhausted, "RATE_EXCEEDED"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::ResourceExhausted, "QUEUE_FULL"),
    (Code::Internal, "INTERNAL"),
];

/// Has every RPC fail with every other error of the list.
pub async fn of_every_rpc(world: &World, channel: &Channel) {
    let address = &world.server.address;
    for path in MANUAL.rpcs.keys() {
        let mut seen: Listed = ELSEWHERE
            .map(|(code, reason)| (manual::code_name(code), reason.to_owned()))
            .into();
        let unreadable = [header(0, 2), vec![0x0a, 0x7f]].concat();
        let organization = ("roster-organization", "A B");
        let long = "a".repeat(201);
        let actor = ("roster-actor", long.as_str());
        let gzip = ("grpc-encoding", "gzip");
        for (headers, body) in [
            (vec![GRPC], unreadable),
            (vec![GRPC], header(0, (16 << 20) + 1)),
            (vec![GRPC, organization], good_message(path)),
            (vec![GRPC, actor], good_message(path)),
            (vec![GRPC, gzip], [header(1, 1), vec![b'?']].concat()),
        ] {
            let status = raw_call::http(address, path, &headers, body).await;
            seen.insert(manual::named(&status).expect("an ErrorInfo"));
        }
        // The message does not come before the deadline.
        let timeout = ("grpc-timeout", "5m");
        let late = raw_call::http_open(address, path, &[GRPC, timeout]).await;
        seen.insert(manual::named(&late).expect("an ErrorInfo"));
        let (service, _) = path.rsplit_once('/').expect("a path");
        let unknown = raw_call::call(channel, &format!("{service}/Nonsense"), vec![]).await;
        seen.insert(manual::named(&unknown.unwrap_err()).expect("an ErrorInfo"));
        assert_eq!(seen, MANUAL.any, "{path}");
    }
}
