//! **Visibility**: the one rule with its clauses `requester`, `cc` and `account`, and that all who
//! ask it agree.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, both_engines, item_reason, refused};

both_engines!(
    visibility_is_per_account_and_ends_with_the_switch,
    no_account_equals_no_account_never,
    a_private_ticket_is_visible_to_its_requester_and_its_cc,
    a_replaced_owner_and_revoked_visibility_count_from_the_next_call,
    a_contact_in_cc_sees_only_that_ticket_until_it_is_removed,
    a_blocked_contact_sees_nothing_and_explain_names_the_block,
    roles_match_after_folding_and_only_under_their_mode,
    only_primary_associations_count_when_the_organization_says_so,
    a_batch_answers_as_often_as_asked_and_says_what_is_unknown,
    without_account_visibility_a_contact_lists_and_opens_only_its_own,
    a_former_requester_is_denied_unless_in_cc_or_through_the_account,
    a_second_company_does_not_show_the_tickets_of_the_first,
    a_contact_in_cc_from_another_company_takes_nothing_from_the_owner_and_opens_nothing_to_its_own,
    a_contact_in_cc_still_sees_the_ticket_after_it_leaves_the_account,
    a_list_names_a_contact_or_an_account_that_does_not_exist,
);

fn check(contact: &str, ticket: &str) -> CheckTicketRequest {
    CheckTicketRequest {
        contact_id: contact.into(),
        ticket_id: ticket.into(),
        ..Default::default()
    }
}

fn with_cc(id: &str, requester: &str, cc: &[&str]) -> TicketRecord {
    TicketRecord {
        id: id.into(),
        requester_id: requester.into(),
        cc_contact_ids: cc.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

async fn visibility_is_per_account_and_ends_with_the_switch(world: World) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (me, other) = (world.contact("一").await, world.contact("二").await);
    world.associated(&a, &me, Some(true), "").await;
    world.associated(&b, &me, Some(false), "").await;
    world.associate(&a, &other).await;
    world.associate(&b, &other).await;
    world.ticket("A1", &other, &a).await;
    world.ticket("B1", &other, &b).await;
    world.ticket("B2", &me, &b).await;
    world.record(with_cc("N1", &other, &[&me])).await;
    let mut seen = world.visible(&me).await;
    seen.sort();
    // N1 was filled in with the other's primary, A.
    assert_eq!(seen, ["A1", "B2", "N1"]);
    assert!(!world.sees(&me, "B1").await);
    world
        .settings(Settings::default(), &["sharing_enabled"])
        .await;
    let mut seen = world.visible(&me).await;
    seen.sort();
    assert_eq!(seen, ["B2", "N1"]);
}

async fn no_account_equals_no_account_never(world: World) {
    let (x, y) = (world.contact("一").await, world.contact("二").await);
    world.record(with_cc("T1", &x, &[])).await;
    assert!(!world.sees(&y, "T1").await);
    assert!(world.visible(&y).await.is_empty());
}

async fn a_private_ticket_is_visible_to_its_requester_and_its_cc(world: World) {
    let a = world.account("A").await;
    let (x, y, z) = (
        world.contact("一").await,
        world.contact("二").await,
        world.contact("三").await,
    );
    for contact in [&x, &y, &z] {
        world.associated(&a, contact, Some(true), "").await;
    }
    world
        .record(TicketRecord {
            private: Some(true),
            ..with_cc("T1", &x, &[&y])
        })
        .await;
    assert_eq!(
        (
            world.sees(&x, "T1").await,
            world.sees(&y, "T1").await,
            world.sees(&z, "T1").await
        ),
        (true, true, false)
    );
    assert!(world.visible(&z).await.is_empty());
}

async fn a_replaced_owner_and_revoked_visibility_count_from_the_next_call(mut world: World) {
    let a = world.account("A").await;
    let (x, y) = (world.contact("一").await, world.contact("二").await);
    let mut association = world.associated(&a, &x, Some(true), "").await;
    world.associate(&a, &y).await;
    world.ticket("T1", &x, &a).await;
    world.record(with_cc("T1", &y, &[])).await;
    assert!(world.sees(&x, "T1").await, "through the account");
    association.sees_account_tickets = false;
    let update = UpdateAssociationRequest {
        association: Some(association),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["sees_account_tickets".into()],
        }),
        ..Default::default()
    };
    world
        .clients
        .associations
        .update_association(update)
        .await
        .unwrap();
    assert!(!world.sees(&x, "T1").await);
}

