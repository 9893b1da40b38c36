//! `usage`: daily metered usage, held as one packed run of cells per (account, product, metric).
//!
//! Rows number in the hundreds of millions, so they never exist as structs: the loader streams Arrow batches
//! into packed runs, one or two bytes a cell, and a series is unpacked when someone looks at it.

mod carried;

use std::collections::BTreeMap;

use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Need, Table, account_id, date, id, num};
use crate::extracts::packed::numbers::{Reader, Writer, pack, pack_rare, pass_rare, skip, unpack, unpack_rare};
use crate::extracts::packed::pieces::{Packing, Pieces};
use crate::vocabulary::{AccountIx, Day, MetricIx, ProductIx};

/// One series: a cell for each of `len` days from `start` on.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    pub account: AccountIx,
    pub product: ProductIx,
    pub metric: MetricIx,
    pub start: Day,
    pub len: usize,
    /// Where its segments begin.
    offset: u64,
    /// Its first overwritten version, and how many there are.
    earlier: (u32, u32),
}

impl Series {
    fn key(&self) -> (AccountIx, ProductIx, MetricIx) {
        (self.account, self.product, self.metric)
    }
}

/// A value as it stood from `known` on, until the next version of its cell was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsageVersion {
    pub day: Day,
    pub known: Day,
    pub value: f64,
}

/// All usage known by the end of the run's day.
#[derive(Clone, Debug, Default)]
pub struct UsageHistory {
    /// Sorted by (account, product, metric).
    pub series: Vec<Series>,
    /// Days on which at least one account has a row of the metric: `covered[metric]` in rising order.
    pub covered: Vec<Vec<Day>>,
    /// Whether any cell was recorded after its own day.
    pub lagged: bool,
    /// First series of each account; one longer than the number of accounts.
    by_account: Vec<u32>,
    /// Segments of cells: gap in days, number of cells, values, and lags in days where `lagged`; in pieces of whole
    /// series.
    packed: Pieces,
    /// Overwritten versions, series by series, sorted by (day, known).
    earlier: Vec<UsageVersion>,
}

/// What was known of a series at the end of a day.
#[derive(Clone, Debug)]
pub struct Known {
    /// The day of the first value.
    pub start: Day,
    /// One per day; NaN where nothing was known.
    pub values: Vec<f64>,
    /// The last value before `start`, where days before it were left unread.
    pub before: Option<f64>,
}

/// The cells of one series, unpacked.
pub struct Cells<'a> {
    start: Day,
    /// One per day; NaN where no row stands.
    values: Vec<f64>,
    /// Days between a cell's date and the day its last version was recorded; empty where that is 0 everywhere.
    lags: Vec<f64>,
    earlier: &'a [UsageVersion],
}

impl UsageHistory {
    /// The series of one account, sorted by (product, metric).
    pub fn of(&self, account: AccountIx) -> &[Series] {
        match self.by_account.get(account.at()..=account.at() + 1) {
            Some(&[from, to]) => &self.series[from as usize..to as usize],
            _ => &[],
        }
    }

    /// The raw cells of a series as they were known at the end of `day`: one value per day from `series.start`
    /// up to and including `day` (or the series' last cell), NaN where nothing was known.
    pub fn known(&self, series: &Series, day: Day) -> Vec<f64> {
        self.known_since(series, day, series.start).values
    }

    /// The same, for whoever asks for nothing older than `since`: long runs of days before it are left unread where all
    /// of their rows were known.
    pub fn known_since(&self, series: &Series, day: Day, since: Day) -> Known {
        let (mut cells, before) = self.cells_between(series, since.min(day), day);
        if !cells.lags.is_empty() {
            for age in 0..cells.values.len() {
                if cells.last_known(age) > day {
                    cells.values[age] = cells.earlier_value(cells.start.plus(age as i32), day);
                }
            }
        }
        Known { start: cells.start, values: cells.values, before }
    }

