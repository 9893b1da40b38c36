//! What a run as of a day may see: row versions by `recorded_at`, event days, and nothing after the day.

use foothold::extracts::{InputTable, Seen};
use foothold::history::View;
use foothold::vocabulary::Day;

use crate::support::day;
use crate::support::parquet_world::*;

fn seen(known: &str, superseded: Option<&str>) -> Seen {
    Seen { known: day(known), superseded: superseded.map_or(Day::MAX, day) }
}

#[test]
fn each_version_is_visible_until_the_next_was_recorded() {
    let world = ParquetWorld::required();
    let versions = rows(&[
        ("contact_id", text(["C1", "C1", "C1"])),
        ("account_id", text(["A1", "A1", "A1"])),
        ("name", text(["Ann", "Ann", "Ann"])),
        ("title", text(["Director", "VP", "CTO"])),
        ("recorded_at", ts(["2025-01-10 09:00", "2025-06-01 09:00", "2025-11-05 23:59"])),
    ]);
    world.table("contacts", &reordered(&versions, &[1, 2, 0]));
    let loaded = world.load().unwrap();
    let found: Vec<(&str, Seen)> =
        loaded.contacts.all().iter().map(|c| (c.title.as_deref().unwrap(), c.seen)).collect();
    assert_eq!(
        found,
        [
            ("Director", seen("2025-01-10", Some("2025-06-01"))),
            ("VP", seen("2025-06-01", Some("2025-11-05"))),
            ("CTO", seen("2025-11-05", None)),
        ]
    );
    let title_on = |on: &str| {
        let view = View::new(&loaded, day(on));
        let account = loaded.ids.accounts.get("A1").unwrap();
        view.contacts(account).next().and_then(|c| c.title.clone()).map(|t| t.to_string())
    };
    assert_eq!(title_on("2025-01-09"), None);
    assert_eq!(title_on("2025-05-31").as_deref(), Some("Director"));
    assert_eq!(title_on("2025-11-05").as_deref(), Some("CTO"), "the day itself counts to its end");
}

#[test]
fn of_two_versions_recorded_on_one_day_the_later_wins() {
    let world = ParquetWorld::required();
    let batch = reordered(&sound("subscriptions"), &[0, 1, 0]);
    let batch = with(&batch, "arr", num([1000.0, 5.0, 1500.0]));
    world.table(
        "subscriptions",
        &with(&batch, "recorded_at", ts(["2024-01-01 08:00", "2024-06-01", "2024-01-01 17:00"])),
    );
    let loaded = world.load().unwrap();
    let first: Vec<f64> = loaded.subscriptions.of(0.into()).iter().map(|s| s.arr).collect();
    assert_eq!(first, [1500.0]);
    assert_eq!(loaded.rejected, []);
}

#[test]
fn a_version_recorded_after_the_day_leaves_the_older_one_standing() {
    let world = ParquetWorld::required();
    let batch = reordered(&sound("subscriptions"), &[0, 1, 0]);
    let batch = with(&batch, "arr", num([1000.0, 5.0, 9000.0]));
    world.table("subscriptions", &with(&batch, "recorded_at", ts(["2024-01-01", "2024-06-01", "2026-04-01 00:00"])));
    let loaded = world.load().unwrap();
    assert_eq!(loaded.subscriptions.of(0.into())[0].arr, 1000.0);
    assert_eq!(loaded.subscriptions.of(0.into())[0].seen.superseded, Day::MAX);
    let later = world.load_as_of("2026-04-01").unwrap();
    assert_eq!(later.subscriptions.of(0.into()).last().unwrap().arr, 9000.0);
}

#[test]
fn a_row_is_not_known_before_it_happens_nor_before_it_is_recorded() {
    let world = ParquetWorld::whole();
    let events = sound("account_events");
    world.table("account_events", &with(&events, "recorded_at", ts(["2025-12-20", "2026-02-20"])));
    let loaded = world.load().unwrap();
    let known: Vec<Day> = loaded.account_events.all().iter().map(|e| e.seen.known).collect();
    assert_eq!(known, [day("2026-01-01"), day("2026-02-20")]);
}

