//! The catalogue of signals: data that a job may retune, never extend by a misspelt name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extracts::{Extracts, InputTable};
use crate::vocabulary::{Category, Direction, Play, Text};

/// One signal of the catalogue. The defaults stand in the job's commented defaults file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    pub play: Play,
    pub direction: Direction,
    /// Tables it needs; each inner list is satisfied by any one of its members.
    pub needs: Vec<Vec<InputTable>>,
    /// Observation category, for convergence of independent categories.
    pub category: Category,
    /// Days after detection until the signal no longer counts.
    pub expires_days: i32,
    /// Prior of the confidence: Beta(alpha, beta), updated by outcomes.
    pub prior_alpha: f64,
    pub prior_beta: f64,
    /// Named thresholds, in the unit that the comment beside each default gives.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f64>,
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// A signal type not trusted yet: a person reviews it until `settled_after` outcomes are known.
    #[serde(default)]
    pub new: bool,
}

fn enabled() -> bool {
    true
}

/// `[signals]` of a job: two settings of the frame, and one table per signal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Catalogue {
    /// Confidence below which a person looks at the signal first.
    pub review_below: f64,
    /// Outcomes after which a new signal type needs no review of its own.
    pub settled_after: u32,
    #[serde(flatten)]
    pub signals: BTreeMap<String, SignalSpec>,
}

/// Names in `[signals]` that are settings rather than signals.
const SETTINGS: [&str; 2] = ["review_below", "settled_after"];

/// Names less alike than this are not worth suggesting (Jaro–Winkler, 0–1).
const ALIKE: f64 = 0.8;

impl Catalogue {
    /// What is wrong with a name typed under `[signals]`, and what was meant; `None` for a name that exists.
    ///
    /// A job checks the names it was given here before it merges them into the defaults.
    pub fn unknown_signal(&self, typed: &str) -> Option<String> {
        let known = self.signals.keys().map(String::as_str).chain(SETTINGS);
        unknown("signal", typed, known)
    }

    /// The same for a threshold of a known signal.
    pub fn unknown_threshold(&self, signal: &str, typed: &str) -> Option<String> {
        let spec = self.signals.get(signal)?;
        unknown(&format!("threshold of signal `{signal}`"), typed, spec.thresholds.keys().map(String::as_str))
    }

    /// Every problem of a merged catalogue, measured against the built-in one; empty when it may be used.
    pub fn problems(&self, built_in: &Catalogue) -> Vec<String> {
        let mut problems = Vec::new();
        if !(0.0..=1.0).contains(&self.review_below) {
            problems.push(format!("signals.review_below is {}; it is a confidence from 0 to 1", self.review_below));
        }
        for (name, spec) in &self.signals {
            problems.extend(built_in.unknown_signal(name));
            problems.extend(spec.thresholds.keys().filter_map(|t| built_in.unknown_threshold(name, t)));
            problems.extend(spec.out_of_range(name));
            problems.extend(built_in.signals.get(name).into_iter().flat_map(|default| spec.missing(name, default)));
        }
        problems
    }

    /// The enabled signals whose tables were delivered.
    pub(super) fn active(&self, extracts: &Extracts) -> BTreeMap<String, SignalSpec> {
        let usable = |spec: &SignalSpec| spec.enabled && spec.missing_tables(extracts).is_empty();
        self.signals.iter().filter(|(_, spec)| usable(spec)).map(|(n, s)| (n.clone(), s.clone())).collect()
    }

    /// The enabled signals whose tables are missing, with those tables.
    pub(super) fn unavailable(&self, extracts: &Extracts) -> Vec<(Text, Vec<InputTable>)> {
        let enabled = self.signals.iter().filter(|(_, spec)| spec.enabled);
        enabled
            .map(|(name, spec)| (Text::from(name.as_str()), spec.missing_tables(extracts)))
            .filter(|(_, missing)| !missing.is_empty())
            .collect()
    }
}

impl SignalSpec {
    /// Tables of every alternative that no delivered table satisfies.
    fn missing_tables(&self, extracts: &Extracts) -> Vec<InputTable> {
        let unmet = self.needs.iter().filter(|any_of| !any_of.iter().any(|table| extracts.has(*table)));
        let mut tables: Vec<InputTable> = unmet.flatten().copied().collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    fn out_of_range(&self, name: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.prior_alpha > 0.0 && self.prior_beta > 0.0 && (self.prior_alpha + self.prior_beta).is_finite()) {
            problems.push(format!("signals.{name}: prior_alpha and prior_beta must be above 0"));
        }
        if self.expires_days < 1 {
            problems.push(format!("signals.{name}.expires_days is {}; give at least 1 day", self.expires_days));
        }
        let broken = self.thresholds.iter().filter(|(_, value)| !value.is_finite());
        problems.extend(broken.map(|(t, v)| format!("signals.{name}.thresholds.{t} is {v}; give a finite number")));
        problems
    }

    fn missing(&self, name: &str, default: &SignalSpec) -> Vec<String> {
        let absent = default.thresholds.keys().filter(|threshold| !self.thresholds.contains_key(*threshold));
        absent.map(|threshold| format!("signals.{name}.thresholds.{threshold} is missing")).collect()
    }
}

fn unknown<'a>(what: &str, typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    if known.clone().any(|name| name == typed) {
        return None;
    }
    let likeness = |name: &str| strsim::jaro_winkler(name, typed);
    let nearest = known.filter(|name| likeness(name) >= ALIKE).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = nearest.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    Some(format!("unknown {what} `{typed}`{hint}"))
}
