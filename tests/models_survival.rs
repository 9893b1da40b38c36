//! Churn as time passes: curves that never fall, agree with the churn model, and respect what is not known yet.

use foothold::learners::fitting::survival::{Course, Interval, Survival, ends};
use proptest::prelude::*;

/// Numbers that fill [0, 1) evenly: row `n` of a low-discrepancy sequence.
fn even(n: usize) -> f64 {
    (n as f64 * 0.618_033_988_749_895).fract()
}

/// Rows whose hazard per day is `per_day` times their own factor, seen for `seen` days. The churn horizon is 90 days.
fn courses(rows: usize, per_day: f64, seen: i32, ends: &[i32]) -> Vec<Course> {
    let course = |n: usize| {
        let factor = [0.25, 1.0, 4.0][n % 3];
        let leaves_after = -(1.0 - even(n)).ln() / (per_day * factor);
        let left = |end: &i32| (*end <= seen).then_some(leaves_after <= f64::from(*end));
        Course { probability: 1.0 - (-90.0 * per_day * factor).exp(), left: ends.iter().map(left).collect() }
    };
    (0..rows).map(course).collect()
}

const DAYS: [i32; 5] = [30, 60, 90, 180, 365];

#[test]
fn a_constant_hazard_gives_the_exponential_curve() {
    let survival = Survival::fit(&courses(30_000, 0.001, 365, &DAYS), &DAYS, 90);
    for factor in [0.25f64, 1.0, 4.0] {
        for point in survival.curve(1.0 - (-0.09 * factor).exp()) {
            let expected = 1.0 - (-0.001 * factor * f64::from(point.days)).exp();
            let gap = (point.probability - expected).abs();
            assert!(gap < 0.015, "{factor}: {point:?}, expected {expected}");
        }
    }
    assert!(survival.intervals.iter().all(|interval| (interval.slope - 1.0).abs() < 0.1), "{survival:?}");
}

#[test]
fn a_picture_that_fades_tells_accounts_apart_less_and_less() {
    // Within the horizon the factor holds; after it everybody has the same hazard.
    let rows: Vec<Course> = (0..20_000)
        .map(|n| {
            let factor = [0.25, 4.0][n % 2];
            let within = -(1.0 - even(n)).ln() / (0.001 * factor);
            let after = 90.0 - (1.0 - even(n + 7_777)).ln() / 0.001;
            let day = if within <= 90.0 { within } else { after };
            let left = DAYS.iter().map(|end| Some(day <= f64::from(*end))).collect();
            Course { probability: 1.0 - (-0.09f64 * factor).exp(), left }
        })
        .collect();
    let survival = Survival::fit(&rows, &DAYS, 90);
    assert!(survival.intervals[2].slope > 0.8 && survival.intervals[4].slope < 0.25, "{survival:?}");
}

#[test]
fn what_is_not_known_yet_is_no_label_and_the_last_rate_continues() {
    let survival = Survival::fit(&courses(9_000, 0.001, 90, &DAYS), &DAYS, 90);
    let rows: Vec<usize> = survival.intervals.iter().map(|interval| interval.rows).collect();
    assert_eq!((rows[0], rows[3], rows[4]), (9_000, 0, 0));
    assert!(rows[1] < rows[0] && rows[2] < rows[1], "those who left are no longer at risk: {rows:?}");
    let daily = |at: usize, days: f64| survival.intervals[at].log_hazard.exp() / days;
    assert!((daily(3, 90.0) / daily(2, 30.0) - 1.0).abs() < 1e-9);
    assert!((daily(4, 185.0) / daily(2, 30.0) - 1.0).abs() < 1e-9);
    let whole = Survival::fit(&courses(9_000, 0.001, 365, &DAYS), &DAYS, 90);
    assert_eq!(whole.intervals[..3], survival.intervals[..3], "later days change nothing of the days before");
}

#[test]
fn nothing_and_nobody_leaving_are_finite() {
    for rows in [Vec::new(), courses(1, 1e-9, 365, &DAYS), courses(200, 1e-9, 365, &DAYS), courses(3, 10.0, 365, &DAYS)]
    {
        let survival = Survival::fit(&rows, &DAYS, 90);
        let finite = |interval: &Interval| interval.log_hazard.is_finite() && interval.slope.is_finite();
        assert!(survival.intervals.iter().all(finite), "{survival:?}");
        assert!(survival.curve(0.1).iter().all(|point| (0.0..=1.0).contains(&point.probability)));
    }
}

#[test]
fn the_horizon_is_one_of_the_days_read() {
    assert_eq!(ends(&[365, 30, 30, -5, 0], 90), [30, 90, 365]);
    assert_eq!(ends(&[], 60), [60]);
}

proptest! {
    #[test]
    fn no_curve_falls_and_every_curve_passes_through_the_churn_probability(
        hazards in prop::collection::vec((-8.0..3.0f64, 0.0..2.0f64), 1..7),
        at in 0usize..7,
        probabilities in prop::collection::vec(0.0..=1.0f64, 2),
    ) {
        let at = at.min(hazards.len() - 1);
        let interval = |(n, (log_hazard, slope)): (usize, &(f64, f64))| {
            Interval { to_days: 30 * (n as i32 + 1), rows: 1, left: 0, log_hazard: *log_hazard, slope: *slope }
        };
        let intervals: Vec<Interval> = hazards.iter().enumerate().map(interval).collect();
        let survival = Survival { horizon_days: intervals[at].to_days, typical: -2.0, intervals };
        let (low, high) = (probabilities[0].min(probabilities[1]), probabilities[0].max(probabilities[1]));
        let (below, above) = (survival.curve(low), survival.curve(high));
        for curve in [&below, &above] {
            prop_assert!(curve.windows(2).all(|pair| pair[0].probability <= pair[1].probability));
            prop_assert!(curve.iter().all(|point| (0.0..=1.0).contains(&point.probability)));
        }
        prop_assert!((below[at].probability - low).abs() < 1e-12 && (above[at].probability - high).abs() < 1e-12);
        for (a, b) in below[at..].iter().zip(&above[at..]) {
            prop_assert!(a.probability <= b.probability + 1e-12, "the riskier account stays the riskier one");
        }
    }
}
