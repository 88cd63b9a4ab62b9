-- Expands the tables for history, origins, and server leases. Servers of the previous version can
-- still write: every new column has a default or is NULL.

-- The oldest schema version that a server must know to serve this store. Only a migration that
-- removes something raises it.
ALTER TABLE store ADD COLUMN schema_floor INTEGER NOT NULL DEFAULT 1;

-- The time of the newest change set: times never decrease. The epoch of new change sets. The
-- version of the code that made the unique keys. The oldest revision in the log.
ALTER TABLE organizations ADD COLUMN change_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN key_derivation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE organizations ADD COLUMN oldest_revision INTEGER NOT NULL DEFAULT 1;

-- The change set that created a row, and the kind of its origin; NULL for older rows. The other
-- columns are for later versions: ids in other systems as JSON, 1 active or 2 archived, the parent
-- company.
ALTER TABLE accounts ADD COLUMN origin_kind INTEGER;
ALTER TABLE accounts ADD COLUMN origin_id INTEGER;
ALTER TABLE accounts ADD COLUMN creation_revision INTEGER;
ALTER TABLE accounts ADD COLUMN external_ids TEXT;
ALTER TABLE accounts ADD COLUMN state INTEGER NOT NULL DEFAULT 1;
ALTER TABLE accounts ADD COLUMN parent INTEGER;

-- As for accounts. Also whether the address is known to be the person's, and from when tokens of
-- visitors are valid.
ALTER TABLE contacts ADD COLUMN origin_kind INTEGER;
ALTER TABLE contacts ADD COLUMN origin_id INTEGER;
ALTER TABLE contacts ADD COLUMN creation_revision INTEGER;
ALTER TABLE contacts ADD COLUMN external_ids TEXT;
ALTER TABLE contacts ADD COLUMN address_verified BOOLEAN NOT NULL DEFAULT 1;
ALTER TABLE contacts ADD COLUMN visitors_not_before INTEGER;

-- As for accounts. For later versions: when it starts and ends to count, 0 default, 1 granted or 2
-- denied, and who confirmed it and when.
ALTER TABLE associations ADD COLUMN origin_kind INTEGER;
ALTER TABLE associations ADD COLUMN origin_id INTEGER;
ALTER TABLE associations ADD COLUMN creation_revision INTEGER;
ALTER TABLE associations ADD COLUMN start_time INTEGER;
ALTER TABLE associations ADD COLUMN end_time INTEGER;
ALTER TABLE associations ADD COLUMN sight INTEGER NOT NULL DEFAULT 0;
ALTER TABLE associations ADD COLUMN confirm_time INTEGER;
ALTER TABLE associations ADD COLUMN confirmed_by TEXT;

-- The parts of the key: 1 an account's external id, 2 a contact's external id, 3 an address; the
-- system of the id; the fully folded key, or NULL if it equals the key.
ALTER TABLE unique_keys ADD COLUMN kind INTEGER;
ALTER TABLE unique_keys ADD COLUMN system TEXT NOT NULL DEFAULT '';
ALTER TABLE unique_keys ADD COLUMN folded TEXT;

-- The caller's credential. The origin, 1 a call, 2 an import or 8 the sample data (3 to 7 are
-- reserved: a CRM's run, undo, merge, erasure, the clock), and its number. The revision that it
-- undoes.
ALTER TABLE change_sets ADD COLUMN credential TEXT NOT NULL DEFAULT '';
ALTER TABLE change_sets ADD COLUMN origin_kind INTEGER;
ALTER TABLE change_sets ADD COLUMN origin_id INTEGER;
ALTER TABLE change_sets ADD COLUMN undoes INTEGER;
ALTER TABLE change_sets ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

UPDATE organizations SET change_time = coalesce(
    (SELECT max(create_time) FROM change_sets WHERE change_sets.org = organizations.org), 0
);
UPDATE change_sets SET
    origin_kind = CASE source WHEN 'import' THEN 2 WHEN 'demo' THEN 8 ELSE 1 END,
    origin_id = job;
-- Makes the times of change sets non-decreasing, in case the clock of a server went back. From here
-- on they never decrease, so a time is found by bisecting the revisions, without an index.
UPDATE change_sets SET create_time = latest.create_time
FROM (
    SELECT org, revision, max(create_time) OVER (PARTITION BY org ORDER BY revision) AS create_time
    FROM change_sets
) AS latest
WHERE latest.org = change_sets.org AND latest.revision = change_sets.revision
    AND latest.create_time > change_sets.create_time;
UPDATE unique_keys SET
    kind = CASE substr(key, 1, 1) WHEN 'a' THEN 1 WHEN 'c' THEN 2 ELSE 3 END;

-- The records that a change set concerns: accounts (kind 1), contacts (2), tickets (3), and the
-- settings (4, number 0). Up to 1,000 of them have one row each; more have one bitmap per kind (a
-- roaring treemap in its portable format). Change sets of format 1 have neither.
CREATE TABLE change_set_subjects (
    org INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (org, kind, subject, revision)
) WITHOUT ROWID;
CREATE TABLE change_set_bitmaps (
    org INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    bitmap BLOB NOT NULL,
    PRIMARY KEY (org, revision, kind)
);

-- The running servers, by the random number that their imports carry, with the end of their lease:
-- in microseconds since 1970, by the clock of the database.
CREATE TABLE servers (
    server INTEGER PRIMARY KEY NOT NULL,
    lease INTEGER NOT NULL
);

-- Work that takes longer than a call: imports (kind 1).
CREATE TABLE jobs (
    org INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    job INTEGER NOT NULL,
    -- 1 running, 2 ended.
    state INTEGER NOT NULL,
    -- Its progress. For an import: the number of processed rows.
    position INTEGER NOT NULL,
    -- Whether it must stop early.
    cancel BOOLEAN NOT NULL,
    -- The server that runs it.
    owner INTEGER,
    create_time INTEGER NOT NULL,
    end_time INTEGER,
    PRIMARY KEY (org, kind, job)
) WITHOUT ROWID;
CREATE INDEX jobs_running ON jobs (owner) WHERE state = 1;
