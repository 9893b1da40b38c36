//! Parquet extracts made on the spot: a small sound world, table by table, to be broken in one place at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use foothold::extracts::{self, Error, Extracts, Problem, Settings};
use foothold::store::{Access, Store};
use foothold::vocabulary::{Day, Moment};
use parquet::arrow::ArrowWriter;

/// The default `[extracts]` section.
pub fn settings() -> Settings {
    let defaults: toml::Table = include_str!("../../src/job/defaults.toml").parse().unwrap();
    defaults["extracts"].clone().try_into().unwrap()
}

/// The day as of which test worlds are loaded unless a test says otherwise.
pub const AS_OF: &str = "2026-03-31";

pub fn text<'a, C: Into<Option<&'a str>>>(cells: impl IntoIterator<Item = C>) -> ArrayRef {
    Arc::new(cells.into_iter().map(Into::into).collect::<StringArray>())
}

pub fn num<C: Into<Option<f64>>>(cells: impl IntoIterator<Item = C>) -> ArrayRef {
    Arc::new(cells.into_iter().map(Into::into).collect::<Float64Array>())
}

pub fn int<C: Into<Option<i64>>>(cells: impl IntoIterator<Item = C>) -> ArrayRef {
    Arc::new(cells.into_iter().map(Into::into).collect::<Int64Array>())
}

pub fn flag<C: Into<Option<bool>>>(cells: impl IntoIterator<Item = C>) -> ArrayRef {
    Arc::new(cells.into_iter().map(Into::into).collect::<BooleanArray>())
}

/// Days as `YYYY-MM-DD`.
pub fn date<'a, C: Into<Option<&'a str>>>(cells: impl IntoIterator<Item = C>) -> ArrayRef {
    let days = cells.into_iter().map(|cell| cell.into().map(|day: &str| day.parse::<Day>().unwrap().0));
    Arc::new(days.collect::<Date32Array>())
}

/// Moments as `YYYY-MM-DD` or `YYYY-MM-DD HH:MM`.
pub fn ts<'a, C: Into<Option<&'a str>>>(cells: impl IntoIterator<Item = C>) -> ArrayRef {
    let moments = cells.into_iter().map(|cell| cell.into().map(|at: &str| moment(at).0));
    Arc::new(moments.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

pub fn moment(text: &str) -> Moment {
    let (day, time) = text.split_once(' ').unwrap_or((text, "00:00"));
    let (hours, minutes) = time.split_once(':').unwrap();
    let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
    Moment(Moment::start_of(day.parse().unwrap()).0 + minutes * 60_000_000)
}

pub fn big(cells: impl IntoIterator<Item = u64>) -> ArrayRef {
    Arc::new(cells.into_iter().collect::<UInt64Array>())
}

/// A batch of named columns.
pub fn rows(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, cells)| Field::new(*name, cells.data_type().clone(), true)).collect();
    let cells = columns.iter().map(|(_, cells)| cells.clone()).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), cells).unwrap()
}

/// The batch with one column replaced or added.
pub fn with(batch: &RecordBatch, name: &str, cells: ArrayRef) -> RecordBatch {
    let mut columns = columns_of(batch);
    match columns.iter_mut().find(|(known, _)| known == name) {
        Some(column) => column.1 = cells,
        None => columns.push((name.to_owned(), cells)),
    }
    rows(&columns.iter().map(|(name, cells)| (name.as_str(), cells.clone())).collect::<Vec<_>>())
}

pub fn without(batch: &RecordBatch, name: &str) -> RecordBatch {
    let columns: Vec<(String, ArrayRef)> = columns_of(batch).into_iter().filter(|(known, _)| known != name).collect();
    rows(&columns.iter().map(|(name, cells)| (name.as_str(), cells.clone())).collect::<Vec<_>>())
}

fn columns_of(batch: &RecordBatch) -> Vec<(String, ArrayRef)> {
    let names = batch.schema();
    names.fields().iter().zip(batch.columns()).map(|(field, cells)| (field.name().clone(), cells.clone())).collect()
}

/// The same rows in another order.
pub fn reordered(batch: &RecordBatch, order: &[u64]) -> RecordBatch {
    take_record_batch(batch, &UInt64Array::from(order.to_vec())).unwrap()
}

