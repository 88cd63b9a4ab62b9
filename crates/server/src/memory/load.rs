//! Loads facts from the rows of a snapshot.

use roster_core::organization::OrganizationName;
use roster_index::{Loading, OrganizationFacts, TooLarge};
use roster_storage::{StorageError, Store};

/// Loads the visibility facts of one revision, unless they exceed a maximum of bytes.
pub(crate) async fn load(
    store: &Store,
    organization: &OrganizationName,
    bytes_max: usize,
) -> Result<Result<OrganizationFacts, TooLarge>, StorageError> {
    store
        .read(organization, move |snapshot| {
            let mut loading =
                Loading::new(snapshot.at(), snapshot.visibility_settings(), bytes_max);
            // A full sink stays full and reports it at the end.
            let _ = snapshot.stream_facts(&mut loading)?;
            Ok(loading.finish())
        })
        .await
}
