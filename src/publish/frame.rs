//! Rows of one output table on their way out: parts in the table's order, each shown a slice of columns at a time.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, take};
use std::sync::Arc;

use super::arrow_schema::arrow_schema;
use super::schema::TableSpec;

/// Rows per slice: its columns stay in the processor's cache, and long text cells far below Arrow's 2 GiB.
pub(super) const SLICE: usize = 8 * 1024;
/// The same where every row holds a page of text.
pub(super) const LONG_ROWS: usize = 1024;

/// Some rows of a table, column by column as its specification says; repeated texts as a dictionary.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub columns: Vec<ArrayRef>,
    pub rows: usize,
}

/// Shows a part's slices in their order to a visitor.
pub(super) type Show<'a> = Box<dyn Fn(&mut dyn FnMut(&Slice)) + Send + Sync + 'a>;

/// Rows of one output table before any check. Only a [`super::table::Table`] makes one, so its columns are right.
pub struct Frame<'a> {
    pub(super) spec: TableSpec,
    pub(super) parts: Vec<Show<'a>>,
}

impl Frame<'static> {
    pub(super) fn of(spec: TableSpec, slices: Vec<Slice>) -> Frame<'static> {
        Frame { spec, parts: vec![Box::new(move |visit| slices.iter().for_each(visit))] }
    }
}

impl Frame<'_> {
    /// The table's name.
    pub fn name(&self) -> &'static str {
        self.spec.name()
    }

    /// Shows every slice, in order.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&Slice)) {
        self.parts.iter().for_each(|show| show(visit));
    }

    /// The rows that `broken` names by their place in each slice.
    pub(super) fn select(&self, broken: impl Fn(&Slice) -> Vec<u32>) -> RecordBatch {
        let mut found = Vec::new();
        self.visit(&mut |slice| found.extend(slice.pick(&self.spec, broken(slice))));
        let schema = Arc::new(arrow_schema(&self.spec.nullable()));
        concat_batches(&schema, &found).expect("slices of one table have its columns")
    }
}

impl Slice {
    /// The rows of these places, in plain columns; `None` where there are none.
    pub(super) fn pick(&self, spec: &TableSpec, rows: Vec<u32>) -> Option<RecordBatch> {
        if rows.is_empty() {
            return None;
        }
        let schema = Arc::new(arrow_schema(&spec.nullable()));
        let rows = UInt32Array::from(rows);
        let columns = self.columns.iter().zip(schema.fields()).map(|(column, field)| {
            let taken = take(column, &rows, None).expect("places lie within the slice");
            cast(&taken, field.data_type()).expect("a dictionary holds values of the column's type")
        });
        Some(RecordBatch::try_new(schema.clone(), columns.collect()).expect("columns were made by the specification"))
    }
}
