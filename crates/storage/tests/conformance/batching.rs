//! Many commands at once: the answer of each, and the effect of a refused one.

use std::sync::Arc;

use roster_core::command::{Circumstances, Command, Decision};
use roster_core::fact::{Facts, Needs};
use roster_core::id::{AccountId, ContactId, Revision};
use roster_core::refusal::{Refusal, Refused};
use roster_core::rules::account::{AccountPatch, CreateAccount};
use roster_core::rules::settings::UpdateSettings;
use roster_core::text::{ExternalId, Name};
use roster_storage::{Done, NotDone, OrganizationName, RequestKey, RevisionId, StorageError};

use crate::replay::assert_whole;
use crate::tables::query;
use crate::world::{Ending, World, origin, queue, whole_log};

both_engines!(
    commands_of_one_batch_have_revisions_without_gaps_and_each_answers_at_its_own,
    callers_who_come_as_they_like_get_revisions_without_gaps,
    a_refused_command_leaves_ids_keys_and_revisions_as_if_it_had_never_been,
    a_first_write_that_is_refused_or_changes_nothing_makes_no_organization,
    organizations_share_nothing,
    a_command_whose_caller_has_gone_is_dropped_before_its_batch,
    the_same_request_twice_in_one_batch_is_carried_out_once,
    a_request_repeated_later_gets_its_first_answer_and_another_under_its_id_none,
);

pub fn account(external_id: &str) -> CreateAccount {
    CreateAccount {
        name: Name::parse("山田商事").unwrap(),
        fields: AccountPatch {
            external_id: Some(Some(ExternalId::parse(external_id).unwrap())),
            ..AccountPatch::default()
        },
    }
}

/// The number of the account that a command makes.
fn made(world: &World, command: CreateAccount) -> Ending<u64> {
    numbered(world.queued(command))
}

fn numbered<R: 'static>(ending: Ending<(AccountId, R)>) -> Ending<u64> {
    Box::pin(async move { ending.await.map(|((id, _), at)| (id.number(), at)) })
}

/// Takes a number of each kind, and is then refused or changes nothing.
struct Greedy {
    refused: bool,
}

impl Command for Greedy {
    type Answer = u64;
    const NAME: &'static str = "Greedy";

    fn needs(&self, _: &mut Needs) {}

    fn decide<F: Facts>(&self, _: &F, given: &mut Circumstances) -> Result<Decision<u64>, Refused> {
        let taken = given.take_account().number();
        given.take_contact();
        given.take_ticket();
        if self.refused {
            return Err(Refusal::ContactNotFound(ContactId::new(9)).into());
        }
        Ok(Decision::unchanged(taken))
    }
}

async fn commands_of_one_batch_have_revisions_without_gaps_and_each_answers_at_its_own(
    world: World,
) {
    const COMMANDS: u64 = 200;
    let all = (0..COMMANDS)
        .map(|n| made(&world, account(&n.to_string())))
        .collect();
    let ended = world.in_one_batch(all).await;
    let mut last = RevisionId::default();
    for (index, ended) in ended.into_iter().enumerate() {
        let (number, at) = ended.unwrap();
        assert_eq!(number, index as u64 + 1);
        assert_eq!(at.revision, last.revision.next());
        assert_ne!(at.nonce, 0);
        last = at;
    }
    let sql = "SELECT CAST(nonce AS TEXT) AS row FROM change_sets ORDER BY revision";
    assert_eq!(
        query(&world, sql),
        vec![last.nonce.to_string(); COMMANDS as usize]
    );
    let next = world.execute(account("next")).await.unwrap().1;
    assert_ne!(next.nonce, last.nonce, "each batch draws its own nonce");
    assert_whole(&world, &world.organization).await;
}

