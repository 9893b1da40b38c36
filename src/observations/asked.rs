//! Which observations are wanted, where not all of them are.

use super::Metric;
use super::metrics::METRICS;

/// Metrics, each over the windows that are wanted of it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// One bit per metric.
    metrics: u128,
    windows: Vec<(Metric, i32)>,
}

const _: () = assert!(METRICS.len() <= u128::BITS as usize);

impl Asked {
    /// Whether any window of the metric is wanted.
    #[inline]
    pub fn metric(&self, metric: Metric) -> bool {
        self.metrics >> metric as u32 & 1 == 1
    }

    #[inline]
    pub fn window(&self, metric: Metric, window_days: i32) -> bool {
        self.metric(metric) && self.windows.contains(&(metric, window_days))
    }

    /// Whether the window is wanted of a metric that is observed over the windows of the job.
    pub(super) fn of_job(&self, window_days: i32) -> bool {
        let mut of_job = self.windows.iter().filter(|(metric, _)| metric.spec().windows.is_empty());
        of_job.any(|(_, window)| *window == window_days)
    }
}

impl FromIterator<(Metric, i32)> for Asked {
    /// Metrics and windows in days, 0 for a state.
    fn from_iter<I: IntoIterator<Item = (Metric, i32)>>(asked: I) -> Asked {
        let windows: Vec<(Metric, i32)> = asked.into_iter().collect();
        Asked { metrics: windows.iter().fold(0, |bits, (metric, _)| bits | 1 << *metric as u32), windows }
    }
}
