//! Two callers send conflicting writes at once, each over its own connection. The result must match
//! one of the two orders.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use roster_api::v1::*;
use roster_testkit::seed;
use tonic::{Code, Response, Status};

use crate::world::{Clients, World, both_engines, field, item_reason, reason, refused, rounds};

both_engines!(
    of_two_promotions_at_once_the_later_stands_and_there_is_one_primary,
    an_account_promoted_while_it_is_left_is_either_kept_as_primary_or_gone,
    a_pair_associated_twice_at_once_is_created_once,
    the_same_request_id_twice_at_once_has_one_effect_and_one_answer,
    of_two_requests_with_one_request_id_at_once_the_later_is_refused,
    a_ticket_recorded_while_its_account_is_left_is_cleared_or_refused,
    of_two_updates_by_one_etag_at_once_one_stands,
);

/// How many rounds of each race CI has time for.
const ROUNDS: usize = 200;
/// How many times as many rounds a race may take until both of its outcomes have come.
const PATIENCE: usize = 5;
/// By how much one of the two is held back at most: about what a write takes.
const HEAD_START_MICROS_MAX: u64 = 800;

/// Two callers, and the chance that decides which of them starts.
struct Rivals {
    one: Clients,
    other: Clients,
    chance: StdRng,
}

impl Rivals {
    async fn of(world: &World) -> Self {
        Self {
            one: world.server.connect().await,
            other: world.server.connect().await,
            chance: seed::rng(),
        }
    }

    /// Does both at once. Which of the two starts, and by how much, is drawn.
    async fn race<A, B>(
        &mut self,
        one: impl AsyncFnOnce(Clients) -> A,
        other: impl AsyncFnOnce(Clients) -> B,
    ) -> (A, B) {
        let head_start = Duration::from_micros(self.chance.random_range(0..=HEAD_START_MICROS_MAX));
        let first = self.chance.random::<bool>();
        let one = async {
            if !first {
                tokio::time::sleep(head_start).await;
            }
            one(self.one.clone()).await
        };
        let other = async {
            if first {
                tokio::time::sleep(head_start).await;
            }
            other(self.other.clone()).await
        };
        // Which is polled first decides where neither is held back.
        if first {
            tokio::join!(one, other)
        } else {
            let (other, one) = tokio::join!(other, one);
            (one, other)
        }
    }
}

/// How often each outcome came.
#[derive(Debug, Default)]
struct Outcomes {
    one: usize,
    other: usize,
}

impl Outcomes {
    fn count(&mut self, one: bool) {
        *(if one { &mut self.one } else { &mut self.other }) += 1;
    }

    fn rounds(&self) -> usize {
        self.one + self.other
    }

    /// A race that always ends alike is no race.
    fn came_both(&self) -> bool {
        let least = rounds(ROUNDS) / 20;
        self.one >= least && self.other >= least
    }

    /// Whether another round is due: all rounds are, and more of them while an outcome is rare, as
    /// it may be by chance or on a busy machine.
    fn are_open(&self) -> bool {
        let rounds = rounds(ROUNDS);
        self.rounds() < rounds || !self.came_both() && self.rounds() < rounds * PATIENCE
    }

    fn were_both(&self) {
        assert!(self.came_both(), "{self:?}");
    }
}

async fn promote(
    mut clients: Clients,
    contact: &str,
    account: &str,
) -> Result<Response<SetPrimaryAccountResponse>, Status> {
    let request = SetPrimaryAccountRequest {
        contact_id: contact.into(),
        account_id: account.into(),
        ..Default::default()
    };
    clients.associations.set_primary_account(request).await
}

async fn dissociate(
    mut clients: Clients,
    contact: &str,
    account: &str,
) -> Result<Response<DissociateContactResponse>, Status> {
    let request = DissociateContactRequest {
        contact_id: contact.into(),
        account_id: account.into(),
        ticket_disposition: TicketDisposition::ClearAccount.into(),
        ..Default::default()
    };
    clients.associations.dissociate_contact(request).await
}

