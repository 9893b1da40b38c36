//! Rows that break a rule: each is rejected with its table, key, rule, column, value and file, and the run goes on
//! up to the job's limit.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
use foothold::extracts::{InputTable, RejectedRow, Settings};
use foothold::vocabulary::Day;

use crate::support::parquet_world::*;

/// The world's rejected rows after one column of one table was replaced.
fn rejected(table: &str, column: &str, cells: ArrayRef) -> Vec<RejectedRow> {
    let world = ParquetWorld::whole();
    world.table(table, &with(&sound(table), column, cells));
    world.load_leniently().rejected.into_iter().filter(|row| row.table.as_str() == table).collect()
}

fn only(rows: Vec<RejectedRow>) -> RejectedRow {
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.into_iter().next().unwrap()
}

#[test]
fn a_rejected_row_says_everything_that_is_needed_to_find_it() {
    let row = only(rejected("usage", "value", num([8.0, -1.0])));
    assert_eq!(row.table, InputTable::Usage);
    assert_eq!(row.key, "A2 / core / 2026-03-31 / api_calls");
    assert_eq!(row.rule, "must be 0 or greater");
    assert_eq!((row.column.as_deref(), row.value.as_deref()), (Some("value"), Some("-1")));
    assert!(row.source_file.ends_with("/usage.parquet"), "{}", row.source_file);
}

#[test]
fn each_rule_has_its_words() {
    let long = "x".repeat(600);
    let cases: Vec<(&str, &str, ArrayRef, &str)> = vec![
        ("usage", "value", num([8.0, f64::NAN]), "must be a finite number"),
        ("usage", "value", num([8.0, f64::INFINITY]), "must be a finite number"),
        ("usage", "value", num([8.0, f64::NEG_INFINITY]), "must be a finite number"),
        ("usage", "value", num([Some(8.0), None]), "must not be null"),
        ("usage", "account_id", text(["A1", "   "]), "must not be blank"),
        ("usage", "account_id", text([Some("A1"), None]), "must not be null"),
        ("usage", "account_id", text(["A1", "A9"]), "must exist in `accounts`"),
        ("usage", "metric", text(["seats", "\t"]), "must not be blank"),
        ("usage", "metric", text(["seats", "a\u{1f}b"]), "must not contain control characters"),
        ("usage", "product_id", text(["core", &long]), "must be at most 512 bytes long"),
        ("usage", "date", date([Some("2026-03-30"), None]), "must not be null"),
        ("usage", "date", date(["2026-03-30", "0001-01-01"]), "must lie between 1950-01-01 and 2199-12-31"),
        ("usage", "date", date(["2026-03-30", "9999-12-31"]), "must lie between 1950-01-01 and 2199-12-31"),
        ("feature_usage", "events", int([3, -1]), "must be between 0 and 4294967295"),
        ("feature_usage", "events", num([3.0, 2.5]), "must be a whole number of 64 bits"),
        ("feature_usage", "feature_id", text(["dash", "gone"]), "must exist in `features`"),
        ("feature_usage", "user_id", text(["u1", ""]), "must not be blank"),
        ("accounts", "employees", int([50, -1]), "must be 0 or greater"),
        ("accounts", "employees", big([50, u64::MAX]), "must be a whole number of 64 bits"),
        ("accounts", "fiscal_year_start_month", int([1, 13]), "must be between 1 and 12"),
        (
            "accounts",
            "customer_since",
            date(["2024-01-01", "1899-12-30"]),
            "must lie between 1950-01-01 and 2199-12-31",
        ),
        ("accounts", "name", text([Some("Acme"), None]), "must not be null"),
        ("accounts", "name", text(["Acme", " "]), "must not be blank"),
        ("accounts", "parent_account_id", text([None, Some("A7")]), "must exist in `accounts`"),
        ("subscriptions", "arr", num([1.0, -1.0]), "must be 0 or greater"),
        ("subscriptions", "ends_on", date(["2027-01-01", "2024-05-31"]), "must not lie before `starts_on`"),
        ("entitlements", "limit", num([10.0, 0.0]), "must be greater than 0"),
        ("entitlements", "period", text(["gauge", "week"]), "must be one of gauge, day, month"),
        ("tickets", "priority", text(["p1", "P2"]), "must be one of p1, p2, p3, p4; did you mean `p2`?"),
        ("tickets", "csat", num([Some(10.5), None]), "must be between 0 and 10"),
        ("tickets", "resolved_at", ts([Some("2026-03-01 09:59"), None]), "must not lie before `opened_at`"),
        ("tickets", "opened_at", ts([Some("2026-03-01"), None]), "must not be null"),
        ("activities", "sentiment", num([0.5, -1.01]), "must be between -1 and 1"),
        (
            "activities",
            "kind",
            text(["meeting", "lunch"]),
            "must be one of email, call, meeting, qbr, executive, other",
        ),
        ("surveys", "score", num([9.0, 11.0]), "must be between 0 and 10"),
        ("account_events", "kind", text(["funding", "layoff"]), "did you mean `layoffs`?"),
        ("opportunities", "stage", text(["won", "closed"]), "must be one of open, won, lost"),
        ("features", "product_id", text(["core", "ghost"]), "must exist in `products`"),
        ("text_labels", "intent", text(["growth", "grow"]), "did you mean `growth`?"),
    ];
    for (table, column, cells, rule) in cases {
        let row = only(rejected(table, column, cells));
        assert!(row.rule.contains(rule), "{table}.{column}: {} instead of {rule}", row.rule);
        assert_eq!(row.column.as_deref(), Some(column), "{table}");
    }
}

