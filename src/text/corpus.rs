//! Texts taken apart into terms once, for all the fits of a training: a fit then counts and weighs whole numbers.
//!
//! A word is taken apart into its fragments where it is met first. Terms of fewer texts than any fit may keep are
//! forgotten, and those left are numbered in the order of their columns.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::terms::{Rows, Rule, Terms, each_fragment, inverse_frequency, weigh, words};

/// The terms of some texts.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Words and pairs in byte order, then fragments in byte order.
    names: Vec<String>,
    /// Where the fragments begin.
    words: u32,
    /// Text i has the cells `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
    /// Number of a term and how often the text has it; within a text terms ascend.
    cells: Vec<(u32, u32)>,
}

/// What the texts of one fit have in common: which terms are columns, and how much each weighs.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The column of each term of the corpus; [`LEFT_OUT`] where it has none.
    columns: Vec<u32>,
    /// Terms by column.
    terms: Vec<u32>,
    /// Inverse document frequency by column.
    idf: Vec<f32>,
    /// Columns of words and pairs.
    words: usize,
}

const LEFT_OUT: u32 = u32::MAX;

type Numbers<K> = HashMap<K, u32, FixedState>;

/// Terms in the order in which they are met.
#[derive(Default)]
struct Met {
    /// Words by text: their place in `apart`.
    words: Numbers<String>,
    /// Each word's term, and the terms of its fragments.
    apart: Vec<(u32, Vec<u32>)>,
    /// By the words' places.
    pairs: Numbers<(u32, u32)>,
    fragments: Numbers<String>,
    terms: u32,
}

impl Met {
    fn word(&mut self, word: &str, fragments: bool) -> u32 {
        if let Some(place) = self.words.get(word) {
            return *place;
        }
        let own = next(&mut self.terms);
        let mut parts = Vec::new();
        if fragments {
            each_fragment(word, |fragment| {
                let known = self.fragments.get(fragment).copied();
                parts.push(known.unwrap_or_else(|| {
                    let term = next(&mut self.terms);
                    self.fragments.insert(fragment.to_owned(), term);
                    term
                }));
            });
        }
        let place = self.apart.len() as u32;
        self.apart.push((own, parts));
        self.words.insert(word.to_owned(), place);
        place
    }

    /// The terms of a lower-case text, repeats included.
    fn terms_of(&mut self, text: &str, fragments: bool) -> Vec<u32> {
        let (mut met, mut before) = (Vec::new(), None);
        for word in words(text).map(|at| &text[at]) {
            let place = self.word(word, fragments);
            let (own, parts) = &self.apart[place as usize];
            met.push(*own);
            met.extend(parts);
            if let Some(before) = before.replace(place) {
                let terms = &mut self.terms;
                met.push(*self.pairs.entry((before, place)).or_insert_with(|| next(terms)));
            }
        }
        met
    }

    /// The names of words and pairs, and those of fragments, each with its term.
    fn names(self, kept: impl Fn(u32) -> bool) -> [Vec<(String, u32)>; 2] {
        let mut places = vec![""; self.apart.len()];
        self.words.iter().for_each(|(word, place)| places[*place as usize] = word);
        let pairs = self.pairs.iter().filter(|(_, term)| kept(**term));
        let pairs = pairs.map(|((a, b), term)| (format!("{} {}", places[*a as usize], places[*b as usize]), *term));
        let words = self.words.iter().map(|(word, place)| (word.clone(), self.apart[*place as usize].0));
        let words = words.filter(|(_, term)| kept(*term)).chain(pairs).collect();
        let fragments = self.fragments.into_iter().filter(|(_, term)| kept(*term)).collect();
        let mut names: [Vec<(String, u32)>; 2] = [words, fragments];
        names.iter_mut().for_each(|names| names.sort_unstable());
        names
    }
}

fn next(terms: &mut u32) -> u32 {
    *terms += 1;
    *terms - 1
}

