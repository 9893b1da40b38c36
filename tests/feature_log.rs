//! Laws of the log of feature usage: however it is asked, it holds the rows that were put in, and packs them in one way.

use std::ops::Range;

use foothold::extracts::tables::{DayUse, FeatureLog, FeatureLogBuilder, FeatureUse};
use foothold::extracts::{self, State};
use foothold::store::Access;
use foothold::vocabulary::{AccountIx, Day, FeatureIx, UserIx};
use proptest::prelude::*;

use crate::support::parquet_world::*;

const ACCOUNT: AccountIx = AccountIx(0);
/// 2025-11-12.
const FIRST: Day = Day(20_404);
const DAYS: i32 = 400;

/// A day of use of a user and feature: recorded so many days later, and perhaps corrected after some more.
fn uses() -> impl Strategy<Value = Vec<FeatureUse>> {
    let late = prop_oneof![4 => Just(0), 1 => 1..40_i32];
    let corrected = proptest::option::weighted(0.1, 1..30_i32);
    // Rows that follow one another closely and say little stand in a byte, the others do not.
    let day = prop_oneof![1 => 0..40_i32, 1 => 0..DAYS];
    let events = prop_oneof![3 => 0..12_u32, 1 => 0..300_u32, 1 => Just(u32::MAX - 1)];
    let in_trial = proptest::bool::weighted(0.2);
    let row = (0..3_u32, 0..2_u32, day, late, corrected, events, in_trial);
    let rows = proptest::collection::vec(row, 0..120);
    rows.prop_map(|rows| {
        let versions = rows.into_iter().flat_map(|(user, feature, day, late, corrected, events, in_trial)| {
            let (user, feature, day) = (UserIx(user), FeatureIx(feature), FIRST.plus(day));
            let known = day.plus(late);
            let superseded = corrected.map_or(Day::MAX, |days| known.plus(days));
            let row = FeatureUse { account: ACCOUNT, user, feature, day, known, superseded, events, in_trial };
            let next = FeatureUse { known: superseded, superseded: Day::MAX, events: events + 1, ..row };
            [Some(row), corrected.map(|_| next)].into_iter().flatten()
        });
        let mut rows: Vec<FeatureUse> = versions.collect();
        rows.sort_by_key(|row| (row.user, row.feature, row.day, row.known));
        rows
    })
}

fn log(rows: &[FeatureUse]) -> FeatureLog {
    let mut log = FeatureLogBuilder::default();
    log.push(ACCOUNT, rows);
    log.finish(1)
}

/// The same without blocks: one row after the other.
fn known(rows: &[FeatureUse], day: Day, without: &Range<Day>) -> Vec<FeatureUse> {
    let visible = |row: &&FeatureUse| row.day <= day && row.known <= day && day < row.superseded;
    let mut before = None;
    let asked = rows.iter().filter(visible).filter(|row| {
        let first = before.replace((row.user, row.feature)) != Some((row.user, row.feature));
        first || !without.contains(&row.day)
    });
    asked.copied().collect()
}

