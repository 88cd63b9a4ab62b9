//! Tokens of revisions, places in lists and versions of rows.

use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use roster_api::v1::ErrorReason;
use roster_core::id::{AccountId, Revision, Time};
use roster_core::text::TicketKey;
use roster_storage::{
    AccessPlace, ContactAccountPlace, NamePlace, RevisionId, StoreKeys, TicketPlace,
};
use tonic::Code;

use crate::fault::Fault;
use crate::released_names::ReleasedNames;

/// The layout of tokens. A change makes old tokens invalid instead of misread.
const LAYOUT: u8 = 1;
/// A token: layout, store, organization, revision, nonce.
const TOKEN_BYTES: usize = 1 + 16 + 8 + 8 + 8;
/// Bytes of AES-GCM-SIV's nonce in a page token.
const NONCE_BYTES: usize = 12;
/// The field of a read's token.
const FRESH_FIELD: &str = "consistency.at_least_as_fresh";

/// Makes and reads the tokens of one store.
pub(crate) struct Tokens {
    store_id: [u8; 16],
    pages: Aes256GcmSiv,
    preview_key: [u8; 32],
    released: Arc<ReleasedNames>,
}

/// A place in a list, inside a page token.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Place {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) sort_key: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(int64, tag = "3")]
    pub(crate) time: i64,
    #[prost(string, tag = "4")]
    pub(crate) id: String,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) first: Option<u64>,
}

impl From<NamePlace> for Place {
    fn from(place: NamePlace) -> Self {
        Self {
            sort_key: place.sort_key,
            number: place.number,
            ..Self::default()
        }
    }
}

impl From<ContactAccountPlace> for Place {
    fn from(place: ContactAccountPlace) -> Self {
        Self {
            first: place.first.map(AccountId::number),
            ..Self::from(place.name)
        }
    }
}

impl From<TicketPlace> for Place {
    fn from(place: TicketPlace) -> Self {
        Self {
            time: place.create_time.micros(),
            id: place.id.into(),
            ..Self::default()
        }
    }
}

impl From<AccessPlace> for Place {
    fn from(place: AccessPlace) -> Self {
        Self {
            time: place.time.micros(),
            number: place.number,
            ..Self::default()
        }
    }
}

impl Place {
    pub(crate) fn access(self) -> AccessPlace {
        AccessPlace {
            time: Time::from_micros(self.time),
            number: self.number,
        }
    }

