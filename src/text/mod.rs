//! What customers write and say: which topics a text touches and which features, products, tiers and competitors it
//! names, each with the sentence as a quote. Nothing here knows contracts or decides what it means.
//!
//! A list of phrases and names finds what is said in known words. Where the team has labelled texts, a classifier learned
//! from them hears the same topics in other words; it adds to the phrases and replaces none of them.

pub mod corpus;
pub mod intents;
pub mod learn;
mod names;
pub mod one_vs_rest;
mod phrases;
mod sentences;
pub mod terms;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use crate::extracts::Extracts;
use crate::extracts::tables::TextSource;
use crate::history::View;
use crate::vocabulary::{AccountIx, Day, FeatureIx, ProductIx, Text};
use phrases::Phrase;

pub use intents::{Heard, IntentModel};
pub use names::{Named, Rival, rivals};
pub use sentences::{QUOTE_CHARS, normalise, quote, sentences};

words!(
    /// What a phrase is about.
    Topic {
        PlanLimit = "plan_limit", HigherTierRequest = "higher_tier_request", AdjacentNeed = "adjacent_need",
        Growth = "growth", BudgetIncrease = "budget_increase", PriceComplaint = "price_complaint",
        ChurnIntent = "churn_intent", Competitor = "competitor",
        /// Words that ask for something; they count only beside a named feature, product or tier.
        Request = "request",
    }
);

/// `[text]` of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Tickets and conversations of this many days up to the run's day are read.
    pub lookback_days: i32,
    /// Characters of one text that are read; what follows is left aside.
    pub max_chars: usize,
    /// Leave the built-in phrases out and use only `phrases`.
    pub replace_phrases: bool,
    /// Further phrases by topic; `*` stands for any words of the same sentence.
    pub phrases: BTreeMap<Topic, Vec<String>>,
    /// Names of competing products and vendors.
    pub competitors: Vec<String>,
    pub intents: intents::Settings,
}

/// What one sentence of a text speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    Topic(Topic),
    /// Named where something is asked for.
    Feature(FeatureIx),
    Product(ProductIx),
    /// A product and the position of its tier.
    Tier(ProductIx, usize),
    /// A vendor or product that competes.
    Competitor(Text),
}

impl Topic {
    fn asks(self) -> bool {
        matches!(self, Topic::Request | Topic::HigherTierRequest | Topic::AdjacentNeed)
    }
}

impl About {
    /// A name of ours says nothing by itself.
    fn needs_request(&self) -> bool {
        matches!(self, About::Feature(_) | About::Product(_) | About::Tier(..))
    }
}

/// One thing said in one ticket or conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    pub about: About,
    pub source: TextSource,
    /// `ticket_id` or `conversation_id`.
    pub row: Text,
    pub day: Day,
    /// The product that the ticket was opened for.
    pub product: Option<ProductIx>,
    /// The sentence, at most [`QUOTE_CHARS`] characters.
    pub quote: Text,
    /// Set where the intent classifier heard it and no phrase says it.
    pub heard: Option<Heard>,
}

/// Phrases and names, compiled once per run.
pub struct Reader {
    settings: Settings,
    automaton: AhoCorasick,
    /// The phrases that each pattern of the automaton is a part of.
    uses: Vec<Vec<Use>>,
    phrases: Vec<Phrase>,
    names: Vec<Named>,
    intents: Option<Arc<IntentModel>>,
}

/// What a pattern stands for.
#[derive(Clone, Copy)]
enum Use {
    Part { phrase: usize, part: usize },
    Name(usize),
}

/// One sentence: where it stands, whether it asks for something, and what it speaks of.
struct Spoken {
    at: Range<usize>,
    asks: bool,
    said: Vec<(About, usize)>,
}

/// A pattern found at whole words.
struct Hit {
    pattern: usize,
    at: Range<usize>,
}

impl Reader {
    pub fn new(extracts: &Extracts, settings: &Settings) -> Reader {
        Reader::knowing(extracts, settings, rivals(extracts))
    }

