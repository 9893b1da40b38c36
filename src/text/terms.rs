//! Texts as sparse rows: TF-IDF of words, pairs of words and, if wanted, fragments of words.
//!
//! The weighting is scikit-learn's with `sublinear_tf` (1 + ln count) × (1 + ln((1 + texts) / (1 + texts with the
//! term))), each block of a row scaled to length 1, so that the two can be held against each other. linfa-preprocessing
//! is not used: it has no sublinear counts and no fragments inside words, and it keeps dense columns of documents.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;
use linfa::dataset::Records;

/// Shortest and longest fragment, in characters; a word's edge counts as one, written as a space.
const FRAGMENTS: std::ops::RangeInclusive<usize> = 3..=5;

/// What counts as a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Fragments of 3 to 5 characters inside words stand beside words and pairs: they survive typing errors, inflection
    /// and compounds.
    pub fragments: bool,
    /// Terms of fewer texts are left out.
    pub min_texts: u32,
}

/// The terms of a training with their weights; a term's position is its column.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Words and pairs in byte order, then fragments in byte order.
    names: Vec<String>,
    /// Where the fragments begin.
    words: usize,
    /// Inverse document frequency by column.
    idf: Vec<f32>,
    known: HashMap<String, Word, FixedState>,
    /// Columns by the numbers of two words in a row.
    pairs: HashMap<(u32, u32), u32, FixedState>,
    fragments: HashMap<String, u32, FixedState>,
}

/// A word that is a term or stands in a pair, with all that follows from it alone.
#[derive(Clone, Debug)]
struct Word {
    number: u32,
    /// The column of the word itself, if it is a term, and those of its fragments, repeats included.
    columns: Vec<u32>,
}

/// Sparse rows: row i has the columns and values `starts[i]..starts[i + 1]`, columns ascending.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub starts: Vec<u32>,
    pub columns: Vec<u32>,
    pub values: Vec<f32>,
    pub width: usize,
}

impl Rows {
    /// No rows yet.
    pub fn new(width: usize) -> Rows {
        Rows { starts: vec![0], columns: Vec::new(), values: Vec::new(), width }
    }

    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns and values of one row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
        (&self.columns[range.clone()], &self.values[range])
    }

    pub fn push(&mut self, cells: &[(u32, f32)]) {
        self.columns.extend(cells.iter().map(|cell| cell.0));
        self.values.extend(cells.iter().map(|cell| cell.1));
        self.starts.push(self.columns.len() as u32);
    }
}

impl Records for Rows {
    type Elem = f32;

    fn nsamples(&self) -> usize {
        self.len()
    }

    fn nfeatures(&self) -> usize {
        self.width
    }
}

/// Words of a text in lower case: runs of letters, digits and underscores.
///
/// ```
/// use foothold::text::terms::words;
/// let text = "we haven't 2 seats!";
/// let found: Vec<&str> = words(text).map(|at| &text[at]).collect();
/// assert_eq!(found, ["we", "haven", "t", "2", "seats"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(inside)?;
        let end = text[start..].find(|c| !inside(c)).map_or(text.len(), |length| start + length);
        rest = end;
        Some(start..end)
    })
}

/// `" se"`, `"sea"` … of `" seats "`; a word with its edges shorter than a length is one fragment of it.
pub(super) fn each_fragment(word: &str, mut found: impl FnMut(&str)) {
    let edged = format!(" {word} ");
    let edges: Vec<usize> = edged.char_indices().map(|(at, _)| at).chain([edged.len()]).collect();
    let letters = edges.len() - 1;
    for length in FRAGMENTS {
        (0..=letters.saturating_sub(length))
            .for_each(|from| found(&edged[edges[from]..edges[(from + length).min(letters)]]));
        if length >= letters {
            break;
        }
    }
}

