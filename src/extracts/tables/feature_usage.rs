//! `feature_usage`: daily use by user and feature.

use crate::extracts::schema::{Entity, Table, account_id, date, flag, id, int};
use crate::extracts::{InputTable, Row, Seen};
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

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::FeatureUsage,
        "daily use by user and feature",
        &["account_id", "user_id", "feature_id", "date"],
        [
            account_id(),
            id("user_id", Entity::User, "the user, within the account"),
            id("feature_id", Entity::Feature, "the feature used").in_table(InputTable::Features),
            date("date", "the day"),
            int("events", "how often").between(0.0, f64::from(u32::MAX)),
            flag("in_trial", "used during a trial").optional(),
        ],
    )
    .happens("date")
    .partitioned()
}
