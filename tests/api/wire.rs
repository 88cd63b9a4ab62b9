//! What no client of ours would send is answered with a reason too, as every error is.

use prost::Message;
use roster_api::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{Engine, World, both_engines};
use crate::write_lock::WriteLock;
use crate::{error_shape, raw_call};

both_engines!(a_call_that_its_deadline_ends_has_a_reason,);

pub const CREATE: &str = "/roster.v1.AccountService/CreateAccount";
pub const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// Returns a message in the form of the wire: a compression flag, the length, and the message.
fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[compressed], &length[..], message].concat()
}

/// The message of a call that creates an account.
pub fn account(name: &str) -> Vec<u8> {
    let request = CreateAccountRequest {
        account: Some(Account {
            name: name.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    framed(0, &request.encode_to_vec())
}

#[track_caller]
fn refused(status: &Status, code: Code, reason: ErrorReason) {
    assert_eq!(
        (status.code(), error_shape::well(status)),
        (code, reason),
        "{status:?}"
    );
}

/// A call that waits for longer than it may.
pub async fn late(world: &World) -> Status {
    world.account("the organization").await;
    let lock = WriteLock::take(world.engine, &world.database);
    let timeout = ("grpc-timeout", "50m");
    let status = raw_call::http(
        &world.server.address,
        CREATE,
        &[GRPC, timeout],
        account("A"),
    )
    .await;
    lock.release();
    status
}

/// A call whose message is compressed.
pub async fn compressed(world: &World) -> Status {
    let headers = [GRPC, ("grpc-encoding", "gzip")];
    raw_call::http(&world.server.address, CREATE, &headers, framed(1, b"?")).await
}

async fn a_call_that_its_deadline_ends_has_a_reason(world: World) {
    let status = late(&world).await;
    refused(
        &status,
        Code::DeadlineExceeded,
        ErrorReason::DeadlineExceeded,
    );
}

#[tokio::test]
async fn a_deadline_that_is_far_enough_is_not_noticed() {
    let world = World::start(Engine::Sqlite).await;
    let mut request = tonic::Request::new(ListAccountsRequest::default());
    request.set_timeout(std::time::Duration::from_secs(3_600));
    world
        .clients
        .accounts
        .clone()
        .list_accounts(request)
        .await
        .unwrap();
}

#[tokio::test]
async fn each_of_many_deadlines_that_pass_at_once_has_a_reason() {
    let world = World::start(Engine::Sqlite).await;
    world.account("the organization").await;
    let lock = WriteLock::take(world.engine, &world.database);
    for timeout in ["0n", "1n", "1u", "1m", "2m", "3m"] {
        for _ in 0..20 {
            let headers = [GRPC, ("grpc-timeout", timeout)];
            let status =
                raw_call::http(&world.server.address, CREATE, &headers, account("A")).await;
            refused(
                &status,
                Code::DeadlineExceeded,
                ErrorReason::DeadlineExceeded,
            );
        }
    }
    lock.release();
}

#[tokio::test]
async fn bytes_that_are_framed_wrongly_are_the_callers_fault() {
    let world = World::start(Engine::Sqlite).await;
    let whole = account("A");
    let cut = &whole[..whole.len() - 1];
    let unknown_flag = [&[9], &whole[1..]].concat();
    for (what, body) in [
        ("nothing", &[][..]),
        ("half a frame", &whole[..3]),
        ("half a message", cut),
        ("compressed by nothing", &framed(1, b"?")),
        ("an unknown flag", &unknown_flag),
    ] {
        let status = raw_call::http(&world.server.address, CREATE, &[GRPC], body.to_vec()).await;
        println!("{what}: {status:?}");
        refused(&status, Code::InvalidArgument, ErrorReason::MessageInvalid);
    }
}

#[tokio::test]
async fn a_message_that_is_compressed_is_not_taken_for_an_unknown_method() {
    let world = World::start(Engine::Sqlite).await;
    let status = compressed(&world).await;
    refused(
        &status,
        Code::Unimplemented,
        ErrorReason::CompressionUnknown,
    );
    assert!(
        status.metadata().contains_key("grpc-accept-encoding"),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_path_that_is_no_method_and_a_part_of_a_file_that_is_too_long_have_a_reason() {
    let world = World::start(Engine::Sqlite).await;
    for method in ["/", "/x", "/roster.v1.AccountService/", "/a/b/c"] {
        let status = raw_call::http(&world.server.address, method, &[GRPC], account("A")).await;
        refused(&status, Code::Unimplemented, ErrorReason::MethodUnknown);
    }
    let method = "/roster.v1.ImportService/StartImport";
    let channel = world.server.channel().await;
    let status = raw_call::call(&channel, method, vec![0; (16 << 20) + 1])
        .await
        .unwrap_err();
    assert!(status.get_error_details().error_info().is_some());
    refused(
        &status,
        Code::ResourceExhausted,
        ErrorReason::MessageTooLarge,
    );
}