async fn associate(mut clients: Clients, account: &str, contact: &str) -> AssociateContactsResult {
    let request = AssociateContactsRequest {
        account_id: account.into(),
        contacts: vec![ContactToAssociate {
            contact_id: contact.into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = clients.associations.associate_contacts(request).await;
    answer.expect("an answer").into_inner().results.remove(0)
}

async fn create(
    mut clients: Clients,
    family_name: &str,
    request_id: &str,
) -> Result<CreateContactResponse, Status> {
    let request = CreateContactRequest {
        contact: Some(Contact {
            family_name: family_name.into(),
            ..Default::default()
        }),
        request_id: request_id.into(),
    };
    let answer = clients.contacts.create_contact(request).await;
    answer.map(Response::into_inner)
}

async fn of_two_promotions_at_once_the_later_stands_and_there_is_one_primary(world: World) {
    world.allow_several_accounts().await;
    let contact = world.contact("田中").await;
    let mut accounts = Vec::new();
    for name in ["A", "B", "C"] {
        let account = world.account(name).await;
        world.associate(&account, &contact).await;
        accounts.push(account);
    }
    let mut rivals = Rivals::of(&world).await;
    let mut outcomes = Outcomes::default();
    while outcomes.are_open() {
        let (b, c) = rivals
            .race(
                async |clients| promote(clients, &contact, &accounts[1]).await,
                async |clients| promote(clients, &contact, &accounts[2]).await,
            )
            .await;
        assert!(b.unwrap().into_inner().association.unwrap().primary);
        assert!(c.unwrap().into_inner().association.unwrap().primary);
        let primary = world.primary_of(&contact).await;
        assert!(accounts[1..].contains(&primary));
        outcomes.count(primary == accounts[1]);
    }
    outcomes.were_both();
}

async fn an_account_promoted_while_it_is_left_is_either_kept_as_primary_or_gone(world: World) {
    world.allow_several_accounts().await;
    let (a, b, contact) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &contact).await;
    world.associate(&b, &contact).await;
    let mut rivals = Rivals::of(&world).await;
    let mut outcomes = Outcomes::default();
    while outcomes.are_open() {
        let (promoted, left) = rivals
            .race(
                async |clients| promote(clients, &contact, &b).await,
                async |clients| dissociate(clients, &contact, &b).await,
            )
            .await;
        outcomes.count(promoted.is_ok());
        if promoted.is_ok() {
            refused(left, Code::FailedPrecondition, "PRIMARY_STAYS");
            assert_eq!(world.primary_of(&contact).await, b);
            world.promote(&contact, &a).await.unwrap();
        } else {
            refused(promoted, Code::NotFound, "ASSOCIATION_NOT_FOUND");
            left.unwrap();
            assert_eq!(world.primary_of(&contact).await, a);
            assert_eq!(world.accounts_of(&contact).await.len(), 1);
            world.associate(&b, &contact).await;
        }
    }
    outcomes.were_both();
}

async fn a_pair_associated_twice_at_once_is_created_once(world: World) {
    let (account, other) = (world.account("A").await, world.account("B").await);
    world.allow_several_accounts().await;
    let contact = world.contact("田中").await;
    world.associate(&other, &contact).await;
    let mut rivals = Rivals::of(&world).await;
    let mut outcomes = Outcomes::default();
    while outcomes.are_open() {
        let (one, two) = rivals
            .race(
                async |clients| associate(clients, &account, &contact).await,
                async |clients| associate(clients, &account, &contact).await,
            )
            .await;
        let first = one.outcome() == AssociateOutcome::Created;
        outcomes.count(first);
        let later = if first { &two } else { &one };
        assert_eq!(later.outcome(), AssociateOutcome::AlreadyAssociated);
        assert_eq!(one.association, two.association);
        assert_eq!(world.accounts_of(&contact).await.len(), 2);
        world
            .dissociate(&account, &contact, TicketDisposition::Unspecified)
            .await
            .unwrap();
    }
    outcomes.were_both();
}

async fn the_same_request_id_twice_at_once_has_one_effect_and_one_answer(mut world: World) {
    let mut rivals = Rivals::of(&world).await;
    for round in 0..rounds(ROUNDS) {
        let id = format!("request {round}");
        let (one, other) = rivals
            .race(
                async |clients| create(clients, "田中", &id).await,
                async |clients| create(clients, "田中", &id).await,
            )
            .await;
        assert_eq!(one.unwrap(), other.unwrap());
    }
    let listed = ListContactsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let listed = world
        .clients
        .contacts
        .list_contacts(listed)
        .await
        .unwrap()
        .into_inner()
        .contacts;
    assert_eq!(listed.len(), rounds(ROUNDS));
}

async fn of_two_requests_with_one_request_id_at_once_the_later_is_refused(mut world: World) {
    let mut rivals = Rivals::of(&world).await;
    let mut outcomes = Outcomes::default();
    for round in 0..rounds(ROUNDS) {
        let id = format!("request {round}");
        let (one, other) = rivals
            .race(
                async |clients| create(clients, "田中", &id).await,
                async |clients| create(clients, "鈴木", &id).await,
            )
            .await;
        outcomes.count(one.is_ok());
        let later = if one.is_ok() {
            other
        } else {
            other.unwrap();
            one
        };
        let status = later.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "REQUEST_ID_REUSED")
        );
        assert_eq!(field(&status), "request_id");
    }
    let listed = ListContactsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let listed = world
        .clients
        .contacts
        .list_contacts(listed)
        .await
        .unwrap()
        .into_inner()
        .contacts;
    assert_eq!(listed.len(), rounds(ROUNDS));
    outcomes.were_both();
}