#[test]
fn a_day_with_a_time_is_not_a_day() {
    let noon: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![moment("2026-03-30").0, moment("2026-03-30 12:30").0]));
    let row = only(rejected("usage", "date", noon));
    assert_eq!(
        (row.rule.as_str(), row.value.as_deref()),
        ("must be a day, without a time", Some("2026-03-30T12:30:00Z"))
    );
}

#[test]
fn moments_too_large_for_microseconds_are_absurd_and_not_wrapped() {
    let seconds: ArrayRef =
        Arc::new(arrow::array::TimestampMillisecondArray::from(vec![moment("2026-03-01").0 / 1000, i64::MAX]));
    let row = only(rejected("tickets", "opened_at", seconds));
    assert!(row.rule.starts_with("must lie between"), "{row:?}");
}

#[test]
fn the_end_of_time_means_no_end_yet() {
    let world = ParquetWorld::whole();
    world.table("subscriptions", &with(&sound("subscriptions"), "ends_on", date(["9999-12-31", "2026-06-01"])));
    world.table("tickets", &with(&sound("tickets"), "resolved_at", ts(["9999-12-31", "2026-03-05"])));
    let loaded = world.load().unwrap();
    assert_eq!(loaded.subscriptions.all()[0].ends_on, None);
    assert_eq!(loaded.subscriptions.all()[1].ends_on, Some(Day::ymd(2026, 6, 1)));
    assert_eq!(loaded.tickets.all()[0].resolved_at, None);
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::Subscriptions).unwrap();
    assert!(
        quality.notes.iter().any(|n| n.contains("`ends_on` after 2199-12-31 read as no end")),
        "{:?}",
        quality.notes
    );
}

#[test]
fn a_lost_parent_takes_its_children_with_it() {
    let world = ParquetWorld::required();
    let accounts = rows(&[
        ("account_id", text(["A1", "A2", "A3", "A4"])),
        ("name", text(["a", "b", "c", "d"])),
        ("parent_account_id", text([None, Some("A9"), Some("A2"), Some("A1")])),
    ]);
    world.table("accounts", &accounts);
    let loaded = world.load_leniently();
    let lost: Vec<(&str, &str)> =
        loaded.rejected.iter().map(|r| (r.table.as_str(), r.key.split(" / ").next().unwrap())).collect();
    assert_eq!(lost, [("accounts", "A2"), ("accounts", "A3"), ("subscriptions", "S2"), ("usage", "A2")]);
    assert_eq!(loaded.ids.accounts.len(), 2);
}

