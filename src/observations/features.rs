//! Use by user and feature: breadth, depth, teasers, trials, workarounds, abandonment and the mix of use cases; and the
//! integrations beside them.
//!
//! One pass over the account's rows, user by user. Events are added up in bands of age that every window is made of;
//! distinct users and features carry one bit per window, so no window is walked twice.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Metric;
use super::metrics::FEATURE_WINDOWS;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{FeatureKind, FeatureUse};
use crate::vocabulary::{Day, FeatureIx, ProductIx, Text};

const WINDOWS: usize = FEATURE_WINDOWS.len();
/// Twice the longest window.
const AGES: usize = 2 * FEATURE_WINDOWS[WINDOWS - 1] as usize;
/// A feature counts as abandoned after this many days without use.
const ABANDONED_DAYS: i32 = 30;
/// Regular use: this many distinct days within the days before.
const REGULAR_DAYS: u32 = 4;
const REGULAR_OVER_DAYS: i32 = 90;
/// Span of the first and the last mix of use cases.
const MIX_DAYS: i32 = 90;
/// Events that a mix needs.
const MIX_EVENTS: f64 = 20.0;

/// By age: bit w for each window that holds it, bit 8 + w for each window whose baseline holds it.
static MASKS: LazyLock<[u16; AGES]> = LazyLock::new(|| {
    std::array::from_fn(|age| {
        let bit = |(w, days): (usize, &i32)| match age as i32 / days {
            0 => 1 << w,
            1 => 1 << (8 + w),
            _ => 0,
        };
        FEATURE_WINDOWS.iter().enumerate().map(bit).sum()
    })
});

/// What is counted, once per product and once for the account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Aspect {
    Any,
    Power,
    Teaser,
    Trial,
    Export,
    Workaround,
}
const ASPECTS: usize = Aspect::Workaround as usize + 1;

/// Events and distinct users of one aspect, by window: now and before.
#[derive(Clone, Copy, Default)]
struct Tally {
    events: [[f64; 2]; WINDOWS],
    users: [[u32; 2]; WINDOWS],
    rows: [u64; WINDOWS],
    /// Windows that the user being read has touched.
    user_mask: u16,
}

impl Tally {
    fn add(&mut self, mask: u16, events: f64) {
        self.user_mask |= mask;
        for w in 0..WINDOWS {
            let (now, before) = (f64::from(mask >> w & 1), f64::from(mask >> (8 + w) & 1));
            self.events[w][0] += now * events;
            self.events[w][1] += before * events;
            self.rows[w] += u64::from(mask >> w & 1);
        }
    }

    fn end_user(&mut self) {
        let mask = std::mem::take(&mut self.user_mask);
        for w in 0..WINDOWS {
            self.users[w][0] += u32::from(mask >> w & 1);
            self.users[w][1] += u32::from(mask >> (8 + w) & 1);
        }
    }
}

/// What one feature saw.
#[derive(Clone, Copy)]
struct FeatureTally {
    mask: u16,
    last: Day,
    /// Events within [`ABANDONED_DAYS`], and in the [`REGULAR_OVER_DAYS`] before.
    recent: f64,
    before: f64,
    /// One bit per day of those.
    days_before: u128,
    /// Events within the first and the last [`MIX_DAYS`].
    early: f64,
    late: f64,
}

const UNUSED: FeatureTally =
    FeatureTally { mask: 0, last: Day::MIN, recent: 0.0, before: 0.0, days_before: 0, early: 0.0, late: 0.0 };

struct Reading {
    first: Day,
    whole: [Tally; ASPECTS],
    by_product: BTreeMap<(ProductIx, Aspect), Tally>,
    features: Vec<FeatureTally>,
    trial_days: Vec<(ProductIx, Day)>,
    /// Age of each user's first use of a power feature.
    power_began: Vec<i32>,
    /// Events of the busiest user, by window.
    busiest: [f64; WINDOWS],
}

pub(super) fn observe(recorder: &mut Recorder) {
    if let Some(reading) = recorder.has(InputTable::FeatureUsage).then(|| read(recorder)).flatten() {
        tallies(recorder, &reading);
        breadth(recorder, &reading);
        newcomers(recorder, &reading);
        concentration(recorder, &reading);
        abandonment(recorder, &reading);
        use_cases(recorder, &reading);
    }
    if recorder.has(InputTable::Integrations) {
        integrations(recorder);
    }
}

