//! Tonight's probabilities: the champions applied to tonight's rows, each with its drivers.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::counterfactual::{self, counterfactual};
use super::drift::{Drift, Met, Watch};
use super::explain::{self, Explainer, Explanation};
use super::propensity::Propensity;
use crate::extracts::{Extracts, InputTable};
use crate::history::View;
use crate::history::contracts::is_core;
use crate::learners::columns::table::{Column, Features, Frame, Table};
use crate::learners::families::scorecard::Scorecard;
use crate::learners::fitting::survival;
use crate::learners::measuring::bootstrap::Interval;
use crate::models::champions::promote::ModelEvaluation;
use crate::models::champions::registry::{self, Registry, Version};
use crate::models::examples::grain::{Grain, grain};
use crate::models::features;
use crate::models::features::columns::lay;
use crate::models::outcomes::purchases::PurchaseRates;
use crate::models::settings::Settings;
use crate::models::training::artifact::Artifact;
use crate::observations::Kept;
use crate::statistics::sigmoid;
use crate::store::Store;
use crate::vocabulary::{AccountIx, Day, Probability, ProductIx, PropensityKind, Text};

/// The champions of a registry, ready to score; empty where nothing was trained.
#[derive(Clone, Debug, Default)]
pub struct Scorer {
    /// By slot, with the reason of its promotion.
    champions: BTreeMap<String, (Artifact, String)>,
    /// What the last training of each slot refused.
    refused: Vec<ModelEvaluation>,
}

/// What the models say tonight.
#[derive(Clone, Debug, Default)]
pub struct Scored {
    /// By account index; empty for accounts without a running contract.
    pub propensities: Vec<Vec<Propensity>>,
    /// By account, then days.
    pub churn_curves: Vec<ChurnPoint>,
    /// By slot: age, score, then features, the furthest moved first.
    pub drift: Vec<Drift>,
}

/// The probability that an account has left by some day: a row of `churn_curve`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChurnPoint {
    pub account: AccountIx,
    pub model_id: Text,
    pub point: survival::Point,
}

/// The churn curve through a churn probability; none for other kinds and for models without one.
fn churn_curve(account: AccountIx, propensity: &Propensity, model: &Artifact) -> Vec<ChurnPoint> {
    let survival = model.survival.iter().filter(|_| propensity.kind == PropensityKind::Churn);
    let points = survival.flat_map(|survival| survival.curve(propensity.probability.get()));
    points.map(|point| ChurnPoint { account, model_id: propensity.model_id.clone(), point }).collect()
}

/// Tonight's rows: accounts under contract, in id order.
pub struct Tonight<'a> {
    view: View<'a>,
    /// Positions that scores are listed by.
    accounts: usize,
    grains: Vec<Grain>,
    table: Table,
    rates: &'a PurchaseRates,
}

/// What the models say of some accounts, before those are seen among all: percentiles are not known yet.
#[derive(Debug)]
pub struct Unranked {
    propensities: Vec<Vec<Propensity>>,
    churn_curves: Vec<ChurnPoint>,
    met: BTreeMap<String, Met>,
}

/// Everyone that the models score in a night: what the score of one account is held against.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Population {
    /// Probabilities by what is predicted, in rising order.
    scores: BTreeMap<(PropensityKind, Option<ProductIx>), Vec<f64>>,
    /// Models that some score is of.
    pub model_ids: BTreeSet<String>,
    /// By slot.
    met: BTreeMap<String, Met>,
}

impl Unranked {
    /// By account index.
    pub fn propensities(&self) -> &[Vec<Propensity>] {
        &self.propensities
    }

    /// What the accounts here bring to everyone scored.
    pub fn population(&self) -> Population {
        let mut population = Population { met: self.met.clone(), ..Population::default() };
        for p in self.propensities.iter().flatten() {
            population.scores.entry((p.kind, p.product)).or_default().push(p.probability.get());
            if !population.model_ids.contains(&*p.model_id) {
                population.model_ids.insert(p.model_id.to_string());
            }
        }
        population
    }
}

impl Population {
    /// The accounts of all parts.
    pub fn union(parts: impl IntoIterator<Item = Population>) -> Population {
        let mut all = Population::default();
        for part in parts {
            for (target, scores) in part.scores {
                all.scores.entry(target).or_default().extend(scores);
            }
            all.model_ids.extend(part.model_ids);
            for (slot, met) in part.met {
                match all.met.get_mut(&slot) {
                    Some(known) => known.add(met),
                    None => drop(all.met.insert(slot, met)),
                }
            }
        }
        all.scores.values_mut().for_each(|scores| scores.sort_unstable_by(f64::total_cmp));
        all
    }

