//! Training of the intent classifier: labelled texts in, thresholds chosen on texts held out, judged on later ones.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

use super::Settings;
use super::corpus::{Corpus, Selection};
use super::intents::{Card, Evaluation, FORMAT, IntentCard, IntentModel, TrainedOn};
use super::one_vs_rest::{self, Linear, OneVsRest};
use super::sentences::normalise;
use crate::extracts::tables::{Intent, TextSource, Ticket};
use crate::history::View;
use crate::learners::measuring::evaluate::metrics;
use crate::statistics::sigmoid;
use crate::vocabulary::{Day, Text};

/// A text that the team labelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    pub day: Day,
    /// Normalised.
    pub text: String,
    pub intent: Intent,
    /// Stable hash of the account id: texts of one account are held out together.
    pub account_hash: u64,
}

/// Parts of the accounts that take turns in being held out.
const FOLDS: u64 = 5;
/// The latest texts that judge: one in five.
const JUDGED_SHARE: usize = 5;
/// Most texts that one training learns from, because time and memory grow with them. Twice the texts of the public set
/// that the classifier is held to; whether more would still add was not seen on texts that people wrote.
pub const MOST_TEXTS: usize = 20_000;
/// Fewest texts with an intent among those held out for a figure to mean anything.
const MIN_POSITIVES: usize = 5;

/// Labelled texts known on the view's day, by day, then text.
pub fn labelled(view: View, max_chars: usize) -> Vec<Labelled> {
    let known = view.extracts.text_labels.iter().filter(|label| label.seen.on(view.day));
    let labels: BTreeMap<(TextSource, &Text), Intent> =
        known.map(|label| ((label.source, &label.row_id), label.intent)).collect();
    let accounts = view.extracts.account_indices().filter(|_| !labels.is_empty());
    let texts: Vec<Labelled> = accounts
        .flat_map(|account| {
            let account_hash = xxh3_64(view.extracts.account_id(account).as_bytes());
            let tickets = view.tickets(account).filter_map(|ticket| {
                let intent = *labels.get(&(TextSource::Tickets, &ticket.id))?;
                Some((ticket.opened_at.day(), ticket_text(ticket), intent))
            });
            let talks = view.conversations(account).filter_map(|talk| {
                let intent = *labels.get(&(TextSource::Conversations, &talk.id))?;
                Some((talk.at.day(), talk.text.to_string(), intent))
            });
            let found: Vec<(Day, String, Intent)> = tickets.chain(talks).collect();
            found.into_iter().map(move |(day, text, intent)| Labelled {
                day,
                text: normalise(&text, max_chars),
                intent,
                account_hash,
            })
        })
        .collect();
    sorted(texts)
}

/// Texts in the order in which they are learned from.
pub fn sorted(mut texts: Vec<Labelled>) -> Vec<Labelled> {
    texts.sort_by(|a, b| (a.day, &a.text, a.intent, a.account_hash).cmp(&(b.day, &b.text, b.intent, b.account_hash)));
    texts
}

/// Subject and body as one text of two paragraphs.
pub(super) fn ticket_text(ticket: &Ticket) -> String {
    let parts = [ticket.subject.as_deref(), ticket.body.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// Trains on these texts; an error says what is missing.
pub fn train(texts: &[Labelled], as_of: Day, settings: &Settings) -> Result<IntentModel, String> {
    let needed = settings.intents.min_labels as usize;
    if texts.len() < needed {
        return Err(format!("{} labelled texts of the {needed} that the intent classifier needs", texts.len()));
    }
    let mut intents: Vec<Intent> = texts.iter().map(|text| text.intent).collect();
    intents.sort_unstable();
    intents.dedup();
    if intents.len() < 2 {
        return Err(format!("all labelled texts have the intent `{}`, so there is nothing to tell apart", intents[0]));
    }
    let texts = &drawn(texts, settings.intents.min_texts_per_intent as usize)[..];
    let corpus = Corpus::of(texts.iter().map(|text| text.text.as_str()), settings.intents.rule());
    let school = School { texts, corpus, intents, settings };
    let all: Vec<usize> = (0..texts.len()).collect();
    let pupil = school.fit(&all).map_err(|e| e.to_string())?;
    let chosen = school.thresholds(&all).map_err(|e| e.to_string())?;
    let judged = school.judged(&all).map_err(|e| e.to_string())?;
    Ok(school.model(as_of, pupil, chosen, judged))
}

/// At most [`MOST_TEXTS`] of the texts, in their order: of each intent the same share, but no fewer than `fewest` where
/// there are that many. Which ones the texts themselves decide.
fn drawn(texts: &[Labelled], fewest: usize) -> Cow<'_, [Labelled]> {
    if texts.len() <= MOST_TEXTS {
        return Cow::Borrowed(texts);
    }
    let mut of_intents: BTreeMap<Intent, Vec<(u64, usize)>> = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        let lot = xxh3_64_with_seed(text.text.as_bytes(), text.account_hash);
        of_intents.entry(text.intent).or_default().push((lot, at));
    }
    let mut drawn: Vec<usize> = Vec::with_capacity(MOST_TEXTS);
    for mut lots in of_intents.into_values() {
        lots.sort_unstable();
        let share = lots.len() * MOST_TEXTS / texts.len();
        drawn.extend(lots.iter().take(share.max(fewest)).map(|(_, at)| *at));
    }
    drawn.sort_unstable();
    drawn.into_iter().map(|at| texts[at].clone()).collect()
}

