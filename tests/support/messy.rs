//! A simulated world with everything in it that ties accounts together or belongs to none.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use foothold::extracts::contract::schema::{RECORDED_AT, Table};

use super::night::world;
use super::rewrite::rewritten;

/// A small world in which contacts move between accounts, ids are given twice, rows name accounts that nobody knows
/// or none at all, accounts have parents, and texts are longer than the job reads.
pub fn messy(accounts: usize, days: i32, seed: u64) -> String {
    let mut done = BTreeSet::new();
    rewritten(&world(accounts, days, seed), |table, path, rows| {
        let spoil = rows.num_rows() > 1 && done.insert(table.name().to_owned());
        vec![(path.to_owned(), if spoil { spoilt(table, &rows) } else { rows })]
    })
}

fn spoilt(table: &Table, rows: &RecordBatch) -> RecordBatch {
    if table.name() == "accounts" {
        return with_parents(rows);
    }
    if rows.column_by_name("account_id").is_none() {
        return rows.clone();
    }
    let ids = texts(rows, "account_id");
    let other = ids.iter().flatten().find(|id| Some(*id) != ids.iter().flatten().next()).map(str::to_owned);
    let first = take(rows, &[0, 1]);
    let mut parts = vec![
        rows.clone(),
        // The same keys at another account, and a little later, as someone who changed employers.
        with_texts(&first, "account_id", |_| other.clone()),
        later(&with_texts(&take(rows, &[rows.num_rows() as u32 / 2]), "account_id", |_| other.clone())),
        with_texts(&take(rows, &[2.min(rows.num_rows() as u32 - 1)]), "account_id", |_| Some("nobody".into())),
        with_texts(&take(rows, &[3.min(rows.num_rows() as u32 - 1)]), "account_id", |_| None),
        // A row that stands twice.
        take(rows, &[4.min(rows.num_rows() as u32 - 1)]),
    ];
    if rows.column_by_name("product_id").is_some() {
        parts.push(with_texts(&take(rows, &[0]), "product_id", |_| Some("zzz-of-one-account".into())));
    }
    concat_batches(&rows.schema(), &parts).expect("rows of one table")
}

/// Every third account belongs to the first; one belongs to nobody and is rejected.
fn with_parents(rows: &RecordBatch) -> RecordBatch {
    let ids = texts(rows, "account_id");
    let mut row = 0;
    with_texts(rows, "parent_account_id", |_| {
        row += 1;
        match row {
            2 => Some("nobody".to_owned()),
            n if n % 3 == 0 => Some(ids.value(0).to_owned()),
            _ => None,
        }
    })
}

fn take(rows: &RecordBatch, at: &[u32]) -> RecordBatch {
    take_record_batch(rows, &UInt32Array::from(at.to_vec())).expect("rows of the batch")
}

fn texts(rows: &RecordBatch, column: &str) -> StringArray {
    let column = rows.column_by_name(column).expect("a column");
    cast(column, &DataType::Utf8).expect("text").as_string::<i32>().clone()
}

fn with_texts(rows: &RecordBatch, column: &str, mut value: impl FnMut(Option<&str>) -> Option<String>) -> RecordBatch {
    let values: StringArray = texts(rows, column).iter().map(&mut value).collect();
    replaced(rows, column, std::sync::Arc::new(values))
}

fn later(rows: &RecordBatch) -> RecordBatch {
    let Some(recorded) = rows.column_by_name(RECORDED_AT) else { return rows.clone() };
    let moments = recorded.as_primitive::<TimestampMicrosecondType>();
    let moved: TimestampMicrosecondArray = moments.iter().map(|at| at.map(|at| at + 20 * 86_400_000_000)).collect();
    replaced(rows, RECORDED_AT, std::sync::Arc::new(moved.with_data_type(recorded.data_type().clone())))
}

fn replaced(rows: &RecordBatch, column: &str, values: ArrayRef) -> RecordBatch {
    let position = rows.schema().index_of(column).expect("a column");
    let schema = rows.schema();
    let field = schema.field(position);
    let mut columns = rows.columns().to_vec();
    let same = values.data_type() == field.data_type();
    columns[position] = if same { values } else { cast(&values, field.data_type()).expect("the column's own type") };
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    RecordBatch::try_new(std::sync::Arc::new(arrow::datatypes::Schema::new(fields)), columns).expect("a batch")
}
