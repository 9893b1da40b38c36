//! Playbooks are data: what triggers one, who does what on which day, and how long it rests afterwards.
//!
//! A user adds a playbook to the file without touching code. [`validate`] reports everything that would keep one
//! from ever firing or from reading well, with the nearest known word.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, placeholders};
use crate::signals::Catalogue;
use crate::vocabulary::{Color, OwnerRole, Play, Text};
use crate::wording;

/// The playbooks file: `version = 1` and one `[[playbook]]` after the other.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookFile {
    pub version: u32,
    pub playbook: Vec<Playbook>,
}

/// One playbook of `jobs/playbooks.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Unique; the `playbook` column of every output.
    #[schemars(with = "String")]
    pub name: Text,
    pub title: String,
    pub play: Play,
    pub action: Action,
    pub trigger: Trigger,
    pub owner: OwnerRole,
    /// Of several plays that fit one account the highest priority is primary, whatever its value; 0 where not given.
    #[serde(default)]
    pub priority: i32,
    /// Proposed only where no other playbook of the same play fits the account.
    #[serde(default)]
    pub fallback: bool,
    /// Days after the window opens by which the first contact must have happened.
    pub deadline_days: i32,
    /// Days before the same playbook may be proposed again to an account that declined or stalled.
    pub cooldown_days: i32,
    pub steps: Vec<PlaybookStep>,
    /// Sentences with `{placeholders}` that the recommendation fills.
    pub talking_points: Vec<String>,
}

/// When a playbook fires: any of `any_of`, all of `all_of`, the health colour and the partner, each where given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    #[serde(default)]
    pub any_of: Vec<String>,
    /// All of these as well.
    #[serde(default)]
    pub all_of: Vec<String>,
    /// Signals that add to the evidence but do not trigger.
    #[serde(default)]
    pub supported_by: Vec<String>,
    /// Distinct signals, supporting ones included, that must be present.
    #[serde(default)]
    pub min_signals: Option<u32>,
    /// Health colours of which the account must have one; alone, they trigger.
    #[serde(default)]
    pub health: Vec<Color>,
    /// Only accounts whose relationship runs through a partner (`true`) or only those that are direct (`false`).
    #[serde(default)]
    pub partner: Option<bool>,
}

impl Trigger {
    /// Whether the signal is one that starts the play.
    pub fn starts_on(&self, signal: &str) -> bool {
        self.any_of.iter().chain(&self.all_of).any(|name| name == signal)
    }

    /// Whether the signal belongs to the play's evidence.
    pub fn names(&self, signal: &str) -> bool {
        self.starts_on(signal) || self.supported_by.iter().any(|name| name == signal)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookStep {
    pub day: i32,
    pub owner: OwnerRole,
    pub action: String,
}

/// One thing wrong with one playbook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("playbook `{playbook}`, {field}: {reason}")]
pub struct Problem {
    pub playbook: String,
    pub field: String,
    pub reason: String,
}

/// Checks all playbooks against the signal catalogue and against each other; reports every problem, not the first.
pub fn validate(playbooks: &[Playbook], catalogue: &Catalogue) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    for playbook in playbooks {
        let mut note = |field: &str, reason: String| {
            problems.push(Problem { playbook: playbook.name.to_string(), field: field.to_owned(), reason });
        };
        if !names.insert(&playbook.name) {
            note("name", "another playbook has this name; give each its own".into());
        }
        check_name(playbook, &mut note);
        check_trigger(playbook, catalogue, &mut note);
        check_days(playbook, &mut note);
        check_placeholders(playbook, &mut note);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_name(playbook: &Playbook, note: &mut impl FnMut(&str, String)) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if playbook.name.is_empty() || !playbook.name.chars().all(plain) {
        note("name", "use lower-case letters, digits and underscores".into());
    }
    if playbook.title.trim().is_empty() {
        note("title", "is empty; write what the owner should read".into());
    }
    if (playbook.play == Play::RenewalRisk) != (playbook.action == Action::SavePlay) {
        note("action", "save_play and the play renewal_risk belong together".into());
    }
}

fn check_trigger(playbook: &Playbook, catalogue: &Catalogue, note: &mut impl FnMut(&str, String)) {
    let trigger = &playbook.trigger;
    if trigger.any_of.is_empty() && trigger.all_of.is_empty() && trigger.health.is_empty() {
        note("trigger", "can never fire; name signals in any_of or all_of, or colours in health".into());
    }
    let lists = [
        ("trigger.any_of", &trigger.any_of),
        ("trigger.all_of", &trigger.all_of),
        ("trigger.supported_by", &trigger.supported_by),
    ];
    for (field, signals) in lists {
        for signal in signals.iter().filter(|signal| !catalogue.signals.contains_key(*signal)) {
            note(field, unknown("signal", signal, catalogue.signals.keys().map(String::as_str)));
        }
    }
}

fn check_days(playbook: &Playbook, note: &mut impl FnMut(&str, String)) {
    if playbook.deadline_days < 0 {
        note("deadline_days", format!("{} is negative", playbook.deadline_days));
    }
    if playbook.cooldown_days < 0 {
        note("cooldown_days", format!("{} is negative", playbook.cooldown_days));
    }
    if playbook.steps.is_empty() {
        note("steps", "is empty; a play without a first step is only a score".into());
    }
    if playbook.steps.first().is_some_and(|step| step.day < 0) || !playbook.steps.is_sorted_by_key(|step| step.day) {
        note("steps", "days must not be negative and must not fall from one step to the next".into());
    }
}

fn check_placeholders(playbook: &Playbook, note: &mut impl FnMut(&str, String)) {
    let steps = playbook.steps.iter().map(|step| ("steps", &step.action));
    let points = playbook.talking_points.iter().map(|point| ("talking_points", point));
    for (field, text) in steps.chain(points) {
        match placeholders::placeholders(text) {
            Err(reason) => note(field, reason),
            Ok(names) => {
                for name in names.into_iter().filter(|name| !placeholders::KNOWN.iter().any(|(known, _)| known == name))
                {
                    note(field, unknown("placeholder", name, placeholders::KNOWN.iter().map(|(known, _)| *known)));
                }
            }
        }
    }
}

fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str>) -> String {
    match wording::nearest(word, known) {
        Some(near) => format!("unknown {what} `{word}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{word}`"),
    }
}