/// A threshold, or why there is none.
type Chosen = Result<f64, String>;

/// What all fits of one training share.
struct School<'a> {
    /// By day, then text; elsewhere a text is its place among them.
    texts: &'a [Labelled],
    corpus: Corpus,
    /// The classes, in the order of the contract.
    intents: Vec<Intent>,
    settings: &'a Settings,
}

/// Terms and weights of one fit.
struct Pupil {
    terms: Selection,
    linear: Linear,
}

impl School<'_> {
    fn fit(&self, texts: &[usize]) -> Result<Pupil, one_vs_rest::Error> {
        let terms = self.corpus.select(texts, self.settings.intents.min_texts_per_term);
        let class = |text: &usize| self.intents.binary_search(&self.texts[*text].intent).unwrap_or(0);
        let labels: Array1<usize> = texts.iter().map(class).collect();
        let dataset = DatasetBase::new(self.corpus.rows(&terms, texts), labels);
        let linear = OneVsRest::new(self.intents.len(), self.settings.intents.ridge).fit(&dataset)?.rounded();
        Ok(Pupil { terms, linear })
    }

    fn probabilities(&self, pupil: &Pupil, text: usize) -> Vec<f64> {
        pupil.linear.log_odds(&self.corpus.row(&pupil.terms, text)).into_iter().map(sigmoid).collect()
    }

    /// Probabilities by intent and text, each by a fit that has not seen the text's account.
    fn held_out(&self, texts: &[usize]) -> Result<Vec<Vec<f64>>, one_vs_rest::Error> {
        let folds: Vec<Vec<(usize, Vec<f64>)>> = (0..FOLDS)
            .into_par_iter()
            .map(|fold| {
                let own = |text: usize| self.texts[text].account_hash % FOLDS == fold;
                let others: Vec<usize> = texts.iter().copied().filter(|text| !own(*text)).collect();
                let pupil = self.fit(&others)?;
                let held = texts.iter().enumerate().filter(|(_, text)| own(**text));
                Ok(held.map(|(at, text)| (at, self.probabilities(&pupil, *text))).collect())
            })
            .collect::<Result<_, one_vs_rest::Error>>()?;
        let mut by_text: Vec<(usize, Vec<f64>)> = folds.into_iter().flatten().collect();
        by_text.sort_by_key(|(at, _)| *at);
        Ok((0..self.intents.len()).map(|class| by_text.iter().map(|(_, p)| p[class]).collect()).collect())
    }

    /// The smallest threshold of each intent that gives the wanted precision on texts held out.
    fn thresholds(&self, texts: &[usize]) -> Result<Vec<Chosen>, one_vs_rest::Error> {
        let (held_out, own) = (self.held_out(texts)?, &self.settings.intents);
        let choose = |(intent, probabilities): (&Intent, &Vec<f64>)| {
            let labels: Vec<bool> = texts.iter().map(|text| self.texts[*text].intent == *intent).collect();
            let known = labels.iter().filter(|label| **label).count();
            if known < own.min_texts_per_intent as usize {
                return Err(format!("{known} labelled texts of the {} that an intent needs", own.min_texts_per_intent));
            }
            threshold(probabilities, &labels, own.precision)
                .ok_or_else(|| format!("no threshold reaches a precision of {} on texts held out", own.precision))
        };
        Ok(self.intents.iter().zip(&held_out).map(choose).collect())
    }

    /// The latest texts judged by the same training on the earlier ones, by intent.
    fn judged(&self, texts: &[usize]) -> Result<Vec<Option<Evaluation>>, one_vs_rest::Error> {
        let day = |text: usize| self.texts[text].day;
        let from = day(texts[texts.len() - texts.len().div_ceil(JUDGED_SHARE)]);
        let (earlier, later) = texts.split_at(texts.partition_point(|text| day(*text) < from));
        if earlier.is_empty() {
            return Ok(vec![None; self.intents.len()]);
        }
        let (pupil, chosen) = (self.fit(earlier)?, self.thresholds(earlier)?);
        let probabilities: Vec<Vec<f64>> = later.iter().map(|text| self.probabilities(&pupil, *text)).collect();
        let judge = |(class, chosen): (usize, &Chosen)| {
            let labels: Vec<bool> = later.iter().map(|text| self.texts[*text].intent == self.intents[class]).collect();
            let own: Vec<f64> = probabilities.iter().map(|p| p[class]).collect();
            let heard = |p: &f64| chosen.as_ref().is_ok_and(|threshold| p >= threshold);
            let metrics = metrics(&own, &labels).filter(|metrics| metrics.positives >= MIN_POSITIVES)?;
            Some(Evaluation {
                first_day: day(*later.first()?),
                last_day: day(*later.last()?),
                heard: own.iter().filter(|p| heard(p)).count(),
                right: own.iter().zip(&labels).filter(|(p, label)| **label && heard(p)).count(),
                metrics,
            })
        };
        Ok(chosen.iter().enumerate().map(judge).collect())
    }

    fn model(&self, as_of: Day, pupil: Pupil, chosen: Vec<Chosen>, judged: Vec<Option<Evaluation>>) -> IntentModel {
        let cards = self.intents.iter().zip(&pupil.linear.base).zip(chosen.into_iter().zip(judged));
        let intents = cards.map(|((intent, base), (chosen, evaluation))| IntentCard {
            intent: *intent,
            texts: self.texts.iter().filter(|text| text.intent == *intent).count(),
            base: *base,
            threshold: chosen.as_ref().ok().copied(),
            abstains: chosen.err(),
            evaluation,
        });
        let card = Card {
            format: FORMAT,
            model_id: String::new(),
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            trained: trained_on(self.texts, as_of),
            wanted_precision: self.settings.intents.precision,
            ridge: self.settings.intents.ridge,
            intents: intents.collect(),
        };
        IntentModel::assembled(card, self.corpus.terms(&pupil.terms), pupil.linear)
    }
}