async fn a_ticket_recorded_while_its_account_is_left_is_cleared_or_refused(mut world: World) {
    world.allow_several_accounts().await;
    let (a, b, contact) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &contact).await;
    world.associate(&b, &contact).await;
    let mut rivals = Rivals::of(&world).await;
    let mut outcomes = Outcomes::default();
    while outcomes.are_open() {
        let round = outcomes.rounds();
        let record = RecordTicketsRequest {
            tickets: vec![TicketRecord {
                id: format!("T-{round}"),
                requester_id: contact.clone(),
                account_id: Some(b.clone()),
                ..Default::default()
            }],
            ..Default::default()
        };
        let (recorded, left) = rivals
            .race(
                async |mut clients| clients.tickets.record_tickets(record).await,
                async |clients| dissociate(clients, &contact, &b).await,
            )
            .await;
        let result = recorded.unwrap().into_inner().results.remove(0);
        let changed = left.unwrap().into_inner().tickets_changed;
        outcomes.count(result.error.is_none());
        if result.error.is_none() {
            assert_eq!((result.ticket.unwrap().account_id, changed), (b.clone(), 1));
            assert_eq!(world.get_ticket(&format!("T-{round}")).await.account_id, "");
        } else {
            assert_eq!(
                (item_reason(&result.error).as_str(), changed),
                ("NOT_REQUESTERS_ACCOUNT", 0)
            );
        }
        world.associate(&b, &contact).await;
    }
    let under = ListTicketsRequest {
        account_id: b,
        ..Default::default()
    };
    assert!(
        world
            .clients
            .tickets
            .list_tickets(under)
            .await
            .unwrap()
            .into_inner()
            .tickets
            .is_empty()
    );
    outcomes.were_both();
}

async fn of_two_updates_by_one_etag_at_once_one_stands(mut world: World) {
    let id = world.account("始").await;
    let mut rivals = Rivals::of(&world).await;
    let read = GetAccountRequest {
        id: id.clone(),
        ..Default::default()
    };
    let mut stored = world
        .clients
        .accounts
        .get_account(read.clone())
        .await
        .unwrap()
        .into_inner()
        .account
        .unwrap();
    let mut outcomes = Outcomes::default();
    while outcomes.are_open() {
        let round = outcomes.rounds();
        let update = |name: String| UpdateAccountRequest {
            account: Some(Account {
                id: id.clone(),
                name,
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["name".into()],
            }),
            etag: stored.etag.clone(),
            ..Default::default()
        };
        let (one, other) = (update(format!("一 {round}")), update(format!("他 {round}")));
        let (one, other) = rivals
            .race(
                async |mut clients| clients.accounts.update_account(one).await,
                async |mut clients| clients.accounts.update_account(other).await,
            )
            .await;
        outcomes.count(one.is_ok());
        let (winner, loser) = if one.is_ok() {
            (one, other)
        } else {
            (other, one)
        };
        refused(loser, Code::Aborted, "ETAG_MISMATCH");
        let winner = winner.unwrap().into_inner().account.unwrap();
        stored = world
            .clients
            .accounts
            .get_account(read.clone())
            .await
            .unwrap()
            .into_inner()
            .account
            .unwrap();
        assert_eq!(stored, winner);
    }
    outcomes.were_both();
}
