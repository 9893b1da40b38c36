//! The one feature path: (view, account, facts) → values, for training rows and tonight's rows alike.
//!
//! A feature is a fact, never an outcome: nothing here may look past the view's day. What is not known is left out
//! and becomes missing, which is a bin of its own.

pub use super::columns::table;
use super::purchases::PurchaseRates;
use super::table::{Column, Spec, Values};
use crate::extracts::tables::Subscription;
use crate::extracts::{Extracts, InputTable};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::observations::{AccountObservations, Name, Observation};
use crate::vocabulary::{AccountIx, Category, Day, ProductIx, Text};

words!(
    /// The family of a feature; the first part of its name.
    Family {
        Account = "account", Contract = "contract", Capacity = "capacity", Product = "product", Support = "support",
        Relationship = "relationship", Commercial = "commercial", External = "external", Annotation = "annotation",
        Purchases = "purchases",
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
    pub metric: Metric,
    pub window_days: i32,
    pub measure: Measure,
}

/// A measure's name: fixed for what this file derives, shared for what the data names.
#[derive(Clone, Debug)]
pub enum Metric {
    Fixed(&'static str),
    Named(Text),
}

impl Metric {
    fn as_str(&self) -> &str {
        match self {
            Metric::Fixed(name) => name,
            Metric::Named(name) => name,
        }
    }
}

impl From<Name> for Metric {
    fn from(name: Name) -> Metric {
        match name {
            Name::Fixed(name) => Metric::Fixed(name),
            Name::Particular(name) => Metric::Named(name),
        }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Metric) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Metric {}

impl PartialOrd for Metric {
    fn partial_cmp(&self, other: &Metric) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Metric {
    fn cmp(&self, other: &Metric) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl std::hash::Hash for Metric {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// One known value of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub key: Key,
    pub unit: &'static str,
    pub source: InputTable,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Word(Text),
}

impl Value {
    /// A column of such values without any.
    pub(super) fn none_like(&self) -> Values {
        match self {
            Value::Number(_) => Values::Numbers(Vec::new()),
            Value::Word(_) => Values::Words(Vec::new()),
        }
    }
}

/// The known values of one account on one day, in no particular order but the same one every time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureRow {
    pub cells: Vec<Cell>,
}

/// Which windows of which measure of an observation become features.
struct Rule {
    category: Category,
    /// Start of the metric's name; empty = every metric of the category.
    metric: &'static str,
    measure: Measure,
    windows: &'static [i32],
}

const fn rule(category: Category, metric: &'static str, measure: Measure, windows: &'static [i32]) -> Rule {
    Rule { category, metric, measure, windows }
}

/// The feature table for observations. Use is read as a level, per licensed unit, and as change against the
/// account's own past over a short and a long window; slower categories by state and quarter.
const RULES: &[Rule] = &[
    rule(Category::Product, "", Measure::Level, &[0, 30]),
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
    fn covers(&self, o: &Observation) -> bool {
        o.category == self.category && self.windows.contains(&o.window_days) && o.metric.starts_with(self.metric)
    }
}

/// Families with a member per person or feature: too many names, too few rows each.
const PARTICULAR: &[&str] = &["days_since_contact_of:", "feature_abandoned:"];

/// Room for the cells of nearly every row.
const USUAL_CELLS: usize = 512;

/// Everything the models may know of one account at the end of the view's day.
pub fn row(view: View, account: AccountIx, facts: &AccountObservations) -> FeatureRow {
    let contract = Contract::on(view, account);
    let mut row = FeatureRow { cells: Vec::with_capacity(USUAL_CELLS) };
    row.account(view, account);
    row.contract(view, account, &contract);
    row.capacity(view, &contract, facts);
    for observation in &facts.observations {
        row.observation(&contract, observation);
    }
    row.annotations(view, account);
    row
}

/// Adds what is known of the account's fit to one product it does not own, as columns of their own.
pub fn purchase_cells(rates: &PurchaseRates, owned: &[ProductIx], product: ProductIx) -> FeatureRow {
    let mut row = FeatureRow::default();
    let (best, sum) = rates.given(owned, product);
    row.number(Family::Purchases, "rate_given_owned", best, "share", InputTable::Subscriptions);
    row.number(Family::Purchases, "summed_rate_given_owned", sum, "share", InputTable::Subscriptions);
    row
}

/// The product that each row is about, for the model pooled over products.
pub fn product_column(extracts: &Extracts, products: &[ProductIx]) -> Column {
    let spec = Spec {
        name: "purchases.product".to_owned(),
        label: "product".to_owned(),
        unit: String::new(),
        source: InputTable::Products.as_str().to_owned(),
        window_days: 0,
    };
    let words = products.iter().map(|product| Some(extracts.ids.products.name(*product).clone()));
    Column { spec, values: Values::Words(words.collect()) }
}

impl FeatureRow {
    fn push(&mut self, key: Key, value: f64, unit: &'static str, source: InputTable) {
        if value.is_finite() {
            self.cells.push(Cell { key, unit, source, value: Value::Number(value) });
        }
    }

    fn number(&mut self, family: Family, name: &'static str, value: f64, unit: &'static str, source: InputTable) {
        self.push(state(family, None, name), value, unit, source);
    }

    fn of_product(
        &mut self,
        family: Family,
        product: ProductIx,
        name: &'static str,
        value: f64,
        unit: &'static str,
        source: InputTable,
    ) {
        self.push(state(family, Some(product), name), value, unit, source);
    }

    fn word(&mut self, name: &'static str, word: Option<&Text>) {
        if let Some(word) = word {
            let key = state(Family::Account, None, name);
            self.cells.push(Cell { key, unit: "", source: InputTable::Accounts, value: Value::Word(word.clone()) });
        }
    }

    fn account(&mut self, view: View, account: AccountIx) {
        let Some(known) = view.account(account) else { return };
        self.word("segment", known.segment.as_ref());
        self.word("industry", known.industry.as_ref());
        self.word("region", known.region.as_ref());
        self.word("use_case", known.use_case.as_ref());
        let source = InputTable::Accounts;
        if let Some(employees) = known.employees {
            self.number(Family::Account, "employees", employees as f64, "people", source);
        }
        let (partner, parent) =
            (f64::from(u8::from(known.partner.is_some())), f64::from(u8::from(known.parent.is_some())));
        self.number(Family::Account, "through_partner", partner, "yes or no", source);
        self.number(Family::Account, "has_parent", parent, "yes or no", source);
        if let Some(month) = known.fiscal_year_start_month {
            let months = (month as i32 - chrono::Datelike::month(&view.day.date()) as i32).rem_euclid(12);
            self.number(Family::Account, "months_to_fiscal_year", f64::from(months), "months", source);
        }
    }

    fn contract(&mut self, view: View, account: AccountIx, contract: &Contract) {
        let (family, source) = (Family::Contract, InputTable::Subscriptions);
        self.number(family, "rolling", f64::from(u8::from(contract.rolling)), "yes or no", source);
        let term = contract.active.iter().filter_map(|s| s.term_months).max();
        if let Some(months) = term {
            self.number(family, "term_months", months as f64, "months", source);
        }
        let committed = contract.active.iter().filter_map(|s| committed_until(view, account, s)).min();
        if let Some(end) = committed.filter(|_| contract.rolling) {
            self.number(family, "days_to_commitment_end", f64::from(end.since(view.day)), "days", source);
        }
        let renews = contract.active.iter().filter_map(|s| s.auto_renew).min();
        if let Some(renews) = renews {
            self.number(family, "auto_renews", f64::from(u8::from(renews)), "yes or no", source);
        }
        for product in (0..view.extracts.products.len()).map(ProductIx::from) {
            self.holding(view, contract, product);
        }
    }

    fn holding(&mut self, view: View, contract: &Contract, product: ProductIx) {
        let (family, source) = (Family::Contract, InputTable::Subscriptions);
        let held = contract.of(product);
        self.of_product(family, product, "owned", f64::from(u8::from(held.is_some())), "yes or no", source);
        let Some(held) = held else { return };
        if let Some(units) = held.units.filter(|units| *units > 0.0) {
            self.of_product(family, product, "arr_per_unit", held.arr / units, "currency per year", source);
        }
        let catalogue = view.extracts.product(product);
        if let Some(tier) = catalogue.tier(&held.tier) {
            let above = catalogue.tiers.iter().filter(|other| other.rank > tier.rank).count();
            self.of_product(family, product, "tiers_above", above as f64, "count", source);
        }
    }

    fn capacity(&mut self, view: View, contract: &Contract, facts: &AccountObservations) {
        let (family, source) = (Family::Capacity, InputTable::Usage);
        for ceiling in &facts.capacity {
            let metric = &view.extracts.ids.metrics.name(ceiling.metric);
            let mut put = |suffix: &str, value: f64, unit: &'static str| {
                let metric = Metric::Named(format!("{metric}_{suffix}").into());
                let product = Some(ceiling.product);
                self.push(
                    Key { family, product, metric, window_days: 0, measure: Measure::Level },
                    value,
                    unit,
                    source,
                );
            };
            put("utilization", ceiling.utilization, "share");
            put("growth_30d_of_limit", 30.0 * ceiling.daily_growth / ceiling.limit, "share");
            put("days_above_threshold", f64::from(ceiling.days_above_threshold), "days");
            put("days_at_limit_30d", f64::from(ceiling.days_at_limit_30d), "days");
            put("breach_before_renewal", ceiling.breach_before_renewal.get(), "share");
            if let Some(need) = ceiling.need_p90_at_renewal {
                put("need_of_limit", need / ceiling.limit, "share");
            }
        }
        let highest = |of: &dyn Fn(&crate::capacity::Capacity) -> f64| {
            facts.capacity.iter().map(of).filter(|v| v.is_finite()).fold(f64::NAN, f64::max)
        };
        self.number(family, "highest_utilization", highest(&|c| c.utilization), "share", source);
        self.number(
            family,
            "highest_breach_before_renewal",
            highest(&|c| c.breach_before_renewal.get()),
            "share",
            source,
        );
        let over = facts.capacity.iter().filter(|c| c.utilization >= c.threshold).count();
        if !facts.capacity.is_empty() && !contract.active.is_empty() {
            self.number(family, "ceilings_above_threshold", over as f64, "count", source);
        }
    }

    fn observation(&mut self, contract: &Contract, observation: &Observation) {
        if PARTICULAR.iter().any(|family| observation.metric.starts_with(family)) {
            return;
        }
        for rule in RULES.iter().filter(|rule| rule.covers(observation)) {
            let Some((value, unit)) = measured(contract, observation, rule.measure) else { continue };
            let key = Key {
                family: family_of(observation.category),
                product: observation.product,
                metric: observation.metric.clone().into(),
                window_days: observation.window_days,
                measure: rule.measure,
            };
            self.push(key, value, unit, observation.source);
        }
    }

    fn annotations(&mut self, view: View, account: AccountIx) {
        let mut latest: Vec<_> = view.annotations(account).collect();
        latest.sort_by(|a, b| (&a.feature, b.observed_on).cmp(&(&b.feature, a.observed_on)));
        latest.dedup_by(|b, a| a.feature == b.feature);
        for annotation in latest {
            let metric = Metric::Named(annotation.feature.clone());
            let key =
                Key { family: Family::Annotation, product: None, metric, window_days: 0, measure: Measure::Level };
            self.push(key, annotation.value, "", InputTable::Annotations);
        }
    }
}

fn state(family: Family, product: Option<ProductIx>, name: &'static str) -> Key {
    Key { family, product, metric: Metric::Fixed(name), window_days: 0, measure: Measure::Level }
}

/// The end of the term that a rolling contract is billed under: twelve monthly periods of a yearly term are one
/// commitment. Counted from the first period under the same term.
fn committed_until(view: View, account: AccountIx, current: &Subscription) -> Option<Day> {
    let months = current.term_months.filter(|months| (1..=120).contains(months))? as i32;
    let mut periods: Vec<&Subscription> = view.subscription_versions(account).filter(|v| v.id == current.id).collect();
    periods.sort_by_key(|version| (version.starts_on, version.seen.known));
    let same_term = periods.iter().rev().take_while(|version| version.term_months == current.term_months);
    let begun = same_term.map(|version| version.starts_on).min().filter(|begun| *begun <= view.day)?;
    (1..).map(|terms| begun.plus_months(terms * months)).find(|end| *end > view.day)
}

fn measured(contract: &Contract, o: &Observation, measure: Measure) -> Option<(f64, &'static str)> {
    match measure {
        Measure::Level => Some((o.value, o.unit)),
        Measure::PerUnit => {
            let units = o.product.and_then(|p| contract.of(p)).and_then(|s| s.units).filter(|units| *units > 0.0)?;
            Some((o.value / units, "per licensed unit"))
        }
        Measure::Change => Some((o.change?, "share")),
        Measure::SinceDays => Some((f64::from(o.observed_on.since(o.since?)), "days")),
    }
}

fn family_of(category: Category) -> Family {
    match category {
        Category::Product => Family::Product,
        Category::Support => Family::Support,
        Category::Relationship => Family::Relationship,
        Category::Commercial => Family::Commercial,
        Category::External => Family::External,
    }
}

impl Key {
    /// Unique and stable: family, product id, metric, window and measure, as far as they apply.
    pub fn name(&self, extracts: &Extracts) -> String {
        let mut parts = vec![self.family.as_str().to_owned()];
        parts.extend(self.product.map(|p| extracts.ids.products.name(p).to_string()));
        parts.push(self.metric.as_str().to_owned());
        parts.extend((self.window_days > 0).then(|| format!("{}d", self.window_days)));
        parts.extend((self.measure != Measure::Level).then(|| self.measure.as_str().to_owned()));
        parts.join(".")
    }

    /// As a sentence names it.
    pub fn label(&self, extracts: &Extracts) -> String {
        let metric = spoken(self.metric.as_str());
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

    pub(super) fn spec(&self, unit: &str, source: InputTable, extracts: &Extracts) -> Spec {
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
