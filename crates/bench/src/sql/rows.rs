//! The rows that the baselines write: the rows that Roster writes for the same associations, in the
//! same columns. A test compares both.

use std::collections::BTreeSet;

use anyhow::Result;
use diesel::prelude::*;
use roaring::RoaringTreemap;

use super::tables::{
    associations, change_set_bitmaps, change_set_parts, change_set_subjects, change_sets,
};
use super::{CREATE_TIME, ORG};

/// Rows of a change set of an import: the largest batch that Roster writes in one transaction.
const CHANGE_SET_ROWS: usize = 20_000;
/// The bytes of an imported row in the payload of its change set, compressed as Roster does.
const PAYLOAD_ROW_BYTES: usize = 4;
/// The bytes of the payload of a change set of one association.
const PAYLOAD_CALL_BYTES: usize = 32;
/// The size of a part of a payload, as in Roster.
const PART_BYTES_MAX: usize = 1 << 20;
/// Up to this many subjects, a change set has one row per subject; above, one bitmap per kind.
const SUBJECT_ROWS_MAX: usize = 1_000;
/// The kinds of subjects, as Roster stores them.
const SUBJECT_ACCOUNT: i64 = 1;
const SUBJECT_CONTACT: i64 = 2;

#[derive(Insertable)]
#[diesel(table_name = associations, treat_none_as_default_value = false)]
pub(super) struct Association {
    org: i64,
    contact: i64,
    account: i64,
    is_primary: bool,
    sees_account_tickets: bool,
    role: &'static str,
    create_time: i64,
    revision: i64,
    origin_kind: Option<i64>,
    origin_id: Option<i64>,
    creation_revision: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = change_sets, treat_none_as_default_value = false)]
pub(super) struct ChangeSet {
    org: i64,
    revision: i64,
    create_time: i64,
    actor: &'static str,
    command: &'static str,
    source: &'static str,
    job: Option<i64>,
    request_id: Option<&'static str>,
    nonce: i64,
    format: i64,
    parts: i64,
    credential: &'static str,
    origin_kind: Option<i64>,
    origin_id: Option<i64>,
    undoes: Option<i64>,
    epoch: i64,
}

#[derive(Insertable)]
#[diesel(table_name = change_set_parts, treat_none_as_default_value = false)]
pub(super) struct Part {
    org: i64,
    revision: i64,
    part: i64,
    payload: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = change_set_subjects, treat_none_as_default_value = false)]
pub(super) struct Subject {
    org: i64,
    kind: i64,
    subject: i64,
    revision: i64,
}

#[derive(Insertable)]
#[diesel(table_name = change_set_bitmaps, treat_none_as_default_value = false)]
pub(super) struct Bitmap {
    org: i64,
    revision: i64,
    kind: i64,
    bitmap: Vec<u8>,
}

/// The origin of rows, and the head of their change sets.
struct Origin {
    kind: i64,
    id: Option<i64>,
    command: &'static str,
    source: &'static str,
}

const CALL: Origin = Origin {
    kind: 1,
    id: None,
    command: "AssociateContacts",
    source: "rpc",
};

/// All rows of new secondary associations, including the rows of the change log.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) associations: Vec<Association>,
    pub(super) change_sets: Vec<ChangeSet>,
    pub(super) parts: Vec<Part>,
    pub(super) subjects: Vec<Subject>,
    pub(super) bitmaps: Vec<Bitmap>,
}

/// How many change sets an import of this many rows has.
pub(super) fn change_sets_of_import(rows: usize) -> i64 {
    rows.div_ceil(CHANGE_SET_ROWS) as i64
}

impl Rows {
    /// The rows of a call that associates one pair.
    pub(super) fn of_call(pair: (u64, u64), revision: i64) -> Result<Self> {
        let mut rows = Self::default();
        rows.add(&[pair], revision, &CALL, PAYLOAD_CALL_BYTES)?;
        Ok(rows)
    }

    /// The rows of an import of these pairs, with consecutive revisions.
    pub(super) fn of_import(
        pairs: &[(u64, u64)],
        import: i64,
        first_revision: i64,
    ) -> Result<Self> {
        let origin = Origin {
            kind: 2,
            id: Some(import),
            command: "Import",
            source: "import",
        };
        let mut rows = Self::default();
        for (revision, pairs) in (first_revision..).zip(pairs.chunks(CHANGE_SET_ROWS)) {
            rows.add(pairs, revision, &origin, pairs.len() * PAYLOAD_ROW_BYTES)?;
        }
        Ok(rows)
    }

    /// Adds one change set.
    fn add(
        &mut self,
        pairs: &[(u64, u64)],
        revision: i64,
        origin: &Origin,
        payload_bytes: usize,
    ) -> Result<()> {
        let association = |(contact, account): &(u64, u64)| Association {
            org: ORG,
            contact: *contact as i64,
            account: *account as i64,
            is_primary: false,
            sees_account_tickets: false,
            role: "",
            create_time: CREATE_TIME,
            revision,
            origin_kind: Some(origin.kind),
            origin_id: origin.id,
            creation_revision: Some(revision),
        };
        self.associations.extend(pairs.iter().map(association));
        let payload = vec![7; payload_bytes];
        let parts = payload.chunks(PART_BYTES_MAX);
        self.change_sets.push(ChangeSet {
            org: ORG,
            revision,
            create_time: CREATE_TIME,
            actor: "",
            command: origin.command,
            source: origin.source,
            job: origin.id,
            request_id: None,
            nonce: 1,
            format: 2,
            parts: parts.len() as i64,
            credential: "local",
            origin_kind: Some(origin.kind),
            origin_id: origin.id,
            undoes: None,
            epoch: 0,
        });
        self.parts
            .extend((0..).zip(parts).map(|(part, payload)| Part {
                org: ORG,
                revision,
                part,
                payload: payload.to_vec(),
            }));
        self.add_subjects(pairs, revision)
    }

    /// Adds the accounts and contacts of a change set: an association concerns both of its own.
    fn add_subjects(&mut self, pairs: &[(u64, u64)], revision: i64) -> Result<()> {
        let accounts: BTreeSet<u64> = pairs.iter().map(|(_, account)| *account).collect();
        let contacts: BTreeSet<u64> = pairs.iter().map(|(contact, _)| *contact).collect();
        let are_few = accounts.len() + contacts.len() <= SUBJECT_ROWS_MAX;
        for (kind, numbers) in [(SUBJECT_ACCOUNT, accounts), (SUBJECT_CONTACT, contacts)] {
            if are_few {
                self.subjects.extend(numbers.iter().map(|number| Subject {
                    org: ORG,
                    kind,
                    subject: *number as i64,
                    revision,
                }));
                continue;
            }
            let numbers = RoaringTreemap::from_sorted_iter(numbers)?;
            let mut bitmap = Vec::with_capacity(numbers.serialized_size());
            numbers.serialize_into(&mut bitmap)?;
            self.bitmaps.push(Bitmap {
                org: ORG,
                revision,
                kind,
                bitmap,
            });
        }
        Ok(())
    }
}
