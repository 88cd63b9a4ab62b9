//! The website of an account: written, read, cleared, limited, imported.

use roster_api::v1::*;
use tonic::Code;

use crate::importing::{counts, of};
use crate::world::{World, answered, both_engines, field, mask, refused};

both_engines!(
    a_website_is_trimmed_kept_changed_and_cleared,
    a_website_has_at_most_200_characters_and_no_control_characters,
    a_column_of_websites_fills_them_and_a_blank_cell_keeps_one,
);

impl World {
    async fn website_of(&self, id: &str) -> String {
        let request = GetAccountRequest {
            id: id.into(),
            ..Default::default()
        };
        let answer = self.clients.accounts.clone().get_account(request).await;
        answered(answer).account.unwrap().website
    }
}

fn create(website: &str) -> CreateAccountRequest {
    CreateAccountRequest {
        account: Some(Account {
            name: "株式会社山田".into(),
            website: website.into(),
            ..Account::default()
        }),
        ..Default::default()
    }
}

async fn a_website_is_trimmed_kept_changed_and_cleared(world: World) {
    let client = &mut world.clients.accounts.clone();
    let made = answered(
        client
            .create_account(create("  https://yamada.example/jp "))
            .await,
    );
    let made = made.account.unwrap();
    assert_eq!(made.website, "https://yamada.example/jp");
    assert_eq!(world.website_of(&made.id).await, made.website);
    for (website, paths) in [
        ("yamada.example", &["website"][..]),
        ("yamada.example", &["name_reading"]),
        ("", &["website"]),
    ] {
        let update = UpdateAccountRequest {
            account: Some(Account {
                id: made.id.clone(),
                website: website.into(),
                ..Account::default()
            }),
            update_mask: mask(paths),
            ..Default::default()
        };
        answered(client.update_account(update).await);
        assert_eq!(world.website_of(&made.id).await, website, "{paths:?}");
    }
}

async fn a_website_has_at_most_200_characters_and_no_control_characters(world: World) {
    let client = &mut world.clients.accounts.clone();
    for length in [199, 200] {
        answered(client.create_account(create(&"a".repeat(length))).await);
    }
    for (website, why) in [
        ("a".repeat(201), "TEXT_TOO_LONG"),
        ("a\u{7}b".to_owned(), "TEXT_CONTROL_CHARACTER"),
    ] {
        let status = refused(
            client.create_account(create(&website)).await,
            Code::InvalidArgument,
            why,
        );
        assert_eq!(field(&status), "account.website");
    }
}

async fn a_column_of_websites_fills_them_and_a_blank_cell_keeps_one(world: World) {
    let file = "取引先名,Webサイト\nA,https://a.example\nB,\n";
    let import = world.import(of(ImportKind::Accounts), file).await;
    assert_eq!(counts(&import), [2, 0, 0, 0]);
    assert_eq!(world.website_of("a1").await, "https://a.example");
    let again = world.import(of(ImportKind::Accounts), file).await;
    assert_eq!(counts(&again), [0, 0, 2, 0]);
    let blank = world
        .import(
            of(ImportKind::Accounts),
            "取引先名,Website\nA,\nB,b.example\n",
        )
        .await;
    assert_eq!(counts(&blank), [0, 1, 1, 0]);
    assert_eq!(world.website_of("a1").await, "https://a.example");
    assert_eq!(world.website_of("a2").await, "b.example");
    // Rows of one account that disagree are both rejected.
    let differing = "取引先名,Website\nC,c.example\nC,d.example\n";
    let differing = world.import(of(ImportKind::Accounts), differing).await;
    assert_eq!(counts(&differing), [0, 0, 0, 2]);
}
