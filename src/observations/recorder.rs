//! Collects the observations of one account: fills in what is the same for all of them and knows when a baseline is fair.

use super::asked::Asked;
use super::{Metric, Name, Observation};
use crate::extracts::InputTable;
use crate::history::View;
use crate::history::calendar::{Calendar, account_began};
use crate::vocabulary::{AccountIx, Day, ProductIx};

/// A measured value and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    pub value: f64,
    /// The same over the window before.
    pub baseline: Option<f64>,
    /// The day the change began.
    pub since: Option<Day>,
    /// Rows of the source that the value rests on.
    pub rows: u64,
}

impl Fact {
    pub fn new(value: f64, rows: usize) -> Fact {
        Fact { value, baseline: None, since: None, rows: rows as u64 }
    }

    pub fn against(self, baseline: Option<f64>) -> Fact {
        Fact { baseline, ..self }
    }

    pub fn since(self, day: Option<Day>) -> Fact {
        Fact { since: day, ..self }
    }

    pub fn is_nothing(&self) -> bool {
        self.value == 0.0 && self.baseline.unwrap_or(0.0) == 0.0
    }
}

/// (value − baseline) / baseline, where the baseline is above zero.
pub fn relative_change(value: f64, baseline: Option<f64>) -> Option<f64> {
    baseline.filter(|base| *base > 0.0).map(|base| (value - base) / base)
}

/// Room for the observations of nearly every account.
const USUAL_OBSERVATIONS: usize = 512;
/// Room for those of a few metrics, where not all are asked for.
const FEW_OBSERVATIONS: usize = 64;

pub(super) struct Recorder<'a> {
    pub view: View<'a>,
    pub calendar: &'a Calendar,
    pub account: AccountIx,
    /// From when on the account was a customer; before it, silence says nothing.
    pub began: Day,
    pub out: Vec<Observation>,
    /// The windows of the job, shortest first.
    job: Vec<i32>,
    /// `None`: everything.
    asked: Option<&'a Asked>,
    /// The member that was recorded last.
    member: Option<(Metric, Name)>,
}

