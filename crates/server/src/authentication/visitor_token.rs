//! The tokens of visitors: `rsv_…`, sealed with the keys of `--secret-key-file`.
//!
//! A token holds what it says about its visitor; no copy is stored. A changed key file is read
//! within seconds. If it is broken then, the keys of before stay.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use prost::Message;
use roster_core::id::{AccountId, ContactId, CredentialId, Revision, Time};
use roster_core::rules::visitor::Visitor;
use roster_storage::{OrganizationName, RevisionId};

use crate::file_watch::{SeenFiles, look_again};
use crate::sealing::{Place, Purpose, Sealer};
use crate::secret_keys::{self, FileText};

/// Of the token of a visitor.
const PREFIX: &[u8] = b"rsv_";
/// Random bytes in a token.
const RANDOM_BYTES: usize = 16;

/// What a token says.
#[derive(Clone, Debug)]
pub(crate) struct VisitorToken {
    pub(crate) organization: OrganizationName,
    /// The credential that minted it.
    pub(crate) credential: CredentialId,
    pub(crate) contact: ContactId,
    pub(crate) visitor: Visitor,
    /// The revision at which the contact was found: a server whose facts are older does not know it.
    pub(crate) at: RevisionId,
    pub(crate) expire_time: Time,
}

/// What is sealed in a token.
#[derive(Clone, PartialEq, Message)]
struct Claims {
    #[prost(string, tag = "1")]
    organization: String,
    #[prost(uint64, tag = "2")]
    credential: u64,
    #[prost(uint64, tag = "3")]
    contact: u64,
    #[prost(uint64, optional, tag = "4")]
    account: Option<u64>,
    #[prost(uint64, tag = "5")]
    revision: u64,
    #[prost(sfixed64, tag = "6")]
    nonce: i64,
    #[prost(int64, tag = "7")]
    issue_time: i64,
    #[prost(int64, tag = "8")]
    expire_time: i64,
    #[prost(bytes = "vec", tag = "9")]
    random: Vec<u8>,
}

impl From<&VisitorToken> for Claims {
    fn from(token: &VisitorToken) -> Self {
        Self {
            organization: token.organization.to_string(),
            credential: token.credential.number(),
            contact: token.contact.number(),
            account: token.visitor.account.map(AccountId::number),
            revision: token.at.revision.number(),
            nonce: token.at.nonce,
            issue_time: token.visitor.issue_time.micros(),
            expire_time: token.expire_time.micros(),
            random: Vec::new(),
        }
    }
}

impl From<Claims> for VisitorToken {
    fn from(claims: Claims) -> Self {
        Self {
            organization: OrganizationName::trusted(&claims.organization),
            credential: CredentialId::new(claims.credential),
            contact: ContactId::new(claims.contact),
            visitor: Visitor {
                issue_time: Time::from_micros(claims.issue_time),
                account: claims.account.map(AccountId::new),
            },
            at: RevisionId {
                revision: Revision::new(claims.revision),
                nonce: claims.nonce,
            },
            expire_time: Time::from_micros(claims.expire_time),
        }
    }
}

/// Where tokens are: in no table.
const PLACE: Place<'static> = Place {
    organization: "",
    table: "",
    row: "",
    field: "visitor_token",
};

fn hash(text: &FileText) -> blake3::Hash {
    blake3::hash(text.as_bytes())
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct VisitorTokens {
    /// The key file, if there is one.
    file: Option<(PathBuf, SeenFiles)>,
    store_id: Vec<u8>,
    sealer: RwLock<Option<Arc<Sealer>>>,
}

impl VisitorTokens {
    /// Reads the key file, if there is one.
    pub(crate) fn open(file: Option<PathBuf>, store_id: &[u8]) -> anyhow::Result<Self> {
        let mut tokens = Self {
            file: None,
            store_id: store_id.to_vec(),
            sealer: RwLock::default(),
        };
        if let Some(path) = file {
            let read = secret_keys::read_text(&path)
                .and_then(|text| tokens.take(&text).map(|()| hash(&text)));
            let hash = read
                .with_context(|| format!("the secret key file {} is unusable", path.display()))?;
            tokens.file = Some((path, SeenFiles::of(hash)));
        }
        Ok(tokens)
    }

    /// Uses the keys of a file.
    fn take(&self, text: &FileText) -> anyhow::Result<()> {
        let keys = secret_keys::parse(text)?;
        let sealer = Sealer::derive(&keys, Purpose::VisitorToken, &self.store_id);
        *self.sealer.write() = Some(Arc::new(sealer));
        Ok(())
    }

    fn sealer(&self) -> Option<Arc<Sealer>> {
        self.sealer.read().clone()
    }

    /// Whether there are keys to seal with.
    pub(crate) fn can_mint(&self) -> bool {
        self.sealer.read().is_some()
    }

    /// Seals a token; `None` without a key file.
    pub(crate) fn mint(&self, token: &VisitorToken) -> anyhow::Result<Option<String>> {
        let Some(sealer) = self.sealer() else {
            return Ok(None);
        };
        let mut claims = Claims::from(token);
        claims.random = vec![0; RANDOM_BYTES];
        getrandom::fill(&mut claims.random)?;
        let sealed = sealer.seal(&PLACE, &claims.encode_to_vec())?;
        let prefix = String::from_utf8_lossy(PREFIX);
        Ok(Some(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// Whether a bearer is meant as a token of a visitor.
    pub(super) fn is_one(bearer: &[u8]) -> bool {
        bearer.starts_with(PREFIX)
    }

    /// What a token says, if this store sealed it and it has not expired.
    pub(super) fn read(&self, bearer: &[u8], now: Time) -> Option<VisitorToken> {
        let sealer = self.sealer()?;
        let sealed = URL_SAFE_NO_PAD.decode(bearer.strip_prefix(PREFIX)?).ok()?;
        let plain = sealer.open(&PLACE, &sealed)?;
        let token = VisitorToken::from(Claims::decode(plain.as_slice()).ok()?);
        (now < token.expire_time).then_some(token)
    }

    /// Reads the key file, if there is one, again and again, until dropped.
    pub(super) async fn follow(self: Arc<Self>) {
        if self.file.is_some() {
            look_again(move || self.look()).await;
        }
    }

    /// Reads the key file, and uses its keys if it changed.
    fn look(&self) {
        let Some((path, seen)) = &self.file else {
            return;
        };
        let read = secret_keys::read_text(path);
        if !seen.changed(&read, hash) {
            return;
        }
        let path = path.display();
        match read.and_then(|text| self.take(&text)) {
            Ok(()) => tracing::info!(%path, "read the changed secret keys"),
            Err(error) => tracing::warn!(
                %path, error = format!("{error:#}"),
                "the secret key file is unusable: the keys that were read before stay in use"
            ),
        }
    }
}
