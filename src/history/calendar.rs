//! How each usage metric is delivered, as known on a day: level or amount, its cadence, and the days that the extract
//! covers. It decides what the absence of a row means; it looks at all accounts, never at one.

use serde::{Deserialize, Serialize};

use crate::extracts::tables::{Period, Series, UsageHistory};
use crate::extracts::{Extracts, InputTable, PerAccount, Row};
use crate::history::View;
use crate::vocabulary::{AccountIx, Day, MetricIx, ProductIx};

words!(
    /// A gauge keeps its last level where a row is missing; a counter was not used.
    Kind { Gauge = "gauge", Counter = "counter" }
);
words!(
    /// The period that one row stands for. `sampled`: single days at no fixed distance.
    Cadence { Daily = "daily", Weekly = "weekly", Monthly = "monthly", Sampled = "sampled" }
);

/// Metrics that are levels whatever the contracts say.
pub const GAUGES: [&str; 4] = ["seats", "storage_gb", "records", "user_roles"];

/// Series per metric that the cadence is read from: more change nothing, and this costs milliseconds.
const SAMPLE: usize = 400;
/// Share of rows that must fit a cadence.
const FIT: f64 = 0.9;
/// A row later than this many days after its date counts as zero use until it arrives.
const MAX_GRACE_DAYS: i32 = 7;

/// What is known about delivery at the end of a day.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    kinds: Vec<Kind>,
    cadences: Vec<Cadence>,
    /// Covered days by metric, in rising order; metrics of one fixed cadence share theirs.
    covered: Vec<Vec<Day>>,
    grace: i32,
    began: Vec<(InputTable, Day)>,
}

/// What the accounts of one part show of delivery. Those of all parts make the calendar that one look at everything
/// makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deliveries {
    kinds: Vec<Kind>,
    /// By metric, the rhythm of its first series, by account and product.
    rhythms: Vec<Vec<Rhythm>>,
    /// By metric, the days of which some row was known.
    covered: Vec<Vec<Day>>,
    began: Vec<(InputTable, Day)>,
}

impl Deliveries {
    pub fn of(view: View) -> Deliveries {
        let metrics = view.extracts.ids.metrics.len();
        Deliveries {
            kinds: kinds(view, metrics),
            rhythms: rhythms(view, metrics),
            covered: covered_days(view, metrics),
            began: first_days(view),
        }
    }

    fn add(&mut self, other: Deliveries) {
        for (own, other) in self.kinds.iter_mut().zip(other.kinds) {
            *own = if other == Kind::Gauge { other } else { *own };
        }
        for (own, other) in self.rhythms.iter_mut().zip(other.rhythms) {
            own.extend(other);
            own.sort_by_key(|rhythm| (rhythm.account, rhythm.product));
        }
        for (own, other) in self.covered.iter_mut().zip(other.covered) {
            own.extend(other);
            own.sort_unstable();
            own.dedup();
        }
        self.began.extend(other.began);
        self.began.sort_unstable();
        self.began.dedup_by_key(|(table, _)| *table);
    }
}

impl Calendar {
    pub fn learn(view: View) -> Calendar {
        Calendar::of([Deliveries::of(view)])
    }

    /// The calendar of all parts together.
    pub fn of(parts: impl IntoIterator<Item = Deliveries>) -> Calendar {
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else { return Calendar::default() };
        parts.for_each(|part| whole.add(part));
        let metrics: Vec<Distances> = whole.rhythms.iter().map(|rhythms| Distances::of(rhythms)).collect();
        let cadences: Vec<Cadence> = metrics.iter().zip(&whole.covered).map(|(d, days)| d.cadence(days)).collect();
        Calendar {
            kinds: whole.kinds,
            covered: shared_coverage(whole.covered, &cadences),
            grace: grace(&metrics),
            cadences,
            began: whole.began,
        }
    }

    pub fn kind(&self, metric: MetricIx) -> Kind {
        self.kinds[metric.at()]
    }

    pub fn cadence(&self, metric: MetricIx) -> Cadence {
        self.cadences[metric.at()]
    }

    /// Days on which the extract says something about the metric, in rising order.
    pub fn covered(&self, metric: MetricIx) -> &[Day] {
        &self.covered[metric.at()]
    }

    /// Days that nearly all rows need to arrive: younger absence means nothing yet.
    pub fn grace(&self) -> i32 {
        self.grace
    }

    /// The first day on which the table has a row of any account.
    pub fn began(&self, table: InputTable) -> Option<Day> {
        self.began.iter().find(|(known, _)| *known == table).map(|(_, day)| *day)
    }
}

