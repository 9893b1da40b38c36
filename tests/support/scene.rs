//! A night of layer 3 from a few words: customers whose signals, ceilings and health are stated instead of computed.
//!
//! Every customer starts as one whom every gate lets pass: green, a year's contract with half a year to go, 92 of 100
//! seats in use, a CSM and an AE.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use foothold::assessment::Assessment;
use foothold::audit::{self, AuditRecord, Tail, Versions};
use foothold::capacity::Capacity;
use foothold::extracts::tables::{Period, ProductKind};
use foothold::extracts::{Extracts, InputTable};
use foothold::health::Health;
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::models::Propensity;
use foothold::observations::{AccountObservations, Fact, Kept, Metric, Observation};
use foothold::peers::Peers;
use foothold::readiness::Readiness;
use foothold::recommendations::playbooks::Playbook;
use foothold::recommendations::{Memory, Recommended, Settings, recommend};
use foothold::signals::{Catalogue, Detail, Signal};
use foothold::stakeholders::StakeholderMap;
use foothold::vocabulary::*;

use super::{WorldBuilder, day, default_settings};

/// A signal in a few words.
#[derive(Clone)]
pub struct Told {
    pub account: String,
    pub product: Option<String>,
    pub signal: String,
    pub strength: f64,
    pub confidence: f64,
    pub expires_on: Day,
    pub contact: Option<String>,
    pub place: Option<String>,
    pub tier: Option<String>,
    /// What somebody wrote.
    pub quote: Option<String>,
}

/// What a customer's ceiling on seats looks like.
#[derive(Clone)]
pub struct Seats {
    pub used: f64,
    pub need: f64,
    pub breach: Option<Day>,
}

#[derive(Clone)]
pub struct Scene {
    pub world: WorldBuilder,
    pub day: Day,
    pub signals: Vec<Told>,
    pub health: BTreeMap<String, (Color, Level)>,
    pub seats: BTreeMap<String, Seats>,
    /// The product whose seats they are.
    pub ceiling_of: String,
    pub people: BTreeMap<String, StakeholderMap>,
    pub propensities: BTreeMap<String, Vec<(PropensityKind, Option<String>, f64)>>,
    pub peers: Peers,
    pub playbooks: Vec<Playbook>,
    pub settings: Settings,
}

/// What one night leaves behind.
pub struct Night {
    pub extracts: Extracts,
    pub recommended: Recommended,
    /// The audit records of this night alone.
    pub records: Vec<AuditRecord>,
}

impl Scene {
    pub fn new() -> Scene {
        let mut world = WorldBuilder::default();
        world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
        let addon = world.product("analytics", &[("standard", 1, 60.0)]);
        addon.kind = Some(ProductKind::AddOn);
        let care = world.product("care", &[("gold", 1, 3_000.0)]);
        (care.kind, care.unit) = (Some(ProductKind::Support), Some("account".into()));
        for table in [InputTable::Tickets, InputTable::Opportunities, InputTable::Contacts] {
            world.available(table);
        }
        Scene {
            world,
            day: day("2026-06-30"),
            signals: Vec::new(),
            health: BTreeMap::new(),
            seats: BTreeMap::new(),
            ceiling_of: "crm".into(),
            people: BTreeMap::new(),
            propensities: BTreeMap::new(),
            peers: Peers::default(),
            playbooks: crate::playbooks::shipped(),
            settings: Settings { min_expected_value: 0.0, ..default_settings("recommendations") },
        }
    }

    /// A scene with one customer, `acme`, and one signal: its seats run out.
    pub fn acme() -> Scene {
        let mut scene = Scene::new();
        scene.customer("acme", "Kim", "Lee");
        scene.tell("acme", Some("crm"), "seat_utilization");
        scene
    }

    pub fn customer(&mut self, id: &str, csm: &str, ae: &str) {
        let row = self.world.account(id);
        (row.csm, row.ae) = (Some(csm.into()), Some(ae.into()));
        self.contract(id, day("2026-01-01"));
        let start = self.day.minus(150);
        let use_of = |n: i32| 60.0 + f64::from(n) * 0.2;
        self.world.usage_run(id, "crm", "seats", start, &(0..=150).map(use_of).collect::<Vec<_>>());
        self.seats.insert(id.into(), Seats { used: 92.0, need: 118.0, breach: Some(day("2026-10-01")) });
        self.health.insert(id.into(), (Color::Green, Level::Low));
    }

    /// A year of 100 seats at 10,000 from `starts_on`; once more for the same account amends it.
    pub fn contract(&mut self, id: &str, starts_on: Day) {
        let row = self.world.subscription(&format!("{id}-crm"), id, "crm", "basic", starts_on);
        (row.arr, row.units) = (10_000.0, Some(100.0));
    }

    pub fn tell(&mut self, account: &str, product: Option<&str>, signal: &str) -> &mut Told {
        self.signals.push(Told {
            account: account.into(),
            product: product.map(Into::into),
            signal: signal.into(),
            strength: 0.8,
            confidence: 0.6,
            expires_on: self.day.plus(400),
            contact: None,
            place: None,
            tier: None,
            quote: None,
        });
        self.signals.last_mut().expect("just pushed")
    }

    pub fn color(&mut self, account: &str, color: Color, level: Level) {
        self.health.insert(account.into(), (color, level));
    }

    /// One night with nothing remembered.
    pub fn recommend(&self) -> Recommended {
        self.night(&[]).recommended
    }