pub fn appended(a: &RecordBatch, b: &RecordBatch) -> RecordBatch {
    concat_batches(&a.schema(), [a, b]).unwrap()
}

/// A batch as the bytes of a Parquet file.
pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Extracts in a store in memory.
pub struct ParquetWorld {
    pub url: String,
    pub store: Store,
}

impl ParquetWorld {
    pub fn empty() -> ParquetWorld {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let url = format!("memory://extracts-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let store = Store::open(&url, &Access::default()).unwrap();
        ParquetWorld { url, store }
    }

    /// The four required tables, sound.
    pub fn required() -> ParquetWorld {
        let world = ParquetWorld::empty();
        for table in ["accounts", "products", "subscriptions", "usage"] {
            world.table(table, &sound(table));
        }
        world
    }

    /// Every table, sound.
    pub fn whole() -> ParquetWorld {
        let world = ParquetWorld::empty();
        for table in TABLES {
            world.table(table, &sound(table));
        }
        world
    }

    /// Replaces a whole table by one file.
    pub fn table(&self, table: &str, batch: &RecordBatch) -> &Self {
        self.file(&format!("{table}.parquet"), batch)
    }

    pub fn file(&self, path: &str, batch: &RecordBatch) -> &Self {
        self.bytes(path, parquet(batch))
    }

    pub fn bytes(&self, path: &str, bytes: Vec<u8>) -> &Self {
        self.store.put(path, bytes).unwrap();
        self
    }

    pub fn remove(&self, path: &str) -> &Self {
        self.store.delete(path).unwrap();
        self
    }

    pub fn settings(&self) -> Settings {
        Settings { url: self.url.clone(), ..settings() }
    }

    pub fn load(&self) -> Result<Extracts, Error> {
        self.load_with(self.settings(), AS_OF)
    }

    pub fn load_as_of(&self, day: &str) -> Result<Extracts, Error> {
        self.load_with(self.settings(), day)
    }

    /// Any share of rows may be rejected.
    pub fn load_leniently(&self) -> Extracts {
        self.load_with(Settings { max_rejected_share: 1.0, ..self.settings() }, AS_OF).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn load_with(&self, settings: Settings, as_of: &str) -> Result<Extracts, Error> {
        extracts::load(&settings, &Access::default(), as_of.parse().unwrap(), &|_| {})
    }

    /// What is wrong; panics when the world loads.
    pub fn problems(&self) -> Vec<Problem> {
        match self.load() {
            Err(Error::Contract(problems)) => problems,
            Err(other) => panic!("another error: {other}"),
            Ok(_) => panic!("the world loads, but it must not"),
        }
    }

    /// The one thing that is wrong, as people read it.
    pub fn problem(&self) -> String {
        let problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems[0].to_string()
    }
}

pub const TABLES: [&str; 20] = [
    "accounts",
    "products",
    "features",
    "subscriptions",
    "entitlements",
    "usage",
    "feature_usage",
    "integrations",
    "contacts",
    "activities",
    "conversations",
    "tickets",
    "surveys",
    "invoices",
    "account_events",
    "opportunities",
    "decisions",
    "outcomes",
    "text_labels",
    "annotations",
];

/// A few sound rows of a table, all columns present; two rows where the table allows it.
pub fn sound(table: &str) -> RecordBatch {
    let accounts = ("account_id", text(["A1", "A2"]));
    match table {
        "accounts" => rows(&[
            accounts,
            ("name", text(["Acme", "Beta"])),
            ("segment", text(["smb", "enterprise"])),
            ("industry", text([Some("retail"), None])),
            ("region", text(["EU", "US"])),
            ("employees", int([Some(50), None])),
            ("customer_since", date(["2024-01-01", "2024-06-01"])),
            ("parent_account_id", text([None, Some("A1")])),
            ("csm", text(["cora", "cora"])),
            ("ae", text(["abe", "abe"])),
            ("fiscal_year_start_month", int([1, 4])),
            ("use_case", text(["reporting", "routing"])),
            ("partner", text([None::<&str>, None])),
        ]),
        "products" => rows(&[
            ("product_id", text(["core", "core"])),
            ("tier", text(["pro", "basic"])),
            ("product_name", text(["Core", "Core"])),
            ("tier_rank", int([2, 1])),
            ("family", text(["main", "main"])),
            ("kind", text(["core", "core"])),
            ("unit", text(["seat", "seat"])),
            ("list_price", num([200.0, 100.0])),
        ]),
        "features" => rows(&[
            ("feature_id", text(["export", "dash"])),
            ("product_id", text(["core", "core"])),
            ("name", text(["Export", "Dashboard"])),
            ("min_tier_rank", int([2, 1])),
            ("kind", text(["export", "core"])),
            ("use_case", text([None, Some("reporting")])),
            ("suggests_product_id", text([Some("core"), None])),
        ]),
        "subscriptions" => rows(&[
            ("subscription_id", text(["S1", "S2"])),
            accounts,
            ("product_id", text(["core", "core"])),
            ("tier", text(["basic", "pro"])),
            ("starts_on", date(["2024-01-01", "2024-06-01"])),
            ("ends_on", date(["2027-01-01", "2026-06-01"])),
            ("arr", num([1000.0, 20_000.0])),
            ("units", num([10.0, 100.0])),
            ("term_months", int([12, 24])),
            ("auto_renew", flag([true, false])),
            ("cancelled_on", date([None::<&str>, None])),
            ("recorded_at", ts(["2024-01-01", "2024-06-01"])),
        ]),
        "entitlements" => rows(&[
            accounts,
            ("product_id", text(["core", "core"])),
            ("metric", text(["seats", "api_calls"])),
            ("limit", num([10.0, 5000.0])),
            ("period", text(["gauge", "month"])),
            ("starts_on", date(["2024-01-01", "2024-06-01"])),
            ("ends_on", date([None, Some("2027-06-01")])),
        ]),
        "usage" => rows(&[
            accounts,
            ("product_id", text(["core", "core"])),
            ("date", date(["2026-03-30", "2026-03-31"])),
            ("metric", text(["seats", "api_calls"])),
            ("value", num([8.0, 120.5])),
        ]),
        "feature_usage" => rows(&[
            accounts,
            ("user_id", text(["u1", "u1"])),
            ("feature_id", text(["dash", "export"])),
            ("date", date(["2026-03-30", "2026-03-31"])),
            ("events", int([3, 4])),
            ("in_trial", flag([None, Some(true)])),
        ]),
        "integrations" => rows(&[
            accounts,
            ("integration", text(["slack", "hubspot"])),
            ("category", text(["chat", "crm"])),
            ("direction", text(["out", "both"])),
            ("competes_with_product_id", text([None, Some("core")])),
            ("connected_on", date(["2025-01-01", "2025-02-01"])),
            ("disconnected_on", date([None, Some("2026-02-01")])),
        ]),
        "contacts" => rows(&[
            ("contact_id", text(["C1", "C2"])),
            accounts,
            ("name", text(["Ann", "Bob"])),
            ("title", text(["CTO", "Analyst"])),
            ("seniority", text(["c_level", "ic"])),
            ("department", text(["it", "ops"])),
            ("business_unit", text([None::<&str>, None])),
            ("region", text(["EU", "US"])),
            ("reports_to", text([None, Some("C1")])),
            ("is_champion", flag([true, false])),
            ("is_sponsor", flag([None::<bool>, None])),
            ("budget_authority", flag([true, false])),
            ("user_id", text(["u1", "u9"])),
            ("joined_on", date([Some("2024-01-01"), None])),
            ("left_on", date([None::<&str>, None])),
            ("recorded_at", ts(["2024-01-02", "2024-06-02"])),
        ]),
        "activities" => rows(&[
            ("activity_id", text(["V1", "V2"])),
            accounts,
            ("contact_id", text(["C1", "C404"])),
            ("kind", text(["meeting", "qbr"])),
            ("direction", text(["in", "out"])),
            ("at", ts(["2026-03-01 10:00", "2026-03-02 23:59"])),
            ("owner", text(["cora", "abe"])),
            ("response_hours", num([Some(2.5), None])),
            ("attended", flag([true, false])),
            ("sentiment", num([0.5, -1.0])),
        ]),
        "conversations" => rows(&[
            ("conversation_id", text(["N1", "N2"])),
            accounts,
            ("contact_id", text([Some("C1"), None])),
            ("channel", text(["email", "feature_request"])),
            ("at", ts(["2026-03-01 10:00", "2026-03-02 09:00"])),
            ("text", text(["we grow", ""])),
        ]),
        "tickets" => rows(&[
            ("ticket_id", text(["T1", "T2"])),
            accounts,
            ("product_id", text([Some("core"), None])),
            ("opened_at", ts(["2026-03-01 10:00", "2026-03-02 09:00"])),
            ("resolved_at", ts([Some("2026-03-01 12:00"), None])),
            ("priority", text(["p1", "p4"])),
            ("escalated", flag([true, false])),
            ("csat", num([Some(9.0), None])),
            ("subject", text(["export", "login"])),
            ("body", text([Some("it fails"), None])),
        ]),
        "surveys" => rows(&[
            ("survey_id", text(["Y1", "Y2"])),
            accounts,
            ("contact_id", text(["C1", "C2"])),
            ("kind", text(["nps", "csat"])),
            ("at", ts(["2026-03-01 10:00", "2026-03-02 09:00"])),
            ("score", num([9.0, 0.0])),
        ]),
        "invoices" => rows(&[
            ("invoice_id", text(["I1", "I2"])),
            accounts,
            ("issued_on", date(["2026-01-01", "2026-02-01"])),
            ("due_on", date(["2026-01-31", "2026-03-01"])),
            ("paid_on", date([Some("2026-02-15"), None])),
            ("amount", num([1000.0, -50.0])),
            ("disputed", flag([None, Some(true)])),
        ]),
        "account_events" => rows(&[
            ("event_id", text(["E1", "E2"])),
            accounts,
            ("kind", text(["funding", "layoffs"])),
            ("occurred_on", date(["2026-01-01", "2026-02-01"])),
            ("department", text([None, Some("it")])),
            ("magnitude", num([Some(5e6), None])),
            ("detail", text(["series B", "ten people"])),
            ("source", text(["news", "news"])),
            ("recorded_at", ts(["2026-01-02", "2026-02-02"])),
        ]),
        "opportunities" => rows(&[
            ("opportunity_id", text(["O1", "O2"])),
            accounts,
            ("product_id", text([Some("core"), None])),
            ("kind", text(["upsell", "renewal"])),
            ("opened_on", date(["2026-01-01", "2026-02-01"])),
            ("closed_on", date([Some("2026-03-01"), None])),
            ("stage", text(["won", "open"])),
            ("arr_delta", num([Some(500.0), None])),
            ("recommendation_id", text([Some("rec-1"), None])),
            ("source", text([None::<&str>, None])),
        ]),
        "decisions" => rows(&[
            ("recommendation_id", text(["rec-1", "rec-2"])),
            ("decided_at", ts(["2026-01-01 08:00", "2026-02-01 08:00"])),
            ("approver", text(["cora", "abe"])),
            ("decision", text(["approved", "snoozed"])),
            ("reason", text([None::<&str>, None])),
            ("snooze_until", date([None, Some("2026-05-01")])),
            ("edited_text", text([None::<&str>, None])),
        ]),
        "outcomes" => rows(&[
            ("recommendation_id", text(["rec-1", "rec-1"])),
            ("at", ts(["2026-01-05 08:00", "2026-03-01 08:00"])),
            ("outcome", text(["contacted", "converted"])),
            ("arr_delta", num([None, Some(500.0)])),
            ("note", text([None, Some("signed")])),
        ]),
        "text_labels" => rows(&[
            ("source_table", text(["tickets", "conversations"])),
            ("row_id", text(["T1", "N1"])),
            ("intent", text(["plan_limit", "growth"])),
            ("product_id", text([Some("core"), None])),
        ]),
        "annotations" => rows(&[
            accounts,
            ("observed_on", date(["2026-01-01", "2026-02-01"])),
            ("feature", text(["fit", "fit"])),
            ("value", num([0.5, 0.9])),
        ]),
        other => panic!("no table `{other}`"),
    }
}
