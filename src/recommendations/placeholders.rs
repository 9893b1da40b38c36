//! The words that a playbook leaves open, and the facts that fill them.

use std::collections::BTreeMap;

use crate::wording::capital;

/// The placeholders a playbook may use, each with the neutral words that a step takes where the fact is not known.
pub const KNOWN: &[(&str, &str)] = &[
    ("account", "the account"),
    ("arr", "today's contract value"),
    ("breach", "the projected date"),
    ("contact", "the right contact"),
    ("contact_by", "the agreed date"),
    ("evidence", "the signals in this briefing"),
    ("expected_arr", "the expected value"),
    ("from_tier", "the current tier"),
    ("health", "today's health"),
    ("informed", "the other account lead"),
    ("limit", "the ceiling"),
    ("metric", "use"),
    ("owner", "the owner"),
    ("partner", "the partner"),
    ("peer", "a similar customer"),
    ("place", "the new team"),
    ("product", "the product"),
    ("quote", "what they wrote"),
    ("reasons", "the reasons in this briefing"),
    ("renewal", "the renewal"),
    ("since", "recently"),
    ("to_tier", "the next tier"),
    ("unit", "unit"),
    ("units", "additional"),
    ("used", "today's use"),
    ("utilization", "most of the ceiling"),
];

/// Those that are somebody's own name, which is written as its owner writes it.
const NAMES: &[&str] = &["account", "contact", "informed", "owner", "partner", "peer", "product"];

/// The placeholders of a text, or what is wrong with its braces.
///
/// ```
/// use foothold::recommendations::placeholders::placeholders;
/// assert_eq!(placeholders("{contact} runs {product}"), Ok(vec!["contact", "product"]));
/// assert!(placeholders("{contact runs").is_err() && placeholders("runs}").is_err());
/// ```
pub fn placeholders(text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let after = &rest[at + 1..];
        let end = after.find(['{', '}']);
        match (rest.as_bytes()[at], end.map(|end| (after.as_bytes()[end], end))) {
            (b'{', Some((b'}', end))) => {
                names.push(&after[..end]);
                rest = &after[end + 1..];
            }
            _ => return Err(format!("a brace in \"{text}\" has no partner; write placeholders as {{name}}")),
        }
    }
    Ok(names)
}

/// What is known about one recommendation, by placeholder.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<&'static str, String>);

impl Facts {
    pub(super) fn set(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.insert(name, value);
        }
    }

    /// The sentence with its facts, or `None` where one is not known: an unknown fact is not spoken.
    pub fn speak(&self, text: &str) -> Option<String> {
        self.fill(text, |name| self.0.get(name).cloned())
    }

    /// The instruction with its facts, neutral words standing in for what is not known.
    pub fn instruct(&self, text: &str) -> String {
        let neutral = |name: &str| KNOWN.iter().find(|(known, _)| *known == name).map(|(_, words)| (*words).to_owned());
        self.fill(text, |name| self.0.get(name).cloned().or_else(|| neutral(name))).unwrap_or_else(|| text.to_owned())
    }

    fn fill(&self, text: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut out = text.to_owned();
        let names = placeholders(text).ok()?;
        for name in &names {
            out = out.replacen(&format!("{{{name}}}"), &value(name)?, 1);
        }
        if text.starts_with('{') && names.first().is_some_and(|first| !NAMES.contains(first)) {
            out = capital(&out);
        }
        // A quoted sentence brings its own full stop.
        Some([".”.", "!”.", "?”."].iter().fold(out, |out, twice| out.replace(twice, twice.trim_end_matches('.'))))
    }
}