fn is_power(kind: Option<FeatureKind>) -> bool {
    matches!(kind, Some(FeatureKind::Advanced | FeatureKind::Workflow | FeatureKind::Export))
}

/// `None` for an account that never had a row: nothing is known about its use.
fn read(recorder: &Recorder) -> Option<Reading> {
    let extracts = recorder.view.extracts;
    let first = recorder.view.feature_usage(recorder.account).map(|row| row.day).min()?;
    let mut reading = Reading {
        first,
        whole: [Tally::default(); ASPECTS],
        by_product: BTreeMap::new(),
        features: vec![UNUSED; extracts.features.len()],
        trial_days: Vec::new(),
        power_began: Vec::new(),
        busiest: [0.0; WINDOWS],
    };
    let mut rows = recorder.view.feature_usage(recorder.account).peekable();
    while let Some(user) = rows.peek().map(|row| row.user) {
        reading.read_user(recorder, std::iter::from_fn(|| rows.next_if(|row| row.user == user)));
    }
    Some(reading)
}

impl Reading {
    fn read_user(&mut self, recorder: &Recorder, rows: impl Iterator<Item = FeatureUse>) {
        let before: [f64; WINDOWS] = std::array::from_fn(|w| self.whole[Aspect::Any as usize].events[w][0]);
        let mut power_began: Option<i32> = None;
        for row in rows {
            let age = recorder.age(row.day);
            self.read_feature(&row, age);
            if is_power(recorder.view.extracts.feature(row.feature).kind) {
                power_began = power_began.max(Some(age));
            }
            if let Some(&mask) = MASKS.get(age as usize) {
                self.read_recent(recorder, &row, mask);
            }
        }
        self.power_began.extend(power_began);
        let after = &self.whole[Aspect::Any as usize].events;
        for ((busiest, before), after) in self.busiest.iter_mut().zip(before).zip(after) {
            *busiest = busiest.max(after[0] - before);
        }
        self.whole.iter_mut().chain(self.by_product.values_mut()).for_each(Tally::end_user);
    }

    fn read_feature(&mut self, row: &FeatureUse, age: i32) {
        let Some(feature) = self.features.get_mut(row.feature.at()).filter(|_| row.events > 0) else { return };
        let events = f64::from(row.events);
        feature.mask |= MASKS.get(age as usize).copied().unwrap_or(0);
        feature.last = feature.last.max(row.day);
        if age < ABANDONED_DAYS {
            feature.recent += events;
        } else if age < ABANDONED_DAYS + REGULAR_OVER_DAYS {
            feature.before += events;
            feature.days_before |= 1 << (age - ABANDONED_DAYS);
        }
        if row.day.since(self.first) < MIX_DAYS {
            feature.early += events;
        }
        if age < MIX_DAYS {
            feature.late += events;
        }
    }

    fn read_recent(&mut self, recorder: &Recorder, row: &FeatureUse, mask: u16) {
        let feature = recorder.view.extracts.feature(row.feature);
        let events = f64::from(row.events);
        if row.events == 0 {
            return;
        }
        let mut add = |aspect: Aspect, product: ProductIx| {
            self.whole[aspect as usize].add(mask, events);
            self.by_product.entry((product, aspect)).or_default().add(mask, events);
        };
        add(Aspect::Any, feature.product);
        if is_power(feature.kind) {
            add(Aspect::Power, feature.product);
        }
        match feature.kind {
            Some(FeatureKind::Teaser) => add(Aspect::Teaser, feature.product),
            Some(FeatureKind::Export) => add(Aspect::Export, feature.product),
            _ => {}
        }
        if let Some(suggested) = feature.suggests {
            add(Aspect::Workaround, suggested);
        }
        if row.in_trial {
            add(Aspect::Trial, feature.product);
            self.trial_days.push((feature.product, row.day));
        }
    }
}

/// Which metrics show an aspect's events and users.
const SHOWN: [(Aspect, Option<Metric>, Option<Metric>); ASPECTS] = [
    (Aspect::Any, Some(Metric::FeatureEvents), Some(Metric::UsersActive)),
    (Aspect::Power, None, Some(Metric::PowerUsers)),
    (Aspect::Teaser, Some(Metric::TeaserEvents), Some(Metric::TeaserUsers)),
    (Aspect::Trial, Some(Metric::TrialEvents), Some(Metric::TrialUsers)),
    (Aspect::Export, Some(Metric::ExportEvents), None),
    (Aspect::Workaround, Some(Metric::WorkaroundEvents), Some(Metric::WorkaroundUsers)),
];