async fn callers_who_come_as_they_like_get_revisions_without_gaps(world: World) {
    const CALLERS: u64 = 40;
    const CALLS: u64 = 10;
    let world = Arc::new(world);
    let callers = (0..CALLERS).map(|caller| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut last = RevisionId::default();
            for call in 0..CALLS {
                let of = account(&format!("{caller}-{call}"));
                let ((_, stored), at) = world.execute(of).await.unwrap();
                assert_eq!(stored.revision, at.revision, "its own revision");
                assert!(at.revision > last.revision);
                last = at;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let log = whole_log(&world.store, &world.organization).await;
    assert_eq!(log.len() as u64, CALLERS * CALLS);
    assert_whole(&world, &world.organization).await;
}

async fn a_refused_command_leaves_ids_keys_and_revisions_as_if_it_had_never_been(world: World) {
    let ended = world
        .in_one_batch(vec![
            made(&world, account("D1")),
            made(&world, account("d1")),
            world.queued(Greedy { refused: true }),
            world.queued(Greedy { refused: false }),
            made(&world, account("D2")),
        ])
        .await;
    let told: Vec<_> = ended
        .into_iter()
        .map(|ended| ended.map(|(number, at)| (number, at.revision.number())))
        .collect();
    assert_eq!(told[0].as_ref().unwrap(), &(1, 1));
    let taken = |ended: &Result<_, NotDone>| {
        matches!(ended, Err(NotDone::Refused(Refusal::KeyTaken { .. })))
    };
    assert!(taken(&told[1]), "{:?}", told[1]);
    assert!(told[2].is_err());
    // It saw the next number, but did not use it up.
    assert_eq!(told[3].as_ref().unwrap(), &(2, 1));
    assert_eq!(told[4].as_ref().unwrap(), &(2, 2));
    assert_whole(&world, &world.organization).await;
}

async fn a_first_write_that_is_refused_or_changes_nothing_makes_no_organization(world: World) {
    assert!(world.execute(Greedy { refused: true }).await.is_err());
    let (_, at) = world.execute(UpdateSettings::default()).await.unwrap();
    assert_eq!(at, RevisionId::default());
    let count = "SELECT CAST(count(*) AS TEXT) AS row FROM organizations";
    assert_eq!(query(&world, count), ["0"]);
    let (_, at) = world.execute(account("D1")).await.unwrap();
    assert_eq!(at.revision, Revision::new(1));
    assert_eq!(query(&world, count), ["1"]);
}

async fn organizations_share_nothing(world: World) {
    let names = ["acme", "beta", "gamma"].map(|name| OrganizationName::parse(name).unwrap());
    let all = names
        .iter()
        .map(|name| numbered(world.queued_in(name, account("D1"))));
    for ended in futures::future::join_all(all).await {
        let (number, at) = ended.unwrap();
        assert_eq!((number, at.revision.number()), (1, 1));
    }
    for name in &names {
        assert_whole(&world, name).await;
    }
}

async fn a_command_whose_caller_has_gone_is_dropped_before_its_batch(world: World) {
    let busy = world.keep_busy();
    let mut dropped = made(&world, account("D1"));
    queue(&mut dropped);
    let mut kept = made(&world, account("D2"));
    queue(&mut kept);
    drop(dropped);
    busy.release();
    let (number, at) = kept.await.unwrap();
    assert_eq!((number, at.revision.number()), (1, 1));
    assert_eq!(whole_log(&world.store, &world.organization).await.len(), 1);
}

/// Creates an account under a request id. Returns the answer as a caller would read it.
fn repeatable(world: &World, request: RequestKey, external_id: &str) -> Ending<String> {
    let (store, organization) = (Arc::clone(&world.store), world.organization.clone());
    let command = account(external_id);
    Box::pin(async move {
        let done = store
            .execute(
                &organization,
                command,
                origin(Some(request)),
                |(id, _), at| format!("{id} at {}", at.revision.number()).into_bytes(),
            )
            .await?;
        Ok(match done {
            Done::Fresh((id, _), at) => (format!("fresh {id}"), at),
            Done::Repeated(bytes) => (
                format!("again {}", String::from_utf8(bytes).unwrap()),
                RevisionId::default(),
            ),
        })
    })
}

fn request(request_id: &str, hash: u8) -> RequestKey {
    RequestKey {
        caller: "caller".into(),
        rpc: "CreateAccount",
        request_id: request_id.into(),
        hash: [hash; 32],
    }
}

fn words(ended: Vec<Result<(String, RevisionId), NotDone>>) -> Vec<String> {
    let word = |ended: Result<(String, RevisionId), NotDone>| match ended {
        Ok((told, _)) => told,
        Err(NotDone::Storage(StorageError::RequestIdReused)) => "reused".into(),
        Err(NotDone::Refused(_)) => "refused".into(),
        Err(other) => panic!("{other:?}"),
    };
    ended.into_iter().map(word).collect()
}

async fn the_same_request_twice_in_one_batch_is_carried_out_once(world: World) {
    let busy = world.keep_busy();
    let mut all = vec![
        repeatable(&world, request("r1", 1), "D1"),
        repeatable(&world, request("r1", 1), "D1"),
        repeatable(&world, request("r1", 2), "D2"),
        repeatable(&world, request("r2", 1), "D3"),
    ];
    all.iter_mut().for_each(queue);
    busy.release();
    let ended = futures::future::join_all(all).await;
    assert_eq!(
        words(ended),
        ["fresh a1", "again a1 at 1", "reused", "fresh a2"]
    );
    assert_eq!(whole_log(&world.store, &world.organization).await.len(), 2);
}

async fn a_request_repeated_later_gets_its_first_answer_and_another_under_its_id_none(
    world: World,
) {
    let one_by_one = [
        (request("r1", 1), "D1", "fresh a1"),
        (request("r1", 1), "D1", "again a1 at 1"),
        (request("r1", 2), "D2", "reused"),
        // A refusal is not stored: the same id may be used again.
        (request("r2", 1), "d1", "refused"),
        (request("r2", 1), "D2", "fresh a2"),
        // The id belongs to its caller and its RPC.
        (
            RequestKey {
                caller: "other".into(),
                ..request("r1", 1)
            },
            "D3",
            "fresh a3",
        ),
        (
            RequestKey {
                rpc: "Another",
                ..request("r1", 1)
            },
            "D4",
            "fresh a4",
        ),
        (request("r1", 1), "D1", "again a1 at 1"),
    ];
    for (request, external_id, expected) in one_by_one {
        let ended = repeatable(&world, request, external_id).await;
        assert_eq!(words(vec![ended]), [expected]);
    }
    assert_eq!(whole_log(&world.store, &world.organization).await.len(), 4);
}
