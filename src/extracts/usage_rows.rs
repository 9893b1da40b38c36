//! `usage` from Arrow batches to one dense run of cells per (account, product, metric).
//!
//! Rows are never held: a batch's ids become numbers and its values go straight into 64-day blocks of their series,
//! whatever the order of arrival. Memory follows accounts × metrics × days.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, Float64Array};
use arrow::record_batch::RecordBatch;

use super::batch_time::{BatchTime, When, Window};
use super::convert;
use super::dictionary_column::{Interner, Mapped, Memo};
use super::rejects::Rejects;
use super::rules;
use super::schema::{Column, Table};
use super::tables::{EarlierCell, Series, UsageHistory};
use crate::vocabulary::{AccountIx, Day, Dictionary, MetricIx, Moment, ProductIx, Text};

const BLOCK_DAYS: i32 = 64;

/// Not recorded: the row is known from its own day.
const UNRECORDED: Moment = Moment(i64::MIN);

/// Gathers usage from any number of threads.
pub(super) struct UsageRows<'a> {
    table: &'static Table,
    accounts: &'a Dictionary<AccountIx>,
    window: Window<'a>,
    files: &'a [String],
    state: Mutex<State>,
}

struct State {
    products: Interner,
    metrics: Interner,
    pairs: HashMap<(u32, u32), u32>,
    /// Per account: its (pair of product and metric, series), sorted by pair.
    slots: Vec<Vec<(u32, u32)>>,
    series: Vec<Growing>,
    /// Versions that a later recording overwrote.
    earlier: Vec<Version>,
    recorded: bool,
    rejects: Rejects,
    rows: u64,
    older: u64,
    newest: Option<Day>,
}

/// A series while it grows: blocks of days, those between without any row left out.
struct Growing {
    account: AccountIx,
    product: u32,
    metric: u32,
    first_block: i32,
    blocks: Vec<Option<Box<Block>>>,
}

struct Block {
    values: [f64; BLOCK_DAYS as usize],
    recorded: Option<Box<[Moment; BLOCK_DAYS as usize]>>,
}

#[derive(Clone, Copy)]
struct Version {
    series: u32,
    day: Day,
    recorded: Moment,
    value: f64,
}

/// What `usage` came to.
pub(super) struct UsageFound {
    pub rejects: Rejects,
    pub rows: u64,
    pub newest: Option<Day>,
    /// Rows before the usage history that the job keeps.
    pub older: u64,
    pub recorded: bool,
    series: Vec<Growing>,
    earlier: Vec<Version>,
    products: Vec<Text>,
    metrics: Vec<Text>,
}

impl<'a> UsageRows<'a> {
    pub fn new(
        table: &'static Table,
        accounts: &'a Dictionary<AccountIx>,
        window: Window<'a>,
        files: &'a [String],
    ) -> UsageRows<'a> {
        let state = State {
            products: Interner::default(),
            metrics: Interner::default(),
            pairs: HashMap::new(),
            slots: vec![Vec::new(); accounts.len()],
            series: Vec::new(),
            earlier: Vec::new(),
            recorded: false,
            rejects: Rejects::new(table.table, window.settings.max_rejected_listed),
            rows: 0,
            older: 0,
            newest: None,
        };
        UsageRows { table, accounts, window, files, state: Mutex::new(state) }
    }

    pub fn add(&self, file: usize, path_day: Option<Day>, batch: &RecordBatch) {
        let column = |name: &str| self.table.column(name);
        let (Some(account), Some(product), Some(metric), Some(value)) =
            (column("account_id"), column("product_id"), column("metric"), column("value"))
        else {
            return;
        };
        let settings = self.window.settings;
        let known = |id: &str| self.accounts.get(id).ok_or_else(|| "must exist in `accounts`".to_owned());
        let batch = Batch {
            time: BatchTime::of(batch, path_day),
            accounts: Mapped::of(batch, account, settings, known),
            products: Mapped::of(batch, product, settings, |_| Ok(())),
            metrics: Mapped::of(batch, metric, settings, |_| Ok(())),
            values: batch.column_by_name(value.name).map(convert::nums),
            value_column: value,
            rows: batch.num_rows(),
            file: &self.files[file],
            // A cell does not remember its file, so a pair of duplicates in several files is laid to the table.
            place: if self.files.len() == 1 { &self.files[0] } else { self.table.name() },
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(&batch, self.window);
    }

    pub fn finish(self) -> UsageFound {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let place = if self.files.len() == 1 { &self.files[0] } else { self.table.name() };
        state.sort_earlier(self.accounts, place);
        UsageFound {
            rejects: state.rejects,
            rows: state.rows,
            newest: state.newest,
            older: state.older,
            recorded: state.recorded,
            series: state.series,
            earlier: state.earlier,
            products: state.products.into_names(),
            metrics: state.metrics.into_names(),
        }
    }
}