    /// All cells of a series.
    pub fn cells(&self, series: &Series) -> Cells<'_> {
        self.cells_between(series, series.start, Day::MAX).0
    }

    /// The cells up to `day`, and the last value before them where some before `since` were left out.
    fn cells_between(&self, series: &Series, since: Day, day: Day) -> (Cells<'_>, Option<f64>) {
        let wanted = if day == Day::MAX {
            series.len
        } else {
            (day.since(series.start) + 1).clamp(0, series.len as i32) as usize
        };
        let mut reader = Reader::new(self.packed.at(series.offset));
        let (unread, before) = self.leave_out(&mut reader, series, since, day);
        let wanted = wanted.saturating_sub(unread);
        let (mut values, mut lags) = (Vec::with_capacity(wanted), Vec::new());
        while values.len() < wanted {
            let (gap, n) = (reader.number() as usize, reader.number() as usize);
            values.resize(values.len() + gap, f64::NAN);
            unpack(&mut reader, n, &mut values);
            if self.lagged {
                lags.resize(lags.len() + gap, 0.0);
                unpack_rare(&mut reader, n, &mut lags);
            }
        }
        values.truncate(wanted);
        lags.truncate(wanted);
        let start = series.start.plus(unread as i32);
        (Cells { start, values, lags, earlier: self.earlier_of(series) }, before)
    }

    /// Goes behind the segments that end before `since`, as far as all of their rows were known on `day`; gives how many
    /// days they span and the last of their values.
    fn leave_out(&self, reader: &mut Reader, series: &Series, since: Day, day: Day) -> (usize, Option<f64>) {
        let (mut unread, mut last) = (0, None);
        while unread < series.len {
            let mut ahead = reader.clone();
            let (gap, n) = (ahead.number() as usize, ahead.number() as usize);
            let behind = series.start.plus((unread + gap + n) as i32);
            if behind > since {
                break;
            }
            let values = ahead.clone();
            skip(&mut ahead, n);
            let longest = if self.lagged { pass_rare(&mut ahead, n) } else { 0.0 };
            if longest > f64::from(day.since(behind.minus(1))) {
                break;
            }
            (unread, last) = (unread + gap + n, Some((values, n)));
            *reader = ahead;
        }
        let value = |(mut packed, n): (Reader, usize)| {
            let mut values = Vec::with_capacity(n);
            unpack(&mut packed, n, &mut values);
            values.last().copied()
        };
        // A segment ends with a row.
        (unread, last.and_then(value))
    }

    fn earlier_of(&self, series: &Series) -> &[UsageVersion] {
        let (from, versions) = (series.earlier.0 as usize, series.earlier.1 as usize);
        &self.earlier[from..from + versions]
    }

    /// Whether a version that was recorded after `day` passes the test on its day and the day of its recording. Where
    /// nothing can have been recorded so late, nothing is unpacked.
    pub fn any_after(&self, series: &Series, day: Day, test: impl Fn(Day, Day) -> bool) -> bool {
        let asked = |of: Day, known: Day| known > day && test(of, known);
        if self.earlier_of(series).iter().any(|version| asked(version.day, version.known)) {
            return true;
        }
        let mut reader = Reader::new(self.packed.at(series.offset));
        let (mut age, mut lags) = (0, Vec::new());
        while age < series.len {
            let (gap, n) = (reader.number() as usize, reader.number() as usize);
            let (first, values) = (age + gap, reader.clone());
            age = first + n;
            skip(&mut reader, n);
            let mut packed = reader.clone();
            let longest = if self.lagged { pass_rare(&mut reader, n) } else { 0.0 };
            if longest <= f64::from(day.since(series.start.plus(age as i32 - 1))) {
                continue;
            }
            lags.clear();
            match self.lagged {
                true => unpack_rare(&mut packed, n, &mut lags),
                false => lags.resize(n, 0.0),
            }
            let mut rows = Vec::with_capacity(n);
            unpack(&mut values.clone(), n, &mut rows);
            let of = |at: usize| series.start.plus((first + at) as i32);
            let mut cells = rows.iter().zip(&lags).enumerate().filter(|(_, (value, _))| !value.is_nan());
            if cells.any(|(at, (_, lag))| asked(of(at), of(at).plus(*lag as i32))) {
                return true;
            }
        }
        false
    }

    /// The series of some accounts without the versions recorded after `day` that pass the test on their day and the day
    /// of their recording. What loses nothing stays where it is; which days are covered stays the same.
    pub fn without(&self, chosen: &[bool], day: Day, test: impl Fn(Day, Day) -> bool) -> UsageHistory {
        let mut changed = UsageBuilder::new(self.covered.len(), self.lagged);
        let mut whole = UsageBuilder::new(self.covered.len(), self.lagged);
        (whole.out, whole.history.earlier) = (Packing::behind(self.packed.clone()), self.earlier.clone());
        let accounts = (0..chosen.len()).filter(|account| chosen[*account]).map(AccountIx::from);
        for series in accounts.flat_map(|account| self.of(account)) {
            if !self.any_after(series, day, &test) {
                whole.history.series.push(*series);
                continue;
            }
            let gone = |version: &UsageVersion| version.known > day && test(version.day, version.known);
            let left: Vec<UsageVersion> = self.cells(series).all_versions().filter(|version| !gone(version)).collect();
            changed.push(series.account, series.product, series.metric, &left);
        }
        whole.append(changed);
        whole.history.series.sort_unstable_by_key(|series| (series.account, series.product, series.metric));
        UsageHistory { covered: self.covered.clone(), ..whole.finish(chosen.len()) }
    }
}

