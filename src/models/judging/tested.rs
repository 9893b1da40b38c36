//! The test rows of a model, kept beside it: what it said of them before it had seen them, and what happened.
//!
//! With them two versions are compared on the rows that both were tested on, years after either was trained. Accounts
//! stand as hashes: the file says nothing about who they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::learners::measuring::bootstrap::{Paired, Resampling, paired};
use crate::learners::measuring::evaluate::{Metrics, metrics};
use crate::models::examples::rows::{Examples, Tested};
use crate::vocabulary::{Day, Text};

/// The object's name beside the model.
pub const OBJECT: &str = "tested.parquet";

/// One row of the test days.
#[derive(Clone, Debug, PartialEq)]
pub struct TestRow {
    pub account_hash: u64,
    pub day: Day,
    /// For models over several products.
    pub product: Option<Text>,
    pub segment: Option<Text>,
    pub happened: bool,
    /// Of the model fitted on the training days alone.
    pub probability: f64,
    /// Of the rule to beat.
    pub baseline: f64,
}

/// By day, product and account.
pub fn rows(examples: &Examples, tested: &[Tested]) -> Vec<TestRow> {
    let word = |feature: &str, row: u32| examples.frame.find(feature)?.values.word(row as usize).cloned();
    let row = |test: &Tested| {
        let (at, row) = (test.position as usize, examples.rows[test.position as usize]);
        TestRow {
            account_hash: examples.account_hashes[at],
            day: examples.days[at],
            product: word("purchases.product", row),
            segment: word("account.segment", row),
            happened: examples.labels[at],
            probability: test.probability,
            baseline: test.baseline,
        }
    };
    let mut rows: Vec<TestRow> = tested.iter().map(row).collect();
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    rows
}

impl TestRow {
    fn key(&self) -> (Day, Option<&Text>, u64) {
        (self.day, self.product.as_ref(), self.account_hash)
    }
}

/// The rows as a Parquet file.
pub fn to_parquet(rows: &[TestRow]) -> Bytes {
    let text = |of: fn(&TestRow) -> Option<&Text>| {
        Arc::new(rows.iter().map(|row| of(row).map(|text| &**text)).collect::<StringArray>())
    };
    let number = |of: fn(&TestRow) -> f64| Arc::new(rows.iter().map(|row| Some(of(row))).collect::<Float64Array>());
    let hashes: Int64Array = rows.iter().map(|row| Some(row.account_hash.cast_signed())).collect();
    let days: Date32Array = rows.iter().map(|row| Some(row.day.0)).collect();
    let happened: BooleanArray = rows.iter().map(|row| Some(row.happened)).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("account_hash", Arc::new(hashes) as Arc<dyn Array>, false),
        ("snapshot_day", Arc::new(days), false),
        ("product_id", text(|row| row.product.as_ref()), true),
        ("segment", text(|row| row.segment.as_ref()), true),
        ("happened", Arc::new(happened), false),
        ("probability", number(|row| row.probability), false),
        ("baseline", number(|row| row.baseline), false),
    ])
    .expect("columns of equal length and distinct names");
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a plain schema");
    writer.write(&batch).expect("memory takes every write");
    writer.into_inner().expect("memory takes every write").into()
}

/// Reads the rows back; the error says what is wrong with the file.
pub fn from_parquet(content: Bytes) -> Result<Vec<TestRow>, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(content).and_then(|reader| reader.build());
    let mut rows = Vec::new();
    for batch in reader.map_err(|e| e.to_string())? {
        let batch = batch.map_err(|e| e.to_string())?;
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("no column `{name}`"));
        let unfit = |name: &str| format!("column `{name}` has another type");
        let (hashes, days) = (column("account_hash")?, column("snapshot_day")?);
        let hashes = hashes.as_primitive_opt::<Int64Type>().ok_or_else(|| unfit("account_hash"))?;
        let days = days.as_primitive_opt::<Date32Type>().ok_or_else(|| unfit("snapshot_day"))?;
        let products = column("product_id")?.as_string_opt::<i32>().ok_or_else(|| unfit("product_id"))?;
        let segments = column("segment")?.as_string_opt::<i32>().ok_or_else(|| unfit("segment"))?;
        let happened = column("happened")?.as_boolean_opt().ok_or_else(|| unfit("happened"))?;
        let number = |name: &'static str| column(name)?.as_primitive_opt::<Float64Type>().ok_or_else(|| unfit(name));
        let (probabilities, baselines) = (number("probability")?, number("baseline")?);
        let text = |column: &StringArray, at: usize| column.is_valid(at).then(|| column.value(at).into());
        rows.extend((0..batch.num_rows()).map(|at| TestRow {
            account_hash: hashes.value(at).cast_unsigned(),
            day: Day(days.value(at)),
            product: text(products, at),
            segment: text(segments, at),
            happened: happened.value(at),
            probability: probabilities.value(at),
            baseline: baselines.value(at),
        }));
    }
    Ok(rows)
}

/// Two versions on the rows that both were tested on.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    pub rows: usize,
    /// Rows on which only one of the two was tested.
    pub only_new: usize,
    pub only_old: usize,
    /// Rows that one training labelled otherwise than the other, because records came late; not compared.
    pub relabelled: usize,
    pub first_day: Option<Day>,
    pub last_day: Option<Day>,
    pub new: Option<Metrics>,
    pub old: Option<Metrics>,
    /// New − old; `None` where the common rows hold too few of either outcome.
    pub difference: Option<Paired>,
}

/// Compares test rows of two versions of one slot.
pub fn compare(new: &[TestRow], old: &[TestRow], by: Resampling) -> Comparison {
    let known: BTreeMap<_, &TestRow> = old.iter().map(|row| (row.key(), row)).collect();
    let common: Vec<(&TestRow, &TestRow)> = new.iter().filter_map(|row| Some((row, *known.get(&row.key())?))).collect();
    let agreed: Vec<(&TestRow, &TestRow)> =
        common.iter().copied().filter(|(new, old)| new.happened == old.happened).collect();
    let labels: Vec<bool> = agreed.iter().map(|(row, _)| row.happened).collect();
    let accounts: Vec<u64> = agreed.iter().map(|(row, _)| row.account_hash).collect();
    let (mine, theirs): (Vec<f64>, Vec<f64>) =
        agreed.iter().map(|(new, old)| (new.probability, old.probability)).unzip();
    Comparison {
        rows: agreed.len(),
        only_new: new.len() - common.len(),
        only_old: old.len() - common.len(),
        relabelled: common.len() - agreed.len(),
        first_day: agreed.iter().map(|(row, _)| row.day).min(),
        last_day: agreed.iter().map(|(row, _)| row.day).max(),
        new: metrics(&mine, &labels),
        old: metrics(&theirs, &labels),
        difference: paired(&mine, &theirs, &labels, &accounts, by),
    }
}
