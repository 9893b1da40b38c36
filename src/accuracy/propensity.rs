//! How close the models come to the best that could be known: their ranking and calibration beside the ranking by the
//! latent probabilities that the world itself was drawn from.
//!
//! The models are trained as `train` does on a day in the past of the world, score the month ends after it as the night
//! does, and are held against what then happened within [`HORIZON_DAYS`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Error;
use super::world::World;
use crate::extracts::Extracts;
use crate::history::View;
use crate::job::JobFile;
use crate::learners::measuring::evaluate::metrics;
use crate::models::examples::cutoff::Leak;
use crate::models::examples::grain::Source;
use crate::models::judging::ranking::{self, Offer};
use crate::models::outcomes::labels::{Timeline, Window};
use crate::models::training::every_target::train_all;
use crate::models::{Propensity, Scorer};
use crate::pipeline::assess::{self, Context};
use crate::shards::Share;
use crate::signals::Learned;
use crate::simulate::Params;
use crate::store::Store;
use crate::vocabulary::{AccountIx, Day, ProductIx, PropensityKind};

/// What the truth's probabilities look ahead; days.
pub const HORIZON_DAYS: i32 = 180;
/// Month ends that are scored.
const MONTHS: usize = 3;

/// (kind, product id).
type Target = (PropensityKind, Option<String>);
/// (account id, day, kind, product id) → the probability that the world drew from.
type Latents = BTreeMap<(String, Day, String, Option<String>), f64>;

/// One scored account and day of one target.
#[derive(Clone, Copy, Debug)]
struct Row {
    model: f64,
    oracle: f64,
    outcome: bool,
}

/// Everything judged, over all worlds.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    rows: BTreeMap<Target, Vec<Row>>,
    abstained: BTreeSet<Target>,
    /// Offers ranked by the models, and the same by how often each product was bought in the year before.
    offers: Vec<Offer>,
    popular: Vec<Offer>,
}

/// Trains and judges the models on each of these worlds.
pub fn measure(worlds: &[Params], settings: &JobFile, progress: &mut dyn FnMut(usize)) -> Result<Judged, Error> {
    let mut judged = Judged::default();
    for (done, params) in worlds.iter().enumerate() {
        judge(params, settings, &mut judged)?;
        progress(done + 1);
    }
    Ok(judged)
}

fn judge(params: &Params, settings: &JobFile, judged: &mut Judged) -> Result<(), Error> {
    let World { store, mut settings, extracts } = World::make(params, settings)?;
    let models = &mut settings.models;
    models.churn_horizon_days = HORIZON_DAYS;
    models.upsell_horizon_days = HORIZON_DAYS;
    models.cross_sell_horizon_days = HORIZON_DAYS;
    let days = month_ends(params.end.minus(HORIZON_DAYS + models.late_recording_days));
    let latents = latents(&store, &days)?;
    let scorer = trained(&extracts, days[0], &settings)?;
    for day in days {
        score(View::new(&extracts, day), params.end, &scorer, &latents, &settings, judged)?;
    }
    Ok(World { store, settings, extracts }.forget()?)
}

/// The last month ends up to a day, oldest first.
fn month_ends(last: Day) -> Vec<Day> {
    let ends = (0..).map(|back| last.plus(1).month_start().plus_months(-back).minus(1)).take(MONTHS);
    let mut ends: Vec<Day> = ends.collect();
    ends.reverse();
    ends
}

/// The models that a training on this day would have promoted.
fn trained(extracts: &Extracts, day: Day, settings: &JobFile) -> Result<Scorer, Leak> {
    let JobFile { observations, capacity, models, recommendations, .. } = settings;
    let weekly_capacity = recommendations.weekly_capacity;
    let source = Source { extracts, as_of: day, observations, capacity, models, weekly_capacity };
    Ok(Scorer::of(train_all(&source, &[], |mut trained, _| trained.swap_remove(0).artifact)?))
}

fn score(
    view: View,
    end: Day,
    scorer: &Scorer,
    latents: &Latents,
    settings: &JobFile,
    judged: &mut Judged,
) -> Result<(), Error> {
    let context = Context::among(view, settings, &Learned::default(), None, Share::Alone)?;
    let facts = assess::observe(view, &context);
    let propensities = scorer.score(view, &facts, &settings.models).propensities;
    let known = View { day: end, ..view };
    let timelines: Vec<Timeline> = view.extracts.account_indices().map(|a| Timeline::of(known, a)).collect();
    let bought = popularity(&timelines, view.day, view.extracts.products.len());
    for (account, propensities) in view.extracts.account_indices().zip(propensities) {
        let told = Told { view, account, timeline: &timelines[account.at()], latents, settings };
        propensities.iter().for_each(|propensity| judged.add(&told, propensity));
        judged.offer(&told, &propensities, &bought);
    }
    Ok(())
}

/// First purchases of each product in the year up to a day.
fn popularity(timelines: &[Timeline], day: Day, products: usize) -> Vec<f64> {
    let window = Window { from: day.minus(365), to: day };
    let buyers = |product: ProductIx| timelines.iter().filter(|t| t.purchased(product, window) == Some(true)).count();
    (0..products).map(|product| buyers(ProductIx::from(product)) as f64).collect()
}

/// What became of one account after one day.
struct Told<'a> {
    view: View<'a>,
    account: AccountIx,
    timeline: &'a Timeline,
    latents: &'a Latents,
    settings: &'a JobFile,
}

