//! A run of usage: versions of cells, sorted and packed series by series. What one thread gathered, what the runs of a
//! chunk of files come to, and what the state keeps are all runs; merging them in any order gives the same.

use std::cmp::Ordering;

use bytes::Bytes;

use super::gather::{Refuse, Rollup, UNRECORDED};
use super::packed::{Reader, Writer, pack, unpack};
use super::places::{Place, Places};
use super::stretches::by_key;
use crate::vocabulary::{AccountIx, Day, Moment};

/// One row of `usage` under its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub series: Key,
    pub version: Version,
}

/// A series by the numbers of its account and of its pair of product and metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub account: AccountIx,
    pub pair: u32,
}

/// A value of one day as it was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub day: Day,
    pub recorded: Moment,
    pub value: f64,
}

impl Version {
    /// By day and recording; those that share both by value, so that the smallest stays.
    #[inline]
    fn order(&self, other: &Version) -> Ordering {
        let recorded = || self.recorded.cmp(&other.recorded);
        self.day.cmp(&other.day).then_with(recorded).then_with(|| self.value.total_cmp(&other.value))
    }

    fn is_same_cell(&self, other: &Version) -> bool {
        (self.day, self.recorded) == (other.day, other.recorded)
    }
}

/// Sorted by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub series: Vec<Packed>,
    bytes: Bytes,
}

/// A run being written.
#[derive(Default)]
struct Packing {
    series: Vec<Packed>,
    out: Writer,
    /// Numbers of one kind on their way.
    numbers: Vec<f64>,
}

/// A series of a run: `rows` versions at `offset`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    pub key: Key,
    rows: u32,
    first: Day,
    last: Day,
    offset: u64,
}

impl Rollup for Run {
    type Row = Row;

    fn seal(rows: &mut Vec<Row>, refuse: Refuse<Row>) -> Run {
        let (mut run, mut versions) = (Packing::default(), Vec::new());
        let order = |a: &Row, b: &Row| a.version.order(&b.version);
        by_key(
            rows,
            |row| row.series,
            order,
            |series, rows| {
                versions.clear();
                versions.extend(rows.iter().map(|row| row.version));
                settle(series, &mut versions, refuse);
                run.push(series, &versions);
            },
        );
        rows.clear();
        run.finish()
    }

    fn merge(runs: &[Run], refuse: Refuse<Row>) -> Run {
        let (mut merged, mut versions, mut cells) = (Packing::default(), Vec::new(), Cells::default());
        for places in by_series(runs).iter() {
            cells.read(runs, places);
            versions.clear();
            versions.extend(cells.versions());
            settle(places[0].0, &mut versions, refuse);
            merged.push(places[0].0, &versions);
        }
        merged.finish()
    }
}

impl Packing {
    /// Adds the versions of a series, each day and recording once and in order.
    fn push(&mut self, key: Key, versions: &[Version]) {
        let (Some(first), Some(last)) = (versions.first(), versions.last()) else { return };
        let (first, last, offset) = (first.day, last.day, self.out.0.len() as u64);
        self.series.push(Packed { key, rows: versions.len() as u32, first, last, offset });
        self.pack(versions.windows(2).map(|pair| f64::from(pair[1].day.since(pair[0].day))));
        self.pack(versions.iter().map(|version| version.value));
        let unit = (0..UNITS.len()).find(|unit| versions.iter().all(|version| is_whole(version, UNITS[*unit])));
        let unit = unit.unwrap_or(UNITS.len() - 1);
        self.out.byte(unit as u8);
        self.pack(versions.iter().map(|version| known_delay(version, UNITS[unit])));
    }

    fn pack(&mut self, numbers: impl Iterator<Item = f64>) {
        self.numbers.clear();
        self.numbers.extend(numbers);
        pack(&self.numbers, &mut self.out);
    }

    fn finish(mut self) -> Run {
        self.out.0.shrink_to_fit();
        Run { series: self.series, bytes: self.out.0.into() }
    }
}

impl Run {
    /// The run as bytes; `account` and `pair` give what stands for the numbers.
    pub fn write(&self, out: &mut Writer, account: impl Fn(AccountIx) -> u32, pair: impl Fn(u32) -> u32) {
        out.number(self.series.len() as u64);
        for series in &self.series {
            out.number(u64::from(account(series.key.account)));
            out.number(u64::from(pair(series.key.pair)));
            out.number(u64::from(series.rows));
            out.signed(i64::from(series.first.0));
            out.signed(i64::from(series.last.0));
            out.number(series.offset);
        }
        out.number(self.bytes.len() as u64);
        out.0.extend_from_slice(&self.bytes);
    }

    /// The run again, out of `content` where the reader stands.
    pub fn read(
        reader: &mut Reader,
        content: &Bytes,
        account: impl Fn(u32) -> AccountIx,
        pair: &mut impl FnMut(u32) -> u32,
    ) -> Run {
        let n = reader.number() as usize;
        let one = |_| Packed {
            key: Key { account: account(reader.number() as u32), pair: pair(reader.number() as u32) },
            rows: reader.number() as u32,
            first: Day(reader.signed() as i32),
            last: Day(reader.signed() as i32),
            offset: reader.number(),
        };
        let mut series: Vec<Packed> = (0..n).map(one).collect();
        series.sort_unstable_by_key(|series| series.key);
        let len = reader.number() as usize;
        Run { series, bytes: content.slice_ref(reader.take(len)) }
    }
}