/// One batch with its ids looked up.
struct Batch<'a> {
    time: BatchTime,
    accounts: Mapped<AccountIx>,
    products: Mapped<()>,
    metrics: Mapped<()>,
    values: Option<Float64Array>,
    value_column: &'static Column,
    rows: usize,
    file: &'a str,
    place: &'a str,
}

impl Batch<'_> {
    fn value(&self, row: usize) -> Option<f64> {
        self.values.as_ref().and_then(|values| values.is_valid(row).then(|| values.value(row)))
    }

    /// The first rule that the row breaks, its time aside.
    fn fault(&self, row: usize) -> Option<Broken> {
        let text = |column: &'static str, rule: &str, value: Option<&str>| {
            Some(Broken { column, rule: rule.to_owned(), value: value.map(str::to_owned) })
        };
        if let Err(rule) = self.accounts.get(row) {
            return text("account_id", rule, self.accounts.text(row));
        }
        if let Err(rule) = self.products.get(row) {
            return text("product_id", rule, self.products.text(row));
        }
        if let Err(rule) = self.metrics.get(row) {
            return text("metric", rule, self.metrics.text(row));
        }
        let Some(value) = self.value(row) else { return text("value", rules::NULL, None) };
        let rule = rules::num_fault(self.value_column, value)?;
        text("value", &rule, Some(&value.to_string()))
    }

    fn key(&self, row: usize, day: &str) -> String {
        let (account, product) = (self.accounts.shown(row), self.products.shown(row));
        format!("{account} / {product} / {day} / {}", self.metrics.shown(row))
    }
}

struct Broken {
    column: &'static str,
    rule: String,
    value: Option<String>,
}

impl State {
    fn add(&mut self, batch: &Batch, window: Window) {
        let (mut products, mut metrics) = (Memo::new(&batch.products), Memo::new(&batch.metrics));
        for row in 0..batch.rows {
            let (day, recorded) = match batch.time.of_row(row, window) {
                When::Future => continue,
                When::Older => {
                    self.older += 1;
                    continue;
                }
                When::Broken { rule, value } => {
                    self.rows += 1;
                    let shown = value.clone().unwrap_or_else(|| "null".into());
                    self.reject(batch.key(row, &shown), Broken { column: "date", rule, value }, batch.file);
                    continue;
                }
                When::Visible { day, recorded } => (day, recorded.unwrap_or(UNRECORDED)),
            };
            self.rows += 1;
            self.recorded |= recorded != UNRECORDED;
            if let Some(broken) = batch.fault(row) {
                self.reject(batch.key(row, &day.to_string()), broken, batch.file);
                continue;
            }
            let (Ok(account), Some(value)) = (batch.accounts.get(row), batch.value(row)) else { continue };
            let product = products.number(&batch.products, row, &mut self.products);
            let metric = metrics.number(&batch.metrics, row, &mut self.metrics);
            let series = self.series_of(account, product, metric);
            self.newest = self.newest.max(Some(day));
            if let Some(refused) = self.put(Version { series, day, recorded, value }) {
                let broken = duplicate(refused);
                self.reject(batch.key(row, &day.to_string()), broken, batch.place);
            }
        }
    }

    fn reject(&mut self, key: String, broken: Broken, file: &str) {
        self.rejects.add(key, broken.column, &broken.rule, broken.value.as_deref(), file);
    }

