//! What the meters count: the noise-free daily series, and the usage rows with their noise, gaps and late arrivals.

use super::catalog::{AUTOMATE, INSIGHTS, PIPELINE, ProductNo, WORKSPACE};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::{Course, DayState};
use super::profile::Profile;
use super::rows::{Metric, UsageRow};
use super::{Noise, Params, Telemetry, calendar};
use crate::vocabulary::{Day, Moment};

/// A noise-free series as a perfect meter would write it; NaN on days without a row.
pub struct Meter {
    pub product: ProductNo,
    pub metric: Metric,
    pub start: Day,
    pub values: Vec<f64>,
}

impl Meter {
    /// The value written for a day.
    pub fn on(&self, day: Day) -> Option<f64> {
        let at = usize::try_from(day.since(self.start)).ok()?;
        self.values.get(at).copied().filter(|value| value.is_finite())
    }
}

/// Every series of the account within the world's days.
pub fn read(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> Vec<Meter> {
    let mut meters = Vec::new();
    let people = |day, state: &DayState| people(profile, causes, day, state);
    let daily = |meters: &mut Vec<Meter>, product, metric, level: &dyn Fn(Day, &DayState) -> f64| {
        meters.extend(meter(params, course, product, metric, level));
    };
    daily(&mut meters, WORKSPACE, Metric::ActiveUsers, &people);
    daily(&mut meters, WORKSPACE, Metric::Seats, &|_, state| seats(profile, state));
    daily(&mut meters, WORKSPACE, Metric::Sessions, &|day, state| people(day, state) * profile.sessions_per_user);
    daily(&mut meters, WORKSPACE, Metric::StorageGb, &|_, state| {
        if profile.hard_storage { state.storage.min(state.storage_limit) } else { state.storage }
    });
    daily(&mut meters, PIPELINE, Metric::ApiCalls, &|day, state| calls(profile, causes, day, state));
    daily(&mut meters, PIPELINE, Metric::Records, &|_, state| state.records.min(state.record_limit * 1.3));
    for product in INSIGHTS..=AUTOMATE {
        let share = 0.15 + 0.1 * (product as f64 - 2.0);
        let series = meter(params, course, product, Metric::Sessions, &|day, state| people(day, state) * share);
        meters.extend(series.map(weekly));
    }
    if params.telemetry == Telemetry::Full {
        finer(params, profile, causes, course, &mut meters);
    }
    meters
}

/// What a vendor who meters everything also counts. Each follows the use that the other meters see, so that no meter
/// tells another story; the pipeline has no seats, because its licence counts capacity.
fn finer(params: &Params, profile: &Profile, causes: &Causes, course: &Course, meters: &mut Vec<Meter>) {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::FinerMeters);
    let habit = Finer {
        minutes_per_session: chance.between(9.0, 26.0),
        scripts_per_person: chance.lognormal(6.0, 0.6),
        records_per_gigabyte: chance.lognormal(900.0, 0.5),
        workflows_per_person: chance.between(0.2, 1.4),
        calls_per_run: chance.lognormal(180.0, 0.5),
        gigabytes_per_record: chance.lognormal(4e-5, 0.4),
    };
    let people = |day, state: &DayState| people(profile, causes, day, state);
    let calls = |day, state: &DayState| calls(profile, causes, day, state);
    let sessions = |day, state: &DayState| people(day, state) * profile.sessions_per_user;
    let mut daily = |product, metric, level: &dyn Fn(Day, &DayState) -> f64| {
        meters.extend(meter(params, course, product, metric, level));
    };
    daily(WORKSPACE, Metric::ApiCalls, &|day, state| people(day, state) * habit.scripts_per_person);
    daily(WORKSPACE, Metric::Records, &|_, state| state.storage * habit.records_per_gigabyte);
    daily(WORKSPACE, Metric::SessionMinutes, &|day, state| sessions(day, state) * habit.minutes_per_session);
    daily(WORKSPACE, Metric::Workflows, &|day, state| people(day, state) * habit.workflows_per_person);
    daily(PIPELINE, Metric::Sessions, &|day, state| people(day, state) * 0.2);
    daily(PIPELINE, Metric::StorageGb, &|_, state| state.records * habit.gigabytes_per_record);
    daily(PIPELINE, Metric::Workflows, &|day, state| calls(day, state) / habit.calls_per_run);
}

/// How an account's finer meters stand to its people, calls, storage and records.
struct Finer {
    minutes_per_session: f64,
    scripts_per_person: f64,
    records_per_gigabyte: f64,
    workflows_per_person: f64,
    calls_per_run: f64,
    gigabytes_per_record: f64,
}

fn seats(profile: &Profile, state: &DayState) -> f64 {
    let cap = if profile.hard_seats { state.seat_limit } else { state.seat_limit * 1.6 };
    if cap > 0.0 { state.demand.min(cap) } else { state.demand }
}

/// Distinct people who work in the product on a day.
fn people(profile: &Profile, causes: &Causes, day: Day, state: &DayState) -> f64 {
    let at = causes.index(day);
    let willing = (1.0 - causes.disengaged[at]) * (1.0 - 0.15 * causes.dissatisfied[at].min(1.0));
    seats(profile, state).round() * profile.engagement * willing * calendar::activity(day)
}

