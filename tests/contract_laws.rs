//! Laws of loading: the order of rows, the layout of files and everything after the as-of day never matter.

use arrow::record_batch::RecordBatch;
use foothold::extracts::{Extracts, InputTable, RejectedRow};
use foothold::vocabulary::Day;
use proptest::prelude::*;

use crate::support::parquet_world::*;

const ACCOUNTS: [&str; 3] = ["A1", "A2", "A3"];

/// One usage row: account, product, metric, day of March 2026, value, day of recording.
type UsageRow = (usize, usize, usize, i32, i32, i32);

fn usage_rows() -> impl Strategy<Value = Vec<UsageRow>> {
    // Accounts and values reach beyond what is sound, so that rejected rows are part of the law.
    proptest::collection::vec((0..4_usize, 0..2_usize, 0..2_usize, 1..12_i32, -1..6_i32, 1..14_i32), 1..60)
}

fn usage(rows_of: &[UsageRow]) -> RecordBatch {
    let name = |n: usize| ACCOUNTS.get(n).copied().unwrap_or("unknown");
    let day_of = |n: i32| Day::ymd(2026, 3, 1).plus(n - 1).to_string();
    let days: Vec<String> = rows_of.iter().map(|r| day_of(r.3)).collect();
    let recorded: Vec<String> = rows_of.iter().map(|r| day_of(r.5)).collect();
    rows(&[
        ("account_id", text(rows_of.iter().map(|r| name(r.0)))),
        ("product_id", text(rows_of.iter().map(|r| ["core", "extra"][r.1]))),
        ("date", date(days.iter().map(String::as_str))),
        ("metric", text(rows_of.iter().map(|r| ["seats", "calls"][r.2]))),
        ("value", num(rows_of.iter().map(|r| f64::from(r.4)))),
        ("recorded_at", ts(recorded.iter().map(String::as_str))),
    ])
}

/// The same rows as contact versions, with the same kinds of trouble.
fn contacts(rows_of: &[UsageRow]) -> RecordBatch {
    let day_of = |n: i32| Day::ymd(2026, 3, 1).plus(n - 1).to_string();
    let recorded: Vec<String> = rows_of.iter().map(|r| day_of(r.5)).collect();
    let titles: Vec<String> = rows_of.iter().map(|r| format!("title {}", r.4)).collect();
    rows(&[
        ("contact_id", text(rows_of.iter().map(|r| ["C1", "C2"][r.1]))),
        ("account_id", text(rows_of.iter().map(|r| ACCOUNTS.get(r.0).copied().unwrap_or("unknown")))),
        ("name", text(rows_of.iter().map(|r| ["Ann", "Bob"][r.2]))),
        ("title", text(titles.iter().map(String::as_str))),
        ("recorded_at", ts(recorded.iter().map(String::as_str))),
    ])
}

fn feature_usage(rows_of: &[UsageRow]) -> RecordBatch {
    let usage = usage(rows_of);
    rows(&[
        ("account_id", usage.column(0).clone()),
        ("user_id", text(rows_of.iter().map(|r| ["u1", "u2"][r.1]))),
        ("feature_id", text(rows_of.iter().map(|r| ["dash", "export"][r.2]))),
        ("date", usage.column(2).clone()),
        ("events", int(rows_of.iter().map(|r| i64::from(r.4)))),
        ("recorded_at", usage.column(5).clone()),
    ])
}

fn base() -> ParquetWorld {
    let world = ParquetWorld::whole();
    world.table("accounts", &rows(&[("account_id", text(ACCOUNTS)), ("name", text(ACCOUNTS))]));
    world.remove("usage.parquet").remove("contacts.parquet").remove("feature_usage.parquet");
    world
}

fn put(world: &ParquetWorld, part: usize, rows_of: &[UsageRow]) {
    world.file(&format!("usage/part-{part}.parquet"), &usage(rows_of));
    world.file(&format!("contacts/part-{part}.parquet"), &contacts(rows_of));
    world.file(&format!("feature_usage/part-{part}.parquet"), &feature_usage(rows_of));
}

/// Everything but where rows came from.
fn content(mut extracts: Extracts) -> String {
    extracts.inputs.clear();
    extracts.rejected.iter_mut().for_each(|row: &mut RejectedRow| row.source_file.clear());
    extracts.rejected.sort();
    format!("{extracts:#?}")
}

/// Loads as of 10 March: rows happen until the 11th and are recorded until the 13th.
fn loaded(world: &ParquetWorld) -> Option<String> {
    let settings = foothold::extracts::Settings { max_rejected_share: 1.0, ..world.settings() };
    world.load_with(settings, "2026-03-10").ok().map(content)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_rows_and_layout_of_files_never_matter(
        (sorted, shuffled) in usage_rows().prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        cut in 0.0..1.0_f64,
    ) {
        let (one, many) = (base(), base());
        put(&one, 0, &sorted);
        let cut = (shuffled.len() as f64 * cut) as usize;
        put(&many, 1, &shuffled[cut..]);
        put(&many, 2, &shuffled[..cut]);
        prop_assert_eq!(loaded(&one), loaded(&many));
    }

    #[test]
    fn rows_after_the_day_never_matter(all in usage_rows()) {
        let (with_future, without_future) = (base(), base());
        put(&with_future, 0, &all);
        let visible = |r: &&UsageRow| r.3 <= 10 && r.5 <= 10;
        let past: Vec<UsageRow> = all.iter().filter(visible).copied().collect();
        put(&without_future, 0, &past);
        // Contacts have no event day of their own here, so they follow their recording alone.
        let recorded: Vec<UsageRow> = all.iter().filter(|r| r.5 <= 10).copied().collect();
        without_future.file("contacts/part-0.parquet", &contacts(&recorded));
        prop_assert_eq!(loaded(&with_future), loaded(&without_future));
    }

    #[test]
    fn what_is_rejected_and_what_is_kept_add_up(all in usage_rows()) {
        let world = base();
        put(&world, 0, &all);
        let settings = foothold::extracts::Settings { max_rejected_share: 1.0, ..world.settings() };
        let Ok(extracts) = world.load_with(settings, "2026-03-31") else { return Ok(()) };
        let usage = extracts.quality.iter().find(|q| q.table == InputTable::Usage).unwrap();
        let listed = extracts.rejected.iter().filter(|r| r.table == InputTable::Usage).count();
        prop_assert_eq!(usage.rows as usize, all.len());
        prop_assert_eq!(usage.rejected as usize, listed);
        let cells: usize = extracts.usage.series.iter().map(|series| extracts.usage.cells(series).rows().count()).sum();
        prop_assert!(cells + listed <= all.len());
    }
}
