//! What an update writes: the fields that its mask names, and no others.

use roster_api::v1::*;
use tonic::Code;

use crate::world::{World, answered, both_engines, field, mask, metadata, refused};

both_engines!(
    a_field_that_is_named_and_unset_is_cleared_and_one_that_is_not_named_stays,
    an_update_that_changes_nothing_keeps_the_etag,
    a_key_of_another_is_refused_naming_it_however_it_is_written_and_ones_own_is_not,
    settings_are_changed_by_name_and_within_their_limits,
    a_request_id_belongs_to_one_rpc_and_one_organization,
    an_address_belongs_to_one_contact_and_a_contact_has_at_most_ten,
);

async fn a_field_that_is_named_and_unset_is_cleared_and_one_that_is_not_named_stays(world: World) {
    let full = Contact {
        family_name: "田中".into(),
        given_name: "太郎".into(),
        family_name_reading: "たなか".into(),
        emails: vec!["taro@example.com".into()],
        external_id: "D0001".into(),
        attributes: [("部署".to_owned(), "営業".to_owned())].into(),
        blocked: true,
        ..Contact::default()
    };
    let id = world.contact_of(full.clone()).await;
    let update = |paths: &[&str]| UpdateContactRequest {
        contact: Some(Contact {
            id: id.clone(),
            ..Contact::default()
        }),
        update_mask: mask(paths),
        ..Default::default()
    };
    let client = &mut world.clients.contacts.clone();
    let after = answered(client.update_contact(update(&["emails", "blocked"])).await)
        .contact
        .unwrap();
    assert!(after.emails.is_empty() && !after.blocked);
    assert_eq!(
        (after.external_id.as_str(), after.given_name.as_str()),
        ("D0001", "太郎")
    );
    let required = refused(
        client
            .update_contact(update(&["given_name", "family_name"]))
            .await,
        Code::InvalidArgument,
        "FIELD_REQUIRED",
    );
    assert_eq!(field(&required), "contact.family_name");
    for wrong in [
        &[][..],
        &["id"],
        &["*", "emails"],
        &["contact.emails"],
        &["Emails"],
        &["update_time"],
    ] {
        refused(
            client.update_contact(update(wrong)).await,
            Code::InvalidArgument,
            "UPDATE_MASK_INVALID",
        );
    }
    let all = UpdateContactRequest {
        contact: Some(Contact {
            id: id.clone(),
            family_name: "林".into(),
            ..Contact::default()
        }),
        ..update(&["*"])
    };
    let after = answered(client.update_contact(all).await).contact.unwrap();
    assert!(
        after.given_name.is_empty() && after.external_id.is_empty() && after.attributes.is_empty()
    );
    // What was cleared is free for another.
    world.contact_of(full).await;
}

