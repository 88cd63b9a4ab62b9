//! `one-account`, `one-primary`, `accounts-per-contact`, `associate-many`, `transfer`,
//! `pair-fixed`, `deletion`.

use roster_api::v1::*;
use tonic::Code;

use crate::error_shape;
use crate::world::{World, both_engines, item_reason, metadata, refused};

both_engines!(
    the_first_account_of_a_contact_is_its_primary,
    a_second_account_is_refused_naming_the_first_unless_several_are_allowed,
    an_unknown_contact_fails_alone_and_a_repeated_one_is_a_duplicate,
    a_repeated_contact_that_cannot_be_associated_fails_at_each_place,
    all_or_nothing_changes_nothing_when_one_fails,
    an_association_without_a_flag_takes_the_default_of_the_organization,
    the_limit_of_accounts_is_asked_when_one_is_added_and_takes_nothing_away,
    several_accounts_cannot_be_forbidden_while_a_contact_has_them,
    the_pair_of_an_association_is_fixed,
    a_deleted_contact_leaves_every_cc_and_its_keys_are_free,
    a_contact_has_299_or_300_accounts_and_no_301st_until_a_setting_allows_it,
    unassigned_tickets_are_adopted_when_asked_and_by_what_this_call_created,
    several_accounts_can_be_forbidden_once_nobody_has_them,
    all_or_nothing_counts_errors_alone_and_a_batch_has_at_most_1_000_contacts,
);

