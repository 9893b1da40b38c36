//! Rows of a big table on their way into packed runs: each thread gathers the rows of one chunk of files, packs them
//! when there are many, and hands its buffer on when it turns to another chunk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::vocabulary::{AccountIx, Day, Moment};

/// Not recorded: the row is known from its own day.
pub const UNRECORDED: Moment = Moment(i64::MIN);

/// Told of each row that shares its key and recording with one that stays.
pub type Refuse<'a, Row> = &'a mut dyn FnMut(Row);

/// What was counted of some rows that the run's day sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub visible: u64,
    pub accepted: u64,
    /// Accepted rows that leave out their optional column.
    pub nulls: u64,
    pub oldest: Day,
    pub newest: Day,
    /// The last day of recording; none where nothing was recorded.
    pub recorded: Option<Day>,
}

impl Default for Count {
    fn default() -> Count {
        Count { visible: 0, accepted: 0, nulls: 0, oldest: Day::MAX, newest: Day::MIN, recorded: None }
    }
}

impl Count {
    pub fn and(self, other: Count) -> Count {
        Count {
            visible: self.visible + other.visible,
            accepted: self.accepted + other.accepted,
            nulls: self.nulls + other.nulls,
            oldest: self.oldest.min(other.oldest),
            newest: self.newest.max(other.newest),
            recorded: self.recorded.max(other.recorded),
        }
    }

    /// Notes an accepted row.
    #[inline]
    pub fn accept(&mut self, day: Day, recorded: Moment) {
        self.accepted += 1;
        self.oldest = self.oldest.min(day);
        self.newest = self.newest.max(day);
        if recorded != UNRECORDED {
            self.recorded = self.recorded.max(Some(recorded.day()));
        }
    }

    pub fn newest_day(self) -> Option<Day> {
        (self.accepted > 0).then_some(self.newest)
    }
}

/// What rows are packed into. Runs may be cut and merged in any way: the same rows come to the same run.
pub trait Rollup: Default + Send + Sync {
    type Row: Copy + Send;

    /// Sorts rows and packs them; `rows` is left empty.
    fn seal(rows: &mut Vec<Self::Row>, refuse: Refuse<Self::Row>) -> Self;

    /// One run of all.
    fn merge(runs: &[Self], refuse: Refuse<Self::Row>) -> Self;

    /// One run for each range of accounts; `starts` are their first ones.
    fn cut(self, starts: &[AccountIx]) -> Vec<Self>;
}

/// A chunk of more runs than this is merged: each night adds one to the chunk of its day.
const MAX_RUNS: usize = 6;

/// Everything gathered so far, from any number of threads.
pub struct Gathering<R: Rollup> {
    /// Rows that a thread packs at once.
    limit: usize,
    /// Buffers that no thread holds, with the chunk of their rows; there are never more than threads.
    idle: Mutex<Vec<(usize, Vec<R::Row>)>>,
    chunks: Vec<Chunk<R>>,
}

struct Chunk<R> {
    /// Those of earlier nights, then those of rows read now.
    runs: Mutex<Vec<R>>,
    /// How many of the runs an earlier night packed, and what was counted of them.
    kept: Mutex<(usize, Count)>,
    /// Of the rows read now.
    count: Mutex<Count>,
    /// Whether a row of it was left out for any reason.
    incomplete: AtomicBool,
}

impl<R: Rollup> Gathering<R> {
    pub fn new(chunks: usize, limit: usize) -> Gathering<R> {
        let chunk = || Chunk {
            runs: Mutex::default(),
            kept: Mutex::default(),
            count: Mutex::default(),
            incomplete: AtomicBool::new(false),
        };
        Gathering { limit, idle: Mutex::default(), chunks: std::iter::repeat_with(chunk).take(chunks).collect() }
    }

