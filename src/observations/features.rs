//! Use by user and feature: breadth, depth, teasers, trials, workarounds, abandonment and the mix of use cases.
//!
//! One pass over the account's rows, user by user and feature by feature. Events are counted in bands of age that every
//! window is made of; distinct users and features carry one bit per band, so no window is walked twice.

use std::collections::BTreeMap;

use super::Metric;
use super::metrics::FEATURE_WINDOWS;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{DayUse, Feature, FeatureKind};
use crate::history::feature_rows::{FeatureRows, Run};
use crate::vocabulary::{Day, FeatureIx, ProductIx};

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

/// First ages beyond each band: every window and every baseline begins and ends at one of them.
const BANDS: [usize; 7] = [7, 14, 30, 60, 90, 120, AGES];

/// The band of each age in days.
const BAND_OF: [u8; AGES] = {
    let mut bands = [0; AGES];
    let (mut age, mut band) = (0, 0);
    while age < AGES {
        if age == BANDS[band] {
            band += 1;
        }
        bands[age] = band as u8;
        age += 1;
    }
    bands
};

/// One bit per band that lies within the ages `from..to`.
const fn bands_within(from: i32, to: i32) -> u8 {
    let (mut bits, mut band, mut first) = (0, 0, 0);
    while band < BANDS.len() {
        if first >= from as usize && BANDS[band] <= to as usize {
            bits |= 1 << band;
        }
        first = BANDS[band];
        band += 1;
    }
    bits
}

/// Bands of each window, and of the window before it.
const WINDOW_BANDS: [[u8; 2]; WINDOWS] = {
    let (mut bands, mut w) = ([[0; 2]; WINDOWS], 0);
    while w < WINDOWS {
        let days = FEATURE_WINDOWS[w];
        bands[w] = [bands_within(0, days), bands_within(days, 2 * days)];
        w += 1;
    }
    bands
};

/// What is counted, once per product and once for the account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aspect {
    Any,
    Power,
    Teaser,
    Trial,
    Export,
    Workaround,
}
const ASPECTS: usize = Aspect::Workaround as usize + 1;

/// Events and rows by band of age.
#[derive(Clone, Copy, Default)]
struct Counts {
    events: [u64; BANDS.len()],
    rows: [u32; BANDS.len()],
}

impl Counts {
    fn add(&mut self, band: u8, events: u32) {
        self.events[usize::from(band)] += u64::from(events);
        self.rows[usize::from(band)] += 1;
    }

    fn merge(&mut self, other: &Counts) {
        self.events.iter_mut().zip(other.events).for_each(|(sum, events)| *sum += events);
        self.rows.iter_mut().zip(other.rows).for_each(|(sum, rows)| *sum += rows);
    }

    /// One bit per band with a row.
    fn touched(&self) -> u8 {
        self.rows.iter().enumerate().fold(0, |bits, (band, rows)| bits | u8::from(*rows > 0) << band)
    }

    fn events_in(&self, bands: u8) -> u64 {
        (0..BANDS.len()).filter(|band| bands >> band & 1 == 1).map(|band| self.events[band]).sum()
    }

    fn rows_in(&self, bands: u8) -> u64 {
        (0..BANDS.len()).filter(|band| bands >> band & 1 == 1).map(|band| u64::from(self.rows[band])).sum()
    }
}

/// Events, rows and distinct users of one aspect.
#[derive(Clone, Copy, Default)]
struct Tally {
    counts: Counts,
    /// By window: now and before.
    users: [[u32; 2]; WINDOWS],
    /// Bands that the user being read has touched.
    user_bands: u8,
}

impl Tally {
    fn events(&self, w: usize) -> [f64; 2] {
        WINDOW_BANDS[w].map(|bands| self.counts.events_in(bands) as f64)
    }

    fn rows(&self, w: usize) -> u64 {
        self.counts.rows_in(WINDOW_BANDS[w][0])
    }