    fn series_of(&mut self, account: AccountIx, product: u32, metric: u32) -> u32 {
        let next_pair = self.pairs.len() as u32;
        let pair = *self.pairs.entry((product, metric)).or_insert(next_pair);
        let slots = &mut self.slots[account.at()];
        match slots.binary_search_by_key(&pair, |slot| slot.0) {
            Ok(place) => slots[place].1,
            Err(place) => {
                let series = self.series.len() as u32;
                slots.insert(place, (pair, series));
                self.series.push(Growing { account, product, metric, first_block: 0, blocks: Vec::new() });
                series
            }
        }
    }

    /// Stores a version; of two with one moment of recording the smaller value stays and the other is returned.
    fn put(&mut self, new: Version) -> Option<f64> {
        let (block, at) = self.series[new.series as usize].block(new.day);
        let old = Version { recorded: block.recorded_at(at), value: block.values[at], ..new };
        if old.value.is_nan() {
            block.set(at, new);
            return None;
        }
        if old.recorded == new.recorded {
            block.values[at] = old.value.min(new.value);
            return Some(old.value.max(new.value));
        }
        if old.recorded < new.recorded {
            block.set(at, new);
        }
        self.earlier.push(if old.recorded < new.recorded { old } else { new });
        None
    }

    /// Overwritten versions in order; those with one moment of recording leave the smallest value.
    fn sort_earlier(&mut self, accounts: &Dictionary<AccountIx>, place: &str) {
        self.earlier.sort_unstable_by(|a, b| a.order().cmp(&b.order()).then(a.value.total_cmp(&b.value)));
        let mut refused = Vec::new();
        self.earlier.dedup_by(|later, kept| {
            let same = later.order() == kept.order();
            if same {
                refused.push(*later);
            }
            same
        });
        for version in refused {
            let series = &self.series[version.series as usize];
            let (product, metric) = (self.products.name(series.product), self.metrics.name(series.metric));
            let key = format!("{} / {product} / {} / {metric}", accounts.name(series.account), version.day);
            self.reject(key, duplicate(version.value), place);
        }
    }
}

fn duplicate(value: f64) -> Broken {
    Broken { column: "value", rule: rules::DUPLICATE.into(), value: Some(value.to_string()) }
}

impl Version {
    fn order(&self) -> (u32, Day, Moment) {
        (self.series, self.day, self.recorded)
    }

    fn known(&self) -> Day {
        let recorded = (self.recorded != UNRECORDED).then_some(self.recorded);
        rules::known_day(recorded, Some(self.day))
    }
}

impl Growing {
    /// The block of a day, made if need be, and the day's place in it.
    fn block(&mut self, day: Day) -> (&mut Block, usize) {
        let number = day.0.div_euclid(BLOCK_DAYS);
        if self.blocks.is_empty() {
            self.first_block = number;
        }
        let before = (self.first_block - number).max(0) as usize;
        if before > 0 {
            self.blocks.splice(0..0, std::iter::repeat_with(|| None).take(before));
            self.first_block = number;
        }
        let place = (number - self.first_block) as usize;
        if place >= self.blocks.len() {
            self.blocks.resize_with(place + 1, || None);
        }
        (self.blocks[place].get_or_insert_with(Block::empty), day.0.rem_euclid(BLOCK_DAYS) as usize)
    }

    /// Every cell that a row stands in, in day order.
    fn cells(&self) -> impl Iterator<Item = (Day, f64, Moment)> {
        let blocks = self.blocks.iter().enumerate().filter_map(|(n, block)| Some((n, block.as_deref()?)));
        blocks.flat_map(|(n, block)| {
            let first = (self.first_block + n as i32) * BLOCK_DAYS;
            let cell = move |at: usize| (Day(first + at as i32), block.values[at], block.recorded_at(at));
            (0..BLOCK_DAYS as usize).map(cell).filter(|cell| !cell.1.is_nan())
        })
    }
}

impl Block {
    fn empty() -> Box<Block> {
        Box::new(Block { values: [f64::NAN; BLOCK_DAYS as usize], recorded: None })
    }

    fn recorded_at(&self, at: usize) -> Moment {
        self.recorded.as_ref().map_or(UNRECORDED, |recorded| recorded[at])
    }

