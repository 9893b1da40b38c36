//! The part of a night that is computed account by account, for all accounts or for those of one shard. What must be
//! known of all accounts is shared in rounds on the way.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::assess::{Context, assess, observe, score};
use super::compare;
use super::desk::Desk;
use super::intents;
use super::past::Past;
use super::summary::Told;
use super::{Error, Stages};
use crate::assessment::Assessment;
use crate::audit::{self, Entry, Versions};
use crate::briefings::{self, Briefing, site};
use crate::changes::ScoreChange;
use crate::extracts::InputTable;
use crate::history::View;
use crate::job::Job;
use crate::models::scoring::drift::Drift;
use crate::models::{ChurnPoint, ModelEvaluation, Scored, Scorer};
use crate::observations::Kept;
use crate::publish::manifest::{Input, inputs_hash};
use crate::publish::tables::Layers;
use crate::recommendations::{self, Proposed, Recommendation, Recommended};
use crate::vocabulary::Text;

/// What the layers made of a night, as far as its tables say it.
pub(super) struct Decided {
    assessments: Vec<Assessment<'static>>,
    recommended: Recommended,
    briefings: Vec<Briefing>,
    evaluations: Vec<ModelEvaluation>,
    churn_curves: Vec<ChurnPoint>,
    drift: Vec<Drift>,
    changes: Vec<ScoreChange>,
    /// Signals that cannot be judged, with the tables that they miss.
    unavailable: Vec<(Text, Vec<InputTable>)>,
}

impl Decided {
    /// Tables are made from it when they are written; of the view they ask for ids and single rows.
    pub fn layers<'a>(&'a self, view: View<'a>) -> Layers<'a> {
        let Decided { assessments, recommended, briefings, evaluations, churn_curves, drift, changes, .. } = self;
        Layers { view, assessments, recommended, briefings, evaluations, churn_curves, drift, changes }
    }
}

/// What a run is made of beside tables.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Events of the night that are not in the chain yet.
    pub entries: Vec<Entry>,
    pub site: site::Contents,
    pub told: Told,
}

impl<'a> Desk<'a> {
    /// What the night knows beyond single accounts, and layer 1.
    pub fn observe(self, stages: &mut Stages) -> Result<(Context<'a>, Vec<Kept>), Error> {
        let (view, settings) = (self.view(), &self.job.settings);
        let intents = self.intents.as_ref().map(|listening| listening.model.clone());
        let context =
            stages.run("learn", || Context::among(view, settings, &self.past.learned, intents, self.share))?;
        let facts = stages.run("observe", || ok(observe(view, &context)))?;
        Ok((context, facts))
    }

    /// Layers 2 to 4. What comes back holds nothing of the extracts.
    pub fn decide(
        self,
        (context, facts): (Context, Vec<Kept>),
        scorer: &Scorer,
        stages: &mut Stages,
    ) -> Result<Decided, Error> {
        let view = self.view();
        let (scored, everyone) = stages.run("score", || score(view, &facts, scorer, &context, self.share))?;
        let Scored { propensities, churn_curves, drift } = scored;
        let assessments =
            stages.run("assess", || ok(assess(view, facts, propensities, &everyone.benchmark, &context)))?;
        let recommended = stages.run("recommend", || self.recommend(&assessments, &context))?;
        let changes = stages.run("compare", || {
            let (assessments, everyone, context) = (&assessments, &everyone, &context);
            compare::changes(&compare::Night { desk: self, assessments, everyone, context, scorer })
        })?;
        let unavailable = context.classifier.unavailable(self.extracts);
        // Pages are written from what was decided, in the place of what it was decided by.
        drop(context);
        let briefings = stages.run("brief", || ok(self.brief(&assessments, &recommended)))?;
        // Read from the registry even on the night that trained, so that running a day again tells the same.
        let mut evaluations = scorer.evaluations();
        evaluations.extend(self.intents.iter().flat_map(|l| intents::evaluations(&l.model, true, &l.reason)));
        let assessments = assessments.into_par_iter().map(Assessment::without_rows).collect();
        Ok(Decided { assessments, recommended, briefings, evaluations, churn_curves, drift, changes, unavailable })
    }

    fn recommend(self, assessments: &[Assessment], context: &Context) -> Result<Recommended, Error> {
        let night = recommendations::Night {
            view: self.view(),
            peers: &context.peers,
            playbooks: &self.job.playbooks,
            memory: &self.past.memory,
            settings: &self.job.settings.recommendations,
            market: &context.market,
        };
        let proposed = Proposed::by(night, assessments);
        let asking = self.share.all("asking", proposed.asking())?;
        Ok(proposed.settle(night, asking))
    }

    /// One briefing per recommendation; one in flight whose playbook was taken out of the job has none.
    fn brief(self, assessments: &[Assessment], recommended: &Recommended) -> Vec<Briefing> {
        let write = |recommendation: &Recommendation| {
            let at = assessments.binary_search_by_key(&recommendation.account, |a| a.account).ok()?;
            let playbook = self.job.playbooks.iter().find(|playbook| playbook.name == recommendation.playbook)?;
            Some(briefings::write(self.view(), &assessments[at], recommendation, playbook))
        };
        recommended.recommendations.par_iter().filter_map(write).collect()
    }
}

/// What is written down of a night beside its tables. None of it asks for the three big tables.
pub(super) struct Recording<'a> {
    pub job: &'a Job,
    pub view: View<'a>,
    pub inputs: &'a [Input],
    pub past: &'a Past,
}

impl Recording<'_> {
    pub fn of(&self, decided: &Decided) -> Rest {
        let Decided { assessments, recommended, briefings, .. } = decided;
        let site = site::Contents::of(self.view, assessments, recommended, briefings);
        let told = Told::of(&decided.layers(self.view), decided.unavailable.clone());
        Rest { entries: self.entries(assessments, recommended), site, told }
    }

    /// Tonight's events about the accounts that are held here.
    fn entries(&self, assessments: &[Assessment], recommended: &Recommended) -> Vec<Entry> {
        let versions = Versions {
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            job_hash: self.job.hash(),
            input_manifest_hash: inputs_hash(self.inputs),
        };
        let (playbooks, settings) = (&self.job.playbooks, &self.job.settings.recommendations);
        let (view, memory) = (self.view, &self.past.memory);
        let night = audit::Night { view, assessments, recommended, playbooks, memory, settings, versions: &versions };
        let of_others = memory.recommendations.iter().filter(|r| !view.extracts.owns(r.content.account));
        let of_others: BTreeSet<&str> = of_others.map(|r| r.content.id.as_str()).collect();
        let mut entries = audit::entries(&night);
        entries.retain(|entry| !of_others.contains(entry.recommendation_id.as_str()));
        entries
    }
}

impl Rest {
    /// What all parts of a night have, in part order.
    pub fn union(parts: Vec<Rest>) -> Rest {
        let (mut entries, mut sites, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            entries.extend(part.entries);
            sites.push(part.site);
            told.push(part.told);
        }
        audit::sort(&mut entries);
        Rest { entries, site: site::Contents::union(sites), told: Told::union(told) }
    }
}

pub(super) fn ok<T>(value: T) -> Result<T, Error> {
    Ok(value)
}
