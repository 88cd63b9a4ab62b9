-- Credentials and their proofs, the state of organizations, and the logs of administration and of
-- reads of personal data. Servers of the previous version can still write: every new column has a
-- default or is NULL.

-- Each change of a credential, or of the state of an organization, adds one: servers poll it.
ALTER TABLE store ADD COLUMN credentials_version INTEGER NOT NULL DEFAULT 0;

-- The state: 1 active, 2 suspended, 3 deleted (its facts can be restored), 4 being removed. The
-- suspension is kept beside it, for an organization that is restored.
ALTER TABLE organizations ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE organizations ADD COLUMN state INTEGER NOT NULL DEFAULT 1;
ALTER TABLE organizations ADD COLUMN requests_per_second INTEGER;
ALTER TABLE organizations ADD COLUMN concurrent_calls INTEGER;
ALTER TABLE organizations ADD COLUMN create_time INTEGER;
ALTER TABLE organizations ADD COLUMN delete_time INTEGER;
ALTER TABLE organizations ADD COLUMN undelete_end_time INTEGER;
ALTER TABLE organizations ADD COLUMN suspended BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- How often the name of an organization became free after its removal: tokens of an organization of
-- before are not tokens of the next organization of the same name.
CREATE TABLE released_names (
    name TEXT PRIMARY KEY NOT NULL,
    released INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE credentials (
    credential INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    -- NULL: administration.
    org INTEGER,
    name TEXT NOT NULL,
    -- Names of scopes and networks, as JSON.
    scopes TEXT NOT NULL,
    networks TEXT NOT NULL,
    requests_per_second INTEGER,
    concurrent_calls INTEGER,
    suspended BOOLEAN NOT NULL,
    expire_time INTEGER,
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX credentials_by_organization ON credentials (org, credential);

CREATE TABLE credential_proofs (
    -- The public part of an API key (kind 1), the issuer and the subject of a token with a line feed
    -- between them (2), or the name of a client certificate (3).
    kind INTEGER NOT NULL,
    proof TEXT NOT NULL,
    credential INTEGER NOT NULL,
    -- The order of the proofs of a credential.
    position INTEGER NOT NULL,
    -- Of an API key: SHA-256 of its text, its end, and its times.
    hash BLOB,
    last_four TEXT,
    create_time INTEGER,
    expire_time INTEGER,
    last_use_time INTEGER,
    PRIMARY KEY (kind, proof)
) WITHOUT ROWID;
CREATE INDEX credential_proofs_by_credential ON credential_proofs (credential, kind, position);

-- What administrators did.
CREATE TABLE admin_events (
    event INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    create_time INTEGER NOT NULL,
    credential TEXT NOT NULL,
    actor TEXT NOT NULL,
    -- The RPC or the command, and the id of the credential or organization.
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    org INTEGER
);

CREATE INDEX admin_events_by_organization ON admin_events (org, event);

-- Who read personal data. The number is random: writers do not wait for each other.
CREATE TABLE accesses (
    org INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    access INTEGER NOT NULL,
    credential TEXT NOT NULL,
    actor TEXT NOT NULL,
    rpc TEXT NOT NULL,
    -- The ids that the call was about.
    contact INTEGER,
    target TEXT NOT NULL,
    PRIMARY KEY (org, create_time, access)
) WITHOUT ROWID;
