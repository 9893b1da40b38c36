//! The account's usage series with what each window of them comes to, measured once for everyone who asks.

use crate::history::usage::{Measure, Regular};
use crate::vocabulary::{MetricIx, ProductIx};

pub(super) struct Metered<'a> {
    /// Days, shortest first.
    pub windows: Vec<i32>,
    pub series: Vec<MeteredSeries<'a>>,
}

pub(super) struct MeteredSeries<'a> {
    pub regular: &'a Regular,
    /// By window.
    pub measures: Vec<Option<Measure>>,
}

impl<'a> Metered<'a> {
    /// `windows` in days, shortest first.
    pub fn of(usage: &'a [Regular], windows: &[i32]) -> Metered<'a> {
        let measured = |regular: &'a Regular| {
            let measures = windows.iter().map(|window| regular.measure(*window)).collect();
            MeteredSeries { regular, measures }
        };
        let series = usage.iter().map(measured).collect();
        Metered { windows: windows.to_vec(), series }
    }

    pub fn find(&self, product: ProductIx, metric: MetricIx) -> Option<&MeteredSeries<'a>> {
        self.series.iter().find(|series| series.regular.product == product && series.regular.metric == metric)
    }

    /// What a window of the series comes to, whether the job asks for that window or not.
    pub fn measure(&self, series: &MeteredSeries, window: i32) -> Option<Measure> {
        match self.windows.binary_search(&window) {
            Ok(position) => series.measures[position],
            Err(_) => series.regular.measure(window),
        }
    }
}
