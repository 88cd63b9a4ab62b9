//! The tables of Roster's database that the baselines read and write.
//!
//! A table that the baselines write has every column here. A table that they only read has the
//! columns that they need.

diesel::table! {
    organizations (org) {
        org -> BigInt,
        revision -> BigInt,
        next_import -> BigInt,
        change_time -> BigInt,
    }
}

diesel::table! {
    contacts (org, contact) {
        org -> BigInt,
        contact -> BigInt,
        family_name -> Text,
        given_name -> Nullable<Text>,
        emails -> Text,
        sort_key -> Binary,
        search_text -> Text,
    }
}

diesel::table! {
    associations (org, contact, account) {
        org -> BigInt,
        contact -> BigInt,
        account -> BigInt,
        is_primary -> Bool,
        sees_account_tickets -> Bool,
        role -> Text,
        create_time -> BigInt,
        revision -> BigInt,
        origin_kind -> Nullable<BigInt>,
        origin_id -> Nullable<BigInt>,
        creation_revision -> Nullable<BigInt>,
        start_time -> Nullable<BigInt>,
        end_time -> Nullable<BigInt>,
        sight -> BigInt,
        confirm_time -> Nullable<BigInt>,
        confirmed_by -> Nullable<Text>,
    }
}

diesel::table! {
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
    }
}

diesel::table! {
    ticket_copies (org, ticket, contact) {
        org -> BigInt,
        ticket -> BigInt,
        contact -> BigInt,
        create_time -> BigInt,
        id -> Text,
    }
}

diesel::table! {
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

diesel::table! {
    change_set_parts (org, revision, part) {
        org -> BigInt,
        revision -> BigInt,
        part -> BigInt,
        payload -> Binary,
    }
}

diesel::table! {
    change_set_subjects (org, kind, subject, revision) {
        org -> BigInt,
        kind -> BigInt,
        subject -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    change_set_bitmaps (org, revision, kind) {
        org -> BigInt,
        revision -> BigInt,
        kind -> BigInt,
        bitmap -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tickets, ticket_copies);
