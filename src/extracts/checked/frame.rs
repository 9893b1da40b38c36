//! A small table column by column: gathered from its files in the contract's types, and read out cell by cell into typed
//! rows.
//!
//! The two big tables never pass through here; see `usage_rows` and `feature_rows`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::identity;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray, UInt32Array};
use arrow::compute::{concat, take_record_batch};
use arrow::datatypes::{
    DataType, Date32Type, Field, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use foldhash::fast::FixedState;

use super::ids::Dictionaries;
use super::seen::Seen;
use crate::extracts::contract::convert::{self, Unfit};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::contract::rules;
use crate::extracts::contract::schema::{Column, Kind, Table};
use crate::vocabulary::{AccountIx, ContactIx, Day, MetricIx, Moment, ProductIx, Text, UserIx};

/// Frames by table.
pub type Frames = BTreeMap<InputTable, Frame>;

/// The rows of a table that passed every rule, in the table's order, with the days they were visible.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub seen: Vec<Seen>,
    pub data: RecordBatch,
}

/// Distinct texts beyond which a column must repeat them to share them.
const MANY: usize = 1024;

impl Frame {
    /// The rows of a table in their order, with the days they were visible; where that is the order in which they stand,
    /// nothing is moved. Columns that nothing asks for are left out.
    pub fn of_rows(table: &Table, data: &RecordBatch, rows: Vec<u32>, seen: Vec<Seen>) -> Result<Frame, ArrowError> {
        let asked = table.columns.iter().enumerate().filter(|(_, column)| !column.checked_only);
        let data = data.project(&asked.map(|(place, _)| place).collect::<Vec<usize>>())?;
        let in_place = rows.len() == data.num_rows() && rows.is_sorted();
        let data = if in_place { data } else { take_record_batch(&data, &UInt32Array::from(rows))? };
        Ok(Frame { seen, data })
    }

    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// A row per position for which `row` finds all it needs.
    pub fn rows<T>(&self, row: impl FnMut(usize) -> Option<T>) -> Vec<T> {
        // Nearly all of them do: room for more would stay as long as the rows.
        let mut rows = Vec::with_capacity(self.len());
        rows.extend((0..self.len()).filter_map(row));
        rows
    }

    /// Positions of the versions that nothing superseded.
    pub fn current(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|i| self.seen[*i].superseded == Day::MAX)
    }

    /// Text values; equal values share their memory where values are often equal.
    pub fn text(&self, column: &str) -> impl FnMut(usize) -> Option<Text> {
        let mut known: HashSet<Text, FixedState> = HashSet::default();
        let mut asked = 0_usize;
        self.mapped(column, move |value| {
            asked += 1;
            if known.len() > MANY && known.len() > asked / 2 {
                return Some(value.into());
            }
            if let Some(text) = known.get(value) {
                return Some(text.clone());
            }
            let text: Text = value.into();
            known.insert(text.clone());
            Some(text)
        })
    }

    /// The texts of a column that are there.
    pub fn texts<'a>(&'a self, column: &str) -> impl Iterator<Item = &'a str> {
        (0..self.len()).filter_map(text_cell(&self.data, column))
    }

    pub fn word<T: Clone>(&self, column: &str, parse: fn(&str) -> Option<T>) -> impl FnMut(usize) -> Option<T> {
        self.mapped(column, parse)
    }

    pub fn account(&self, column: &str, ids: &Dictionaries) -> impl FnMut(usize) -> Option<AccountIx> {
        self.mapped(column, |id| ids.accounts.get(id))
    }

    pub fn product(&self, column: &str, ids: &Dictionaries) -> impl FnMut(usize) -> Option<ProductIx> {
        self.mapped(column, |id| ids.products.get(id))
    }

    /// People of one account come in turn, so each is looked up once.
    pub fn contact(&self, column: &str, ids: &Dictionaries) -> impl FnMut(usize) -> Option<ContactIx> {
        let mut known: HashMap<&str, Option<ContactIx>, FixedState> = HashMap::default();
        self.mapped(column, move |id| *known.entry(id).or_insert_with(|| ids.contacts.get(id)))
    }

    pub fn metric(&self, column: &str, ids: &Dictionaries) -> impl FnMut(usize) -> Option<MetricIx> {
        self.mapped(column, |id| ids.metrics.get(id))
    }

    /// Users of the row's own account.
    pub fn user(&self, column: &str, ids: &Dictionaries) -> impl FnMut(usize) -> Option<UserIx> {
        let user = self.user_cell(column);
        move |row| user(row).and_then(|(account, user)| ids.users.get(account, user))
    }

    /// Account and user of each row that names a user.
    pub fn users<'a>(&'a self, column: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        (0..self.len()).filter_map(self.user_cell(column))
    }

    fn user_cell<'a>(&'a self, column: &str) -> impl Fn(usize) -> Option<(&'a str, &'a str)> + use<'a> {
        let (account, user) = (text_cell(&self.data, "account_id"), text_cell(&self.data, column));
        move |row| Some((account(row)?, user(row)?))
    }

    pub fn day(&self, column: &str) -> impl Fn(usize) -> Option<Day> {
        day_cell(&self.data, column)
    }

    pub fn moment(&self, column: &str) -> impl Fn(usize) -> Option<Moment> {
        moment_cell(&self.data, column)
    }

    pub fn int(&self, column: &str) -> impl Fn(usize) -> Option<i64> {
        int_cell(&self.data, column)
    }

    pub fn num(&self, column: &str) -> impl Fn(usize) -> Option<f64> {
        num_cell(&self.data, column)
    }

    pub fn flag(&self, column: &str) -> impl Fn(usize) -> Option<bool> {
        bool_cell(&self.data, column)
    }

    /// Cells by what they mean. Rows of one account stand together, so a value is often that of the row asked for before.
    fn mapped<'a, T: Clone>(
        &'a self,
        column: &str,
        mut map: impl FnMut(&'a str) -> Option<T>,
    ) -> impl FnMut(usize) -> Option<T> {
        let cell = text_cell(&self.data, column);
        let mut last: Option<(&'a str, Option<T>)> = None;
        move |row| {
            let value = cell(row)?;
            match &last {
                Some((known, result)) if *known == value => result.clone(),
                _ => {
                    let result = map(value);
                    last = Some((value, result.clone()));
                    result
                }
            }
        }
    }
}