async fn a_contact_in_cc_sees_only_that_ticket_until_it_is_removed(world: World) {
    let a = world.account("A").await;
    let (x, guest, colleague) = (
        world.contact("一").await,
        world.contact("二").await,
        world.contact("三").await,
    );
    world.associate(&a, &x).await;
    world.associated(&a, &colleague, Some(true), "").await;
    world.record(with_cc("T1", &x, &[&guest, &colleague])).await;
    world.record(with_cc("T2", &x, &[])).await;
    assert_eq!(world.visible(&guest).await, ["T1"]);
    assert!(!world.sees(&guest, "T2").await);
    world.record(with_cc("T1", &x, &[])).await;
    assert!(world.sees(&colleague, "T1").await && !world.sees(&guest, "T1").await);
}

async fn a_blocked_contact_sees_nothing_and_explain_names_the_block(mut world: World) {
    let a = world.account("A").await;
    let me = world
        .contact_of(Contact {
            family_name: "一".into(),
            blocked: true,
            ..Contact::default()
        })
        .await;
    let other = world.contact("二").await;
    world.associated(&a, &me, Some(true), "").await;
    world.associated(&a, &other, Some(true), "").await;
    world.ticket("T1", &me, &a).await;
    assert!(!world.sees(&me, "T1").await && world.sees(&other, "T1").await);
    assert!(world.visible(&me).await.is_empty());
    let explain = ExplainTicketRequest {
        contact_id: me.clone(),
        ticket_id: "T1".into(),
        ..Default::default()
    };
    let told = world
        .clients
        .visibility
        .explain_ticket(explain)
        .await
        .unwrap()
        .into_inner();
    assert!(told.blocked && told.visibility() == Visibility::Hidden);
    assert_eq!(
        told.clauses.iter().map(|c| c.holds).collect::<Vec<_>>(),
        [true, false, true]
    );
    let viewers = ListTicketViewersRequest {
        ticket_id: "T1".into(),
        ..Default::default()
    };
    let viewers = world
        .clients
        .visibility
        .list_ticket_viewers(viewers)
        .await
        .unwrap()
        .into_inner()
        .viewers;
    assert_eq!(
        viewers
            .into_iter()
            .map(|v| v.contact_id)
            .collect::<Vec<_>>(),
        [other]
    );
}

async fn roles_match_after_folding_and_only_under_their_mode(world: World) {
    let account = |mode: SharingMode, roles: &[&str]| Account {
        name: "A".into(),
        sharing_mode: mode.into(),
        sharing_roles: roles.iter().map(ToString::to_string).collect(),
        ..Account::default()
    };
    let by_role = world
        .account_of(account(SharingMode::Roles, &["Manager", "部長"]))
        .await;
    let nobody = world
        .account_of(account(SharingMode::Nobody, &["Manager"]))
        .await;
    let empty = world.account_of(account(SharingMode::Roles, &[])).await;
    let everyone = world.account_of(account(SharingMode::Everyone, &[])).await;
    world.allow_several_accounts().await;
    let (owner, manager, clerk) = (
        world.contact("一").await,
        world.contact("二").await,
        world.contact("三").await,
    );
    for (id, account) in [
        ("R", &by_role),
        ("N", &nobody),
        ("E", &empty),
        ("A", &everyone),
    ] {
        world.associate(account, &owner).await;
        world
            .associated(account, &manager, Some(true), "ＭＡＮＡＧＥＲ")
            .await;
        world.associated(account, &clerk, Some(true), "").await;
        world.ticket(id, &owner, account).await;
    }
    let mut seen = world.visible(&manager).await;
    seen.sort();
    assert_eq!(seen, ["A", "R"]);
    assert_eq!(world.visible(&clerk).await, ["A"]);
}

