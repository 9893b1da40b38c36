//! Months that are over: nothing more is expected of them, so their rows are packed once as the history holds them, and
//! the nights after put what is new behind them.
//!
//! They stand for themselves only where every row of theirs counts and all other rows are of later days. A file that
//! comes to one of them, or goes, makes a new set of files: then the months are put together again.

use xxhash_rust::xxh3::Xxh3;

use crate::extracts::delivered::found::Source;
use crate::extracts::delivered::read_file::KeptFile;
use crate::extracts::gathered::gather::{Count, Gathered};
use crate::vocabulary::Day;

/// A month is over for good so many days after its last: twice what rows may take to arrive.
const SETTLED_DAYS: i32 = 14;

/// Which of the chunks are months that are over.
pub fn settled(chunks: &[String], as_of: Day) -> Vec<bool> {
    let over = |name: &String| {
        let first: Option<Day> = format!("{name}-01").parse().ok();
        first.is_some_and(|first| first.plus_months(1).plus(SETTLED_DAYS) <= as_of)
    };
    chunks.iter().map(over).collect()
}

/// Names a set of delivered files.
pub fn files_of_sources<'a>(sources: impl Iterator<Item = &'a Source>) -> u64 {
    hash(sources.map(|source| (source.url(), source.delivered())).collect())
}

/// The same of files that were read.
pub fn files_of_kept(files: &[KeptFile]) -> u64 {
    hash(files.iter().map(|file| (file.url.clone(), (&*file.etag, file.bytes))).collect())
}

fn hash(mut files: Vec<(String, (&str, u64))>) -> u64 {
    files.sort_unstable();
    // An object that stands in pieces was delivered once.
    files.dedup();
    let mut hash = Xxh3::new();
    for (url, (etag, bytes)) in files {
        for text in [url.as_bytes(), etag.as_bytes()] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(&bytes.to_le_bytes());
    }
    hash.digest()
}

/// The runs of a load.
pub struct Runs<R> {
    /// What was counted of all rows.
    pub count: Count,
    /// Those of the months that are over, and what was counted of them, where they stand for themselves.
    pub over: Option<(Vec<R>, Count)>,
    pub rest: Vec<R>,
}

/// Puts the months apart that are over; `kept`: what was counted of them where they are taken as they are kept.
pub fn apart<R>(gathered: Vec<Gathered<R>>, settled: &[bool], kept: Option<Count>) -> Runs<R> {
    let sum = |count: Count, chunk: &Gathered<R>| count.and(chunk.count);
    let count = gathered.iter().fold(kept.unwrap_or_default(), sum);
    let (over, rest): (Vec<_>, Vec<_>) = gathered.into_iter().partition(|chunk| settled[chunk.chunk]);
    let [of_over, of_rest] = [&over, &rest].map(|chunks| chunks.iter().fold(Count::default(), sum));
    let whole = over.iter().all(|chunk| chunk.complete) && of_over.accepted > 0;
    let alone = whole && is_before(of_over, of_rest) && kept.is_none();
    let [mut over, mut rest] =
        [over, rest].map(|chunks| chunks.into_iter().flat_map(|chunk| chunk.runs).collect::<Vec<R>>());
    if !alone {
        over.append(&mut rest);
        return Runs { count, over: None, rest: over };
    }
    Runs { count, over: Some((over, of_over)), rest }
}

/// Whether all accepted rows of `one` are of earlier days than those of the `other`.
pub fn is_before(one: Count, other: Count) -> bool {
    other.accepted == 0 || one.newest < other.oldest
}
