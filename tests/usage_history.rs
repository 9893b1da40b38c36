//! Usage as regular series: what the absence of a row means, and windows that compare like with like.

use foothold::extracts::Extracts;
use foothold::extracts::tables::{Period, UsageBuilder, UsageHistory, UsageVersion};
use foothold::history::View;
use foothold::history::calendar::{Cadence, Calendar, Kind};
use foothold::history::usage::{self, HISTORY_DAYS, Regular};
use foothold::vocabulary::{AccountIx, Day, MetricIx, ProductIx};
use proptest::prelude::*;

use crate::support::{WorldBuilder, day};

const START: &str = "2025-01-06";

fn world() -> WorldBuilder {
    let mut world = WorldBuilder::default();
    world.account("acme");
    world.account("other");
    world.product("crm", &[("basic", 1, 100.0)]);
    world
}

fn series(extracts: &Extracts, account: &str, metric: &str, on: Day) -> Option<Regular> {
    let view = View::new(extracts, on);
    let ids = &extracts.ids;
    let (account, product) = (ids.accounts.get(account)?, ids.products.get("crm")?);
    usage::one(view, &Calendar::learn(view), account, product, ids.metrics.get(metric)?)
}

fn values(series: &Regular) -> Vec<f64> {
    series.points.iter().map(|point| point.value).collect()
}