/// Leaves one version per day and recording: the smallest value.
pub(super) fn settle(key: Key, versions: &mut Vec<Version>, refuse: Refuse<Row>) {
    if !versions.is_sorted_by(|a, b| a.order(b).is_le()) {
        versions.sort_by(Version::order);
    }
    versions.dedup_by(|later, kept| {
        let same = later.is_same_cell(kept);
        if same {
            refuse(Row { series: key, version: *later });
        }
        same
    });
}

const DAY_MICROS: i64 = 86_400_000_000;

/// Microseconds from the start of the day to the recording.
pub(super) fn delay(day: Day, recorded: Moment) -> i64 {
    recorded.0 - i64::from(day.0) * DAY_MICROS
}

/// The moment so many microseconds from the start of the day.
pub(super) fn recorded(day: Day, delay: i64) -> Moment {
    Moment(i64::from(day.0) * DAY_MICROS + delay)
}

/// Microseconds in which delays are counted, the longest first: most systems record on the hour or the second.
const UNITS: [i64; 3] = [3_600_000_000, 1_000_000, 1];

/// Whether the delay, if any, is a whole number of units.
fn is_whole(version: &Version, unit: i64) -> bool {
    version.recorded == UNRECORDED || delay(version.day, version.recorded) % unit == 0
}

/// The delay in units, NaN where none is known.
fn known_delay(version: &Version, unit: i64) -> f64 {
    match version.recorded {
        UNRECORDED => f64::NAN,
        recorded => (delay(version.day, recorded) / unit) as f64,
    }
}

/// The versions of one series, column by column.
#[derive(Default)]
pub(super) struct Cells {
    pub days: Vec<Day>,
    pub recorded: Vec<Moment>,
    pub values: Vec<f64>,
    numbers: Vec<f64>,
}

impl Cells {
    /// Replaces what is there by the versions of a series from all its places, in their order.
    pub fn read(&mut self, runs: &[Run], places: &[Place<Key>]) {
        self.days.clear();
        self.recorded.clear();
        self.values.clear();
        for (_, run, at) in places {
            let run = &runs[*run as usize];
            self.extend(run, &run.series[*at as usize]);
        }
    }

    fn extend(&mut self, run: &Run, series: &Packed) {
        let n = series.rows as usize;
        let mut reader = Reader::new(&run.bytes[series.offset as usize..]);
        self.numbers.clear();
        unpack(&mut reader, n - 1, &mut self.numbers);
        let (from, mut day) = (self.days.len(), series.first);
        self.days.push(day);
        self.days.extend(self.numbers.iter().map(|step| {
            day = day.plus(*step as i32);
            day
        }));
        unpack(&mut reader, n, &mut self.values);
        let unit = UNITS[usize::from(reader.byte()) % UNITS.len()];
        self.numbers.clear();
        unpack(&mut reader, n, &mut self.numbers);
        let moment = |(day, delay): (&Day, &f64)| match delay.is_nan() {
            true => UNRECORDED,
            false => recorded(*day, *delay as i64 * unit),
        };
        self.recorded.extend(self.days[from..].iter().zip(&self.numbers).map(moment));
    }

    /// Whether each day stands once, after the one before.
    pub fn rise(&self) -> bool {
        self.days.windows(2).all(|pair| pair[0] < pair[1])
    }

    pub fn versions(&self) -> impl Iterator<Item = Version> {
        let cells = self.days.iter().zip(&self.recorded).zip(&self.values);
        cells.map(|((day, recorded), value)| Version { day: *day, recorded: *recorded, value: *value })
    }
}

/// Where the versions of each series lie.
pub(super) fn by_series(runs: &[Run]) -> Places<Key> {
    Places::of(runs.iter().map(|run| run.series.iter().map(|series| series.key)))
}

/// Tells `refuse` of every version that two runs hold under the same day and recording, but for one.
pub(super) fn refuse_repeats(runs: &[Run], places: &Places<Key>, refuse: Refuse<Row>) {
    let (mut cells, mut versions) = (Cells::default(), Vec::new());
    for places in places.iter().filter(|places| overlap(runs, places)) {
        cells.read(runs, places);
        versions.clear();
        versions.extend(cells.versions());
        settle(places[0].0, &mut versions, refuse);
    }
}

/// Whether a series has a day in two places.
fn overlap(runs: &[Run], places: &[Place<Key>]) -> bool {
    let mut spans: Vec<(Day, Day)> = places
        .iter()
        .map(|(_, run, at)| &runs[*run as usize].series[*at as usize])
        .map(|s| (s.first, s.last))
        .collect();
    spans.sort_unstable();
    spans.windows(2).any(|pair| pair[1].0 <= pair[0].1)
}