    /// One night after the nights whose audit records are given.
    pub fn night(&self, chain: &[AuditRecord]) -> Night {
        let extracts = self.world.build();
        let view = View::new(&extracts, self.day);
        let assessments: Vec<Assessment> = view.accounts().map(|a| self.assess(view, a.account)).collect();
        let history = audit::recall(chain, &extracts).expect("a readable chain");
        let memory = Memory::new(history, &extracts.decisions, &extracts.outcomes, self.day, &self.settings);
        let recommended = recommend(view, &assessments, &self.peers, &self.playbooks, &memory, &self.settings);
        let versions = Versions { code_version: "1".into(), job_hash: "job".into(), input_manifest_hash: "in".into() };
        let entries = audit::entries(&audit::Night {
            view,
            assessments: &assessments,
            recommended: &recommended,
            playbooks: &self.playbooks,
            memory: &memory,
            settings: &self.settings,
            versions: &versions,
        });
        let records = audit::append(&chain.last().map_or_else(Tail::default, AuditRecord::tail), entries);
        drop(assessments);
        Night { extracts, recommended, records }
    }

    fn assess<'a>(&self, view: View<'a>, account: AccountIx) -> Assessment<'a> {
        let id = view.extracts.account_id(account);
        let told = self.signals.iter().filter(|told| told.account == id);
        let mut signals: Vec<Signal> = told.map(|told| signal(view, account, told)).collect();
        signals.sort_by(|a, b| (&a.signal, a.product).cmp(&(&b.signal, b.product)));
        let capacity =
            self.seats.get(id).and_then(|seats| ceiling(view, account, &self.ceiling_of, seats)).into_iter().collect();
        let (color, risk_level) = self.health.get(id).copied().unwrap_or((Color::Green, Level::Low));
        Assessment {
            account,
            contract: Contract::on(view, account),
            facts: Kept::of(AccountObservations { observations: vec![observation(view, account)], capacity }),
            propensities: self.propensities.get(id).into_iter().flatten().map(|p| propensity(view, p)).collect(),
            stakeholders: self.people.get(id).cloned().unwrap_or_default(),
            signals,
            health: health(color, risk_level),
            readiness: readiness(),
        }
    }
}

fn signal(view: View, account: AccountIx, told: &Told) -> Signal {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| default_settings("signals"));
    let spec = &CATALOGUE.signals[&told.signal];
    Signal {
        account,
        product: told.product.as_ref().map(|p| view.extracts.ids.products.get(p).expect("a known product")),
        signal: told.signal.as_str().into(),
        play: spec.play,
        direction: spec.direction,
        category: spec.category,
        strength: Probability::clamped(told.strength),
        confidence: Probability::clamped(told.confidence),
        confidence_basis: "prior".into(),
        detected_on: view.day,
        since: None,
        expires_on: told.expires_on,
        needs_review: false,
        evidence: match &told.quote {
            Some(quote) => format!("1 text says so; ticket of 3 Jun 2026: “{quote}”"),
            None => format!("{} fired with 92 of 100.", told.signal),
        },
        observations: vec![0],
        detail: Detail {
            contact: told.contact.as_ref().and_then(|c| view.extracts.ids.contacts.get(c)),
            place: told.place.as_deref().map(Into::into),
            tier: told.tier.as_deref().map(Into::into),
            quote: told.quote.as_deref().map(Into::into),
            ..Detail::default()
        },
    }
}

fn ceiling(view: View, account: AccountIx, product: &str, seats: &Seats) -> Option<Capacity> {
    let ids = &view.extracts.ids;
    Some(Capacity {
        product: ids.products.get(product)?,
        metric: ids.metrics.get("seats")?,
        period: Period::Gauge,
        limit: 100.0,
        used: seats.used,
        utilization: seats.used / 100.0,
        pace: seats.used / 100.0,
        daily_growth: 0.2,
        days_above_threshold: 20,
        threshold: 0.8,
        threshold_basis: "configured".into(),
        breach_p10: None,
        breach_p50: seats.breach,
        breach_p90: None,
        breach_before_renewal: Probability::clamped(0.9),
        renewal: Contract::on(view, account).renewal,
        need_p90_at_renewal: Some(seats.need),
        days_at_limit_30d: 0,
    })
}

fn observation(view: View, account: AccountIx) -> Observation {
    let product = view.extracts.ids.products.get("crm");
    let fact = Fact::new(92.0, 30).against(Some(86.0));
    Observation::new((account, view.day), (Metric::Usage, "seats".into()), product, 30, fact)
}

fn propensity(view: View, (kind, product, probability): &(PropensityKind, Option<String>, f64)) -> Propensity {
    Propensity {
        kind: *kind,
        product: product.as_ref().and_then(|p| view.extracts.ids.products.get(p)),
        horizon_days: 180,
        probability: Probability::clamped(*probability),
        interval: None,
        percentile: 90.0,
        lift: 2.0,
        model_id: format!("{kind}-1").into(),
        base_log_odds: 0.0,
        drivers: vec![],
        what_would_change: None,
        abstained: None,
    }
}

fn health(color: Color, risk_level: Level) -> Health {
    let score = match color {
        Color::Green => 82.0,
        Color::Yellow => 58.0,
        Color::Red => 30.0,
    };
    Health {
        score,
        color,
        trend_30d: None,
        product: Some(score),
        relationship: Some(score),
        support: None,
        financial: None,
        weights: [0.6, 0.4, 0.0, 0.0],
        reasons: vec!["Use fell 12 % in 30 days".into()],
        risk_level,
        churn_probability: None,
        recommended_actions: vec![],
        unavailable: vec!["support".into(), "financial".into()],
    }
}

fn readiness() -> Readiness {
    Readiness {
        score: 74.0,
        product_part: 80.0,
        relationship_part: 70.0,
        commercial_part: 60.0,
        convergence: 2,
        tier: Level::High,
        gate: "open".into(),
    }
}
