//! A feature's identity, and what it is called.

use crate::extracts::{Extracts, InputTable};
use crate::learners::columns::table::Spec;
use crate::observations::Name;
use crate::vocabulary::ProductIx;

words!(
    /// The family of a feature; the first part of its name.
    Family {
        Account = "account", Contract = "contract", Capacity = "capacity", Product = "product", Support = "support",
        Relationship = "relationship", Commercial = "commercial", External = "external", Annotation = "annotation",
        Purchases = "purchases", Season = "season",
    }
);
words!(
    /// What is taken of a measure; the last part of a feature's name where it is not the level itself.
    Measure { Level = "level", PerUnit = "per_unit", Change = "change", SinceDays = "since_days" }
);

/// Identifies a feature without spelling its name out for every row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    pub family: Family,
    pub product: Option<ProductIx>,
    pub metric: Name,
    pub window_days: i32,
    pub measure: Measure,
}

impl Key {
    /// Unique and stable: family, product id, metric, window and measure, as far as they apply.
    pub fn name(&self, extracts: &Extracts) -> String {
        let mut parts = vec![self.family.as_str().to_owned()];
        parts.extend(self.product.map(|p| extracts.ids.products.name(p).to_string()));
        parts.push((*self.metric).to_owned());
        parts.extend((self.window_days > 0).then(|| format!("{}d", self.window_days)));
        parts.extend((self.measure != Measure::Level).then(|| self.measure.as_str().to_owned()));
        parts.join(".")
    }

    /// As a sentence names it.
    pub fn label(&self, extracts: &Extracts) -> String {
        let metric = spoken(&self.metric);
        let subject = match self.measure {
            Measure::Level => metric,
            Measure::PerUnit => format!("{metric} per licensed unit"),
            Measure::Change => format!("change in {metric}"),
            Measure::SinceDays => format!("days since {metric} began to change"),
        };
        let product = self.product.map_or(String::new(), |p| format!(" of {}", extracts.product(p).name));
        let window = match self.window_days {
            0 => String::new(),
            days => format!(" over {days} days"),
        };
        format!("{subject}{product}{window}")
    }

    pub(in crate::models) fn spec(&self, unit: &str, source: InputTable, extracts: &Extracts) -> Spec {
        Spec {
            name: self.name(extracts),
            label: self.label(extracts),
            unit: unit.to_owned(),
            source: source.as_str().to_owned(),
            window_days: self.window_days,
        }
    }
}

/// A metric's name as people say it: `ceiling_utilization:api_calls` → `ceiling utilization (API calls)`.
fn spoken(metric: &str) -> String {
    let word = |word: &str| match word {
        "arr" | "nps" | "csat" | "api" | "gb" | "p1" | "qbr" => word.to_uppercase(),
        _ => word.to_owned(),
    };
    let words = |name: &str| name.split(['_', ' ']).map(word).collect::<Vec<_>>().join(" ");
    match metric.split_once(':') {
        Some((family, particular)) => format!("{} ({})", words(family), words(particular)),
        None => words(metric),
    }
}
