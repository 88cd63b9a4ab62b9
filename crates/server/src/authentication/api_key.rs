//! The text of an API key: `rst_ID_SECRET`, or `rsa_ID_SECRET` for administration.
//!
//! The prefix tells people and scanners for leaked secrets what they see. The ID finds the key, and
//! the secret has 256 bits: nothing that one could guess, so that one SHA-256 is enough.

use aws_lc_rs::digest::{SHA256, digest};
use roster_core::credential::ApiKey;
use roster_core::id::Time;

use super::now;

/// Of a credential of an organization.
const PREFIX: &str = "rst_";
/// Of a credential without an organization.
const PREFIX_ADMIN: &str = "rsa_";
/// Random bytes of an ID: no two keys have the same.
const ID_BYTES: usize = 10;
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A key that was just drawn.
pub(crate) struct NewKey {
    /// Its text, which the caller alone keeps.
    pub(crate) text: String,
    /// What is stored.
    pub(crate) key: ApiKey,
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl NewKey {
    /// Draws a key.
    pub(crate) fn draw(
        is_admin: bool,
        expire_time: Option<Time>,
    ) -> Result<Self, getrandom::Error> {
        let mut random = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut random)?;
        let id = hex(&random[..ID_BYTES]);
        let secret = hex(&random[ID_BYTES..]);
        let prefix = if is_admin { PREFIX_ADMIN } else { PREFIX };
        let text = format!("{prefix}{id}_{secret}");
        let key = ApiKey {
            hash: hash(text.as_bytes()),
            id: id.into(),
            last_four: secret[secret.len() - 4..].into(),
            create_time: now(),
            expire_time,
            last_use_time: None,
        };
        Ok(Self { text, key })
    }
}

/// The hash by which a key is compared.
pub(super) fn hash(text: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text).as_ref());
    hash
}

/// The ID of a key; empty if the text is no key.
pub(super) fn id_of(text: &[u8]) -> &str {
    let id = || {
        let text = str::from_utf8(text).ok()?;
        let rest = text
            .strip_prefix(PREFIX)
            .or_else(|| text.strip_prefix(PREFIX_ADMIN))?;
        rest.split_once('_').map(|(id, _)| id)
    };
    id().unwrap_or_default()
}

/// The text after `Bearer `, whose case does not matter.
pub(super) fn of_bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, text) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_id_and_shows_nothing_of_its_secret_but_its_end() {
        for (is_admin, prefix) in [(false, "rst_"), (true, "rsa_")] {
            let new = NewKey::draw(is_admin, None).expect("random bytes");
            assert!(new.text.starts_with(prefix), "{prefix}");
            assert_eq!(new.text.len(), 4 + 20 + 1 + 64);
            assert_eq!(id_of(new.text.as_bytes()), &*new.key.id);
            assert!(new.text.ends_with(&*new.key.last_four));
            assert_eq!(hash(new.text.as_bytes()), new.key.hash);
        }
    }

    #[test]
    fn a_text_that_is_no_key_has_no_id() {
        for text in ["", "rst_", "rst_abc", "xyz_abc_def", "abc", "rst"] {
            assert_eq!(id_of(text.as_bytes()), "", "{text:?}");
        }
        assert_eq!(id_of(b"rst_\xff_x"), "");
    }

    #[test]
    fn a_bearer_is_read_whatever_the_case_of_its_scheme() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let value = format!("{scheme} abc");
            assert_eq!(of_bearer(value.as_bytes()), Some(&b"abc"[..]));
        }
        for other in ["", "Bearer", "Basic abc", "abc"] {
            assert_eq!(of_bearer(other.as_bytes()), None, "{other:?}");
        }
    }
}
