//! The tight loops of a night, each alone on one small simulated world: `cargo bench --bench kernels [FILTER]`.
//!
//! A change to a loop is judged here first; whole nights against other programs are `scripts/bench`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use foothold::audit::{self, Entry, Event, Tail};
use foothold::capacity::Context;
use foothold::extracts::{self, Extracts, InputTable};
use foothold::history::{View, usage};
use foothold::learners::columns::bins::Bins;
use foothold::learners::columns::table::{Column, Spec, Table, Values};
use foothold::learners::families::scorecard::Encoded;
use foothold::observations;
use foothold::simulate::{self, Params, Telemetry};
use foothold::statistics::sigmoid;
use foothold::store::{Access, Store};
use foothold::vocabulary::{Day, Moment};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() {
    divan::main();
}

#[derive(serde::Deserialize)]
struct Defaults {
    extracts: extracts::Settings,
    capacity: foothold::capacity::Settings,
    observations: observations::Settings,
}

/// A world on disk, and what loading it gives.
struct World {
    /// Removed when the process ends.
    _folder: tempfile::TempDir,
    settings: Defaults,
    end: Day,
    rows: BTreeMap<&'static str, u64>,
    extracts: Extracts,
}

const ACCOUNTS: usize = 150;

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().display().to_string();
    let params = Params { telemetry: Telemetry::Full, ..Params::new(ACCOUNTS, 365, 1).expect("valid parameters") };
    let store = Store::open(&place, &Access::local("/")).expect("a local folder");
    let told = simulate::write(&params, &store, &mut |_, _| {}).expect("the world is written");
    let mut settings: Defaults =
        toml::from_str(include_str!("../src/job/defaults.toml")).expect("the defaults are well-formed");
    settings.extracts.url = place;
    let extracts = load(&settings.extracts, params.end);
    World { _folder: folder, settings, end: params.end, rows: told.rows.into_iter().collect(), extracts }
});

fn load(settings: &extracts::Settings, day: Day) -> Extracts {
    extracts::load(settings, &Access::local("/"), day, &|_| {}).expect("the world fits the contract")
}

impl World {
    fn rows_of(&self, table: InputTable) -> ItemsCount {
        ItemsCount::new(self.rows[table.as_str()])
    }

    /// The settings for loading these tables alone.
    fn only(&self, tables: &[InputTable]) -> extracts::Settings {
        let mut settings = self.settings.extracts.clone();
        let root = std::path::Path::new(&settings.url).to_owned();
        let place = |table: &InputTable| {
            let single = root.join(format!("{}.parquet", table.as_str()));
            let place = if single.exists() { single } else { root.join(table.as_str()) };
            (*table, place.display().to_string())
        };
        settings.tables = tables.iter().map(place).collect();
        let nothing = root.join("nothing");
        std::fs::create_dir_all(&nothing).expect("a folder");
        settings.url = nothing.display().to_string();
        settings
    }
}

const REQUIRED: [InputTable; 3] = [InputTable::Accounts, InputTable::Products, InputTable::Subscriptions];

/// Parquet to cells: decoding, checks of the contract, and the runs of every series.
#[divan::bench(sample_count = 10)]
fn usage_from_parquet(bencher: Bencher) {
    let settings = WORLD.only(&[&REQUIRED[..], &[InputTable::Usage]].concat());
    bencher.counter(WORLD.rows_of(InputTable::Usage)).bench_local(|| load(&settings, WORLD.end));
}

/// The same for rows by user and feature; usage rides along because no world is sound without it.
#[divan::bench(sample_count = 10)]
fn usage_and_feature_usage_from_parquet(bencher: Bencher) {
    let more = [InputTable::Features, InputTable::Usage, InputTable::FeatureUsage];
    let settings = WORLD.only(&[&REQUIRED[..], &more].concat());
    bencher.counter(WORLD.rows_of(InputTable::FeatureUsage)).bench_local(|| load(&settings, WORLD.end));
}

/// Raw cells of every series as known on the last day.
#[divan::bench(sample_count = 20)]
fn usage_cells(bencher: Bencher) {
    let usage = &WORLD.extracts.usage;
    bencher
        .counter(WORLD.rows_of(InputTable::Usage))
        .bench_local(|| usage.series.iter().map(|series| usage.known(series, WORLD.end).len()).sum::<usize>());
}

/// Regular series and every window against the one before.
#[divan::bench(sample_count = 20)]
fn usage_windows(bencher: Bencher) {
    let view = View::new(&WORLD.extracts, WORLD.end);
    let calendar = Context::learn(view, &WORLD.settings.capacity).calendar;
    let windows = WORLD.settings.observations.windows();
    bencher.counter(WORLD.rows_of(InputTable::Usage)).bench_local(|| {
        let series = view.extracts.account_indices().flat_map(|account| usage::series(view, &calendar, account));
        series.flat_map(|series| windows.iter().filter_map(|days| series.measure(*days)).collect::<Vec<_>>()).count()
    });
}

