//! The access log: who read personal data.
//!
//! Its records belong to no revision. They are written in batches, off the path of the reads.

use roster_core::id::Time;
use roster_core::organization::OrganizationName;

use crate::engine::transaction::in_transaction;
use crate::error::Result;
use crate::read::page_budget::Filtered;
use crate::store::Store;
use crate::tables::access::{AccessFilter, AccessPlace, AccessRecord, NewAccess};

/// Records that one page examines, so that a filter that few records match does not read all.
const EXAMINED_MAX: usize = 5_000;
/// Records that one transaction deletes: some milliseconds, so that writers do not wait longer.
pub const ACCESSES_DELETED_MAX: usize = 1_000;

impl Store {
    /// Adds records to the access log, all or none. Omits records of an organization that does not
    /// exist: nothing could be read there.
    pub async fn record_accesses(&self, new: Vec<NewAccess>) -> Result<()> {
        self.on_writer(move |connection| {
            in_transaction(connection, |connection| {
                let mut known: Option<(&OrganizationName, Option<i64>)> = None;
                for access in &new {
                    let name = &access.organization;
                    let org = match known {
                        Some((known, org)) if known == name => org,
                        _ => connection.organization_number(name)?,
                    };
                    known = Some((name, org));
                    if let Some(org) = org {
                        connection.insert_access(org, &access.record)?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Lists records of the access log, newest first, before a place.
    pub async fn accesses(
        &self,
        organization: OrganizationName,
        filter: AccessFilter,
        before: Option<AccessPlace>,
        limit: usize,
    ) -> Result<Filtered<(AccessPlace, AccessRecord), AccessPlace>> {
        self.ask_connection(&self.roles.readers, move |connection| {
            let mut page = Filtered {
                items: Vec::new(),
                examined: None,
            };
            let Some(org) = connection.organization_number(&organization)? else {
                return Ok(page);
            };
            let found = connection.accesses_before(org, &filter, before, EXAMINED_MAX)?;
            let is_full = found.len() == EXAMINED_MAX;
            let mut last = None;
            for (place, record) in found {
                if page.items.len() == limit {
                    page.examined = last;
                    return Ok(page);
                }
                last = Some(place);
                if filter.matches(&record) {
                    page.items.push((place, record));
                }
            }
            page.examined = last.filter(|_| is_full);
            Ok(page)
        })
        .await
    }

    /// Deletes at most [`ACCESSES_DELETED_MAX`] records of an organization from before a time.
    /// Returns how many it deleted.
    pub async fn delete_accesses(
        &self,
        organization: OrganizationName,
        before: Time,
    ) -> Result<usize> {
        self.on_writer(move |connection| {
            in_transaction(connection, |connection| {
                match connection.organization_number(&organization)? {
                    None => Ok(0),
                    Some(org) => connection.delete_accesses(org, before, ACCESSES_DELETED_MAX),
                }
            })
        })
        .await
    }
}
