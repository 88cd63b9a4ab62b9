-- Every table's key begins with the organization; times are microseconds since 1970.
-- Texts are compared byte by byte, as SQLite does.

CREATE TABLE store (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    store_id BYTEA NOT NULL,
    page_key BYTEA NOT NULL,
    preview_key BYTEA NOT NULL
);

CREATE TABLE organizations (
    org BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    revision BIGINT NOT NULL DEFAULT 0,
    nonce BIGINT NOT NULL DEFAULT 0,
    next_account BIGINT NOT NULL DEFAULT 1,
    next_contact BIGINT NOT NULL DEFAULT 1,
    next_ticket BIGINT NOT NULL DEFAULT 1,
    next_import BIGINT NOT NULL DEFAULT 1,
    -- The version of the code that made the derived columns of the organization's rows.
    derivation BIGINT NOT NULL,
    settings_revision BIGINT NOT NULL DEFAULT 0,
    -- Encoded as in the change log; NULL: the defaults.
    settings BYTEA
);

CREATE TABLE accounts (
    org BIGINT NOT NULL,
    account BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_reading TEXT COLLATE "C",
    external_id TEXT COLLATE "C",
    attributes TEXT COLLATE "C" NOT NULL,
    sharing_mode BIGINT,
    sharing_roles TEXT COLLATE "C" NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    heading BIGINT NOT NULL,
    sort_key BYTEA NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    search_text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (org, account)
);
CREATE INDEX accounts_by_order ON accounts (org, sort_key, account);
-- Finds records with equal names, by the other identifiers that they have.
CREATE INDEX accounts_by_name ON accounts (org, name_key, (external_id IS NOT NULL));
-- So that thousands of sort keys are read without the rows.
CREATE INDEX accounts_keys ON accounts (org, account) INCLUDE (sort_key);

CREATE TABLE contacts (
    org BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    family_name TEXT COLLATE "C" NOT NULL,
    given_name TEXT COLLATE "C",
    family_name_reading TEXT COLLATE "C",
    given_name_reading TEXT COLLATE "C",
    emails TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    attributes TEXT COLLATE "C" NOT NULL,
    blocked BOOLEAN NOT NULL,
    create_time BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    heading BIGINT NOT NULL,
    sort_key BYTEA NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    search_text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (org, contact)
);
CREATE INDEX contacts_by_order ON contacts (org, sort_key, contact);
-- Finds records with equal names, by the other identifiers that they have.
CREATE INDEX contacts_by_name
    ON contacts (org, name_key, (external_id IS NOT NULL), (emails <> '[]'));
-- So that thousands of sort keys are read without the rows.
CREATE INDEX contacts_keys ON contacts (org, contact) INCLUDE (sort_key);

-- What a search nominates records by: their grams (see the names of core), the organization in the
-- upper 22 bits of each, so that one organization's never slow another's. The list of those not
-- yet sorted into the index is read by every search and so kept short.
CREATE TABLE account_grams (
    org BIGINT NOT NULL,
    account BIGINT NOT NULL,
    grams BIGINT[] NOT NULL,
    PRIMARY KEY (org, account)
);
CREATE INDEX account_grams_by_gram ON account_grams USING gin (grams)
    WITH (gin_pending_list_limit = 256);
CREATE TABLE contact_grams (
    org BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    grams BIGINT[] NOT NULL,
    PRIMARY KEY (org, contact)
);
CREATE INDEX contact_grams_by_gram ON contact_grams USING gin (grams)
    WITH (gin_pending_list_limit = 256);

-- Where in the order of names accounts (kind 1) and contacts (kind 2) with a gram stand: the first
-- bytes of their sort keys. None is missing; one may stay when the last record of its kind is gone.
CREATE TABLE gram_stretches (
    org BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    gram BIGINT NOT NULL,
    stretch BYTEA NOT NULL,
    PRIMARY KEY (org, kind, gram, stretch)
);

-- The number of accounts (kind 1) and contacts (kind 2) of each heading.
CREATE TABLE heading_counts (
    org BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    heading BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (org, kind, heading)
);

