//! Facts from the rows of a snapshot.

use roster_core::organization::OrganizationName;
use roster_index::{Loading, OrganizationFacts, TooLarge};
use roster_storage::{StorageError, Store};

/// The facts of sight of one moment, unless they take more bytes than this.
pub(crate) async fn load(
    store: &Store,
    organization: &OrganizationName,
    bytes_max: usize,
) -> Result<Result<OrganizationFacts, TooLarge>, StorageError> {
    store
        .read(organization, move |snapshot| {
            let mut loading =
                Loading::new(snapshot.at(), snapshot.visibility_settings(), bytes_max);
            // Where the sink is full it stays so, and says so at the end.
            let _ = snapshot.pour(&mut loading)?;
            Ok(loading.finish())
        })
        .await
}