#[test]
fn of_rows_with_one_key_one_stays_whatever_the_order() {
    let kept = |order: &[u64]| {
        let world = ParquetWorld::whole();
        let batch = with(&sound("surveys"), "survey_id", text(["Y1", "Y1"]));
        world.table("surveys", &reordered(&batch, order));
        let loaded = world.load_leniently();
        let row = only(loaded.rejected);
        assert_eq!((row.rule.as_str(), row.key.as_str()), ("must be unique; another row with this key was kept", "Y1"));
        assert_eq!(loaded.surveys.all().len(), 1);
        format!("{:?}", loaded.surveys.all())
    };
    assert_eq!(kept(&[0, 1]), kept(&[1, 0]));
}

#[test]
fn identical_rows_are_duplicates_too() {
    for table in ["tickets", "usage", "feature_usage", "products", "text_labels"] {
        let world = ParquetWorld::whole();
        world.table(table, &reordered(&sound(table), &[0, 1, 0, 0]));
        let loaded = world.load_leniently();
        assert_eq!(loaded.rejected.len(), 2, "{table}: {:#?}", loaded.rejected);
        assert!(
            loaded.rejected.iter().all(|row| row.table.as_str() == table && row.rule.starts_with("must be unique"))
        );
    }
}

#[test]
fn of_two_usage_values_for_one_day_the_smaller_stays() {
    for values in [[5.0, 7.0], [7.0, 5.0]] {
        let world = ParquetWorld::required();
        let batch = reordered(&sound("usage"), &[0, 0]);
        world.table("usage", &with(&batch, "value", num(values)));
        let loaded = world.load_leniently();
        let usage = &loaded.usage;
        assert_eq!(usage.known(&usage.series[0], Day::MAX), [5.0]);
        assert_eq!(only(loaded.rejected).value.as_deref(), Some("7"));
    }
}

#[test]
fn the_share_of_rejected_rows_decides_and_the_limit_itself_is_allowed() {
    let world = ParquetWorld::required();
    let many = 200;
    let values: Vec<f64> = (0..many).map(|n| if n < 2 { -1.0 } else { 1.0 }).collect();
    let days: Vec<String> = (0..many).map(|n| Day::ymd(2025, 9, 1).plus(n).to_string()).collect();
    let usage = rows(&[
        ("account_id", text((0..many).map(|_| "A1"))),
        ("product_id", text((0..many).map(|_| "core"))),
        ("date", date(days.iter().map(String::as_str))),
        ("metric", text((0..many).map(|_| "seats"))),
        ("value", num(values)),
    ]);
    world.table("usage", &usage);
    assert_eq!(world.load().unwrap().rejected.len(), 2, "2 of 200 is 1 %");
    let strict = Settings { max_rejected_share: 0.009, ..world.settings() };
    let message = world.load_with(strict, AS_OF).unwrap_err().to_string();
    for part in [
        "2 of 200 rows break a rule (1.0 %)",
        "allows 0.9 %",
        "2 × `value` must be 0 or greater",
        "A1 / core / 2025-09-01 / seats",
        "usage.parquet",
    ] {
        assert!(message.contains(part), "{part} not in {message}");
    }
    let mut own = Settings { max_rejected_share: 0.0, ..world.settings() };
    own.max_rejected_share_of.insert(InputTable::Usage, 0.01);
    assert!(world.load_with(own, AS_OF).is_ok());
}

#[test]
fn broken_accounts_are_the_only_problem_that_is_reported() {
    let world = ParquetWorld::whole();
    world.table("accounts", &with(&sound("accounts"), "employees", int([-1, -1])));
    let message = world.problem();
    assert!(message.contains("2 of 2 rows break a rule"), "{message}");
}

#[test]
fn a_ten_megabyte_text_is_cut_and_noted() {
    let world = ParquetWorld::whole();
    let huge = "é".repeat(5 << 20);
    world.table("conversations", &with(&sound("conversations"), "text", text([huge.as_str(), "short"])));
    let loaded = world.load().unwrap();
    let kept = &loaded.conversations.all()[0].text;
    assert!(kept.len() <= 65_536 && kept.len() > 65_530 && huge.starts_with(&**kept), "{}", kept.len());
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::Conversations).unwrap();
    assert!(quality.notes.contains(&"1 texts of `text` cut to 65536 bytes".to_owned()), "{:?}", quality.notes);
}

