//! The reasons that what is stored brings about.

use prost_types::FieldMask;
use roster_api::v1::*;

use super::{Produced, account};
use crate::world::World;

/// What is stored already decides.
pub async fn of_records(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let a = world
        .account_of(Account {
            name: "A".into(),
            external_id: "D1".into(),
            ..Default::default()
        })
        .await;
    let update = |paths: &[&str], etag: &str| UpdateAccountRequest {
        account: Some(Account {
            id: a.clone(),
            name: "B".into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
        etag: etag.into(),
        ..Default::default()
    };
    produced.call(
        Reason::UpdateMaskInvalid,
        c.accounts
            .update_account(update(&["create_time"], ""))
            .await,
    );
    produced.call(
        Reason::EtagMismatch,
        c.accounts.update_account(update(&["name"], "r0")).await,
    );
    let once = CreateAccountRequest {
        request_id: "once".into(),
        ..account("A")
    };
    c.accounts.create_account(once.clone()).await.unwrap();
    let other = CreateAccountRequest {
        request_id: "once".into(),
        ..account("B")
    };
    produced.call(
        Reason::RequestIdReused,
        c.accounts.create_account(other).await,
    );
    let mut taken = account("B");
    taken.account.as_mut().unwrap().external_id = "Ｄ１".into();
    produced.call(Reason::KeyTaken, c.accounts.create_account(taken).await);
    let twice = CreateContactRequest {
        contact: Some(Contact {
            family_name: "鈴木".into(),
            emails: vec!["s@example.com".into(), "S@example.com".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    produced.call(Reason::Repeated, c.contacts.create_contact(twice).await);
}

/// What is not there.
pub async fn of_what_is_missing(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let (a, person) = (world.account("A").await, world.contact("田中").await);
    let get = GetAccountRequest {
        id: "a99".into(),
        ..Default::default()
    };
    produced.call(Reason::AccountNotFound, c.accounts.get_account(get).await);
    let get = GetContactRequest {
        id: "c99".into(),
        ..Default::default()
    };
    produced.call(Reason::ContactNotFound, c.contacts.get_contact(get).await);
    produced.call(
        Reason::AssociationNotFound,
        world.promote(&person, &a).await,
    );
    let get = GetTicketRequest {
        id: "T".into(),
        ..Default::default()
    };
    produced.call(Reason::TicketNotFound, c.tickets.get_ticket(get).await);
    let record = |requester: &str, cc: &[&str], account: Option<&str>| TicketRecord {
        id: "T".into(),
        requester_id: requester.into(),
        cc_contact_ids: cc.iter().map(ToString::to_string).collect(),
        account_id: account.map(Into::into),
        ..Default::default()
    };
    produced.item(
        Reason::RequesterNotFound,
        &world.try_record(record("c99", &[], None)).await.error,
    );
    produced.item(
        Reason::CopiesNotFound,
        &world
            .try_record(record(&person, &["c98", "c99"], None))
            .await
            .error,
    );
    produced.item(
        Reason::NotRequestersAccount,
        &world.try_record(record(&person, &[], Some(&a))).await.error,
    );
}

/// What the rules of associations decide.
pub async fn of_associations(world: &World, produced: &mut Produced) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    let (a, b, other) = (
        world.account("A").await,
        world.account("B").await,
        world.account("C").await,
    );
    let person = world.contact("田中").await;
    let transfer = TransferContactRequest {
        contact_id: person.clone(),
        to_account_id: a.clone(),
        ..Default::default()
    };
    produced.call(
        Reason::NothingToTransfer,
        c.associations.transfer_contact(transfer).await,
    );
    world.associate(&a, &person).await;
    produced.item(
        Reason::OneAccount,
        &world.try_associate(&b, &person, None, "").await.error,
    );
    let all = AssociateContactsRequest {
        account_id: b.clone(),
        contacts: vec![ContactToAssociate {
            contact_id: person.clone(),
            ..Default::default()
        }],
        all_or_nothing: true,
        ..Default::default()
    };
    produced.call(
        Reason::AllOrNothing,
        c.associations.associate_contacts(all).await,
    );
    world.allow_several_accounts().await;
    world.associate(&b, &person).await;
    produced.call(
        Reason::SeveralAccounts,
        world
            .try_settings(Settings::default(), &["multiple_accounts"])
            .await,
    );
    let two = Settings {
        accounts_per_contact_max: 2,
        ..Default::default()
    };
    world.settings(two, &["accounts_per_contact_max"]).await;
    produced.item(
        Reason::AccountsPerContact,
        &world.try_associate(&other, &person, None, "").await.error,
    );
    produced.call(
        Reason::PrimaryStays,
        world
            .dissociate(&a, &person, TicketDisposition::Unspecified)
            .await,
    );
    of_dispositions(world, produced, [a, b, other], person).await;
}

/// The same for a contact of two accounts that leaves the second and has a ticket there.
async fn of_dispositions(
    world: &World,
    produced: &mut Produced,
    [a, b, other]: [String; 3],
    person: String,
) {
    use ErrorReason as Reason;
    let mut c = world.clients.clone();
    world.ticket("of B", &person, &b).await;
    produced.call(
        Reason::DispositionRequired,
        world
            .dissociate(&b, &person, TicketDisposition::Unspecified)
            .await,
    );
    produced.call(
        Reason::DispositionInvalid,
        world
            .dissociate(&b, &person, TicketDisposition::MoveToAccount)
            .await,
    );
    let to = |target: &str| DissociateContactRequest {
        account_id: b.clone(),
        contact_id: person.clone(),
        ticket_disposition: TicketDisposition::MoveToAccount.into(),
        move_to_account_id: target.into(),
        ..Default::default()
    };
    produced.call(
        Reason::TargetNotAssociated,
        c.associations.dissociate_contact(to(&other)).await,
    );
    produced.call(
        Reason::TargetIsLeft,
        c.associations.dissociate_contact(to(&b)).await,
    );
    let delete = DeleteAccountRequest {
        id: a,
        ..Default::default()
    };
    produced.call(Reason::StillInUse, c.accounts.delete_account(delete).await);
}
