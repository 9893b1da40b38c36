//! A run of usage: versions of cells, sorted and packed series by series. What one thread gathered, what the runs of a
//! chunk of files come to, and what the state keeps are all runs; merging them in any order gives the same.

use std::cmp::Ordering;

use bytes::Bytes;

use crate::extracts::contract::rules;
use crate::extracts::gathered::gather::{Refuse, Rollup, UNRECORDED};
use crate::extracts::gathered::places::{Place, Places, cut};
use crate::extracts::gathered::stretches::by_key;
use crate::extracts::packed::numbers::{Reader, pack, unpack};
use crate::extracts::packed::pieces::{self, Parts, Pieces};
use crate::extracts::tables::{UsageBuilder, UsageVersion};
use crate::vocabulary::{AccountIx, Day, MetricIx, Moment, ProductIx};

/// One row of `usage` under its key.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub series: Key,
    pub version: Version,
}

/// A series by the numbers of its account and of its pair of product and metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub account: AccountIx,
    pub pair: u32,
}

/// A value of one day as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Version {
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
pub struct Run {
    pub series: Vec<Packed>,
    bytes: Pieces,
}

/// A run being written.
#[derive(Default)]
struct Packing {
    series: Vec<Packed>,
    bytes: pieces::Packing,
    /// Numbers of one kind on their way.
    numbers: Vec<f64>,
}

/// A series of a run: `rows` versions at `offset`.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
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

    fn cut(self, starts: &[AccountIx]) -> Vec<Run> {
        let part = |series: Vec<Packed>| {
            let ends = series.first().zip(series.last());
            let bytes = ends.map(|(first, last)| self.bytes.between(first.offset, last.offset));
            Run { series, bytes: bytes.unwrap_or_default() }
        };
        cut(self.series, starts, |series| series.key.account).into_iter().map(part).collect()
    }
}

impl Packing {
    /// Adds the versions of a series, each day and recording once and in order.
    fn push(&mut self, key: Key, versions: &[Version]) {
        let (Some(first), Some(last)) = (versions.first(), versions.last()) else { return };
        let (first, last, offset) = (first.day, last.day, self.bytes.offset());
        self.series.push(Packed { key, rows: versions.len() as u32, first, last, offset });
        self.pack(versions.windows(2).map(|pair| f64::from(pair[1].day.since(pair[0].day))));
        self.pack(versions.iter().map(|version| version.value));
        let unit = (0..UNITS.len()).find(|unit| versions.iter().all(|version| is_whole(version, UNITS[*unit])));
        let unit = unit.unwrap_or(UNITS.len() - 1);
        self.bytes.out.byte(unit as u8);
        self.pack(versions.iter().map(|version| known_delay(version, UNITS[unit])));
    }

    fn pack(&mut self, numbers: impl Iterator<Item = f64>) {
        self.numbers.clear();
        self.numbers.extend(numbers);
        pack(&self.numbers, &mut self.bytes.out);
    }

    fn finish(self) -> Run {
        Run { series: self.series, bytes: self.bytes.finish() }
    }
}

impl Run {
    /// The run as bytes; `account` and `pair` give what stands for the numbers.
    pub fn write(&self, out: &mut Parts, account: impl Fn(AccountIx) -> u32, pair: impl Fn(u32) -> u32) {
        out.number(self.series.len() as u64);
        for series in &self.series {
            out.number(u64::from(account(series.key.account)));
            out.number(u64::from(pair(series.key.pair)));
            out.number(u64::from(series.rows));
            out.signed(i64::from(series.first.0));
            out.signed(i64::from(series.last.0));
            out.number(series.offset);
        }
        self.bytes.write(out);
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
        Run { series, bytes: Pieces::read(reader, content) }
    }
}