-- Folded e-mail addresses and external ids: the database enforces their uniqueness.
CREATE TABLE unique_keys (
    org BIGINT NOT NULL,
    -- A letter for the kind of the key, then the key, as in `e:taro@example.com`.
    key TEXT COLLATE "C" NOT NULL,
    owner BIGINT NOT NULL,
    PRIMARY KEY (org, key)
);

CREATE TABLE associations (
    org BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    account BIGINT NOT NULL,
    is_primary BOOLEAN NOT NULL,
    sees_account_tickets BOOLEAN NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    create_time BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (org, contact, account)
);
CREATE INDEX associations_by_account ON associations (org, account, contact);
CREATE UNIQUE INDEX associations_one_primary ON associations (org, contact) WHERE is_primary;

CREATE TABLE tickets (
    org BIGINT NOT NULL,
    ticket BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    requester BIGINT NOT NULL,
    account BIGINT,
    subject TEXT COLLATE "C" NOT NULL,
    closed BOOLEAN NOT NULL,
    is_private BOOLEAN NOT NULL,
    create_time BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (org, ticket)
);
CREATE UNIQUE INDEX tickets_by_id ON tickets (org, id);
CREATE INDEX tickets_by_requester ON tickets (org, requester, create_time DESC, id);
CREATE INDEX tickets_by_account ON tickets (org, account, create_time DESC, id);
CREATE INDEX tickets_by_time ON tickets (org, create_time DESC, id);

CREATE TABLE ticket_copies (
    org BIGINT NOT NULL,
    ticket BIGINT NOT NULL,
    contact BIGINT NOT NULL,
    -- The place on the list, as the caller gave it.
    position BIGINT NOT NULL,
    -- The ticket's, so that the tickets with a contact in CC are read in the order of lists.
    create_time BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (org, ticket, contact)
);
CREATE INDEX ticket_copies_by_contact ON ticket_copies (org, contact, create_time DESC, id);

-- The change log: one row a change set, its changes in parts.
CREATE TABLE change_sets (
    org BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    create_time BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    command TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    job BIGINT,
    request_id TEXT COLLATE "C",
    nonce BIGINT NOT NULL,
    format BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    PRIMARY KEY (org, revision)
);
CREATE TABLE change_set_parts (
    org BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    part BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (org, revision, part)
);

-- First answers to writes that carried a request_id.
CREATE TABLE request_answers (
    org BIGINT NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,
    rpc TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    answer BYTEA NOT NULL,
    expire_time BIGINT NOT NULL,
    PRIMARY KEY (org, caller, rpc, request_id)
);
CREATE INDEX request_answers_by_expiry ON request_answers (org, expire_time);

-- Imports. The counts are those of the committed batches.
CREATE TABLE imports (
    org BIGINT NOT NULL,
    import BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    -- 1 running, 2 completed, 3 completed with errors, 4 failed.
    state BIGINT NOT NULL,
    -- The cause of its failure.
    failure BIGINT,
    -- The random number of the server process that works on it.
    server BIGINT NOT NULL,
    -- The file's columns in order, as JSON: header and field, which is empty for an ignored column.
    headers TEXT COLLATE "C" NOT NULL,
    rows_total BIGINT NOT NULL,
    rows_read BIGINT NOT NULL,
    rows_created BIGINT NOT NULL,
    rows_updated BIGINT NOT NULL,
    rows_unchanged BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    accounts_created BIGINT NOT NULL,
    contacts_created BIGINT NOT NULL,
    -- The revision after its last batch.
    revision BIGINT NOT NULL,
    nonce BIGINT NOT NULL,
    create_time BIGINT NOT NULL,
    end_time BIGINT,
    PRIMARY KEY (org, import)
);
CREATE INDEX imports_running ON imports (server) WHERE state = 1;

CREATE TABLE import_rejects (
    org BIGINT NOT NULL,
    import BIGINT NOT NULL,
    -- The row's number in the file.
    number BIGINT NOT NULL,
    -- The header of the column at fault.
    header TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    -- The row's cells as JSON.
    cells TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (org, import, number)
);