/// Layer 1 of every account, one after another.
#[divan::bench(sample_count = 10)]
fn observations_of_all_tables(bencher: Bencher) {
    observe(bencher, &WORLD.extracts);
}

/// Layer 1 where only feature use was delivered: breadth, depth, trials, workarounds, abandonment.
#[divan::bench(sample_count = 10)]
fn observations_of_feature_usage(bencher: Bencher) {
    let mut extracts = WORLD.extracts.clone();
    extracts.available = BTreeSet::from([InputTable::Accounts, InputTable::Features, InputTable::FeatureUsage]);
    extracts.usage = Default::default();
    observe(bencher, &extracts);
}

fn observe(bencher: Bencher, extracts: &Extracts) {
    let view = View::new(extracts, WORLD.end);
    let context = Context::learn(view, &WORLD.settings.capacity);
    bencher.counter(ItemsCount::new(ACCOUNTS)).bench_local(|| {
        let accounts = extracts.account_indices();
        let facts =
            accounts.map(|account| observations::observe(view, account, &WORLD.settings.observations, &context));
        facts.map(|facts| facts.observations.len()).sum::<usize>()
    });
}

const EXAMPLES: usize = 20_000;
const FEATURES: usize = 30;
const BINS: usize = 12;

/// Numbers of which the first five decide the label, a tenth of them missing.
fn examples() -> (Table, Vec<bool>) {
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    let columns: Vec<Vec<f64>> = (0..FEATURES).map(|_| (0..EXAMPLES).map(|_| chance.random()).collect()).collect();
    let labels = (0..EXAMPLES).map(|row| {
        let score: f64 = columns[..5].iter().map(|column| 2.0 * column[row] - 1.0).sum();
        chance.random::<f64>() < sigmoid(score - 3.0)
    });
    let labels = labels.collect();
    let missing = |value: f64| if value < 0.1 { f64::NAN } else { value };
    let column = |(number, values): (usize, Vec<f64>)| {
        let name = format!("feature_{number:02}");
        let spec = Spec { label: name.clone(), name, unit: "share".into(), source: "usage".into(), window_days: 30 };
        Column::numbers(spec, values.into_iter().map(missing).collect())
    };
    (Table::new(columns.into_iter().enumerate().map(column).collect(), EXAMPLES), labels)
}

/// Quantile bins of one column, learned and applied.
#[divan::bench(sample_count = 50)]
fn bins_of_one_feature(bencher: Bencher) {
    let mut chance = ChaCha8Rng::seed_from_u64(2);
    let values = Values::Numbers((0..EXAMPLES).map(|_| chance.random()).collect());
    let rows: Vec<u32> = (0..EXAMPLES as u32).collect();
    bencher.counter(ItemsCount::new(EXAMPLES)).bench_local(|| Bins::learn(&values, &rows, BINS).encode(&values, &rows));
}

/// The scorecard's Newton solver from a cold start.
#[divan::bench(sample_count = 10)]
fn scorecard_fit(bencher: Bencher) {
    let (table, labels) = examples();
    let rows: Vec<u32> = (0..EXAMPLES as u32).collect();
    let encoded = Encoded::learn(&table.frame().columns, &rows, BINS);
    bencher.counter(ItemsCount::new(EXAMPLES)).bench_local(|| encoded.fit(&labels, 10.0).expect("it converges"));
}

/// Canonical text and SHA-256 of a night's audit records.
#[divan::bench(sample_count = 50)]
fn audit_chain(bencher: Bencher) {
    let entries: Vec<Entry> = (0..500).map(entry).collect();
    let counter = ItemsCount::new(entries.len());
    bencher.counter(counter).with_inputs(|| entries.clone()).bench_local_values(|e| audit::append(&Tail::default(), e));
}

fn entry(number: usize) -> Entry {
    let signals = r#"{"signal":"seat_utilization","weight":0.31,"confidence":0.72,"evidence":"88 of 100 seats, up 6 in 60 days."}"#;
    Entry {
        record_id: format!("evt-{number:016x}"),
        recommendation_id: format!("rec-{number:016x}"),
        event: Event::Created,
        event_at: Moment::start_of(Day::ymd(2026, 6, 30)),
        purpose: "expansion".into(),
        risk_class: "low".into(),
        data_categories: "usage,contracts,crm".into(),
        observations: format!("[{}]", [r#""obs-0123456789abcdef""#; 40].join(",")),
        signals: format!("[{}]", [signals; 6].join(",")),
        logic: format!(
            r#"{{"gates":["capacity","rest"],"scores":{{"fit":0.61,"timing":0.7}},"versions":{{"n":{number}}}}}"#
        ),
        model_ids: "churn/000001,upsell/000001".into(),
        job_hash: "0".repeat(64),
        input_manifest_hash: "1".repeat(64),
        approver: None,
        decided_at: None,
        decision: None,
        outcome: None,
        arr_delta: Some(12_000.0),
    }
}
