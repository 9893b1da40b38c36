//! Tonight's probabilities: the champions applied to tonight's rows, each with its drivers.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::artifact::Artifact;
use super::explain::{self, Explanation};
use super::fit::sigmoid;
use super::grain::{Grain, grain};
use super::purchases::PurchaseRates;
use super::registry::{self, Registry};
use super::scorecard::Scorecard;
use super::table::{Column, Features, Frame, Table};
use super::{ModelEvaluation, Propensity, Settings, features};
use crate::extracts::{Extracts, InputTable};
use crate::history::View;
use crate::history::contracts::is_core;
use crate::observations::AccountObservations;
use crate::store::Store;
use crate::vocabulary::{AccountIx, Day, Probability, ProductIx, PropensityKind};

/// The champions of a registry, ready to score; empty where nothing was trained.
#[derive(Clone, Debug, Default)]
pub struct Scorer {
    /// By slot, with the reason of its promotion.
    champions: BTreeMap<String, (Artifact, String)>,
}

/// Tonight's rows: accounts under contract, in id order.
pub struct Tonight<'a> {
    view: View<'a>,
    /// Positions that scores are listed by.
    accounts: usize,
    grains: Vec<Grain>,
    table: Table,
    rates: PurchaseRates,
}

/// Tonight's probabilities by what is predicted: whose percentile is asked for is one among them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scores(BTreeMap<(PropensityKind, Option<ProductIx>), Vec<f64>>);

impl Scores {
    pub fn of(propensities: &[Vec<Propensity>]) -> Scores {
        let mut scores = Scores::default();
        for p in propensities.iter().flatten() {
            scores.0.entry((p.kind, p.product)).or_default().push(p.probability.get());
        }
        scores
    }

    /// Sets every percentile by the scores of all parts.
    pub fn rank(parts: impl IntoIterator<Item = Scores>, propensities: &mut [Vec<Propensity>]) {
        let mut all = Scores::default();
        for (target, scores) in parts.into_iter().flat_map(|part| part.0) {
            all.0.entry(target).or_default().extend(scores);
        }
        all.0.values_mut().for_each(|scores| scores.sort_unstable_by(f64::total_cmp));
        for p in propensities.iter_mut().flatten() {
            let sorted = all.0.get(&(p.kind, p.product)).map_or(&[][..], Vec::as_slice);
            let up_to = sorted.partition_point(|score| *score <= p.probability.get());
            p.percentile = 100.0 * up_to as f64 / sorted.len().max(1) as f64;
        }
    }
}

impl Scorer {
    /// Reads the champions that a run of `day` may use; models promoted on later days do not exist for it.
    pub fn load(store: &Store, day: Day) -> Result<Scorer, registry::Error> {
        let registry = Registry::of(store);
        let mut champions = BTreeMap::new();
        for slot in registry.slots()? {
            if let Some(champion) = registry.champion(&slot, day)? {
                champions.insert(slot, champion);
            }
        }
        Ok(Scorer { champions })
    }