async fn an_update_that_changes_nothing_keeps_the_etag(world: World) {
    let a = world
        .account_of(Account {
            name: "A".into(),
            external_id: "D0001".into(),
            ..Account::default()
        })
        .await;
    let update = |name: &str, etag: &str| UpdateAccountRequest {
        account: Some(Account {
            id: a.clone(),
            name: name.into(),
            ..Account::default()
        }),
        update_mask: mask(&["name"]),
        etag: etag.into(),
        ..Default::default()
    };
    let client = &mut world.clients.accounts.clone();
    let first = answered(client.update_account(update("B", "")).await)
        .account
        .unwrap();
    let same = answered(client.update_account(update("B", &first.etag)).await)
        .account
        .unwrap();
    assert_eq!(first, same);
    assert_eq!(first.external_id, "D0001");
    let other = answered(client.update_account(update("C", &first.etag)).await)
        .account
        .unwrap();
    assert_ne!(other.etag, first.etag);
    refused(
        client.update_account(update("D", &first.etag)).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
    refused(
        client.update_account(update("D", "nonsense")).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_key_of_another_is_refused_naming_it_however_it_is_written_and_ones_own_is_not(
    world: World,
) {
    let a = world
        .account_of(Account {
            name: "A".into(),
            external_id: "D0001".into(),
            ..Account::default()
        })
        .await;
    let b = world.account("B").await;
    let key = |id: &str, key: &str| UpdateAccountRequest {
        account: Some(Account {
            id: id.into(),
            external_id: key.into(),
            ..Account::default()
        }),
        update_mask: mask(&["external_id"]),
        ..Default::default()
    };
    let client = &mut world.clients.accounts.clone();
    for same in ["D0001", "d0001", "Ｄ０００１", "ｄ０００１"] {
        let taken = refused(
            client.update_account(key(&b, same)).await,
            Code::AlreadyExists,
            "KEY_TAKEN",
        );
        assert_eq!(metadata(&taken, "owner"), a);
        let created = CreateAccountRequest {
            account: Some(Account {
                name: "C".into(),
                external_id: same.into(),
                ..Account::default()
            }),
            ..Default::default()
        };
        refused(
            client.create_account(created).await,
            Code::AlreadyExists,
            "KEY_TAKEN",
        );
        let kept = answered(client.update_account(key(&a, same)).await)
            .account
            .unwrap();
        assert_eq!(kept.external_id, same, "kept as given");
    }
    let listed = answered(client.list_accounts(ListAccountsRequest::default()).await).accounts;
    assert_eq!(listed.len(), 2, "no look-alike was made");
}

async fn settings_are_changed_by_name_and_within_their_limits(world: World) {
    let update = |settings: Settings, paths: &[&str]| UpdateSettingsRequest {
        settings: Some(settings),
        update_mask: mask(paths),
        ..Default::default()
    };
    let client = &mut world.clients.settings.clone();
    let max = |accounts_per_contact_max: i32| Settings {
        accounts_per_contact_max,
        ..Settings::default()
    };
    for wrong in [-1, 0, 10_001] {
        let update = update(max(wrong), &["accounts_per_contact_max"]);
        let answer = client.update_settings(update).await;
        refused(answer, Code::InvalidArgument, "FIELD_INVALID");
    }
    for right in [1, 9_999, 10_000] {
        let update = update(max(right), &["accounts_per_contact_max"]);
        client.update_settings(update).await.unwrap();
    }
    let unspecified = update(Settings::default(), &["default_sharing_mode"]);
    refused(
        client.update_settings(unspecified).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    for wrong in [&[][..], &["etag"], &["nonsense"]] {
        refused(
            client
                .update_settings(update(Settings::default(), wrong))
                .await,
            Code::InvalidArgument,
            "UPDATE_MASK_INVALID",
        );
    }
    let roles = |count: usize| Settings {
        default_sharing_roles: (0..count).map(|n| format!("役{n}")).collect(),
        ..Settings::default()
    };
    let paths = ["default_sharing_roles"];
    let after = answered(client.update_settings(update(roles(50), &paths)).await)
        .settings
        .unwrap();
    assert_eq!(
        (
            after.default_sharing_roles.len(),
            after.accounts_per_contact_max,
            after.sharing_enabled
        ),
        (50, 10_000, true)
    );
    let longer = update(roles(51), &paths);
    client.update_settings(longer).await.unwrap_err();
    let cleared = UpdateSettingsRequest {
        etag: after.etag.clone(),
        ..update(Settings::default(), &paths)
    };
    let last = answered(client.update_settings(cleared.clone()).await)
        .settings
        .unwrap();
    assert!(last.default_sharing_roles.is_empty());
    refused(
        client.update_settings(cleared).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );
}

async fn a_request_id_belongs_to_one_rpc_and_one_organization(mut world: World) {
    let account = |name: &str| CreateAccountRequest {
        account: Some(Account {
            name: name.into(),
            ..Account::default()
        }),
        request_id: "one".into(),
    };
    let client = &mut world.clients.accounts.clone();
    let first = answered(client.create_account(account("A")).await);
    let again = answered(client.create_account(account("A")).await);
    assert_eq!(first, again);
    refused(
        client.create_account(account("B")).await,
        Code::InvalidArgument,
        "REQUEST_ID_REUSED",
    );
    let contact = CreateContactRequest {
        contact: Some(Contact {
            family_name: "田中".into(),
            ..Contact::default()
        }),
        request_id: "one".into(),
    };
    world
        .clients
        .contacts
        .create_contact(contact)
        .await
        .unwrap();
    let mut elsewhere = tonic::Request::new(account("B"));
    elsewhere
        .metadata_mut()
        .insert("roster-organization", "other".parse().unwrap());
    let other = answered(client.create_account(elsewhere).await)
        .account
        .unwrap();
    assert_eq!(other.name, "B");
    let listed = answered(client.list_accounts(ListAccountsRequest::default()).await).accounts;
    assert_eq!(listed.len(), 1);
}

async fn an_address_belongs_to_one_contact_and_a_contact_has_at_most_ten(world: World) {
    let with = |emails: &[String]| Contact {
        family_name: "田中".into(),
        emails: emails.to_vec(),
        ..Contact::default()
    };
    let addresses: Vec<String> = (0..11).map(|n| format!("Taro{n}@example.com")).collect();
    let c = world.contact_of(with(&addresses[..10])).await;
    let client = &mut world.clients.contacts.clone();
    let create = |emails: &[String]| CreateContactRequest {
        contact: Some(with(emails)),
        ..Default::default()
    };
    assert_eq!(
        client
            .create_contact(create(&addresses))
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
    let taken = refused(
        client
            .create_contact(create(&["ＴＡＲＯ9@EXAMPLE.com".into()]))
            .await,
        Code::AlreadyExists,
        "KEY_TAKEN",
    );
    assert_eq!(metadata(&taken, "owner"), c);
    let twice = ["a@example.com".to_owned(), "A@example.com".to_owned()];
    refused(
        client.create_contact(create(&twice)).await,
        Code::InvalidArgument,
        "REPEATED",
    );
    let d = world.contact_of(with(&addresses[10..])).await;
    let update = |id: &str, emails: &[String]| UpdateContactRequest {
        contact: Some(Contact {
            id: id.into(),
            ..with(emails)
        }),
        update_mask: mask(&["emails"]),
        ..Default::default()
    };
    refused(
        client.update_contact(update(&d, &addresses[..1])).await,
        Code::AlreadyExists,
        "KEY_TAKEN",
    );
    // Its own in other letters and another order are no conflict; what it gives up is free.
    let own: Vec<String> = addresses[1..10]
        .iter()
        .rev()
        .map(|a| a.to_lowercase())
        .collect();
    let after = answered(client.update_contact(update(&c, &own)).await)
        .contact
        .unwrap();
    assert_eq!(after.emails, own);
    client
        .update_contact(update(&d, &addresses[..1]))
        .await
        .unwrap();
    refused(
        client.update_contact(update(&c, &addresses[..1])).await,
        Code::AlreadyExists,
        "KEY_TAKEN",
    );
}
