//! `usage` from Arrow batches to packed runs of cells.
//!
//! Rows are never held for long: a batch's ids become numbers, its values are gathered, and every few million of them
//! are sorted and packed. Memory follows accounts × metrics × days at a byte or two each.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, Float64Array};
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::stream::Stream;
use super::usage_base::UsageBase;
use super::usage_kept;
use super::usage_run::{Key, Row, Run, Version, each_series};
use crate::extracts::contract::convert;
use crate::extracts::contract::rejects::Rejects;
use crate::extracts::contract::rules;
use crate::extracts::contract::schema::{Column, Table};
use crate::extracts::delivered::found::Source;
use crate::extracts::gathered::batch_time::{BatchTime, When, Window};
use crate::extracts::gathered::dictionary_column::{Mapped, Pairs};
use crate::extracts::gathered::gather::{Count, Gathered, Gathering, UNRECORDED, lock};
use crate::extracts::gathered::places::{even, ranges};
use crate::extracts::kept::settled::{self, Runs, is_before};
use crate::extracts::kept::state::Kept;
use crate::extracts::tables::{UsageBuilder, UsageHistory};
use crate::vocabulary::{AccountIx, Day, Dictionary, MetricIx, ProductIx};

/// Rows that a thread gathers before it packs them, of 32 bytes each.
const GATHERED_ROWS: usize = 1_500_000;

/// Gathers usage from any number of threads.
pub struct UsageRows<'a> {
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

/// What `usage` came to.
pub struct UsageFound {
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
        let Runs { count, over, rest } = settled::apart(gathered, settled, self.base.as_ref().map(|base| base.count));
        let (starts, lagged) = (even(self.accounts.len()), count.recorded.is_some());
        let mut base = self.base.take();
        if let Some((over, alone)) = over {
            let repeated = AtomicBool::new(false);
            let refuse = |row| {
                repeated.store(true, Ordering::Relaxed);
                self.refuse(row);
            };
            base = UsageBase::of(over, &starts, &self.names, (lagged, alone), &refuse);
            // A row that stands in two months is told every night.
            base.iter().filter(|_| !repeated.load(Ordering::Relaxed)).for_each(keep_base);
        }
        let (products, metrics) = lock(&self.names).dictionaries();
        let pairs = lock(&self.names).under(&products, &metrics);
        let (whole, refuse) = (UsageBuilder::new(metrics.len(), lagged), |row| self.refuse(row));
        let built = |runs: Vec<Run>| {
            let mut builder = whole.another();
            each_series(&runs, &pairs, &mut |row| refuse(row), |series| series.push(&mut builder));
            builder
        };
        let pieces = match base {
            Some(base) => base.and_later(rest, &pairs, (&products, &metrics), &refuse),
            None => ranges(rest, &starts).into_par_iter().map(built).collect(),
        };
        let history = whole.joined(pieces).finish(self.accounts.len());
        let older = self.older.into_inner();
        UsageFound {
            rejects: self.rejects.into_inner().unwrap_or_else(PoisonError::into_inner),
            rows: count.visible,
            newest: count.newest_day(),
            older,
            recorded: lagged,
            history,
            products,
            metrics,
        }
    }
}

impl Stream for UsageRows<'_> {
    fn stand_on(&mut self, kept: &[Kept]) -> bool {
        let fits = kept.first().is_some_and(|kept| kept.fits(self.window.from, self.window.as_of));
        self.base = fits.then(|| UsageBase::read(kept, self.accounts)).flatten();
        self.base.iter().for_each(|base| base.name(&mut lock(&self.names)));
        self.base.is_some()
    }

    fn take(&self, kept: &Kept) -> bool {
        let runs = usage_kept::read(kept, self.accounts, &mut lock(&self.names), self.window);
        runs.map(|runs| self.rows.add_runs(kept.chunk, runs, kept.count)).is_some()
    }

    fn add(&self, source: &Source, batch: &RecordBatch) {
        let column = |name: &str| self.table.column(name);
        let (Some(account), Some(product), Some(metric), Some(value)) =
            (column("account_id"), column("product_id"), column("metric"), column("value"))
        else {
            return;
        };
        let settings = self.window.settings;
        let known = |id: &str| self.accounts.get(id).ok_or_else(|| "must exist in `accounts`".to_owned());
        let batch = Batch {
            time: BatchTime::of(batch, source.day, self.window),
            accounts: Mapped::of(batch, account, settings, known),
            products: Mapped::of(batch, product, settings, |_| Ok(())),
            metrics: Mapped::of(batch, metric, settings, |_| Ok(())),
            values: batch.column_by_name(value.name).map(convert::nums),
            value_column: value,
            rows: batch.num_rows(),
            file: &source.url(),
        };
        self.rows.add(source.chunk, &|row| self.refuse(row), |rows| self.gather(source.chunk, &batch, rows));
    }

    fn step_down(&mut self) -> bool {
        let rest = self.rows.counted();
        let stands =
            |base: &UsageBase| is_before(base.count, rest) && base.lagged == base.count.and(rest).recorded.is_some();
        self.base.take_if(|base| !stands(base)).is_some()
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