impl Corpus {
    /// No fit of these texts may keep terms of fewer than the rule's texts.
    pub fn of<'t>(texts: impl Iterator<Item = &'t str>, rule: Rule) -> Corpus {
        let mut met = Met::default();
        let (mut starts, mut cells, mut texts_with) = (vec![0], Vec::new(), Vec::new());
        for text in texts {
            let mut terms = met.terms_of(&text.to_lowercase(), rule.fragments);
            terms.sort_unstable();
            cells.extend(terms.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)));
            texts_with.resize(met.terms as usize, 0u32);
            let from = starts[starts.len() - 1];
            cells[from..].iter().for_each(|(term, _): &(u32, u32)| texts_with[*term as usize] += 1);
            starts.push(cells.len());
        }
        let [words, fragments] = met.names(|term| texts_with[term as usize] >= rule.min_texts);
        let split = words.len() as u32;
        let mut numbers = vec![LEFT_OUT; texts_with.len()];
        let (names, terms): (Vec<String>, Vec<u32>) = words.into_iter().chain(fragments).unzip();
        (0..).zip(terms).for_each(|(number, term)| numbers[term as usize] = number);
        let mut corpus = Corpus { names, words: split, starts: vec![0], cells: Vec::with_capacity(cells.len()) };
        for text in starts.windows(2) {
            let from = corpus.cells.len();
            let known = cells[text[0]..text[1]].iter().map(|(term, times)| (numbers[*term as usize], *times));
            corpus.cells.extend(known.filter(|(number, _)| *number != LEFT_OUT));
            corpus.cells[from..].sort_unstable();
            corpus.starts.push(corpus.cells.len());
        }
        corpus
    }

    fn text(&self, text: usize) -> &[(u32, u32)] {
        &self.cells[self.starts[text]..self.starts[text + 1]]
    }

    pub fn texts(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The terms that at least so many of the texts have, weighed by how many do.
    pub fn select(&self, texts: &[usize], min_texts: u32) -> Selection {
        let mut texts_with = vec![0u32; self.names.len()];
        texts.iter().flat_map(|text| self.text(*text)).for_each(|(term, _)| texts_with[*term as usize] += 1);
        let mut columns = vec![LEFT_OUT; self.names.len()];
        let terms: Vec<u32> = (0..self.names.len() as u32)
            .filter(|term| (min_texts.max(1)..).contains(&texts_with[*term as usize]))
            .collect();
        (0..).zip(&terms).for_each(|(column, term)| columns[*term as usize] = column);
        let total = texts.len() as u32;
        Selection {
            idf: terms.iter().map(|term| inverse_frequency(texts_with[*term as usize], total)).collect(),
            words: terms.partition_point(|term| *term < self.words),
            columns,
            terms,
        }
    }

    /// The cells of a text as [`Terms::row`] of the selected terms gives them.
    pub fn row(&self, selection: &Selection, text: usize) -> Vec<(u32, f32)> {
        let columns = self.text(text).iter().map(|(term, times)| (selection.columns[*term as usize], *times));
        weigh(columns.filter(|(column, _)| *column != LEFT_OUT), &selection.idf, selection.words)
    }

    pub fn rows(&self, selection: &Selection, texts: &[usize]) -> Rows {
        let mut rows = Rows::new(selection.terms.len());
        texts.iter().for_each(|text| rows.push(&self.row(selection, *text)));
        rows
    }

    /// The selected terms by name.
    pub fn terms(&self, selection: &Selection) -> Terms {
        let named = selection.terms.iter().map(|term| self.names[*term as usize].clone());
        let mut words: Vec<(String, f32)> = named.zip(selection.idf.iter().copied()).collect();
        let fragments = words.split_off(selection.words);
        Terms::of(words, fragments)
    }
}

impl Terms {
    /// The terms of at least [`Rule::min_texts`] of the texts.
    pub fn learn<'t>(texts: impl Iterator<Item = &'t str>, rule: Rule) -> Terms {
        let corpus = Corpus::of(texts, rule);
        let all: Vec<usize> = (0..corpus.texts()).collect();
        corpus.terms(&corpus.select(&all, rule.min_texts))
    }
}