impl UsageHistory {
    /// The same under other products and metrics, which sort alike; of metrics there are `metrics`.
    pub(crate) fn renamed(
        mut self,
        product: impl Fn(ProductIx) -> ProductIx,
        metric: impl Fn(MetricIx) -> MetricIx,
        metrics: usize,
    ) -> UsageHistory {
        for series in &mut self.series {
            (series.product, series.metric) = (product(series.product), metric(series.metric));
        }
        let mut covered = vec![Vec::new(); metrics];
        for (known, days) in self.covered.into_iter().enumerate() {
            covered[metric(MetricIx::from(known)).at()] = days;
        }
        UsageHistory { covered, ..self }
    }
}

impl Cells<'_> {
    /// Places (days since the series' start) that hold a row.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        self.values.iter().enumerate().filter(|(_, value)| !value.is_nan()).map(|(age, _)| age)
    }

    /// The day on which the last version of a cell was recorded.
    fn last_known(&self, age: usize) -> Day {
        self.start.plus(age as i32).plus(self.lags.get(age).map_or(0, |lag| *lag as i32))
    }

    /// The day on which the first version of a cell was recorded.
    pub fn first_known(&self, age: usize) -> Day {
        self.versions(self.start.plus(age as i32)).next().map_or(self.last_known(age), |version| version.known)
    }

    /// Whether a row for `cell` was known at the end of `day`.
    pub fn is_known(&self, cell: Day, day: Day) -> bool {
        let age = cell.since(self.start);
        if cell > day || age < 0 || self.values.get(age as usize).is_none_or(|value| value.is_nan()) {
            return false;
        }
        self.last_known(age as usize) <= day || !self.earlier_value(cell, day).is_nan()
    }

    /// Every version of every cell, by day, then recording: what [`UsageBuilder::push`] takes.
    pub fn all_versions(&self) -> impl Iterator<Item = UsageVersion> {
        self.rows().flat_map(|age| {
            let day = self.start.plus(age as i32);
            let last = UsageVersion { day, known: self.last_known(age), value: self.values[age] };
            self.versions(day).chain([last])
        })
    }

    fn versions(&self, cell: Day) -> impl Iterator<Item = UsageVersion> {
        let from = self.earlier.partition_point(|version| version.day < cell);
        self.earlier[from..].iter().copied().take_while(move |version| version.day == cell)
    }

    fn earlier_value(&self, cell: Day, day: Day) -> f64 {
        self.versions(cell).take_while(|version| version.known <= day).last().map_or(f64::NAN, |version| version.value)
    }
}

