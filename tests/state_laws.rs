//! Law of the state: what earlier nights packed changes nothing but time, whatever was delivered late, again or not at all.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;
use foothold::extracts::tables::{FeatureUse, Series, UsageVersion};
use foothold::extracts::{self, Extracts, InputTable, Settings, State};
use foothold::store::{Access, Store};
use foothold::vocabulary::Day;
use proptest::prelude::*;

use crate::support::parquet_world::*;

/// One row: account, product or user, metric or feature, day of the year, value, days until it was recorded.
type RowOf = (usize, usize, usize, i32, i32, i32);

/// What a source system does before a night: rows that arrive, and a file of an earlier day that it writes again.
#[derive(Clone, Debug)]
struct Night {
    rows: Vec<RowOf>,
    again: Option<(i32, Vec<RowOf>)>,
    gone: Option<i32>,
}

/// 2026-03-01: the days are those of two months and of two quarters.
const FIRST: Day = Day(20_513);
const DAYS: i32 = 50;

fn rows_of() -> impl Strategy<Value = Vec<RowOf>> {
    proptest::collection::vec((0..4_usize, 0..2_usize, 0..2_usize, 0..DAYS, -1..40_i32, 0..4_i32), 0..30)
}

fn nights() -> impl Strategy<Value = Vec<Night>> {
    let again = proptest::option::weighted(0.3, (0..DAYS, rows_of()));
    let night = (rows_of(), again, proptest::option::weighted(0.1, 0..DAYS));
    proptest::collection::vec(night.prop_map(|(rows, again, gone)| Night { rows, again, gone }), 1..5)
}

fn name(account: usize) -> &'static str {
    ["A1", "A2", "A3"].get(account).copied().unwrap_or("unknown")
}

fn usage(of: &[RowOf]) -> RecordBatch {
    let days: Vec<String> = of.iter().map(|r| FIRST.plus(r.3).to_string()).collect();
    let recorded: Vec<String> = of.iter().map(|r| FIRST.plus(r.3 + r.5).to_string()).collect();
    rows(&[
        ("account_id", text(of.iter().map(|r| name(r.0)))),
        ("product_id", text(of.iter().map(|r| ["core", "extra"][r.1]))),
        ("date", date(days.iter().map(String::as_str))),
        ("metric", text(of.iter().map(|r| ["seats", "calls"][r.2]))),
        ("value", num(of.iter().map(|r| f64::from(r.4) / 4.0))),
        ("recorded_at", ts(recorded.iter().map(String::as_str))),
    ])
}

fn feature_usage(of: &[RowOf]) -> RecordBatch {
    let usage = usage(of);
    rows(&[
        ("account_id", usage.column(0).clone()),
        ("user_id", text(of.iter().map(|r| ["u1", "u2"][r.1]))),
        ("feature_id", text(of.iter().map(|r| ["dash", "export"][r.2]))),
        ("date", usage.column(2).clone()),
        ("events", int(of.iter().map(|r| i64::from(r.4)))),
    ])
}

/// Writes each day's rows into the day's partition, or all of them into files of no day.
fn deliver(world: &ParquetWorld, night: usize, of: &[RowOf], partitioned: bool) {
    let folder = |day: i32| if partitioned { format!("date={}/", FIRST.plus(day)) } else { String::new() };
    for day in 0..DAYS {
        let own: Vec<RowOf> = of.iter().filter(|r| r.3 == day).copied().collect();
        if !own.is_empty() {
            world.file(&format!("usage/{}night-{night}-{day}.parquet", folder(day)), &usage(&own));
            world.file(&format!("feature_usage/{}night-{night}-{day}.parquet", folder(day)), &feature_usage(&own));
        }
    }
}

fn base() -> ParquetWorld {
    let world = ParquetWorld::whole();
    let accounts = ["A1", "A2", "A3"];
    world.table("accounts", &rows(&[("account_id", text(accounts)), ("name", text(accounts))]));
    world.remove("usage.parquet").remove("feature_usage.parquet");
    world
}

