//! How far a signal is to be believed: a Beta prior from the catalogue, updated by what came of past recommendations.

use std::collections::BTreeMap;

use super::catalogue::SignalSpec;
use crate::vocabulary::{Probability, Text};

/// Outcomes of past recommendations that carried one signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Outcomes that confirmed the signal.
    pub confirmed: u32,
    /// Outcomes known.
    pub n: u32,
}

/// What experience says, by signal name; empty before the first outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned(pub BTreeMap<Text, Track>);

impl Learned {
    /// Counts one outcome of a recommendation that carried the signal.
    ///
    /// ```
    /// use foothold::signals::Learned;
    /// let mut learned = Learned::default();
    /// learned.count("overage", true);
    /// learned.count("overage", false);
    /// assert_eq!((learned.of("overage").confirmed, learned.of("overage").n), (1, 2));
    /// ```
    pub fn count(&mut self, signal: &str, confirmed: bool) {
        let track = self.0.entry(signal.into()).or_default();
        track.n += 1;
        track.confirmed += u32::from(confirmed);
    }

    pub fn of(&self, signal: &str) -> Track {
        self.0.get(signal).copied().unwrap_or_default()
    }
}

impl Track {
    /// Mean of the Beta posterior: the prior's counts and the outcomes' pulled together.
    pub fn confidence(self, spec: &SignalSpec) -> Probability {
        let confirmed = spec.prior_alpha + f64::from(self.confirmed.min(self.n));
        Probability::clamped(confirmed / (spec.prior_alpha + spec.prior_beta + f64::from(self.n)))
    }

    /// `prior`, or `learned, n = 37`.
    pub fn basis(self) -> String {
        if self.n == 0 { "prior".into() } else { format!("learned, n = {}", self.n) }
    }
}