impl Told<'_> {
    fn outcome(&self, propensity: &Propensity) -> Option<bool> {
        let rules = self.settings.models.rules();
        let window = Window { from: self.view.day, to: self.view.day.plus(HORIZON_DAYS) };
        match (propensity.kind, propensity.product) {
            (PropensityKind::Churn, _) => self.timeline.churned(window, rules),
            (PropensityKind::Upsell, _) => self.timeline.expanded(window, rules),
            (PropensityKind::CrossSell, Some(product)) => self.timeline.purchased(product, window),
            (PropensityKind::CrossSell, None) => None,
        }
    }

    fn target(&self, propensity: &Propensity) -> Target {
        let product = propensity.product.map(|product| self.view.extracts.product(product).id.to_string());
        (propensity.kind, product)
    }

    fn oracle(&self, (kind, product): &Target) -> Option<f64> {
        let account = self.view.extracts.account_id(self.account).to_string();
        self.latents.get(&(account, self.view.day, kind.as_str().to_owned(), product.clone())).copied()
    }
}

impl Judged {
    fn add(&mut self, told: &Told, propensity: &Propensity) {
        let target = told.target(propensity);
        let Some((outcome, oracle)) = told.outcome(propensity).zip(told.oracle(&target)) else { return };
        if propensity.abstained.is_some() {
            self.abstained.insert(target.clone());
        }
        self.rows.entry(target).or_default().push(Row { model: propensity.probability.get(), oracle, outcome });
    }

    fn offer(&mut self, told: &Told, propensities: &[Propensity], popularity: &[f64]) {
        let (mut own, mut popular) = (Offer::default(), Offer::default());
        for propensity in propensities {
            let (Some(product), Some(bought)) = (propensity.product, told.outcome(propensity)) else { continue };
            own.scores.push(propensity.probability.get());
            own.bought.push(bought);
            popular.scores.push(popularity[product.at()]);
            popular.bought.push(bought);
        }
        self.offers.push(own);
        self.popular.push(popular);
    }

    /// The tables as Markdown.
    pub fn markdown(&self, worlds: &[Params]) -> String {
        let (accounts, days) = worlds.first().map_or((0, 0), |world| (world.accounts, world.days));
        let mut page = format!(
            "# How close the models come to what could be known\n\nWritten by `foothold accuracy --models`: {} worlds of {accounts} \
             accounts and {days} days. Trained on a past day, scored on the {MONTHS} month ends from it on, held against the \
             {HORIZON_DAYS} days that followed. The oracle ranks by the probabilities that the world was drawn from, causes \
             included that no extract shows.\n\n\
             | target | rows | positives | model AUC | oracle AUC | gap | ECE of the model | log loss of the model |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
            worlds.len()
        );
        for (target, rows) in &self.rows {
            page.push_str(&self.line(target, rows));
        }
        page.push_str(&self.rankings());
        page
    }

    fn line(&self, target: &Target, rows: &[Row]) -> String {
        let outcomes: Vec<bool> = rows.iter().map(|row| row.outcome).collect();
        let of = |value: fn(&Row) -> f64| metrics(&rows.iter().map(value).collect::<Vec<f64>>(), &outcomes);
        let mut name = target.1.as_ref().map_or(target.0.to_string(), |product| format!("{}: {product}", target.0));
        if self.abstained.contains(target) {
            name.push_str(" (by rates)");
        }
        match (of(|row| row.model), of(|row| row.oracle)) {
            (Some(model), Some(oracle)) => format!(
                "| {name} | {} | {} | {:.3} | {:.3} | {:+.3} | {:.4} | {:.4} |\n",
                model.rows,
                model.positives,
                model.auc,
                oracle.auc,
                model.auc - oracle.auc,
                model.calibration_error,
                model.log_loss
            ),
            _ => format!("| {name} | {} | – | – | – | – | – | – |\n", rows.len()),
        }
    }

    fn rankings(&self) -> String {
        let mut text = String::from(
            "\nAmong accounts that bought something: is it what stood first?\n\n\
             | ranked by | k | offers | hit rate | MAP |\n|---|--:|--:|--:|--:|\n",
        );
        for (name, offers) in [("the models", &self.offers), ("most purchased", &self.popular)] {
            for k in [1, 3] {
                if let Some(found) = ranking::at(offers, k) {
                    let _ = writeln!(
                        text,
                        "| {name} | {k} | {} | {:.3} | {:.3} |",
                        found.offers, found.hit_rate, found.map
                    );
                }
            }
        }
        text
    }
}

/// The truth's probabilities on these days.
fn latents(store: &Store, days: &[Day]) -> Result<Latents, Error> {
    let mut latents = Latents::new();
    for object in store.list("truth/latents")? {
        let fault = |reason: String| Error::Truth { path: object.path.clone(), reason };
        let reader = ParquetRecordBatchReaderBuilder::try_new(store.get(&object.path)?)
            .and_then(|builder| builder.build())
            .map_err(|e| fault(e.to_string()))?;
        for batch in reader {
            let batch = batch.map_err(|e| fault(e.to_string()))?;
            let column = |name: &str| batch.column_by_name(name).ok_or_else(|| fault(format!("no column `{name}`")));
            let (accounts, kinds) = (column("account_id")?.as_string::<i32>(), column("kind")?.as_string::<i32>());
            let products = column("product_id")?.as_string::<i32>();
            let on = column("day")?.as_primitive::<Date32Type>();
            let probabilities = column("probability_180")?.as_primitive::<Float64Type>();
            for row in (0..batch.num_rows()).filter(|row| days.contains(&Day(on.value(*row)))) {
                let product = products.is_valid(row).then(|| products.value(row).to_owned());
                let key = (accounts.value(row).to_owned(), Day(on.value(row)), kinds.value(row).to_owned(), product);
                latents.insert(key, probabilities.value(row));
            }
        }
    }
    Ok(latents)
}
