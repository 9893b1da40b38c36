//! The rules of single columns: each knows whether a slice breaks it, and which rows do.

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};

use super::frame::Slice;
use super::schema::{ColumnSpec, ColumnType, TableSpec};

/// One rule of one column.
pub(super) struct Rule<'f> {
    column: usize,
    spec: &'f ColumnSpec,
    kind: Kind,
}

enum Kind {
    Given,
    Finite,
    Within(f64, f64),
    Among,
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.spec.name;
        match self.kind {
            Kind::Given => write!(f, "{name} must not be null"),
            Kind::Finite => write!(f, "{name} must be finite"),
            Kind::Within(low, high) => write!(f, "{name} must lie in [{low}, {high}]"),
            Kind::Among => write!(f, "{name} must be one of {}", self.spec.words.join(", ")),
        }
    }
}

impl<'f> Rule<'f> {
    /// The rules of a table, column by column.
    pub fn all(spec: &'f TableSpec) -> Vec<Rule<'f>> {
        let of_column = |(column, spec): (usize, &'f ColumnSpec)| {
            let given = (!spec.nullable).then_some(Kind::Given);
            let finite = (spec.kind == ColumnType::Float64).then_some(Kind::Finite);
            let within = spec.range.map(|(low, high)| Kind::Within(low, high));
            let among = (!spec.words.is_empty()).then_some(Kind::Among);
            let kinds = given.into_iter().chain(finite).chain(within).chain(among);
            kinds.map(move |kind| Rule { column, spec, kind })
        };
        spec.columns.iter().enumerate().flat_map(of_column).collect()
    }

    pub fn is_broken(&self, slice: &Slice) -> bool {
        let column = &slice.columns[self.column];
        match self.kind {
            Kind::Given => column.null_count() > 0,
            Kind::Finite => any_number(column, |v| !v.is_finite()) && !self.rows(slice).is_empty(),
            Kind::Within(low, high) => any_number(column, outside(low, high)) && !self.rows(slice).is_empty(),
            Kind::Among => match column.as_dictionary_opt::<Int32Type>() {
                Some(coded) => !self.unknown(coded.values()).is_empty(),
                None => !self.unknown(column).is_empty(),
            },
        }
    }

    /// The places that break the rule; nulls break only the rule against nulls.
    pub fn rows(&self, slice: &Slice) -> Vec<u32> {
        let column = &slice.columns[self.column];
        match self.kind {
            Kind::Given => (0..slice.rows as u32).filter(|row| column.is_null(*row as usize)).collect(),
            Kind::Finite => numbers(column, |v| !v.is_finite()),
            Kind::Within(low, high) => numbers(column, outside(low, high)),
            Kind::Among => match column.as_dictionary_opt::<Int32Type>() {
                Some(coded) => {
                    let unknown = self.unknown(coded.values());
                    let codes = coded.keys().iter().enumerate();
                    let broken = codes.filter(|(_, code)| code.is_some_and(|code| unknown.contains(&(code as u32))));
                    broken.map(|(row, _)| row as u32).collect()
                }
                None => self.unknown(column),
            },
        }
    }

    fn unknown(&self, texts: &ArrayRef) -> Vec<u32> {
        let texts = texts.as_string::<i32>().iter().enumerate();
        let broken = texts.filter(|(_, text)| text.is_some_and(|text| !self.spec.words.contains(&text)));
        broken.map(|(row, _)| row as u32).collect()
    }
}

fn outside(low: f64, high: f64) -> impl Fn(f64) -> bool + Copy {
    move |v| v < low || v > high
}

/// Whether any number, or what stands behind a null, is broken: cheap, and right where it says no.
fn any_number(column: &ArrayRef, broken: impl Fn(f64) -> bool) -> bool {
    match column.as_primitive_opt::<Float64Type>() {
        Some(floats) => floats.values().iter().any(|v| broken(*v)),
        None => column.as_primitive::<Int64Type>().values().iter().any(|v| broken(*v as f64)),
    }
}

fn numbers(column: &ArrayRef, broken: impl Fn(f64) -> bool) -> Vec<u32> {
    let value = |row: usize| match column.as_primitive_opt::<Float64Type>() {
        Some(floats) => floats.value(row),
        None => column.as_primitive::<Int64Type>().value(row) as f64,
    };
    (0..column.len()).filter(|row| column.is_valid(*row) && broken(value(*row))).map(|row| row as u32).collect()
}