/// Puts a [`UsageHistory`] together, series by series. Later days of the series that was added last go behind it.
#[derive(Debug)]
pub struct UsageBuilder {
    history: UsageHistory,
    covered: Vec<DaySet>,
    out: Packing,
    /// Cells of the series being added, and the days until each was recorded.
    values: Vec<f64>,
    lags: Vec<f64>,
}

/// Days as one bit each, in words of 64.
#[derive(Clone, Debug, Default)]
struct DaySet(BTreeMap<i32, u64>);

impl DaySet {
    /// Adds days that mostly rise.
    fn extend(&mut self, days: impl Iterator<Item = Day>) {
        let (mut word, mut bits) = (i32::MIN, 0);
        for day in days {
            if day.0.div_euclid(64) != word {
                self.insert(word, bits);
                (word, bits) = (day.0.div_euclid(64), 0);
            }
            bits |= 1 << day.0.rem_euclid(64);
        }
        self.insert(word, bits);
    }

    fn insert(&mut self, word: i32, bits: u64) {
        if bits != 0 {
            *self.0.entry(word).or_default() |= bits;
        }
    }

    fn days(&self) -> Vec<Day> {
        let of_word = |(word, bits): (&i32, &u64)| {
            let (word, bits) = (*word, *bits);
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| Day(word * 64 + bit))
        };
        self.0.iter().flat_map(of_word).collect()
    }
}

impl UsageBuilder {
    /// `lagged`: whether cells may have been recorded after their own day.
    pub fn new(metrics: usize, lagged: bool) -> UsageBuilder {
        UsageBuilder {
            history: UsageHistory { lagged, ..UsageHistory::default() },
            covered: vec![Default::default(); metrics],
            out: Packing::default(),
            values: Vec::new(),
            lags: Vec::new(),
        }
    }

    /// The pieces behind what it has, one after the other.
    pub(crate) fn joined(mut self, pieces: Vec<UsageBuilder>) -> UsageBuilder {
        pieces.into_iter().for_each(|piece| self.append(piece));
        self
    }

    /// An empty builder of the same metrics.
    pub(crate) fn another(&self) -> UsageBuilder {
        UsageBuilder::new(self.covered.len(), self.history.lagged)
    }

    /// Adds a series, in the order of (account, product, metric): all versions of its cells, by (day, recording); of
    /// several known on one day the last counts.
    pub fn push(&mut self, account: AccountIx, product: ProductIx, metric: MetricIx, versions: &[UsageVersion]) {
        let (Some(first), Some(last)) = (versions.first(), versions.last()) else { return };
        let (start, earlier) = (first.day, self.history.earlier.len());
        self.clear((last.day.since(start) + 1) as usize);
        for of_day in versions.chunk_by(|a, b| a.day == b.day) {
            let age = of_day[0].day.since(start) as usize;
            let latest = of_day[of_day.len() - 1];
            self.values[age] = latest.value;
            self.lags[age] = f64::from(latest.known.since(latest.day).max(0));
            let before = of_day[..of_day.len() - 1].iter().zip(&of_day[1..]);
            let seen = before.filter(|(version, next)| version.known < next.known).map(|(version, _)| *version);
            self.history.earlier.extend(seen);
        }
        self.covered[metric.at()].extend(versions.iter().map(|version| version.day));
        self.add((account, product, metric), start, earlier);
    }

    /// The same for a series of which each day has one version: rising days, their values, and the days until each was
    /// recorded.
    pub(crate) fn push_once(
        &mut self,
        account: AccountIx,
        product: ProductIx,
        metric: MetricIx,
        days: &[Day],
        values: &[f64],
        lags: impl Iterator<Item = i32>,
    ) {
        let (Some(start), Some(last)) = (days.first(), days.last()) else { return };
        self.clear((last.since(*start) + 1) as usize);
        for ((day, value), lag) in days.iter().zip(values).zip(lags) {
            let age = day.since(*start) as usize;
            (self.values[age], self.lags[age]) = (*value, f64::from(lag));
        }
        self.covered[metric.at()].extend(days.iter().copied());
        self.add((account, product, metric), *start, self.history.earlier.len());
    }

