//! Whether the rows of a table stand in its order, each key once. Rows in order need no memory of those before the last.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, DynComparator, RecordBatch, make_comparator};
use arrow::compute::SortOptions;

use super::frame::Slice;
use super::schema::TableSpec;

/// The rows of a stretch of a table, as they follow one another.
#[derive(Default)]
pub(super) struct Sequence {
    /// Its first and its last row, one row each.
    ends: Option<(RecordBatch, RecordBatch)>,
    /// The first row found to stand behind one that it belongs before.
    pub astray: Option<RecordBatch>,
    /// Some row has the key of the one before.
    pub repeated: bool,
}

impl Sequence {
    /// How the rows of one slice stand.
    pub fn of(spec: &TableSpec, slice: &Slice) -> Sequence {
        let row = |row: usize| slice.pick(spec, vec![row as u32]);
        let ends = slice.rows.checked_sub(1).and_then(|last| row(0).zip(row(last)));
        let mut found = Sequence { ends, ..Sequence::default() };
        for (row, step) in steps(spec, slice) {
            found.see(spec, step, || slice.pick(spec, vec![row as u32]));
        }
        found
    }

    /// These rows, then those.
    pub fn then(&mut self, spec: &TableSpec, next: Sequence) {
        if let (Some((_, before)), Some((after, _))) = (&self.ends, &next.ends) {
            let step = compare(spec, before, after);
            self.see(spec, step, || Some(after.clone()));
        }
        self.astray = self.astray.take().or(next.astray);
        self.repeated |= next.repeated;
        self.ends = match (self.ends.take(), next.ends) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (one, other) => one.or(other),
        };
    }

    fn see(&mut self, spec: &TableSpec, step: Ordering, row: impl FnOnce() -> Option<RecordBatch>) {
        if step.is_gt() && self.astray.is_none() {
            self.astray = row();
        }
        self.repeated |= step.is_eq() && !spec.key.is_empty();
    }
}

/// The rule that a row astray breaks, in words.
pub(super) fn ordered(spec: &TableSpec) -> String {
    format!("rows must stand by ({})", spec.order().join(", "))
}

/// How each row but the first compares to the one that it follows.
fn steps(spec: &TableSpec, slice: &Slice) -> impl Iterator<Item = (usize, Ordering)> {
    let by: Vec<DynComparator> =
        ordering(spec).map(|column| comparator(&slice.columns[column], &slice.columns[column])).collect();
    (1..slice.rows).map(move |row| (row, first_difference(&by, row - 1, row)))
}

fn compare(spec: &TableSpec, one: &RecordBatch, other: &RecordBatch) -> Ordering {
    let by: Vec<DynComparator> = ordering(spec).map(|c| comparator(one.column(c), other.column(c))).collect();
    first_difference(&by, 0, 0)
}

fn first_difference(by: &[DynComparator], one: usize, other: usize) -> Ordering {
    by.iter().map(|compare| compare(one, other)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The columns that order the rows, by position.
fn ordering(spec: &TableSpec) -> impl Iterator<Item = usize> {
    spec.order().into_iter().filter_map(|name| spec.columns.iter().position(|column| column.name == name))
}

/// Nulls first.
fn comparator(one: &ArrayRef, other: &ArrayRef) -> DynComparator {
    make_comparator(one as &dyn Array, other as &dyn Array, SortOptions::default())
        .expect("columns of one type and of the six kinds compare")
}
