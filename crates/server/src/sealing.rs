//! Sealing: values that only the servers with the secret keys can make and read.
//!
//! Each purpose and each store has keys of its own, derived from the secret keys. A sealed value
//! names its key by a mark and is bound to its place by associated data: a value that is copied to
//! another place does not open.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use zeroize::Zeroizing;

use crate::secret_keys::SecretKey;

/// The layout of sealed values. A change makes old values invalid instead of misread.
const LAYOUT: u8 = 1;
/// Bytes of the mark of a key.
const MARK_BYTES: usize = 8;
/// Bytes of AES-GCM-SIV's nonce.
const NONCE_BYTES: usize = 12;
/// Bytes before the encrypted part.
const HEAD_BYTES: usize = 1 + MARK_BYTES + NONCE_BYTES;

/// What a value is sealed for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The tokens of visitors.
    VisitorToken,
}

impl Purpose {
    /// The context of its keys. Never change it: the keys would change.
    fn context(self) -> &'static str {
        match self {
            Self::VisitorToken => "roster.v1 2026-11-28 visitor tokens",
        }
    }
}

/// Where a sealed value belongs. Empty parts do not apply.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place<'p> {
    pub(crate) organization: &'p str,
    pub(crate) table: &'p str,
    pub(crate) row: &'p str,
    pub(crate) field: &'p str,
}

impl Place<'_> {
    /// The associated data: no two places have the same.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        for part in [self.organization, self.table, self.row, self.field] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// The keys of one purpose in one store. They are erased from memory when dropped.
pub(crate) struct Sealer {
    /// The first seals.
    keys: Vec<([u8; MARK_BYTES], Aes256GcmSiv)>,
}

/// Shows no key.
impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

fn mark(id: &str) -> [u8; MARK_BYTES] {
    let mut mark = [0; MARK_BYTES];
    mark.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..MARK_BYTES]);
    mark
}

impl Sealer {
    /// Derives the keys of a purpose.
    pub(crate) fn derive(secrets: &[SecretKey], purpose: Purpose, store_id: &[u8]) -> Self {
        let derive = |key: &SecretKey| {
            let mut material = Zeroizing::new(Vec::with_capacity(64));
            material.extend_from_slice(&key.secret[..]);
            material.extend_from_slice(store_id);
            let derived = Zeroizing::new(blake3::derive_key(purpose.context(), &material));
            (mark(&key.id), Aes256GcmSiv::new((&*derived).into()))
        };
        Self {
            keys: secrets.iter().map(derive).collect(),
        }
    }

    /// Seals a value with the first key.
    pub(crate) fn seal(&self, place: &Place<'_>, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (mark, cipher) = self
            .keys
            .first()
            .ok_or_else(|| anyhow::anyhow!("there is no key to seal with"))?;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let payload = Payload {
            msg: plain,
            aad: &place.bytes(),
        };
        let text = cipher.encrypt(&Nonce::from(nonce), payload);
        let text = text.map_err(|_| anyhow::anyhow!("the value is too long to be sealed"))?;
        let mut sealed = Vec::with_capacity(HEAD_BYTES + text.len());
        sealed.push(LAYOUT);
        sealed.extend_from_slice(mark);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens a value of this place; `None` if it was sealed for another, by another key, or altered.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (head, text) = sealed.split_at_checked(HEAD_BYTES)?;
        let (mark, nonce) = head[1..].split_at(MARK_BYTES);
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok()?;
        let found = self.keys.iter().find(|(of, _)| of == mark);
        let (_, cipher) = found.filter(|_| head[0] == LAYOUT)?;
        let payload = Payload {
            msg: text,
            aad: &place.bytes(),
        };
        let plain = cipher.decrypt(&Nonce::from(nonce), payload).ok()?;
        Some(Zeroizing::new(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_keys::{draw_line, parse};

    fn keys(lines: &[&str]) -> Vec<SecretKey> {
        parse(&lines.concat()).expect("keys")
    }

    fn sealer(lines: &[&str], store: &[u8]) -> Sealer {
        Sealer::derive(&keys(lines), Purpose::VisitorToken, store)
    }

    const PLACE: Place<'_> = Place {
        organization: "acme",
        table: "connections",
        row: "7",
        field: "token",
    };

    #[test]
    fn a_value_opens_with_its_key_in_its_store_and_at_its_place_only() {
        let (old, new) = (draw_line().expect("a key"), draw_line().expect("a key"));
        let sealed = sealer(&[&old], b"s").seal(&PLACE, b"secret").expect("it");
        let opened = |lines: &[&str], store: &[u8], place: &Place<'_>| {
            let opened = sealer(lines, store).open(place, &sealed);
            opened.map(|plain| plain.to_vec())
        };
        // After a rotation, the old key still opens.
        for lines in [&[&**old][..], &[&new, &old]] {
            assert_eq!(opened(lines, b"s", &PLACE).as_deref(), Some(&b"secret"[..]));
        }
        assert_eq!(opened(&[&new], b"s", &PLACE), None);
        assert_eq!(opened(&[&old], b"t", &PLACE), None);
        for other in [
            Place {
                organization: "acm",
                table: "econnections",
                ..PLACE
            },
            Place { row: "8", ..PLACE },
            Place { field: "", ..PLACE },
        ] {
            assert_eq!(opened(&[&old], b"s", &other), None, "{other:?}");
        }
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(
                sealer(&[&old], b"s").open(&PLACE, &altered).is_none(),
                "{at}"
            );
            assert!(sealer(&[&old], b"s").open(&PLACE, &sealed[..at]).is_none());
        }
    }

    #[test]
    fn the_first_key_seals_and_two_seals_of_a_value_differ() {
        let (first, second) = (draw_line().expect("a key"), draw_line().expect("a key"));
        let both = sealer(&[&first, &second], b"s");
        let seal = || both.seal(&PLACE, b"x").expect("sealed");
        assert_ne!(seal(), seal());
        assert!(sealer(&[&first], b"s").open(&PLACE, &seal()).is_some());
        assert!(sealer(&[&second], b"s").open(&PLACE, &seal()).is_none());
        assert_eq!(format!("{both:?}"), "Sealer(2 keys)");
    }
}