    /// Share (0–100) of the scores of the same kind that are not higher.
    fn percentile(&self, p: &Propensity) -> f64 {
        let sorted = self.scores.get(&(p.kind, p.product)).map_or(&[][..], Vec::as_slice);
        let up_to = sorted.partition_point(|score| *score <= p.probability.get());
        100.0 * up_to as f64 / sorted.len().max(1) as f64
    }
}

impl Scorer {
    /// Reads the champions that a run of `day` may use; models promoted on later days do not exist for it.
    pub fn load(store: &Store, day: Day) -> Result<Scorer, registry::Error> {
        let registry = Registry::of(store);
        let (mut champions, mut refused) = (BTreeMap::new(), Vec::new());
        for slot in registry.slots()? {
            let Some(champion) = registry.champion(&slot, day)? else { continue };
            for Version { artifact, verdict, .. } in registry.last_trained(&slot, day)? {
                if let Some(verdict) = verdict.filter(|_| artifact.model_id != champion.0.model_id) {
                    refused.push(ModelEvaluation::of(&artifact, false, &verdict.reason));
                }
            }
            champions.insert(slot, champion);
        }
        Ok(Scorer { champions, refused })
    }

    /// The versions with these model ids, whatever scores now; slots that have none of them are left out.
    pub fn recall(store: &Store, model_ids: &BTreeSet<String>) -> Result<Scorer, registry::Error> {
        let registry = Registry::of(store);
        let mut champions = BTreeMap::new();
        for slot in registry.slots()? {
            let mut versions = registry.versions(&slot)?.into_iter();
            if let Some(version) = versions.find(|version| model_ids.contains(&version.artifact.model_id)) {
                champions.insert(slot, (version.artifact, "recalled".to_owned()));
            }
        }
        Ok(Scorer { champions, refused: Vec::new() })
    }

    /// A scorer of models at hand; the last of a slot counts.
    pub fn of(models: impl IntoIterator<Item = Artifact>) -> Scorer {
        let champion = |model: Artifact| (model.slot(), (model, "given".to_owned()));
        Scorer { champions: models.into_iter().map(champion).collect(), refused: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.champions.is_empty()
    }

    /// The champions, by slot.
    pub fn models(&self) -> impl Iterator<Item = &Artifact> {
        self.champions.values().map(|(model, _)| model)
    }

    /// Slots with their champions, by slot.
    pub fn champions(&self) -> impl Iterator<Item = (&str, &Artifact)> {
        self.champions.iter().map(|(slot, (model, _))| (slot.as_str(), model))
    }

    /// The rows of `model_evaluations`: the champions in use, by slot, and after them what the last training refused; the
    /// same on the night that trained them and on every later one until the next training.
    pub fn evaluations(&self) -> Vec<ModelEvaluation> {
        let champions = self.champions.values().map(|(model, reason)| ModelEvaluation::of(model, true, reason));
        champions.chain(self.refused.iter().cloned()).collect()
    }

    /// Everything that the models say of `facts`, which stand by account index.
    ///
    /// Churn stands for accounts with a core subscription, upsell for all under contract, cross-sell for each product
    /// of the catalogue that the account does not own.
    pub fn score(&self, view: View, facts: &[Kept], settings: &Settings) -> Scored {
        if self.is_empty() {
            return Scored { propensities: vec![Vec::new(); facts.len()], ..Scored::default() };
        }
        let rates = PurchaseRates::on(view);
        let unranked = self.unranked(&Tonight::of(view, facts, &rates), settings);
        let population = Population::union([unranked.population()]);
        self.ranked(unranked, &population, view.day, settings)
    }

    /// The same for a part of the accounts, before they are seen among all.
    pub fn unranked(&self, tonight: &Tonight, settings: &Settings) -> Unranked {
        let mut propensities: Vec<Vec<Propensity>> = vec![Vec::new(); tonight.accounts];
        let mut churn_curves = Vec::new();
        let mut watches: BTreeMap<String, Watch> = BTreeMap::new();
        for (target, model) in self.targets(tonight.view.extracts) {
            let watch = watches.entry(model.slot()).or_insert_with(|| Watch::new(model));
            for (account, propensity) in tonight.apply(target, model, settings, watch) {
                churn_curves.extend(churn_curve(account, &propensity, model));
                propensities[account.at()].push(propensity);
            }
        }
        Unranked { propensities, churn_curves, met: watches.into_iter().map(|(slot, w)| (slot, w.met())).collect() }
    }

    /// Sets every percentile, and says what has moved since training, by everyone scored tonight.
    pub fn ranked(&self, unranked: Unranked, everyone: &Population, day: Day, settings: &Settings) -> Scored {
        let Unranked { mut propensities, churn_curves, .. } = unranked;
        propensities.par_iter_mut().for_each(|propensities| {
            propensities.iter_mut().for_each(|p| p.percentile = everyone.percentile(p));
            // A night keeps those of every account.
            propensities.shrink_to_fit();
        });
        let met = everyone.met.iter().filter_map(|(slot, met)| Some((&self.champions.get(slot)?.0, met)));
        let drift = met.flat_map(|(model, met)| Watch::having(model, met.clone()).found(day, &settings.drift));
        Scored { drift: drift.collect(), propensities, churn_curves }
    }

    /// What is scored and by which model: churn, upsell, then every product sold, in id order.
    fn targets<'s>(&'s self, extracts: &Extracts) -> Vec<((PropensityKind, Option<ProductIx>), &'s Artifact)> {
        let champion = |slot: &str| self.champions.get(slot).map(|(model, _)| model);
        let single = |kind: PropensityKind| Some(((kind, None), champion(kind.as_str())?));
        let pooled = champion(PropensityKind::CrossSell.as_str());
        let sold =
            (0..extracts.products.len()).filter(|p| !extracts.products[*p].tiers.is_empty()).map(ProductIx::from);
        let cross_sell = sold.filter_map(|product| {
            let slot = crate::models::training::artifact::slot(
                PropensityKind::CrossSell,
                Some(extracts.ids.products.name(product)),
            );
            let own = champion(&slot);
            // A product's own model first; where it abstains, the pooled one; its own rates where both abstain.
            let model = own
                .filter(|model| model.active().is_some())
                .or_else(|| pooled.filter(|model| model.active().is_some()))
                .or(own)
                .or(pooled)?;
            Some(((PropensityKind::CrossSell, Some(product)), model))
        });
        single(PropensityKind::Churn).into_iter().chain(single(PropensityKind::Upsell)).chain(cross_sell).collect()
    }
}