    fn clear(&mut self, len: usize) {
        self.values.clear();
        self.values.resize(len, f64::NAN);
        self.lags.clear();
        self.lags.resize(len, 0.0);
    }

    /// Adds the cells at hand as a series, with the overwritten versions from `earlier` on.
    fn add(&mut self, key: (AccountIx, ProductIx, MetricIx), start: Day, earlier: usize) {
        let (versions, cells) = (self.history.earlier.len() as u32, self.values.len());
        let mut gap = 0;
        match self.history.series.last_mut().filter(|series| series.key() == key) {
            Some(series) => {
                gap = start.since(series.start.plus(series.len as i32)).max(0) as usize;
                series.len += gap + cells;
                series.earlier.1 = versions - series.earlier.0;
            }
            None => self.begin(key, start, cells, (earlier as u32, versions - earlier as u32)),
        }
        segments(gap, &self.values, &self.lags, self.history.lagged, &mut self.out.out);
    }

    /// Begins a series where the next byte will be written.
    fn begin(&mut self, key: (AccountIx, ProductIx, MetricIx), start: Day, len: usize, earlier: (u32, u32)) {
        let ((account, product, metric), offset) = (key, self.out.offset());
        self.history.series.push(Series { account, product, metric, start, len, offset, earlier });
    }

    /// Appends what another builder of the same metrics gathered of later accounts.
    pub fn append(&mut self, other: UsageBuilder) {
        let (history, more) = (&mut self.history, other.history);
        let (before, first) = (self.out.append(other.out.finish()), history.earlier.len() as u32);
        let moved = |series: Series| {
            let (from, versions) = series.earlier;
            Series { offset: series.offset + before, earlier: (from + first, versions), ..series }
        };
        history.series.extend(more.series.into_iter().map(moved));
        history.earlier.extend(more.earlier);
        for (days, more) in self.covered.iter_mut().zip(other.covered) {
            more.0.into_iter().for_each(|(word, bits)| days.insert(word, bits));
        }
    }

    pub fn finish(self, accounts: usize) -> UsageHistory {
        let mut history = UsageHistory { packed: self.out.finish(), ..self.history };
        history.by_account = (0..=accounts)
            .map(|account| history.series.partition_point(|series| series.account.at() < account) as u32)
            .collect();
        history.covered = self.covered.iter().map(DaySet::days).collect();
        history
    }
}

/// Gaps longer than this many days end a segment.
const LONG_GAP: usize = 16;
/// Cells of one segment: so few that one outlier does not make all of a long history wide.
const SEGMENT: usize = 128;

/// `gap`: days between the first cell and what stands before it.
fn segments(mut gap: usize, values: &[f64], lags: &[f64], lagged: bool, writer: &mut Writer) {
    let (mut at, mut written) = (0, 0);
    while at < values.len() {
        let to = segment_end(values, at);
        writer.number((at - written + std::mem::take(&mut gap)) as u64);
        writer.number((to - at) as u64);
        pack(&values[at..to], writer);
        if lagged {
            pack_rare(&lags[at..to], writer);
        }
        written = to;
        at = to + values[to..].iter().take_while(|value| value.is_nan()).count();
    }
}

/// The end of the segment that begins at `from`, behind its last row.
fn segment_end(values: &[f64], from: usize) -> usize {
    let mut end = from + 1;
    for (at, value) in values.iter().enumerate().take(from + SEGMENT).skip(from + 1) {
        if !value.is_nan() {
            if at - end > LONG_GAP {
                break;
            }
            end = at + 1;
        }
    }
    end
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Usage,
        "daily metered usage per account",
        &["account_id", "product_id", "date", "metric"],
        [
            account_id(),
            id("product_id", Entity::Product, "the product used"),
            date("date", "the day, or the last day of the period that the row totals"),
            id("metric", Entity::Metric, "what was measured, e.g. seats, api_calls"),
            num("value", "a level for gauges, the day's amount for counters").at_least(0.0),
        ],
    )
    .need(Need::Required)
    .happens("date")
    .partitioned()
}
