//! The intent classifier: what it is as readable JSON, and what it hears in a text.
//!
//! One logistic model per intent over TF-IDF terms. An intent counts where its probability reaches its own threshold,
//! chosen in training for a wanted precision; the sentence that carries it is shown with its strongest words.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::one_vs_rest::Linear;
use super::sentences::{quote, sentences};
use super::terms::{Rule, Terms, words};
use crate::extracts::tables::Intent;
use crate::learners::measuring::evaluate::Metrics;
use crate::statistics::sigmoid;
use crate::vocabulary::{Day, Text};

/// Layout of the JSON; a reader refuses any other.
pub const FORMAT: u32 = 1;

/// Words that an explanation names.
const STRONGEST: usize = 3;

/// `[text.intents]` of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Labelled texts that a training needs; below it the phrase list reads alone.
    pub min_labels: u32,
    /// Labelled texts that an intent needs to be heard.
    pub min_texts_per_intent: u32,
    /// Share of the texts above an intent's threshold that shall have it.
    pub precision: f64,
    /// Whether fragments of words count beside words and pairs of words.
    pub fragments: bool,
    /// Terms of fewer labelled texts are left out.
    pub min_texts_per_term: u32,
    /// Strength of the squared penalty, in the unit of summed log loss.
    pub ridge: f64,
}

impl Settings {
    pub(super) fn rule(&self) -> Rule {
        Rule { fragments: self.fragments, min_texts: self.min_texts_per_term }
    }
}

/// A trained classifier.
#[derive(Clone, Debug)]
pub struct IntentModel {
    /// What stands before the terms in the JSON.
    pub card: Card,
    terms: Terms,
    /// Classes in the order of the card.
    linear: Linear,
}

/// Everything about a classifier but its terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub format: u32,
    /// `txt-` and 16 hex digits of the SHA-256 of all that follows.
    pub model_id: String,
    pub code_version: String,
    pub trained: TrainedOn,
    /// Share of right texts that the thresholds were chosen for.
    pub wanted_precision: f64,
    pub ridge: f64,
    /// In the order of the weights.
    pub intents: Vec<IntentCard>,
}

impl Card {
    /// Intents that are heard.
    pub fn heard(&self) -> impl Iterator<Item = Intent> {
        self.intents.iter().filter(|intent| intent.threshold.is_some()).map(|intent| intent.intent)
    }

    /// Precision and recall on later texts, over all intents that are heard together; `None` where nothing was heard or
    /// there was nothing to hear.
    pub fn on_later_texts(&self) -> Option<(f64, f64)> {
        let judged = self.intents.iter().filter(|intent| intent.threshold.is_some());
        let sums = judged.filter_map(|intent| intent.evaluation.as_ref()).fold([0usize; 3], |sums, judged| {
            [sums[0] + judged.right, sums[1] + judged.heard, sums[2] + judged.metrics.positives]
        });
        let [right, heard, there] = sums.map(|n| n as f64);
        (heard > 0.0 && there > 0.0).then(|| (right / heard, right / there))
    }
}

/// The labelled texts behind a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    pub as_of: Day,
    pub first_day: Option<Day>,
    pub last_day: Option<Day>,
    pub texts: usize,
    /// xxh3 of every text and label.
    pub data_fingerprint: String,
}

/// One intent of a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentCard {
    pub intent: Intent,
    /// Labelled texts that have it.
    pub texts: usize,
    /// Log-odds before any word.
    pub base: f32,
    /// Probability from which it is heard; `None` where it is not.
    pub threshold: Option<f64>,
    /// Why it is not heard.
    pub abstains: Option<String>,
    /// On the latest texts, by the same training on the earlier ones; `None` where those hold too few.
    pub evaluation: Option<Evaluation>,
}

/// One intent on texts that were not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub first_day: Day,
    pub last_day: Day,
    /// Texts at or above the threshold.
    pub heard: usize,
    /// Of those, the ones that have the intent.
    pub right: usize,
    pub metrics: Metrics,
}

impl Evaluation {
    /// Share of the heard texts that have the intent.
    pub fn precision(&self) -> Option<f64> {
        (self.heard > 0).then(|| self.right as f64 / self.heard as f64)
    }

    /// Share of the texts with the intent that were heard.
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.metrics.positives as f64
    }
}

/// An intent heard in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub intent: Intent,
    pub probability: f64,
    /// The sentence that carries it.
    pub quote: Text,
    /// The words of that sentence that speak for it most, strongest first.
    pub words: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not an intent classifier: {0}")]
    Json(#[from] serde_json::Error),
    #[error("format {0} is not format {FORMAT}; train again with this version of the program")]
    Format(u32),
    #[error("content does not match its model id {0}: the file was changed; train again or restore it")]
    Changed(String),
    #[error("term `{0}` has {1} weights for {2} intents")]
    Weights(String, usize, usize),
}

/// A term's line in the JSON: name, inverse document frequency, weight by intent.
type Line<'a> = (std::borrow::Cow<'a, str>, f32, std::borrow::Cow<'a, [f32]>);

/// What the JSON holds.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(flatten)]
    card: Card,
    #[serde(borrow)]
    words: Vec<Line<'a>>,
    #[serde(borrow)]
    fragments: Vec<Line<'a>>,
}

impl IntentModel {
    /// Puts the parts together and names the whole by its content.
    pub(super) fn assembled(card: Card, terms: Terms, linear: Linear) -> IntentModel {
        let mut model = IntentModel { card: Card { model_id: String::new(), ..card }, terms, linear };
        model.card.model_id = id_of(&model.to_json());
        model
    }