fn tallies(recorder: &mut Recorder, reading: &Reading) {
    for (aspect, events, users) in SHOWN {
        let of_products = reading.by_product.iter().filter(|((_, known), _)| *known == aspect);
        for (&(product, _), tally) in of_products {
            tally_facts(recorder, tally, events, users, Some(product));
        }
        if aspect != Aspect::Workaround {
            tally_facts(recorder, &reading.whole[aspect as usize], events, users, None);
        }
    }
    trial_days(recorder, reading);
}

fn tally_facts(
    recorder: &mut Recorder,
    tally: &Tally,
    events: Option<Metric>,
    users: Option<Metric>,
    product: Option<ProductIx>,
) {
    for (w, &window) in FEATURE_WINDOWS.iter().enumerate() {
        let reaches = recorder.reaches_before(InputTable::FeatureUsage, window);
        let fact = |now: f64, before: f64| Fact {
            rows: tally.rows[w],
            ..Fact::new(now, 0).against(reaches.then_some(before))
        };
        let user_counts = tally.users[w].map(f64::from);
        for (metric, [now, before]) in [(events, tally.events[w]), (users, user_counts)] {
            match (metric, product) {
                (Some(metric), Some(product)) => recorder.product(metric, product, window, fact(now, before)),
                (Some(metric), None) => recorder.account(metric, window, fact(now, before)),
                (None, _) => {}
            }
        }
    }
}

fn trial_days(recorder: &mut Recorder, reading: &Reading) {
    let mut by_product = reading.trial_days.clone();
    by_product.sort_unstable();
    by_product.dedup();
    for days in by_product.chunk_by(|a, b| a.0 == b.0) {
        let dates: Vec<Day> = days.iter().map(|(_, day)| *day).collect();
        for &window in FEATURE_WINDOWS {
            let fact = recorder.counted(InputTable::FeatureUsage, &dates, window);
            recorder.product(Metric::TrialDays, days[0].0, window, fact);
        }
    }
    let mut dates: Vec<Day> = by_product.iter().map(|(_, day)| *day).collect();
    dates.sort_unstable();
    dates.dedup();
    recorder.counts(Metric::TrialDays, &dates);
}

fn breadth(recorder: &mut Recorder, reading: &Reading) {
    for (w, &window) in FEATURE_WINDOWS.iter().enumerate() {
        let mut products: BTreeMap<ProductIx, [usize; 2]> = BTreeMap::new();
        for (position, feature) in reading.features.iter().enumerate().filter(|(_, feature)| feature.mask != 0) {
            let product = recorder.view.extracts.feature(FeatureIx::from(position)).product;
            let counts = products.entry(product).or_default();
            counts[0] += usize::from(feature.mask >> w & 1);
            counts[1] += usize::from(feature.mask >> (8 + w) & 1);
        }
        let reaches = recorder.reaches_before(InputTable::FeatureUsage, window);
        let fact = |[now, before]: [usize; 2]| Fact::new(now as f64, now).against(reaches.then_some(before as f64));
        let whole = products.values().fold([0, 0], |sum, counts| [sum[0] + counts[0], sum[1] + counts[1]]);
        recorder.account(Metric::FeaturesUsed, window, fact(whole));
        for (product, counts) in products {
            recorder.product(Metric::FeaturesUsed, product, window, fact(counts));
        }
    }
}

/// First uses count only where the history began before the window that they fall in.
fn newcomers(recorder: &mut Recorder, reading: &Reading) {
    let history = recorder.age(reading.first);
    let began = |from: i32, to: i32| reading.power_began.iter().filter(|age| (from..to).contains(age)).count();
    for &window in FEATURE_WINDOWS.iter().filter(|window| history >= **window) {
        let now = began(0, window);
        let before = (history >= 2 * window).then(|| began(window, 2 * window) as f64);
        recorder.account(Metric::NewPowerUsers, window, Fact::new(now as f64, now).against(before));
    }
}

fn concentration(recorder: &mut Recorder, reading: &Reading) {
    for &window in Metric::TopUserShare.spec().windows {
        let Some(w) = FEATURE_WINDOWS.iter().position(|known| *known == window) else { continue };
        let any = &reading.whole[Aspect::Any as usize];
        if any.events[w][0] > 0.0 {
            let fact = Fact { rows: any.rows[w], ..Fact::new(reading.busiest[w] / any.events[w][0], 0) };
            recorder.account(Metric::TopUserShare, window, fact);
        }
    }
}