fn kinds(view: View, metrics: usize) -> Vec<Kind> {
    let mut kinds = vec![Kind::Counter; metrics];
    for name in GAUGES {
        if let Some(metric) = view.extracts.ids.metrics.get(name) {
            kinds[metric.at()] = Kind::Gauge;
        }
    }
    let rows = view.extracts.entitlements.all().iter();
    for row in rows.filter(|row| row.period == Period::Gauge && row.seen.on(view.day)) {
        kinds[row.metric.at()] = Kind::Gauge;
    }
    kinds
}

/// How the rows of one series follow each other.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Rhythm {
    account: AccountIx,
    product: ProductIx,
    rows: u64,
    month_ends: u64,
    gaps: u64,
    whole_weeks: u64,
    /// Number of rows by days of delay, the last place for all longer ones.
    delays: Delays,
}

type Delays = [u64; MAX_GRACE_DAYS as usize + 1];

/// Of each metric enough series, in their order, for [`SAMPLE`] of which something was known.
fn rhythms(view: View, metrics: usize) -> Vec<Vec<Rhythm>> {
    let usage = &view.extracts.usage;
    let mut rhythms: Vec<Vec<Rhythm>> = vec![Vec::new(); metrics];
    let mut telling = vec![0_usize; metrics];
    for series in usage.series.iter().filter(|series| series.start <= view.day) {
        let metric = series.metric.at();
        if telling[metric] < SAMPLE {
            let rhythm = Rhythm::of(usage, series, view.day);
            telling[metric] += usize::from(rhythm.rows > 0);
            rhythms[metric].push(rhythm);
        }
    }
    rhythms
}

impl Rhythm {
    fn of(usage: &UsageHistory, series: &Series, day: Day) -> Rhythm {
        let cells = usage.known(series, day);
        let rows = cells.iter().enumerate().filter(|(_, value)| !value.is_nan()).map(|(age, _)| age);
        let (account, product) = (series.account, series.product);
        let mut rhythm =
            Rhythm { account, product, rows: 0, month_ends: 0, gaps: 0, whole_weeks: 0, delays: Delays::default() };
        let lagged = usage.lagged.then(|| usage.cells(series));
        let mut previous = None;
        for age in rows {
            let day = series.start.plus(age as i32);
            rhythm.rows += 1;
            rhythm.month_ends += u64::from(is_month_end(day));
            if let Some(before) = previous.replace(age) {
                rhythm.gaps += 1;
                rhythm.whole_weeks += u64::from((age - before) % 7 == 0);
            }
            // By the first version of each row: a correction says nothing about how long rows take.
            let delay = lagged.as_ref().map_or(0, |cells| cells.first_known(age).since(day));
            rhythm.delays[delay.clamp(0, MAX_GRACE_DAYS) as usize] += 1;
        }
        rhythm
    }
}

/// Counts of row distances over the first series of one metric.
#[derive(Clone, Copy, Default)]
struct Distances {
    rows: u64,
    month_ends: u64,
    gaps: u64,
    whole_weeks: u64,
    delays: Delays,
}

impl Distances {
    fn of(rhythms: &[Rhythm]) -> Distances {
        let mut sum = Distances::default();
        let mut telling = 0;
        for rhythm in rhythms {
            if telling == SAMPLE {
                break;
            }
            telling += usize::from(rhythm.rows > 0);
            sum.rows += rhythm.rows;
            sum.month_ends += rhythm.month_ends;
            sum.gaps += rhythm.gaps;
            sum.whole_weeks += rhythm.whole_weeks;
            sum.delays.iter_mut().zip(rhythm.delays).for_each(|(sum, rows)| *sum += rows);
        }
        sum
    }

    fn cadence(&self, covered: &[Day]) -> Cadence {
        let fits = |part: u64, whole: u64| whole > 0 && part as f64 >= FIT * whole as f64;
        if self.rows > 1 && fits(self.month_ends, self.rows) {
            Cadence::Monthly
        } else if fits(self.whole_weeks, self.gaps) {
            Cadence::Weekly
        } else if is_dense(covered) {
            Cadence::Daily
        } else {
            Cadence::Sampled
        }
    }
}

/// The delay that 99 % of the rows keep.
fn grace(metrics: &[Distances]) -> i32 {
    let rows = |days: usize| metrics.iter().map(|metric| metric.delays[days]).sum::<u64>();
    let total: u64 = (0..Delays::default().len()).map(rows).sum();
    let mut arrived = 0;
    let within = (0..Delays::default().len()).position(|days| {
        arrived += rows(days);
        arrived as f64 >= 0.99 * total as f64
    });
    within.map_or(0, |days| days as i32)
}