#[test]
fn broken_rows_of_the_future_are_not_even_rejected() {
    let world = ParquetWorld::whole();
    let tickets = rows(&[
        ("ticket_id", text([Some("T1"), None, Some("T1"), Some("T3")])),
        ("account_id", text(["A1", "A9", "A1", "A1"])),
        ("opened_at", ts(["2026-03-01", "2026-04-01", "2026-04-02", "2026-03-31 23:59"])),
        ("csat", num([9.0, 99.0, f64::NAN, 1.0])),
    ]);
    world.table("tickets", &tickets);
    let loaded = world.load().unwrap();
    assert_eq!(loaded.rejected, []);
    assert_eq!(loaded.tickets.all().len(), 2);
    assert_eq!(loaded.quality.iter().find(|q| q.table == InputTable::Tickets).unwrap().rows, 2);
}

#[test]
fn names_that_only_the_future_knows_are_in_no_dictionary() {
    let world = ParquetWorld::whole();
    let usage = with(&sound("usage"), "date", date(["2026-03-30", "2026-04-01"]));
    let usage = with(&usage, "metric", text(["seats", "metric_of_tomorrow"]));
    world.table("usage", &with(&usage, "product_id", text(["core", "product_of_tomorrow"])));
    let features = with(&sound("feature_usage"), "date", date(["2026-03-30", "2026-04-01"]));
    world.table("feature_usage", &with(&features, "user_id", text(["u1", "user_of_tomorrow"])));
    let loaded = world.load().unwrap();
    let everything = format!("{:?}", loaded.ids);
    assert!(!everything.contains("tomorrow"), "{everything}");
}

#[test]
fn an_account_of_tomorrow_is_not_there_yet() {
    let world = ParquetWorld::required();
    world.table("accounts", &with(&sound("accounts"), "customer_since", date(["2024-01-01", "2026-04-01"])));
    world.table("subscriptions", &sound("subscriptions").slice(0, 1));
    world.table("usage", &sound("usage").slice(0, 1));
    // A2 is a child of A1, not the other way round, so only A2 is missing.
    let loaded = world.load().unwrap();
    assert_eq!(loaded.ids.accounts.len(), 1);
}

#[test]
fn usage_keeps_what_was_known_on_every_day() {
    let world = ParquetWorld::required();
    let usage = rows(&[
        ("account_id", text(["A1"; 5])),
        ("product_id", text(["core"; 5])),
        ("date", date(["2026-03-01", "2026-03-01", "2026-03-01", "2026-03-02", "2026-03-04"])),
        ("metric", text(["seats"; 5])),
        ("value", num([10.0, 11.0, 12.0, 20.0, 40.0])),
        (
            "recorded_at",
            ts(["2026-03-01 23:00", "2026-03-03 08:00", "2026-03-03 09:00", "2026-03-06 01:00", "2026-03-04 02:00"]),
        ),
    ]);
    for order in [[0, 1, 2, 3, 4], [4, 2, 3, 1, 0], [1, 0, 2, 4, 3]] {
        world.table("usage", &reordered(&usage, &order));
        let loaded = world.load().unwrap();
        let series = loaded.usage.series[0];
        let known = |on: &str| loaded.usage.known(&series, day(on)).iter().map(|v| v.to_string()).collect::<Vec<_>>();
        assert_eq!(known("2026-03-01"), ["10"]);
        assert_eq!(known("2026-03-02"), ["10", "NaN"]);
        assert_eq!(known("2026-03-03"), ["12", "NaN", "NaN"]);
        assert_eq!(known("2026-03-05"), ["12", "NaN", "NaN", "40"], "up to the last cell");
        assert_eq!(known("2026-03-31"), ["12", "20", "NaN", "40"]);
        assert_eq!(loaded.rejected, []);
    }
}

