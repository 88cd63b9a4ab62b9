-- Expands the tables for history, origins, and servers that hold leases. The version before goes on
-- writing: every new column has a default or is NULL.

-- The oldest version of the schema that a server must know to serve this store. Only a migration
-- that takes something away raises it.
ALTER TABLE store
    ADD COLUMN schema_floor BIGINT NOT NULL DEFAULT 1;

-- The time of the newest change set: later ones are not earlier. The epoch of its change sets. The
-- version of the code that made its unique keys. The oldest revision that the log keeps.
ALTER TABLE organizations
    ADD COLUMN change_time BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN key_derivation BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN oldest_revision BIGINT NOT NULL DEFAULT 1;

-- Which change set created a row, and by what way it came: NULL for rows of before. The others are
-- for later versions: ids in other systems as JSON, 1 active and 2 archived, the parent company.
ALTER TABLE accounts
    ADD COLUMN origin_kind BIGINT,
    ADD COLUMN origin_id BIGINT,
    ADD COLUMN creation_revision BIGINT,
    ADD COLUMN external_ids TEXT COLLATE "C",
    ADD COLUMN state BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN parent BIGINT;

-- As for accounts; whether the address is known to be the person's, and from when on tokens of
-- visitors count.
ALTER TABLE contacts
    ADD COLUMN origin_kind BIGINT,
    ADD COLUMN origin_id BIGINT,
    ADD COLUMN creation_revision BIGINT,
    ADD COLUMN external_ids TEXT COLLATE "C",
    ADD COLUMN address_verified BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN visitors_not_before BIGINT;

-- As for accounts; for later versions: from when to when it counts, 0 default, 1 granted and
-- 2 denied, and who confirmed it when.
ALTER TABLE associations
    ADD COLUMN origin_kind BIGINT,
    ADD COLUMN origin_id BIGINT,
    ADD COLUMN creation_revision BIGINT,
    ADD COLUMN start_time BIGINT,
    ADD COLUMN end_time BIGINT,
    ADD COLUMN sight BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN confirm_time BIGINT,
    ADD COLUMN confirmed_by TEXT COLLATE "C";

-- The parts of the key: 1 an account's external id, 2 a contact's, 3 an address; the system that
-- the id is of; the key fully folded, NULL where that is the key itself.
ALTER TABLE unique_keys
    ADD COLUMN kind BIGINT,
    ADD COLUMN system TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN folded TEXT COLLATE "C";

-- The caller's credential; 1 a call, 2 an import, 8 the sample data (3 to 7 are kept: a CRM's run,
-- undo, merge, erasure, the clock), and its number; the revision that it undoes.
ALTER TABLE change_sets
    ADD COLUMN credential TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN origin_kind BIGINT,
    ADD COLUMN origin_id BIGINT,
    ADD COLUMN undoes BIGINT,
    ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;

UPDATE organizations SET change_time = coalesce(
    (SELECT max(create_time) FROM change_sets WHERE change_sets.org = organizations.org), 0
);
UPDATE change_sets SET
    origin_kind = CASE source WHEN 'import' THEN 2 WHEN 'demo' THEN 8 ELSE 1 END,
    origin_id = job;
-- The clock of a server may have gone back: from here on it cannot, so that a moment is found by
-- halving the revisions, without an index.
UPDATE change_sets SET create_time = latest.create_time
FROM (
    SELECT org, revision, max(create_time) OVER (PARTITION BY org ORDER BY revision) AS create_time
    FROM change_sets
) AS latest
WHERE latest.org = change_sets.org AND latest.revision = change_sets.revision
    AND latest.create_time > change_sets.create_time;
UPDATE unique_keys SET
    kind = CASE substr(key, 1, 1) WHEN 'a' THEN 1 WHEN 'c' THEN 2 ELSE 3 END;

-- Which records a change set concerns: accounts (kind 1), contacts (2), tickets (3), and the settings
-- (4, number 0). Up to 1,000 of them have a row each, more have a bitmap a kind (a roaring treemap in
-- its portable format). Change sets of format 1 have neither.
CREATE TABLE change_set_subjects (
    org BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (org, kind, subject, revision)
);
CREATE TABLE change_set_bitmaps (
    org BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    bitmap BYTEA NOT NULL,
    PRIMARY KEY (org, revision, kind)
);

-- The servers at work, by the random number that their imports carry, each until its lease ends: in
-- microseconds since 1970, by the clock of the database.
CREATE TABLE servers (
    server BIGINT PRIMARY KEY NOT NULL,
    lease BIGINT NOT NULL
);

-- What runs for longer than a call: imports (kind 1).
CREATE TABLE jobs (
    org BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    job BIGINT NOT NULL,
    -- 1 running, 2 ended.
    state BIGINT NOT NULL,
    -- How far it has come: of an import, its rows.
    position BIGINT NOT NULL,
    -- Whether it is to end before its end.
    cancel BOOLEAN NOT NULL,
    -- The server that works on it.
    owner BIGINT,
    create_time BIGINT NOT NULL,
    end_time BIGINT,
    PRIMARY KEY (org, kind, job)
);
CREATE INDEX jobs_running ON jobs (owner) WHERE state = 1;
