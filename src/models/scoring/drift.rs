//! Drift: whether tonight's accounts still look like those a model was trained on, feature by feature and by score.
//!
//! Held against each other are tonight and the latest training days: a customer base that has grown over two years does
//! not look like its own mean. What the calendar moves by itself, such as how long a product has been held, is left out.
//!
//! The measure is the population stability index, Σ (tonight − training)·ln(tonight / training) over the bins that the
//! artifact holds. Without any drift it is not zero but about (bins − 1)·(1/n + 1/m) for n accounts tonight and m in
//! training (Yurdakul and Naranjo 2020), spread like χ² of bins − 1 degrees; so a few hundred accounts cry wolf at 0.1
//! unless what sampling alone explains is set aside.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::learners::columns::table::Frame;
use crate::models::features::fixed::moves_by_itself;
use crate::models::settings::DriftSettings;
use crate::models::training::artifact::Artifact;
use crate::vocabulary::{Day, PropensityKind};
use crate::wording;

words!(
    /// How far something has moved since training.
    Standing { Steady = "steady", Watch = "watch", Drifted = "drifted", Stale = "stale" }
);

/// One thing about one model that may have moved: a row of `model_drift`.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    pub model_id: String,
    pub kind: PropensityKind,
    pub product: Option<String>,
    /// A feature's name, `score` or `age`.
    pub feature: String,
    pub label: String,
    /// The stability index; `None` for the age.
    pub psi: Option<f64>,
    /// What the index reaches by sampling alone in all but rare nights.
    pub noise: Option<f64>,
    /// Accounts that it scores tonight.
    pub accounts: usize,
    /// Days since the training.
    pub age_days: i32,
    pub standing: Standing,
    pub text: String,
}

/// Standard deviations of χ² above its mean that sampling is granted.
const NOISE_SIGMAS: f64 = 5.0;

/// Shares are held away from zero by this many rows, so that an empty bin weighs as less than one row.
const HALF_A_ROW: f64 = 0.5;

/// A stability index beside what sampling alone explains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Index {
    pub psi: f64,
    pub noise: f64,
}

/// The stability index of counts over `accounts` of tonight against shares of `trained` accounts; bins that neither has
/// do not count.
///
/// ```
/// use foothold::models::scoring::drift::index;
/// let same = index(&[50.0, 30.0, 20.0], 100.0, &[0.5, 0.3, 0.2], 1_000.0);
/// assert!(same.psi < 1e-3 && same.noise > same.psi);
/// let moved = index(&[20.0, 30.0, 50.0], 100.0, &[0.5, 0.3, 0.2], 1_000.0);
/// assert!((moved.psi - 0.6 * 2.5f64.ln()).abs() < 0.03 && moved.noise < 0.2);
/// ```
pub fn index(counts: &[f64], accounts: f64, shares: &[f64], trained: f64) -> Index {
    let total: f64 = counts.iter().sum();
    let both = counts.iter().zip(shares).filter(|(count, share)| **count > 0.0 || **share > 0.0);
    let bins = both.clone().count() as f64;
    if total == 0.0 || trained == 0.0 || bins < 2.0 {
        return Index { psi: 0.0, noise: 0.0 };
    }
    let even = |share: f64, rows: f64| (share * rows + HALF_A_ROW) / (rows + HALF_A_ROW * bins);
    let part = |(count, share): (&f64, &f64)| {
        let (now, then) = (even(count / total, accounts), even(*share, trained));
        (now - then) * (now / then).ln()
    };
    let degrees = bins - 1.0;
    let noise = (degrees + NOISE_SIGMAS * (2.0 * degrees).sqrt()) * (1.0 / accounts + 1.0 / trained);
    Index { psi: both.map(part).sum(), noise }
}

impl Index {
    fn standing(&self, settings: &DriftSettings) -> Standing {
        match self.psi {
            psi if psi < self.noise || psi < settings.watch => Standing::Steady,
            psi if psi < settings.drifted => Standing::Watch,
            _ => Standing::Drifted,
        }
    }
}

/// What one model met: counts of some accounts, which add up over all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Met {
    /// By feature of the scorecard, then code.
    features: Vec<Vec<f64>>,
    /// By bin.
    scores: Vec<f64>,
    /// Accounts, by target that it was asked about.
    accounts: Vec<usize>,
}

impl Met {
    /// What `other` counted of the same model at other accounts.
    pub fn add(&mut self, other: Met) {
        let add = |own: &mut Vec<f64>, more: Vec<f64>| own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
        self.features.iter_mut().zip(other.features).for_each(|(own, more)| add(own, more));
        add(&mut self.scores, other.scores);
        self.accounts.iter_mut().zip(other.accounts).for_each(|(own, more)| *own += more);
    }
}

/// Counts what one model meets tonight, in as many pieces as it is asked.
pub struct Watch<'a> {
    model: &'a Artifact,
    met: Met,
}

