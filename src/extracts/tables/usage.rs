//! `usage`: daily metered usage, held as one dense run of cells per (account, product, metric).
//!
//! Rows number in the hundreds of millions, so they never exist as structs: the loader streams Arrow batches
//! into flat arrays and this is what remains.

use crate::extracts::InputTable;
use crate::extracts::schema::{Entity, Need, Table, account_id, date, id, num};
use crate::vocabulary::{AccountIx, Day, MetricIx, ProductIx};

/// One series: `len` cells from `start` on, stored at `offset` in [`UsageHistory`] `cells`.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    pub account: AccountIx,
    pub product: ProductIx,
    pub metric: MetricIx,
    pub start: Day,
    pub offset: usize,
    pub len: usize,
}

/// An earlier version of a cell: it held `value` from `known` until the next version was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlierCell {
    pub series: u32,
    pub day: Day,
    pub known: Day,
    pub value: f64,
}

/// All usage known by the end of the run's day.
#[derive(Clone, Debug, Default)]
pub struct UsageHistory {
    /// Sorted by (account, product, metric).
    pub series: Vec<Series>,
    /// First series of each account; one longer than the number of accounts.
    pub by_account: Vec<u32>,
    /// The last recorded value of each day; NaN where no row stands.
    pub cells: Vec<f64>,
    /// Days between a cell's date and the day its last version was recorded (saturating);
    /// empty when the table has no `recorded_at`, which is lag 0 everywhere.
    pub lags: Vec<u16>,
    /// Overwritten versions, sorted by (series, day, known).
    pub earlier: Vec<EarlierCell>,
    /// Days on which at least one account has a row of the metric: `covered[metric]` in rising order.
    pub covered: Vec<Vec<Day>>,
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
        let len = (day.since(series.start) + 1).clamp(0, series.len as i32) as usize;
        let range = series.offset..series.offset + len;
        let mut cells = self.cells[range.clone()].to_vec();
        if self.lags.is_empty() {
            return cells;
        }
        for (age, (cell, &lag)) in cells.iter_mut().zip(&self.lags[range]).enumerate() {
            if series.start.plus(age as i32).plus(i32::from(lag)) > day {
                *cell = self.earlier_value(series, series.start.plus(age as i32), day);
            }
        }
        cells
    }

    /// Whether a row of the series for `cell` was known at the end of `day`.
    pub fn is_known(&self, series: &Series, cell: Day, day: Day) -> bool {
        let age = cell.since(series.start);
        if cell > day || age < 0 || age as usize >= series.len || self.cells[series.offset + age as usize].is_nan() {
            return false;
        }
        let lag = self.lags.get(series.offset + age as usize).copied().unwrap_or(0);
        cell.plus(i32::from(lag)) <= day || !self.earlier_value(series, cell, day).is_nan()
    }

    /// The day on which the first version of a cell was recorded; `age` is the cell's place in the series.
    pub fn first_known(&self, series: &Series, age: usize) -> Day {
        let cell = series.start.plus(age as i32);
        let last = cell.plus(i32::from(self.lags.get(series.offset + age).copied().unwrap_or(0)));
        if self.earlier.is_empty() {
            return last;
        }
        let index = self.series_index(series);
        let from = self.earlier.partition_point(|c| (c.series, c.day) < (index, cell));
        self.earlier.get(from).filter(|c| c.series == index && c.day == cell).map_or(last, |c| c.known)
    }

    fn earlier_value(&self, series: &Series, cell: Day, day: Day) -> f64 {
        let index = self.series_index(series);
        let from = self.earlier.partition_point(|c| (c.series, c.day) < (index, cell));
        self.earlier[from..]
            .iter()
            .take_while(|c| c.series == index && c.day == cell && c.known <= day)
            .last()
            .map_or(f64::NAN, |c| c.value)
    }

    fn series_index(&self, series: &Series) -> u32 {
        let key = (series.account, series.product, series.metric);
        self.series.partition_point(|s| (s.account, s.product, s.metric) < key) as u32
    }
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