/// The smallest threshold at and above which the wanted share has the label; `None` unless `MIN_POSITIVES` do.
///
/// It lies half-way between two probabilities that occur, so that it does not hang on the last bit of one.
///
/// ```
/// use foothold::text::learn::threshold;
/// let probabilities = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2];
/// let labels = [true, true, true, true, true, false, true];
/// assert_eq!(threshold(&probabilities, &labels, 0.9), Some(0.45));
/// assert_eq!(threshold(&probabilities, &labels, 0.8), Some(0.1));
/// assert_eq!(threshold(&probabilities[..4], &labels[..4], 0.9), None);
/// ```
pub fn threshold(probabilities: &[f64], labels: &[bool], precision: f64) -> Option<f64> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let (mut heard, mut right, mut chosen) = (0usize, 0usize, None);
    let runs: Vec<&[usize]> = order.chunk_by(|a, b| probabilities[*a] == probabilities[*b]).collect();
    for (position, run) in runs.iter().enumerate() {
        heard += run.len();
        let gained = run.iter().filter(|row| labels[**row]).count();
        right += gained;
        // Not below the last text that has the label: what lies there is only let in, never wanted.
        if gained > 0 && right >= MIN_POSITIVES && right as f64 >= precision * heard as f64 {
            let below = runs.get(position + 1).map_or(0.0, |next| probabilities[next[0]]);
            chosen = Some((probabilities[run[0]] + below) / 2.0);
        }
    }
    chosen
}

fn trained_on(texts: &[Labelled], as_of: Day) -> TrainedOn {
    let mut hash = Xxh3::new();
    for text in texts {
        hash.update(text.text.as_bytes());
        hash.update(text.intent.as_str().as_bytes());
        hash.update(&text.account_hash.to_le_bytes());
        hash.update(&text.day.0.to_le_bytes());
    }
    TrainedOn {
        as_of,
        first_day: texts.first().map(|text| text.day),
        last_day: texts.last().map(|text| text.day),
        texts: texts.len(),
        data_fingerprint: format!("{:016x}", hash.digest()),
    }
}
