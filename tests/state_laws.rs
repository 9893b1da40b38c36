//! Law of the state: what earlier nights packed changes nothing but time, whatever was delivered late, again or not at all.

use arrow::record_batch::RecordBatch;
use foothold::extracts::{self, Extracts, Settings, State};
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
    let settings = Settings { max_rejected_share: 1.0, usage_history_days: 45, ..world.settings() };
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
    let kept = output.list("state").expect("the output can be listed");
    assert_eq!(kept.len(), 4, "two months of two tables: {kept:?}");

    deliver(&world, 0, &day(DAYS - 1), true);
    let after = load(&world, &state, FIRST.plus(DAYS - 1)).expect("sound");
    let now = output.list("state").expect("the output can be listed");
    let unchanged = now.iter().filter(|object| kept.iter().any(|before| before.path == object.path));
    assert_eq!((now.len(), unchanged.count()), (6, 4), "what was kept stands, the new day beside it");
    assert_eq!(after.inputs.len(), before.inputs.len() + 2);
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
