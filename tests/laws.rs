//! What must hold of every night, whatever the world: no future, no order, no chance, no loose ends.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use foothold::extracts::contract::schema;
use foothold::vocabulary::Day;
use proptest::prelude::*;

use crate::support::night::{assert_same, fresh_url, job, night, store, table, tables, try_night, world};
use crate::support::rewrite::rewritten;

const ACCOUNTS: usize = 14;
const DAYS: i32 = 220;
const LAST: &str = "2026-06-30";

fn last() -> Day {
    LAST.parse().expect("a day")
}

/// A day well inside the world, so that there is a past and a future.
fn inside() -> Day {
    last().minus(45)
}

/// Whether a row had happened and was known by the end of `day`.
fn known_by(table: &schema::Table, rows: &RecordBatch, day: Day) -> BooleanArray {
    let columns: Vec<&dyn Array> = [table.event, Some(schema::RECORDED_AT)]
        .into_iter()
        .flatten()
        .filter_map(|name| rows.column_by_name(name))
        .map(AsRef::as_ref)
        .collect();
    (0..rows.num_rows())
        .map(|at| Some(columns.iter().all(|column| day_of(*column, at).is_none_or(|d| d <= day))))
        .collect()
}

fn day_of(column: &dyn Array, at: usize) -> Option<Day> {
    if column.is_null(at) {
        return None;
    }
    match column.data_type() {
        DataType::Date32 => Some(Day(column.as_primitive::<Date32Type>().value(at))),
        DataType::Timestamp(..) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(at);
            Some(Day(micros.div_euclid(86_400_000_000) as i32))
        }
        other => panic!("an event is a day or a moment, not {other}"),
    }
}

/// Rows in an order that the seed decides, dealt to two files.
fn shuffled(path: &str, rows: &RecordBatch, seed: u64) -> Vec<(String, RecordBatch)> {
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by_key(|at| {
        (u64::from(*at) + 1).wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
    });
    let take = |part: &[u32]| take_record_batch(rows, &UInt32Array::from(part.to_vec())).expect("rows of the batch");
    if !path.contains('/') || order.len() < 2 {
        return vec![(path.to_owned(), take(&order))];
    }
    let (first, second) = order.split_at(order.len() / 3);
    let stem = path.trim_end_matches(".parquet");
    vec![(format!("{stem}-b.parquet"), take(first)), (format!("{stem}-a.parquet"), take(second))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn rows_of_the_future_never_matter(seed in 1u64..1000) {
        let whole = world(ACCOUNTS, DAYS, seed);
        let cut = rewritten(&whole, |table, path, rows| {
            let kept = filter_record_batch(&rows, &known_by(table, &rows, inside())).expect("a filter");
            vec![(path.to_owned(), kept)]
        });
        let (_, with) = night(&whole, inside());
        let (_, without) = night(&cut, inside());
        assert_same(&tables(&with, inside()), &tables(&without, inside()));
    }

    #[test]
    fn order_of_rows_and_files_never_matters(seed in 1u64..1000, order in any::<u64>()) {
        let tidy = world(ACCOUNTS, DAYS, seed);
        let untidy = rewritten(&tidy, |_, path, rows| shuffled(path, &rows, order));
        let (_, left) = night(&tidy, last());
        let (_, right) = night(&untidy, last());
        assert_same(&tables(&left, last()), &tables(&right, last()));
    }
}

fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let columns = batches.iter().map(|batch| batch.column_by_name(column).expect("the column"));
    columns
        .flat_map(|c| c.as_string::<i32>().iter().map(|v| v.unwrap_or_default().to_owned()).collect::<Vec<_>>())
        .collect()
}

fn floats(batches: &[RecordBatch], column: &str) -> Vec<f64> {
    let columns = batches.iter().map(|batch| batch.column_by_name(column).expect("the column"));
    columns.flat_map(|c| c.as_primitive::<Float64Type>().values().to_vec()).collect()
}

