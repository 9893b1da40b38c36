//! The phrase list: plain rows of topic and words, the built-in ones beside this file and more from the job.

use super::{Settings, Topic};

/// One phrase: its parts stand in one sentence, in this order, with any words between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    pub topic: Topic,
    /// Lower case; at least one, none empty.
    pub parts: Vec<String>,
}

const BUILT_IN: &str = include_str!("phrases.tsv");

/// Built-in phrases unless replaced, then the job's, without repetitions.
pub(super) fn all(settings: &Settings) -> Vec<Phrase> {
    let mut phrases = if settings.replace_phrases { Vec::new() } else { built_in() };
    for (topic, added) in &settings.phrases {
        phrases.extend(added.iter().filter_map(|words| phrase(*topic, words)));
    }
    phrases.sort_by(|a, b| (a.topic, &a.parts).cmp(&(b.topic, &b.parts)));
    phrases.dedup();
    phrases
}

fn built_in() -> Vec<Phrase> {
    let rows = BUILT_IN.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once('\t'))
        .filter_map(|(topic, words)| phrase(Topic::parse(topic)?, words))
        .collect()
}

fn phrase(topic: Topic, words: &str) -> Option<Phrase> {
    let parts = words.split('*').map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase());
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then_some(Phrase { topic, parts })
}
