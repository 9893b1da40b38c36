//! One account on a bench: state the observations and rows a signal should read, ask which signals fire.

use foothold::capacity::Capacity;
use foothold::extracts::tables::Period;
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::models::Propensity;
use foothold::observations::{self, AccountObservations, Metric, Observation};
use foothold::peers::Peers;
use foothold::signals::{Benchmark, Catalogue, Classifier, Evidence, Learned, Signal};
use foothold::stakeholders::StakeholderMap;
use foothold::text;
use foothold::vocabulary::*;

use super::{WorldBuilder, day};

pub const TODAY: &str = "2026-03-31";

#[derive(serde::Deserialize)]
struct Defaults {
    signals: Catalogue,
    text: text::Settings,
}

fn defaults() -> Defaults {
    toml::from_str(include_str!("../../src/job/defaults.toml")).expect("the defaults are well-formed")
}

/// The built-in catalogue.
pub fn catalogue() -> Catalogue {
    defaults().signals
}

/// The built-in text settings.
pub fn text_settings() -> text::Settings {
    defaults().text
}

/// A fact as a test states it: metric, product, window, value, baseline.
pub type Fact<'a> = (&'a str, Option<&'a str>, i32, f64, Option<f64>);

/// A stated fact with the day its change began.
type Stated = (String, Option<String>, i32, f64, Option<f64>, Option<Day>);

/// A ceiling of the product `crm`.
#[derive(Clone)]
pub struct Ceiling {
    pub metric: &'static str,
    pub period: Period,
    pub limit: f64,
    pub used: f64,
    pub daily_growth: f64,
    pub days_above_threshold: i32,
    pub days_at_limit_30d: i32,
    pub breach_p50: Option<&'static str>,
    pub breach_before_renewal: f64,
}

/// 100 seats, 50 used, at rest.
pub fn seats() -> Ceiling {
    Ceiling {
        metric: "seats",
        period: Period::Gauge,
        limit: 100.0,
        used: 50.0,
        daily_growth: 0.0,
        days_above_threshold: 0,
        days_at_limit_30d: 0,
        breach_p50: None,
        breach_before_renewal: 0.0,
    }
}

/// `acme`: owner of `crm` in its lowest of three tiers since 2024, renewing on 2027-01-01; not of `desk`.
pub struct Bench {
    pub world: WorldBuilder,
    pub catalogue: Catalogue,
    pub text: text::Settings,
    pub learned: Learned,
    pub benchmark: Benchmark,
    facts: Vec<Stated>,
    ceilings: Vec<Ceiling>,
    pub peers: Peers,
    pub propensities: Vec<Propensity>,
    pub stakeholders: StakeholderMap,
}

pub fn bench() -> Bench {
    let mut world = WorldBuilder::default();
    world.all_available();
    world.account("acme").segment = Some("smb".into());
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0), ("enterprise", 3, 400.0)]);
    world.product("desk", &[("standard", 1, 50.0)]);
    for metric in ["seats", "storage_gb", "api_calls"] {
        world.metric_ix(metric);
    }
    let contract = world.subscription("s1", "acme", "crm", "basic", day("2024-01-01"));
    (contract.arr, contract.units, contract.ends_on) = (12_000.0, Some(100.0), Some(day("2027-01-01")));
    let mut bench = Bench {
        world,
        catalogue: catalogue(),
        text: text_settings(),
        learned: Learned::default(),
        benchmark: Benchmark::default(),
        facts: Vec::new(),
        ceilings: Vec::new(),
        peers: Peers::default(),
        propensities: Vec::new(),
        stakeholders: StakeholderMap::default(),
    };
    bench.fact(("tenure_days", None, 0, 820.0, None)).fact(("arr", None, 0, 12_000.0, None));
    bench
}

impl Bench {
    /// Adds a fact, or replaces the one of the same metric, product and window.
    pub fn fact(&mut self, (metric, product, window, value, baseline): Fact) -> &mut Self {
        let product = product.map(str::to_owned);
        self.facts.retain(|f| (f.0.as_str(), &f.1, f.2) != (metric, &product, window));
        self.facts.push((metric.into(), product, window, value, baseline, None));
        self
    }