async fn only_primary_associations_count_when_the_organization_says_so(world: World) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (me, other) = (world.contact("一").await, world.contact("二").await);
    for account in [&a, &b] {
        world.associated(account, &me, Some(true), "").await;
        world.associate(account, &other).await;
    }
    world.ticket("A1", &other, &a).await;
    world.ticket("B1", &other, &b).await;
    assert!(world.sees(&me, "B1").await);
    let only = Settings {
        sharing_primary_only: true,
        ..Settings::default()
    };
    world.settings(only, &["sharing_primary_only"]).await;
    assert!(world.sees(&me, "A1").await && !world.sees(&me, "B1").await);
    assert_eq!(world.visible(&me).await, ["A1"]);
}

async fn a_batch_answers_as_often_as_asked_and_says_what_is_unknown(mut world: World) {
    let c = world.contact("一").await;
    world.record(with_cc("T1", &c, &[])).await;
    let batch = |contact: &str| BatchCheckTicketsRequest {
        contact_id: contact.into(),
        ticket_ids: vec!["T1".into(), "T9".into(), "T1".into()],
        ..Default::default()
    };
    let results = world
        .clients
        .visibility
        .batch_check_tickets(batch(&c))
        .await
        .unwrap()
        .into_inner()
        .results;
    assert_eq!(results.len(), 3);
    assert_eq!(results[0], results[2]);
    assert_eq!(results[0].visibility(), Visibility::Visible);
    assert_eq!(item_reason(&results[1].error), "TICKET_NOT_FOUND");
    refused(
        world
            .clients
            .visibility
            .batch_check_tickets(batch("c99"))
            .await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    refused(
        world.clients.visibility.check_ticket(check(&c, "T9")).await,
        Code::NotFound,
        "TICKET_NOT_FOUND",
    );
    refused(
        world.clients.visibility.check_ticket(check("", "T1")).await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
}

async fn without_account_visibility_a_contact_lists_and_opens_only_its_own(mut world: World) {
    let a = world.account("A").await;
    let (me, colleague) = (world.contact("一").await, world.contact("二").await);
    world.associate(&a, &me).await;
    world.associated(&a, &colleague, Some(true), "").await;
    world.ticket("Mine", &me, &a).await;
    world.ticket("His", &colleague, &a).await;
    assert_eq!(world.visible(&me).await, ["Mine"]);
    assert!(!world.sees(&me, "His").await && world.sees(&colleague, "Mine").await);
    // Opening it directly is no way around the switch.
    world
        .settings(Settings::default(), &["sharing_enabled"])
        .await;
    assert!(!world.sees(&colleague, "Mine").await);
    world.restart().await;
    assert!(!world.sees(&colleague, "Mine").await && world.sees(&me, "Mine").await);
}

async fn a_former_requester_is_denied_unless_in_cc_or_through_the_account(world: World) {
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (old, new) = (world.contact("一").await, world.contact("二").await);
    world.associate(&a, &old).await;
    world.associate(&b, &new).await;
    world.ticket("T1", &old, &a).await;
    world.record(with_cc("T1", &new, &[])).await;
    assert!(!world.sees(&old, "T1").await && world.sees(&new, "T1").await);
    assert!(world.visible(&old).await.is_empty());
    world.record(with_cc("T1", &new, &[&old])).await;
    assert!(world.sees(&old, "T1").await);
}

async fn a_second_company_does_not_show_the_tickets_of_the_first(world: World) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (me, other) = (world.contact("一").await, world.contact("二").await);
    for account in [&a, &b] {
        world.associate(account, &other).await;
    }
    world.ticket("A1", &other, &a).await;
    world.ticket("B1", &other, &b).await;
    world.associated(&a, &me, Some(false), "").await;
    world.associated(&b, &me, Some(true), "").await;
    assert_eq!(world.visible(&me).await, ["B1"]);
    world.promote(&me, &b).await.unwrap();
    assert_eq!(world.visible(&me).await, ["B1"], "nor does it as primary");
    // The ticket's own account counts, not the present one of its requester.
    world.promote(&other, &b).await.unwrap();
    assert_eq!(world.visible(&me).await, ["B1"]);
}

async fn a_contact_in_cc_from_another_company_takes_nothing_from_the_owner_and_opens_nothing_to_its_own(
    world: World,
) {
    let everyone = |name: &str| Account {
        name: name.into(),
        sharing_mode: SharingMode::Everyone.into(),
        ..Account::default()
    };
    let (a, b) = (
        world.account_of(everyone("A")).await,
        world.account_of(everyone("B")).await,
    );
    let (owner, colleague) = (world.contact("一").await, world.contact("二").await);
    let (guest, his_colleague) = (world.contact("三").await, world.contact("四").await);
    for (account, contact) in [
        (&a, &owner),
        (&a, &colleague),
        (&b, &guest),
        (&b, &his_colleague),
    ] {
        world.associate(account, contact).await;
    }
    world.record(with_cc("T1", &owner, &[&guest])).await;
    let mut seen = Vec::new();
    for contact in [&owner, &colleague, &guest, &his_colleague] {
        seen.push(world.sees(contact, "T1").await);
    }
    assert_eq!(seen, [true, true, true, false]);
    assert!(world.visible(&his_colleague).await.is_empty());
}

async fn a_contact_in_cc_still_sees_the_ticket_after_it_leaves_the_account(mut world: World) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (me, owner) = (world.contact("一").await, world.contact("二").await);
    world.associate(&b, &me).await;
    world.associated(&a, &me, Some(true), "").await;
    world.associate(&a, &owner).await;
    world.record(with_cc("InCc", &owner, &[&me])).await;
    world.record(with_cc("Shared", &owner, &[])).await;
    assert!(world.sees(&me, "InCc").await && world.sees(&me, "Shared").await);
    let ask = PreviewDissociationRequest {
        account_id: a.clone(),
        contact_id: me.clone(),
        ..Default::default()
    };
    let told = world
        .clients
        .associations
        .preview_dissociation(ask)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (told.still_visible_as_requester, told.still_visible_as_cc),
        (0, 1)
    );
    world
        .dissociate(&a, &me, TicketDisposition::Unspecified)
        .await
        .unwrap();
    assert_eq!(world.visible(&me).await, ["InCc"]);
    assert!(world.sees(&me, "InCc").await && !world.sees(&me, "Shared").await);
}

