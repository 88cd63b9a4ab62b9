//! Imports of associations.

use roster_api::v1::*;

use crate::importing::{counts, creating, of};
use crate::world::{World, both_engines};

both_engines!(
    an_unknown_account_rejects_only_its_row_unless_create_missing_creates_it,
    a_row_without_an_account_keeps_the_associations,
    a_second_account_is_rejected_if_only_one_is_allowed,
    the_primary_column_changes_the_primary_account_and_leaves_exactly_one,
    a_file_can_associate_a_contact_with_40_accounts,
);

const CONTACTS: ImportKind = ImportKind::Contacts;
const ASSOCIATIONS: ImportKind = ImportKind::Associations;

async fn an_unknown_account_rejects_only_its_row_unless_create_missing_creates_it(world: World) {
    world.account("山田").await;
    let file = "氏名,メール,会社名\n田中 太郎,t@example.com,山田\n林 花子,h@example.com,鈴木\n森 一,m@example.com,鈴木\n";
    let import = world.import(of(CONTACTS), file).await;
    assert_eq!(import.state(), ImportState::CompletedWithErrors);
    assert_eq!(
        (counts(&import), import.accounts_created),
        ([1, 0, 0, 2], 0)
    );
    let missing = |row: &str| {
        (
            row.to_owned(),
            "会社名".to_owned(),
            "ACCOUNT_NOT_FOUND".to_owned(),
        )
    };
    assert_eq!(
        world.rejects(&import.id).await,
        [missing("3"), missing("4")]
    );
    assert_eq!(world.all_contacts().await.len(), 1);

    let import = world.import(creating(CONTACTS), file).await;
    assert_eq!(
        (counts(&import), import.accounts_created),
        ([2, 0, 1, 0], 1)
    );
    let (h, m) = (
        world.by_email("h@example.com").await.id,
        world.by_email("m@example.com").await.id,
    );
    assert_eq!(world.primary_of(&h).await, world.primary_of(&m).await);

    // An unknown ID never creates an account, and neither does an external ID without a name.
    let import = world
        .import(creating(CONTACTS), "メール,取引先ID\nt@example.com,a99\n")
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [("2".into(), "取引先ID".into(), "ACCOUNT_NOT_FOUND".into())]
    );
    let import = world
        .import(
            creating(CONTACTS),
            "メール,取引先コード\nt@example.com,D9\n",
        )
        .await;
    assert_eq!(
        world.rejects(&import.id).await,
        [(
            "2".into(),
            "取引先コード".into(),
            "ACCOUNT_NOT_FOUND".into()
        )]
    );
}

async fn a_row_without_an_account_keeps_the_associations(world: World) {
    world
        .import(
            creating(CONTACTS),
            "氏名,メール,会社名\n田中 太郎,t@example.com,山田\n",
        )
        .await;
    let contact = world.by_email("t@example.com").await.id;
    let before = world.accounts_of(&contact).await;
    assert_eq!(before.len(), 1);
    let import = world
        .import(
            of(CONTACTS),
            "氏名,メール,会社名,フリガナ\n田中 太郎,t@example.com,,タナカ タロウ\n",
        )
        .await;
    assert_eq!(counts(&import), [0, 1, 0, 0]);
    assert_eq!(world.accounts_of(&contact).await, before);
}

async fn a_second_account_is_rejected_if_only_one_is_allowed(world: World) {
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    let file = format!("連絡先ID,取引先ID\n{c},{a}\n{c},{b}\n");
    let import = world.import(of(ASSOCIATIONS), &file).await;
    assert_eq!(counts(&import), [1, 0, 0, 1]);
    assert_eq!(
        world.rejects(&import.id).await,
        [("3".into(), "取引先ID".into(), "ONE_ACCOUNT".into())]
    );
    assert_eq!(world.primary_of(&c).await, a);

    world.allow_several_accounts().await;
    assert_eq!(
        counts(&world.import(of(ASSOCIATIONS), &file).await),
        [1, 0, 1, 0]
    );
    // Without a primary column, the account of the first row is primary.
    assert_eq!(world.primary_of(&c).await, a);

    let settings = Settings {
        accounts_per_contact_max: 2,
        ..Settings::default()
    };
    world
        .settings(settings, &["accounts_per_contact_max"])
        .await;
    let d = world.account("D").await;
    let import = world
        .import(of(ASSOCIATIONS), format!("連絡先ID,取引先ID\n{c},{d}\n"))
        .await;
    assert_eq!(world.rejects(&import.id).await[0].2, "ACCOUNTS_PER_CONTACT");
}

async fn the_primary_column_changes_the_primary_account_and_leaves_exactly_one(world: World) {
    world.allow_several_accounts().await;
    let (a, b, c) = (
        world.account("A").await,
        world.account("B").await,
        world.contact("田中").await,
    );
    let file = format!(
        "連絡先ID,取引先ID,メイン,役割,問い合わせの閲覧\n{c},{a},いいえ,部長,○\n{c},{b},はい,,\n"
    );
    assert_eq!(
        counts(&world.import(of(ASSOCIATIONS), &file).await),
        [2, 0, 0, 0]
    );
    assert_eq!(world.primary_of(&c).await, b);
    let before = world.read_token().await;
    assert_eq!(
        counts(&world.import(of(ASSOCIATIONS), &file).await),
        [0, 0, 2, 0]
    );
    assert_eq!(world.read_token().await, before);
    let associations_with_a = world
        .accounts_of(&c)
        .await
        .into_iter()
        .filter_map(|account| account.association);
    let associations_with_a = associations_with_a
        .filter(|association| association.account_id == a)
        .collect::<Vec<_>>();
    assert_eq!(
        (
            associations_with_a[0].role.as_str(),
            associations_with_a[0].sees_account_tickets
        ),
        ("部長", true)
    );

    let file = format!("連絡先ID,取引先ID,メイン,役割,問い合わせの閲覧\n{c},{a},1,,no\n");
    assert_eq!(
        counts(&world.import(of(ASSOCIATIONS), &file).await),
        [0, 1, 0, 0]
    );
    assert_eq!(world.primary_of(&c).await, a);

    // Both rows are rejected if a contact gets two primary accounts.
    let file = format!("連絡先ID,取引先ID,メイン\n{c},{a},1\n{c},{b},1\n");
    let import = world.import(of(ASSOCIATIONS), &file).await;
    assert_eq!(counts(&import), [0, 0, 0, 2]);
    assert_eq!(world.primary_of(&c).await, a);
}

async fn a_file_can_associate_a_contact_with_40_accounts(world: World) {
    world.allow_several_accounts().await;
    let rows: String = (0..40)
        .map(|n| format!("t@example.com,田中,会社{n}\n"))
        .collect();
    let import = world
        .import(
            creating(ASSOCIATIONS),
            format!("メール,氏名,会社名\n{rows}"),
        )
        .await;
    assert_eq!(counts(&import), [40, 0, 0, 0]);
    assert_eq!((import.accounts_created, import.contacts_created), (40, 1));
    let contact = world.by_email("t@example.com").await.id;
    assert_eq!(world.accounts_of(&contact).await.len(), 40);
}
