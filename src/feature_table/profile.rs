//! First reading: what each column holds, and a sample of rows from which bins are learned.
//!
//! No label is looked at here, so what is learned may serve every fold.

use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cells::{Cells, day, number};
use crate::models::bins::Bins;

/// Rows whose numbers are kept to learn bins from; of a longer table a sample by the hash of the row's place.
const SAMPLE_ROWS: usize = 100_000;

/// Different words of one column that are counted; later ones are known only to exist.
const MAX_WORDS: usize = 20_000;

/// Finest bins or words of one column: with the codes for missing and for other words they fill a byte.
pub const FINE: usize = 254;

/// Text is read as numbers where at least this share of its cells are numbers; the rest then counts as missing.
const NUMBER_SHARE: f64 = 0.98;

/// What the cells of a column are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Number,
    Flag,
    /// Days since 1970-01-01.
    Day,
    Words,
}

impl Kind {
    /// As a message names it.
    pub const fn holds(self) -> &'static str {
        match self {
            Kind::Number => "numbers",
            Kind::Flag => "true or false",
            Kind::Day => "dates",
            Kind::Words => "words",
        }
    }

    /// How text of a column of this kind becomes a number.
    pub fn reading(self) -> fn(&str) -> Option<f64> {
        match self {
            Kind::Number => number,
            Kind::Day => day,
            Kind::Flag | Kind::Words => |_| None,
        }
    }
}

/// What the first reading saw of one column.
#[derive(Default)]
pub struct Tally {
    pub missing: usize,
    present: usize,
    numbers: usize,
    days: usize,
    fractions: usize,
    stored: Option<Kind>,
    /// One value per sampled row, NaN where there is none: numbers, and days where the text is dates.
    sample: Vec<f64>,
    day_sample: Vec<f64>,
    words: HashMap<Box<str>, u32>,
    words_full: bool,
}

impl Tally {
    fn add(&mut self, cells: &Cells, sampled: &[usize]) {
        self.stored = match cells {
            Cells::Numbers(_) => Some(Kind::Number),
            Cells::Flags(_) => Some(Kind::Flag),
            Cells::Days(_) => Some(Kind::Day),
            Cells::Text(_) => None,
        };
        match cells {
            Cells::Text(values) => values.iter().for_each(|cell| self.add_text(cell)),
            _ => (0..cells.len()).for_each(|row| self.add_number(cells.number(row, number))),
        }
        self.sample.extend(sampled.iter().map(|row| cells.number(*row, number).unwrap_or(f64::NAN)));
        if self.stored.is_none() {
            self.day_sample.extend(sampled.iter().map(|row| cells.number(*row, day).unwrap_or(f64::NAN)));
        }
    }

    fn add_number(&mut self, value: Option<f64>) {
        match value {
            None => self.missing += 1,
            Some(value) => {
                self.present += 1;
                self.fractions += usize::from(value.fract() != 0.0);
            }
        }
    }

    fn add_text(&mut self, cell: Option<&str>) {
        let Some(text) = cell else {
            self.missing += 1;
            return;
        };
        self.present += 1;
        match number(text) {
            Some(value) => {
                self.numbers += 1;
                self.fractions += usize::from(value.fract() != 0.0);
            }
            None => self.days += usize::from(day(text).is_some()),
        }
        let room = self.words.len() < MAX_WORDS;
        match self.words.get_mut(text) {
            Some(count) => *count += 1,
            None if room => drop(self.words.insert(text.into(), 1)),
            None => self.words_full = true,
        }
    }

