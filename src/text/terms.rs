//! Texts as sparse rows: TF-IDF of words, pairs of words and, if wanted, fragments of words.
//!
//! The weighting is scikit-learn's with `sublinear_tf` (1 + ln count) × (1 + ln((1 + texts) / (1 + texts with the
//! term))), each block of a row scaled to length 1, so that the two can be held against each other. linfa-preprocessing
//! is not used: it has no sublinear counts and no fragments inside words, and it keeps dense columns of documents.

use std::collections::HashMap;
use std::ops::Range;

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

/// A row's two blocks, each scaled to length 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Block {
    Words,
    Fragments,
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
    columns: [HashMap<String, u32>; 2],
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

/// Passes on every term of a lower-case text, repeats included.
fn each_term(text: &str, fragments: bool, mut found: impl FnMut(Block, &str)) {
    let mut pair = String::new();
    let mut before: Option<&str> = None;
    for word in words(text).map(|at| &text[at]) {
        found(Block::Words, word);
        if let Some(before) = before {
            pair.clear();
            pair.extend([before, " ", word]);
            found(Block::Words, &pair);
        }
        if fragments {
            each_fragment(word, |fragment| found(Block::Fragments, fragment));
        }
        before = Some(word);
    }
}

/// `" se"`, `"sea"` … of `" seats "`; a word with its edges shorter than a length is one fragment of it.
fn each_fragment(word: &str, mut found: impl FnMut(&str)) {
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
    /// The terms of at least [`Rule::min_texts`] of the texts.
    pub fn learn<'t>(texts: impl Iterator<Item = &'t str>, rule: Rule) -> Terms {
        let mut known: [HashMap<String, (u32, u32)>; 2] = Default::default();
        let mut total = 0;
        for text in texts {
            total += 1;
            each_term(&text.to_lowercase(), rule.fragments, |block, term| match known[block as usize].get_mut(term) {
                Some((_, last)) if *last == total => {}
                Some((texts, last)) => (*texts, *last) = (*texts + 1, total),
                None => drop(known[block as usize].insert(term.to_owned(), (1, total))),
            });
        }
        let idf = |texts: u32| (f64::from(1 + total) / f64::from(1 + texts)).ln() as f32 + 1.0;
        let [words, fragments] = known.map(|known| {
            let often = known.into_iter().filter(|(_, (texts, _))| *texts >= rule.min_texts);
            let mut terms: Vec<(String, f32)> = often.map(|(term, (texts, _))| (term, idf(texts))).collect();
            terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            terms
        });
        Terms::of(words, fragments)
    }

    /// Terms at hand: words and pairs, then fragments, each with its inverse document frequency.
    pub fn of(words: Vec<(String, f32)>, fragments: Vec<(String, f32)>) -> Terms {
        let split = words.len();
        let (names, idf): (Vec<String>, Vec<f32>) = words.into_iter().chain(fragments).unzip();
        let places = |range: Range<usize>| range.map(|at| (names[at].clone(), at as u32)).collect();
        let columns = [places(0..split), places(split..names.len())];
        Terms { columns, names, words: split, idf }
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
        let mut met: Vec<u32> = Vec::new();
        let fragments = self.words < self.names.len();
        each_term(&text.to_lowercase(), fragments, |block, term| met.extend(self.columns[block as usize].get(term)));
        met.sort_unstable();
        let weigh = |run: &[u32]| (run[0], (1.0 + (run.len() as f32).ln()) * self.idf[run[0] as usize]);
        let mut cells: Vec<(u32, f32)> = met.chunk_by(|a, b| a == b).map(weigh).collect();
        let split = cells.partition_point(|cell| (cell.0 as usize) < self.words);
        let (words, fragments) = cells.split_at_mut(split);
        [words, fragments].into_iter().for_each(to_length_one);
        cells
    }

    /// One row per text.
    pub fn rows<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Rows {
        let mut rows = Rows::new(self.len());
        texts.for_each(|text| rows.push(&self.row(text)));
        rows
    }

    /// The columns that one word stands behind by itself, as a word and by its fragments.
    pub fn columns_of(&self, word: &str) -> Vec<u32> {
        let mut columns: Vec<u32> = self.columns[0].get(word).copied().into_iter().collect();
        if self.words < self.names.len() {
            each_fragment(word, |fragment| columns.extend(self.columns[1].get(fragment)));
        }
        columns
    }

    /// The column of two words in a row.
    pub fn column_of_pair(&self, first: &str, second: &str) -> Option<u32> {
        self.columns[0].get(&format!("{first} {second}")).copied()
    }
}

fn to_length_one(cells: &mut [(u32, f32)]) {
    let length = cells.iter().map(|cell| cell.1 * cell.1).sum::<f32>().sqrt();
    if length > 0.0 {
        cells.iter_mut().for_each(|cell| cell.1 /= length);
    }
}
