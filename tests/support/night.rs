//! Whole nights on small worlds in memory, and what they published, ready to compare.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use foothold::job::{Job, Overrides};
use foothold::pipeline::nightly;
use foothold::pipeline::summary::Night;
use foothold::pipeline::{Error, Host};
use foothold::publish::manifest::{self, Manifest};
use foothold::simulate::{Params, write};
use foothold::store::{Access, Store};
use foothold::vocabulary::{Day, Moment};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A machine whose clock moves by a second whenever it is read.
pub struct Quiet {
    clock: AtomicI64,
}

impl Quiet {
    pub fn at(start: i64) -> Quiet {
        Quiet { clock: AtomicI64::new(start) }
    }
}

impl Host for Quiet {
    fn now(&self) -> Moment {
        Moment(self.clock.fetch_add(1_000_000, Ordering::SeqCst))
    }
    fn begin(&self, _: &str) {}
    fn end(&self, _: &str, _: f64) {}
    fn warn(&self, _: &str) {}
    fn interrupted(&self) -> bool {
        false
    }
    fn peak_memory_bytes(&self) -> Option<u64> {
        None
    }
}

/// A URL in memory that nobody else uses.
pub fn fresh_url() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("memory://night-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

pub fn store(url: &str) -> Store {
    Store::open(url, &Access::default()).expect("a store in memory")
}

/// A simulated world; returns where it stands.
pub fn world(accounts: usize, days: i32, seed: u64) -> String {
    let url = fresh_url();
    let params = Params::new(accounts, days, seed).expect("parameters of a small world");
    write(&params, &store(&url), &mut |_, _| {}).expect("a world in memory");
    url
}

/// A job on such a world that trains nothing.
pub fn job(extracts: &str, output: &str) -> Job {
    let text = format!(
        "version = 1\n[extracts]\nurl = \"{extracts}\"\n[output]\nurl = \"{output}\"\n[models]\ntrain_if_missing = false\n"
    );
    let job = Job::parse("test job", &text, &Overrides::default(), Path::new("."));
    job.unwrap_or_else(|problems| panic!("{problems}"))
}

/// Runs a night; returns what it tells and where it published.
pub fn night(extracts: &str, as_of: Day) -> (Night, String) {
    let output = fresh_url();
    let night = try_night(extracts, &output, as_of).unwrap_or_else(|e| panic!("{e}"));
    (night, output)
}

pub fn try_night(extracts: &str, output: &str, as_of: Day) -> Result<Night, Error> {
    nightly::run(&job(extracts, output), as_of, &Access::default(), &Quiet::at(1_700_000_000_000_000))
}

/// The newest manifest of a day.
pub fn manifest(output: &str, as_of: Day) -> Manifest {
    let store = store(output);
    let slot = manifest::newest(&store, as_of).expect("the store answers").expect("a manifest");
    manifest::read_path(&store, &slot.path()).expect("it can be read")
}

/// A published table, without the columns named in `without`.
pub fn table(output: &str, as_of: Day, table: &str, without: &[&str]) -> Vec<RecordBatch> {
    let path = format!("tables/{table}/dt={as_of}/{table}.parquet");
    let content = store(output).get(&path).expect("the table is published");
    let reader = ParquetRecordBatchReaderBuilder::try_new(content).expect("Parquet").build().expect("a reader");
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().expect("rows");
    batches.into_iter().map(|batch| drop_columns(batch, without)).collect()
}

fn drop_columns(batch: RecordBatch, without: &[&str]) -> RecordBatch {
    let kept: Vec<usize> =
        (0..batch.num_columns()).filter(|at| !without.contains(&batch.schema().field(*at).name().as_str())).collect();
    batch.project(&kept).expect("columns of the batch")
}

/// Columns that tell of the run and its files rather than of the world.
const OF_THE_RUN: [&str; 5] = ["run_id", "input_manifest_hash", "previous_hash", "hash", "source_file"];

/// Every published table but `runs`, for comparison: rows without what tells of the run itself.
pub fn tables(output: &str, as_of: Day) -> BTreeMap<String, Vec<RecordBatch>> {
    let names = manifest(output, as_of).tables.into_iter().map(|output| output.name);
    names.filter(|name| name != "runs").map(|name| (name.clone(), table(output, as_of, &name, &OF_THE_RUN))).collect()
}

/// Fails with the first table that differs.
pub fn assert_same(left: &BTreeMap<String, Vec<RecordBatch>>, right: &BTreeMap<String, Vec<RecordBatch>>) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, rows) in left {
        if rows == &right[name] {
            continue;
        }
        let (mine, theirs) = (lines(rows), lines(&right[name]));
        let differing = mine.iter().zip(&theirs).find(|(a, b)| a != b);
        panic!("{name} differs: {} rows against {}; first difference: {differing:#?}", mine.len(), theirs.len());
    }
}

/// Rows as text, for messages.
fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        for at in 0..batch.num_rows() {
            lines.push(format!("{:?}", batch.slice(at, 1).columns()));
        }
    }
    lines
}
