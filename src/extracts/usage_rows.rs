//! `usage` from Arrow batches to packed runs of cells.
//!
//! Rows are never held for long: a batch's ids become numbers, its values are gathered, and every few million of them
//! are sorted and packed. Memory follows accounts × metrics × days at a byte or two each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, Float64Array};
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::batch_time::{BatchTime, When, Window};
use super::convert;
use super::dictionary_column::{Interner, Mapped};
use super::gather::{Count, Gathered, Gathering, UNRECORDED, lock};
use super::packed::Writer;
use super::places::{Place, Places};
use super::rejects::Rejects;
use super::rules;
use super::schema::{Column, Table};
use super::settled::{is_before, stands_alone};
use super::state::Kept;
use super::tables::{UsageBuilder, UsageHistory, UsageVersion};
use super::usage_base::UsageBase;
use super::usage_run::{Cells, Key, Row, Run, Version, by_series, refuse_repeats, settle};
use crate::vocabulary::{AccountIx, Day, Dictionary, MetricIx, Moment, ProductIx, Text};

/// Rows that a thread gathers before it packs them, of 32 bytes each.
const GATHERED_ROWS: usize = 1_500_000;

/// Gathers usage from any number of threads.
pub(super) struct UsageRows<'a> {
    table: &'static Table,
    accounts: &'a Dictionary<AccountIx>,
    window: Window<'a>,
    place: &'a str,
    names: Mutex<Pairs>,
    /// The months that are over, where an earlier night packed them.
    base: Option<UsageBase>,
    rows: Gathering<Run>,
    rejects: Mutex<Rejects>,
    older: AtomicU64,
}

/// Numbers of products, of metrics, and of the pairs that rows name.
#[derive(Default)]
pub(super) struct Pairs {
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

/// What `usage` came to.
pub(super) struct UsageFound {
    pub rejects: Rejects,
    pub rows: u64,
    pub newest: Option<Day>,
    /// Rows before the usage history that the job keeps.
    pub older: u64,
    pub recorded: bool,
    /// Under the two dictionaries below.
    history: UsageHistory,
    /// Products and metrics that accepted rows use.
    pub products: Dictionary<ProductIx>,
    pub metrics: Dictionary<MetricIx>,
}

impl<'a> UsageRows<'a> {
    /// `place`: where duplicates are said to be, since a cell does not remember its file.
    pub fn new(
        table: &'static Table,
        accounts: &'a Dictionary<AccountIx>,
        window: Window<'a>,
        place: &'a str,
        chunks: usize,
    ) -> UsageRows<'a> {
        let rejects = Mutex::new(Rejects::new(table.table, window.settings.max_rejected_listed));
        let rows = Gathering::new(chunks, GATHERED_ROWS);
        let (names, older) = (Mutex::default(), AtomicU64::new(0));
        UsageRows { table, accounts, window, place, names, base: None, rows, rejects, older }
    }

    /// Takes the months that are over as they are kept; whether they count today.
    pub fn stand_on(&mut self, kept: &[Kept]) -> bool {
        let fits = kept.first().is_some_and(|kept| kept.fits(self.window.from, self.window.as_of));
        self.base = fits.then(|| UsageBase::read(kept, self.accounts)).flatten();
        self.base.iter().for_each(|base| base.name(&mut lock(&self.names)));
        self.base.is_some()
    }

    /// Gives up the months that are over where other rows lie before their end; whether that was so.
    pub fn step_down(&mut self) -> bool {
        let rest = self.rows.counted();
        let stands =
            |base: &UsageBase| is_before(base.count, rest) && base.lagged == base.count.and(rest).recorded.is_some();
        self.base.take_if(|base| !stands(base)).is_some()
    }

