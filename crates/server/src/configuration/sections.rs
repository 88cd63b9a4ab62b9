//! The tables of the configuration file: settings that are no options, because there are several
//! of a kind.
//!
//! A table `[[issuer]]` is a field `issuer: Vec<Issuer>` of [`Sections`], with `serde(default)`, and
//! a name in [`TABLES`]. serde refuses unknown keys in it if its type has `deny_unknown_fields`. A
//! table must not hold secrets: it names files that do, because `roster-server config` prints it.

use serde::{Deserialize, Serialize};

use crate::authentication::IssuerConfig;

/// The names of all tables.
pub(super) const TABLES: &[&str] = &["issuer"];

/// See the module.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sections {
    /// The issuers of tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuer: Vec<IssuerConfig>,
}
