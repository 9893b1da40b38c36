//! What is said of one account: a calibrated probability with its interval and its reasons.

use super::explain::Driver;
use crate::learners::measuring::bootstrap::Interval;
use crate::vocabulary::{Probability, ProductIx, PropensityKind, Text};

/// One calibrated probability for one account: a row of `propensities`.
#[derive(Clone, Debug, PartialEq)]
pub struct Propensity {
    pub kind: PropensityKind,
    pub product: Option<ProductIx>,
    pub horizon_days: i32,
    pub probability: Probability,
    /// 95 % interval of the probability, from how far later rows of the account's segment lay off.
    pub interval: Option<Interval>,
    /// 0–100 among the accounts scored tonight; 100 = highest.
    pub percentile: f64,
    /// probability / base rate.
    pub lift: f64,
    pub model_id: Text,
    pub base_log_odds: f64,
    /// By falling |contribution|, what the unnamed features add up to last; base_log_odds + all contributions, added in
    /// this order, is the log-odds of `probability`.
    pub drivers: Vec<Driver>,
    /// The smallest change of what a team can influence that brings the probability to the better side of the base
    /// rate, as a sentence; `None` where it stands there or where no three changes reach it.
    pub what_would_change: Option<Box<str>>,
    /// Set when the model abstains and `probability` is the fallback's.
    pub abstained: Option<Text>,
}
