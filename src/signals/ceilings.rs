//! Signals of use against what is paid for: ceilings filled, approached, hit or passed, and contracts left unused.

use super::Detail;
use super::case::{Case, Finding, Rule, metric_words};
use crate::capacity::Capacity;
use crate::extracts::tables::Period;
use crate::observations::{Metric, Name};
use crate::vocabulary::ProductIx;
use crate::wording::{capital, change, count, day, percent, plural};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let ceilings = case.evidence.facts.capacity.iter().map(|capacity| Ceiling::new(case, capacity));
    let mut found: Vec<Finding> = ceilings.flat_map(|ceiling| ceiling.find()).collect();
    found.extend(underused_contract(case));
    found
}

/// One ceiling of the account.
struct Ceiling<'a> {
    case: &'a Case<'a>,
    capacity: &'a Capacity,
    metric: &'a str,
    /// Observations that the ceiling's signals rest on.
    links: Vec<u32>,
}

impl<'a> Ceiling<'a> {
    fn new(case: &'a Case<'a>, capacity: &'a Capacity) -> Ceiling<'a> {
        let metric = case.extracts.metric(capacity.metric);
        let product = Some(capacity.product);
        let (use_of, trend) = (Metric::CeilingUtilization.of(metric), Metric::UsageTrend.of(metric));
        let links = case.links(&[(&*use_of, product, 30), (&*trend, product, 90), (metric, product, 30)]);
        Ceiling { case, capacity, metric, links }
    }

    fn find(&self) -> Vec<Finding> {
        let found = [
            self.seat_utilization(),
            self.sustained_utilization(),
            self.approaching_limit(),
            self.overage(),
            self.limit_hit(),
            self.commit_fit(),
        ];
        found.into_iter().flatten().map(|finding| self.about(finding)).collect()
    }

    fn about(&self, finding: Finding) -> Finding {
        let detail = Detail { metric: Some(self.metric.into()), ..finding.detail };
        Finding { product: Some(self.capacity.product), detail, ..finding }
    }

    fn seat_utilization(&self) -> Option<Finding> {
        let rule = self.case.rule("seat_utilization")?;
        let c = self.capacity;
        let gained = self.monthly_gain() * 2.0 / c.limit;
        let fires = self.metric == "seats"
            && c.limit >= rule.at("min_limit")
            && c.utilization >= c.threshold
            && gained >= rule.at("min_growth");
        let month = self.monthly_gain().round().max(1.0);
        let sentence = || format!("{}, up {} in 30 days{}.", self.level(), count(month), self.outlook());
        fires.then(|| self.finding(&rule, rule.strength(gained, "min_growth"), sentence()).value(c.utilization))
    }

    /// Rise of the mean level from the 30 days before to the last 30. Seats come in whole ones, and on a small licence
    /// the trend's median step is none where the means see a colleague more.
    fn monthly_gain(&self) -> f64 {
        let month = self.case.fact(self.metric, Some(self.capacity.product), 30);
        let gain = month.and_then(|(_, o)| Some(o.value - o.baseline()?));
        gain.unwrap_or(self.capacity.daily_growth * 30.0)
    }

    fn sustained_utilization(&self) -> Option<Finding> {
        let rule = self.case.rule("sustained_utilization")?;
        let c = self.capacity;
        let days = c.days_above_threshold;
        let fires = days >= rule.days("days") && c.limit >= rule.at("min_limit");
        let sentence = || {
            format!(
                "{} for {} in a row, now at {} of {}.",
                capital(&format!("{} at or above {} of the ceiling", metric_words(self.metric), percent(c.threshold))),
                plural(days.into(), "day", "days"),
                percent(c.utilization),
                count(c.limit),
            )
        };
        fires.then(|| {
            let since = Some(self.case.day.minus(days - 1));
            self.finding(&rule, rule.strength(days.into(), "days"), sentence()).since(since).value(days.into())
        })
    }

    fn approaching_limit(&self) -> Option<Finding> {
        let rule = self.case.rule("approaching_limit")?;
        let c = self.capacity;
        let breach = c.breach_p50.filter(|breach| *breach > self.case.day)?;
        let days = breach.since(self.case.day);
        let fires = days <= rule.days("within_days")
            && c.renewal.is_none_or(|renewal| breach < renewal)
            && c.limit >= rule.at("min_limit")
            && c.utilization < 1.0;
        let renewal = c.renewal.map_or(String::new(), |renewal| format!(", before the renewal on {}", day(renewal)));
        let sentence = || {
            format!(
                "{}; at {} more a month the ceiling is reached around {}{renewal} ({} likely).",
                self.level(),
                count(c.daily_growth * 30.0),
                day(breach),
                chance(c.breach_before_renewal.get()),
            )
        };
        fires.then(|| self.finding(&rule, rule.strength(days.into(), "within_days"), sentence()).value(days.into()))
    }

    fn overage(&self) -> Option<Finding> {
        let rule = self.case.rule("overage")?;
        let level = self.recent_level();
        let lasting = self.capacity.period == Period::Month || self.capacity.days_at_limit_30d >= rule.days("min_days");
        let left = self.capacity.renewal.map(|renewal| renewal.since(self.case.day)).filter(|days| *days > 0);
        let left =
            left.map_or(String::new(), |days| format!(", with {} to the renewal", plural(days.into(), "day", "days")));
        let sentence = || {
            format!(
                "{} at {} of the ceiling of {}{}, {} over{left}.",
                capital(&metric_words(self.metric)),
                percent(level),
                count(self.capacity.limit),
                self.per(),
                percent(level - 1.0),
            )
        };
        let fires = level > rule.at("over") && lasting;
        fires.then(|| self.finding(&rule, rule.strength(level, "over"), sentence()).value(level))
    }

    fn limit_hit(&self) -> Option<Finding> {
        let rule = self.case.rule("limit_hit")?;
        let days = self.capacity.days_at_limit_30d;
        let sentence = || {
            format!(
                "{} stood at or above the ceiling of {}{} on {} of the last 30 days.",
                capital(&metric_words(self.metric)),
                count(self.capacity.limit),
                self.per(),
                days,
            )
        };
        let fires = days >= rule.days("days") && self.metric != "seats";
        fires.then(|| self.finding(&rule, rule.strength(days.into(), "days"), sentence()).value(days.into()))
    }

    fn commit_fit(&self) -> Option<Finding> {
        let rule = self.case.rule("commit_fit")?;
        let subscription = self.case.evidence.contract.of(self.capacity.product)?;
        let term = subscription.term_months.unwrap_or(12);
        if !self.case.grown_up(&rule) || term as f64 > rule.at("max_term_months") {
            return None;
        }
        self.steady_overage(&rule, term).or_else(|| self.steady_growth(&rule, term))
    }

    fn steady_overage(&self, rule: &Rule, term: i64) -> Option<Finding> {
        let (days, level) = (self.capacity.days_at_limit_30d, self.recent_level());
        let sentence = || {
            format!(
                "{} above the ceiling on {days} of the last 30 days, at {} of it, on a term of {}.",
                capital(&metric_words(self.metric)),
                percent(level),
                plural(term, "month", "months"),
            )
        };
        let fires = days >= rule.days("overage_days") && level > 1.0;
        fires.then(|| self.finding(rule, super::saturating(level, 1.0, 1.4), sentence()).value(level))
    }

    fn steady_growth(&self, rule: &Rule, term: i64) -> Option<Finding> {
        let product = Some(self.capacity.product);
        let (half_year, long) = self.case.fact(self.metric, product, 180)?;
        let (quarter, short) = self.case.fact(self.metric, product, 90)?;
        let (long, short) = (long.change()?, short.change()?);
        let steady = long >= rule.at("growth") && short >= rule.at("growth") / 3.0;
        let likely = self.capacity.breach_before_renewal.get() >= rule.at("min_probability");
        let sentence = format!(
            "{} {} over 180 days and {} over the last 90, on a term of {}.",
            capital(&metric_words(self.metric)),
            change(long),
            change(short),
            plural(term, "month", "months"),
        );
        let mut finding = self.finding(rule, rule.strength(long, "growth"), sentence).value(long);
        finding.observations.extend([half_year, quarter]);
        (steady && likely).then_some(finding)
    }

    fn finding(&self, rule: &Rule, strength: f64, sentence: String) -> Finding {
        rule.finding(strength, sentence, self.links.clone())
    }

    /// Use as a share of the ceiling; of a monthly one the higher of the month so far and the last complete one.
    fn recent_level(&self) -> f64 {
        let c = self.capacity;
        let use_of = Metric::CeilingUtilization.of(self.metric);
        let month = self.case.fact(use_of, Some(c.product), 30).map_or(0.0, |(_, o)| o.value);
        if c.period == Period::Month { month.max(c.utilization) } else { c.utilization }
    }

    /// `Seats at 87 % of 120 (104 in use)`.
    fn level(&self) -> String {
        let c = self.capacity;
        let (metric, share) = (capital(&metric_words(self.metric)), percent(c.utilization));
        format!("{metric} at {share} of {}{} ({} in use)", count(c.limit), self.per(), count(c.used))
    }

    fn per(&self) -> &'static str {
        match self.capacity.period {
            Period::Gauge => "",
            Period::Day => " a day",
            Period::Month => " a month",
        }
    }