impl<'a> Recorder<'a> {
    /// `windows` are those of the job, shortest first.
    pub fn new(
        view: View<'a>,
        calendar: &'a Calendar,
        account: AccountIx,
        windows: Vec<i32>,
        asked: Option<&'a Asked>,
    ) -> Recorder<'a> {
        let began = account_began(view, account).unwrap_or(Day::MIN);
        let many = asked.is_none_or(Asked::when);
        let out = Vec::with_capacity(if many { USUAL_OBSERVATIONS } else { FEW_OBSERVATIONS });
        let job = windows.into_iter().filter(|window| asked.is_none_or(|asked| asked.of_job(*window))).collect();
        Recorder { view, calendar, account, began, out, job, asked, member: None }
    }

    /// Whether any window of the metric is asked for.
    #[inline]
    pub fn asks(&self, metric: Metric) -> bool {
        self.asked.is_none_or(|asked| asked.metric(metric))
    }

    /// Whether any metric of the table is asked for.
    pub fn asks_from(&self, table: InputTable) -> bool {
        Metric::ALL.iter().any(|metric| metric.spec().source == table && self.asks(*metric))
    }

    /// Whether it is asked when things changed.
    pub fn asks_when(&self) -> bool {
        self.asked.is_none_or(Asked::when)
    }

    /// The windows of the job that are asked for, shortest first.
    pub fn job_windows(&self) -> &[i32] {
        &self.job
    }

    /// The windows of the metric that are asked for, shortest first; the job's where it has none of its own.
    pub fn windows(&self, metric: Metric) -> Vec<i32> {
        let own = metric.spec().windows;
        let all = if own.is_empty() { &self.job[..] } else { own };
        all.iter().copied().filter(|window| self.asked.is_none_or(|asked| asked.window(metric, *window))).collect()
    }

    pub fn has(&self, table: InputTable) -> bool {
        self.view.extracts.has(table)
    }

    #[inline]
    pub fn age(&self, day: Day) -> i32 {
        self.view.day.since(day)
    }

    /// Records a metric of the account as a whole.
    pub fn account(&mut self, metric: Metric, window: i32, fact: Fact) {
        self.record(metric, metric.text(), None, window, fact);
    }

    /// Records a metric of one product, unless there is nothing to say.
    pub fn product(&mut self, metric: Metric, product: ProductIx, window: i32, fact: Fact) {
        if !fact.is_nothing() {
            self.record(metric, metric.text(), Some(product), window, fact);
        }
    }

    /// Records one member of a family, unless there is nothing to say.
    pub fn member(&mut self, metric: Metric, particular: &str, product: Option<ProductIx>, window: i32, fact: Fact) {
        if !fact.is_nothing() && self.asks(metric) {
            let name = self.name_of(metric, particular);
            self.record(metric, name, product, window, fact);
        }
    }

    /// The windows of a member share its name.
    fn name_of(&mut self, metric: Metric, particular: &str) -> Name {
        match &self.member {
            Some((of, name)) if *of == metric && name.strip_prefix(metric.name()) == Some(particular) => name.clone(),
            _ => {
                let name = metric.of(particular);
                self.member = Some((metric, name.clone()));
                name
            }
        }
    }

    pub fn record(&mut self, metric: Metric, name: Name, product: Option<ProductIx>, window: i32, fact: Fact) {
        if !fact.value.is_finite() || self.asked.is_some_and(|asked| !asked.window(metric, window)) {
            return;
        }
        let fact = fact.against(fact.baseline.filter(|base| base.is_finite()));
        self.out.push(Observation::new((self.account, self.view.day), (metric, name), product, window, fact));
    }

    /// Whether table and account reach back over the whole window before this one.
    pub fn reaches_before(&self, table: InputTable, window: i32) -> bool {
        let table_began = self.calendar.began(table).unwrap_or(Day::MAX);
        self.view.day.minus(2 * window - 1) >= table_began.max(self.began)
    }

    /// How many of `days` lie in the window, against the window before.
    pub fn counted(&self, table: InputTable, days: &[Day], window: i32) -> Fact {
        let within = |from: i32, to: i32| days.iter().filter(|day| (from..to).contains(&self.age(**day))).count();
        let (now, before) = (within(0, window), within(window, 2 * window));
        Fact::new(now as f64, now).against(self.reaches_before(table, window).then_some(before as f64))
    }

    /// A summary of the values dated in the window against the window before; `None` where the window has none.
    pub fn summed_up(
        &self,
        dated: &[(Day, f64)],
        window: i32,
        summary: impl Fn(&mut Vec<f64>) -> Option<f64>,
    ) -> Option<Fact> {
        let mut values: Vec<f64> = Vec::with_capacity(dated.len());
        let mut summed_within = |from: i32, to: i32| {
            values.clear();
            let within = dated.iter().filter(|(day, _)| (from..to).contains(&self.age(*day)));
            values.extend(within.map(|(_, value)| *value));
            (values.len(), summary(&mut values))
        };
        let (rows, value) = summed_within(0, window);
        let fact = Fact::new(value?, rows);
        Some(fact.against(summed_within(window, 2 * window).1))
    }

    /// One count per window of the metric.
    pub fn counts(&mut self, metric: Metric, days: &[Day]) {
        for window in self.windows(metric) {
            let fact = self.counted(metric.spec().source, days, window);
            self.account(metric, window, fact);
        }
    }

    /// One mean per window that has values.
    pub fn means(&mut self, metric: Metric, dated: &[(Day, f64)]) {
        for window in self.windows(metric) {
            if let Some(fact) = self.summed_up(dated, window, |values| crate::statistics::mean(values.iter().copied()))
            {
                self.account(metric, window, fact);
            }
        }
    }

    /// One median per window that has values.
    pub fn medians(&mut self, metric: Metric, dated: &[(Day, f64)]) {
        for window in self.windows(metric) {
            if let Some(fact) = self.summed_up(dated, window, |values| crate::statistics::median(values)) {
                self.account(metric, window, fact);
            }
        }
    }

    /// A state at the end of the day.
    pub fn state(&mut self, metric: Metric, value: f64, rows: usize) {
        self.account(metric, 0, Fact::new(value, rows));
    }
}