    pub fn add(&self, chunk: usize, file: &str, path_day: Option<Day>, batch: &RecordBatch) {
        let column = |name: &str| self.table.column(name);
        let (Some(account), Some(product), Some(metric), Some(value)) =
            (column("account_id"), column("product_id"), column("metric"), column("value"))
        else {
            return;
        };
        let settings = self.window.settings;
        let known = |id: &str| self.accounts.get(id).ok_or_else(|| "must exist in `accounts`".to_owned());
        let batch = Batch {
            time: BatchTime::of(batch, path_day, self.window),
            accounts: Mapped::of(batch, account, settings, known),
            products: Mapped::of(batch, product, settings, |_| Ok(())),
            metrics: Mapped::of(batch, metric, settings, |_| Ok(())),
            values: batch.column_by_name(value.name).map(convert::nums),
            value_column: value,
            rows: batch.num_rows(),
            file,
        };
        let refuse = |row: Row| self.refuse(row);
        self.rows.add(chunk, &refuse, |rows| self.gather(chunk, &batch, rows));
    }

    fn gather(&self, chunk: usize, batch: &Batch, rows: &mut Vec<Row>) -> Count {
        let mut pairs = PairMemo::new(batch);
        let mut count = Count::default();
        rows.reserve(batch.rows);
        for row in 0..batch.rows {
            let (day, recorded) = match batch.time.of_row(row) {
                When::Visible { day, recorded } => (day, recorded.unwrap_or(UNRECORDED)),
                When::Future => {
                    self.rows.leave_out(chunk);
                    continue;
                }
                When::Older => {
                    self.rows.leave_out(chunk);
                    self.older.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                When::Broken { rule, value } => {
                    count.visible += 1;
                    let shown = value.clone().unwrap_or_else(|| "null".into());
                    self.reject(chunk, batch.key(row, &shown), Broken { column: "date", rule, value }, batch.file);
                    continue;
                }
            };
            count.visible += 1;
            match batch.accepted(row) {
                Some((account, value)) => {
                    count.accept(day, recorded);
                    let pair = pairs.number(batch, row, &self.names);
                    rows.push(Row { series: Key { account, pair }, version: Version { day, recorded, value } });
                }
                None => {
                    if let Some(broken) = batch.fault(row) {
                        self.reject(chunk, batch.key(row, &day.to_string()), broken, batch.file);
                    }
                }
            }
        }
        count
    }

    /// Adds what an earlier night packed.
    pub fn add_runs(&self, chunk: usize, runs: Vec<Run>, count: Count) {
        self.rows.add_runs(chunk, runs, count);
    }

    pub fn names(&self) -> MutexGuard<'_, Pairs> {
        lock(&self.names)
    }

    fn reject(&self, chunk: usize, key: String, broken: Broken, place: &str) {
        self.rows.leave_out(chunk);
        lock(&self.rejects).add(key, broken.column, &broken.rule, broken.value.as_deref(), place);
    }

    fn refuse(&self, row: Row) {
        let key = {
            let names = lock(&self.names);
            let (product, metric) = names.names(row.series.pair);
            format!("{} / {product} / {} / {metric}", self.accounts.name(row.series.account), row.version.day)
        };
        let value = row.version.value.to_string();
        lock(&self.rejects).add(key, "value", rules::DUPLICATE, Some(&value), self.place);
    }

