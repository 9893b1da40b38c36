//! Use by user and feature as known on a day, unpacked: twelve bytes a row, the rows of one user and feature together.

use std::ops::Range;

use super::View;
use crate::extracts::tables::{DayUse, FeatureUse};
use crate::vocabulary::{AccountIx, Day, FeatureIx, UserIx};

/// The rows of one account, by (user, feature, day).
#[derive(Clone, Debug, Default)]
pub struct FeatureRows {
    runs: Vec<Run>,
    uses: Vec<DayUse>,
}

/// One user's use of one feature.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub user: UserIx,
    pub feature: FeatureIx,
    from: u32,
    to: u32,
}

impl FeatureRows {
    /// Of the days in `without`, only what is the first of its user and feature.
    pub(super) fn of(view: View, account: AccountIx, without: Range<Day>) -> FeatureRows {
        let uses = view.extracts.feature_usage.known(account, view.day, without);
        let mut rows = FeatureRows { runs: Vec::new(), uses: Vec::with_capacity(uses.size_hint().1.unwrap_or(0)) };
        for FeatureUse { user, feature, day, events, in_trial, .. } in uses {
            rows.uses.push(DayUse { day, events, in_trial });
            let to = rows.uses.len() as u32;
            match rows.runs.last_mut() {
                Some(run) if (run.user, run.feature) == (user, feature) => run.to = to,
                _ => rows.runs.push(Run { user, feature, from: to - 1, to }),
            }
        }
        rows
    }

    /// The runs of one user after another.
    pub fn users(&self) -> impl Iterator<Item = &[Run]> {
        self.runs.chunk_by(|a, b| a.user == b.user)
    }

    /// The days of a run, in their order; never empty.
    #[inline]
    pub fn uses(&self, run: &Run) -> &[DayUse] {
        &self.uses[run.from as usize..run.to as usize]
    }
}