impl<'a> Tonight<'a> {
    /// `facts` by account index; `rates` are those of all accounts.
    pub fn of(view: View<'a>, facts: &[Kept], rates: &'a PurchaseRates) -> Tonight<'a> {
        let accounts: Vec<AccountIx> = (0..facts.len()).map(AccountIx::from).collect();
        let (grains, columns) = lay(&accounts, |account| {
            Some((grain(view, account)?, features::row(view, account, &facts[account.at()].facts())))
        });
        Tonight { view, accounts: facts.len(), grains, table: columns.into_table(view.extracts), rates }
    }

    /// The features that some account here has.
    pub fn features(&self) -> Features {
        Features::of(&self.table)
    }

    /// Adds the features that only others have: missing here, and yet known to the models.
    pub fn complete(&mut self, features: &Features) {
        features.complete(&mut self.table);
    }

    /// Rows that the target is about.
    fn eligible(&self, (kind, product): (PropensityKind, Option<ProductIx>)) -> Vec<u32> {
        let about = |grain: &Grain| match (kind, product) {
            (PropensityKind::Churn, _) => grain.owned.iter().any(|product| is_core(self.view, *product)),
            (PropensityKind::CrossSell, Some(product)) => grain.owned.binary_search(&product).is_err(),
            _ => true,
        };
        (0..self.grains.len() as u32).filter(|row| about(&self.grains[*row as usize])).collect()
    }

    fn apply(
        &self,
        target: (PropensityKind, Option<ProductIx>),
        model: &Artifact,
        settings: &Settings,
        watch: &mut Watch,
    ) -> Vec<(AccountIx, Propensity)> {
        let rows = self.eligible(target);
        let extra = target.1.map_or(Table::default(), |product| self.product_columns(product));
        let frame = extra.columns.iter().fold(self.table.frame(), Frame::with);
        let (answers, abstained) = answered(model, &frame, &rows, self.view.extracts, settings);
        watch.meet(&frame, &rows, answers.iter().map(|answer| answer.explanation.log_odds()));
        let model_id: Text = model.model_id.as_str().into();
        let propensity = |answer: Answer| {
            let probability = sigmoid(answer.explanation.log_odds());
            Propensity {
                kind: target.0,
                product: target.1,
                horizon_days: model.horizon_days,
                probability: Probability::clamped(probability),
                interval: answer.interval,
                // Set by [`Scorer::ranked`] once everyone is scored.
                percentile: f64::NAN,
                lift: probability / model.trained.base_rate,
                model_id: model_id.clone(),
                base_log_odds: answer.explanation.base,
                drivers: answer.explanation.drivers,
                what_would_change: answer.what_would_change,
                abstained: abstained.clone(),
            }
        };
        let accounts = rows.iter().map(|row| self.grains[*row as usize].account);
        accounts.zip(answers.into_iter().map(propensity)).collect()
    }

    /// The product's own columns for every row: purchase rates, and for the pooled model which product it is and what is
    /// observed of it.
    fn product_columns(&self, product: ProductIx) -> Table {
        let cells: Vec<_> =
            self.grains.iter().map(|grain| features::purchase_cells(self.rates, &grain.owned, product)).collect();
        let mut table = features::table(&cells, self.view.extracts);
        let products = vec![product; self.grains.len()];
        table.columns.extend(features::columns_of_products(&self.table.frame(), &products, self.view.extracts));
        Table::new(table.columns, self.grains.len())
    }
}