/// What comes run by run, as far as it says what a row says.
fn run_by_run(log: &FeatureLog, day: Day, without: Range<Day>) -> Vec<(UserIx, FeatureIx, DayUse)> {
    let (mut log, mut rows, mut uses) = (log.known(ACCOUNT, day, without), Vec::new(), Vec::new());
    while let Some((user, feature)) = log.next_run(&mut uses) {
        rows.extend(uses.drain(..).map(|of_day| (user, feature, of_day)));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_left_out_unread_is_what_would_be_left_out_row_by_row(
        rows in uses(),
        day in 0..DAYS + 40,
        from in 0..DAYS,
        days in 0..DAYS,
    ) {
        let (log, day) = (log(&rows), FIRST.plus(day));
        let without = FIRST.plus(from)..FIRST.plus(from + days);
        prop_assert_eq!(log.of(ACCOUNT).collect::<Vec<_>>(), rows.clone());
        prop_assert_eq!(log.known(ACCOUNT, day, without.clone()).collect::<Vec<_>>(), known(&rows, day, &without));
        let asked = known(&rows, day, &without).into_iter().map(|row| {
            let FeatureUse { user, feature, day, events, in_trial, .. } = row;
            (user, feature, DayUse { day, events, in_trial })
        });
        prop_assert_eq!(run_by_run(&log, day, without.clone()), asked.collect::<Vec<_>>());
        let firsts = Day::MIN..Day::MAX;
        prop_assert_eq!(log.known(ACCOUNT, day, firsts.clone()).collect::<Vec<_>>(), known(&rows, day, &firsts));
    }
}

#[test]
fn one_file_of_a_year_and_a_file_a_month_make_the_same_log() {
    let loaded = |world: &ParquetWorld| {
        let as_of = FIRST.plus(DAYS);
        let loaded = extracts::load_from(&world.settings(), &Access::default(), &State::none(), as_of, &|_| {});
        loaded.expect("sound").feature_usage
    };
    let days: Vec<Day> = (0..DAYS).step_by(3).map(|day| FIRST.plus(day)).collect();
    let of = |days: &[Day]| {
        let dates: Vec<String> = days.iter().map(Day::to_string).collect();
        rows_of_file(&dates)
    };
    let (whole, monthly) = (ParquetWorld::whole(), ParquetWorld::whole());
    whole.table("feature_usage", &of(&days));
    monthly.remove("feature_usage.parquet");
    for month in days.chunk_by(|a, b| a.month_start() == b.month_start()) {
        let name = &month[0].to_string()[..7];
        monthly.file(&format!("feature_usage/month={name}/part.parquet"), &of(month));
    }
    let (whole, monthly) = (loaded(&whole), loaded(&monthly));
    let account = (0..3).map(AccountIx).find(|account| whole.of(*account).next().is_some()).expect("somebody has rows");
    assert_eq!(whole.of(account).map(|row| row.day).collect::<Vec<_>>(), days);
    let rows =
        |log: &FeatureLog| (0..3).map(|account| log.of(AccountIx(account)).collect()).collect::<Vec<Vec<FeatureUse>>>();
    assert_eq!(rows(&whole), rows(&monthly));
}

fn rows_of_file(dates: &[String]) -> arrow::record_batch::RecordBatch {
    rows(&[
        ("account_id", text(dates.iter().map(|_| "A1"))),
        ("user_id", text(dates.iter().map(|_| "u1"))),
        ("feature_id", text(dates.iter().map(|_| "dash"))),
        ("date", date(dates.iter().map(String::as_str))),
        ("events", int(dates.iter().map(|date| i64::from(date.as_bytes()[9])))),
    ])
}

proptest! {
    #[test]
    fn the_log_of_some_accounts_holds_their_rows_and_covers_the_same_days(
        of in proptest::collection::vec((uses(), any::<bool>()), 1..5),
        day in 0..DAYS + 40,
    ) {
        let mut builder = FeatureLogBuilder::default();
        for (account, (rows, _)) in of.iter().enumerate() {
            builder.push(AccountIx::from(account), rows);
        }
        let whole = builder.finish(of.len());
        let chosen: Vec<bool> = of.iter().map(|(_, chosen)| *chosen).collect();
        let some = whole.of_these(&chosen);
        for (account, chosen) in chosen.into_iter().enumerate() {
            let account = AccountIx::from(account);
            let rows: Vec<FeatureUse> = whole.of(account).filter(|_| chosen).collect();
            prop_assert_eq!(some.of(account).collect::<Vec<_>>(), rows);
        }
        let users: Vec<(AccountIx, UserIx)> = whole.pairs().filter(|(account, _)| of[account.at()].1).collect();
        prop_assert_eq!(some.pairs().collect::<Vec<_>>(), users);
        prop_assert_eq!(some.first_known(FIRST.plus(day)), whole.first_known(FIRST.plus(day)));
    }
}
