//! Cross-validation of a table: every judged row is scored by a model that has not seen it, beside a named trivial rule.

use serde::Serialize;

use super::coarse::Model;
use super::coded::CodedTable;
use super::folds::{self, Fold};
use super::leaks::{self, Leak};
use super::profile::Kind;
use super::recipe::Recipe;
use super::training::{Trained, train};
use super::{Error, TableFile, hint};
use crate::learners::measuring::evaluate::{Grade, Metrics, metrics};
use crate::wording;

/// How a table is judged.
#[derive(Clone, Debug)]
pub struct Plan {
    pub folds: usize,
    /// Units of the time column, days for dates, that lie between the rows trained on and the rows judged.
    pub embargo: f64,
    pub recipe: Recipe,
}

/// Figures of one set of probabilities, under the names of `foothold evaluate --format json`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub auc: f64,
    pub pr_auc: f64,
    pub log_loss: f64,
    pub brier: f64,
    pub ece: f64,
    pub lift_top_decile: f64,
}

/// One fold's figures.
#[derive(Clone, Debug, Serialize)]
pub struct FoldReport {
    pub trained_rows: usize,
    pub rows: usize,
    pub positives: usize,
    #[serde(flatten)]
    pub model: Figures,
    pub baseline: Figures,
    /// What was chosen on the inner folds.
    pub chosen: String,
    pub fit_seconds: f64,
}

/// The trivial rule and its figures.
#[derive(Clone, Debug, Serialize)]
pub struct BaselineReport {
    pub name: String,
    #[serde(flatten)]
    pub figures: Figures,
}

/// One of the strongest features of the model fitted on all rows.
#[derive(Clone, Debug, Serialize)]
pub struct Strength {
    pub feature: String,
    /// Mean |points| over the rows, in log-odds; of trees, mean Shapley values by group.
    pub mean_points: f64,
    /// Where the points are lowest and highest.
    pub lowest: Point,
    pub highest: Point,
}

#[derive(Clone, Debug, Serialize)]
pub struct Point {
    pub group: String,
    pub points: f64,
    /// Share of the rows.
    pub share: f64,
}

/// What `foothold evaluate` tells.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub table: String,
    pub label: String,
    pub positive: String,
    pub family: &'static str,
    pub rows: usize,
    pub positives: usize,
    pub base_rate: f64,
    pub features: usize,
    /// Ranking figures are means over the folds; log loss, Brier score and calibration error are over all judged rows.
    #[serde(flatten)]
    pub model: Figures,
    pub grade: Grade,
    /// Seconds that the folds' models took to train, choice of the penalty and calibration included.
    pub fit_seconds: f64,
    pub folds: usize,
    pub split: String,
    pub baseline: BaselineReport,
    pub strongest: Vec<Strength>,
    pub leaks: Vec<Leak>,
    pub notes: Vec<String>,
    pub fold_results: Vec<FoldReport>,
}

/// Features that a report names.
const STRONGEST: usize = 10;

const SEED: u64 = 42;

/// Judges the recipe and fits it once more on all rows. `seconds` is a clock.
pub fn judge(
    file: &TableFile,
    table: &CodedTable,
    label: &str,
    plan: &Plan,
    seconds: &dyn Fn() -> f64,
) -> Result<(Report, Trained), Error> {
    check_directions(file, table, &plan.recipe)?;
    let folds = outer_folds(file, table, label, plan)?;
    let mut judged = Judged::default();
    for fold in &folds {
        judged.add(table, fold, plan, seconds).map_err(|reason| file.column(label, reason))?;
    }
    let everything: Vec<u32> = (0..table.rows() as u32).collect();
    let model = train(table, &everything, &plan.recipe).map_err(|e| file.column(label, e.to_string()))?;
    let (figures, baseline) = judged.figures();
    let report = Report {
        table: file.name.clone(),
        label: label.to_owned(),
        positive: table.positive.clone(),
        family: plan.recipe.family.as_str(),
        rows: table.rows(),
        positives: table.positives(),
        base_rate: table.positives() as f64 / table.rows() as f64,
        features: table.features.len(),
        model: figures,
        grade: judged.grade(figures, baseline),
        fit_seconds: judged.folds.iter().map(|fold| fold.fit_seconds).sum(),
        folds: folds.len(),
        split: if table.times.is_some() { "time" } else { "stratified" }.to_owned(),
        baseline: BaselineReport { name: judged.baseline_name(), figures: baseline },
        strongest: strongest(&model),
        leaks: leaks::find(table, &folds[folds.len() - 1]),
        notes: table.notes.clone(),
        fold_results: judged.folds,
    };
    Ok((report, model))
}

