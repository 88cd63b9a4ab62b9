//! The tables, as the migrations of both engines create them. The tables of records come from their
//! codecs.

use diesel::{allow_tables_to_appear_in_same_query, table};

pub(crate) use crate::tables::records::{accounts, associations, contacts, tickets};

table! {
    store (one) {
        one -> BigInt,
        store_id -> Binary,
        page_key -> Binary,
        preview_key -> Binary,
        schema_floor -> BigInt,
        credentials_version -> BigInt,
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
        change_time -> BigInt,
        epoch -> BigInt,
        key_derivation -> BigInt,
        oldest_revision -> BigInt,
        display_name -> Text,
        state -> BigInt,
        requests_per_second -> Nullable<BigInt>,
        concurrent_calls -> Nullable<BigInt>,
        create_time -> Nullable<BigInt>,
        delete_time -> Nullable<BigInt>,
        undelete_end_time -> Nullable<BigInt>,
        suspended -> Bool,
        version -> BigInt,
    }
}

table! {
    unique_keys (org, key) {
        org -> BigInt,
        key -> Text,
        owner -> BigInt,
        kind -> Nullable<BigInt>,
        system -> Text,
        folded -> Nullable<Text>,
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
        credential -> Text,
        origin_kind -> Nullable<BigInt>,
        origin_id -> Nullable<BigInt>,
        undoes -> Nullable<BigInt>,
        epoch -> BigInt,
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

table! {
    change_set_subjects (org, kind, subject, revision) {
        org -> BigInt,
        kind -> BigInt,
        subject -> BigInt,
        revision -> BigInt,
    }
}

table! {
    change_set_bitmaps (org, revision, kind) {
        org -> BigInt,
        revision -> BigInt,
        kind -> BigInt,
        bitmap -> Binary,
    }
}

table! {
    servers (server) {
        server -> BigInt,
        lease -> BigInt,
    }
}

table! {
    jobs (org, kind, job) {
        org -> BigInt,
        kind -> BigInt,
        job -> BigInt,
        state -> BigInt,
        position -> BigInt,
        cancel -> Bool,
        owner -> Nullable<BigInt>,
        create_time -> BigInt,
        end_time -> Nullable<BigInt>,
    }
}

table! {
    credentials (credential) {
        credential -> BigInt,
        org -> Nullable<BigInt>,
        name -> Text,
        scopes -> Text,
        networks -> Text,
        requests_per_second -> Nullable<BigInt>,
        concurrent_calls -> Nullable<BigInt>,
        suspended -> Bool,
        expire_time -> Nullable<BigInt>,
        create_time -> BigInt,
        update_time -> BigInt,
        version -> BigInt,
    }
}

table! {
    credential_proofs (kind, proof) {
        kind -> BigInt,
        proof -> Text,
        credential -> BigInt,
        position -> BigInt,
        hash -> Nullable<Binary>,
        last_four -> Nullable<Text>,
        create_time -> Nullable<BigInt>,
        expire_time -> Nullable<BigInt>,
        last_use_time -> Nullable<BigInt>,
    }
}

table! {
    admin_events (event) {
        event -> BigInt,
        create_time -> BigInt,
        credential -> Text,
        actor -> Text,
        action -> Text,
        target -> Text,
        org -> Nullable<BigInt>,
    }
}

table! {
    released_names (name) {
        name -> Text,
        released -> BigInt,
    }
}

table! {
    accesses (org, create_time, access) {
        org -> BigInt,
        create_time -> BigInt,
        access -> BigInt,
        credential -> Text,
        actor -> Text,
        rpc -> Text,
        contact -> Nullable<BigInt>,
        target -> Text,
    }
}

allow_tables_to_appear_in_same_query!(
    accounts,
    contacts,
    associations,
    tickets,
    ticket_copies,
    organizations,
    credentials,
    admin_events
);
