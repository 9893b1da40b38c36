//! Which observations are wanted, where not all of them are.

use super::Metric;
use super::metrics::METRICS;

/// Metrics, each over the windows that are wanted of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// One bit per metric.
    metrics: u128,
    /// Days, by metric.
    windows: Vec<Vec<i32>>,
    /// Those of metrics that are observed over the windows of the job.
    of_job: Vec<i32>,
    /// Whether it is asked, too, when things changed.
    when: bool,
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
        self.windows[metric as usize].contains(&window_days)
    }

    /// The same, and when things changed.
    pub fn with_changes(self) -> Asked {
        Asked { when: true, ..self }
    }

    pub(super) fn when(&self) -> bool {
        self.when
    }

    /// Whether the window is wanted of a metric that is observed over the windows of the job.
    pub(super) fn of_job(&self, window_days: i32) -> bool {
        self.of_job.contains(&window_days)
    }
}

impl FromIterator<(Metric, i32)> for Asked {
    /// Metrics and windows in days, 0 for a state.
    fn from_iter<I: IntoIterator<Item = (Metric, i32)>>(asked: I) -> Asked {
        let windows = vec![Vec::new(); METRICS.len()];
        let mut all = Asked { metrics: 0, windows, of_job: Vec::new(), when: false };
        for (metric, window) in asked {
            all.metrics |= 1 << metric as u32;
            all.windows[metric as usize].push(window);
            if metric.spec().windows.is_empty() {
                all.of_job.push(window);
            }
        }
        all
    }
}