async fn a_list_names_a_contact_or_an_account_that_does_not_exist(world: World) {
    let (a, c) = (world.account("A").await, world.contact("一").await);
    world.associate(&a, &c).await;
    world.ticket("T1", &c, &a).await;
    let ask = |contact: &str, account: &str| ListVisibleTicketsRequest {
        contact_id: contact.into(),
        account_id: account.into(),
        ..Default::default()
    };
    let client = &mut world.clients.visibility.clone();
    assert_eq!(
        client
            .list_visible_tickets(ask(&c, &a))
            .await
            .unwrap()
            .into_inner()
            .tickets
            .len(),
        1
    );
    refused(
        client.list_visible_tickets(ask("c99", "")).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    refused(
        client.list_visible_tickets(ask(&c, "a99")).await,
        Code::NotFound,
        "ACCOUNT_NOT_FOUND",
    );
    refused(
        client.list_visible_tickets(ask("", &a)).await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    refused(
        client.list_visible_tickets(ask(&c, &c)).await,
        Code::InvalidArgument,
        "ID_INVALID",
    );
    let viewers = ListTicketViewersRequest {
        ticket_id: "T9".into(),
        ..Default::default()
    };
    refused(
        client.list_ticket_viewers(viewers).await,
        Code::NotFound,
        "TICKET_NOT_FOUND",
    );
    let explain = |contact: &str, ticket: &str| ExplainTicketRequest {
        contact_id: contact.into(),
        ticket_id: ticket.into(),
        ..Default::default()
    };
    refused(
        client.explain_ticket(explain(&c, "T9")).await,
        Code::NotFound,
        "TICKET_NOT_FOUND",
    );
    refused(
        client.explain_ticket(explain("c99", "T1")).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
}
