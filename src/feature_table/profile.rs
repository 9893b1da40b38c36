//! First reading: what each column holds, and a sample of rows from which bins are learned.
//!
//! No label is looked at here, so what is learned may serve every fold.

use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cells::{Cells, day, day_first, decimal_comma, flag, month_first, number};
use crate::learners::columns::bins::Bins;

/// Rows whose numbers are kept to learn bins from; of a longer table a sample by the hash of the row's place.
const SAMPLE_ROWS: usize = 100_000;

/// Different words of one column that are counted; later ones are known only to exist.
const MAX_WORDS: usize = 20_000;

/// Finest bins or words of one column: with the codes for missing and for other words they fill a byte.
pub const FINE: usize = 254;

/// Text is read as numbers where at least this share of its cells are numbers; the rest then counts as missing.
pub const NUMBER_SHARE: f64 = 0.98;

/// What the cells of a column are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Number,
    Flag,
    /// Days since 1970-01-01.
    Day,
    Words,
    /// Numbers with a comma before their decimals.
    DecimalComma,
    /// Days since 1970-01-01, written day, month, year.
    DayFirst,
    /// Days since 1970-01-01, written month, day, year.
    MonthFirst,
}

/// What text may be read as besides words; the first that reads nearly every cell is taken, of the two orders of day and
/// month the one that reads more.
const READINGS: [Kind; 5] = [Kind::Number, Kind::Day, Kind::DecimalComma, Kind::DayFirst, Kind::MonthFirst];

impl Kind {
    /// As a message names it.
    pub const fn holds(self) -> &'static str {
        match self {
            Kind::Number | Kind::DecimalComma => "numbers",
            Kind::Flag => "true or false",
            Kind::Day | Kind::DayFirst | Kind::MonthFirst => "dates",
            Kind::Words => "words",
        }
    }

    /// How text of a column of this kind becomes a number.
    pub fn reading(self) -> fn(&str) -> Option<f64> {
        match self {
            Kind::Number => number,
            Kind::Day => day,
            Kind::DecimalComma => decimal_comma,
            Kind::DayFirst => day_first,
            Kind::MonthFirst => month_first,
            Kind::Flag => flag,
            Kind::Words => |_| None,
        }
    }
}

/// One way to read the text of a column.
#[derive(Default)]
struct Reading {
    /// Cells that it reads.
    cells: usize,
    /// Whether it failed on more than half of the cells so far: it is not tried on.
    lost: bool,
    /// One value per sampled row, NaN where it reads none; empty once lost.
    sample: Vec<f64>,
}

/// What the first reading saw of one column.
#[derive(Default)]
pub struct Tally {
    pub missing: usize,
    present: usize,
    fractions: usize,
    stored: Option<Kind>,
    /// By place in [`READINGS`]; of a column that is stored as numbers the first holds the sample.
    readings: [Reading; READINGS.len()],
    words: HashMap<Box<str>, u32>,
    words_full: bool,
}

impl Tally {
    fn add(&mut self, cells: &Cells, sampled: &[usize]) {
        self.stored = match cells {
            Cells::Numbers(_) | Cells::Long(..) => Some(Kind::Number),
            Cells::Flags(_) => Some(Kind::Flag),
            Cells::Days(_) => Some(Kind::Day),
            Cells::Text(_) => None,
        };
        let Cells::Text(values) = cells else {
            (0..cells.len()).for_each(|row| self.add_number(cells.number(row, number)));
            let known = sampled.iter().map(|row| cells.number(*row, number).unwrap_or(f64::NAN));
            self.readings[0].sample.extend(known);
            return;
        };
        values.iter().for_each(|cell| self.add_text(cell));
        for (reading, kind) in self.readings.iter_mut().zip(READINGS).filter(|(reading, _)| !reading.lost) {
            let read = kind.reading();
            reading.cells += values.iter().flatten().filter(|text| read(text).is_some()).count();
            reading.lost = 2 * reading.cells < self.present;
            match reading.lost {
                true => reading.sample = Vec::new(),
                false => {
                    reading.sample.extend(sampled.iter().map(|row| cells.number(*row, read).unwrap_or(f64::NAN)));
                }
            }
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
        if !self.readings[0].lost {
            self.fractions += usize::from(number(text).is_some_and(|value| value.fract() != 0.0));
        }
        let room = self.words.len() < MAX_WORDS;
        match self.words.get_mut(text) {
            Some(count) => *count += 1,
            None if room => drop(self.words.insert(text.into(), 1)),
            None => self.words_full = true,
        }
    }

    pub fn kind(&self) -> Kind {
        if let Some(kind) = self.stored {
            return kind;
        }
        let agrees = |reading: &Reading| {
            !reading.lost && self.present > 0 && reading.cells as f64 >= NUMBER_SHARE * self.present as f64
        };
        let found = self.readings.iter().zip(READINGS).find(|(reading, _)| agrees(reading));
        match found.map_or(Kind::Words, |(_, kind)| kind) {
            Kind::DayFirst | Kind::MonthFirst
                if self.has_either_order() && self.words.keys().any(|w| w.contains('/')) =>
            {
                Kind::MonthFirst
            }
            Kind::DayFirst if self.cells_of(Kind::MonthFirst) > self.cells_of(Kind::DayFirst) => Kind::MonthFirst,
            kind => kind,
        }
    }

    fn reading_of(&self, kind: Kind) -> &Reading {
        &self.readings[READINGS.iter().position(|other| *other == kind).unwrap_or_default()]
    }

    fn cells_of(&self, kind: Kind) -> usize {
        self.reading_of(kind).cells
    }

    /// Whether dates may be read with the day or the month first: no cell tells. With slashes the month is taken to come
    /// first, otherwise the day.
    pub fn has_either_order(&self) -> bool {
        let cells = self.cells_of(Kind::DayFirst);
        self.stored.is_none() && cells > 0 && cells == self.cells_of(Kind::MonthFirst)
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Cells that are no number in a column that is read as numbers.
    pub fn unread(&self) -> usize {
        match (self.stored, self.kind()) {
            (Some(_), _) | (None, Kind::Words | Kind::Flag) => 0,
            (None, kind) => self.present - self.cells_of(kind),
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
            kind if self.stored.is_none() => Bins::fine(self.reading_of(kind).sample.iter().copied(), FINE),
            _ => Bins::fine(self.readings[0].sample.iter().copied(), FINE),
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
        let mut values: Vec<f64> = self.readings[0].sample.iter().copied().filter(|v| !v.is_nan()).collect();
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
        self.tallies.par_iter_mut().for_each(|tally| tally.readings.iter_mut().for_each(|own| keep(&mut own.sample)));
        self.keys.retain(|key| *key <= limit);
        self.limit = limit;
    }
}

const SEED: u64 = 0x5eed;