fn abandonment(recorder: &mut Recorder, reading: &Reading) {
    let extracts = recorder.view.extracts;
    let regular = reading.features.iter().enumerate().filter(|(_, f)| f.days_before.count_ones() >= REGULAR_DAYS);
    let regular: Vec<(usize, &FeatureTally)> = regular.collect();
    let abandoned: Vec<&(usize, &FeatureTally)> = regular.iter().filter(|(_, f)| f.recent == 0.0).collect();
    let fact = Fact::new(abandoned.len() as f64, abandoned.len()).against(Some(regular.len() as f64));
    recorder.account(Metric::FeaturesAbandoned, ABANDONED_DAYS, fact);
    for (position, tally) in abandoned {
        let feature = extracts.feature(FeatureIx::from(*position));
        let usual = tally.before * f64::from(ABANDONED_DAYS) / f64::from(REGULAR_OVER_DAYS);
        let fact = Fact::new(0.0, 0).against(Some(usual)).since(Some(tally.last.plus(1)));
        recorder.member(Metric::FeatureAbandoned, &feature.id, Some(feature.product), ABANDONED_DAYS, fact);
    }
}

fn use_cases(recorder: &mut Recorder, reading: &Reading) {
    if recorder.age(reading.first) < 2 * MIX_DAYS {
        return;
    }
    let mut mix: BTreeMap<Text, [f64; 2]> = BTreeMap::new();
    for (position, tally) in reading.features.iter().enumerate() {
        if let Some(use_case) = &recorder.view.extracts.feature(FeatureIx::from(position)).use_case {
            let sums = mix.entry(use_case.clone()).or_default();
            sums[0] += tally.early;
            sums[1] += tally.late;
        }
    }
    let total = |n: usize| mix.values().map(|sums| sums[n]).sum::<f64>();
    let (early, late) = (total(0), total(1));
    if early < MIX_EVENTS || late < MIX_EVENTS {
        return;
    }
    let moved: f64 = mix.values().map(|sums| (sums[1] / late - sums[0] / early).abs()).sum::<f64>() / 2.0;
    recorder.account(Metric::UseCaseShift, MIX_DAYS, Fact::new(moved, late as usize));
    for (use_case, sums) in mix {
        let fact = Fact::new(sums[1] / late, sums[1] as usize).against(Some(sums[0] / early));
        recorder.member(Metric::UseCaseShare, &use_case, None, MIX_DAYS, fact);
    }
}

fn integrations(recorder: &mut Recorder) {
    let (view, day) = (recorder.view, recorder.view.day);
    let rows: Vec<_> = view.integrations(recorder.account).collect();
    let active_on = |on: Day| {
        let active = |row: &&&_| connected(row, on);
        rows.iter().filter(active).count()
    };
    let reaches = recorder.reaches_before(InputTable::Integrations, 45);
    let fact = Fact::new(active_on(day) as f64, active_on(day));
    recorder.account(Metric::IntegrationsActive, 0, fact.against(reaches.then(|| active_on(day.minus(90)) as f64)));
    recorder.counts(Metric::IntegrationsConnected, &rows.iter().map(|row| row.connected_on).collect::<Vec<Day>>());
    let mut categories: BTreeMap<&str, Day> = BTreeMap::new();
    for row in &rows {
        if let Some(category) = row.category.as_deref() {
            let first = categories.entry(category).or_insert(row.connected_on);
            *first = (*first).min(row.connected_on);
        }
    }
    recorder.counts(Metric::IntegrationCategoriesNew, &categories.into_values().collect::<Vec<Day>>());
    let mut competing: BTreeMap<ProductIx, Vec<Day>> = BTreeMap::new();
    for row in rows.iter().filter(|row| connected(row, day)) {
        if let Some(product) = row.competes_with {
            competing.entry(product).or_default().push(row.connected_on);
        }
    }
    for (product, days) in competing {
        let fact = Fact::new(days.len() as f64, days.len()).since(days.iter().max().copied());
        recorder.product(Metric::CompetingIntegrations, product, 0, fact);
    }
}

fn connected(row: &crate::extracts::tables::Integration, on: Day) -> bool {
    row.connected_on <= on && row.disconnected_on.is_none_or(|gone| gone > on)
}