/// A frame has every column of its contract in the contract's type from [`Gathered::add`] on, so a look-up cannot fail
/// but for a column that the contract does not know, which reads as nulls. The first of each pair reads single cells,
/// the second all of them.
macro_rules! cells {
    ($($cell:ident, $cells:ident: $method:ident $(<$kind:ty>)? -> $value:ty = $convert:expr;)*) => {$(
        pub fn $cell<'a>(data: &'a RecordBatch, column: &str) -> impl Fn(usize) -> Option<$value> + use<'a> {
            let typed = data.column_by_name(column).and_then(|array| array.$method$(::<$kind>)?());
            move |row| typed.filter(|typed| typed.is_valid(row)).map(|typed| $convert(typed.value(row)))
        }

        // Only the texts are borrowed from the frame.
        #[allow(clippy::needless_lifetimes, clippy::extra_unused_lifetimes)]
        pub fn $cells<'a>(data: &'a RecordBatch, column: &str) -> Vec<Option<$value>> {
            (0..data.num_rows()).map($cell(data, column)).collect()
        }
    )*};
}
cells! {
    day_cell, day_cells: as_primitive_opt<Date32Type> -> Day = Day;
    moment_cell, moment_cells: as_primitive_opt<TimestampMicrosecondType> -> Moment = Moment;
    int_cell, int_cells: as_primitive_opt<Int64Type> -> i64 = identity;
    num_cell, num_cells: as_primitive_opt<Float64Type> -> f64 = identity;
    bool_cell, bool_cells: as_boolean_opt -> bool = identity;
    text_cell, text_cells: as_string_view_opt -> &'a str = identity;
}

/// A value that does not fit its type, by row of the gathered frame.
pub struct RowFault {
    pub row: u32,
    pub column: &'static str,
    pub unfit: Unfit,
}

/// The rows of a table as they arrive, batch by batch.
#[derive(Default)]
pub struct Gathered {
    batches: Vec<Batch>,
}

/// One batch in the contract's types.
pub struct Batch {
    columns: Vec<ArrayRef>,
    rows: usize,
    file: u32,
    /// By row of the batch.
    faults: Vec<RowFault>,
    cut: BTreeMap<&'static str, u64>,
    /// Which rows are the part's own; `None` where all are.
    own: Option<BooleanArray>,
}

/// All rows of a table as delivered.
pub struct Delivered {
    pub data: RecordBatch,
    /// The file of each row.
    pub files: Vec<u32>,
    pub faults: Vec<RowFault>,
    /// Cells of the part's rows that were cut to the longest text, per column.
    pub cut: BTreeMap<&'static str, u64>,
}

impl Gathered {
    pub fn add(&mut self, batch: Batch) {
        self.batches.push(batch);
    }

