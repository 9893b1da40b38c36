//! History cut off after a day: the extracts as they would stand had nothing happened or been recorded since.
//!
//! The as-of view hides the future; this takes it away. Whatever reads the two differently has looked where it must not.

use super::extracts::Extracts;
use super::late::{chosen, regrouped};
use crate::extracts::checked::seen::{PerAccount, Row, Seen};
use crate::extracts::tables::{
    Contact, FeatureLog, FeatureLogBuilder, FeatureUse, Integration, Invoice, Opportunity, Stage, Subscription, Ticket,
    UsageBuilder, UsageHistory, UsageVersion,
};
use crate::vocabulary::{AccountIx, Day};

/// The rows of these accounts that were known by the end of `day`, without what was dated or recorded after it: a ticket
/// that was resolved later is open and has no answer yet, a deal that was closed later is open. Names,
/// products, features and the days that usage covers are those of the whole.
pub fn until(extracts: &Extracts, accounts: &[AccountIx], day: Day) -> Extracts {
    let mut kept = vec![false; extracts.ids.accounts.len()];
    accounts.iter().for_each(|account| kept[account.at()] = true);
    let kept = kept.as_slice();
    Extracts {
        ids: extracts.ids.clone(),
        products: extracts.products.clone(),
        features: extracts.features.clone(),
        available: extracts.available.clone(),
        accounts: cut(&extracts.accounts, kept, day, |row| &mut row.seen, |_| {}),
        subscriptions: cut(
            &extracts.subscriptions,
            kept,
            day,
            |row| &mut row.seen,
            |row: &mut Subscription| {
                row.cancelled_on = row.cancelled_on.filter(|on| *on <= day);
            },
        ),
        entitlements: cut(&extracts.entitlements, kept, day, |row| &mut row.seen, |_| {}),
        integrations: cut(
            &extracts.integrations,
            kept,
            day,
            |row| &mut row.seen,
            |row: &mut Integration| {
                row.disconnected_on = row.disconnected_on.filter(|on| *on <= day);
            },
        ),
        contacts: cut(
            &extracts.contacts,
            kept,
            day,
            |row| &mut row.seen,
            |row: &mut Contact| {
                row.left_on = row.left_on.filter(|on| *on <= day);
            },
        ),
        tickets: cut(
            &extracts.tickets,
            kept,
            day,
            |row| &mut row.seen,
            |row: &mut Ticket| {
                if row.resolved_at.is_some_and(|at| at.day() > day) {
                    (row.resolved_at, row.csat) = (None, None);
                }
            },
        ),
        opportunities: cut(
            &extracts.opportunities,
            kept,
            day,
            |row| &mut row.seen,
            |row: &mut Opportunity| {
                row.arr_delta = row.arr_delta_on(day);
                if row.closed_on.is_some_and(|on| on > day) {
                    (row.closed_on, row.stage) = (None, Stage::Open);
                }
            },
        ),
        invoices: cut(
            &extracts.invoices,
            kept,
            day,
            |row| &mut row.seen,
            |row: &mut Invoice| {
                row.paid_on = row.paid_on.filter(|on| *on <= day);
            },
        ),
        activities: cut(&extracts.activities, kept, day, |row| &mut row.seen, |_| {}),
        conversations: cut(&extracts.conversations, kept, day, |row| &mut row.seen, |_| {}),
        surveys: cut(&extracts.surveys, kept, day, |row| &mut row.seen, |_| {}),
        account_events: cut(&extracts.account_events, kept, day, |row| &mut row.seen, |_| {}),
        annotations: cut(&extracts.annotations, kept, day, |row| &mut row.seen, |_| {}),
        usage: usage_until(&extracts.usage, kept, day),
        feature_usage: features_until(&extracts.feature_usage, kept, day),
        ..Extracts::default()
    }
}

/// Rows known by the day; what superseded them later has not come yet, and `forget` takes out what is dated after it.
fn cut<T: Row + Clone>(
    rows: &PerAccount<T>,
    kept: &[bool],
    day: Day,
    seen: fn(&mut T) -> &mut Seen,
    forget: impl Fn(&mut T),
) -> PerAccount<T> {
    regrouped(kept, |account| {
        let known = rows.of(account).iter().filter(|row| row.seen().known <= day);
        let shortened = known.cloned().map(|mut row| {
            let seen = seen(&mut row);
            seen.superseded = open_end(seen.superseded, day);
            forget(&mut row);
            row
        });
        shortened.collect()
    })
}

fn open_end(superseded: Day, day: Day) -> Day {
    if superseded > day { Day::MAX } else { superseded }
}

fn usage_until(usage: &UsageHistory, kept: &[bool], day: Day) -> UsageHistory {
    let mut left = UsageBuilder::new(usage.covered.len(), usage.lagged);
    for account in chosen(kept) {
        for series in usage.of(account) {
            let cells = usage.cells(series);
            let known = cells.all_versions().filter(|version| version.day <= day && version.known <= day);
            let versions: Vec<UsageVersion> = known.collect();
            left.push(account, series.product, series.metric, &versions);
        }
    }
    let mut left = left.finish(kept.len());
    left.covered = usage.covered.clone();
    left
}

fn features_until(log: &FeatureLog, kept: &[bool], day: Day) -> FeatureLog {
    let mut left = FeatureLogBuilder::default();
    for account in chosen(kept) {
        let known = log.of(account).filter(|row| row.known <= day);
        let rows: Vec<FeatureUse> =
            known.map(|row| FeatureUse { superseded: open_end(row.superseded, day), ..row }).collect();
        left.push(account, &rows);
    }
    left.finish(kept.len()).covered_as(log)
}
