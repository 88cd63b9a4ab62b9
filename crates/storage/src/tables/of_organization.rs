//! Every table with rows of organizations, for their removal. A test compares this list with the
//! schema of both engines: a new table must be added here.

/// A table with rows of organizations.
#[derive(Debug)]
pub(crate) struct OrganizationTable {
    pub(crate) name: &'static str,
    /// Its key after `org`.
    pub(crate) key: &'static [&'static str],
    /// How many rows of one column each a row counts as: large values are deleted in smaller steps.
    pub(crate) weight: usize,
    /// Excludes rows from the removal.
    pub(crate) and: &'static str,
}

/// The weight of a row with an encoded answer or a bitmap of some kilobytes.
const KILOBYTES: usize = 10;
/// The weight of a part of the log of up to a mebibyte.
const MEBIBYTE: usize = 50;

const fn table(name: &'static str, key: &'static [&'static str]) -> OrganizationTable {
    weighty(name, key, 1)
}

const fn weighty(
    name: &'static str,
    key: &'static [&'static str],
    weight: usize,
) -> OrganizationTable {
    OrganizationTable {
        name,
        key,
        weight,
        and: "",
    }
}

/// The stored kind of a job that is an import.
pub(crate) const IMPORT_JOB: i64 = 1;
/// The stored kind of a job that is the removal of its organization.
pub(crate) const REMOVAL_JOB: i64 = 2;

/// The tables whose rows are removed, in this order. Grams (a table of its own form on each engine)
/// and credentials with their proofs come after them, and last the row of the organization.
pub(crate) const REMOVED: &[OrganizationTable] = &[
    table("accesses", &["create_time", "access"]),
    weighty(
        "request_answers",
        &["caller", "rpc", "request_id"],
        KILOBYTES,
    ),
    table("import_rejects", &["import", "number"]),
    table("imports", &["import"]),
    table("change_set_subjects", &["kind", "subject", "revision"]),
    weighty("change_set_bitmaps", &["revision", "kind"], KILOBYTES),
    weighty("change_set_parts", &["revision", "part"], MEBIBYTE),
    table("change_sets", &["revision"]),
    table("ticket_copies", &["ticket", "contact"]),
    table("tickets", &["ticket"]),
    table("associations", &["contact", "account"]),
    table("unique_keys", &["key"]),
    table("gram_stretches", &["kind", "gram", "stretch"]),
    table("heading_counts", &["kind", "heading"]),
    table("contacts", &["contact"]),
    table("accounts", &["account"]),
    OrganizationTable {
        name: "jobs",
        key: &["kind", "job"],
        weight: 1,
        // The job of the removal itself ends last.
        and: " AND kind <> 2",
    },
];

/// The tables whose rows the removal deletes in a way of their own.
#[cfg(test)]
pub(crate) const REMOVED_OTHERWISE: &[&str] = &[
    "account_grams",
    "contact_grams",
    "credentials",
    "organizations",
];

/// The tables whose rows outlive their organization: the log of administration says who deleted it.
#[cfg(test)]
pub(crate) const KEPT: &[&str] = &["admin_events"];
