//! Requests about the organization that the test sets up. `$201` is replaced with 201 characters,
//! `$NUL` with a text with the control character NUL.

/// A good request of each RPC but StartImport.
pub const GOOD: &[(&str, &str)] = &[
    ("CreateAccount", r#"{"account": {"name": "A"}}"#),
    ("GetAccount", r#"{"id": "a1"}"#),
    ("LookupAccounts", r#"{"keys": [{"id": "a1"}]}"#),
    (
        "UpdateAccount",
        r#"{"account": {"id": "a1", "name": "B"}, "updateMask": "name"}"#,
    ),
    ("DeleteAccount", r#"{"id": "a4"}"#),
    ("ListAccounts", "{}"),
    ("ListAccountHeadings", "{}"),
    ("CreateContact", r#"{"contact": {"familyName": "田中"}}"#),
    ("GetContact", r#"{"id": "c1"}"#),
    ("LookupContacts", r#"{"keys": [{"id": "c1"}]}"#),
    (
        "UpdateContact",
        r#"{"contact": {"id": "c1", "familyName": "鈴木"}, "updateMask": "familyName"}"#,
    ),
    ("DeleteContact", r#"{"id": "c4"}"#),
    ("ListContacts", "{}"),
    ("ListContactHeadings", "{}"),
    (
        "AssociateContacts",
        r#"{"accountId": "a1", "contacts": [{"contactId": "c1"}]}"#,
    ),
    (
        "PreviewDissociation",
        r#"{"accountId": "a2", "contactId": "c1"}"#,
    ),
    (
        "DissociateContact",
        r#"{"accountId": "a2", "contactId": "c5"}"#,
    ),
    (
        "SetPrimaryAccount",
        r#"{"contactId": "c1", "accountId": "a1"}"#,
    ),
    (
        "TransferContact",
        r#"{"contactId": "c3", "toAccountId": "a2"}"#,
    ),
    (
        "UpdateAssociation",
        r#"{"association": {"accountId": "a1", "contactId": "c1", "role": "R"},
            "updateMask": "role"}"#,
    ),
    ("ListAccountContacts", r#"{"accountId": "a1"}"#),
    ("ListContactAccounts", r#"{"contactId": "c1"}"#),
    (
        "RecordTickets",
        r#"{"tickets": [{"id": "T9", "requesterId": "c1"}]}"#,
    ),
    ("GetTicket", r#"{"id": "T1"}"#),
    ("ListTickets", r#"{"accountId": "a1"}"#),
    ("DeleteTickets", r#"{"ids": ["T9"]}"#),
    ("CheckTicket", r#"{"contactId": "c1", "ticketId": "T1"}"#),
    (
        "BatchCheckTickets",
        r#"{"contactId": "c1", "ticketIds": ["T1"]}"#,
    ),
    ("ListVisibleTickets", r#"{"contactId": "c1"}"#),
    ("ListTicketViewers", r#"{"ticketId": "T1"}"#),
    ("ExplainTicket", r#"{"contactId": "c1", "ticketId": "T1"}"#),
    ("GetImport", r#"{"id": "i1"}"#),
    ("WatchImport", r#"{"id": "i1"}"#),
    ("DownloadRejects", r#"{"id": "i1"}"#),
    ("GetSettings", "{}"),
    (
        "UpdateSettings",
        r#"{"settings": {"sharingEnabled": true}, "updateMask": "sharingEnabled"}"#,
    ),
];

/// Requests that each RPC refuses, with the reason. See `spoilt` for fields that many RPCs share.
pub const REFUSED: &[(&str, &str, &str)] = &[
    (
        "CreateAccount",
        "FIELD_INVALID",
        r#"{"account": {"name": "A", "id": "a1"}}"#,
    ),
    ("CreateAccount", "FIELD_REQUIRED", r#"{"account": {}}"#),
    (
        "CreateAccount",
        "KEY_TAKEN",
        r#"{"account": {"name": "A", "externalId": "D1"}}"#,
    ),
    ("LookupAccounts", "FIELD_REQUIRED", r#"{"keys": [{}]}"#),
    (
        "LookupAccounts",
        "ID_INVALID",
        r#"{"keys": [{"id": "c1"}]}"#,
    ),
    (
        "LookupAccounts",
        "TEXT_CONTROL_CHARACTER",
        r#"{"keys": [{"externalId": "$NUL"}]}"#,
    ),
    (
        "LookupAccounts",
        "TEXT_TOO_LONG",
        r#"{"keys": [{"externalId": "$201"}]}"#,
    ),
    (
        "LookupAccounts",
        "ACCOUNT_NOT_FOUND",
        r#"{"keys": [{"id": "a999"}]}"#,
    ),
    (
        "UpdateAccount",
        "FIELD_INVALID",
        r#"{"account": {"id": "a1", "sharingMode": 99}, "updateMask": "sharingMode"}"#,
    ),
    (
        "UpdateAccount",
        "FIELD_REQUIRED",
        r#"{"account": {"name": "A"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateAccount",
        "ID_INVALID",
        r#"{"account": {"id": "c1", "name": "A"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateAccount",
        "ACCOUNT_NOT_FOUND",
        r#"{"account": {"id": "a999", "name": "A"}, "updateMask": "name"}"#,
    ),
    (
        "UpdateAccount",
        "KEY_TAKEN",
        r#"{"account": {"id": "a2", "externalId": "D1"}, "updateMask": "externalId"}"#,
    ),
    (
        "DeleteAccount",
        "DISPOSITION_INVALID",
        r#"{"id": "a4", "moveToAccountId": "a2"}"#,
    ),
    (
        "DeleteAccount",
        "TARGET_IS_LEFT",
        r#"{"id": "a4", "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT",
            "moveToAccountId": "a4"}"#,
    ),
    ("DeleteAccount", "STILL_IN_USE", r#"{"id": "a1"}"#),
    (
        "CreateContact",
        "FIELD_INVALID",
        r#"{"contact": {"familyName": "A", "id": "c1"}}"#,
    ),
    ("CreateContact", "FIELD_REQUIRED", r#"{"contact": {}}"#),
    (
        "CreateContact",
        "REPEATED",
        r#"{"contact": {"familyName": "A", "emails": ["a@b", "A@b"]}}"#,
    ),
    (
        "CreateContact",
        "KEY_TAKEN",
        r#"{"contact": {"familyName": "A", "externalId": "E1"}}"#,
    ),
    (
        "LookupContacts",
        "FIELD_INVALID",
        r#"{"keys": [{"email": "x"}]}"#,
    ),
    ("LookupContacts", "FIELD_REQUIRED", r#"{"keys": [{}]}"#),
    (
        "LookupContacts",
        "ID_INVALID",
        r#"{"keys": [{"id": "a1"}]}"#,
    ),
    (
        "LookupContacts",
        "TEXT_CONTROL_CHARACTER",
        r#"{"keys": [{"externalId": "$NUL"}]}"#,
    ),
    (
        "LookupContacts",
        "TEXT_TOO_LONG",
        r#"{"keys": [{"externalId": "$201"}]}"#,
    ),
    (
        "LookupContacts",
        "CONTACT_NOT_FOUND",
        r#"{"keys": [{"email": "no@example.com"}]}"#,
    ),
    (
        "UpdateContact",
        "FIELD_INVALID",
        r#"{"contact": {"id": "c1", "emails": ["x"]}, "updateMask": "emails"}"#,
    ),
    (
        "UpdateContact",
        "FIELD_REQUIRED",
        r#"{"contact": {"id": "c1"}, "updateMask": "familyName"}"#,
    ),
    (
        "UpdateContact",
        "ID_INVALID",
        r#"{"contact": {"id": "a1"}, "updateMask": "blocked"}"#,
    ),
    (
        "UpdateContact",
        "CONTACT_NOT_FOUND",
        r#"{"contact": {"id": "c999"}, "updateMask": "blocked"}"#,
    ),
    (
        "UpdateContact",
        "REPEATED",
        r#"{"contact": {"id": "c1", "emails": ["a@b", "A@b"]}, "updateMask": "emails"}"#,
    ),
    (
        "UpdateContact",
        "KEY_TAKEN",
        r#"{"contact": {"id": "c2", "externalId": "E1"}, "updateMask": "externalId"}"#,
    ),
    (
        "DeleteContact",
        "DISPOSITION_INVALID",
        r#"{"id": "c4", "deleteTickets": true, "newRequesterId": "c1"}"#,
    ),
    (
        "DeleteContact",
        "TARGET_IS_LEFT",
        r#"{"id": "c4", "newRequesterId": "c4"}"#,
    ),
    (
        "DeleteContact",
        "REQUESTER_NOT_FOUND",
        r#"{"id": "c1", "dissociateAccounts": true, "newRequesterId": "c999"}"#,
    ),
    ("DeleteContact", "STILL_IN_USE", r#"{"id": "c1"}"#),
    (
        "AssociateContacts",
        "CONTACT_NOT_FOUND",
        r#"{"accountId": "a3", "contacts": [{"contactId": "c999"}]}"#,
    ),
    (
        "AssociateContacts",
        "ACCOUNTS_PER_CONTACT",
        r#"{"accountId": "a3", "contacts": [{"contactId": "c3"}]}"#,
    ),
    (
        "AssociateContacts",
        "ALL_OR_NOTHING",
        r#"{"accountId": "a3", "contacts": [{"contactId": "c999"}], "allOrNothing": true}"#,
    ),
    (
        "AssociateContacts",
        "ALL_OR_NOTHING",
        r#"{"accountId": "a3", "contacts": [{"contactId": "c3"}], "allOrNothing": true}"#,
    ),
    (
        "PreviewDissociation",
        "ASSOCIATION_NOT_FOUND",
        r#"{"accountId": "a3", "contactId": "c1"}"#,
    ),
    (
        "DissociateContact",
        "ASSOCIATION_NOT_FOUND",
        r#"{"accountId": "a3", "contactId": "c1"}"#,
    ),
    (
        "DissociateContact",
        "DISPOSITION_REQUIRED",
        r#"{"accountId": "a2", "contactId": "c1"}"#,
    ),
    (
        "DissociateContact",
        "PRIMARY_STAYS",
        r#"{"accountId": "a1", "contactId": "c1"}"#,
    ),
    (
        "DissociateContact",
        "FIELD_INVALID",
        r#"{"accountId": "a2", "contactId": "c1", "ticketScope": 99}"#,
    ),
    (
        "DissociateContact",
        "DISPOSITION_INVALID",
        r#"{"accountId": "a2", "contactId": "c1",
            "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT"}"#,
    ),
    (
        "DissociateContact",
        "TARGET_IS_LEFT",
        r#"{"accountId": "a2", "contactId": "c1", "moveToAccountId": "a2",
            "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT"}"#,
    ),
    (
        "DissociateContact",
        "TARGET_NOT_ASSOCIATED",
        r#"{"accountId": "a2", "contactId": "c1", "moveToAccountId": "a3",
            "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT"}"#,
    ),
    (
        "SetPrimaryAccount",
        "ASSOCIATION_NOT_FOUND",
        r#"{"accountId": "a3", "contactId": "c1"}"#,
    ),
    (
        "TransferContact",
        "NOTHING_TO_TRANSFER",
        r#"{"contactId": "c2", "toAccountId": "a1"}"#,
    ),
    (
        "TransferContact",
        "DISPOSITION_REQUIRED",
        r#"{"contactId": "c1", "toAccountId": "a2"}"#,
    ),
    (
        "TransferContact",
        "ACCOUNTS_PER_CONTACT",
        r#"{"contactId": "c1", "toAccountId": "a3",
            "ticketDisposition": "TICKET_DISPOSITION_KEEP_WITH_ACCOUNT"}"#,
    ),
    (
        "TransferContact",
        "FIELD_INVALID",
        r#"{"contactId": "c1", "toAccountId": "a2", "ticketScope": 99}"#,
    ),
    (
        "TransferContact",
        "DISPOSITION_INVALID",
        r#"{"contactId": "c1", "toAccountId": "a2",
            "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT"}"#,
    ),
    (
        "TransferContact",
        "TARGET_IS_LEFT",
        r#"{"contactId": "c1", "toAccountId": "a2", "moveToAccountId": "a1",
            "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT"}"#,
    ),
    (
        "TransferContact",
        "TARGET_NOT_ASSOCIATED",
        r#"{"contactId": "c1", "toAccountId": "a2", "moveToAccountId": "a3",
            "ticketDisposition": "TICKET_DISPOSITION_MOVE_TO_ACCOUNT"}"#,
    ),
    (
        "UpdateAssociation",
        "FIELD_REQUIRED",
        r#"{"association": {"contactId": "c1"}, "updateMask": "role"}"#,
    ),
    (
        "UpdateAssociation",
        "ID_INVALID",
        r#"{"association": {"accountId": "x", "contactId": "c1"}, "updateMask": "role"}"#,
    ),
    (
        "UpdateAssociation",
        "ACCOUNT_NOT_FOUND",
        r#"{"association": {"accountId": "a999", "contactId": "c1"}, "updateMask": "role"}"#,
    ),
    (
        "UpdateAssociation",
        "CONTACT_NOT_FOUND",
        r#"{"association": {"accountId": "a1", "contactId": "c999"}, "updateMask": "role"}"#,
    ),
    (
        "UpdateAssociation",
        "ASSOCIATION_NOT_FOUND",
        r#"{"association": {"accountId": "a3", "contactId": "c1"}, "updateMask": "role"}"#,
    ),
    (
        "RecordTickets",
        "FIELD_INVALID",
        r#"{"tickets": [{"id": "T", "requesterId": "c1", "status": 99}]}"#,
    ),
    (
        "RecordTickets",
        "FIELD_REQUIRED",
        r#"{"tickets": [{"requesterId": "c1"}]}"#,
    ),
    (
        "RecordTickets",
        "ID_INVALID",
        r#"{"tickets": [{"id": "T", "requesterId": "x"}]}"#,
    ),
    (
        "RecordTickets",
        "REPEATED",
        r#"{"tickets": [{"id": "T9", "requesterId": "c1"}, {"id": "T9", "requesterId": "c1"}]}"#,
    ),
    (
        "RecordTickets",
        "REQUESTER_NOT_FOUND",
        r#"{"tickets": [{"id": "T", "requesterId": "c999"}]}"#,
    ),
    (
        "RecordTickets",
        "COPIES_NOT_FOUND",
        r#"{"tickets": [{"id": "T", "requesterId": "c1", "ccContactIds": ["c999"]}]}"#,
    ),
    (
        "RecordTickets",
        "ACCOUNT_NOT_FOUND",
        r#"{"tickets": [{"id": "T", "requesterId": "c1", "accountId": "a999"}]}"#,
    ),
    (
        "RecordTickets",
        "NOT_REQUESTERS_ACCOUNT",
        r#"{"tickets": [{"id": "T", "requesterId": "c1", "accountId": "a3"}]}"#,
    ),
    ("ListTickets", "FIELD_REQUIRED", "{}"),
    (
        "ListTickets",
        "FIELD_INVALID",
        r#"{"accountId": "a1", "status": 99}"#,
    ),
    ("DeleteTickets", "FIELD_REQUIRED", r#"{"ids": [""]}"#),
    ("DeleteTickets", "TICKET_NOT_FOUND", r#"{"ids": ["T999"]}"#),
    (
        "BatchCheckTickets",
        "TEXT_TOO_LONG",
        r#"{"contactId": "c1", "ticketIds": ["$201"]}"#,
    ),
    (
        "BatchCheckTickets",
        "TEXT_CONTROL_CHARACTER",
        r#"{"contactId": "c1", "ticketIds": ["$NUL"]}"#,
    ),
    (
        "BatchCheckTickets",
        "TICKET_NOT_FOUND",
        r#"{"contactId": "c1", "ticketIds": ["T999"]}"#,
    ),
    (
        "ListVisibleTickets",
        "FIELD_INVALID",
        r#"{"contactId": "c1", "status": 99}"#,
    ),
    (
        "UpdateSettings",
        "FIELD_INVALID",
        r#"{"settings": {"accountsPerContactMax": 0}, "updateMask": "accountsPerContactMax"}"#,
    ),
    (
        "UpdateSettings",
        "FIELD_REQUIRED",
        r#"{"settings": {"defaultSharingRoles": [""]}, "updateMask": "defaultSharingRoles"}"#,
    ),
    (
        "UpdateSettings",
        "SEVERAL_ACCOUNTS",
        r#"{"settings": {}, "updateMask": "multipleAccounts"}"#,
    ),
];

/// Other good requests, where another `etag` is not enough to make a request another one.
pub const OTHER: &[(&str, &str)] = &[
    ("RevokeVisitorTokens", r#"{"contactId": "c2"}"#),
    ("CreateAccount", r#"{"account": {"name": "B"}}"#),
    ("CreateContact", r#"{"contact": {"familyName": "B"}}"#),
    (
        "AssociateContacts",
        r#"{"accountId": "a2", "contacts": [{"contactId": "c1"}]}"#,
    ),
    (
        "SetPrimaryAccount",
        r#"{"contactId": "c1", "accountId": "a2"}"#,
    ),
    (
        "RecordTickets",
        r#"{"tickets": [{"id": "T8", "requesterId": "c1"}]}"#,
    ),
    ("DeleteTickets", r#"{"ids": ["T8"]}"#),
];