    pub fn kind(&self) -> Kind {
        let most = |count: usize| self.present > 0 && count as f64 >= NUMBER_SHARE * self.present as f64;
        match self.stored {
            Some(kind) => kind,
            None if most(self.numbers) => Kind::Number,
            None if most(self.days) => Kind::Day,
            None => Kind::Words,
        }
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Cells that are no number in a column that is read as numbers.
    pub fn unread(&self) -> usize {
        match (self.stored, self.kind()) {
            (None, Kind::Number) => self.present - self.numbers,
            (None, Kind::Day) => self.present - self.days,
            _ => 0,
        }
    }

    /// Words with their counts, the most frequent first.
    pub fn frequent(&self) -> Vec<(&str, u32)> {
        let mut counted: Vec<(&str, u32)> = self.words.iter().map(|(word, n)| (&**word, *n)).collect();
        counted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counted
    }

    /// The finest bins that a byte can tell apart.
    pub fn fine(&self) -> Bins {
        match self.kind() {
            Kind::Words => {
                let mut levels: Vec<String> =
                    self.frequent().into_iter().take(FINE).map(|(word, _)| word.to_owned()).collect();
                levels.sort_unstable();
                Bins::Words { levels }
            }
            Kind::Day if self.stored.is_none() => Bins::of_numbers(self.day_sample.iter().copied(), FINE),
            _ => Bins::of_numbers(self.sample.iter().copied(), FINE),
        }
    }

    /// Why no model should read this column, if so: it names rows instead of describing them.
    pub fn names_rows(&self, column: &str) -> Option<String> {
        if self.present < 50 {
            return None;
        }
        match self.kind() {
            Kind::Words => {
                let covered: usize = self.words.values().map(|n| *n as usize).sum();
                let spread = self.words.len() as f64 > 0.5 * self.present as f64;
                let unknown = self.words_full && (covered as f64) < 0.2 * self.present as f64;
                (spread || unknown).then(|| "nearly every row has a word of its own: an identifier or free text".into())
            }
            Kind::Number if self.fractions == 0 => self.names_rows_by_number(column),
            _ => None,
        }
    }

    fn names_rows_by_number(&self, column: &str) -> Option<String> {
        let mut values: Vec<f64> = self.sample.iter().copied().filter(|v| !v.is_nan()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (known, lowest, highest) = (values.len(), *values.first()?, *values.last()?);
        values.dedup();
        if values.len() < known {
            return None;
        }
        let sequence = highest - lowest + 1.0 == self.present as f64 && self.missing == 0;
        let name = column.to_lowercase();
        let says_so = ["id", "key", "index", "number", "uuid", "rownum"].iter().any(|end| name.ends_with(end));
        match (sequence, says_so) {
            (true, _) => Some("a row number".to_owned()),
            (_, true) => Some("every row has a number of its own, and the name says identifier".to_owned()),
            _ => None,
        }
    }
}

/// The first reading of a table.
#[derive(Default)]
pub struct Profile {
    pub rows: usize,
    pub tallies: Vec<Tally>,
    /// Keys of the sampled rows.
    keys: Vec<u64>,
    /// A row is sampled while its key is not above this.
    limit: u64,
}

impl Profile {
    pub fn of_columns(columns: usize) -> Profile {
        let tallies = (0..columns).map(|_| Tally::default()).collect();
        Profile { tallies, limit: u64::MAX, ..Profile::default() }
    }

    pub fn add(&mut self, batch: &[Cells]) {
        let rows = batch.first().map_or(0, Cells::len);
        let limit = self.limit;
        let key = |row: usize| xxh3_64_with_seed(&((self.rows + row) as u64).to_le_bytes(), SEED);
        let sampled: Vec<usize> = (0..rows).filter(|row| key(*row) <= limit).collect();
        self.keys.extend(sampled.iter().map(|row| key(*row)));
        self.tallies.par_iter_mut().zip(batch).for_each(|(tally, cells)| tally.add(cells, &sampled));
        self.rows += rows;
        while self.keys.len() > SAMPLE_ROWS {
            self.thin_out();
        }
    }

    /// Halves the share of rows that are sampled.
    fn thin_out(&mut self) {
        let limit = self.limit / 2;
        let kept: Vec<bool> = self.keys.iter().map(|key| *key <= limit).collect();
        let keep = |values: &mut Vec<f64>| {
            let mut flags = kept.iter();
            values.retain(|_| flags.next().copied().unwrap_or(true));
        };
        self.tallies.par_iter_mut().for_each(|tally| {
            keep(&mut tally.sample);
            keep(&mut tally.day_sample);
        });
        self.keys.retain(|key| *key <= limit);
        self.limit = limit;
    }
}

const SEED: u64 = 0x5eed;