#[test]
fn a_ten_megabyte_id_is_rejected_and_not_repeated_in_full() {
    let huge = "x".repeat(10 << 20);
    let row = only(rejected("tickets", "ticket_id", text(["T1", huge.as_str()])));
    assert_eq!(row.rule, "must be at most 512 bytes long");
    assert!(row.key.len() < 300 && row.value.unwrap().len() < 300);
}

#[test]
fn blank_optional_text_is_no_value() {
    let world = ParquetWorld::whole();
    world.table("accounts", &with(&sound("accounts"), "segment", text(["", "  "])));
    world.table("tickets", &with(&sound("tickets"), "priority", text(["", "p4"])));
    let loaded = world.load().unwrap();
    assert!(loaded.accounts.all().iter().all(|a| a.segment.is_none()));
    assert_eq!(loaded.tickets.all()[0].priority, None);
}

#[test]
fn listed_rows_are_bounded_and_counted_rows_are_not() {
    let world = ParquetWorld::required();
    let many: Vec<i64> = (0..5_000).collect();
    let ids: Vec<String> = many.iter().map(|n| format!("T{n:05}")).collect();
    let tickets = rows(&[
        ("ticket_id", text(ids.iter().map(String::as_str))),
        ("account_id", text(many.iter().map(|_| "A1"))),
        ("opened_at", ts(many.iter().map(|_| "2026-03-01"))),
        ("csat", Arc::new(Int64Array::from(vec![99; 5_000]))),
    ]);
    world.table("tickets", &tickets);
    let settings = Settings { max_rejected_share: 1.0, max_rejected_listed: 10, ..world.settings() };
    let loaded = world.load_with(settings, AS_OF).unwrap();
    let keys: Vec<&str> = loaded.rejected.iter().map(|r| r.key.as_str()).collect();
    assert_eq!(keys, ids[..10].iter().map(String::as_str).collect::<Vec<_>>());
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::Tickets).unwrap();
    assert_eq!((quality.rows, quality.rejected), (5_000, 5_000));
    assert!(quality.notes.iter().any(|n| n.contains("4990 rejected rows are counted but not listed")));
}

/// A mistyped product would otherwise count as a core product, unseen.
#[test]
fn quality_names_products_that_are_not_listed() {
    let notes = |world: &ParquetWorld| {
        let loaded = world.load().unwrap();
        let products = loaded.quality.into_iter().find(|q| q.table == InputTable::Products).unwrap();
        products.notes.into_iter().filter(|note| note.contains("does not list")).collect::<Vec<_>>()
    };
    assert!(notes(&ParquetWorld::whole()).is_empty());
    let world = ParquetWorld::whole();
    world.table("subscriptions", &with(&sound("subscriptions"), "product_id", text(["ghost", "ghost"])));
    let told = notes(&world);
    assert!(told.len() == 1 && told[0].contains("`ghost`") && told[0].contains("core products"), "{told:?}");
}

#[test]
fn quality_tells_rows_nulls_and_the_newest_day() {
    let loaded = ParquetWorld::whole().load().unwrap();
    let tickets = loaded.quality.iter().find(|q| q.table == InputTable::Tickets).unwrap();
    assert_eq!(tickets.newest_event, Some(Day::ymd(2026, 3, 2)));
    let share = |name: &str| tickets.null_share.iter().find(|(column, _)| column == name).map(|(_, share)| *share);
    assert_eq!((share("product_id"), share("priority"), share("ticket_id")), (Some(0.5), Some(0.0), None));
    assert!(tickets.notes.iter().any(|n| n.contains("cannot be replayed exactly")));
    let subscriptions = loaded.quality.iter().find(|q| q.table == InputTable::Subscriptions).unwrap();
    assert!(subscriptions.notes.is_empty(), "{:?}", subscriptions.notes);
}