    /// A scorer of models at hand; the last of a slot counts.
    pub fn of(models: impl IntoIterator<Item = Artifact>) -> Scorer {
        let champion = |model: Artifact| (model.slot(), (model, "given".to_owned()));
        Scorer { champions: models.into_iter().map(champion).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.champions.is_empty()
    }

    /// The champions, by slot.
    pub fn models(&self) -> impl Iterator<Item = &Artifact> {
        self.champions.values().map(|(model, _)| model)
    }

    /// The rows of `model_evaluations` for the champions in use, by slot: the same on the night that trained them and
    /// on every later one.
    pub fn evaluations(&self) -> Vec<ModelEvaluation> {
        self.champions.values().map(|(model, reason)| ModelEvaluation::of(model, true, reason)).collect()
    }

    /// Propensities by account index, empty for accounts without a running contract. `facts` by account index.
    ///
    /// Churn stands for accounts with a core subscription, upsell for all under contract, cross-sell for each product
    /// of the catalogue that the account does not own.
    pub fn score(&self, view: View, facts: &[AccountObservations], settings: &Settings) -> Vec<Vec<Propensity>> {
        if self.is_empty() {
            return vec![Vec::new(); facts.len()];
        }
        let mut scored = self.unranked(&Tonight::of(view, facts, PurchaseRates::on(view)), settings);
        Scores::rank([Scores::of(&scored)], &mut scored);
        scored
    }

    /// The same without percentiles, which only the scores of all accounts can give.
    pub fn unranked(&self, tonight: &Tonight, settings: &Settings) -> Vec<Vec<Propensity>> {
        let mut scored: Vec<Vec<Propensity>> = vec![Vec::new(); tonight.accounts];
        for (target, model) in self.targets(tonight.view.extracts) {
            for (account, propensity) in tonight.apply(target, model, settings) {
                scored[account.at()].push(propensity);
            }
        }
        scored
    }

    /// What is scored and by which model: churn, upsell, then every product sold, in id order.
    fn targets<'s>(&'s self, extracts: &Extracts) -> Vec<((PropensityKind, Option<ProductIx>), &'s Artifact)> {
        let champion = |slot: &str| self.champions.get(slot).map(|(model, _)| model);
        let single = |kind: PropensityKind| Some(((kind, None), champion(kind.as_str())?));
        let pooled = champion(PropensityKind::CrossSell.as_str());
        let sold =
            (0..extracts.products.len()).filter(|p| !extracts.products[*p].tiers.is_empty()).map(ProductIx::from);
        let cross_sell = sold.filter_map(|product| {
            let slot = super::artifact::slot(PropensityKind::CrossSell, Some(extracts.ids.products.name(product)));
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
    pub fn of(view: View<'a>, facts: &[AccountObservations], rates: PurchaseRates) -> Tonight<'a> {
        let accounts: Vec<AccountIx> = (0..facts.len()).map(AccountIx::from).collect();
        let observed: Vec<Option<(Grain, features::FeatureRow)>> = accounts
            .par_iter()
            .map(|account| Some((grain(view, *account)?, features::row(view, *account, &facts[account.at()]))))
            .collect();
        let (grains, rows): (Vec<Grain>, Vec<features::FeatureRow>) = observed.into_iter().flatten().unzip();
        let table = features::table(&rows, view.extracts);
        Tonight { view, accounts: facts.len(), grains, table, rates }
    }

    /// The features that some account here has.
    pub fn features(&self) -> Features {
        Features::of(&self.table)
    }

    /// Adds the features that only accounts of other parts have: missing here, and yet known to the models.
    pub fn complete(&mut self, features: impl IntoIterator<Item = Features>) {
        features.into_iter().for_each(|features| features.complete(&mut self.table));
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
    ) -> Vec<(AccountIx, Propensity)> {
        let rows = self.eligible(target);
        let extra = target.1.map_or(Table::default(), |product| self.product_columns(product));
        let frame = extra.columns.iter().fold(self.table.frame(), Frame::with);
        let (explanations, abstained) = explained(model, &frame, &rows, self.view.extracts, settings);
        let model_id: crate::vocabulary::Text = model.model_id.as_str().into();
        let propensity = |explanation: Explanation| {
            let probability = sigmoid(explanation.log_odds());
            Propensity {
                kind: target.0,
                product: target.1,
                horizon_days: model.horizon_days,
                probability: Probability::clamped(probability),
                // Set by [`Scores::rank`] once all are known.
                percentile: f64::NAN,
                lift: probability / model.trained.base_rate,
                model_id: model_id.clone(),
                base_log_odds: explanation.base,
                drivers: explanation.drivers,
                abstained: abstained.clone(),
            }
        };
        let accounts = rows.iter().map(|row| self.grains[*row as usize].account);
        accounts.zip(explanations.into_iter().map(propensity)).collect()
    }

    /// The product's own columns for every row: purchase rates, and its id for the pooled model.
    fn product_columns(&self, product: ProductIx) -> Table {
        let cells: Vec<_> =
            self.grains.iter().map(|grain| features::purchase_cells(&self.rates, &grain.owned, product)).collect();
        let mut table = features::table(&cells, self.view.extracts);
        table.columns.push(features::product_column(self.view.extracts, &vec![product; self.grains.len()]));
        Table::new(table.columns, self.grains.len())
    }
}

/// Explains every row by the scorecard, or by the fallback with the reason why.
fn explained(
    model: &Artifact,
    frame: &Frame,
    rows: &[u32],
    extracts: &Extracts,
    settings: &Settings,
) -> (Vec<Explanation>, Option<String>) {
    match bound(model, frame, extracts) {
        Ok((scorecard, columns)) => {
            let named = settings.named_drivers as usize;
            let explain = |row: &u32| explain::explain(model, scorecard, &columns, *row as usize, named);
            (rows.par_iter().map(explain).collect(), None)
        }
        Err(reason) => (by_rate(model, frame, rows), Some(reason)),
    }
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

fn by_rate(model: &Artifact, frame: &Frame, rows: &[u32]) -> Vec<Explanation> {
    let fallback = &model.fallback;
    let column = frame.find(&fallback.feature);
    let code = |row: &u32| column.map_or(0, |column| fallback.bins.of(&column.values, *row as usize));
    rows.iter()
        .map(code)
        .map(|code| explain::of_rate(model, fallback.rates[usize::from(code)], &explain::group(&fallback.bins, code)))
        .collect()
}
