//! The options about organizations.

use clap::Args;
use roster_core::rules::organization::{UNDELETE_DAYS, UNDELETE_DAYS_MAX};

/// How organizations end.
#[derive(Clone, Debug, Args)]
pub struct OrganizationOptions {
    /// Days for which a deleted organization can be restored, 0 to 365. Then its data is removed.
    /// Applies to deletions from now on.
    #[arg(
        long,
        env = "ROSTER_UNDELETE_DAYS",
        default_value_t = UNDELETE_DAYS,
        value_parser = clap::value_parser!(u32).range(..=i64::from(UNDELETE_DAYS_MAX)),
        value_name = "NUMBER"
    )]
    pub undelete_days: u32,
}