fn is_month_end(day: Day) -> bool {
    day.plus(1).month_start() == day.plus(1)
}

/// Half of the days between the first and the last have a row.
fn is_dense(covered: &[Day]) -> bool {
    match covered {
        [] => true,
        [first, .., last] => covered.len() as i32 * 2 > last.since(*first),
        [_] => true,
    }
}

/// Days up to the view's on which a row of the metric was known by the view's day.
fn covered_days(view: View, metrics: usize) -> Vec<Vec<Day>> {
    let usage = &view.extracts.usage;
    let until = |days: &Vec<Day>| days[..days.partition_point(|day| *day <= view.day)].to_vec();
    let mut covered: Vec<Vec<Day>> = usage.covered.iter().map(until).collect();
    covered.resize(metrics, Vec::new());
    if usage.lagged {
        drop_unknown(view, &mut covered);
    }
    covered
}

/// Takes out the days whose rows were all recorded later. Nearly every day is confirmed by the first series that has
/// it, so only the few days still in doubt are looked up in the others.
fn drop_unknown(view: View, covered: &mut [Vec<Day>]) {
    let usage = &view.extracts.usage;
    let mut doubted: Vec<Vec<Day>> = covered.to_vec();
    for series in usage.series.iter().filter(|series| series.start <= view.day) {
        let days = &mut doubted[series.metric.at()];
        if !days.is_empty() {
            let cells = usage.cells(series);
            days.retain(|day| !cells.is_known(*day, view.day));
        }
    }
    for (days, doubted) in covered.iter_mut().zip(&doubted) {
        days.retain(|day| doubted.binary_search(day).is_err());
    }
}

/// A day on which any metric of a fixed cadence arrived covers all of them: so a metric that only one account used, and
/// stopped using, shows as zero.
fn shared_coverage(own: Vec<Vec<Day>>, cadences: &[Cadence]) -> Vec<Vec<Day>> {
    let union = |cadence: Cadence| {
        let of_cadence = own.iter().zip(cadences).filter(|(_, known)| **known == cadence);
        let mut days: Vec<Day> = of_cadence.flat_map(|(days, _)| days.iter().copied()).collect();
        days.sort_unstable();
        days.dedup();
        days
    };
    let [daily, weekly, monthly] = [Cadence::Daily, Cadence::Weekly, Cadence::Monthly].map(union);
    let shared = |(days, cadence): (&Vec<Day>, &Cadence)| match cadence {
        Cadence::Daily => daily.clone(),
        Cadence::Weekly => weekly.clone(),
        Cadence::Monthly => monthly.clone(),
        Cadence::Sampled => days.clone(),
    };
    own.iter().zip(cadences).map(shared).collect()
}

/// The first event of each table: before it, silence says nothing.
fn first_days(view: View) -> Vec<(InputTable, Day)> {
    let x: &Extracts = view.extracts;
    let mut began = vec![
        (InputTable::Integrations, first(view, &x.integrations, |r| r.connected_on)),
        (InputTable::Activities, first(view, &x.activities, |r| r.at.day())),
        (InputTable::Conversations, first(view, &x.conversations, |r| r.at.day())),
        (InputTable::Tickets, first(view, &x.tickets, |r| r.opened_at.day())),
        (InputTable::Surveys, first(view, &x.surveys, |r| r.at.day())),
        (InputTable::Invoices, first(view, &x.invoices, |r| r.issued_on)),
        (InputTable::AccountEvents, first(view, &x.account_events, |r| r.occurred_on)),
        (InputTable::Opportunities, first(view, &x.opportunities, |r| r.opened_on)),
        (InputTable::FeatureUsage, x.feature_usage.first_known(view.day)),
        (InputTable::Contacts, first(view, &x.contacts, |r| r.seen.known)),
    ];
    began.retain(|(_, day)| day.is_some());
    began.into_iter().filter_map(|(table, day)| Some((table, day?))).collect()
}

fn first<T: Row>(view: View, rows: &PerAccount<T>, day: impl Fn(&T) -> Day) -> Option<Day> {
    rows.all().iter().filter(|row| row.seen().known <= view.day).map(day).min()
}

/// The day from which the account is a customer: its first contract or `customer_since`, whichever is earlier.
pub fn account_began(view: View, account: AccountIx) -> Option<Day> {
    let since = view.account(account).and_then(|row| row.customer_since);
    let contract = view.subscription_versions(account).map(|s| s.starts_on).min();
    since.into_iter().chain(contract).filter(|day| *day <= view.day).min()
}
