//! The values of one row. What is not known is left out and becomes missing, which is a bin of its own.

use super::fixed::Fixed;
use super::key::Key;
use crate::extracts::InputTable;
use crate::vocabulary::{ProductIx, Text};

/// One known value of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub key: Key,
    pub unit: &'static str,
    pub source: InputTable,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Word(Text),
}

/// The known values of one account on one day, in no particular order but the same one every time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureRow {
    pub cells: Vec<Cell>,
}

impl FeatureRow {
    /// Adds a number, unless it is not one.
    pub(super) fn push(&mut self, key: Key, value: f64, unit: &'static str, source: InputTable) {
        if value.is_finite() {
            self.cells.push(Cell { key, unit, source, value: Value::Number(value) });
        }
    }

    pub(super) fn put(&mut self, feature: &Fixed, value: f64) {
        self.push(feature.key(None), value, feature.unit, feature.source);
    }

    pub(super) fn put_if_known(&mut self, feature: &Fixed, value: Option<f64>) {
        self.put(feature, value.unwrap_or(f64::NAN));
    }

    pub(super) fn put_of(&mut self, feature: &Fixed, product: ProductIx, value: Option<f64>) {
        self.push(feature.key(Some(product)), value.unwrap_or(f64::NAN), feature.unit, feature.source);
    }

    pub(super) fn word(&mut self, feature: &Fixed, word: Option<&Text>) {
        if let Some(word) = word {
            let (unit, source) = (feature.unit, feature.source);
            self.cells.push(Cell { key: feature.key(None), unit, source, value: Value::Word(word.clone()) });
        }
    }
}