#[test]
fn a_counter_that_stops_is_zero_on_days_that_others_cover() {
    let mut world = world();
    world.usage_run("other", "crm", "api_calls", day(START), &[1.0; 10]);
    world.usage_run("acme", "crm", "api_calls", day(START).plus(2), &[5.0, f64::NAN, 7.0]);
    let series = series(&world.build(), "acme", "api_calls", day(START).plus(30)).unwrap();
    assert_eq!((series.kind, series.cadence), (Kind::Counter, Cadence::Daily));
    assert_eq!(values(&series), [5.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(series.first().day, day(START).plus(2), "nothing before the first row");
    assert_eq!(series.last().day, day(START).plus(9), "nothing after the last covered day");
}

#[test]
fn any_daily_metric_covers_the_day_of_a_metric_that_only_one_account_used() {
    let mut world = world();
    world.usage_run("other", "crm", "sessions", day(START), &[1.0; 6]);
    world.usage_run("acme", "crm", "exports", day(START), &[4.0, 4.0]);
    let series = series(&world.build(), "acme", "exports", day(START).plus(5)).unwrap();
    assert_eq!(values(&series), [4.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_gauge_keeps_its_level_and_a_ceiling_makes_a_gauge() {
    let mut world = world();
    world.usage_run("other", "crm", "sessions", day(START), &[1.0; 5]);
    world.usage_run("acme", "crm", "seats", day(START), &[3.0, f64::NAN, 4.0]);
    world.usage_run("acme", "crm", "projects", day(START), &[8.0]);
    world.entitlement("other", "crm", "projects", 10.0, Period::Gauge, day(START));
    let extracts = world.build();
    let seats = series(&extracts, "acme", "seats", day(START).plus(4)).unwrap();
    assert_eq!(values(&seats), [3.0, 3.0, 4.0, 4.0, 4.0]);
    assert_eq!(values(&series(&extracts, "acme", "projects", day(START).plus(4)).unwrap()), [8.0; 5]);
}

#[test]
fn a_level_of_years_ago_is_the_level_still() {
    let mut world = world();
    world.usage_run("other", "crm", "api_calls", day(START), &[1.0; 1200]);
    world.usage_run("acme", "crm", "seats", day(START), &[8.0, 9.0]);
    world.usage_run("acme", "crm", "api_calls", day(START), &[8.0, 9.0]);
    let (extracts, on) = (world.build(), day(START).plus(1199));
    let [seats, calls] = ["seats", "api_calls"].map(|metric| series(&extracts, "acme", metric, on).unwrap());
    assert_eq!(values(&seats), [9.0; HISTORY_DAYS as usize + 1]);
    assert_eq!(values(&calls), [0.0; HISTORY_DAYS as usize + 1]);
}

#[test]
fn a_day_that_nobody_covers_is_a_gap() {
    let mut world = world();
    world.usage_run("other", "crm", "sessions", day(START), &[1.0, f64::NAN, 1.0, 1.0]);
    world.usage_run("acme", "crm", "sessions", day(START), &[2.0, f64::NAN, f64::NAN, 2.0]);
    let series = series(&world.build(), "acme", "sessions", day(START).plus(3)).unwrap();
    let days: Vec<i32> = series.points.iter().map(|point| point.day.since(day(START))).collect();
    assert_eq!((days, values(&series)), (vec![0, 2, 3], vec![2.0, 0.0, 2.0]));
}

#[test]
fn weekly_rows_on_different_weekdays_are_weeks_and_not_silence() {
    let mut world = world();
    world.usage_every("acme", "crm", "sessions", day(START), 7, &[10.0, 20.0, f64::NAN, 40.0]);
    for (n, account) in ["b", "c", "d", "e", "f", "g"].iter().enumerate() {
        world.account(account);
        world.usage_every(account, "crm", "sessions", day(START).plus(n as i32 + 1), 7, &[1.0; 8]);
    }
    let series = series(&world.build(), "acme", "sessions", day(START).plus(45)).unwrap();
    assert_eq!(series.cadence, Cadence::Weekly);
    assert_eq!(values(&series), [10.0, 20.0, 0.0, 40.0, 0.0, 0.0, 0.0]);
}

#[test]
fn monthly_totals_stand_for_their_months() {
    let mut world = world();
    for (month, value) in ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"].iter().zip([31.0, 28.0, 62.0, 60.0])
    {
        world.usage("other", "crm", "api_calls", day(month), 1.0);
        if *month != "2025-02-28" {
            world.usage("acme", "crm", "api_calls", day(month), value);
        }
    }
    let series = series(&world.build(), "acme", "api_calls", day("2025-05-10")).unwrap();
    assert_eq!((series.cadence, values(&series)), (Cadence::Monthly, vec![31.0, 0.0, 62.0, 60.0]));
    let two_months = series.measure(60).unwrap();
    assert_eq!((two_months.value, two_months.baseline), (122.0, Some(31.0)));
    assert!(series.measure(7).is_none(), "a week says nothing about months");
}

#[test]
fn a_weekend_more_in_the_window_is_not_a_decline() {
    let mut world = world();
    let weekly = |n: i32| if n % 7 < 5 { 100.0 } else { 10.0 };
    let values: Vec<f64> = (0..120).map(weekly).collect();
    world.usage_run("acme", "crm", "api_calls", day(START), &values);
    let extracts = world.build();
    for on in 100..120 {
        let series = series(&extracts, "acme", "api_calls", day(START).plus(on)).unwrap();
        let measure = series.measure(30).unwrap();
        assert!((measure.value / measure.baseline.unwrap() - 1.0).abs() < 1e-12, "day {on}: {measure:?}");
    }
}

#[test]
fn rows_that_usually_arrive_late_are_not_missed_before_they_can_be_there() {
    let mut world = world();
    for n in 0..40 {
        world.usage_recorded("acme", "crm", "api_calls", day(START).plus(n), 5.0, day(START).plus(n + 3));
        world.usage("other", "crm", "api_calls", day(START).plus(n), 1.0);
    }
    let series = series(&world.build(), "acme", "api_calls", day(START).plus(39)).unwrap();
    assert_eq!(series.last().day, day(START).plus(36));
    assert!(values(&series).iter().all(|value| *value == 5.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two windows of 30 days side by side hold what one of 60 days holds.
    #[test]
    fn windows_add_up(values in prop::collection::vec(0.0..1000.0f64, 120..200)) {
        let mut world = world();
        let values: Vec<f64> = values.into_iter().map(f64::round).collect();
        world.usage_run("acme", "crm", "api_calls", day(START), &values);
        let (extracts, last) = (world.build(), day(START).plus(values.len() as i32 - 1));
        let sum = |window: i32, on: Day| series(&extracts, "acme", "api_calls", on).unwrap().measure(window).unwrap().value;
        prop_assert_eq!(sum(60, last), sum(30, last) + sum(30, last.minus(30)));
    }

    /// What was recorded after the day changes nothing, not even which days count as covered.
    #[test]
    fn rows_recorded_later_never_matter(
        rows in prop::collection::vec((0..60i32, 0..30i32, 0.0..100.0f64), 1..80),
        on in 10..60i32,
    ) {
        let known = |only_known: bool| {
            let mut world = world();
            for &(n, lag, value) in rows.iter().filter(|(n, lag, _)| !only_known || n + lag <= on) {
                let account = if n % 3 == 0 { "other" } else { "acme" };
                world.usage_recorded(account, "crm", "api_calls", day(START).plus(n), value, day(START).plus(n + lag));
            }
            world.metric_ix("api_calls");
            let extracts = world.build();
            let series = series(&extracts, "acme", "api_calls", day(START).plus(on));
            series.map(|series| (series.cadence, series.points))
        };
        prop_assert_eq!(known(false), known(true));
    }
}

/// Versions of each of four accounts' cells: days from the start, days until recorded, value.
fn versions() -> impl Strategy<Value = Vec<Vec<(i32, i32, i32)>>> {
    let lag = prop_oneof![4 => Just(0), 1 => 0..40_i32];
    proptest::collection::vec(proptest::collection::vec((0..400_i32, lag, 0..9_i32), 0..60), 4)
}

/// By day, then recording; one version a day of recording.
fn in_order(start: Day, cells: &[(i32, i32, i32)]) -> Vec<UsageVersion> {
    let of = |(age, lag, value): &(i32, i32, i32)| {
        let day = start.plus(*age);
        UsageVersion { day, known: day.plus(*lag), value: f64::from(*value) }
    };
    let mut versions: Vec<UsageVersion> = cells.iter().map(of).collect();
    versions.sort_by_key(|version| (version.day, version.known));
    versions.dedup_by_key(|version| (version.day, version.known));
    versions
}

fn history(of: &[Vec<UsageVersion>], lagged: bool) -> UsageHistory {
    let mut builder = UsageBuilder::new(1, lagged);
    for (account, versions) in of.iter().enumerate() {
        builder.push(AccountIx::from(account), ProductIx::from(0), MetricIx::from(0), versions);
    }
    builder.finish(of.len())
}

fn by_account(history: &UsageHistory, accounts: usize) -> Vec<Vec<UsageVersion>> {
    let of = |series| history.cells(series).all_versions().collect::<Vec<_>>();
    (0..accounts).map(|account| history.of(AccountIx::from(account)).iter().flat_map(of).collect()).collect()
}

proptest! {
    /// What lies before the day asked for may be missing, and nothing else: its last value is told.
    #[test]
    fn what_is_not_asked_for_changes_nothing(cells in versions(), on in 0..440_i32, ago in 0..440_i32) {
        let (start, lagged) = (day(START), cells.iter().flatten().any(|cell| cell.1 > 0));
        let cells: Vec<Vec<UsageVersion>> = cells.iter().map(|cells| in_order(start, cells)).collect();
        let history = history(&cells, lagged);
        let (on, since) = (start.plus(on), start.plus(on - ago));
        for series in history.series.iter().filter(|series| series.start <= on) {
            let (all, known) = (history.known(series, on), history.known_since(series, on, since));
            let unread = known.start.since(series.start) as usize;
            prop_assert!(known.start <= since.max(series.start));
            // Text tells NaN from NaN no more than a reader does.
            prop_assert_eq!(format!("{:?}", &all[unread..]), format!("{:?}", known.values));
            let before = all[..unread].iter().rev().copied().find(|value| !value.is_nan());
            prop_assert_eq!(known.before, before);
        }
    }

    #[test]
    fn versions_are_taken_out_as_if_they_had_never_come(cells in versions(), on in 0..440_i32, odd: bool, chosen: [bool; 4]) {
        let start = day(START);
        let lagged = cells.iter().flatten().any(|cell| cell.1 > 0);
        let all: Vec<Vec<UsageVersion>> = cells.iter().map(|cells| in_order(start, cells)).collect();
        let whole = history(&all, lagged);
        let test = |day: Day, _: Day| !odd || day.0 % 2 == 1;
        let gone = |version: &UsageVersion| version.known > start.plus(on) && test(version.day, version.known);
        for (account, versions) in all.iter().enumerate() {
            let found = whole.of(AccountIx::from(account)).iter().any(|s| whole.any_after(s, start.plus(on), test));
            prop_assert_eq!(found, versions.iter().any(gone));
        }
        let left = |(versions, chosen): (&Vec<UsageVersion>, bool)| -> Vec<UsageVersion> {
            versions.iter().filter(|version| chosen && !gone(version)).copied().collect()
        };
        let left: Vec<Vec<UsageVersion>> = all.iter().zip(chosen).map(left).collect();
        let without = whole.without(&chosen, start.plus(on), test);
        prop_assert_eq!(by_account(&without, 4), left);
        prop_assert_eq!(without.covered, whole.covered);
    }
}

#[test]
fn lags_come_back_whether_few_cells_have_one_or_most() {
    let start = day(START);
    let lag_of: [fn(i32) -> i32; 4] = [|_| 0, |_| 1, |n| i32::from(n % 50 == 7) * 3, |n| n % 3 * (n % 40)];
    for lag in lag_of {
        let version =
            |n: i32| UsageVersion { day: start.plus(n), known: start.plus(n + lag(n)), value: f64::from(n % 9) };
        let versions: Vec<UsageVersion> = (0..400).filter(|n| n % 31 != 5).map(version).collect();
        let history = history(std::slice::from_ref(&versions), true);
        let series = &history.series[0];
        assert_eq!(history.cells(series).all_versions().collect::<Vec<_>>(), versions);
        for on in [0, 37, 399, 450] {
            let on = start.plus(on);
            let late = versions.iter().any(|version| version.known > on && version.day <= on);
            assert_eq!(history.any_after(series, on, |of, _| of <= on), late);
        }
    }
}
