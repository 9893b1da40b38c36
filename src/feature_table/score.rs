//! A saved model applied to a table: one probability per row, and the contributions that add up to its log-odds.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;

use super::cells::Cells;
use super::model::{Column, TableModel};
use super::profile::{Kind, NUMBER_SHARE};
use super::{Error, TableFile, hint};
use crate::learners::columns::bins::{Bins, MISSING};
use crate::statistics::sigmoid;
use crate::wording;

/// How scores are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Parquet,
    Csv,
}

/// How a table is scored.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The column that names the row; the model's own where it is left out.
    pub id: Option<&'a str>,
    /// Contributions that each row names.
    pub drivers: usize,
    /// Whether columns in another order than the training's are matched by their names rather than refused.
    pub any_order: bool,
    pub format: Format,
}

/// What a scoring run has done.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    pub model_id: String,
    pub rows: usize,
    pub mean_probability: f64,
}

/// One scored row.
struct Scored {
    base: f64,
    log_odds: f64,
    /// Places of the strongest contributions with what they are, strongest first.
    drivers: Vec<(usize, f64)>,
    other: f64,
}

/// Scores every row and writes id, probability, log-odds and the `drivers` strongest contributions of each.
///
/// base_log_odds + Σ driver contributions + other_contributions = log_odds.
pub fn write<W: Write + Send>(file: &TableFile, model: &TableModel, plan: Plan, out: W) -> Result<Summary, Error> {
    let Plan { drivers, format, .. } = plan;
    let id = plan.id.or(model.id.as_deref());
    let names: Vec<&str> = model.columns.iter().map(|column| column.name.as_str()).chain(id).collect();
    check_columns(file, model, id)?;
    if !plan.any_order {
        check_order(file, model)?;
    }
    let schema = schema(id, drivers);
    let mut sink = Sink::of(out, format, &schema).map_err(|e| file.unfit(e))?;
    let (mut rows, mut sum) = (0, 0.0);
    let labels = model.names();
    file.scan(&names, &mut |batch| {
        let codes = codes(file, model, batch)?;
        let n = batch.first().map_or(0, Cells::len);
        let scored: Vec<Scored> = (0..n).into_par_iter().map(|row| score(model, &codes, row, drivers)).collect();
        sum += scored.iter().map(|scored| sigmoid(scored.log_odds)).sum::<f64>();
        let ids = (0..n).map(|row| match id {
            Some(_) => batch[names.len() - 1].text(row),
            None => Some((rows + row + 1).to_string()),
        });
        let ids: StringArray = ids.collect();
        rows += n;
        let told = told(&schema, ids, &scored, &labels, batch, drivers);
        sink.write(&told).map_err(|e| file.unfit(e))
    })?;
    sink.close().map_err(|e| file.unfit(e))?;
    Ok(Summary { model_id: model.model_id.clone(), rows, mean_probability: sum / rows.max(1) as f64 })
}

/// Columns that one message names.
const NAMED: usize = 5;

fn check_columns(file: &TableFile, model: &TableModel, id: Option<&str>) -> Result<(), Error> {
    let absent = |name: &&str| !file.columns.iter().any(|column| column == name);
    let needed = model.columns.iter().map(|column| column.name.as_str()).chain(id);
    let missing: Vec<&str> = needed.filter(absent).collect();
    let Some((name, others)) = missing.split_first() else { return Ok(()) };
    let others: Vec<String> = others.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = missing.len() - 1 - others.len();
    let others = match (others.as_slice(), more) {
        ([], _) => String::new(),
        (others, 0) => format!("; nor {}", wording::list(others)),
        (others, more) => format!("; nor {} and {more} more", others.join(", ")),
    };
    let (id, hint) = (&model.model_id, hint(name, &file.columns));
    Err(file.column(name, format!("the model `{id}` reads it, but the table has no such column{hint}{others}")))
}

/// Columns are matched by name, so another order scores the same; but a table that was put together otherwise than the
/// one trained on may mean other things by the same names.
fn check_order(file: &TableFile, model: &TableModel) -> Result<(), Error> {
    let place = |column: &Column| file.columns.iter().position(|name| *name == column.name);
    match model.columns.windows(2).find(|pair| place(&pair[0]) > place(&pair[1])) {
        None => Ok(()),
        Some(pair) => {
            let (first, second) = (&pair[0].name, &pair[1].name);
            let reason = format!(
                "stands before `{first}` here, but behind it where the model `{}` was trained; restore the order, or say \
                 --any-order to match columns by their names",
                model.model_id
            );
            Err(file.column(second, reason))
        }
    }
}

/// Codes by column and row.
fn codes(file: &TableFile, model: &TableModel, batch: &[Cells]) -> Result<Vec<Vec<u8>>, Error> {
    let codes: Vec<Result<Vec<u8>, Error>> =
        model.columns.par_iter().zip(batch).map(|(column, cells)| column_codes(file, column, cells)).collect();
    // Of several faults the first column's is told, whichever thread met one first.
    codes.into_iter().collect()
}