    /// Lets `work` add rows of a chunk and say what it saw.
    pub fn add(&self, chunk: usize, refuse: &dyn Fn(R::Row), work: impl FnOnce(&mut Vec<R::Row>) -> Count) {
        let (owner, mut rows) = self.take(chunk);
        if owner != chunk {
            self.seal(owner, &mut rows, refuse);
        }
        self.count(chunk, work(&mut rows));
        if rows.len() >= self.limit {
            self.seal(chunk, &mut rows, refuse);
        }
        lock(&self.idle).push((chunk, rows));
    }

    fn take(&self, chunk: usize) -> (usize, Vec<R::Row>) {
        let mut idle = lock(&self.idle);
        let place = idle.iter().position(|(owner, _)| *owner == chunk);
        place.map(|place| idle.swap_remove(place)).or_else(|| idle.pop()).unwrap_or((chunk, Vec::new()))
    }

    fn seal(&self, chunk: usize, rows: &mut Vec<R::Row>, refuse: &dyn Fn(R::Row)) {
        if !rows.is_empty() {
            let run = R::seal(rows, &mut |row| {
                self.leave_out(chunk);
                refuse(row);
            });
            lock(&self.chunks[chunk].runs).push(run);
        }
    }

    /// Adds what an earlier night packed of a chunk, before any row of it is read.
    pub fn add_runs(&self, chunk: usize, runs: Vec<R>, count: Count) {
        let mut kept = lock(&self.chunks[chunk].kept);
        *kept = (kept.0 + runs.len(), kept.1.and(count));
        lock(&self.chunks[chunk].runs).extend(runs);
    }

    fn count(&self, chunk: usize, more: Count) {
        let mut count = lock(&self.chunks[chunk].count);
        *count = count.and(more);
    }

    /// What was counted of all rows so far, those of earlier nights among them.
    pub fn counted(&self) -> Count {
        let of = |chunk: &Chunk<R>| lock(&chunk.kept).1.and(*lock(&chunk.count));
        self.chunks.iter().fold(Count::default(), |sum, chunk| sum.and(of(chunk)))
    }

    /// Notes that a row of the chunk is not among its runs.
    pub fn leave_out(&self, chunk: usize) {
        self.chunks[chunk].incomplete.store(true, Ordering::Relaxed);
    }

    /// The runs of each chunk, in order.
    pub fn finish(self, refuse: &(dyn Fn(R::Row) + Sync)) -> Vec<Gathered<R>> {
        use rayon::prelude::*;
        for (chunk, mut rows) in std::mem::take(&mut *lock(&self.idle)) {
            self.seal(chunk, &mut rows, refuse);
        }
        let chunks: Vec<(usize, Chunk<R>)> = self.chunks.into_iter().enumerate().collect();
        chunks.into_par_iter().map(|(number, chunk)| chunk.merged(number, refuse)).collect()
    }
}

/// What a chunk came to.
pub struct Gathered<R> {
    pub chunk: usize,
    pub runs: Vec<R>,
    /// How many of the runs, from the first, stand as they were kept.
    kept: usize,
    /// What was counted of all rows, and of those that were read now.
    pub count: Count,
    read: Count,
    /// Whether the runs hold every row of the chunk.
    pub complete: bool,
}

impl<R> Gathered<R> {
    /// Whether runs that were kept stand as they are, so that only what is new need be kept beside them.
    pub fn adds(&self) -> bool {
        self.kept > 0
    }

    /// The runs that are not kept yet, and what was counted of their rows.
    pub fn news(&self) -> (&[R], Count) {
        (&self.runs[self.kept..], if self.adds() { self.read } else { self.count })
    }
}

impl<R: Rollup> Chunk<R> {
    fn merged(self, chunk: usize, refuse: &dyn Fn(R::Row)) -> Gathered<R> {
        let mut runs = self.runs.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut complete = !self.incomplete.into_inner();
        let (mut kept, of_kept) = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        if runs.len() > MAX_RUNS {
            let merged = R::merge(&runs, &mut |row| {
                complete = false;
                refuse(row);
            });
            (runs, kept) = (vec![merged], 0);
        }
        let read = self.count.into_inner().unwrap_or_else(PoisonError::into_inner);
        Gathered { chunk, runs, kept, count: read.and(of_kept), read, complete }
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