    /// The same, where `rivals` are those that the accounts of all parts name.
    pub fn knowing(extracts: &Extracts, settings: &Settings, rivals: Vec<Rival>) -> Reader {
        let phrases = phrases::all(settings);
        let names = names::all(extracts, &settings.competitors, rivals);
        let mut patterns: BTreeMap<String, Vec<Use>> = BTreeMap::new();
        for (phrase, known) in phrases.iter().enumerate() {
            for (part, words) in known.parts.iter().enumerate() {
                patterns.entry(words.clone()).or_default().push(Use::Part { phrase, part });
            }
        }
        for (position, name) in names.iter().enumerate() {
            patterns.entry(name.words.clone()).or_default().push(Use::Name(position));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(patterns.keys())
            .expect("phrases and names stay far below the automaton's limit of states");
        let (uses, settings) = (patterns.into_values().collect(), settings.clone());
        Reader { settings, automaton, uses, phrases, names, intents: None }
    }

    /// The same, listening to the intent classifier as well.
    pub fn listening(self, intents: Option<Arc<IntentModel>>) -> Reader {
        Reader { intents, ..self }
    }

    /// What the account's recent texts say: newest text first, tickets before conversations of the same day.
    pub fn read(&self, view: View, account: AccountIx) -> Vec<Mention> {
        let oldest = view.day.minus(self.settings.lookback_days - 1);
        let mut mentions = Vec::new();
        for ticket in view.tickets(account).filter(|t| t.opened_at.day() >= oldest) {
            let row = Row {
                source: TextSource::Tickets,
                id: &ticket.id,
                day: ticket.opened_at.day(),
                product: ticket.product,
            };
            let parts: Vec<&str> = [ticket.subject.as_deref(), ticket.body.as_deref()].into_iter().flatten().collect();
            mentions.extend(self.row(view, &row, &parts, &learn::ticket_text(ticket)));
        }
        for talk in view.conversations(account).filter(|c| c.at.day() >= oldest) {
            let row = Row { source: TextSource::Conversations, id: &talk.id, day: talk.at.day(), product: None };
            mentions.extend(self.row(view, &row, &[&talk.text], &talk.text));
        }
        mentions.sort_by(|a, b| (b.day, a.source, &a.row, &a.about).cmp(&(a.day, b.source, &b.row, &b.about)));
        mentions
    }

    /// What the parts of a row say by phrase and name, and what the classifier hears beyond that in the whole.
    fn row(&self, view: View, row: &Row, parts: &[&str], whole: &str) -> Vec<Mention> {
        let mut said = BTreeMap::new();
        for text in parts {
            for (about, quote) in self.scan(text, view.day) {
                said.entry(about).or_insert(quote);
            }
        }
        let heard = self.hear(whole).into_iter().filter(|(about, _)| !said.contains_key(about));
        let heard: Vec<Mention> = heard.map(|(about, heard)| row.heard(about, heard)).collect();
        said.into_iter().map(|(about, quote)| row.mention(about, quote)).chain(heard).collect()
    }

    /// The topics that the intent classifier hears in a text; none where there is no classifier.
    fn hear(&self, text: &str) -> Vec<(About, Heard)> {
        let Some(intents) = &self.intents else { return Vec::new() };
        let heard = intents.hear(&normalise(text, self.settings.max_chars)).into_iter();
        heard.filter_map(|heard| Some((About::Topic(Topic::parse(heard.intent.as_str())?), heard))).collect()
    }

    /// Everything that a text speaks of, each with the sentence that says it first; names known by `day` only.
    ///
    /// A feature, product or tier counts where its own sentence or the one beside it asks for something.
    pub fn scan(&self, text: &str, day: Day) -> Vec<(About, Text)> {
        let text = normalise(text, self.settings.max_chars);
        let hits = self.hits(&text);
        let spoken: Vec<Spoken> = sentences(&text).into_iter().map(|at| self.sentence(&text, at, &hits, day)).collect();
        let mut said: BTreeMap<About, Text> = BTreeMap::new();
        for (position, sentence) in spoken.iter().enumerate() {
            let beside = &spoken[position.saturating_sub(1)..(position + 2).min(spoken.len())];
            let asked = beside.iter().any(|sentence| sentence.asks);
            let meant = sentence.said.iter().filter(|(about, _)| asked || !about.needs_request());
            for (about, at) in meant {
                let shown = || quote(&text[sentence.at.clone()], at - sentence.at.start);
                said.entry(about.clone()).or_insert_with(shown);
            }
        }
        said.into_iter().collect()
    }

    /// Patterns at whole words, by where they start.
    fn hits(&self, text: &str) -> Vec<Hit> {
        let found = self.automaton.find_overlapping_iter(text);
        let mut hits: Vec<Hit> = found
            .filter(|m| sentences::whole_words(text, m.start(), m.end()))
            .map(|m| Hit { pattern: m.pattern().as_usize(), at: m.start()..m.end() })
            .collect();
        hits.sort_by_key(|hit| (hit.at.start, hit.at.end));
        hits
    }

    /// Topics and names of one sentence with the place of their first word.
    fn sentence(&self, text: &str, at: Range<usize>, hits: &[Hit], day: Day) -> Spoken {
        let from = hits.partition_point(|hit| hit.at.start < at.start);
        let within: Vec<&Hit> = hits[from..].iter().take_while(|hit| hit.at.end <= at.end).collect();
        let affirmed = |place: usize| !sentences::negated(&text[at.start..place]);
        let phrases = self.phrases_in(&within).into_iter().filter(|(_, place)| affirmed(*place));
        let topics: BTreeSet<(Topic, usize)> =
            phrases.map(|(phrase, place)| (self.phrases[phrase].topic, place)).collect();
        let asks = topics.iter().any(|(topic, _)| topic.asks());
        let topics = topics.into_iter().filter(|(topic, _)| *topic != Topic::Request);
        let names = self.names_in(&within, day).into_iter();
        let names = names.filter(|(about, place)| about.needs_request() || affirmed(*place));
        let said = topics.map(|(topic, place)| (About::Topic(topic), place)).chain(names).collect();
        Spoken { at, asks, said }
    }

    /// Phrases all of whose parts stand in the sentence in their order, with the place of the first part.
    fn phrases_in(&self, hits: &[&Hit]) -> Vec<(usize, usize)> {
        let mut begun: BTreeMap<usize, (usize, usize, usize)> = BTreeMap::new();
        let mut whole = Vec::new();
        for hit in hits {
            for use_ in &self.uses[hit.pattern] {
                let Use::Part { phrase, part } = *use_ else { continue };
                let (next, end, start) = begun.get(&phrase).copied().unwrap_or((0, 0, hit.at.start));
                if part != next || hit.at.start < end {
                    continue;
                }
                if part + 1 == self.phrases[phrase].parts.len() {
                    whole.push((phrase, start));
                }
                begun.insert(phrase, (part + 1, hit.at.end, start));
            }
        }
        whole
    }

    /// Names in the sentence; a name inside a longer one (`Reports` in `Advanced Reports`) is not meant.
    fn names_in(&self, hits: &[&Hit], day: Day) -> Vec<(About, usize)> {
        let is_name = |hit: &&&Hit| self.uses[hit.pattern].iter().any(|u| matches!(u, Use::Name(_)));
        let names: Vec<&&Hit> = hits.iter().filter(is_name).collect();
        let inside =
            |hit: &Hit| names.iter().any(|o| o.at != hit.at && o.at.start <= hit.at.start && hit.at.end <= o.at.end);
        let outermost = names.iter().filter(|hit| !inside(hit));
        outermost
            .flat_map(|hit| self.uses[hit.pattern].iter().map(move |u| (u, hit.at.start)))
            .filter_map(|(u, at)| match u {
                Use::Name(name) => Some((&self.names[*name], at)),
                Use::Part { .. } => None,
            })
            .filter(|(name, _)| name.known <= day)
            .map(|(name, at)| (name.about.clone(), at))
            .collect()
    }
}

/// The row that a text belongs to.
struct Row<'a> {
    source: TextSource,
    id: &'a Text,
    day: Day,
    product: Option<ProductIx>,
}

impl Row<'_> {
    fn mention(&self, about: About, quote: Text) -> Mention {
        let (source, row, day) = (self.source, self.id.clone(), self.day);
        Mention { about, source, row, day, product: self.product, quote, heard: None }
    }

    fn heard(&self, about: About, heard: Heard) -> Mention {
        Mention { heard: Some(heard.clone()), ..self.mention(about, heard.quote) }
    }
}
