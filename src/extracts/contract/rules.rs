//! The rules that a single value must keep, in the words that `rejected_rows` and error messages use.

use super::schema::Column;
use super::settings::Settings;
use crate::vocabulary::{Day, Moment};

pub(in crate::extracts) const NULL: &str = "must not be null";
pub(super) const BLANK: &str = "must not be blank";
pub(super) const CONTROL: &str = "must not contain control characters";
pub(super) const FINITE: &str = "must be a finite number";
pub(in crate::extracts) const DUPLICATE: &str = "must be unique; another row with this key was kept";
pub(in crate::extracts) const PARTITION: &str = "must equal the date in the file's path";

/// The rule that a text breaks, if any; what people wrote at length may hold anything.
pub(in crate::extracts) fn text_fault(column: &Column, value: &str, settings: &Settings) -> Option<String> {
    if column.free_text {
        return None;
    }
    if is_blank(value) {
        return Some(BLANK.into());
    }
    if let Some(words) = column.words {
        return (!words.contains(&value)).then(|| word_rule(words, value));
    }
    if !column.is_id {
        return None;
    }
    if value.len() > settings.max_id_bytes {
        return Some(format!("must be at most {} bytes long", settings.max_id_bytes));
    }
    // Control characters beyond ASCII begin with a byte above it.
    let suspect = value.bytes().any(|byte| !(b' '..0x7f).contains(&byte));
    (suspect && value.chars().any(char::is_control)).then(|| CONTROL.into())
}

/// Whether a text holds nothing but white space, which beyond ASCII begins with a byte above it.
#[inline]
pub(in crate::extracts) fn is_blank(text: &str) -> bool {
    text.bytes().next().is_none_or(|first| !(b'!'..0x80).contains(&first)) && text.trim().is_empty()
}

fn word_rule(words: &[&str], value: &str) -> String {
    let near = words
        .iter()
        .map(|word| (strsim::jaro_winkler(&value.to_lowercase(), word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map(|(_, word)| format!("; did you mean `{word}`?")).unwrap_or_default();
    format!("must be one of {}{hint}", words.join(", "))
}

/// The rule that a number breaks, if any.
pub(in crate::extracts) fn num_fault(column: &Column, value: f64) -> Option<String> {
    if !value.is_finite() {
        return Some(FINITE.into());
    }
    column.bounds.filter(|bounds| !bounds.holds(value)).map(|bounds| bounds.rule())
}

/// Whether a number breaks no rule.
#[inline]
pub(in crate::extracts) fn is_sound(column: &Column, value: f64) -> bool {
    value.is_finite() && column.bounds.is_none_or(|bounds| bounds.holds(value))
}

/// The rule that a day breaks, if any.
#[inline]
pub(in crate::extracts) fn day_fault(day: Day, settings: &Settings) -> Option<String> {
    let plausible = settings.earliest_day <= day && day <= settings.latest_day;
    (!plausible).then(|| format!("must lie between {} and {}", settings.earliest_day, settings.latest_day))
}

/// Whether a day lies after the run's day and is a day at all: what is absurd is a fault, not the future.
#[inline]
pub(in crate::extracts) fn is_future(day: Day, as_of: Day, settings: &Settings) -> bool {
    as_of < day && day <= settings.latest_day
}

/// The day on which a row became visible: not before it was recorded, and not before it happened.
#[inline]
pub(in crate::extracts) fn known_day(recorded: Option<Moment>, event: Option<Day>) -> Day {
    let recorded = recorded.map_or(Day::MIN, Moment::day);
    event.map_or(recorded, |event| event.max(recorded))
}