fn column_codes(file: &TableFile, column: &Column, cells: &Cells) -> Result<Vec<u8>, Error> {
    let found = match cells {
        Cells::Numbers(_) | Cells::Long(..) => Kind::Number,
        Cells::Flags(_) => Kind::Flag,
        Cells::Days(_) => Kind::Day,
        Cells::Text(_) => column.kind,
    };
    // A column without any value has lost its type on the way.
    let empty = (0..cells.len()).all(|row| cells.text(row).is_none());
    if found.holds() != column.kind.holds() && !empty {
        return Err(misread(file, column, found.holds()));
    }
    let rows = 0..cells.len();
    let codes: Vec<u8> = match (&column.bins, cells) {
        (Bins::Words { .. }, Cells::Text(words)) => {
            rows.map(|row| column.bins.of_word(words.is_valid(row).then(|| words.value(row)))).collect()
        }
        (Bins::Words { .. }, _) => vec![MISSING; cells.len()],
        (Bins::Numbers { .. }, _) => rows
            .map(|row| column.bins.of_number(cells.number(row, column.kind.reading()).unwrap_or(f64::NAN)))
            .collect(),
    };
    match (cells, &column.bins) {
        (Cells::Text(words), Bins::Numbers { .. }) => {
            let present = words.len() - words.null_count();
            let read = codes.iter().filter(|code| **code != MISSING).count();
            match (read as f64) < NUMBER_SHARE * present as f64 {
                true => Err(misread(file, column, "words")),
                false => Ok(codes),
            }
        }
        _ => Ok(codes),
    }
}

fn misread(file: &TableFile, column: &Column, found: &str) -> Error {
    let trained = column.kind.holds();
    file.column(
        &column.name,
        format!("holds {found}, but the model was trained on {trained}; convert it or train again"),
    )
}

fn score(model: &TableModel, codes: &[Vec<u8>], row: usize, drivers: usize) -> Scored {
    let own: Vec<u8> = codes.iter().map(|codes| codes[row]).collect();
    let (base, contributions) = model.contributions(&own);
    let log_odds = base + contributions.iter().sum::<f64>();
    let mut order: Vec<usize> = (0..contributions.len()).filter(|i| contributions[*i] != 0.0).collect();
    order.sort_by(|a, b| contributions[*b].abs().total_cmp(&contributions[*a].abs()).then(a.cmp(b)));
    let (named, rest) = order.split_at(order.len().min(drivers));
    Scored {
        base,
        log_odds,
        drivers: named.iter().map(|i| (*i, contributions[*i])).collect(),
        other: rest.iter().map(|i| contributions[*i]).sum(),
    }
}

fn schema(id: Option<&str>, drivers: usize) -> Arc<Schema> {
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    let mut fields = vec![field(id.unwrap_or("row"), DataType::Utf8)];
    for name in ["probability", "log_odds", "base_log_odds"] {
        fields.push(Field::new(name, DataType::Float64, false));
    }
    for place in 1..=drivers {
        fields.push(field(&format!("driver_{place}"), DataType::Utf8));
        fields.push(field(&format!("driver_{place}_value"), DataType::Utf8));
        fields.push(field(&format!("driver_{place}_contribution"), DataType::Float64));
    }
    fields.push(Field::new("other_contributions", DataType::Float64, false));
    Arc::new(Schema::new(fields))
}

fn told(
    schema: &Arc<Schema>,
    ids: StringArray,
    scored: &[Scored],
    names: &[String],
    batch: &[Cells],
    drivers: usize,
) -> RecordBatch {
    let numbers =
        |of: &dyn Fn(&Scored) -> f64| Arc::new(Float64Array::from_iter_values(scored.iter().map(of))) as ArrayRef;
    let mut columns: Vec<ArrayRef> =
        vec![Arc::new(ids), numbers(&|s| sigmoid(s.log_odds)), numbers(&|s| s.log_odds), numbers(&|s| s.base)];
    for place in 0..drivers {
        let at = |s: &Scored| s.drivers.get(place).copied();
        let name: StringArray = scored.iter().map(|s| at(s).map(|(term, _)| names[term].as_str())).collect();
        // A pair has no value of its own.
        let value = |(row, s): (usize, &Scored)| {
            at(s).and_then(|(term, _)| batch.get(term).filter(|_| !names[term].contains(" × "))?.text(row))
        };
        let value: StringArray = scored.iter().enumerate().map(value).collect();
        let contribution: Float64Array = scored.iter().map(|s| at(s).map(|(_, contribution)| contribution)).collect();
        columns.extend([Arc::new(name) as ArrayRef, Arc::new(value), Arc::new(contribution)]);
    }
    columns.push(numbers(&|s| s.other));
    RecordBatch::try_new(schema.clone(), columns).expect("the columns were built after the schema")
}

/// Where scores go.
enum Sink<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Csv(W),
}

impl<W: Write + Send> Sink<W> {
    fn of(mut out: W, format: Format, schema: &Arc<Schema>) -> Result<Sink<W>, String> {
        match format {
            Format::Csv => {
                let names: Vec<String> = schema.fields().iter().map(|field| quoted(field.name())).collect();
                writeln!(out, "{}", names.join(",")).map_err(|e| e.to_string())?;
                Ok(Sink::Csv(out))
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_created_by(concat!("foothold ", env!("CARGO_PKG_VERSION")).into());
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties.build()));
                writer.map(|writer| Sink::Parquet(Box::new(writer))).map_err(|e| e.to_string())
            }
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), String> {
        match self {
            Sink::Parquet(writer) => writer.write(batch).map_err(|e| e.to_string()),
            Sink::Csv(out) => {
                for row in 0..batch.num_rows() {
                    let cells: Vec<String> = batch.columns().iter().map(|column| cell(column, row)).collect();
                    writeln!(out, "{}", cells.join(",")).map_err(|e| e.to_string())?;
                }
                Ok(())
            }
        }
    }

    fn close(self) -> Result<(), String> {
        match self {
            Sink::Parquet(writer) => writer.close().map(drop).map_err(|e| e.to_string()),
            Sink::Csv(mut out) => out.flush().map_err(|e| e.to_string()),
        }
    }
}

fn cell(column: &ArrayRef, row: usize) -> String {
    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;
    match column.data_type() {
        _ if column.is_null(row) => String::new(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        _ => quoted(column.as_string::<i32>().value(row)),
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