/// What is said of one row.
#[derive(Clone)]
struct Answer {
    explanation: Explanation,
    interval: Option<Interval>,
    what_would_change: Option<Box<str>>,
}

/// Answers for every row by the scorecard, or by the fallback with the reason why.
fn answered(
    model: &Artifact,
    frame: &Frame,
    rows: &[u32],
    extracts: &Extracts,
    settings: &Settings,
) -> (Vec<Answer>, Option<Text>) {
    match bound(model, frame, extracts) {
        Ok((scorecard, columns)) => {
            let named = settings.named_drivers as usize;
            let explainer = Explainer::of(model, scorecard);
            let answer = |row: &u32| {
                let explanation = explainer.explain(&columns, *row as usize, named);
                by_scorecard(model, scorecard, &columns, frame, *row as usize, explanation)
            };
            (rows.par_iter().map(answer).collect(), None)
        }
        Err(reason) => (by_rate(model, frame, rows), Some(reason.into())),
    }
}

fn by_scorecard(
    model: &Artifact,
    scorecard: &Scorecard,
    columns: &[Option<&Column>],
    frame: &Frame,
    row: usize,
    explanation: Explanation,
) -> Answer {
    let z = explanation.log_odds();
    let interval = model.uncertainty.as_ref().map(|uncertainty| {
        let segment = frame.find(&uncertainty.feature).and_then(|column| column.values.word(row));
        uncertainty.interval(z, segment.map(|segment| &**segment))
    });
    let found = counterfactual(model, scorecard, columns, row);
    let what_would_change = found.map(|found| counterfactual::sentence(model, scorecard, &found, sigmoid(z)).into());
    Answer { explanation, interval, what_would_change }
}

/// The scorecard with its columns; or why it may not be used tonight.
fn bound<'m, 'f>(
    model: &'m Artifact,
    frame: &Frame<'f>,
    extracts: &Extracts,
) -> Result<(&'m Scorecard, Vec<Option<&'f Column>>), String> {
    let scorecard =
        model.active().ok_or_else(|| model.abstains.clone().unwrap_or_else(|| "no model was fitted".to_owned()))?;
    let gone = scorecard
        .features
        .iter()
        .find(|feature| InputTable::parse(&feature.spec.source).is_some_and(|table| !extracts.has(table)));
    if let Some(feature) = gone {
        return Err(format!(
            "the model reads `{}`, but table `{}` is unavailable; deliver it or train again",
            feature.spec.name, feature.spec.source
        ));
    }
    let columns = scorecard.bind(frame).map_err(|e| e.to_string())?;
    Ok((scorecard, columns))
}

fn by_rate(model: &Artifact, frame: &Frame, rows: &[u32]) -> Vec<Answer> {
    let fallback = &model.fallback;
    let column = frame.find(&fallback.feature);
    let code = |row: &u32| column.map_or(0, |column| fallback.bins.of(&column.values, *row as usize));
    let answer = |code: u8| Answer {
        explanation: explain::of_rate(model, fallback.rates[usize::from(code)], &explain::group(&fallback.bins, code)),
        interval: Some(fallback.interval(code, model.trained.days)),
        what_would_change: None,
    };
    // Accounts of a group share what is said.
    let answers: Vec<Answer> = (0..fallback.rates.len()).map(|code| answer(code as u8)).collect();
    rows.iter().map(code).map(|code| answers[usize::from(code)].clone()).collect()
}