fn load(world: &ParquetWorld, state: &State, day: Day) -> Option<Extracts> {
    load_since(45, world, state, day)
}

fn load_since(usage_history_days: u32, world: &ParquetWorld, state: &State, day: Day) -> Option<Extracts> {
    let settings = Settings { max_rejected_share: 1.0, usage_history_days, ..world.settings() };
    extracts::load_from(&settings, &Access::default(), state, day, &|_| {}).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_night_with_state_equals_one_from_scratch(nights in nights(), partitioned: bool) {
        let world = base();
        let output = ParquetWorld::empty().store;
        for (n, night) in nights.iter().enumerate() {
            deliver(&world, n, &night.rows, partitioned);
            if let Some((day, rows)) = &night.again {
                let own: Vec<RowOf> = rows.iter().map(|r| (r.0, r.1, r.2, *day, r.4, r.5)).collect();
                deliver(&world, 0, &own, partitioned);
            }
            if let Some(day) = night.gone {
                let folder = if partitioned { format!("date={}/", FIRST.plus(day)) } else { String::new() };
                world.remove(&format!("usage/{folder}night-0-{day}.parquet"));
            }
            // The last day, and one in the past.
            for day in [DAYS, DAYS / 2 + n as i32] {
                let with_state = load(&world, &State::of(&output), FIRST.plus(day));
                let from_scratch = load(&world, &State::none(), FIRST.plus(day));
                prop_assert_eq!(format!("{with_state:#?}"), format!("{from_scratch:#?}"));
            }
        }
    }
}

#[test]
fn a_night_reads_only_what_the_state_does_not_hold() {
    let (world, output) = (base(), ParquetWorld::empty().store);
    let day = |n: i32| -> Vec<RowOf> { vec![(0, 0, 0, n, 4, 0), (1, 0, 1, n, 8, 0)] };
    let month: Vec<RowOf> = (0..DAYS - 1).flat_map(day).collect();
    deliver(&world, 0, &month, true);
    let state = State::of(&output);
    let before = load(&world, &state, FIRST.plus(DAYS - 1)).expect("sound");
    let month_by_month = || {
        let objects = output.list("state").expect("the output can be listed");
        objects.into_iter().filter(|object| !object.path.contains("/settled/")).collect::<Vec<_>>()
    };
    let kept = month_by_month();
    assert_eq!(kept.len(), 4, "two months of two tables: {kept:?}");

    deliver(&world, 0, &day(DAYS - 1), true);
    let after = load(&world, &state, FIRST.plus(DAYS - 1)).expect("sound");
    let now = month_by_month();
    let unchanged = now.iter().filter(|object| kept.iter().any(|before| before.path == object.path));
    assert_eq!((now.len(), unchanged.count()), (6, 4), "what was kept stands, the new day beside it");
    assert_eq!(after.inputs.len(), before.inputs.len() + 2);
}

/// Rows that break no rule, each key once, and whether they all come in a file of the last month, whatever their day.
type Sound = (Vec<RowOf>, bool);

fn sound_nights() -> impl Strategy<Value = Vec<Sound>> {
    let rows = proptest::collection::vec((0..3_usize, 0..2_usize, 0..2_usize, 0..DAYS, 0..40_i32, 0..4_i32), 0..40);
    proptest::collection::vec((rows, proptest::bool::weighted(0.2)), 1..5)
}

