//! Columns from the values of rows. Texts become a dictionary where they repeat: the rows of an account carry its id
//! by reference, so most repeats are known by their address alone.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, GenericStringBuilder, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::Int32Type;
use foldhash::fast::FixedState;

use crate::vocabulary::{Day, Moment, StableId};

/// Bytes of most texts that are made for the table: a sentence.
const USUAL_SENTENCE: usize = 96;
/// Bytes of most ids: a short prefix, a dash and sixteen digits.
const USUAL_ID: usize = 20;

pub(super) fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values.map(Some)))
}

pub(super) fn ints(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

/// Zero has no sign: the sum of nothing is −0.0 to the machine, and a report would show it as `-0`.
pub(super) fn floats(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values.map(|value| value.map(|value| value + 0.0))))
}

pub(super) fn days(values: impl Iterator<Item = Option<Day>>) -> ArrayRef {
    Arc::new(Date32Array::from_iter(values.map(|day| day.map(|day| day.0))))
}

pub(super) fn moments(values: impl Iterator<Item = Option<Moment>>) -> ArrayRef {
    let micros = TimestampMicrosecondArray::from_iter(values.map(|moment| moment.map(|moment| moment.0)));
    Arc::new(micros.with_timezone("UTC"))
}

pub(super) fn ids(values: impl ExactSizeIterator<Item = StableId>) -> ArrayRef {
    let mut bytes = Vec::with_capacity(values.len() * USUAL_ID);
    let mut ends = Vec::with_capacity(values.len() + 1);
    ends.push(0_i32);
    for id in values {
        id.push_to(&mut bytes);
        ends.push(bytes.len() as i32);
    }
    let ends = OffsetBuffer::new(ends.into());
    Arc::new(StringArray::new(ends, Buffer::from_vec(bytes), None))
}

pub(super) fn made(values: impl ExactSizeIterator<Item = Option<String>>) -> ArrayRef {
    let mut builder = GenericStringBuilder::<i32>::with_capacity(values.len(), values.len() * USUAL_SENTENCE);
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

/// Texts that the rows hold or refer to.
pub(super) fn texts<'r>(values: impl ExactSizeIterator<Item = Option<&'r str>> + Clone) -> ArrayRef {
    match Words::of(values.clone()) {
        Some(words) => words.finish(),
        None => Arc::new(plain(values)),
    }
}

fn plain<'r>(values: impl ExactSizeIterator<Item = Option<&'r str>> + Clone) -> StringArray {
    let bytes = values.clone().flatten().map(str::len).sum();
    let mut builder = GenericStringBuilder::<i32>::with_capacity(values.len(), bytes);
    values.for_each(|value| builder.append_option(value));
    builder.finish()
}

/// Distinct words beyond which a column must repeat them often to stay a dictionary.
const MANY: usize = 512;
/// Addresses remembered.
const ADDRESSES: usize = 256;

/// Texts as codes of distinct words.
struct Words<'r> {
    words: Vec<&'r str>,
    codes: HashMap<&'r str, i32, FixedState>,
    /// The last word seen at an address: its pointer, length and code.
    seen: Box<[(usize, usize, i32); ADDRESSES]>,
}

impl<'r> Words<'r> {
    /// `None` where the texts hardly repeat.
    fn of(values: impl ExactSizeIterator<Item = Option<&'r str>>) -> Option<Coded<'r>> {
        let mut words = Words { words: Vec::new(), codes: HashMap::default(), seen: Box::new([(0, 0, 0); ADDRESSES]) };
        let mut codes = Vec::with_capacity(values.len());
        for (row, value) in values.enumerate() {
            codes.push(value.map(|text| words.code(text)));
            if words.words.len() > MANY && words.words.len() > row / 4 {
                return None;
            }
        }
        Some(Coded { codes, words: words.words })
    }

    fn code(&mut self, text: &'r str) -> i32 {
        let (address, length) = (text.as_ptr() as usize, text.len());
        let place = (address ^ (address >> 8) ^ length) % ADDRESSES;
        let (known_address, known_length, code) = self.seen[place];
        if (known_address, known_length) == (address, length) {
            return code;
        }
        let code = *self.codes.entry(text).or_insert_with(|| {
            self.words.push(text);
            self.words.len() as i32 - 1
        });
        self.seen[place] = (address, length, code);
        code
    }
}

struct Coded<'r> {
    codes: Vec<Option<i32>>,
    words: Vec<&'r str>,
}

impl Coded<'_> {
    fn finish(self) -> ArrayRef {
        let codes = Int32Array::from_iter(self.codes);
        let words = Arc::new(StringArray::from_iter_values(self.words));
        Arc::new(DictionaryArray::<Int32Type>::new(codes, words))
    }
}
