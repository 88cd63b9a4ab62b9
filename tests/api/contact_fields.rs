//! The telephone number of a contact: written, read, cleared, limited, searched, imported.

use roster_api::v1::*;
use tonic::Code;

use crate::importing::{counts, of};
use crate::world::{World, answered, both_engines, field, mask, refused};

both_engines!(
    a_telephone_number_is_trimmed_kept_changed_and_cleared,
    a_telephone_number_has_at_most_40_characters_and_no_control_characters,
    a_contact_is_found_by_the_digits_of_its_number_however_they_are_written,
    a_column_of_telephone_numbers_fills_them_and_a_blank_cell_keeps_one,
);

impl World {
    async fn phone_of(&self, id: &str) -> String {
        let request = GetContactRequest {
            id: id.into(),
            ..Default::default()
        };
        let answer = self.clients.contacts.clone().get_contact(request).await;
        answered(answer).contact.unwrap().phone
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let request = ListContactsRequest {
            query: query.into(),
            ..Default::default()
        };
        let answer = self.clients.contacts.clone().list_contacts(request).await;
        let contacts = answered(answer).contacts.into_iter();
        contacts.map(|contact| contact.id).collect()
    }
}

fn create(phone: &str) -> CreateContactRequest {
    CreateContactRequest {
        contact: Some(Contact {
            family_name: "田中".into(),
            phone: phone.into(),
            ..Contact::default()
        }),
        ..Default::default()
    }
}

async fn a_telephone_number_is_trimmed_kept_changed_and_cleared(world: World) {
    let client = &mut world.clients.contacts.clone();
    let made = answered(client.create_contact(create(" 03-1234-5678 ")).await);
    let made = made.contact.unwrap();
    assert_eq!(made.phone, "03-1234-5678");
    for (phone, paths) in [
        ("+81 90 1111 2222", &["phone"][..]),
        ("+81 90 1111 2222", &["given_name"]),
        ("", &["phone"]),
    ] {
        let update = UpdateContactRequest {
            contact: Some(Contact {
                id: made.id.clone(),
                phone: phone.into(),
                ..Contact::default()
            }),
            update_mask: mask(paths),
            ..Default::default()
        };
        answered(client.update_contact(update).await);
        assert_eq!(world.phone_of(&made.id).await, phone, "{paths:?}");
    }
    assert!(
        world.found("1111").await.is_empty(),
        "a number that was cleared"
    );
}

async fn a_telephone_number_has_at_most_40_characters_and_no_control_characters(world: World) {
    let client = &mut world.clients.contacts.clone();
    for length in [39, 40] {
        answered(client.create_contact(create(&"1".repeat(length))).await);
    }
    for (phone, why) in [
        ("1".repeat(41), "TEXT_TOO_LONG"),
        ("1\u{7}2".to_owned(), "TEXT_CONTROL_CHARACTER"),
    ] {
        let status = refused(
            client.create_contact(create(&phone)).await,
            Code::InvalidArgument,
            why,
        );
        assert_eq!(field(&status), "contact.phone");
    }
}

async fn a_contact_is_found_by_the_digits_of_its_number_however_they_are_written(world: World) {
    let client = &mut world.clients.contacts.clone();
    for phone in ["03-1234-5678", "（０３）９８７６−５４３２ 内線 12", ""] {
        answered(client.create_contact(create(phone)).await);
    }
    for query in [
        "03-1234-5678",
        "0312345678",
        "(03) 1234",
        "2345",
        "０３１２３４",
    ] {
        assert_eq!(world.found(query).await, ["c1"], "{query}");
    }
    assert_eq!(world.found("98765432").await, ["c2"]);
    assert_eq!(world.found("03").await, ["c1", "c2"]);
    assert!(world.found("0399").await.is_empty());
}

async fn a_column_of_telephone_numbers_fills_them_and_a_blank_cell_keeps_one(world: World) {
    let file = "氏名,メール,電話番号\n田中 太郎,t@example.jp,03-1111-2222\n林 花,h@example.jp,\n";
    let import = world.import(of(ImportKind::Contacts), file).await;
    assert_eq!(counts(&import), [2, 0, 0, 0]);
    assert_eq!(world.phone_of("c1").await, "03-1111-2222");
    let again = world.import(of(ImportKind::Contacts), file).await;
    assert_eq!(counts(&again), [0, 0, 2, 0]);
    let blank = "メール,Phone\nt@example.jp,\nh@example.jp,090\n";
    let blank = world.import(of(ImportKind::Contacts), blank).await;
    assert_eq!(counts(&blank), [0, 1, 1, 0]);
    assert_eq!(world.phone_of("c1").await, "03-1111-2222");
    assert_eq!(world.phone_of("c2").await, "090");
    // Rows of one contact that disagree are both rejected.
    let differing = "メール,Phone\nt@example.jp,1\nt@example.jp,2\n";
    let differing = world.import(of(ImportKind::Contacts), differing).await;
    assert_eq!(counts(&differing), [0, 0, 0, 2]);
}
