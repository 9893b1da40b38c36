//! Delivered types → the contract's types, without loss: what converts for every value is a matter of the schema,
//! what converts for some values is a matter of the row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, StringViewArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use arrow::record_batch::RecordBatch;

use super::schema::Kind;

/// Whether values of `found` can become `kind`: silently, with a note that says how, or not at all with advice.
pub(in crate::extracts) fn acceptance(kind: Kind, found: &DataType) -> Result<Option<String>, String> {
    use DataType as T;
    if *found == T::Null {
        return Ok(Some("holds only nulls, and its type is not stated".into()));
    }
    if let T::Dictionary(_, values) = found {
        return acceptance(kind, values);
    }
    let note = |how: &str| Ok(Some(format!("read as {} from {}{how}", kind.as_str(), type_name(found))));
    match (kind, found) {
        (Kind::Str, T::Utf8 | T::LargeUtf8 | T::Utf8View) => Ok(None),
        (Kind::Str, found) if is_bytes(found) => note(", where it is UTF-8"),
        (Kind::Date, T::Date32) => Ok(None),
        (Kind::Date, T::Date64 | T::Timestamp(..)) => note(", where it is midnight (UTC)"),
        (Kind::Ts, T::Timestamp(..)) => Ok(None),
        (Kind::Ts, T::Date32 | T::Date64) => note(", at midnight (UTC)"),
        (Kind::Int | Kind::Num, t) if t.is_integer() => Ok(None),
        (Kind::Int, t) if t.is_floating() || is_decimal(t) => note(", where it is whole"),
        (Kind::Num, t) if t.is_floating() => Ok(None),
        (Kind::Num, t) if is_decimal(t) => note(""),
        (Kind::Bool, T::Boolean) => Ok(None),
        _ => Err(advice(kind)),
    }
}

fn advice(kind: Kind) -> String {
    let form = match kind {
        Kind::Str => "text (UTF-8)",
        Kind::Date => "a Parquet DATE",
        Kind::Ts => "a Parquet TIMESTAMP",
        Kind::Int => "an integer",
        Kind::Num => "a float or an integer",
        Kind::Bool => "a Parquet BOOLEAN",
    };
    format!("write the column as {form}")
}

fn is_decimal(found: &DataType) -> bool {
    use DataType as T;
    matches!(found, T::Decimal32(..) | T::Decimal64(..) | T::Decimal128(..) | T::Decimal256(..))
}

/// A type as people name it.
pub(in crate::extracts) fn type_name(found: &DataType) -> String {
    use DataType as T;
    match found {
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "text (Utf8)".into(),
        T::Timestamp(unit, zone) => {
            let zone = zone.as_deref().map(|zone| format!(", {zone}")).unwrap_or_default();
            format!("timestamp ({}{zone})", unit_name(*unit))
        }
        T::Dictionary(_, values) => format!("dictionary of {}", type_name(values)),
        T::Struct(_) | T::List(_) | T::LargeList(_) | T::Map(..) => "a nested type".into(),
        other => other.to_string(),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "µs",
        TimeUnit::Nanosecond => "ns",
    }
}

/// A column in the contract's type, and the rows whose value did not convert.
pub(in crate::extracts) struct Converted<T> {
    pub values: T,
    pub faults: Vec<Unfit>,
}

/// A value that does not fit its column's type without loss.
#[derive(Clone, Debug)]
pub(in crate::extracts) struct Unfit {
    pub row: usize,
    pub rule: &'static str,
    pub value: String,
}

impl<T> Converted<T> {
    fn clean(values: T) -> Self {
        Converted { values, faults: Vec::new() }
    }
}

pub(super) const WHOLE_DAY: &str = "must be a day, without a time";
pub(super) const WHOLE_NUMBER: &str = "must be a whole number of 64 bits";

/// The batch with text columns that came as plain bytes made into text, or the column and row that are not UTF-8.
///
/// Parquet's reader checks only what the file declares as text, so these bytes must be checked here.
pub(in crate::extracts) fn bytes_as_text(batch: RecordBatch) -> Result<RecordBatch, (String, usize)> {
    if !batch.columns().iter().any(|column| is_bytes(column.data_type())) {
        return Ok(batch);
    }
    let (schema, columns, _) = batch.into_parts();
    let mut fields = Vec::with_capacity(columns.len());
    let mut texts = Vec::with_capacity(columns.len());
    for (field, column) in schema.fields().iter().zip(columns) {
        let text = if is_bytes(column.data_type()) {
            Arc::new(utf8(&column).map_err(|row| (field.name().clone(), row))?)
        } else {
            column
        };
        fields.push(field.as_ref().clone().with_data_type(text.data_type().clone()));
        texts.push(text);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), texts).map_err(|_| (String::new(), 0))
}

/// Bytes as UTF-8, or the first row that is none.
fn utf8(column: &ArrayRef) -> Result<StringArray, usize> {
    let bytes = recast(column, &DataType::Binary);
    let cells = bytes.as_binary::<i32>().iter().enumerate();
    cells.map(|(row, cell)| cell.map(std::str::from_utf8).transpose().map_err(|_| row)).collect()
}

pub(in crate::extracts) fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => is_text(values),
        found => matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

fn is_bytes(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => is_bytes(values),
        found => matches!(found, DataType::Binary | DataType::LargeBinary | DataType::BinaryView),
    }
}