/// Only a number that is a feature has a direction.
fn check_directions(file: &TableFile, table: &CodedTable, recipe: &Recipe) -> Result<(), Error> {
    for (name, _) in &recipe.monotone {
        match table.features.iter().find(|feature| feature.name == *name) {
            Some(feature) if feature.kind == Kind::Words => {
                return Err(file.column(name, "holds words, which have no order, so it cannot be --monotone"));
            }
            Some(_) => {}
            None => {
                let known: Vec<String> = table.features.iter().map(|feature| feature.name.clone()).collect();
                let (file, name, hint) = (file.name.clone(), name.clone(), hint(name, &known));
                return Err(Error::UnknownColumn { file, flag: "--monotone", name, hint });
            }
        }
    }
    Ok(())
}

fn outer_folds(file: &TableFile, table: &CodedTable, label: &str, plan: &Plan) -> Result<Vec<Fold>, Error> {
    let (positives, rows) = (table.positives(), table.rows());
    let rarer = positives.min(rows - positives);
    if plan.folds < 2 {
        return Err(file.unfit("--folds must be at least 2"));
    }
    if rarer < plan.folds {
        let (n, folds) = (wording::plural(rarer as i64, "row", "rows"), plan.folds);
        let which = if positives <= rows - positives { "" } else { "not " };
        return Err(file.column(
            label,
            format!(
                "only {n} of {rows} are {which}`{}`, too few for {folds} folds; use fewer --folds or more rows",
                table.positive
            ),
        ));
    }
    let all: Vec<u32> = (0..rows as u32).collect();
    let folds = match &table.times {
        None => folds::stratified(&all, &table.labels, &table.ids, plan.folds, SEED),
        Some(times) => folds::expanding(&all, times, plan.folds, plan.embargo).ok_or_else(|| {
            file.unfit(format!("--time has too few different values for {} windows; use fewer --folds", plan.folds))
        })?,
    };
    for (number, fold) in folds.iter().enumerate() {
        for (rows, what) in [(&fold.fit, "trains on"), (&fold.judge, "judges")] {
            let positives = rows.iter().filter(|row| table.labels[**row as usize]).count();
            if positives == 0 || positives == rows.len() {
                let reason = format!(
                    "fold {} {what} {} rows of one outcome only; use fewer --folds or more rows",
                    number + 1,
                    rows.len()
                );
                return Err(file.column(label, reason));
            }
        }
    }
    Ok(folds)
}

#[derive(Default)]
struct Judged {
    folds: Vec<FoldReport>,
    rules: Vec<String>,
    labels: Vec<bool>,
    model: Vec<f64>,
    baseline: Vec<f64>,
}

impl Judged {
    fn add(&mut self, table: &CodedTable, fold: &Fold, plan: &Plan, seconds: &dyn Fn() -> f64) -> Result<(), String> {
        let started = seconds();
        let trained = train(table, &fold.fit, &plan.recipe).map_err(|e| e.to_string())?;
        let fit_seconds = seconds() - started;
        let model = trained.probabilities(table, &fold.judge);
        let rule = Rule::best(table, &fold.fit);
        let baseline = rule.probabilities(table, &fold.judge);
        let labels: Vec<bool> = fold.judge.iter().map(|row| table.labels[*row as usize]).collect();
        let of = |probabilities: &[f64]| metrics(probabilities, &labels).ok_or("a fold judges one outcome only");
        let (own, other) = (of(&model)?, of(&baseline)?);
        self.folds.push(FoldReport {
            trained_rows: fold.fit.len(),
            rows: own.rows,
            positives: own.positives,
            model: own.into(),
            baseline: other.into(),
            chosen: trained.chosen,
            fit_seconds,
        });
        self.rules.push(rule.name(table));
        self.labels.extend(labels);
        self.model.extend(model);
        self.baseline.extend(baseline);
        Ok(())
    }

    fn figures(&self) -> (Figures, Figures) {
        let of = |probabilities: &[f64], fold: fn(&FoldReport) -> Figures| {
            let pooled = metrics(probabilities, &self.labels).map(Figures::from);
            let mean = |figure: fn(Figures) -> f64| {
                self.folds.iter().map(|report| figure(fold(report))).sum::<f64>() / self.folds.len() as f64
            };
            let pooled = pooled.unwrap_or_else(|| fold(&self.folds[0]));
            Figures {
                auc: mean(|f| f.auc),
                pr_auc: mean(|f| f.pr_auc),
                lift_top_decile: mean(|f| f.lift_top_decile),
                ..pooled
            }
        };
        (of(&self.model, |report| report.model), of(&self.baseline, |report| report.baseline))
    }

    fn grade(&self, model: Figures, baseline: Figures) -> Grade {
        let positives = self.labels.iter().filter(|label| **label).count();
        let as_metrics = |figures: Figures| Metrics {
            rows: self.labels.len(),
            positives,
            auc: figures.auc,
            pr_auc: figures.pr_auc,
            log_loss: figures.log_loss,
            brier: figures.brier,
            calibration_error: figures.ece,
            lift_top_decile: figures.lift_top_decile,
        };
        Grade::of(&as_metrics(model), &as_metrics(baseline), None)
    }

