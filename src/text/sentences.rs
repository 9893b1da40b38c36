//! Text as sentences: whitespace made even, boundaries found, negations noticed, quotes cut to length.

use std::ops::Range;

use crate::vocabulary::Text;

/// Longest quote, in characters.
pub const QUOTE_CHARS: usize = 200;

/// Words before a phrase that may turn it into its opposite.
const NEGATION_REACH: usize = 4;

const NEGATORS: [&str; 18] = [
    "not", "no", "never", "without", "isn't", "aren't", "wasn't", "weren't", "don't", "doesn't", "didn't", "won't",
    "wouldn't", "hasn't", "haven't", "nothing", "nowhere", "nor",
];

/// The first `max_chars` characters with even whitespace and straight apostrophes; an empty line becomes `\n`.
///
/// ```
/// use foothold::text::normalise;
/// assert_eq!(normalise("We can’t\n add  users.\n\n\nBye", 100), "We can't add users.\nBye");
/// assert_eq!(normalise("abcdef", 3), "abc");
/// ```
pub fn normalise(text: &str, max_chars: usize) -> String {
    let end = text.char_indices().nth(max_chars).map_or(text.len(), |(at, _)| at);
    let mut out = String::with_capacity(end);
    let mut lines = 0;
    let mut space = false;
    for letter in text[..end].chars() {
        match letter {
            '\n' => (lines, space) = (lines + 1, true),
            c if c.is_whitespace() => space = true,
            c => {
                if space && !out.is_empty() {
                    out.push(if lines > 1 { '\n' } else { ' ' });
                }
                (lines, space) = (0, false);
                out.push(if c == '\u{2019}' { '\'' } else { c });
            }
        }
    }
    out
}

/// Sentences of a normalised text, as byte ranges: up to `.`, `!` or `?` before a space, or an empty line.
///
/// ```
/// use foothold::text::sentences;
/// let text = "Version 2.5 is slow. Why?";
/// let found: Vec<&str> = sentences(text).into_iter().map(|at| &text[at]).collect();
/// assert_eq!(found, ["Version 2.5 is slow.", "Why?"]);
/// ```
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for at in 0..bytes.len() {
        let ends = match bytes[at] {
            b'\n' => true,
            b' ' => at > 0 && matches!(bytes[at - 1], b'.' | b'!' | b'?'),
            _ => false,
        };
        if ends {
            found.push(start..at);
            start = at + 1;
        }
    }
    found.push(start..bytes.len());
    found.retain(|range| !range.is_empty());
    found
}

/// Whether a match begins and ends at a word's edge; a plural `s` may follow it.
pub(super) fn whole_words(text: &str, start: usize, end: usize) -> bool {
    let word = |c: char| c.is_alphanumeric();
    let opens = !text[..start].ends_with(word);
    let rest = text[end..].strip_prefix(['s', 'S']).unwrap_or(&text[end..]);
    opens && (!text[end..].starts_with(word) || !rest.starts_with(word))
}

/// Whether what comes right before a phrase negates it: `we are not hitting …`, but not `if we don't get …`.
pub(super) fn negated(before: &str) -> bool {
    let clause = before.rsplit([',', ';', ':', '(']).next().unwrap_or(before).to_lowercase();
    let words: Vec<&str> = clause.split_whitespace().collect();
    let near = &words[words.len().saturating_sub(NEGATION_REACH)..];
    let Some(negator) = near.iter().rposition(|word| NEGATORS.contains(word)) else { return false };
    let conditional = words.iter().any(|word| matches!(*word, "if" | "unless" | "but"));
    let emphatic = near.get(negator + 1).is_some_and(|next| matches!(*next, "only" | "just"));
    !conditional && !emphatic
}

/// The sentence, or the part of it around byte `at`, in at most [`QUOTE_CHARS`] characters.
pub fn quote(sentence: &str, at: usize) -> Text {
    let sentence = sentence.trim();
    let length = sentence.chars().count();
    if length <= QUOTE_CHARS {
        return sentence.into();
    }
    let before = sentence.char_indices().take_while(|(position, _)| *position < at).count();
    let kept = QUOTE_CHARS - 2;
    let from = before.saturating_sub(kept / 3).min(length - kept);
    let middle: String = sentence.chars().skip(from).take(kept).collect();
    let (open, close) = (if from > 0 { "…" } else { "" }, if from + kept < length { "…" } else { "" });
    format!("{open}{}{close}", middle.trim()).into()
}