impl Terms {
    /// Terms at hand: words and pairs, then fragments, each with its inverse document frequency.
    pub fn of(words: Vec<(String, f32)>, fragments: Vec<(String, f32)>) -> Terms {
        let split = words.len();
        let (names, idf): (Vec<String>, Vec<f32>) = words.into_iter().chain(fragments).unzip();
        let mut terms = Terms { words: split, idf, ..Terms::default() };
        terms.fragments = (split as u32..).zip(&names[split..]).map(|(column, name)| (name.clone(), column)).collect();
        for (column, name) in (0..).zip(&names[..split]) {
            match name.split_once(' ') {
                Some((first, second)) => {
                    let pair = (terms.number(first), terms.number(second));
                    terms.pairs.insert(pair, column);
                }
                None => {
                    terms.number(name);
                    terms.known.entry(name.clone()).and_modify(|word| word.columns.insert(0, column));
                }
            }
        }
        Terms { names, ..terms }
    }

    /// The number of a word that is known from now on.
    fn number(&mut self, word: &str) -> u32 {
        if let Some(known) = self.known.get(word) {
            return known.number;
        }
        let (number, columns) = (self.known.len() as u32, self.columns_of_fragments(word));
        self.known.insert(word.to_owned(), Word { number, columns });
        number
    }

    fn columns_of_fragments(&self, word: &str) -> Vec<u32> {
        let mut columns = Vec::new();
        if !self.fragments.is_empty() {
            each_fragment(word, |fragment| columns.extend(self.fragments.get(fragment)));
        }
        columns
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Words and pairs with their inverse document frequencies.
    pub fn words(&self) -> impl Iterator<Item = (&str, f32)> {
        self.all().take(self.words)
    }

    /// Fragments with their inverse document frequencies; a space is a word's edge.
    pub fn fragments(&self) -> impl Iterator<Item = (&str, f32)> {
        self.all().skip(self.words)
    }

    fn all(&self) -> impl Iterator<Item = (&str, f32)> {
        self.names.iter().map(String::as_str).zip(self.idf.iter().copied())
    }

    /// The cells of one text, columns ascending; terms that the training did not meet count nothing.
    pub fn row(&self, text: &str) -> Vec<(u32, f32)> {
        let (text, mut met, mut before) = (text.to_lowercase(), Vec::new(), None);
        for word in words(&text).map(|at| &text[at]) {
            let known = self.known.get(word);
            match known {
                Some(known) => met.extend(&known.columns),
                None => met.extend(self.columns_of_fragments(word)),
            }
            let number = known.map(|known| known.number);
            met.extend(before.zip(number).and_then(|pair| self.pairs.get(&pair)));
            before = number;
        }
        met.sort_unstable();
        let runs = met.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32));
        weigh(runs, &self.idf, self.words)
    }

    /// One row per text.
    pub fn rows<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Rows {
        let mut rows = Rows::new(self.len());
        texts.for_each(|text| rows.push(&self.row(text)));
        rows
    }

    /// The columns that one word stands behind by itself, as a word and by its fragments.
    pub fn columns_of(&self, word: &str) -> Vec<u32> {
        self.known.get(word).map_or_else(|| self.columns_of_fragments(word), |known| known.columns.clone())
    }

    /// The column of two words in a row.
    pub fn column_of_pair(&self, first: &str, second: &str) -> Option<u32> {
        let pair = (self.known.get(first)?.number, self.known.get(second)?.number);
        self.pairs.get(&pair).copied()
    }
}

/// ln((1 + texts) / (1 + texts with the term)) + 1.
pub(super) fn inverse_frequency(texts_with: u32, texts: u32) -> f32 {
    (f64::from(1 + texts) / f64::from(1 + texts_with)).ln() as f32 + 1.0
}

/// The cells of a row from its columns, ascending, and how often each was met; those before `words` are of words.
pub(super) fn weigh(met: impl Iterator<Item = (u32, u32)>, idf: &[f32], words: usize) -> Vec<(u32, f32)> {
    let weighed = met.map(|(column, times)| (column, (1.0 + (times as f32).ln()) * idf[column as usize]));
    let mut cells: Vec<(u32, f32)> = weighed.collect();
    let split = cells.partition_point(|cell| (cell.0 as usize) < words);
    let (words, fragments) = cells.split_at_mut(split);
    [words, fragments].into_iter().for_each(to_length_one);
    cells
}

fn to_length_one(cells: &mut [(u32, f32)]) {
    let length = cells.iter().map(|cell| cell.1 * cell.1).sum::<f32>().sqrt();
    if length > 0.0 {
        cells.iter_mut().for_each(|cell| cell.1 /= length);
    }
}