fn ask(account: &str, contacts: &[&str]) -> AssociateContactsRequest {
    AssociateContactsRequest {
        account_id: account.into(),
        contacts: contacts
            .iter()
            .map(|id| ContactToAssociate {
                contact_id: (*id).into(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

async fn the_first_account_of_a_contact_is_its_primary(world: World) {
    let (a, c) = (world.account("A").await, world.contact("田中").await);
    assert!(world.associate(&a, &c).await.primary);
    assert_eq!(world.primary_of(&c).await, a);
}

async fn a_second_account_is_refused_naming_the_first_unless_several_are_allowed(world: World) {
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    let refused = world.try_associate(&b, &c, None, "").await;
    assert_eq!(refused.outcome(), AssociateOutcome::Failed);
    assert_eq!(item_reason(&refused.error), "ONE_ACCOUNT");
    assert!(refused.error.unwrap().message.contains(&a));
    assert_eq!(world.accounts_of(&c).await.len(), 1);

    world.allow_several_accounts().await;
    assert!(!world.associate(&b, &c).await.primary);
    assert_eq!(world.primary_of(&c).await, a);
}

async fn an_unknown_contact_fails_alone_and_a_repeated_one_is_a_duplicate(mut world: World) {
    let (a, c) = (world.account("A").await, world.contact("田中").await);
    let answer = world
        .clients
        .associations
        .associate_contacts(ask(&a, &[&c, "c999", &c]))
        .await;
    let results = answer.unwrap().into_inner().results;
    assert_eq!(results[0].outcome(), AssociateOutcome::Created);
    assert_eq!(item_reason(&results[1].error), "CONTACT_NOT_FOUND");
    assert_eq!(results[2].outcome(), AssociateOutcome::Duplicate);
    assert!(results[0].association.is_some());
    assert_eq!(results[2].association, results[0].association);
    assert_eq!(world.accounts_of(&c).await.len(), 1);

    let again = world.try_associate(&a, &c, Some(true), "長").await;
    assert_eq!(again.outcome(), AssociateOutcome::AlreadyAssociated);
    assert_eq!(again.association, results[0].association);
}

async fn a_repeated_contact_that_cannot_be_associated_fails_at_each_place(mut world: World) {
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&b, &c).await;
    let answer = world
        .clients
        .associations
        .associate_contacts(ask(&a, &["c99", &c, "c99", &c]))
        .await;
    let results = answer.unwrap().into_inner().results;
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| (result.outcome(), item_reason(&result.error)))
        .collect();
    let failed = |reason: &str| (AssociateOutcome::Failed, reason.to_owned());
    let expected = [
        "CONTACT_NOT_FOUND",
        "ONE_ACCOUNT",
        "CONTACT_NOT_FOUND",
        "ONE_ACCOUNT",
    ];
    assert_eq!(outcomes, expected.map(failed));
    assert!(results.iter().all(|result| result.association.is_none()));
}

async fn all_or_nothing_changes_nothing_when_one_fails(mut world: World) {
    let (a, c) = (world.account("A").await, world.contact("田中").await);
    let request = AssociateContactsRequest {
        all_or_nothing: true,
        ..ask(&a, &[&c, "c998", "c999"])
    };
    let status = refused(
        world.clients.associations.associate_contacts(request).await,
        Code::NotFound,
        "ALL_OR_NOTHING",
    );
    assert_eq!(metadata(&status, "indexes"), "1,2");
    assert_eq!(
        (metadata(&status, "failed"), metadata(&status, "items")),
        ("2".into(), "3".into())
    );
    assert!(
        status.message().contains("2 of 3 items are refused"),
        "{status:?}"
    );
    assert!(world.accounts_of(&c).await.is_empty());
}

async fn an_association_without_a_flag_takes_the_default_of_the_organization(world: World) {
    let (a, c, d) = (
        world.account("A").await,
        world.contact("田中").await,
        world.contact("林").await,
    );
    assert!(!world.associate(&a, &c).await.sees_account_tickets);
    let settings = Settings {
        new_associations_see_account_tickets: true,
        ..Settings::default()
    };
    world
        .settings(settings, &["new_associations_see_account_tickets"])
        .await;
    assert!(world.associate(&a, &d).await.sees_account_tickets);
}

async fn the_limit_of_accounts_is_asked_when_one_is_added_and_takes_nothing_away(world: World) {
    world.allow_several_accounts().await;
    let c = world.contact("田中").await;
    let mut accounts = Vec::new();
    for name in ["A", "B", "C", "D"] {
        accounts.push(world.account(name).await);
    }
    let limit = |max| Settings {
        accounts_per_contact_max: max,
        ..Settings::default()
    };
    world
        .settings(limit(3), &["accounts_per_contact_max"])
        .await;
    for account in &accounts[..3] {
        world.associate(account, &c).await;
    }
    let fourth = world.try_associate(&accounts[3], &c, None, "").await;
    assert_eq!(item_reason(&fourth.error), "ACCOUNTS_PER_CONTACT");
    world
        .settings(limit(1), &["accounts_per_contact_max"])
        .await;
    assert_eq!(world.accounts_of(&c).await.len(), 3);
    let above = world.try_associate(&accounts[3], &c, None, "").await;
    let above = error_shape::of_item(above.error.as_ref().expect("an error"));
    assert_eq!(
        (metadata(&above, "accounts"), metadata(&above, "max")),
        ("3".into(), "1".into())
    );
    assert!(
        above
            .message()
            .contains("has 3 accounts and accounts_per_contact_max allows 1"),
        "{above:?}"
    );
}

async fn several_accounts_cannot_be_forbidden_while_a_contact_has_them(world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    let off = world
        .try_settings(Settings::default(), &["multiple_accounts"])
        .await;
    let status = refused(off, Code::FailedPrecondition, "SEVERAL_ACCOUNTS");
    assert_eq!(metadata(&status, "contacts"), "1");
}

async fn the_pair_of_an_association_is_fixed(world: World) {
    let (a, c) = (world.account("A").await, world.contact("田中").await);
    let association = world.associate(&a, &c).await;
    let update = |path: &str| UpdateAssociationRequest {
        association: Some(Association {
            role: "長".into(),
            sees_account_tickets: true,
            ..association.clone()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec![path.into()],
        }),
        ..Default::default()
    };
    let client = &mut world.clients.associations.clone();
    for path in ["account_id", "contact_id", "primary", "create_time"] {
        refused(
            client.update_association(update(path)).await,
            Code::InvalidArgument,
            "UPDATE_MASK_INVALID",
        );
    }
    let after = client
        .update_association(update("role"))
        .await
        .unwrap()
        .into_inner()
        .association
        .unwrap();
    assert_eq!(
        (after.role.as_str(), after.sees_account_tickets),
        ("長", false)
    );
    let stale = UpdateAssociationRequest {
        etag: association.etag.clone(),
        ..update("*")
    };
    refused(
        client.update_association(stale).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_deleted_contact_leaves_every_cc_and_its_keys_are_free(world: World) {
    let named = |external: &str| Contact {
        family_name: "田中".into(),
        emails: vec!["Taro@Example.com".into()],
        external_id: external.into(),
        ..Contact::default()
    };
    let c = world.contact_of(named("D0001")).await;
    let other = world.contact("林").await;
    let with_cc = |id: &str, requester: &str, cc: &str| TicketRecord {
        id: id.into(),
        requester_id: requester.into(),
        cc_contact_ids: vec![cc.into()],
        ..Default::default()
    };
    world.record(with_cc("T1", &c, &other)).await;
    world.record(with_cc("T2", &other, &c)).await;
    let client = &mut world.clients.contacts.clone();
    let bare = DeleteContactRequest {
        id: c.clone(),
        ..Default::default()
    };
    refused(
        client.delete_contact(bare.clone()).await,
        Code::FailedPrecondition,
        "STILL_IN_USE",
    );
    let taken = client
        .create_contact(CreateContactRequest {
            contact: Some(named("ｄ０００１")),
            ..Default::default()
        })
        .await;
    let status = refused(taken, Code::AlreadyExists, "KEY_TAKEN");
    assert_eq!(metadata(&status, "owner"), c);
    let done = client
        .delete_contact(DeleteContactRequest {
            new_requester_id: other.clone(),
            ..bare
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.tickets_deleted, done.tickets_reassigned), (0, 1));
    assert_eq!(world.get_ticket("T1").await.requester_id, other);
    assert!(world.get_ticket("T2").await.cc_contact_ids.is_empty());
    world.contact_of(named("ｄ０００１")).await;
}

async fn a_contact_has_299_or_300_accounts_and_no_301st_until_a_setting_allows_it(
    mut world: World,
) {
    world.allow_several_accounts().await;
    let c = world.contact("田中").await;
    let mut accounts = Vec::new();
    for n in 0..302 {
        accounts.push(world.account(&format!("商店{n:03}")).await);
    }
    for account in &accounts[..300] {
        world.associate(account, &c).await;
    }
    let refused = world.try_associate(&accounts[300], &c, None, "").await;
    assert_eq!(item_reason(&refused.error), "ACCOUNTS_PER_CONTACT");
    assert!(refused.error.unwrap().message.contains("300"));
    world.restart().await;
    let refused = world.try_associate(&accounts[300], &c, None, "").await;
    assert_eq!(item_reason(&refused.error), "ACCOUNTS_PER_CONTACT");
    assert_eq!(world.accounts_of(&c).await.len(), 300);
    assert_eq!(world.primary_of(&c).await, accounts[0]);

    // A transfer is judged on its outcome: it adds one and ends one.
    let transfer = TransferContactRequest {
        contact_id: c.clone(),
        to_account_id: accounts[300].clone(),
        ..Default::default()
    };
    world
        .clients
        .associations
        .transfer_contact(transfer)
        .await
        .unwrap();
    assert_eq!(world.accounts_of(&c).await.len(), 300);
    let more = Settings {
        accounts_per_contact_max: 301,
        ..Settings::default()
    };
    world.settings(more, &["accounts_per_contact_max"]).await;
    world.associate(&accounts[0], &c).await;
    let refused = world.try_associate(&accounts[301], &c, None, "").await;
    assert_eq!(item_reason(&refused.error), "ACCOUNTS_PER_CONTACT");
    assert_eq!(world.accounts_of(&c).await.len(), 301);
}

async fn unassigned_tickets_are_adopted_when_asked_and_by_what_this_call_created(world: World) {
    world.allow_several_accounts().await;
    let (a, b) = (world.account("A").await, world.account("B").await);
    let (c, d) = (world.contact("田中").await, world.contact("林").await);
    for (id, requester) in [("C1", &c), ("C2", &c), ("D1", &d)] {
        let record = TicketRecord {
            id: id.into(),
            requester_id: requester.clone(),
            ..Default::default()
        };
        assert_eq!(world.record(record).await.account_id, "");
    }
    world.associate(&a, &d).await;
    let adopting = |account: &str, contacts: &[&str]| AssociateContactsRequest {
        adopt_unassigned_tickets: true,
        ..ask(account, contacts)
    };
    let client = &mut world.clients.associations.clone();
    let answer = client
        .associate_contacts(adopting(&a, &[&c, &d]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.tickets_adopted, 2);
    assert_eq!(world.get_ticket("C2").await.account_id, a);
    assert_eq!(
        world.get_ticket("D1").await.account_id,
        "",
        "its association was there already"
    );
    let answer = client
        .associate_contacts(adopting(&b, &[&c]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.tickets_adopted, 0);
    assert_eq!(world.get_ticket("C1").await.account_id, a);
}

async fn several_accounts_can_be_forbidden_once_nobody_has_them(mut world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    world.associate(&a, &c).await;
    world.associate(&b, &c).await;
    let off = || Settings {
        accounts_per_contact_max: 7,
        ..Settings::default()
    };
    let paths = ["multiple_accounts", "accounts_per_contact_max"];
    refused(
        world.try_settings(off(), &paths).await,
        Code::FailedPrecondition,
        "SEVERAL_ACCOUNTS",
    );
    let asked = world
        .clients
        .settings
        .get_settings(GetSettingsRequest::default())
        .await;
    let kept = asked.unwrap().into_inner().settings.unwrap();
    assert_eq!(
        (kept.multiple_accounts, kept.accounts_per_contact_max),
        (true, 300),
        "nothing changed"
    );
    world
        .dissociate(&b, &c, TicketDisposition::Unspecified)
        .await
        .unwrap();
    world.try_settings(off(), &paths).await.unwrap();
    assert_eq!(
        item_reason(&world.try_associate(&b, &c, None, "").await.error),
        "ONE_ACCOUNT"
    );
}

async fn all_or_nothing_counts_errors_alone_and_a_batch_has_at_most_1_000_contacts(world: World) {
    let (a, c, d) = (
        world.account("A").await,
        world.contact("田中").await,
        world.contact("林").await,
    );
    world.associate(&a, &c).await;
    let request = AssociateContactsRequest {
        all_or_nothing: true,
        ..ask(&a, &[&c, &d, &d])
    };
    let client = &mut world.clients.associations.clone();
    let results = client
        .associate_contacts(request)
        .await
        .unwrap()
        .into_inner()
        .results;
    let outcomes: Vec<_> = results
        .iter()
        .map(AssociateContactsResult::outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            AssociateOutcome::AlreadyAssociated,
            AssociateOutcome::Created,
            AssociateOutcome::Duplicate
        ]
    );
    for (count, allowed) in [
        (0, false),
        (1, true),
        (999, true),
        (1_000, true),
        (1_001, false),
    ] {
        let answer = client
            .associate_contacts(ask(&a, &vec!["c99"; count]))
            .await;
        if allowed {
            let results = answer.unwrap().into_inner().results;
            assert_eq!(results.len(), count);
            assert_eq!(item_reason(&results[0].error), "CONTACT_NOT_FOUND");
        } else {
            refused(answer, Code::InvalidArgument, "BATCH_SIZE");
        }
    }
    refused(
        client.associate_contacts(ask("a99", &[&c])).await,
        Code::NotFound,
        "ACCOUNT_NOT_FOUND",
    );
}