    /// Shows each chunk that holds all of its rows to `keep`, and the `settled` ones together to `keep_base`, so that a
    /// later night need not read them again.
    pub fn finish(
        mut self,
        settled: &[bool],
        keep: impl Fn(&Gathered<Run>, &Pairs) + Sync,
        keep_base: impl Fn(&UsageBase),
    ) -> UsageFound {
        let rows = std::mem::replace(&mut self.rows, Gathering::new(0, 0));
        let gathered = rows.finish(&|row| self.refuse(row));
        {
            let names = lock(&self.names);
            gathered.par_iter().filter(|chunk| chunk.complete).for_each(|chunk| keep(chunk, &names));
        }
        let kept = self.base.as_ref().map_or(Count::default(), |base| base.count);
        let count = gathered.iter().fold(kept, |sum, chunk| sum.and(chunk.count));
        let alone = stands_alone(&gathered, settled).filter(|_| self.base.is_none());
        let (over, rest): (Vec<_>, Vec<_>) = gathered.into_iter().partition(|chunk| settled[chunk.chunk]);
        let [mut over, rest] =
            [over, rest].map(|chunks| chunks.into_iter().flat_map(|chunk| chunk.runs).collect::<Vec<Run>>());
        if let Some(alone) = alone {
            self.base = UsageBase::of(&over, &lock(&self.names), count.recorded.is_some(), alone);
            if let Some(base) = &self.base {
                over.clear();
                keep_base(base);
            }
        }
        let runs: Vec<Run> = over.into_iter().chain(rest).collect();
        let places = by_series(&runs);
        refuse_repeats(&runs, &places, &mut |row| self.refuse(row));
        let names = self.names.into_inner().unwrap_or_else(PoisonError::into_inner);
        let products = Dictionary::new(names.products.names().iter().cloned());
        let metrics = Dictionary::new(names.metrics.names().iter().cloned());
        let pairs = names.under(&products, &metrics);
        let recorded = count.recorded.is_some();
        let whole = UsageBuilder::new(metrics.len(), recorded);
        let pieces = match &self.base {
            Some(base) => base.and_later(&runs, &places, &pairs, &products, &metrics),
            None => pieces(&runs, &places, &pairs, &whole),
        };
        let history = whole.joined(pieces).finish(self.accounts.len());
        let older = self.older.into_inner();
        UsageFound {
            rejects: self.rejects.into_inner().unwrap_or_else(PoisonError::into_inner),
            rows: count.visible,
            newest: count.newest_day(),
            older,
            recorded,
            history,
            products,
            metrics,
        }
    }
}

/// One batch with its ids looked up.
struct Batch<'a> {
    time: BatchTime<'a>,
    accounts: Mapped<AccountIx>,
    products: Mapped<()>,
    metrics: Mapped<()>,
    values: Option<Float64Array>,
    value_column: &'static Column,
    rows: usize,
    file: &'a str,
}

