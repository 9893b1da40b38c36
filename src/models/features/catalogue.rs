//! Every feature that the models may read, as rows to print: name, unit, source, window and meaning.

use super::directions;
use super::fixed::{ALL, Fixed, Per};
use super::key::{Family, Measure};
use super::observed::{RULES, Rule, family_of};
use super::{CEILINGS, OfCeiling};
use crate::extracts::InputTable;
use crate::observations::metrics::{METRICS, MetricSpec, Scope};

/// One feature, or one family of them: `<product>`, `<metric>`, `<kind>` and the like stand for what the data names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub unit: &'static str,
    pub source: &'static str,
    /// Days before the snapshot; 0 for a state.
    pub window_days: i32,
    pub meaning: String,
}

impl Listed {
    /// Which way an outcome is known to run with it; empty where nobody knows.
    pub fn directions(&self) -> String {
        directions::told(&self.name)
    }
}

/// All features in the order in which a row is built.
pub fn all() -> Vec<Listed> {
    let derived = ALL.iter().map(|feature| of_fixed(feature));
    let ceilings = CEILINGS.iter().map(of_ceiling);
    let observed = METRICS.iter().flat_map(|spec| RULES.iter().flat_map(move |rule| of_rule(rule, spec)));
    derived.chain(ceilings).chain(observed).chain([annotation()]).collect()
}

fn of_fixed(feature: &Fixed) -> Listed {
    let product = if feature.per == Per::Product { "<product>." } else { "" };
    let window = if feature.window_days > 0 { format!(".{}d", feature.window_days) } else { String::new() };
    Listed {
        name: format!("{}.{product}{}{window}", feature.family.as_str(), feature.name),
        unit: feature.unit,
        source: feature.source.as_str(),
        window_days: feature.window_days,
        meaning: feature.meaning.to_owned(),
    }
}

fn of_ceiling(measure: &OfCeiling) -> Listed {
    Listed {
        name: format!("{}.<product>.<metric>_{}", Family::Capacity.as_str(), measure.suffix),
        unit: measure.unit,
        source: InputTable::Usage.as_str(),
        window_days: 0,
        meaning: measure.meaning.to_owned(),
    }
}

/// What a rule makes of one metric of layer 1.
fn of_rule(rule: &Rule, spec: &MetricSpec) -> Vec<Listed> {
    let per_unit = rule.measure == Measure::PerUnit && spec.scope == Scope::Account;
    if !rule.is_about(spec) || per_unit {
        return Vec::new();
    }
    // A metric without windows of its own is taken over the job's.
    let taken = |window: &&i32| spec.windows.is_empty() && **window > 0 || spec.windows.contains(*window);
    let windows = rule.windows.iter().filter(taken);
    windows.flat_map(|window| scopes(spec, rule.measure).map(|scope| observed(rule, spec, *window, scope))).collect()
}

/// With and without a product in the name, as the metric is recorded.
fn scopes(spec: &MetricSpec, measure: Measure) -> impl Iterator<Item = &'static str> + use<> {
    let (account, product) = match spec.scope {
        Scope::Account => (true, false),
        Scope::Product => (false, true),
        Scope::Both => (measure != Measure::PerUnit, true),
    };
    account.then_some("").into_iter().chain(product.then_some("<product>."))
}

fn observed(rule: &Rule, spec: &MetricSpec, window: i32, scope: &str) -> Listed {
    let metric = match spec.name {
        "usage:" => "<metric>".to_owned(),
        family if family.ends_with(':') => format!("{family}<name>"),
        metric => metric.to_owned(),
    };
    let days = if window > 0 { format!(".{window}d") } else { String::new() };
    let (measure, said, unit) = match rule.measure {
        Measure::Level => ("", "", spec.unit),
        Measure::PerUnit => (".per_unit", "Per licensed unit: ", "per licensed unit"),
        Measure::Change => (".change", "Change against the baseline: ", "share"),
        Measure::SinceDays => (".since_days", "Days since it began to change: ", "days"),
    };
    Listed {
        name: format!("{}.{scope}{metric}{days}{measure}", family_of(spec.category).as_str()),
        unit,
        source: spec.source.as_str(),
        window_days: window,
        meaning: format!("{said}{}", spec.meaning),
    }
}

fn annotation() -> Listed {
    Listed {
        name: format!("{}.<feature>", Family::Annotation.as_str()),
        unit: "",
        source: InputTable::Annotations.as_str(),
        window_days: 0,
        meaning: "The last annotation of this name.".to_owned(),
    }
}
