//! What happened tonight, as entries: proposals made, decisions and outcomes that arrived, recommendations that expired.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::canonical::canonical;
use super::snapshot::Snapshot;
use super::{DATA_CATEGORIES, Entry, Event, PURPOSE, RISK_CLASS};
use crate::assessment::Assessment;
use crate::extracts::tables::{Decision, Outcome};
use crate::history::View;
use crate::observations::Observation;
use crate::recommendations::memory::{decided_id, outcome_id};
use crate::recommendations::playbooks::Playbook;
use crate::recommendations::{Expiry, Memory, Recommendation, Recommended, Settings, Status};
use crate::vocabulary::{Moment, stable_id};

/// Everything the night's entries are made of.
pub struct Night<'a> {
    pub view: View<'a>,
    pub assessments: &'a [Assessment<'a>],
    pub recommended: &'a Recommended,
    pub playbooks: &'a [Playbook],
    pub memory: &'a Memory,
    pub settings: &'a Settings,
    pub versions: &'a Versions,
}

/// What produced the night.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    pub code_version: String,
    pub job_hash: String,
    pub input_manifest_hash: String,
}

/// Tonight's entries in the order in which they happened; what the chain already holds is not repeated.
pub fn entries(night: &Night) -> Vec<Entry> {
    let rows: BTreeMap<&str, &Recommendation> =
        night.recommended.recommendations.iter().map(|r| (r.id.as_str(), r)).collect();
    let known: std::collections::BTreeSet<&str> =
        night.memory.recommendations.iter().map(|r| r.content.id.as_str()).collect();
    let new = |r: &&Recommendation| r.status == Status::PendingReview && !known.contains(r.id.as_str());
    let created: Vec<&Recommendation> = rows.values().copied().filter(new).collect();
    let mut entries: Vec<Entry> = created.into_par_iter().map(|r| night.created(r)).collect();
    entries.extend(night.memory.decisions.iter().map(|d| night.decided(d, rows.get(&*d.recommendation_id).copied())));
    entries.extend(night.memory.outcomes.iter().map(|o| night.outcome(o)));
    entries.extend(night.recommended.expired.iter().map(|e| night.expired(e)));
    entries.retain(|entry| !night.memory.recorded.contains(&entry.record_id));
    sort(&mut entries);
    entries
}

/// Puts entries in the order in which they happened.
pub fn sort(entries: &mut [Entry]) {
    entries.sort_by_cached_key(|e| (e.event_at, e.event, e.recommendation_id.clone(), e.record_id.clone()));
}