/// Every row of the two big tables, by account.
fn big_rows(extracts: &Extracts) -> String {
    let of_account = |account| {
        let usage = &extracts.usage;
        let of_series = |series: &Series| {
            let versions: Vec<UsageVersion> = usage.cells(series).all_versions().collect();
            let name = (extracts.ids.products.name(series.product), extracts.metric(series.metric));
            (name, series.start, series.len, versions, usage.known(series, FIRST.plus(DAYS - 10)))
        };
        let uses: Vec<FeatureUse> = extracts.feature_usage.of(account).collect();
        format!("{:#?}{uses:#?}", usage.of(account).iter().map(of_series).collect::<Vec<_>>())
    };
    let first = extracts.feature_usage.first_known(FIRST.plus(DAYS));
    let accounts: Vec<String> = extracts.account_indices().map(of_account).collect();
    format!("{accounts:#?}{:?}{first:?}", extracts.usage.covered)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_goes_behind_settled_months_equals_rows_read_together(nights in sound_nights()) {
        let (world, together) = (base(), base());
        let output = ParquetWorld::empty().store;
        let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
        for (n, (rows, stray)) in nights.iter().enumerate() {
            // Never nothing at all.
            let rows: Vec<RowOf> = rows.iter().copied().chain([(0, 0, 0, 5, 1, 0)]).collect();
            let own: Vec<RowOf> = rows.iter().filter(|r| known.insert((r.0, r.1, r.2, r.3, r.5))).copied().collect();
            let uses: Vec<RowOf> = rows.iter().filter(|r| used.insert((r.0, r.1, r.2, r.3))).copied().collect();
            for (table, of) in [("usage", usage(&own)), ("feature_usage", feature_usage(&uses))] {
                together.file(&format!("{table}/night-{n}.parquet"), &of);
            }
            let write = |table: &str, own: &[RowOf], batch: fn(&[RowOf]) -> RecordBatch| {
                if *stray {
                    world.file(&format!("{table}/month=2026-04/night-{n}.parquet"), &batch(own));
                    return;
                }
                for day in own.iter().map(|r| r.3).collect::<BTreeSet<i32>>() {
                    let of_day: Vec<RowOf> = own.iter().filter(|r| r.3 == day).copied().collect();
                    let folder = format!("{table}/date={}", FIRST.plus(day));
                    world.file(&format!("{folder}/night-{n}.parquet"), &batch(&of_day));
                }
            };
            write("usage", &own, usage);
            write("feature_usage", &uses, feature_usage);
            let load = |world: &ParquetWorld, state: &State, day: i32| {
                let settings = Settings { usage_history_days: 400, ..world.settings() };
                extracts::load_from(&settings, &Access::default(), state, FIRST.plus(day), &|_| {}).expect("sound")
            };
            for day in [DAYS - 4 + n as i32, DAYS - 10] {
                let with_state = load(&world, &State::of(&output), day);
                prop_assert_eq!(big_rows(&with_state), big_rows(&load(&together, &State::none(), day)));
                let from_scratch = load(&world, &State::none(), day);
                prop_assert_eq!(format!("{with_state:#?}"), format!("{from_scratch:#?}"));
            }
        }
    }
}

#[test]
fn months_that_are_over_are_packed_once() {
    let (world, output) = (base(), ParquetWorld::empty().store);
    let settled = || {
        let objects = output.list("state/usage/settled").expect("the output can be listed");
        objects.into_iter().map(|object| object.path).collect::<Vec<_>>()
    };
    let night = |day: i32, rows: &[RowOf]| {
        deliver(&world, day as usize, rows, true);
        let with_state = load(&world, &State::of(&output), FIRST.plus(day)).expect("sound");
        assert_eq!(
            format!("{with_state:?}"),
            format!("{:?}", load(&world, &State::none(), FIRST.plus(day)).expect("sound"))
        );
        settled()
    };
    let march: Vec<RowOf> = (10..31).map(|n| (0, 0, 0, n, 4, 0)).collect();
    assert_eq!(night(44, &march), [""; 0], "two weeks after its end a month is over, not before");
    let packed = night(45, &[(0, 0, 0, 40, 4, 0)]);
    assert!(!packed.is_empty());
    assert_eq!(night(46, &[(0, 0, 0, 46, 4, 0), (1, 0, 0, 41, 4, 0)]), packed, "later days go behind it");
    let again = night(47, &[(0, 0, 0, 12, 8, 3)]);
    assert!(
        !again.is_empty() && again.iter().all(|path| !packed.contains(path)),
        "{again:?}: a late row packs it again"
    );
}