/// Leaves one version per day and recording: the smallest value.
fn settle(key: Key, versions: &mut Vec<Version>, refuse: Refuse<Row>) {
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
pub fn recorded(day: Day, delay: i64) -> Moment {
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
struct Cells {
    days: Vec<Day>,
    recorded: Vec<Moment>,
    values: Vec<f64>,
    numbers: Vec<f64>,
}

impl Cells {
    /// Replaces what is there by the versions of a series from all its places, in their order.
    fn read(&mut self, runs: &[Run], places: &[Place<Key>]) {
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
        let mut reader = Reader::new(run.bytes.at(series.offset));
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
    fn rise(&self) -> bool {
        self.days.windows(2).all(|pair| pair[0] < pair[1])
    }

    fn versions(&self) -> impl Iterator<Item = Version> {
        let cells = self.days.iter().zip(&self.recorded).zip(&self.values);
        cells.map(|((day, recorded), value)| Version { day: *day, recorded: *recorded, value: *value })
    }
}

/// Where the versions of each series lie.
fn by_series(runs: &[Run]) -> Places<Key> {
    Places::of(runs.iter().map(|run| run.series.iter().map(|series| series.key)))
}

/// Tells `refuse` of every version that two runs hold under the same day and recording, but for one.
fn refuse_repeats(runs: &[Run], places: &Places<Key>, refuse: Refuse<Row>) {
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

/// Hands every series of the runs to `add`, account by account in the order of the dictionaries; each version that two
/// runs hold is told to `refuse`.
pub(super) fn each_series(
    runs: &[Run],
    pairs: &[Option<(ProductIx, MetricIx)>],
    refuse: Refuse<Row>,
    mut add: impl FnMut(Named),
) {
    let (places, mut cells) = (by_series(runs), Cells::default());
    refuse_repeats(runs, &places, refuse);
    for account in places.accounts(|key| key.account) {
        for (product, metric, places) in series_of(account, pairs) {
            add(Named { product, metric, places, runs, cells: &mut cells });
        }
    }
}

/// A series of some runs under the numbers of dictionaries.
pub struct Named<'a> {
    pub product: ProductIx,
    pub metric: MetricIx,
    places: &'a [Place<Key>],
    runs: &'a [Run],
    cells: &'a mut Cells,
}

impl Named<'_> {
    pub fn account(&self) -> AccountIx {
        self.places[0].0.account
    }

    /// Unpacks it and hands it to the builder.
    pub fn push(self, builder: &mut UsageBuilder) {
        let Named { product, metric, places, runs, cells } = self;
        cells.read(runs, places);
        let key = places[0].0;
        if cells.rise() {
            let lag = |(day, recorded): (&Day, &Moment)| known(*day, *recorded).since(*day);
            let lags = cells.days.iter().zip(&cells.recorded).map(lag);
            builder.push_once(key.account, product, metric, &cells.days, &cells.values, lags);
        } else {
            let mut versions: Vec<Version> = cells.versions().collect();
            settle(key, &mut versions, &mut |_| {});
            let seen: Vec<UsageVersion> = versions.iter().map(seen_as).collect();
            builder.push(key.account, product, metric, &seen);
        }
    }
}

/// The series of an account in the order of the dictionaries.
fn series_of<'p>(
    account: &'p [Place<Key>],
    pairs: &[Option<(ProductIx, MetricIx)>],
) -> Vec<(ProductIx, MetricIx, &'p [Place<Key>])> {
    let mut series: Vec<(ProductIx, MetricIx, &[Place<Key>])> = account
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|places| pairs[places[0].0.pair as usize].map(|(product, metric)| (product, metric, places)))
        .collect();
    series.sort_unstable_by_key(|(product, metric, _)| (*product, *metric));
    series
}

fn seen_as(version: &Version) -> UsageVersion {
    let Version { day, recorded, value } = *version;
    UsageVersion { day, known: known(day, recorded), value }
}

fn known(day: Day, recorded: Moment) -> Day {
    rules::known_day((recorded != UNRECORDED).then_some(recorded), Some(day))
}
