//! Notices changes of files that a running server reads again.

use std::time::Duration;

use parking_lot::Mutex;

/// How often files are read again: a change counts within five seconds.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What files contained when they were last read: a hash, or why they could not be read.
#[derive(Debug)]
pub(crate) struct SeenFiles(Mutex<Result<blake3::Hash, String>>);

impl SeenFiles {
    /// Of a first reading.
    pub(crate) fn of(hash: blake3::Hash) -> Self {
        Self(Mutex::new(Ok(hash)))
    }

    /// Remembers a reading. Returns whether it differs from the one before.
    pub(crate) fn changed<T>(
        &self,
        read: &anyhow::Result<T>,
        hash: impl FnOnce(&T) -> blake3::Hash,
    ) -> bool {
        let found = match read {
            Ok(contents) => Ok(hash(contents)),
            Err(error) => Err(format!("{error:#}")),
        };
        let mut seen = self.0.lock();
        let changed = *seen != found;
        *seen = found;
        changed
    }
}

/// Looks at files again and again, until dropped. A look may block.
pub(crate) async fn look_again(look: impl FnOnce() + Clone + Send + 'static) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        // Fails if a look panics, which is logged, or while the runtime ends.
        let _ = tokio::task::spawn_blocking(look.clone()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_a_change_if_it_finds_other_contents_or_another_error() {
        let hash = |text: &&str| blake3::hash(text.as_bytes());
        let seen = SeenFiles::of(hash(&"a"));
        let failed = |error: &'static str| Err(anyhow::anyhow!(error));
        for (read, changed) in [
            (Ok("a"), false),
            (Ok("b"), true),
            (Ok("b"), false),
            (failed("gone"), true),
            (failed("gone"), false),
            (failed("denied"), true),
            (Ok("b"), true),
            (Ok("b"), false),
        ] {
            assert_eq!(seen.changed(&read, hash), changed, "{read:?}");
        }
    }
}
