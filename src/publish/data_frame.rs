//! A published table as a Polars frame: for programs that are built on this library and join, group and filter what a
//! run says.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use polars::prelude::{self as frames, Column, DataFrame, IntoColumn, NamedFrom, Series};

use super::Error;
use super::manifest::Manifest;
use super::reader::{self, Rows};
use crate::store::Store;

/// All rows of a table of a run, under the column names and in the order of the contract; no rows and no columns where
/// the run had no such table. Days are of type `Date`, moments `Datetime` in microseconds of UTC without a zone.
///
/// # Errors
/// [`Error::Store`] when the store fails, [`Error::Altered`] where the object is not what the run wrote.
///
/// ```no_run
/// use foothold::publish::{data_frame, manifest::Manifest};
/// use foothold::store::Store;
/// use polars::prelude::*;
///
/// /// What was recommended for accounts in the red.
/// fn saves(output: &Store, run: &Manifest) -> Result<DataFrame, Box<dyn std::error::Error>> {
///     let recommended = data_frame::read(output, run, "recommendations")?;
///     let health = data_frame::read(output, run, "account_health")?;
///     let red = health.filter(&health.column("color")?.str()?.equal("red"))?;
///     Ok(recommended.join(&red, ["account_id"], ["account_id"], JoinArgs::new(JoinType::Semi), None)?)
/// }
/// ```
pub fn read(store: &Store, manifest: &Manifest, table: &str) -> Result<DataFrame, Error> {
    let rows = reader::table(store, manifest, table)?;
    let altered = || Error::Altered { path: format!("{} of {}", table, manifest.run_id) };
    of_rows(&rows).ok_or_else(altered)
}

fn of_rows(rows: &Rows) -> Option<DataFrame> {
    let mut whole: Option<DataFrame> = None;
    for batch in rows.batches() {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns()).map(|(field, cells)| column(field.name(), cells));
        let frame = DataFrame::new(batch.num_rows(), columns.collect::<Option<_>>()?).ok()?;
        match &mut whole {
            Some(whole) => drop(whole.vstack_mut(&frame).ok()?),
            None => whole = Some(frame),
        }
    }
    Some(whole.unwrap_or_default())
}

/// `None` for a type that no published table has.
fn column(name: &str, array: &ArrayRef) -> Option<Column> {
    let name = || name.into();
    let series = match array.data_type() {
        DataType::Utf8 => Series::new(name(), array.as_string::<i32>().iter().collect::<Vec<_>>()),
        DataType::Boolean => Series::new(name(), array.as_boolean().iter().collect::<Vec<_>>()),
        DataType::Int64 => Series::new(name(), array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>()),
        DataType::Float64 => Series::new(name(), array.as_primitive::<Float64Type>().iter().collect::<Vec<_>>()),
        DataType::Date32 => {
            let days = Series::new(name(), array.as_primitive::<Date32Type>().iter().collect::<Vec<_>>());
            days.cast(&frames::DataType::Date).ok()?
        }
        DataType::Timestamp(..) => {
            let moments = array.as_primitive::<TimestampMicrosecondType>().iter().collect::<Vec<_>>();
            let kind = frames::DataType::Datetime(frames::TimeUnit::Microseconds, None);
            Series::new(name(), moments).cast(&kind).ok()?
        }
        _ => return None,
    };
    Some(series.into_column())
}
