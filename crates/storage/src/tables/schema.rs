//! The tables, as the migrations of both engines make them.

use diesel::{allow_tables_to_appear_in_same_query, table};

table! {
    store (one) {
        one -> BigInt,
        store_id -> Binary,
        page_key -> Binary,
        preview_key -> Binary,
    }
}

table! {
    organizations (org) {
        org -> BigInt,
        name -> Text,
        revision -> BigInt,
        nonce -> BigInt,
        next_account -> BigInt,
        next_contact -> BigInt,
        next_ticket -> BigInt,
        next_import -> BigInt,
        derivation -> BigInt,
        settings_revision -> BigInt,
        settings -> Nullable<Binary>,
    }
}

table! {
    accounts (org, account) {
        org -> BigInt,
        account -> BigInt,
        name -> Text,
        name_reading -> Nullable<Text>,
        external_id -> Nullable<Text>,
        attributes -> Text,
        sharing_mode -> Nullable<BigInt>,
        sharing_roles -> Text,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
        heading -> BigInt,
        sort_key -> Binary,
        name_key -> Text,
        search_text -> Text,
    }
}

table! {
    contacts (org, contact) {
        org -> BigInt,
        contact -> BigInt,
        family_name -> Text,
        given_name -> Nullable<Text>,
        family_name_reading -> Nullable<Text>,
        given_name_reading -> Nullable<Text>,
        emails -> Text,
        external_id -> Nullable<Text>,
        attributes -> Text,
        blocked -> Bool,
        create_time -> BigInt,
        update_time -> BigInt,
        revision -> BigInt,
        heading -> BigInt,
        sort_key -> Binary,
        name_key -> Text,
        search_text -> Text,
    }
}

table! {
    unique_keys (org, key) {
        org -> BigInt,
        key -> Text,
        owner -> BigInt,
    }
}

table! {
    associations (org, contact, account) {
        org -> BigInt,
        contact -> BigInt,
        account -> BigInt,
        is_primary -> Bool,
        sees_account_tickets -> Bool,
        role -> Text,
        create_time -> BigInt,
        revision -> BigInt,
    }
}

table! {
    tickets (org, ticket) {
        org -> BigInt,
        ticket -> BigInt,
        id -> Text,
        requester -> BigInt,
        account -> Nullable<BigInt>,
        subject -> Text,
        closed -> Bool,
        is_private -> Bool,
        create_time -> BigInt,
        revision -> BigInt,
    }
}

table! {
    ticket_copies (org, ticket, contact) {
        org -> BigInt,
        ticket -> BigInt,
        contact -> BigInt,
        position -> BigInt,
        create_time -> BigInt,
        id -> Text,
    }
}

table! {
    change_sets (org, revision) {
        org -> BigInt,
        revision -> BigInt,
        create_time -> BigInt,
        actor -> Text,
        command -> Text,
        source -> Text,
        job -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
        nonce -> BigInt,
        format -> BigInt,
        parts -> BigInt,
    }
}

table! {
    change_set_parts (org, revision, part) {
        org -> BigInt,
        revision -> BigInt,
        part -> BigInt,
        payload -> Binary,
    }
}

table! {
    request_answers (org, caller, rpc, request_id) {
        org -> BigInt,
        caller -> Text,
        rpc -> Text,
        request_id -> Text,
        hash -> Binary,
        answer -> Binary,
        expire_time -> BigInt,
    }
}

table! {
    imports (org, import) {
        org -> BigInt,
        import -> BigInt,
        kind -> BigInt,
        state -> BigInt,
        failure -> Nullable<BigInt>,
        server -> BigInt,
        headers -> Text,
        rows_total -> BigInt,
        rows_read -> BigInt,
        rows_created -> BigInt,
        rows_updated -> BigInt,
        rows_unchanged -> BigInt,
        rows_rejected -> BigInt,
        accounts_created -> BigInt,
        contacts_created -> BigInt,
        revision -> BigInt,
        nonce -> BigInt,
        create_time -> BigInt,
        end_time -> Nullable<BigInt>,
    }
}

table! {
    import_rejects (org, import, number) {
        org -> BigInt,
        import -> BigInt,
        number -> BigInt,
        header -> Text,
        reason -> Text,
        message -> Text,
        cells -> Text,
    }
}

allow_tables_to_appear_in_same_query!(
    accounts,
    contacts,
    associations,
    tickets,
    ticket_copies,
    organizations
);