    fn end_user(&mut self) {
        let touched = std::mem::take(&mut self.user_bands);
        for (users, bands) in self.users.iter_mut().zip(WINDOW_BANDS) {
            users[0] += u32::from(touched & bands[0] != 0);
            users[1] += u32::from(touched & bands[1] != 0);
        }
    }
}

/// What one feature saw.
#[derive(Clone, Copy)]
struct FeatureTally {
    counts: Counts,
    last: Day,
    /// One bit per day of the [`REGULAR_OVER_DAYS`] before the last [`ABANDONED_DAYS`].
    days_before: u128,
    /// Events within the first [`MIX_DAYS`] of the history.
    early: u64,
}

const UNUSED: FeatureTally = FeatureTally {
    counts: Counts { events: [0; BANDS.len()], rows: [0; BANDS.len()] },
    last: Day::MIN,
    days_before: 0,
    early: 0,
};

const ABANDONED_BANDS: u8 = bands_within(0, ABANDONED_DAYS);
const REGULAR_BANDS: u8 = bands_within(ABANDONED_DAYS, ABANDONED_DAYS + REGULAR_OVER_DAYS);
const MIX_BANDS: u8 = bands_within(0, MIX_DAYS);

struct Reading {
    first: Day,
    /// By product and aspect, the account as a whole last.
    tallies: Vec<[Tally; ASPECTS]>,
    /// Places in `tallies` that the user being read has touched.
    touched: Vec<(usize, Aspect)>,
    features: Vec<FeatureTally>,
    trial_days: Vec<(ProductIx, Day)>,
    /// Age of each user's first use of a power feature.
    power_began: Vec<i32>,
    /// Events of the busiest user, by window.
    busiest: [u64; WINDOWS],
}

pub(super) fn observe(recorder: &mut Recorder) {
    let reading = recorder.has(InputTable::FeatureUsage).then(|| read(recorder)).flatten();
    let Some(reading) = reading else { return };
    if by_user(recorder) {
        tallies(recorder, &reading);
    }
    breadth(recorder, &reading);
    if by_user(recorder) {
        newcomers(recorder, &reading);
        concentration(recorder, &reading);
    }
    abandonment(recorder, &reading);
    use_cases(recorder, &reading);
}

/// Whether anything is asked for that tells users apart.
fn by_user(recorder: &Recorder) -> bool {
    let shown = SHOWN.iter().flat_map(|(_, events, users)| [*events, *users]).flatten();
    shown.chain([Metric::TrialDays, Metric::NewPowerUsers, Metric::TopUserShare]).any(|metric| recorder.asks(metric))
}

fn is_power(kind: Option<FeatureKind>) -> bool {
    matches!(kind, Some(FeatureKind::Advanced | FeatureKind::Workflow | FeatureKind::Export))
}

/// `None` for an account that never had a row: nothing is known about its use.
fn read(recorder: &Recorder) -> Option<Reading> {
    let extracts = recorder.view.extracts;
    let first = recorder.view.feature_firsts(recorder.account).map(|row| row.day).min()?;
    // Between the first mix and the windows only each first use tells something: how long a user has been at it.
    let between = first.plus(MIX_DAYS)..recorder.view.day.minus(AGES as i32 - 1);
    let rows = recorder.view.feature_rows(recorder.account, between);
    let mut reading = Reading {
        first,
        tallies: vec![Default::default(); extracts.products.len() + 1],
        touched: Vec::new(),
        features: vec![UNUSED; extracts.features.len()],
        trial_days: Vec::new(),
        power_began: Vec::new(),
        busiest: [0; WINDOWS],
    };
    if by_user(recorder) {
        rows.users().for_each(|runs| reading.read_user(recorder, &rows, runs));
    } else {
        for run in rows.users().flatten() {
            reading.read_feature(recorder.view.day, run.feature, rows.uses(run));
        }
    }
    Some(reading)
}

impl Reading {
    fn whole(&self) -> &[Tally; ASPECTS] {
        &self.tallies[self.tallies.len() - 1]
    }