    pub(crate) fn of_number(number: u64) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    pub(crate) fn of_name(name: &str) -> Self {
        Self {
            id: name.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn name(self) -> NamePlace {
        NamePlace {
            sort_key: self.sort_key,
            number: self.number,
        }
    }

    pub(crate) fn contact_account(self) -> ContactAccountPlace {
        ContactAccountPlace {
            first: self.first.map(AccountId::new),
            name: self.name(),
        }
    }

    pub(crate) fn ticket(self) -> TicketPlace {
        TicketPlace {
            create_time: Time::from_micros(self.time),
            id: TicketKey::trusted(self.id),
        }
    }
}

/// What a page token is bound to.
pub(crate) struct Binding {
    aad: Vec<u8>,
}

impl Tokens {
    pub(crate) fn new(keys: &StoreKeys, released: Arc<ReleasedNames>) -> anyhow::Result<Self> {
        let key = |bytes: &[u8]| <[u8; 32]>::try_from(bytes);
        Ok(Self {
            store_id: keys.store_id.as_slice().try_into()?,
            pages: Aes256GcmSiv::new(&key(&keys.page_key)?.into()),
            preview_key: key(&keys.preview_key)?,
            released,
        })
    }

    pub(crate) fn preview_key(&self) -> [u8; 32] {
        self.preview_key
    }

    /// Binds page tokens to a list of an organization. `filter` is the request without its page size
    /// and token, encoded.
    pub(crate) fn binding(&self, organization: &str, rpc: &str, filter: &[u8]) -> Binding {
        let mut aad = Vec::with_capacity(128);
        for part in [organization.as_bytes(), rpc.as_bytes()] {
            aad.extend_from_slice(part);
            aad.push(0);
        }
        aad.extend_from_slice(blake3::hash(filter).as_bytes());
        // Of the organizations that had the name one after another.
        let released = self.released.times(organization);
        if released > 0 {
            aad.extend_from_slice(&released.to_be_bytes());
        }
        Binding { aad }
    }

    /// The mark of an organization in its tokens: of the organizations that had a name one after
    /// another, each has its own.
    fn mark(&self, organization: &str) -> [u8; 8] {
        let mut hash = blake3::Hasher::new();
        hash.update(organization.as_bytes());
        let released = self.released.times(organization);
        if released > 0 {
            hash.update(&[0]).update(&released.to_be_bytes());
        }
        let mut mark = [0; 8];
        mark.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        mark
    }

    /// The token of a revision.
    pub(crate) fn of(&self, organization: &str, at: RevisionId) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[0] = LAYOUT;
        bytes[1..17].copy_from_slice(&self.store_id);
        bytes[17..25].copy_from_slice(&self.mark(organization));
        bytes[25..33].copy_from_slice(&at.revision.number().to_be_bytes());
        bytes[33..41].copy_from_slice(&at.nonce.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The revision of a token of this store and organization.
    pub(crate) fn revision_id(&self, organization: &str, text: &str) -> Result<RevisionId, Fault> {
        let invalid = || {
            Fault::field(
                FRESH_FIELD,
                ErrorReason::TokenInvalid,
                "is not a token of this organization and store: send a token that a call returned",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        if bytes.len() != TOKEN_BYTES
            || bytes[0] != LAYOUT
            || bytes[1..17] != self.store_id[..]
            || bytes[17..25] != self.mark(organization)
        {
            return Err(invalid());
        }
        let number = |range: std::ops::Range<usize>| {
            <[u8; 8]>::try_from(&bytes[range]).map_err(|_| invalid())
        };
        Ok(RevisionId {
            revision: Revision::new(u64::from_be_bytes(number(25..33)?)),
            nonce: i64::from_be_bytes(number(33..41)?),
        })
    }

    /// A page token: encrypted and bound to this list.
    pub(crate) fn page(&self, binding: &Binding, place: &Place) -> Result<String, Fault> {
        let unsealed = |_| {
            Fault::new(
                Code::Internal,
                ErrorReason::Internal,
                "cannot make a page token",
            )
        };
        // Misuse-resistant: a nonce derived from the plaintext repeats only for the same place.
        let plain = place.encode_to_vec();
        let drawn = blake3::keyed_hash(&self.preview_key, &plain);
        let mut sealed = drawn.as_bytes()[..NONCE_BYTES].to_vec();
        let payload = Payload {
            msg: &plain,
            aad: &binding.aad,
        };
        let nonce = <[u8; NONCE_BYTES]>::try_from(&sealed[..]).unwrap_or_default();
        let text = self
            .pages
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(unsealed)?;
        sealed.extend_from_slice(&text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The place of a page token; an empty token is the beginning.
    pub(crate) fn place(&self, binding: &Binding, text: &str) -> Result<Option<Place>, Fault> {
        if text.is_empty() {
            return Ok(None);
        }
        let opened = || -> Option<Place> {
            let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (nonce, text) = sealed.split_at_checked(NONCE_BYTES)?;
            let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok()?;
            let payload = Payload {
                msg: text,
                aad: &binding.aad,
            };
            let plain = self.pages.decrypt(&Nonce::from(nonce), payload).ok()?;
            Place::decode(plain.as_slice()).ok()
        };
        opened().map(Some).ok_or_else(|| {
            Fault::field(
                "page_token",
                ErrorReason::PageTokenInvalid,
                "does not fit this call: send the token of the previous page with the same filter",
            )
        })
    }
}

/// The refusal of a token with a revision that this store does not have.
pub(crate) fn lost() -> Fault {
    Fault::new(
        Code::FailedPrecondition,
        ErrorReason::TokenLost,
        "the token names a revision that this store does not have: it was restored from an older \
         copy; read again without a token",
    )
    .with("field", FRESH_FIELD)
}

/// The etag of a row: the revision that last wrote it.
pub(crate) fn etag(revision: Revision) -> String {
    format!("r{}", revision.number())
}

/// An etag that a caller sent; `None` if empty.
pub(crate) fn parse_etag(text: &str) -> Option<Revision> {
    if text.is_empty() {
        return None;
    }
    let number = text.strip_prefix('r').and_then(|n| n.parse().ok());
    // A malformed etag parses to a revision that never matches.
    Some(Revision::new(number.unwrap_or(u64::MAX)))
}

/// The etag of a preview.
pub(crate) fn preview_etag(digest: &[u8; 32]) -> String {
    format!("p{}", URL_SAFE_NO_PAD.encode(digest))
}

/// A preview's etag that a caller sent; `None` if empty. A malformed etag never matches.
pub(crate) fn parse_preview_etag(text: &str) -> Option<[u8; 32]> {
    if text.is_empty() {
        return None;
    }
    let digest = text
        .strip_prefix('p')
        .and_then(|digest| URL_SAFE_NO_PAD.decode(digest).ok())
        .and_then(|digest| <[u8; 32]>::try_from(digest).ok());
    Some(digest.unwrap_or_default())
}