    /// The rule of most folds, the first of equals.
    fn baseline_name(&self) -> String {
        let votes = |name: &String| self.rules.iter().filter(|other| *other == name).count();
        self.rules.iter().rev().max_by_key(|name| votes(name)).cloned().unwrap_or_default()
    }
}

impl From<Metrics> for Figures {
    fn from(m: Metrics) -> Figures {
        let (ece, lift_top_decile) = (m.calibration_error, m.lift_top_decile);
        Figures { auc: m.auc, pr_auc: m.pr_auc, log_loss: m.log_loss, brier: m.brier, ece, lift_top_decile }
    }
}

/// The rule to beat: the rate of all rows, or of the groups of the one column that tells most.
struct Rule {
    feature: Option<usize>,
    rates: Vec<f64>,
    overall: f64,
}

/// Groups that a person would still call segments.
const MOST_SEGMENTS: usize = 25;

/// A group's own rate weighs as much as the overall one at this many rows.
const SHRINKAGE_ROWS: f64 = 50.0;

impl Rule {
    /// The column whose shrunk rates lose least on the training rows, each group charged one unit as AIC does.
    fn best(table: &CodedTable, rows: &[u32]) -> Rule {
        let positives = rows.iter().filter(|row| table.labels[**row as usize]).count() as f64;
        let overall = positives / rows.len() as f64;
        let mut best =
            (entropy(positives, rows.len() as f64, overall), Rule { feature: None, rates: Vec::new(), overall });
        for (place, feature) in table.features.iter().enumerate() {
            if feature.fine.codes() > MOST_SEGMENTS + 2 {
                continue;
            }
            let mut met = vec![(0.0, 0.0); feature.fine.codes()];
            for row in rows {
                let (positives, n) = &mut met[usize::from(feature.codes[*row as usize])];
                *positives += f64::from(u8::from(table.labels[*row as usize]));
                *n += 1.0;
            }
            let rates: Vec<f64> =
                met.iter().map(|(p, n)| (p + SHRINKAGE_ROWS * overall) / (n + SHRINKAGE_ROWS)).collect();
            let groups = met.iter().filter(|(_, n)| *n > 0.0).count() as f64 - 1.0;
            let loss: f64 = met.iter().zip(&rates).map(|((p, n), rate)| entropy(*p, *n, *rate)).sum::<f64>() + groups;
            if loss < best.0 {
                best = (loss, Rule { feature: Some(place), rates, overall });
            }
        }
        best.1
    }

    fn name(&self, table: &CodedTable) -> String {
        match self.feature {
            None => "base rate".to_owned(),
            Some(place) => format!("base rate by `{}`", table.features[place].name),
        }
    }

    fn probabilities(&self, table: &CodedTable, rows: &[u32]) -> Vec<f64> {
        let rate = |row: &u32| match self.feature {
            None => self.overall,
            Some(place) => self.rates[usize::from(table.features[place].codes[*row as usize])],
        };
        rows.iter().map(rate).collect()
    }
}

/// Summed log loss of `positives` among `n` rows at one rate.
fn entropy(positives: f64, n: f64, rate: f64) -> f64 {
    -(positives * rate.ln() + (n - positives) * (1.0 - rate).ln())
}

fn strongest(trained: &Trained) -> Vec<Strength> {
    let mut all = strengths(&trained.model, trained.calibrator.slope);
    all.sort_by(|a, b| b.mean_points.total_cmp(&a.mean_points).then(a.feature.cmp(&b.feature)));
    all.truncate(STRONGEST);
    all
}

fn strengths(model: &Model, slope: f64) -> Vec<Strength> {
    let features = model.card.features.iter().filter_map(|feature| {
        strength(feature.spec.name.clone(), &feature.points, &feature.shares, slope, &|code| {
            feature.bins.group(code as u8)
        })
    });
    let pairs = model.pairs.iter().filter_map(|pair| {
        strength(pair.name(), &pair.points, &pair.shares, slope, &|code| model.pair_group(pair, code))
    });
    features.chain(pairs).collect()
}

fn strength(
    feature: String,
    points: &[f64],
    shares: &[f64],
    slope: f64,
    group: &dyn Fn(usize) -> String,
) -> Option<Strength> {
    let mean: f64 = points.iter().zip(shares).map(|(points, share)| points.abs() * share).sum();
    let used: Vec<usize> = (0..points.len()).filter(|code| shares[*code] > 0.0).collect();
    let by_points = |a: &&usize, b: &&usize| points[**a].total_cmp(&points[**b]);
    let point = |code: usize| Point { group: group(code), points: slope * points[code], share: shares[code] };
    let (lowest, highest) = (used.iter().min_by(by_points)?, used.iter().max_by(by_points)?);
    Some(Strength { feature, mean_points: slope * mean, lowest: point(*lowest), highest: point(*highest) })
}