#[test]
fn the_same_run_twice_gives_the_same_rows_and_bytes() {
    let extracts = world(ACCOUNTS, DAYS, 5);
    let outputs = [fresh_url(), fresh_url()];
    for output in &outputs {
        try_night(&extracts, output, last()).unwrap_or_else(|e| panic!("{e}"));
    }
    let [left, right] = outputs.each_ref().map(|output| tables(output, last()));
    assert_same(&left, &right);
    // Clock and inputs are the same in both, so the files are equal to the byte.
    let [left, right] = outputs.each_ref().map(|output| crate::support::night::manifest(output, last()).tables);
    for (a, b) in left.iter().zip(&right) {
        assert_eq!((&a.name, a.rows, &a.sha256), (&b.name, b.rows, &b.sha256));
    }
}

#[test]
fn a_repeated_night_changes_no_row() {
    let extracts = world(ACCOUNTS, DAYS, 6);
    let (_, output) = night(&extracts, last());
    let before = tables(&output, last());
    try_night(&extracts, &output, last()).unwrap_or_else(|e| panic!("{e}"));
    assert_same(&before, &tables(&output, last()));
    assert_eq!(store(&output).list("meta/manifests").expect("a listing").len(), 2);
}

#[test]
fn every_recommendation_rests_on_signals_and_every_signal_on_observations() {
    let (_, output) = night(&world(40, 400, 7), last());
    let read = |name: &str| table(&output, last(), name, &[]);
    let set = |name: &str, column: &str| texts(&read(name), column).into_iter().collect::<BTreeSet<String>>();
    assert!(!set("recommendations", "recommendation_id").is_empty(), "the world has nothing to recommend");
    assert_eq!(set("recommendations", "recommendation_id"), set("recommendation_signals", "recommendation_id"));
    assert!(set("recommendation_signals", "signal_id").is_subset(&set("signals", "signal_id")));
    assert_eq!(set("signals", "signal_id"), set("signal_observations", "signal_id"));
    assert!(set("signal_observations", "observation_id").is_subset(&set("observations", "observation_id")));
    assert_eq!(set("recommendations", "recommendation_id"), set("briefings", "recommendation_id"));
    assert_eq!(
        set("recommendations", "recommendation_id"),
        set("audit", "recommendation_id"),
        "the first night records all"
    );
}

#[test]
fn selling_stops_at_health_and_owners_have_a_limit() {
    let (_, output) = night(&world(60, 400, 8), last());
    let read = |name: &str| table(&output, last(), name, &[]);
    let (health, proposed) = (read("account_health"), read("recommendations"));
    let colors: BTreeMap<String, String> =
        texts(&health, "account_id").into_iter().zip(texts(&health, "color")).collect();
    let plays = texts(&proposed, "play");
    for (account, play) in texts(&proposed, "account_id").iter().zip(&plays) {
        assert!(
            play == "renewal_risk" || colors[account] == "green",
            "{account} is {} but got {play}",
            colors[account]
        );
    }
    let accounts = texts(&proposed, "account_id");
    assert_eq!(accounts.len(), accounts.iter().collect::<BTreeSet<_>>().len(), "one primary play per account");
    let settings = job("memory://x", "memory://y").settings.recommendations;
    let most = settings.weekly_capacity.max(settings.unassigned_capacity) as usize;
    let mut queues: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let ranks = proposed.iter().flat_map(|batch| {
        batch.column_by_name("rank").expect("the column").as_primitive::<Int64Type>().values().to_vec()
    });
    for (owner, rank) in texts(&proposed, "owner").into_iter().zip(ranks) {
        queues.entry(owner).or_default().push(rank);
    }
    for (owner, mut ranks) in queues {
        ranks.sort_unstable();
        assert!(ranks.len() <= most, "{owner} has {} proposals", ranks.len());
        assert_eq!(ranks, (1..=ranks.len() as i64).collect::<Vec<_>>(), "{owner}'s ranks have no gap");
    }
}

#[test]
fn expected_value_is_probability_times_arr_times_confidence_at_most() {
    let (_, output) = night(&world(40, 400, 9), last());
    let proposed = table(&output, last(), "recommendations", &[]);
    let (value, arr, p) =
        (floats(&proposed, "expected_value"), floats(&proposed, "expected_arr"), floats(&proposed, "probability"));
    for at in 0..value.len() {
        assert!(value[at] <= arr[at] * p[at] + 1e-6, "{} > {} × {}", value[at], arr[at], p[at]);
    }
}