    /// The batches as one, file by file; `freed` is told of each column whose parts are given up. Fails only where they
    /// outgrow what one array can hold.
    pub fn finish(mut self, table: &'static Table, freed: impl Fn(usize)) -> Result<Delivered, ArrowError> {
        // What a system writes is often in order already, and then nothing need be moved.
        self.batches.sort_by_key(|batch| batch.file);
        // A table of no rows has the contract's columns too.
        let nothing = Batch::of(table, 0, &RecordBatch::new_empty(Arc::new(Schema::empty())), 0, Part::WHOLE);
        let mut delivered =
            Delivered { data: nothing.batch(table)?, files: Vec::new(), faults: Vec::new(), cut: BTreeMap::new() };
        let mut waiting: Vec<_> =
            self.batches.iter_mut().map(|batch| std::mem::take(&mut batch.columns).into_iter()).collect();
        // The parts of a column are given up with it, so that no more than one column is held twice.
        let columns = nothing.columns.iter().map(|none| {
            let parts: Vec<ArrayRef> = waiting.iter_mut().filter_map(Iterator::next).chain([none.clone()]).collect();
            let column = concat(&parts.iter().map(|part| &**part).collect::<Vec<&dyn Array>>());
            let rows = parts.iter().map(|part| part.len()).sum();
            drop(parts);
            freed(rows);
            column
        });
        delivered.data = RecordBatch::try_new(delivered.data.schema(), columns.collect::<Result<_, _>>()?)?;
        for batch in self.batches {
            let offset = delivered.files.len() as u32;
            let faults = batch.faults.into_iter().map(|fault| RowFault { row: offset + fault.row, ..fault });
            delivered.faults.extend(faults);
            delivered.files.resize(delivered.files.len() + batch.rows, batch.file);
            batch.cut.into_iter().for_each(|(column, cells)| *delivered.cut.entry(column).or_default() += cells);
        }
        Ok(delivered)
    }
}

impl Batch {
    pub fn of(table: &'static Table, file: usize, batch: &RecordBatch, max_text: usize, part: Part) -> Batch {
        let (rows, own) = (batch.num_rows(), part.own_rows(table, batch));
        let (columns, faults, cut) = (Vec::with_capacity(table.columns.len()), Vec::new(), BTreeMap::new());
        let mut typed = Batch { columns, rows, file: file as u32, faults, cut, own };
        for column in &table.columns {
            let array = batch.column_by_name(column.name).cloned().unwrap_or_else(|| convert::absent(rows));
            let column = typed.column(column, &array, max_text);
            typed.columns.push(column);
        }
        typed
    }

    fn batch(&self, table: &Table) -> Result<RecordBatch, ArrowError> {
        let fields = table.columns.iter().map(|column| Field::new(column.name, held_as(column.kind), true));
        RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), self.columns.clone())
    }

    fn column(&mut self, column: &'static Column, array: &ArrayRef, max_text: usize) -> ArrayRef {
        match column.kind {
            Kind::Str => Arc::new(self.texts(column, array, max_text)),
            Kind::Date => Arc::new(self.keep_faults(column, convert::dates(array))),
            Kind::Ts => Arc::new(convert::moments(array)),
            Kind::Int => Arc::new(self.keep_faults(column, convert::ints(array))),
            Kind::Num => Arc::new(convert::nums(array)),
            Kind::Bool => Arc::new(convert::bools(array)),
        }
    }

    /// Blank optional text is no value; long text that is not an id is cut.
    fn texts(&mut self, column: &'static Column, array: &ArrayRef, max_text: usize) -> StringViewArray {
        let texts = convert::text_views(array);
        let blank = |text: &str| !column.required && rules::is_blank(text);
        let long = |text: &str| !column.is_id && text.len() > max_text;
        if !texts.iter().flatten().any(|text| blank(text) || long(text)) {
            return texts;
        }
        let mut cut = 0;
        let cells = texts.iter().enumerate().map(|(row, cell)| {
            let cell = cell.filter(|text| !blank(text))?;
            cut += u64::from(long(cell) && self.own.as_ref().is_none_or(|own| own.value(row)));
            Some(if long(cell) { &cell[..cell.floor_char_boundary(max_text)] } else { cell })
        });
        let kept = cells.collect();
        if cut > 0 {
            *self.cut.entry(column.name).or_default() += cut;
        }
        kept
    }

    fn keep_faults<T>(&mut self, column: &'static Column, converted: convert::Converted<T>) -> T {
        let place = |unfit: Unfit| RowFault { row: unfit.row as u32, column: column.name, unfit };
        self.faults.extend(converted.faults.into_iter().map(place));
        converted.values
    }
}

/// The type in which a frame holds a column; texts as views, which are moved without their bytes.
fn held_as(kind: Kind) -> DataType {
    match kind {
        Kind::Str => DataType::Utf8View,
        Kind::Date => DataType::Date32,
        Kind::Ts => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::Int => DataType::Int64,
        Kind::Num => DataType::Float64,
        Kind::Bool => DataType::Boolean,
    }
}