fn calls(profile: &Profile, causes: &Causes, day: Day, state: &DayState) -> f64 {
    let at = causes.index(day);
    let wanted = state.calls * (1.0 - 0.9 * causes.disengaged[at]) * calendar::machine_activity(day);
    if profile.rate_limited { wanted.min(state.call_limit) } else { wanted }
}

fn meter(
    params: &Params,
    course: &Course,
    product: ProductNo,
    metric: Metric,
    level: &dyn Fn(Day, &DayState) -> f64,
) -> Option<Meter> {
    let first = params.first().max(course.from);
    let owned = |day: Day| day <= course.last() && course.on(day).owns(product);
    let start = (first.0..=course.last().0).map(Day).find(|&day| owned(day))?;
    let values = (start.0..=course.last().0).map(Day).map(|day| match owned(day) {
        true => written(metric, level(day, course.on(day))),
        false => f64::NAN,
    });
    Some(Meter { product, metric, start, values: values.collect() })
}

/// The precision a meter writes.
fn written(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::StorageGb if value < 100.0 => (value * 10.0).round() / 10.0,
        Metric::ApiCalls | Metric::Records => rounded(value),
        _ => value.round(),
    }
}

/// Large counters are reported, and their ceilings agreed, in figures of four digits.
pub fn rounded(value: f64) -> f64 {
    let unit = 10f64.powi((value.max(1.0).log10().floor() as i32 - 3).max(0));
    (value / unit).round() * unit
}

/// Sums a daily series into weekly rows that stand on the Sunday that ends the week.
fn weekly(daily: Meter) -> Meter {
    let mut sum = 0.0;
    let values = daily.values.iter().enumerate().map(|(at, value)| {
        sum += if value.is_finite() { *value } else { 0.0 };
        let sunday = daily.start.plus(at as i32).weekday() == 6;
        if sunday && value.is_finite() { std::mem::take(&mut sum) } else { f64::NAN }
    });
    let values = values.collect();
    Meter { values, ..daily }
}

/// Relative spread of the noise around the latent amount; a level is read exactly, but sometimes a day late.
fn spread(metric: Metric) -> Option<f64> {
    match metric {
        Metric::ActiveUsers => Some(0.05),
        Metric::Sessions | Metric::SessionMinutes => Some(0.07),
        Metric::ApiCalls | Metric::Workflows => Some(0.08),
        Metric::Seats | Metric::StorageGb | Metric::Records => None,
    }
}

/// Standard normal draws above this give yesterday's level: one day in six.
const STALE: f64 = 1.0;

const MISSING: f64 = 0.003;
const LATE: f64 = 0.015;
const CORRECTED: f64 = 0.0006;

/// The rows as they reach the extracts.
pub fn rows(params: &Params, profile: &Profile, meters: &[Meter]) -> Vec<UsageRow> {
    let mut chance = Chance::of(params.seed, profile.account, Purpose::Metering);
    let mut rows = Vec::with_capacity(meters.iter().map(|m| m.values.len()).sum());
    for meter in meters {
        for (at, &value) in meter.values.iter().enumerate() {
            if value.is_finite() {
                let day = meter.start.plus(at as i32);
                let yesterday = at.checked_sub(1).map(|before| meter.values[before]).filter(|v| v.is_finite());
                let exact = UsageRow {
                    account: profile.account,
                    product: meter.product as u8,
                    metric: meter.metric,
                    day,
                    value,
                    recorded_at: evening(day),
                };
                match params.noise {
                    Noise::None => rows.push(exact),
                    Noise::Default => measure(params, &mut chance, exact, yesterday, &mut rows),
                }
            }
        }
    }
    rows
}

/// Meters close at 23:00 UTC of the day they count.
fn evening(day: Day) -> Moment {
    Moment(Moment::start_of(day).0 + 23 * 3_600_000_000)
}

fn measure(params: &Params, chance: &mut Chance, exact: UsageRow, yesterday: Option<f64>, rows: &mut Vec<UsageRow>) {
    // Every row draws the same numbers whatever becomes of it, so one odd row does not change the rest.
    let (noise, luck, delay) = (chance.standard(), chance.unit(), chance.whole(1, 4));
    let value = match (spread(exact.metric), yesterday) {
        (Some(spread), _) => written(exact.metric, exact.value * (1.0 + spread * noise).max(0.0)),
        (None, Some(yesterday)) if noise > STALE => yesterday,
        (None, _) => exact.value,
    };
    let row = UsageRow { value, ..exact };
    let late = evening(exact.day.plus(delay));
    if luck < MISSING {
        return;
    }
    if luck < MISSING + CORRECTED {
        rows.push(UsageRow { value: written(row.metric, row.value * 0.5), ..row });
        rows.extend((late.day() <= params.end).then_some(UsageRow { recorded_at: late, ..row }));
    } else if luck < MISSING + CORRECTED + LATE {
        rows.extend((late.day() <= params.end).then_some(UsageRow { recorded_at: late, ..row }));
    } else {
        rows.push(row);
    }
}