impl Batch<'_> {
    fn value(&self, row: usize) -> Option<f64> {
        self.values.as_ref().and_then(|values| values.is_valid(row).then(|| values.value(row)))
    }

    /// Account and value of a row that breaks no rule.
    fn accepted(&self, row: usize) -> Option<(AccountIx, f64)> {
        let account = self.accounts.get(row).ok()?;
        self.products.get(row).ok()?;
        self.metrics.get(row).ok()?;
        let value = self.value(row)?;
        rules::is_sound(self.value_column, value).then_some((account, value))
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

/// Numbers of a batch's pairs, each asked for when the first row that counts needs it: a name that only rows of the
/// future hold must not leave a trace.
struct PairMemo {
    metrics: usize,
    known: Vec<u32>,
    last: Option<((usize, usize), u32)>,
}

/// Largest memo, in pairs; beyond it each change of pair is looked up.
const MEMO_PAIRS: usize = 1 << 20;
const UNKNOWN: u32 = u32::MAX;

impl PairMemo {
    fn new(batch: &Batch) -> PairMemo {
        let (products, metrics) = (batch.products.distinct(), batch.metrics.distinct());
        let pairs = products.checked_mul(metrics).filter(|pairs| *pairs <= MEMO_PAIRS).unwrap_or(0);
        PairMemo { metrics, known: vec![UNKNOWN; pairs], last: None }
    }

    fn number(&mut self, batch: &Batch, row: usize, names: &Mutex<Pairs>) -> u32 {
        let place = (batch.products.place(row), batch.metrics.place(row));
        if let Some((last, number)) = self.last
            && last == place
        {
            return number;
        }
        let at = place.0 * self.metrics + place.1;
        let mut number = self.known.get(at).copied().unwrap_or(UNKNOWN);
        if number == UNKNOWN {
            number = lock(names).number(batch.products.shown(row), batch.metrics.shown(row));
            if let Some(known) = self.known.get_mut(at) {
                *known = number;
            }
        }
        self.last = Some((place, number));
        number
    }
}

impl UsageFound {
    /// The history under the final dictionaries, which keep the order of names.
    pub fn into_history(self, products: &Dictionary<ProductIx>, metrics: &Dictionary<MetricIx>) -> UsageHistory {
        let product = |known: ProductIx| products.get(self.products.name(known)).unwrap_or(known);
        let metric = |known: MetricIx| metrics.get(self.metrics.name(known)).unwrap_or(known);
        self.history.renamed(product, metric, metrics.len())
    }
}

/// The series of all runs, piece by piece. Made as soon as the rows are read, because runs take more room than the history.
fn pieces(
    runs: &[Run],
    places: &Places<Key>,
    pairs: &[Option<(ProductIx, MetricIx)>],
    whole: &UsageBuilder,
) -> Vec<UsageBuilder> {
    let assembled = |piece: &[Place<Key>]| {
        let (mut builder, mut cells) = (whole.another(), Cells::default());
        for account in piece.chunk_by(|a, b| a.0.account == b.0.account) {
            for (product, metric, places) in series_of(account, pairs) {
                push_series(&mut builder, &mut cells, runs, places, product, metric);
            }
        }
        builder
    };
    let pieces = places.pieces(8 * rayon::current_num_threads(), |key| key.account);
    pieces.into_par_iter().map(assembled).collect()
}

/// The series of an account in the order of the dictionaries.
pub(super) fn series_of<'p>(
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

/// Unpacks a series and hands it to the builder.
pub(super) fn push_series(
    builder: &mut UsageBuilder,
    cells: &mut Cells,
    runs: &[Run],
    places: &[Place<Key>],
    product: ProductIx,
    metric: MetricIx,
) {
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

fn seen_as(version: &Version) -> UsageVersion {
    let Version { day, recorded, value } = *version;
    UsageVersion { day, known: known(day, recorded), value }
}

fn known(day: Day, recorded: Moment) -> Day {
    rules::known_day((recorded != UNRECORDED).then_some(recorded), Some(day))
}

/// Runs for the state: their accounts and pairs by name, then the runs themselves.
pub(super) fn write(runs: &[Run], accounts: &Dictionary<AccountIx>, names: &Pairs) -> Writer {
    let mut out = Writer::default();
    let mut used: Vec<AccountIx> = runs.iter().flat_map(|run| &run.series).map(|series| series.key.account).collect();
    used.sort_unstable();
    used.dedup();
    out.number(used.len() as u64);
    used.iter().for_each(|account| out.text(accounts.name(*account)));
    out.number(names.pairs.len() as u64);
    for pair in 0..names.pairs.len() as u32 {
        let (product, metric) = names.names(pair);
        out.text(product);
        out.text(metric);
    }
    out.number(runs.len() as u64);
    for run in runs {
        run.write(&mut out, |account| used.binary_search(&account).unwrap_or_default() as u32, |pair| pair);
    }
    out
}

/// The runs again, under today's numbers. `None` where rows of them do not count today, or an account is gone.
pub(super) fn read(
    kept: &Kept,
    accounts: &Dictionary<AccountIx>,
    names: &mut Pairs,
    window: Window,
) -> Option<Vec<Run>> {
    kept.fits(window.from, window.as_of).then_some(())?;
    let mut reader = kept.runs();
    let n = reader.number();
    let accounts: Vec<AccountIx> = (0..n).map(|_| accounts.get(reader.text())).collect::<Option<_>>()?;
    let n = reader.number();
    let pairs: Vec<(&str, &str)> = (0..n).map(|_| (reader.text(), reader.text())).collect();
    let mut numbers = vec![None; pairs.len()];
    let account = |number: u32| accounts.get(number as usize).copied().unwrap_or(AccountIx(0));
    let mut pair = |number: u32| {
        let (product, metric) = pairs.get(number as usize).copied().unwrap_or_default();
        numbers.get_mut(number as usize).map_or(0, |known| *known.get_or_insert_with(|| names.number(product, metric)))
    };
    let n = reader.number();
    Some((0..n).map(|_| Run::read(&mut reader, kept.content(), account, &mut pair)).collect())
}