impl<'a> Watch<'a> {
    pub fn new(model: &'a Artifact) -> Watch<'a> {
        let card = model.active().into_iter();
        let features = card.flat_map(|card| &card.features).map(|feature| vec![0.0; feature.shares.len()]).collect();
        let bins = model.scores.as_ref().map_or(0, |scores| scores.shares.len());
        Watch { model, met: Met { features, scores: vec![0.0; bins], accounts: Vec::new() } }
    }

    /// The watch that has met all this.
    pub fn having(model: &'a Artifact, met: Met) -> Watch<'a> {
        Watch { model, met }
    }

    /// What it met so far.
    pub fn met(self) -> Met {
        self.met
    }

    /// Adds rows of a frame that the model scores, with their calibrated log-odds.
    pub fn meet(&mut self, frame: &Frame, rows: &[u32], log_odds: impl Iterator<Item = f64>) {
        self.met.accounts.push(rows.len());
        let card = self.model.active().into_iter();
        for (feature, counts) in card.flat_map(|card| &card.features).zip(&mut self.met.features) {
            match frame.find(&feature.spec.name) {
                Some(column) => rows
                    .iter()
                    .for_each(|row| counts[usize::from(feature.bins.of(&column.values, *row as usize))] += 1.0),
                None => counts[usize::from(crate::learners::columns::bins::MISSING)] += rows.len() as f64,
            }
        }
        if let Some(scores) = &self.model.scores {
            log_odds.for_each(|z| self.met.scores[scores.bin(z)] += 1.0);
        }
    }

    /// Most accounts that it met at once.
    fn accounts(&self) -> usize {
        self.met.accounts.iter().copied().max().unwrap_or(0)
    }

    /// Everything about the model that may have moved: its age, its score, then its features, the furthest moved first;
    /// without those that the calendar moves by itself.
    pub fn found(&self, day: Day, settings: &DriftSettings) -> Vec<Drift> {
        let mut found = vec![self.age(day, settings)];
        if let (false, Some(card), Some(scores)) = (self.pooled(), self.model.active(), &self.model.scores) {
            let index = |counts, shares| index(counts, self.accounts() as f64, shares, scores.accounts as f64);
            found.push(self.moved(("score", "the score"), index(&self.met.scores, &scores.shares), day, settings));
            let features = card.features.iter().zip(&self.met.features).enumerate();
            let mut moved: Vec<Drift> = features
                .filter(|(_, (feature, _))| !moves_by_itself(&feature.spec.name))
                .map(|(at, (feature, counts))| {
                    let names = (feature.spec.name.as_str(), feature.spec.label.as_str());
                    let latest = scores.features.get(at).unwrap_or(&feature.shares);
                    self.moved(names, index(counts, latest), day, settings)
                })
                .collect();
            moved.sort_by(|a, b| {
                b.psi.partial_cmp(&a.psi).unwrap_or(Ordering::Equal).then_with(|| a.feature.cmp(&b.feature))
            });
            found.extend(moved);
        }
        found
    }

    /// A model over all products scores only those whose own models abstain: other rows than it was trained on by design,
    /// so only its age is watched.
    fn pooled(&self) -> bool {
        self.model.kind == PropensityKind::CrossSell && self.model.product.is_none()
    }

    fn moved(&self, (feature, label): (&str, &str), index: Index, day: Day, settings: &DriftSettings) -> Drift {
        let standing = index.standing(settings);
        let since = wording::day(self.model.trained.as_of);
        let text = match standing {
            Standing::Steady => format!("{label} is as it was in training"),
            _ => format!("{label} has moved since the training of {since}: stability index {:.2}", index.psi),
        };
        Drift { psi: Some(index.psi), noise: Some(index.noise), standing, text, ..self.drift(feature, label, day) }
    }

    fn age(&self, day: Day, settings: &DriftSettings) -> Drift {
        let stated = self.drift("age", "age", day);
        let stale = stated.age_days > settings.max_age_days;
        let text = format!("trained {}", wording::ago(stated.age_days.into()));
        Drift { standing: if stale { Standing::Stale } else { Standing::Steady }, text, ..stated }
    }

    fn drift(&self, feature: &str, label: &str, day: Day) -> Drift {
        Drift {
            model_id: self.model.model_id.clone(),
            kind: self.model.kind,
            product: self.model.product.clone(),
            feature: feature.to_owned(),
            label: label.to_owned(),
            psi: None,
            noise: None,
            accounts: self.accounts(),
            age_days: day.since(self.model.trained.as_of),
            standing: Standing::Steady,
            text: String::new(),
        }
    }
}

/// Features that one warning names.
const NAMED: usize = 3;

/// One sentence for each model that has drifted or gone stale.
pub fn warnings(found: &[Drift]) -> Vec<String> {
    let of_one_model = found.chunk_by(|a, b| (&a.model_id, &a.kind, &a.product) == (&b.model_id, &b.kind, &b.product));
    of_one_model.filter_map(warning).collect()
}

fn warning(found: &[Drift]) -> Option<String> {
    let first = found.first()?;
    let drifted: Vec<String> = found
        .iter()
        .filter(|drift| drift.standing == Standing::Drifted)
        .map(|drift| format!("{} ({:.2})", drift.label, drift.psi.unwrap_or_default()))
        .collect();
    let more = drifted.len().saturating_sub(NAMED);
    let named = wording::list(&drifted.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let product = first.product.as_ref().map_or_else(String::new, |product| format!(" for {product}"));
    let model = format!("the {} model{product}", wording::words(first.kind.as_str()));
    let age = wording::plural(i64::from(first.age_days), "day", "days");
    let moved = format!("scores accounts unlike those it was trained on: {named}{more}");
    let stale = format!("was trained {age} ago; train again with `foothold train`");
    match (drifted.is_empty(), found.iter().any(|drift| drift.standing == Standing::Stale)) {
        (true, false) => None,
        (true, true) => Some(format!("{model} {stale}")),
        (false, false) => Some(format!("{model} {moved}")),
        (false, true) => Some(format!("{model} {moved}; it {stale}")),
    }
}