#[test]
fn a_row_that_two_settled_months_hold_is_told_every_night() {
    let (world, output) = (base(), ParquetWorld::empty().store);
    let march: Vec<RowOf> = (10..31).map(|n| (0, 0, 0, n, 4, 0)).collect();
    deliver(&world, 0, &march, true);
    let again: Vec<RowOf> = vec![(0, 0, 0, 12, 4, 0)];
    world.file("usage/month=2026-02/again.parquet", &usage(&again));
    world.file("feature_usage/month=2026-02/again.parquet", &feature_usage(&again));
    for night in [46, 47] {
        let with_state = load_since(400, &world, &State::of(&output), FIRST.plus(night)).expect("sound");
        let from_scratch = load_since(400, &world, &State::none(), FIRST.plus(night)).expect("sound");
        assert_eq!(format!("{with_state:?}"), format!("{from_scratch:?}"));
        let told: Vec<InputTable> = with_state.rejected.iter().map(|row| row.table).collect();
        assert_eq!(told, [InputTable::Usage, InputTable::FeatureUsage], "night {night}");
    }
}

/// Objects that are kept of `usage`, by path.
fn kept_of_usage(output: &Store) -> Vec<String> {
    let objects = output.list("state/usage").expect("the output can be listed");
    objects.into_iter().map(|object| object.path).collect()
}

#[test]
fn what_many_nights_add_is_merged_again() {
    let (world, output) = (base(), ParquetWorld::empty().store);
    let mut kept = Vec::new();
    for night in 0..16 {
        deliver(&world, night, &[(0, 0, 0, night as i32, 4, 0)], true);
        let day = FIRST.plus(night as i32);
        let with_state = load(&world, &State::of(&output), day);
        assert_eq!(format!("{with_state:?}"), format!("{:?}", load(&world, &State::none(), day)));
        kept.push(kept_of_usage(&output).len());
    }
    assert_eq!(kept[..8], [1, 2, 3, 4, 5, 6, 1, 2], "a night adds an object until there are too many");
    assert!(kept.iter().all(|objects| *objects <= 6), "{kept:?}");
}

#[test]
fn what_was_kept_of_a_file_goes_when_the_file_is_delivered_again() {
    let (world, output) = (base(), ParquetWorld::empty().store);
    let load = |rows: &[RowOf]| {
        deliver(&world, 0, rows, true);
        load(&world, &State::of(&output), FIRST.plus(20)).expect("sound");
        kept_of_usage(&output)
    };
    let first = load(&[(0, 0, 0, 1, 4, 0), (1, 0, 0, 2, 4, 0)]);
    let again = load(&[(0, 0, 0, 1, 8, 0)]);
    assert_eq!((first.len(), again.len()), (1, 1), "{again:?}");
    assert_ne!(first, again);
    assert_eq!(load(&[]), again, "nothing is read, so nothing is kept anew");
}

#[test]
fn a_broken_state_costs_time_only() {
    let (world, output) = (base(), ParquetWorld::empty().store);
    let rows: Vec<RowOf> = (0..DAYS).map(|n| (0, 0, 0, n, 4, 0)).collect();
    deliver(&world, 0, &rows, true);
    let first = load(&world, &State::of(&output), FIRST.plus(DAYS)).expect("sound");
    for object in output.list("state").expect("the output can be listed") {
        let mut bytes = output.get(&object.path).expect("listed").to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        output.put(&object.path, bytes).expect("the output can be written");
    }
    let again = load(&world, &State::of(&output), FIRST.plus(DAYS)).expect("sound");
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
}
