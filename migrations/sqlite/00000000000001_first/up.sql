-- Every table's key begins with the organization; times are microseconds since 1970.

CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store_id BLOB NOT NULL,
    page_key BLOB NOT NULL,
    preview_key BLOB NOT NULL
);

CREATE TABLE organizations (
    org INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL DEFAULT 0,
    nonce INTEGER NOT NULL DEFAULT 0,
    next_account INTEGER NOT NULL DEFAULT 1,
    next_contact INTEGER NOT NULL DEFAULT 1,
    next_ticket INTEGER NOT NULL DEFAULT 1,
    next_import INTEGER NOT NULL DEFAULT 1,
    -- The version of the code that made the derived columns of the organization's rows.
    derivation INTEGER NOT NULL,
    settings_revision INTEGER NOT NULL DEFAULT 0,
    -- Encoded as in the change log; NULL: the defaults.
    settings BLOB
);

CREATE TABLE accounts (
    org INTEGER NOT NULL,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_reading TEXT,
    external_id TEXT,
    attributes TEXT NOT NULL,
    sharing_mode INTEGER,
    sharing_roles TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    heading INTEGER NOT NULL,
    sort_key BLOB NOT NULL,
    name_key TEXT NOT NULL,
    search_text TEXT NOT NULL,
    PRIMARY KEY (org, account)
) WITHOUT ROWID;
CREATE INDEX accounts_by_order ON accounts (org, sort_key, account);
-- Finds records with equal names, by the other identifiers that they have.
CREATE INDEX accounts_by_name ON accounts (org, name_key, (external_id IS NOT NULL));
-- So that thousands of sort keys are read without the rows.
CREATE INDEX accounts_keys ON accounts (org, account, sort_key);

CREATE TABLE contacts (
    org INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    family_name TEXT NOT NULL,
    given_name TEXT,
    family_name_reading TEXT,
    given_name_reading TEXT,
    emails TEXT NOT NULL,
    external_id TEXT,
    attributes TEXT NOT NULL,
    blocked BOOLEAN NOT NULL,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    heading INTEGER NOT NULL,
    sort_key BLOB NOT NULL,
    name_key TEXT NOT NULL,
    search_text TEXT NOT NULL,
    PRIMARY KEY (org, contact)
) WITHOUT ROWID;
CREATE INDEX contacts_by_order ON contacts (org, sort_key, contact);
-- Finds records with equal names, by the other identifiers that they have.
CREATE INDEX contacts_by_name
    ON contacts (org, name_key, (external_id IS NOT NULL), (emails <> '[]'));
-- So that thousands of sort keys are read without the rows.
CREATE INDEX contacts_keys ON contacts (org, contact, sort_key);

-- What a search nominates records by: their grams (see the names of core), a word each, begun by the
-- organization, so that one organization's never slow another's. The row id is the organization's
-- number times 2^40 and the record's. Nothing is stored but the lists of rows.
CREATE VIRTUAL TABLE account_grams USING fts5(
    grams, content='', contentless_delete=1, detail=none, tokenize='ascii'
);
CREATE VIRTUAL TABLE contact_grams USING fts5(
    grams, content='', contentless_delete=1, detail=none, tokenize='ascii'
);

-- Where in the order of names accounts (kind 1) and contacts (kind 2) with a gram stand: the first
-- bytes of their sort keys. None is missing; one may stay when the last record of its kind is gone.
CREATE TABLE gram_stretches (
    org INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    gram INTEGER NOT NULL,
    stretch BLOB NOT NULL,
    PRIMARY KEY (org, kind, gram, stretch)
) WITHOUT ROWID;

-- The number of accounts (kind 1) and contacts (kind 2) of each heading.
CREATE TABLE heading_counts (
    org INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    heading INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    PRIMARY KEY (org, kind, heading)
) WITHOUT ROWID;

