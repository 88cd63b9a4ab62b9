//! `one-primary`: which account of a contact is its primary account, and how it changes.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, both_engines, refused};

both_engines!(
    promotion_moves_the_primary_and_needs_an_association,
    a_primary_that_was_replaced_can_go_and_the_new_one_cannot,
    an_account_that_is_added_changes_no_ticket_and_neither_does_a_promotion,
    accounts_of_a_contact_come_primary_first_then_by_name,
);

async fn promotion_moves_the_primary_and_needs_an_association(world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    refused(
        world.promote(&c, &b).await,
        Code::NotFound,
        "ASSOCIATION_NOT_FOUND",
    );
    world.associate(&b, &c).await;
    world.promote(&c, &b).await.unwrap();
    assert_eq!(world.primary_of(&c).await, b);
    let listed = world.accounts_of(&c).await;
    assert_eq!(listed[0].account_name, "B");
    assert!(!listed[1].association.as_ref().unwrap().primary);
}

async fn a_primary_that_was_replaced_can_go_and_the_new_one_cannot(world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    refused(
        world
            .dissociate(&a, &c, TicketDisposition::Unspecified)
            .await,
        Code::FailedPrecondition,
        "PRIMARY_STAYS",
    );
    let promoted = world
        .promote(&c, &b)
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    let again = world
        .promote(&c, &b)
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    assert_eq!(promoted, again, "the present primary: nothing changes");
    world
        .dissociate(&a, &c, TicketDisposition::Unspecified)
        .await
        .unwrap();
    refused(
        world
            .dissociate(&b, &c, TicketDisposition::Unspecified)
            .await,
        Code::FailedPrecondition,
        "PRIMARY_STAYS",
    );
    assert_eq!(world.primary_of(&c).await, b);
}

async fn an_account_that_is_added_changes_no_ticket_and_neither_does_a_promotion(world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    let before = world.ticket("T1", &c, &a).await;
    world.associate(&b, &c).await;
    world.promote(&c, &b).await.unwrap();
    assert_eq!(world.get_ticket("T1").await, before);
}

async fn accounts_of_a_contact_come_primary_first_then_by_name(world: World) {
    world.allow_several_accounts().await;
    let c = world.contact("田中").await;
    for name in ["い商店", "う商店", "あ商店", "え商店"] {
        let account = world.account(name).await;
        world.associate(&account, &c).await;
    }
    let names: Vec<_> = world
        .accounts_of(&c)
        .await
        .into_iter()
        .map(|a| a.account_name)
        .collect();
    assert_eq!(names, ["い商店", "あ商店", "う商店", "え商店"]);
}
