//! Reading a table's files: footers first, then every row group once, decoded side by side while the next is fetched.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::record_batch::RecordBatch;

use super::found::Source;
use super::parquet_file::{Fault, ParquetFile, RowGroupFetch, TAIL_BYTES};
use crate::extracts::contract::error::{Error, Problem};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::Table;

/// Rows of a table decoded so far.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub table: InputTable,
    pub rows: u64,
    /// Much was freed just now: a good moment to hand it back to the system.
    pub freed: bool,
}

/// Told after every batch, from any thread, and once after tables that were read together.
pub type ProgressOf<'a> = &'a (dyn Fn(Progress) + Sync);

/// Footers on their way at once.
const FOOTERS_AHEAD: usize = 32;

/// Opens files of a table and checks their columns; problems of all files are collected.
pub fn open(table: &Table, sources: Vec<Source>, problems: &mut Vec<Problem>) -> Result<Vec<ParquetFile>, Error> {
    let mut files = Vec::new();
    let mut waiting = sources.into_iter();
    let mut ahead: VecDeque<_> = waiting.by_ref().take(FOOTERS_AHEAD).map(fetch_tail).collect();
    while let Some((source, fetch)) = ahead.pop_front() {
        ahead.extend(waiting.next().map(fetch_tail));
        let tail = fetch.wait()?.pop().unwrap_or_default();
        match ParquetFile::open(source, table, tail) {
            Ok(file) => files.push(file),
            Err(Fault::Contract(found)) => problems.extend(found),
            Err(Fault::Store(e)) => return Err(e.into()),
        }
    }
    Ok(files)
}

fn fetch_tail(source: Source) -> (Source, crate::store::Fetch) {
    let size = source.object.bytes;
    let wanted = (size > 0).then(|| size.saturating_sub(TAIL_BYTES)..size);
    let fetch = source.store.fetch(&source.object, wanted);
    (source, fetch)
}

/// Shows every batch of every file to `visit`, with the file's position; in no particular order.
pub fn scan(
    table: &'static Table,
    files: &[ParquetFile],
    progress: ProgressOf,
    visit: &(dyn Fn(usize, &RecordBatch) + Sync),
) -> Result<Vec<Problem>, Error> {
    let groups: Vec<(usize, usize)> =
        files.iter().enumerate().flat_map(|(file, f)| (0..f.row_groups()).map(move |group| (file, group))).collect();
    let work = Work {
        table,
        files,
        groups,
        next: AtomicUsize::new(0),
        rows: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        faults: Mutex::default(),
        progress,
    };
    let threads = rayon::current_num_threads().clamp(1, work.groups.len().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work.run(visit));
        }
        work.run(visit);
    });
    let mut problems = Vec::new();
    for fault in work.faults.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match fault {
            Fault::Store(e) => return Err(e.into()),
            Fault::Contract(found) => problems.extend(found),
        }
    }
    problems.sort_by(|a, b| (&a.place, &a.reason).cmp(&(&b.place, &b.reason)));
    problems.dedup_by(|a, b| a.place == b.place);
    Ok(problems)
}

/// Row groups that several threads take one by one.
struct Work<'a> {
    table: &'static Table,
    files: &'a [ParquetFile],
    groups: Vec<(usize, usize)>,
    next: AtomicUsize,
    rows: AtomicUsize,
    stopped: AtomicBool,
    faults: Mutex<Vec<Fault>>,
    progress: ProgressOf<'a>,
}

impl Work<'_> {
    fn run(&self, visit: &(dyn Fn(usize, &RecordBatch) + Sync)) {
        let mut ahead = self.start_next();
        while let Some((file, fetch)) = ahead {
            ahead = self.start_next();
            let decoded = self.files[file].decode(self.table, fetch, &mut |batch| {
                visit(file, batch);
                let rows = self.rows.fetch_add(batch.num_rows(), Ordering::Relaxed) + batch.num_rows();
                (self.progress)(Progress { table: self.table.table, rows: rows as u64, freed: false });
            });
            if let Err(fault) = decoded {
                self.fail(fault);
            }
        }
    }

    /// Takes the next row group and starts to fetch it.
    fn start_next(&self) -> Option<(usize, RowGroupFetch)> {
        while !self.stopped.load(Ordering::Relaxed) {
            let (file, group) = *self.groups.get(self.next.fetch_add(1, Ordering::Relaxed))?;
            match self.files[file].fetch(self.table, group) {
                Ok(fetch) => return Some((file, fetch)),
                Err(fault) => self.fail(fault),
            }
        }
        None
    }

    /// Content faults are collected to the end; a store that fails ends the scan.
    fn fail(&self, fault: Fault) {
        self.stopped.fetch_or(matches!(fault, Fault::Store(_)), Ordering::Relaxed);
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }
}