    fn outlook(&self) -> String {
        let c = self.capacity;
        match c.breach_p50 {
            _ if c.utilization >= 1.0 => "; the ceiling is reached".into(),
            Some(breach) if breach > self.case.day => format!("; the ceiling is reached around {}", day(breach)),
            _ => String::new(),
        }
    }
}

/// Per product, the fullest of what is paid for: paid units and seats first, other ceilings where there are none.
/// A probability as people say it: nothing to come is certain.
fn chance(probability: f64) -> String {
    if probability > 0.99 { "more than 99 %".to_owned() } else { percent(probability) }
}

fn underused_contract(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("underused_contract") else { return Vec::new() };
    let fresh = case.whole(Metric::DaysSinceUpgrade, 0).is_some_and(|(_, o)| o.value < rule.at("settled_days"));
    if fresh || !case.grown_up(&rule) {
        return Vec::new();
    }
    let mut products: Vec<ProductIx> = case.evidence.contract.active.iter().map(|s| s.product).collect();
    products.dedup();
    products.into_iter().filter_map(|product| underused(case, &rule, product)).collect()
}

fn underused(case: &Case, rule: &Rule, product: ProductIx) -> Option<Finding> {
    let metric = paid_measure(case, product)?;
    let (at, two_months) = case.fact(&metric, Some(product), 60)?;
    let lasting = [7, 30].iter().filter_map(|window| case.fact(&metric, Some(product), *window));
    let lasting: Vec<(u32, f64)> = lasting.map(|(at, o)| (at, o.value)).collect();
    let share = two_months.value;
    let fires = share <= rule.at("utilization") && lasting.iter().all(|(_, now)| *now <= rule.at("utilization"));
    let paid =
        metric.strip_prefix(Metric::CeilingUtilization.name()).map_or_else(|| "licensed units".into(), metric_words);
    let sentence = || {
        format!(
            "{} of the {paid} paid for in {} were used over the last 60 days.",
            capital(&percent(share)),
            case.product_name(product),
        )
    };
    let links = [at].into_iter().chain(lasting.iter().map(|(at, _)| *at)).collect();
    fires.then(|| {
        let strength = rule.strength(share, "utilization");
        rule.finding(strength, sentence(), links).product(Some(product)).since(two_months.since()).value(share)
    })
}

/// The observation that tells how far a product's contract is used.
fn paid_measure(case: &Case, product: ProductIx) -> Option<Name> {
    let known = |metric: &str| case.fact(metric, Some(product), 60).is_some();
    let paid = [Metric::UnitsUtilization.text(), Metric::CeilingUtilization.of("seats")];
    if let Some(metric) = paid.into_iter().find(|metric| known(metric)) {
        return Some(metric);
    }
    let ceilings = case.evidence.facts.capacity.iter().filter(|c| c.product == product);
    let measures = ceilings.map(|c| Metric::CeilingUtilization.of(case.extracts.metric(c.metric)));
    let level = |metric: &Name| case.fact(metric, Some(product), 60).map_or(f64::MIN, |(_, o)| o.value);
    measures.filter(|metric| known(metric)).max_by(|a, b| level(a).total_cmp(&level(b)).then(b.cmp(a)))
}