-- Folded e-mail addresses and external ids: the database enforces their uniqueness.
CREATE TABLE unique_keys (
    org INTEGER NOT NULL,
    -- A letter for the kind of the key, then the key, as in `e:taro@example.com`.
    key TEXT NOT NULL,
    owner INTEGER NOT NULL,
    PRIMARY KEY (org, key)
) WITHOUT ROWID;

CREATE TABLE associations (
    org INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    account INTEGER NOT NULL,
    is_primary BOOLEAN NOT NULL,
    sees_account_tickets BOOLEAN NOT NULL,
    role TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (org, contact, account)
) WITHOUT ROWID;
CREATE INDEX associations_by_account ON associations (org, account, contact);
CREATE UNIQUE INDEX associations_one_primary ON associations (org, contact) WHERE is_primary;

CREATE TABLE tickets (
    org INTEGER NOT NULL,
    ticket INTEGER NOT NULL,
    id TEXT NOT NULL,
    requester INTEGER NOT NULL,
    account INTEGER,
    subject TEXT NOT NULL,
    closed BOOLEAN NOT NULL,
    is_private BOOLEAN NOT NULL,
    create_time INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (org, ticket)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tickets_by_id ON tickets (org, id);
CREATE INDEX tickets_by_requester ON tickets (org, requester, create_time DESC, id);
CREATE INDEX tickets_by_account ON tickets (org, account, create_time DESC, id);
CREATE INDEX tickets_by_time ON tickets (org, create_time DESC, id);

CREATE TABLE ticket_copies (
    org INTEGER NOT NULL,
    ticket INTEGER NOT NULL,
    contact INTEGER NOT NULL,
    -- The place on the list, as the caller gave it.
    position INTEGER NOT NULL,
    -- The ticket's, so that the tickets with a contact in CC are read in the order of lists.
    create_time INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (org, ticket, contact)
) WITHOUT ROWID;
CREATE INDEX ticket_copies_by_contact ON ticket_copies (org, contact, create_time DESC, id);

-- The change log: one row a change set, its changes in parts.
CREATE TABLE change_sets (
    org INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    command TEXT NOT NULL,
    source TEXT NOT NULL,
    job INTEGER,
    request_id TEXT,
    nonce INTEGER NOT NULL,
    format INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    PRIMARY KEY (org, revision)
) WITHOUT ROWID;
CREATE TABLE change_set_parts (
    org INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    part INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (org, revision, part)
);

-- First answers to writes that carried a request_id.
CREATE TABLE request_answers (
    org INTEGER NOT NULL,
    caller TEXT NOT NULL,
    rpc TEXT NOT NULL,
    request_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    answer BLOB NOT NULL,
    expire_time INTEGER NOT NULL,
    PRIMARY KEY (org, caller, rpc, request_id)
);
CREATE INDEX request_answers_by_expiry ON request_answers (org, expire_time);

-- Imports. The counts are those of the committed batches.
CREATE TABLE imports (
    org INTEGER NOT NULL,
    import INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    -- 1 running, 2 completed, 3 completed with errors, 4 failed.
    state INTEGER NOT NULL,
    -- The cause of its failure.
    failure INTEGER,
    -- The random number of the server process that works on it.
    server INTEGER NOT NULL,
    -- The file's columns in order, as JSON: header and field, which is empty for an ignored column.
    headers TEXT NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_read INTEGER NOT NULL,
    rows_created INTEGER NOT NULL,
    rows_updated INTEGER NOT NULL,
    rows_unchanged INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    accounts_created INTEGER NOT NULL,
    contacts_created INTEGER NOT NULL,
    -- The revision after its last batch.
    revision INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    end_time INTEGER,
    PRIMARY KEY (org, import)
);
CREATE INDEX imports_running ON imports (server) WHERE state = 1;

CREATE TABLE import_rejects (
    org INTEGER NOT NULL,
    import INTEGER NOT NULL,
    -- The row's number in the file.
    number INTEGER NOT NULL,
    -- The header of the column at fault.
    header TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    -- The row's cells as JSON.
    cells TEXT NOT NULL,
    PRIMARY KEY (org, import, number)
) WITHOUT ROWID;