#[test]
fn loading_as_of_a_day_equals_looking_back_to_it() {
    let world = ParquetWorld::required();
    let usage = rows(&[
        ("account_id", text(["A1"; 4])),
        ("product_id", text(["core"; 4])),
        ("date", date(["2026-03-01", "2026-03-02", "2026-03-02", "2026-03-03"])),
        ("metric", text(["seats"; 4])),
        ("value", num([10.0, 20.0, 21.0, 30.0])),
        ("recorded_at", ts(["2026-03-05", "2026-03-02", "2026-03-04", "2026-03-03"])),
    ]);
    world.table("usage", &usage);
    let late = world.load().unwrap();
    for on in ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"] {
        let then = world.load_as_of(on).unwrap();
        let values = |e: &foothold::extracts::Extracts| {
            let s = e.usage.series[0];
            let known = e.usage.known(&s, day(on)).into_iter().enumerate();
            known.filter(|(_, v)| !v.is_nan()).map(|(n, v)| (s.start.plus(n as i32), v.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(values(&late), values(&then), "{on}");
    }
}

#[test]
fn usage_beyond_the_kept_history_is_left_out_and_noted() {
    let world = ParquetWorld::required();
    world.table("usage", &with(&sound("usage"), "date", date(["2019-01-01", "2026-03-31"])));
    let loaded = world.load().unwrap();
    assert_eq!(loaded.usage.series.iter().map(|series| series.len).sum::<usize>(), 1);
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::Usage).unwrap();
    assert!(quality.notes.contains(&"1 rows older than the usage history left out".to_owned()), "{:?}", quality.notes);
    assert_eq!((quality.rows, quality.rejected), (1, 0));
}

#[test]
fn covered_days_are_those_on_which_any_account_has_the_metric() {
    let world = ParquetWorld::required();
    let batch = reordered(&sound("usage"), &[0, 0, 1]);
    let batch = with(&batch, "date", date(["2026-03-28", "2026-03-30", "2026-03-31"]));
    world.table("usage", &with(&batch, "metric", text(["seats"; 3])));
    let loaded = world.load().unwrap();
    let seats = loaded.ids.metrics.get("seats").unwrap();
    assert_eq!(loaded.usage.covered[seats.at()], [day("2026-03-28"), day("2026-03-30"), day("2026-03-31")]);
}

#[test]
fn feature_usage_versions_follow_their_recording() {
    let world = ParquetWorld::whole();
    let batch = reordered(&sound("feature_usage"), &[0, 0]);
    let batch = with(&batch, "events", int([3, 9]));
    world.table("feature_usage", &with(&batch, "recorded_at", ts(["2026-03-30", "2026-03-31"])));
    let loaded = world.load().unwrap();
    let found: Vec<(u32, Seen)> = loaded
        .feature_usage
        .of(loaded.ids.accounts.get("A1").unwrap())
        .map(|f| (f.events, Seen { known: f.known, superseded: f.superseded }))
        .collect();
    assert_eq!(found, [(3, seen("2026-03-30", Some("2026-03-31"))), (9, seen("2026-03-31", None))]);
}

#[test]
fn order_of_ids_is_the_order_of_their_bytes() {
    let ids = ["b", "a b", "a", "Z", "é", "a-1", "aa"];
    let world = ParquetWorld::required();
    world.table("accounts", &rows(&[("account_id", text(ids)), ("name", text(ids))]));
    let tickets = rows(&[("ticket_id", text(ids)), ("account_id", text(ids)), ("opened_at", ts(["2026-01-01"; 7]))]);
    world.table("tickets", &tickets);
    world.table("subscriptions", &with(&sound("subscriptions"), "account_id", text(["a", "é"])));
    world.table("usage", &with(&sound("usage"), "account_id", text(["a", "é"])));
    let loaded = world.load().unwrap();
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    for (index, id) in loaded.ids.accounts.iter() {
        assert_eq!(&**id, sorted[index.at()]);
        assert_eq!(&*loaded.tickets.of(index)[0].id, &**id);
    }
}
