//! Use against ceilings, the dates at which it reaches them, and whether those dates come true.

use foothold::capacity::backtest::{self, Grade, coverage};
use foothold::capacity::{self, Capacity};
use foothold::extracts::tables::Period;
use foothold::extracts::{Extracts, Seen};
use foothold::history::View;
use foothold::history::usage;
use foothold::vocabulary::Day;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use crate::support::{WorldBuilder, day, default_settings};

fn settings() -> capacity::Settings {
    default_settings("capacity")
}

fn world(metric: &str, limit: f64, period: Period) -> WorldBuilder {
    let mut world = WorldBuilder::default();
    world.account("acme").segment = Some("smb".into());
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    world.subscription("s", "acme", "crm", "basic", day("2025-01-01")).ends_on = Some(day("2025-12-31"));
    world.entitlement("acme", "crm", metric, limit, period, day("2025-01-01"));
    world
}

fn measured(extracts: &Extracts, on: Day) -> Vec<Capacity> {
    let view = View::new(extracts, on);
    let context = capacity::Context::learn(view, &settings());
    let account = extracts.ids.accounts.get("acme").unwrap();
    capacity::measure(view, account, &context, &usage::series(view, &context.calendar, account))
}

fn only(extracts: &Extracts, on: Day) -> Capacity {
    let mut all = measured(extracts, on);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn steady_growth_reaches_the_ceiling_about_when_arithmetic_says() {
    let mut world = world("seats", 100.0, Period::Gauge);
    let seats: Vec<f64> = (0..100).map(|n| 40.0 + 0.5 * f64::from(n)).collect();
    world.usage_run("acme", "crm", "seats", day("2025-01-01"), &seats);
    let on = day("2025-01-01").plus(99);
    let c = only(&world.build(), on);
    assert_eq!((c.used, c.utilization), (89.5, 0.895));
    assert!((c.daily_growth - 0.5).abs() < 1e-9);
    let (p10, p50) = (c.breach_p10.unwrap(), c.breach_p50.unwrap());
    assert!((19..=30).contains(&p50.since(on)), "21 days, and some for trends that end: {}", p50.since(on));
    assert!(p10 < p50 && c.breach_p90.is_none_or(|p90| p90 > p50), "{c:?}");
    assert!((0.7..1.0).contains(&c.breach_before_renewal.get()), "trends end: {}", c.breach_before_renewal.get());
    assert_eq!((c.threshold, c.threshold_basis.as_str()), (0.80, "configured"));
    assert_eq!(c.days_above_threshold, 20, "80 seats since day 80");
    assert_eq!((c.days_at_limit_30d, c.renewal), (0, Some(day("2025-12-31"))));
    assert!((105.0..200.0).contains(&c.need_p90_at_renewal.unwrap()), "{:?}", c.need_p90_at_renewal);
}

#[test]
fn level_use_is_not_expected_to_breach() {
    let mut world = world("seats", 100.0, Period::Gauge);
    world.usage_run("acme", "crm", "seats", day("2025-01-01"), &[50.0; 100]);
    let c = only(&world.build(), day("2025-01-01").plus(99));
    assert_eq!((c.breach_p50, c.daily_growth), (None, 0.0));
    assert!(c.breach_before_renewal.get() < 0.02, "{}", c.breach_before_renewal.get());
}

#[test]
fn use_over_the_ceiling_is_dated_by_the_day_it_began() {
    let mut world = world("seats", 10.0, Period::Gauge);
    let seats: Vec<f64> = (0..60).map(|n| if n < 50 { 9.0 } else { 14.0 }).collect();
    world.usage_run("acme", "crm", "seats", day("2025-01-01"), &seats);
    let c = only(&world.build(), day("2025-01-01").plus(59));
    let began = Some(day("2025-01-01").plus(50));
    assert_eq!((c.breach_p10, c.breach_p50, c.breach_p90), (began, began, began));
    assert_eq!((c.breach_before_renewal.get(), c.days_at_limit_30d, c.utilization), (1.0, 10, 1.4));
}

#[test]
fn a_daily_ceiling_is_held_against_the_second_busiest_day_of_the_week() {
    let mut world = world("api_calls", 100.0, Period::Day);
    let mut calls: Vec<f64> = (0..70).map(|n| if n % 7 < 5 { 90.0 } else { 5.0 }).collect();
    calls[66] = 500.0;
    world.usage_run("acme", "crm", "api_calls", day("2025-01-06"), &calls);
    let c = only(&world.build(), day("2025-01-06").plus(69));
    assert_eq!((c.used, c.days_at_limit_30d), (90.0, 1));
    assert_eq!(c.days_above_threshold, 70, "weekends do not end the run");
}

#[test]
fn a_short_history_has_no_dates() {
    let mut world = world("seats", 10.0, Period::Gauge);
    world.usage_run("acme", "crm", "seats", day("2025-01-01"), &[1.0, 2.0, 3.0]);
    let c = only(&world.build(), day("2025-01-03"));
    assert_eq!((c.used, c.breach_p50, c.need_p90_at_renewal), (3.0, None, None));
}

#[test]
fn a_ceiling_without_any_use_is_not_measured() {
    assert!(measured(&world("seats", 10.0, Period::Gauge).build(), day("2025-02-01")).is_empty());
}

/// Weekly totals on Sundays against a ceiling per month: weeks that span two months are divided by days.
#[test]
fn weekly_totals_add_up_to_the_month_to_date() {
    let mut world = world("api_calls", 3200.0, Period::Month);
    world.usage_every("acme", "crm", "api_calls", day("2025-01-05"), 7, &[700.0; 13]);
    let extracts = world.build();
    let c = only(&extracts, day("2025-03-31"));
    assert_eq!(c.used, 200.0 + 4.0 * 700.0, "2 of the 7 days up to March 2, and four whole weeks up to March 30");
    let c = only(&extracts, day("2025-02-28"));
    assert_eq!(c.used, 200.0 + 3.0 * 700.0, "the week that ends on March 2 is not known yet");
    assert!(c.daily_growth.abs() < 1e-9);
}

#[test]
fn a_month_that_runs_over_is_dated_within_it() {
    let mut world = world("api_calls", 3000.0, Period::Month);
    world.usage_run("acme", "crm", "api_calls", day("2025-01-01"), &[120.0; 105]);
    let c = only(&world.build(), day("2025-04-15"));
    assert_eq!(c.used, 15.0 * 120.0);
    let middle = c.breach_p50.unwrap().since(day("2025-04-25"));
    assert!((0..=1).contains(&middle), "25 days of 120");
    assert!(c.breach_before_renewal.get() > 0.95);
}

#[test]
fn thresholds_are_learned_from_upgrades_and_shrunk() {
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    for n in 0..40 {
        let account = format!("a{n:02}");
        let (segment, level) = if n < 30 { ("smb", 70.0) } else { ("enterprise", 95.0) };
        world.account(&account).segment = Some(segment.into());
        world.subscription(&account, &account, "crm", "basic", day("2025-01-01")).units = Some(100.0);
        let upgraded = world.subscription(&account, &account, "crm", "pro", day("2025-01-01"));
        (upgraded.units, upgraded.seen) = (Some(200.0), Seen::from(day("2025-06-01")));
        world.entitlement(&account, "crm", "seats", 100.0, Period::Gauge, day("2025-01-01"));
        world.usage_run(&account, "crm", "seats", day("2025-01-01"), &[level; 200]);
    }
    let extracts = world.build();
    let seats = extracts.ids.metrics.get("seats").unwrap();
    let learned = |on: &str, segment: &str| {
        let view = View::new(&extracts, day(on));
        let context = capacity::Context::learn(view, &settings());
        context.thresholds.of(Some(segment), seats, view, &settings())
    };
    assert_eq!(learned("2025-05-31", "smb"), (0.80, "configured".to_owned()), "no upgrade is known yet");
    let all = (40.0 * 0.70 + 20.0 * 0.80) / 60.0;
    let (smb, basis) = learned("2025-06-30", "smb");
    assert!((smb - (30.0 * 0.70 + 20.0 * all) / 50.0).abs() < 1e-12);
    assert_eq!(basis, "30 upgrades in smb: 70 % (70–70), shrunk toward all segments 73 %");
    let (enterprise, _) = learned("2025-06-30", "enterprise");
    assert!((enterprise - (10.0 * 0.95 + 20.0 * all) / 30.0).abs() < 1e-12);
    let (unknown, basis) = learned("2025-06-30", "startup");
    assert!((unknown - all).abs() < 1e-12 && basis.starts_with("40 upgrades in all segments: 70 % (70–"));
}

#[test]
fn coverage_counts_censored_forecasts_by_what_they_exclude() {
    let grade = |probability: f64, breached: bool| Grade { period: Period::Gauge, probability, breached };
    let seen: Vec<Grade> = [0.05, 0.3, 0.5, 0.7, 0.95].map(|p| grade(p, true)).to_vec();
    let c = coverage(&seen);
    assert!((c.early - 0.2).abs() < 1e-12 && (c.within - 0.6).abs() < 1e-12 && (c.late - 0.2).abs() < 1e-12);
    let mut censored = seen.clone();
    censored.extend([grade(0.0, false); 5]);
    assert!((coverage(&censored).within - 0.6).abs() < 1e-12, "those given up before the first breach say nothing");
    censored.extend([grade(0.99, false); 5]);
    assert!(coverage(&censored).within < 0.5, "those that outlived their P90 do");
}

/// Accounts that grow at their own rates, wander, and are read with noise: the dates hold for eight breaches in ten.
#[test]
fn four_of_five_breaches_fall_between_p10_and_p90() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let normal = Normal::new(0.0, 1.0).unwrap();
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0)]);
    let start = day("2024-01-01");
    for n in 0..250 {
        let account = format!("a{n:03}");
        world.account(&account);
        world.subscription(&account, &account, "crm", "basic", start).ends_on = None;
        let daily = n % 2 == 0;
        let (metric, period) = if daily { ("api_calls", Period::Day) } else { ("seats", Period::Gauge) };
        world.entitlement(&account, "crm", metric, 100.0, period, start);
        let (growth, wander): (f64, f64) = (random.random_range(-0.0005..0.004), random.random_range(0.002..0.01));
        let mut level: f64 = random.random_range(30.0f64..70.0);
        let values: Vec<f64> = (0..540)
            .map(|day| {
                level *= (growth + wander * normal.sample(&mut random)).exp();
                let weekend = if daily && day % 7 >= 5 { 0.4 } else { 1.0 };
                let noise = if daily { 0.05 } else { 0.01 };
                level * weekend * (1.0 + noise * normal.sample(&mut random))
            })
            .collect();
        world.usage_run(&account, "crm", metric, start, &values);
    }
    let extracts = world.build();
    let days: Vec<Day> = (4..12).map(|month| start.plus(30 * month)).collect();
    let result = backtest::backtest(&extracts, &days, start.plus(539), &settings());
    println!("{result:?}");
    assert!(result.breaches > 200, "{result:?}");
    assert!((0.75..=0.85).contains(&result.within), "{result:?}");
}
