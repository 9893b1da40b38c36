//! Use by user and feature as known on a day, unpacked: twelve bytes a row, the rows of one user and feature together.

use std::ops::Range;

use super::View;
use crate::extracts::tables::DayUse;
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
    pub(super) fn of(view: View, account: AccountIx, without: Range<Day>) -> FeatureRows {
        let mut log = view.extracts.feature_usage.known(account, view.day, without);
        let mut rows = FeatureRows { runs: Vec::new(), uses: Vec::with_capacity(log.size_hint().1.unwrap_or(0)) };
        while let Some((user, feature)) = log.next_run(&mut rows.uses) {
            let (from, to) = (rows.runs.last().map_or(0, |run| run.to), rows.uses.len() as u32);
            if from < to {
                rows.runs.push(Run { user, feature, from, to });
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
