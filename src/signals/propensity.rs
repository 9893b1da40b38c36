//! Signals of the models: a product likely to be bought, an account likely to leave.

use super::case::{Case, Finding, Rule};
use crate::models::Propensity;
use crate::observations::Metric;
use crate::vocabulary::PropensityKind;
use crate::wording::{count, list, percent, words};

/// Drivers named in the evidence.
const DRIVERS_TOLD: usize = 2;

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let kinds = [("cross_sell_propensity", PropensityKind::CrossSell), ("churn_propensity", PropensityKind::Churn)];
    let rules = kinds.iter().filter_map(|(signal, kind)| Some((case.rule(signal)?, *kind)));
    rules
        .flat_map(|(rule, kind)| case.evidence.propensities.iter().filter_map(move |p| high(case, &rule, kind, p)))
        .collect()
}

/// A model that abstained has no say.
fn high(case: &Case, rule: &Rule, kind: PropensityKind, p: &Propensity) -> Option<Finding> {
    let owned = p.product.is_some_and(|product| case.evidence.contract.owns(product));
    if p.kind != kind || p.abstained.is_some() || (kind == PropensityKind::CrossSell && owned) {
        return None;
    }
    let (percentile, among) = standing(case, kind, p);
    let subject = match (kind, p.product) {
        (PropensityKind::CrossSell, Some(product)) => format!("buying {}", case.product_name(product)),
        _ => "leaving".to_owned(),
    };
    let sentence = || {
        format!(
            "The model gives {subject} within {} days a probability of {}, {} times the usual and above {} of {among}{}.",
            p.horizon_days,
            percent(p.probability.get()),
            count(p.lift),
            percent(below(percentile) / 100.0),
            reasons(p),
        )
    };
    let fires = percentile >= rule.at("percentile") && p.lift > rule.at("min_lift");
    fires.then(|| {
        let strength = rule.strength(p.lift, "min_lift");
        rule.finding(strength, sentence(), links(case, p)).product(p.product).value(p.probability.get())
    })
}

/// Whole percent of those it stands above: never all of them, for the account is one of them.
fn below(percentile: f64) -> f64 {
    percentile.floor().min(99.0)
}

/// Where the probability stands (0–100), and among whom: churn within its segment, where that is large enough.
fn standing(case: &Case, kind: PropensityKind, p: &Propensity) -> (f64, String) {
    let segment = case.segment().filter(|_| kind == PropensityKind::Churn);
    let within = segment.and_then(|s| Some((case.benchmark.percentile(s, p.probability.get())?, s)));
    within.map_or_else(|| (p.percentile, "all accounts".into()), |(rank, s)| (rank, format!("segment {}", words(s))))
}

fn reasons(p: &Propensity) -> String {
    let up = p.drivers.iter().filter(|driver| driver.contribution > 0.0);
    let told: Vec<String> = up
        .take(DRIVERS_TOLD)
        .map(|driver| driver.text().trim_end_matches('.').to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    if told.is_empty() { String::new() } else { format!("; mostly: {}", list(&told)) }
}

/// Observations behind the strongest drivers, which name their metric first; the contract where none can be found.
fn links(case: &Case, p: &Propensity) -> Vec<u32> {
    let observations = &case.evidence.facts.observations;
    let behind = |feature: &str| observations.iter().position(|o| feature.starts_with(o.metric()));
    let strongest = p.drivers.iter().take(DRIVERS_TOLD + 1);
    let mut links: Vec<u32> = strongest.filter_map(|driver| behind(driver.feature())).map(|at| at as u32).collect();
    links.extend(case.links(&[(Metric::Arr, None, 0), (Metric::TenureDays, None, 0)]));
    links.sort_unstable();
    links.dedup();
    links
}