    /// Readable JSON: the card, then one line per term.
    pub fn to_json(&self) -> String {
        let card = serde_json::to_string_pretty(&self.card).unwrap_or_default();
        let line = |(column, (name, idf)): (u32, (&str, f32))| {
            let line: Line = (name.into(), idf, self.linear.column(column).into());
            format!("\n    {}", serde_json::to_string(&line).unwrap_or_default())
        };
        let words: Vec<String> = (0..).zip(self.terms.words()).map(line).collect();
        let fragments: Vec<String> = (words.len() as u32..).zip(self.terms.fragments()).map(line).collect();
        let open = card.trim_end_matches("\n}");
        format!(
            "{open},\n  \"words\": [{}\n  ],\n  \"fragments\": [{}\n  ]\n}}\n",
            words.join(","),
            fragments.join(",")
        )
    }

    /// Reads and checks: format, content against its id, weights against intents.
    pub fn from_json(content: &[u8]) -> Result<IntentModel, Error> {
        let written: Written = serde_json::from_slice(content)?;
        let card = written.card;
        if card.format != FORMAT {
            return Err(Error::Format(card.format));
        }
        let lines = || written.words.iter().chain(&written.fragments);
        if let Some((name, _, weights)) = lines().find(|line| line.2.len() != card.intents.len()) {
            return Err(Error::Weights(name.to_string(), weights.len(), card.intents.len()));
        }
        // The text is hashed, not the values: a JSON reader may round a number in its last bit.
        let unnamed = String::from_utf8_lossy(content).replacen(&card.model_id, "", 1);
        if card.model_id.is_empty() || id_of(&unnamed) != card.model_id {
            return Err(Error::Changed(card.model_id));
        }
        let linear = Linear {
            base: card.intents.iter().map(|intent| intent.base).collect(),
            weights: lines().flat_map(|line| line.2.iter().copied()).collect(),
            sweeps: 0,
        };
        let named = |lines: &[Line]| lines.iter().map(|(name, idf, _)| (name.to_string(), *idf)).collect();
        Ok(IntentModel { terms: Terms::of(named(&written.words), named(&written.fragments)), linear, card })
    }

    /// Probability of every intent of the card.
    pub fn probabilities(&self, text: &str) -> Vec<f64> {
        self.linear.log_odds(&self.terms.row(text)).into_iter().map(sigmoid).collect()
    }

    /// What a normalised text is heard to say, in the order of the card; [`Intent::None`] says nothing.
    pub fn hear(&self, text: &str) -> Vec<Heard> {
        let cells = self.terms.row(text);
        let odds = self.linear.log_odds(&cells);
        let heard = self.card.intents.iter().zip(&odds).enumerate().filter_map(|(position, (intent, odds))| {
            let probability = sigmoid(*odds);
            let reached = intent.threshold.is_some_and(|threshold| probability >= threshold);
            (reached && intent.intent != Intent::None).then_some((position, intent.intent, probability))
        });
        heard
            .filter_map(|(position, intent, probability)| self.heard(text, &cells, position, intent, probability))
            .collect()
    }

    /// The intent with its sentence; `None` where no word speaks for it.
    fn heard(
        &self,
        text: &str,
        cells: &[(u32, f32)],
        position: usize,
        intent: Intent,
        probability: f64,
    ) -> Option<Heard> {
        let share = |column: u32| match cells.binary_search_by_key(&column, |cell| cell.0) {
            Ok(at) => f64::from(self.linear.column(column)[position]) * f64::from(cells[at].1),
            Err(_) => 0.0,
        };
        let spoken: Vec<(Range<usize>, BTreeMap<String, f64>)> =
            sentences(text).into_iter().map(|at| (at.clone(), self.shares(&text[at], &share))).collect();
        let sum = |shares: &BTreeMap<String, f64>| shares.values().sum::<f64>();
        // The first of equals: `max_by` would take the last.
        let best = spoken.iter().rev().max_by(|a, b| sum(&a.1).total_cmp(&sum(&b.1)));
        let (at, shares) = best.map_or((0..0, BTreeMap::new()), |(at, shares)| (at.clone(), shares.clone()));
        let mut words: Vec<(String, f64)> = shares.into_iter().filter(|(_, share)| *share > 0.0).collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1));
        let words: Vec<String> = words.into_iter().take(STRONGEST).map(|(word, _)| word).collect();
        let sentence = &text[at];
        let place = sentence.to_lowercase().find(words.first()?.as_str()).unwrap_or(0);
        Some(Heard { intent, probability, quote: quote(sentence, place), words })
    }

    /// What each word of a sentence adds to the log-odds: itself, its fragments, and half of each pair it stands in. A
    /// word said twice counts once, as the text's own row damps repetition.
    fn shares(&self, sentence: &str, share: &impl Fn(u32) -> f64) -> BTreeMap<String, f64> {
        let lower = sentence.to_lowercase();
        let met: Vec<&str> = words(&lower).map(|at| &lower[at]).collect();
        let own = |word: &str| self.terms.columns_of(word).into_iter().map(share).sum::<f64>();
        let mut shares: BTreeMap<String, f64> = met.iter().map(|word| ((*word).to_owned(), own(word))).collect();
        let pairs: BTreeSet<&[&str]> = met.windows(2).collect();
        for pair in pairs {
            let half = self.terms.column_of_pair(pair[0], pair[1]).map_or(0.0, |column| 0.5 * share(column));
            pair.iter().for_each(|word| *shares.entry((*word).to_owned()).or_default() += half);
        }
        shares
    }
}

/// The id of a classifier written with an empty id.
fn id_of(unnamed: &str) -> String {
    let digest = Sha256::digest(unnamed.as_bytes());
    format!("txt-{}", digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
