//! From runs of feature usage to the log, account by account.

use super::feature_run::{Group, Row, Run, each_group};
use crate::extracts::contract::rules;
use crate::extracts::gathered::gather::UNRECORDED;
use crate::extracts::gathered::places::Place;
use crate::extracts::tables::{FeatureLogBuilder, FeatureUse};
use crate::vocabulary::{AccountIx, Day, FeatureIx, UserIx};

/// Adds what stands before the rows of a user and feature.
pub type Before<'b> = dyn FnMut(&mut FeatureLogBuilder, UserIx, FeatureIx) + 'b;

/// Adds the rows of one account; those that do not say when they were recorded go as the bytes that they are. `before`
/// adds what stands before those of a user and feature.
pub fn assemble(
    places: &[Place<AccountIx>],
    runs: &[Run],
    ranks: &[u32],
    refuse: &dyn Fn(Row),
    before: &mut Before,
    builder: &mut FeatureLogBuilder,
) {
    let (mut rows, mut uses) = (Vec::new(), Vec::new());
    each_group(
        runs,
        places,
        |user| ranks[user as usize],
        &mut |row| refuse(row),
        |parts| {
            let Group { user, feature, .. } = parts[0];
            let user = UserIx(ranks[user as usize]);
            before(builder, user, feature);
            if parts.iter().all(|part| part.plain) {
                return builder.plain_group(user, feature, parts.iter().map(Group::as_plain));
            }
            rows.clear();
            parts.iter().for_each(|part| part.unpack(places[0].0, &mut rows));
            uses.clear();
            uses.extend(rows.iter().map(|row| seen_as(row, ranks)));
            chain(&mut uses);
            if !uses.is_sorted_by_key(place) {
                uses.sort_by_key(place);
            }
            builder.group(&uses);
        },
    );
}

fn seen_as(row: &Row, ranks: &[u32]) -> FeatureUse {
    let recorded = (row.recorded != UNRECORDED).then_some(row.recorded);
    FeatureUse {
        account: row.account,
        user: UserIx(ranks[row.user as usize]),
        feature: row.feature,
        day: row.day,
        known: rules::known_day(recorded, Some(row.day)),
        superseded: Day::MAX,
        events: row.events,
        in_trial: row.in_trial,
    }
}

fn place(row: &FeatureUse) -> (Day, Day) {
    (row.day, row.known)
}

/// Ends each version of a group's rows where the next one of its day, in order of recording, was known; one that was
/// overtaken before its day ended was never visible.
fn chain(rows: &mut Vec<FeatureUse>) {
    let mut versions = false;
    for at in (1..rows.len()).rev() {
        let (before, next) = (rows[at - 1], rows[at]);
        if before.day == next.day {
            rows[at - 1].superseded = next.known.min(next.superseded);
            versions = true;
        }
    }
    if versions {
        rows.retain(|row| row.known < row.superseded);
    }
}
