//! `feature_usage`: daily use by user and feature.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, FeatureIx, UserIx};

/// Sorted within an account by (user, feature, day).
#[derive(Clone, Copy, Debug)]
pub struct FeatureUse {
    pub account: AccountIx,
    pub user: UserIx,
    pub feature: FeatureIx,
    pub day: Day,
    pub known: Day,
    pub superseded: Day,
    pub events: u32,
    pub in_trial: bool,
}

impl Row for FeatureUse {
    fn seen(&self) -> Seen {
        Seen { known: self.known, superseded: self.superseded }
    }
}