    pub fn facts(&mut self, facts: &[Fact]) -> &mut Self {
        for fact in facts {
            self.fact(*fact);
        }
        self
    }

    /// Marks the day the last stated fact's change began.
    pub fn since(&mut self, since: &str) -> &mut Self {
        self.facts.last_mut().expect("a fact was stated").5 = Some(day(since));
        self
    }

    /// Adds a ceiling of `crm`, with the observation of its use.
    pub fn ceiling(&mut self, ceiling: Ceiling) -> &mut Self {
        let metric = format!("ceiling_utilization:{}", ceiling.metric);
        let share = ceiling.used / ceiling.limit;
        self.ceilings.push(ceiling);
        self.fact((&metric, Some("crm"), 30, share, None))
    }

    pub fn signals(&self) -> Vec<Signal> {
        let extracts = self.world.build();
        let view = View::new(&extracts, day(TODAY));
        let account = extracts.ids.accounts.get("acme").expect("acme is there");
        let contract = Contract::on(view, account);
        let product = |id: &str| extracts.ids.products.get(id).expect("a product of the bench");
        let observation = |f: &Stated| {
            let fact = observations::Fact::new(f.3, f.2.max(1) as usize).against(f.4).since(f.5);
            let metric = (Metric::named(&f.0), f.0.as_str().into());
            Observation::new((account, view.day), metric, f.1.as_deref().map(product), f.2, fact)
        };
        let capacity = |c: &Ceiling| Capacity {
            product: product("crm"),
            metric: extracts.ids.metrics.get(c.metric).expect("a metric of the bench"),
            period: c.period,
            limit: c.limit,
            used: c.used,
            utilization: c.used / c.limit,
            pace: c.used / c.limit,
            daily_growth: c.daily_growth,
            days_above_threshold: c.days_above_threshold,
            threshold: if c.metric == "seats" { 0.80 } else { 0.85 },
            threshold_basis: "configured".into(),
            breach_p10: None,
            breach_p50: c.breach_p50.map(day),
            breach_p90: None,
            breach_before_renewal: Probability::clamped(c.breach_before_renewal),
            renewal: contract.renewal,
            need_p90_at_renewal: None,
            days_at_limit_30d: c.days_at_limit_30d,
        };
        let facts = AccountObservations {
            observations: self.facts.iter().map(observation).collect(),
            capacity: self.ceilings.iter().map(capacity).collect(),
        };
        let evidence = Evidence {
            view,
            account,
            contract: &contract,
            facts: &facts,
            propensities: &self.propensities,
            stakeholders: &self.stakeholders,
            peers: &self.peers,
        };
        let classifier = Classifier::new(&extracts, &self.catalogue, &self.text, &self.learned);
        let signals = classifier.classify_among(&evidence, &self.benchmark);
        signals.iter().for_each(|signal| lawful(signal, &facts));
        signals
    }

    /// The one signal of that name; panics where it did not fire or fired more than once.
    pub fn one(&self, name: &str) -> Signal {
        let mut found = self.signals();
        found.retain(|signal| &*signal.signal == name);
        assert_eq!(found.len(), 1, "{name} should fire once: {found:#?}");
        found.remove(0)
    }

    pub fn fires(&self, name: &str) -> bool {
        self.signals().iter().any(|signal| &*signal.signal == name)
    }
}

/// What every signal keeps to, whatever it is about.
pub fn lawful(signal: &Signal, facts: &AccountObservations) {
    let name = &signal.signal;
    assert!(!signal.observations.is_empty(), "{name} rests on nothing");
    let known = facts.observations.len();
    assert!(
        signal.observations.iter().all(|at| (*at as usize) < known),
        "{name} names an observation that is not there"
    );
    assert!((0.0..=1.0).contains(&signal.strength.get()) && (0.0..=1.0).contains(&signal.confidence.get()));
    assert!(signal.evidence.chars().any(|c| c.is_ascii_digit()), "{name} gives no number: {}", signal.evidence);
    assert!(signal.evidence.ends_with(['.', '”']), "{name} is no sentence: {}", signal.evidence);
    assert!(signal.expires_on > signal.detected_on);
}
