//! Platt calibration on the log-odds: two numbers, fitted on later rows, under which contributions still add up.

use serde::{Deserialize, Serialize};

use crate::statistics::sigmoid;

/// Calibrated log-odds = `intercept + slope · log-odds`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    pub intercept: f64,
    /// Never negative: calibration may flatten a model, not turn it round.
    pub slope: f64,
}

impl Default for Platt {
    fn default() -> Platt {
        Platt { intercept: 0.0, slope: 1.0 }
    }
}

/// Weight of the prior belief that the model is calibrated as it stands, in the unit of summed log loss.
const PRIOR: f64 = 1.0;

impl Platt {
    /// Fits by Newton steps with a weak prior at the identity, so that few rows change little and separable rows
    /// stay finite.
    pub fn fit(log_odds: &[f64], labels: &[bool]) -> Platt {
        let free = newton(log_odds, labels, Platt::default(), true);
        if free.slope > 0.0 { free } else { newton(log_odds, labels, Platt { intercept: 0.0, slope: 0.0 }, false) }
    }

    pub fn apply(&self, log_odds: f64) -> f64 {
        self.intercept + self.slope * log_odds
    }
}

fn newton(log_odds: &[f64], labels: &[bool], start: Platt, with_slope: bool) -> Platt {
    let mut at = start;
    for _ in 0..50 {
        let (step_intercept, step_slope) = step(log_odds, labels, at, with_slope);
        let largest = step_intercept.abs().max(step_slope.abs());
        // A step longer than 2 on the log-odds scale would overshoot where the curve is flat.
        let length = if largest > 2.0 { 2.0 / largest } else { 1.0 };
        at.intercept -= length * step_intercept;
        at.slope -= length * step_slope;
        if largest < 1e-10 {
            break;
        }
    }
    at
}

fn step(log_odds: &[f64], labels: &[bool], at: Platt, with_slope: bool) -> (f64, f64) {
    let (mut ga, mut gb) = (PRIOR * at.intercept, PRIOR * (at.slope - 1.0));
    let (mut haa, mut hab, mut hbb) = (PRIOR, 0.0, PRIOR);
    for (z, y) in log_odds.iter().zip(labels) {
        let p = sigmoid(at.apply(*z));
        let (residual, curvature) = (p - f64::from(u8::from(*y)), p * (1.0 - p));
        ga += residual;
        gb += residual * z;
        haa += curvature;
        hab += curvature * z;
        hbb += curvature * z * z;
    }
    if !with_slope {
        return (ga / haa, 0.0);
    }
    let determinant = haa * hbb - hab * hab;
    ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant)
}
