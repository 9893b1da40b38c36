//! Which observations of layer 1 become features, as a table: category, measure and windows.

use std::sync::LazyLock;

use super::cell::FeatureRow;
use super::key::{Family, Key, Measure};
use crate::history::contracts::Contract;
use crate::observations::{Asked, Metric, MetricSpec, Observation};
use crate::vocabulary::Category;

/// Which windows of which measure of an observation become features.
pub struct Rule {
    pub category: Category,
    /// Start of the metric's name; empty = every metric of the category.
    pub metric: &'static str,
    pub measure: Measure,
    pub windows: &'static [i32],
}

const fn rule(category: Category, metric: &'static str, measure: Measure, windows: &'static [i32]) -> Rule {
    Rule { category, metric, measure, windows }
}

/// The feature table for observations. Use is read as a level, per licensed unit, and as change against the
/// account's own past over a short and a long window; slower categories by state and quarter.
pub const RULES: &[Rule] = &[
    rule(Category::Product, "", Measure::Level, &[0, 30]),
    rule(Category::Product, "workaround_events", Measure::Level, &[90]),
    rule(Category::Product, "", Measure::PerUnit, &[30]),
    rule(Category::Product, "trend:", Measure::PerUnit, &[90]),
    rule(Category::Product, "use_case_sh", Measure::Level, &[90]),
    rule(Category::Product, "", Measure::Change, &[0, 30, 90]),
    rule(Category::Product, "", Measure::SinceDays, &[30]),
    rule(Category::Support, "", Measure::Level, &[0, 30, 90]),
    rule(Category::Support, "", Measure::Change, &[90]),
    rule(Category::Relationship, "", Measure::Level, &[0, 90]),
    rule(Category::Relationship, "", Measure::Change, &[0, 90]),
    rule(Category::Relationship, "", Measure::SinceDays, &[90]),
    rule(Category::Commercial, "", Measure::Level, &[0, 30, 90, 365]),
    rule(Category::Commercial, "", Measure::Change, &[0, 90]),
    rule(Category::External, "", Measure::Level, &[0, 90, 180]),
];

impl Rule {
    /// Whether it is about the metric, over whatever windows.
    pub fn is_about(&self, metric: &MetricSpec) -> bool {
        metric.category == self.category && metric.name.starts_with(self.metric) && !LEFT_OUT.contains(&metric.name)
    }
}

/// The rules about each metric.
static ABOUT: LazyLock<Vec<Vec<&Rule>>> = LazyLock::new(|| {
    Metric::ALL.iter().map(|metric| RULES.iter().filter(|rule| rule.is_about(metric.spec())).collect()).collect()
});

/// The observations that any feature is made of: whoever needs no more observes no more.
pub static ASKED: LazyLock<Asked> = LazyLock::new(|| {
    let about = Metric::ALL.iter().zip(ABOUT.iter());
    let windows = about.flat_map(|(metric, rules)| {
        rules.iter().flat_map(move |rule| rule.windows.iter().map(move |days| (*metric, *days)))
    });
    windows.collect::<Asked>().with_changes()
});

/// Families with a member per person or feature: too many names, too few rows each. And the amount of open deals, which of
/// past days is not known any more ([`crate::extracts::tables::Opportunity::arr_delta_on`]): no row to train on has what the
/// night sees.
const LEFT_OUT: &[&str] = &["days_since_contact_of:", "feature_abandoned:", "opportunity_arr_open"];

impl FeatureRow {
    pub(super) fn observation(&mut self, contract: &Contract, observation: &Observation) {
        let about = &ABOUT[observation.measured() as usize];
        for rule in about.iter().filter(|rule| rule.windows.contains(&observation.window_days())) {
            let Some((value, unit)) = measured(contract, observation, rule.measure) else { continue };
            let key = Key {
                family: family_of(observation.category()),
                product: observation.product(),
                metric: observation.name(),
                window_days: observation.window_days(),
                measure: rule.measure,
            };
            self.push(key, value, unit, observation.source());
        }
    }
}

fn measured(contract: &Contract, o: &Observation, measure: Measure) -> Option<(f64, &'static str)> {
    match measure {
        Measure::Level => Some((o.value, o.unit())),
        Measure::PerUnit => {
            let units = o.product().and_then(|p| contract.of(p)).and_then(|s| s.units).filter(|units| *units > 0.0)?;
            Some((o.value / units, "per licensed unit"))
        }
        Measure::Change => Some((o.change()?, "share")),
        Measure::SinceDays => Some((f64::from(o.observed_on.since(o.since()?)), "days")),
    }
}

/// The family of the features of a category.
pub const fn family_of(category: Category) -> Family {
    match category {
        Category::Product => Family::Product,
        Category::Support => Family::Support,
        Category::Relationship => Family::Relationship,
        Category::Commercial => Family::Commercial,
        Category::External => Family::External,
    }
}