impl Night<'_> {
    fn created(&self, r: &Recommendation) -> Entry {
        let record_id = stable_id("aud", &[Event::Created.as_str(), &r.id]);
        self.with_evidence(self.plain(record_id, &r.id, Event::Created, self.end_of_day()), r, self.logic(r))
    }

    /// An approval also keeps the recommendation as it stood on the night on which the approval was read.
    fn decided(&self, d: &Decision, row: Option<&Recommendation>) -> Entry {
        let entry = Entry {
            approver: Some(d.approver.to_string()),
            decided_at: Some(d.decided_at),
            decision: Some(d.decision.to_string()),
            ..self.plain(decided_id(d), &d.recommendation_id, Event::Decided, d.decided_at)
        };
        let mut logic = json!({
            "reason": d.reason.as_deref(), "snooze_until": d.snooze_until, "edited_text": d.edited_text.as_deref(),
        });
        match row.filter(|row| row.status.in_flight()) {
            None => Entry { logic: canonical(&logic), ..entry },
            Some(row) => {
                logic["recommendation"] = json!(Snapshot::of(row, self.view.extracts));
                self.with_evidence(entry, row, logic)
            }
        }
    }

    fn outcome(&self, o: &Outcome) -> Entry {
        Entry {
            outcome: Some(o.outcome.to_string()),
            arr_delta: o.arr_delta.filter(|delta| delta.is_finite()),
            logic: canonical(&json!({"note": o.note.as_deref()})),
            ..self.plain(outcome_id(o), &o.recommendation_id, Event::Outcome, o.at)
        }
    }

    fn expired(&self, e: &Expiry) -> Entry {
        let id = &e.recommendation_id;
        let record_id = stable_id("aud", &[Event::Expired.as_str(), id, &self.view.day.to_string()]);
        let logic = canonical(&json!({"ending": e.ending, "reason": e.reason}));
        Entry { logic, ..self.plain(record_id, id, Event::Expired, self.end_of_day()) }
    }

    fn plain(&self, record_id: String, recommendation_id: &str, event: Event, event_at: Moment) -> Entry {
        Entry {
            record_id,
            recommendation_id: recommendation_id.to_owned(),
            event,
            event_at,
            purpose: PURPOSE.into(),
            risk_class: RISK_CLASS.into(),
            data_categories: DATA_CATEGORIES.into(),
            observations: "[]".into(),
            signals: "[]".into(),
            logic: "{}".into(),
            model_ids: String::new(),
            job_hash: self.versions.job_hash.clone(),
            input_manifest_hash: self.versions.input_manifest_hash.clone(),
            approver: None,
            decided_at: None,
            decision: None,
            outcome: None,
            arr_delta: None,
        }
    }

    fn with_evidence(&self, entry: Entry, r: &Recommendation, logic: Value) -> Entry {
        Entry {
            observations: canonical(&Value::Array(self.observations(r))),
            signals: canonical(&Value::Array(self.signals(r))),
            logic: canonical(&logic),
            model_ids: r.model_ids.iter().map(|id| &**id).collect::<Vec<_>>().join(", "),
            ..entry
        }
    }

    fn end_of_day(&self) -> Moment {
        Moment(Moment::start_of(self.view.day.plus(1)).0 - 1)
    }

    fn assessment(&self, r: &Recommendation) -> Option<&Assessment<'_>> {
        let at = self.assessments.binary_search_by_key(&r.account, |a| a.account).ok()?;
        self.assessments.get(at)
    }

    fn signals(&self, r: &Recommendation) -> Vec<Value> {
        let Some(assessment) = self.assessment(r) else { return Vec::new() };
        let extracts = self.view.extracts;
        let facts = assessment.facts.observations();
        let weighed = r.signals.iter().filter_map(|(at, weight)| Some((assessment.signals.get(*at as usize)?, weight)));
        weighed
            .map(|(signal, weight)| {
                let observations = signal.observations.iter().filter_map(|at| facts.get(*at as usize));
                json!({
                    "signal_id": signal.id(extracts).to_string(), "signal": &*signal.signal, "weight": weight,
                    "strength": signal.strength, "confidence": signal.confidence,
                    "confidence_basis": signal.confidence_basis, "reasoning": signal.evidence,
                    "needs_review": signal.needs_review, "detected_on": signal.detected_on, "expires_on": signal.expires_on,
                    "observations": observations.map(|o| o.id(extracts).to_string()).collect::<Vec<_>>(),
                })
            })
            .collect()
    }

    /// Every observation behind the signals, once, in the account's order.
    fn observations(&self, r: &Recommendation) -> Vec<Value> {
        let Some(assessment) = self.assessment(r) else { return Vec::new() };
        let behind = r.signals.iter().filter_map(|(at, _)| assessment.signals.get(*at as usize));
        let mut positions: Vec<u32> = behind.flat_map(|signal| signal.observations.iter().copied()).collect();
        positions.sort_unstable();
        positions.dedup();
        let facts = assessment.facts.observations();
        positions.iter().filter_map(|at| facts.get(*at as usize)).map(|o| self.observation(o)).collect()
    }

    fn observation(&self, o: &Observation) -> Value {
        let extracts = self.view.extracts;
        json!({
            "observation_id": o.id(extracts).to_string(), "product_id": o.product().map(|p| &**extracts.ids.products.name(p)),
            "category": o.category(), "metric": o.metric(), "window_days": o.window_days(), "value": o.value,
            "baseline": o.baseline(), "change": o.change(), "unit": o.unit(), "observed_on": o.observed_on, "since": o.since(),
            "source_table": o.source().as_str(), "source_rows": o.source_rows(),
        })
    }

    fn logic(&self, r: &Recommendation) -> Value {
        let gates: Vec<Value> = r.gates.iter().map(|(gate, how)| json!({"gate": gate, "how": how})).collect();
        let playbook = self.playbooks.iter().find(|p| p.name == r.playbook);
        json!({
            "recommendation": Snapshot::of(r, self.view.extracts),
            "gates_passed": gates,
            "scores": self.scores(r),
            "thresholds": self.settings,
            "playbook": playbook.map(|p| json!({
                "name": &*p.name, "title": p.title, "trigger": p.trigger, "priority": p.priority, "fallback": p.fallback,
                "deadline_days": p.deadline_days, "cooldown_days": p.cooldown_days,
            })),
            "versions": {"code": self.versions.code_version},
        })
    }

    fn scores(&self, r: &Recommendation) -> Value {
        let account = self.assessment(r).map(|a| {
            json!({
                "health": a.health.score, "health_color": a.health.color, "health_weights": a.health.weights,
                "risk_level": a.health.risk_level, "readiness": a.readiness.score, "convergence": a.readiness.convergence,
            })
        });
        json!({
            "probability": r.probability, "probability_basis": r.probability_basis, "confidence": r.confidence,
            "expected_arr": r.expected_arr, "expected_value": r.expected_value, "rank": r.rank, "account": account,
        })
    }
}