    fn read_user(&mut self, recorder: &Recorder, rows: &FeatureRows, runs: &[Run]) {
        let mut power_began: Option<i32> = None;
        let mut own = Counts::default();
        for run in runs {
            let (feature, uses) = (recorder.view.extracts.feature(run.feature), rows.uses(run));
            if is_power(feature.kind) {
                // Rows stand by day, so the first is the oldest.
                power_began = power_began.max(Some(recorder.age(uses[0].day)));
            }
            let (all, recent) = self.read_feature(recorder.view.day, run.feature, uses);
            own.merge(&all);
            self.count(recorder.view.day, feature, &all, recent);
        }
        self.power_began.extend(power_began);
        for (busiest, bands) in self.busiest.iter_mut().zip(WINDOW_BANDS) {
            *busiest = (*busiest).max(own.events_in(bands[0]));
        }
        for (place, aspect) in self.touched.drain(..) {
            self.tallies[place][aspect as usize].end_user();
        }
    }

    /// Counts one user's uses of one feature; what they came to, and the recent ones among them.
    fn read_feature<'u>(&mut self, day: Day, feature: FeatureIx, uses: &'u [DayUse]) -> (Counts, &'u [DayUse]) {
        let mut all = Counts::default();
        let recent = &uses[uses.partition_point(|use_| day.since(use_.day) >= AGES as i32)..];
        let Some(tally) = self.features.get_mut(feature.at()) else { return (all, &[]) };
        let mix_ends = self.first.plus(MIX_DAYS);
        let early = &uses[..uses.partition_point(|use_| use_.day < mix_ends)];
        tally.early += early.iter().map(|use_| u64::from(use_.events)).sum::<u64>();
        if let Some(last) = uses.iter().rfind(|use_| use_.events > 0) {
            tally.last = tally.last.max(last.day);
        }
        for use_ in recent.iter().filter(|use_| use_.events > 0) {
            let age = day.since(use_.day);
            let band = BAND_OF[age as usize];
            all.add(band, use_.events);
            if REGULAR_BANDS >> band & 1 == 1 {
                tally.days_before |= 1 << (age - ABANDONED_DAYS);
            }
        }
        tally.counts.merge(&all);
        (all, recent)
    }

    fn count(&mut self, day: Day, feature: &Feature, all: &Counts, recent: &[DayUse]) {
        self.add(Aspect::Any, feature.product, all);
        if is_power(feature.kind) {
            self.add(Aspect::Power, feature.product, all);
        }
        match feature.kind {
            Some(FeatureKind::Teaser) => self.add(Aspect::Teaser, feature.product, all),
            Some(FeatureKind::Export) => self.add(Aspect::Export, feature.product, all),
            _ => {}
        }
        if let Some(suggested) = feature.suggests {
            self.add(Aspect::Workaround, suggested, all);
        }
        let mut trial = Counts::default();
        for use_ in recent.iter().filter(|use_| use_.in_trial && use_.events > 0) {
            trial.add(BAND_OF[day.since(use_.day) as usize], use_.events);
            self.trial_days.push((feature.product, use_.day));
        }
        self.add(Aspect::Trial, feature.product, &trial);
    }

    fn add(&mut self, aspect: Aspect, product: ProductIx, counts: &Counts) {
        let bands = counts.touched();
        if bands == 0 {
            return;
        }
        for place in [product.at(), self.tallies.len() - 1] {
            let tally = &mut self.tallies[place][aspect as usize];
            if tally.user_bands == 0 {
                self.touched.push((place, aspect));
            }
            tally.user_bands |= bands;
            tally.counts.merge(counts);
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
        let of_products = reading.tallies[..reading.tallies.len() - 1].iter().map(|tallies| &tallies[aspect as usize]);
        for (position, tally) in of_products.enumerate().filter(|(_, tally)| tally.counts.touched() != 0) {
            tally_facts(recorder, tally, events, users, Some(ProductIx::from(position)));
        }
        if aspect != Aspect::Workaround {
            tally_facts(recorder, &reading.whole()[aspect as usize], events, users, None);
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
            rows: tally.rows(w),
            ..Fact::new(now, 0).against(reaches.then_some(before))
        };
        let user_counts = tally.users[w].map(f64::from);
        for (metric, [now, before]) in [(events, tally.events(w)), (users, user_counts)] {
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
    let extracts = recorder.view.extracts;
    let mut products = vec![[[0usize; 2]; WINDOWS]; extracts.products.len()];
    for (position, feature) in reading.features.iter().enumerate() {
        let touched = feature.counts.touched();
        if touched == 0 {
            continue;
        }
        let of_product = &mut products[extracts.feature(FeatureIx::from(position)).product.at()];
        for (counts, bands) in of_product.iter_mut().zip(WINDOW_BANDS) {
            counts[0] += usize::from(touched & bands[0] != 0);
            counts[1] += usize::from(touched & bands[1] != 0);
        }
    }
    for (w, &window) in FEATURE_WINDOWS.iter().enumerate() {
        let reaches = recorder.reaches_before(InputTable::FeatureUsage, window);
        let fact = |[now, before]: [usize; 2]| Fact::new(now as f64, now).against(reaches.then_some(before as f64));
        let whole = products.iter().fold([0, 0], |sum, counts| [sum[0] + counts[w][0], sum[1] + counts[w][1]]);
        recorder.account(Metric::FeaturesUsed, window, fact(whole));
        for (product, counts) in products.iter().enumerate() {
            recorder.product(Metric::FeaturesUsed, ProductIx::from(product), window, fact(counts[w]));
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
        let any = &reading.whole()[Aspect::Any as usize];
        let [events, _] = any.events(w);
        if events > 0.0 {
            let fact = Fact { rows: any.rows(w), ..Fact::new(reading.busiest[w] as f64 / events, 0) };
            recorder.account(Metric::TopUserShare, window, fact);
        }
    }
}

fn abandonment(recorder: &mut Recorder, reading: &Reading) {
    let extracts = recorder.view.extracts;
    let regular = reading.features.iter().enumerate().filter(|(_, f)| f.days_before.count_ones() >= REGULAR_DAYS);
    let regular: Vec<(usize, &FeatureTally)> = regular.collect();
    let abandoned: Vec<&(usize, &FeatureTally)> =
        regular.iter().filter(|(_, f)| f.counts.events_in(ABANDONED_BANDS) == 0).collect();
    let fact = Fact::new(abandoned.len() as f64, abandoned.len()).against(Some(regular.len() as f64));
    recorder.account(Metric::FeaturesAbandoned, ABANDONED_DAYS, fact);
    if !recorder.asks(Metric::FeatureAbandoned) {
        return;
    }
    for (position, tally) in abandoned {
        let feature = extracts.feature(FeatureIx::from(*position));
        let usual =
            tally.counts.events_in(REGULAR_BANDS) as f64 * f64::from(ABANDONED_DAYS) / f64::from(REGULAR_OVER_DAYS);
        let fact = Fact::new(0.0, 0).against(Some(usual)).since(Some(tally.last.plus(1)));
        recorder.member(Metric::FeatureAbandoned, &feature.id, Some(feature.product), ABANDONED_DAYS, fact);
    }
}

fn use_cases(recorder: &mut Recorder, reading: &Reading) {
    let asked = recorder.asks(Metric::UseCaseShift) || recorder.asks(Metric::UseCaseShare);
    if !asked || recorder.age(reading.first) < 2 * MIX_DAYS {
        return;
    }
    let mut mix: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for (position, tally) in reading.features.iter().enumerate() {
        if let Some(use_case) = &recorder.view.extracts.feature(FeatureIx::from(position)).use_case {
            let sums = mix.entry(use_case).or_default();
            sums[0] += tally.early as f64;
            sums[1] += tally.counts.events_in(MIX_BANDS) as f64;
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
        recorder.member(Metric::UseCaseShare, use_case, None, MIX_DAYS, fact);
    }
}
