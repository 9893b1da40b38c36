//! Text columns of the two big tables: an id is judged and looked up once per batch, not once per row.

use std::collections::HashMap;
use std::sync::Mutex;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use arrow::record_batch::RecordBatch;
use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::gather::lock;
use crate::extracts::contract::rules;
use crate::extracts::contract::schema::Column;
use crate::extracts::contract::settings::Settings;
use crate::vocabulary::{Dictionary, MetricIx, ProductIx, Text};

/// One batch of a text column, its distinct values mapped to what they mean.
pub struct Mapped<T> {
    keys: Int32Array,
    values: StringArray,
    meanings: Vec<Result<T, String>>,
}

impl<T: Copy> Mapped<T> {
    /// Judges each distinct value by the column's rules, then gives it its meaning, or the rule that it breaks.
    pub fn of(
        batch: &RecordBatch,
        column: &Column,
        settings: &Settings,
        mut meaning: impl FnMut(&str) -> Result<T, String>,
    ) -> Mapped<T> {
        let (keys, values) = dictionary(batch.column_by_name(column.name), batch.num_rows());
        let mut judged = |value: Option<&str>| {
            let value = value.ok_or_else(|| rules::NULL.to_owned())?;
            rules::text_fault(column, value, settings).map_or_else(|| meaning(value), Err)
        };
        let mut used = vec![false; values.len()];
        keys.iter().flatten().for_each(|key| used[key as usize] = true);
        // A row group's dictionary is shared by all its batches; only what this batch names is looked up.
        let meaning = |(value, used): (Option<&str>, bool)| if used { judged(value) } else { Err(String::new()) };
        let meanings = values.iter().zip(used).map(meaning).collect();
        Mapped { keys, values, meanings }
    }

    #[inline]
    pub fn get(&self, row: usize) -> Result<T, &str> {
        if self.keys.is_null(row) {
            return Err(rules::NULL);
        }
        match &self.meanings[self.keys.value(row) as usize] {
            Ok(meaning) => Ok(*meaning),
            Err(rule) => Err(rule),
        }
    }

    pub fn text(&self, row: usize) -> Option<&str> {
        let place = self.keys.is_valid(row).then(|| self.keys.value(row) as usize)?;
        self.values.is_valid(place).then(|| self.values.value(place))
    }

    /// Position of the row's value among the batch's distinct values, and how many there are.
    #[inline]
    pub fn place(&self, row: usize) -> usize {
        self.keys.value(row) as usize
    }

    pub fn distinct(&self) -> usize {
        self.values.len()
    }

    /// The number of each distinct value that stands at one of the `places`, by place. Only rows that count ask: a name
    /// that no other row holds must not leave a trace.
    pub fn numbers(&self, places: impl Iterator<Item = u32>, interner: &Mutex<Interner>) -> Vec<u32> {
        let mut used = vec![false; self.values.len()];
        places.for_each(|place| used[place as usize] = true);
        let mut interner = lock(interner);
        let number = |(place, used)| if used { interner.number(self.values.value(place)) } else { 0 };
        used.into_iter().enumerate().map(number).collect()
    }

    /// The value as a key shows it.
    pub fn shown(&self, row: usize) -> &str {
        self.text(row).unwrap_or("null")
    }
}

/// A column as 32-bit keys into its distinct values; one that is not there reads as nulls.
fn dictionary(column: Option<&ArrayRef>, rows: usize) -> (Int32Array, StringArray) {
    let form = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let packed = column.and_then(|column| match column.data_type() {
        found if *found == form => Some(column.clone()),
        _ => cast(column, &form).ok(),
    });
    match packed.as_ref().and_then(|packed| packed.as_dictionary_opt::<Int32Type>()) {
        Some(packed) => (packed.keys().clone(), packed.values().as_string::<i32>().clone()),
        None => (Int32Array::new_null(rows), StringArray::new_null(0)),
    }
}

/// Names in order of arrival; sorted out once all are known.
#[derive(Default)]
pub struct Interner {
    numbers: HashMap<Text, u32, FixedState>,
    names: Vec<Text>,
}

impl Interner {
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let (text, number): (Text, u32) = (name.into(), self.names.len() as u32);
        self.names.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    pub fn name(&self, number: u32) -> &Text {
        &self.names[number as usize]
    }

    pub fn names(&self) -> &[Text] {
        &self.names
    }

    /// The names in byte order, and the rank of each number.
    pub fn sorted(&self) -> (Vec<Text>, Vec<u32>) {
        let mut order: Vec<u32> = (0..self.names.len() as u32).collect();
        order.par_sort_unstable_by(|a, b| self.name(*a).cmp(self.name(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.iter().enumerate() {
            ranks[*number as usize] = rank as u32;
        }
        (order.into_iter().map(|number| self.name(number).clone()).collect(), ranks)
    }
}

/// Numbers of products, of metrics, and of the pairs that rows name.
#[derive(Default)]
pub struct Pairs {
    products: Interner,
    metrics: Interner,
    numbers: HashMap<(u32, u32), u32>,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    pub fn number(&mut self, product: &str, metric: &str) -> u32 {
        let names = (self.products.number(product), self.metrics.number(metric));
        *self.numbers.entry(names).or_insert_with(|| {
            self.pairs.push(names);
            self.pairs.len() as u32 - 1
        })
    }

    /// How many pairs there are.
    pub fn len(&self) -> u32 {
        self.pairs.len() as u32
    }

    pub fn names(&self, pair: u32) -> (&Text, &Text) {
        let (product, metric) = self.pairs[pair as usize];
        (self.products.name(product), self.metrics.name(metric))
    }

    /// Lets names be known that rows use.
    pub fn name<'t>(&mut self, products: impl Iterator<Item = &'t Text>, metrics: impl Iterator<Item = &'t Text>) {
        for name in products {
            self.products.number(name);
        }
        for name in metrics {
            self.metrics.number(name);
        }
    }

    /// Every product and every metric.
    pub fn dictionaries(&self) -> (Dictionary<ProductIx>, Dictionary<MetricIx>) {
        let names = |interner: &Interner| interner.names().to_vec();
        (Dictionary::new(names(&self.products)), Dictionary::new(names(&self.metrics)))
    }

    /// The pairs by number, under the numbers of dictionaries.
    pub fn under(
        &self,
        products: &Dictionary<ProductIx>,
        metrics: &Dictionary<MetricIx>,
    ) -> Vec<Option<(ProductIx, MetricIx)>> {
        let under = |(product, metric): &(u32, u32)| {
            Some((products.get(self.products.name(*product))?, metrics.get(self.metrics.name(*metric))?))
        };
        self.pairs.iter().map(under).collect()
    }
}