/// Text as Utf8.
pub(in crate::extracts) fn text(array: &ArrayRef) -> StringArray {
    let array = if *array.data_type() == DataType::Utf8 { array.clone() } else { recast(array, &DataType::Utf8) };
    array.as_string::<i32>().clone()
}

/// Text as views, which share the bytes of a file's dictionary instead of repeating them row by row.
pub(in crate::extracts) fn text_views(array: &ArrayRef) -> StringViewArray {
    match array.as_string_view_opt() {
        Some(views) => views.clone(),
        None => StringViewArray::from(&text(array)),
    }
}

pub(in crate::extracts) fn bools(array: &ArrayRef) -> BooleanArray {
    recast(array, &DataType::Boolean).as_boolean().clone()
}

/// Numbers as they are; whether they are finite is a rule of the row.
pub(in crate::extracts) fn nums(array: &ArrayRef) -> Float64Array {
    recast(array, &DataType::Float64).as_primitive::<Float64Type>().clone()
}

pub(in crate::extracts) fn ints(array: &ArrayRef) -> Converted<Int64Array> {
    let array = unpacked(array);
    match array.data_type() {
        DataType::UInt64 => {
            let source = array.as_primitive::<UInt64Type>();
            whole(source.iter().map(|v| v.map(|v| (i64::try_from(v).ok(), v.to_string()))))
        }
        t if t.is_integer() || *t == DataType::Null => {
            Converted::clean(recast(&array, &DataType::Int64).as_primitive::<Int64Type>().clone())
        }
        _ => whole(nums(&array).iter().map(|v| v.map(|v| (whole_float(v), v.to_string())))),
    }
}

/// Beyond 2^53 a float no longer tells neighbouring integers apart.
fn whole_float(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

fn whole(values: impl Iterator<Item = Option<(Option<i64>, String)>>) -> Converted<Int64Array> {
    let mut faults = Vec::new();
    let values = values.enumerate().map(|(row, value)| {
        let (whole, shown) = value?;
        if whole.is_none() {
            faults.push(Unfit { row, rule: WHOLE_NUMBER, value: shown });
        }
        whole
    });
    let values = values.collect::<Int64Array>();
    Converted { values, faults }
}

pub(in crate::extracts) fn dates(array: &ArrayRef) -> Converted<Date32Array> {
    let array = unpacked(array);
    if matches!(array.data_type(), DataType::Date32 | DataType::Null) {
        return Converted::clean(recast(&array, &DataType::Date32).as_primitive::<Date32Type>().clone());
    }
    let (ticks, per_day) = ticks(&array);
    let mut faults = Vec::new();
    let days = ticks.iter().enumerate().map(|(row, tick)| {
        let tick = (*tick)?;
        if tick.rem_euclid(per_day) != 0 {
            let micros =
                (i128::from(tick) * 86_400_000_000 / i128::from(per_day)).clamp(i64::MIN.into(), i64::MAX.into());
            let value = crate::vocabulary::Moment(micros as i64).to_string();
            faults.push(Unfit { row, rule: WHOLE_DAY, value });
        }
        Some(tick.div_euclid(per_day).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32)
    });
    let values = days.collect::<Date32Array>();
    Converted { values, faults }
}

/// Microseconds (UTC); what lies beyond their range is held to its ends, where no plausible moment is.
pub(in crate::extracts) fn moments(array: &ArrayRef) -> TimestampMicrosecondArray {
    let array = unpacked(array);
    if let Some(micros) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        return micros.clone().with_timezone_opt(None::<&str>);
    }
    let scaled = |value: i64, numerator: i64, denominator: i64| {
        let micros = i128::from(value) * i128::from(numerator);
        micros.div_euclid(i128::from(denominator)).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    };
    if *array.data_type() == DataType::Date32 {
        let days = array.as_primitive::<Date32Type>();
        return days.iter().map(|day| day.map(|day| scaled(day.into(), 86_400_000_000, 1))).collect();
    }
    let (ticks, per_day) = ticks(&array);
    ticks.into_iter().map(|tick| tick.map(|tick| scaled(tick, 86_400_000_000, per_day))).collect()
}

/// Raw counts of a Date64 or timestamp column, and how many make a day.
fn ticks(array: &ArrayRef) -> (Vec<Option<i64>>, i64) {
    const SECONDS: i64 = 86_400;
    match array.data_type() {
        DataType::Date64 => (array.as_primitive::<Date64Type>().iter().collect(), SECONDS * 1_000),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().iter().collect(), SECONDS),
            TimeUnit::Millisecond => {
                (array.as_primitive::<TimestampMillisecondType>().iter().collect(), SECONDS * 1_000)
            }
            TimeUnit::Microsecond => {
                (array.as_primitive::<TimestampMicrosecondType>().iter().collect(), SECONDS * 1_000_000)
            }
            TimeUnit::Nanosecond => {
                (array.as_primitive::<TimestampNanosecondType>().iter().collect(), SECONDS * 1_000_000_000)
            }
        },
        _ => (vec![None; array.len()], SECONDS),
    }
}

/// A dictionary's values in row order; anything else as it is.
fn unpacked(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Dictionary(_, values) => recast(array, values),
        _ => array.clone(),
    }
}

/// Arrow's cast; [`acceptance`] let only types through for which it is defined.
fn recast(array: &ArrayRef, to: &DataType) -> ArrayRef {
    cast(array, to).unwrap_or_else(|_| new_null_array(to, array.len()))
}

/// A column that the file does not have.
pub(in crate::extracts) fn absent(rows: usize) -> ArrayRef {
    Arc::new(arrow::array::NullArray::new(rows))
}