    fn set(&mut self, at: usize, version: Version) {
        self.values[at] = version.value;
        if version.recorded != UNRECORDED || self.recorded.is_some() {
            let recorded = self.recorded.get_or_insert_with(|| Box::new([UNRECORDED; BLOCK_DAYS as usize]));
            recorded[at] = version.recorded;
        }
    }
}

impl UsageFound {
    /// Names of products and metrics that accepted rows use.
    pub fn products(&self) -> &[Text] {
        &self.products
    }

    pub fn metrics(&self) -> &[Text] {
        &self.metrics
    }

    /// The dense form, series in the order of the final dictionaries.
    pub fn into_history(
        self,
        accounts: usize,
        products: &Dictionary<ProductIx>,
        metrics: &Dictionary<MetricIx>,
    ) -> UsageHistory {
        let product: Vec<Option<ProductIx>> = self.products.iter().map(|id| products.get(id)).collect();
        let metric: Vec<Option<MetricIx>> = self.metrics.iter().map(|id| metrics.get(id)).collect();
        let mut order: Vec<(AccountIx, ProductIx, MetricIx, u32)> = self
            .series
            .iter()
            .enumerate()
            .filter_map(|(at, s)| {
                Some((s.account, product[s.product as usize]?, metric[s.metric as usize]?, at as u32))
            })
            .collect();
        order.sort_unstable();
        let mut dense = Dense::new(metrics.len(), self.recorded);
        let mut position = vec![0_u32; self.series.len()];
        let mut growing: Vec<Option<Growing>> = self.series.into_iter().map(Some).collect();
        for (place, (account, product, metric, at)) in order.iter().enumerate() {
            position[*at as usize] = place as u32;
            // Taken, so that its blocks are freed as soon as they are copied.
            if let Some(series) = growing[*at as usize].take() {
                dense.push(*account, *product, *metric, &series);
            }
        }
        dense.finish(accounts, self.earlier, &position)
    }
}

/// The dense form while it is put together.
struct Dense {
    history: UsageHistory,
    covered: Vec<std::collections::BTreeSet<Day>>,
    recorded: bool,
}

impl Dense {
    fn new(metrics: usize, recorded: bool) -> Dense {
        Dense { history: UsageHistory::default(), covered: vec![Default::default(); metrics], recorded }
    }

    fn push(&mut self, account: AccountIx, product: ProductIx, metric: MetricIx, series: &Growing) {
        let mut ends = series.cells().map(|cell| cell.0);
        let Some(start) = ends.next() else { return };
        let len = (ends.last().unwrap_or(start).since(start) + 1) as usize;
        let history = &mut self.history;
        let offset = history.cells.len();
        history.series.push(Series { account, product, metric, start, offset, len });
        history.cells.resize(offset + len, f64::NAN);
        if self.recorded {
            history.lags.resize(offset + len, 0);
        }
        for (day, value, recorded) in series.cells() {
            let at = offset + day.since(start) as usize;
            history.cells[at] = value;
            self.covered[metric.at()].insert(day);
            if self.recorded {
                let known = Version { series: 0, day, recorded, value }.known();
                history.lags[at] = known.since(day).clamp(0, i32::from(u16::MAX)) as u16;
            }
        }
    }

    fn finish(mut self, accounts: usize, earlier: Vec<Version>, position: &[u32]) -> UsageHistory {
        let history = &mut self.history;
        history.covered = self.covered.into_iter().map(|days| days.into_iter().collect()).collect();
        history.by_account = (0..=accounts)
            .map(|account| history.series.partition_point(|series| series.account.at() < account) as u32)
            .collect();
        let mut cells: Vec<EarlierCell> = earlier
            .iter()
            .map(|v| EarlierCell { series: position[v.series as usize], day: v.day, known: v.known(), value: v.value })
            .collect();
        // Stable, so that of versions known on one day the last recorded stays last, and only it is kept.
        cells.sort_by_key(|cell| (cell.series, cell.day, cell.known));
        cells.reverse();
        cells.dedup_by_key(|cell| (cell.series, cell.day, cell.known));
        cells.reverse();
        history.earlier = cells;
        self.history
    }
}
