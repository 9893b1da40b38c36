//! Cutting delivered tables into buckets, file by file, without ever holding one of them whole.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::roaming::{self, Roaming};
use super::writers::Writers;
use crate::extracts::contract::error::{Error, Problem};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::{MOST_PARTS, is_split, roaming_key};
use crate::extracts::contract::schema::Table;
use crate::extracts::contract::settings::Settings;
use crate::extracts::delivered::found::Origin;
use crate::extracts::delivered::found::{Found, Source, url_of};
use crate::extracts::delivered::index::{
    INDEX, Index, IndexedObject, IndexedTable, SHARED, VERSION, bucket_folder, piece_path,
};
use crate::extracts::delivered::locate;
use crate::extracts::delivered::parquet_file::{Fault, ParquetFile};
use crate::extracts::delivered::scan;
use crate::extracts::delivered::scan::{Progress, ProgressOf};
use crate::store::{Access, Store};

/// What a bucketizing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucketized {
    pub buckets: u32,
    /// Delivered rows by table.
    pub rows: BTreeMap<InputTable, u64>,
    /// Objects that were cut, and those that stood already.
    pub cut: usize,
    pub kept: usize,
}

/// Cuts every delivered table into `of` buckets under `into`; what stands there already and did not change stays.
///
/// # Errors
/// Everything that is wrong with the shape of the extracts, as loading them would tell; nothing is taken away then.
pub fn bucketize(
    settings: &Settings,
    access: &Access,
    into: &Store,
    of: u32,
    progress: ProgressOf,
) -> Result<Bucketized, Error> {
    let root = Store::open(&settings.url, access)?;
    if Index::read(&root)?.is_some() {
        let reason = "these extracts are buckets already".to_owned();
        let next = "bucketize the extracts as they were delivered".to_owned();
        return Err(Error::Buckets { place: root.url().to_owned(), reason, next });
    }
    if of == 0 || of > MOST_PARTS {
        let (place, next) = (into.url().to_owned(), "choose another number".to_owned());
        return Err(Error::Buckets { place, reason: format!("buckets must number 1 to {MOST_PARTS}, not {of}"), next });
    }
    let mut problems = Vec::new();
    let found = locate::find(settings, access, &root, &mut problems)?;
    if found.iter().all(|found| !found.is_delivered()) {
        return Err(nothing_there(root.url()));
    }
    let mut opened = Vec::with_capacity(found.len());
    for found in found {
        opened.push(Opened::new(found, &mut problems)?);
    }
    stop_at(problems)?;
    let before = Index::read(into).ok().flatten().filter(|index| index.of == of);
    let cutting = Cutting { into, of, progress, before: tags(before) };
    let tables = opened.into_iter().map(|table| cutting.table(table)).collect::<Result<Vec<_>, Error>>()?;
    let index = Index { version: VERSION, of, hash: format!("xxh3_64(account_id) mod {of} + 1"), tables };
    let text = serde_json::to_string_pretty(&index).expect("an index is plain data");
    into.put(INDEX, text)?;
    sweep(into, &index)?;
    Ok(cutting.told(&index))
}

fn nothing_there(place: &str) -> Error {
    Error::NotReady {
        place: place.to_owned(),
        reason: "no table stands here".into(),
        next: "check `extracts.url` in the job, or wait for the delivery and run again".into(),
    }
}

fn stop_at(problems: Vec<Problem>) -> Result<(), Error> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Contract(problems)) }
}

/// A delivered table whose columns were found to fit.
struct Opened {
    found: Found,
    /// Its Parquet files, in the order of `found.objects`.
    files: Vec<ParquetFile>,
}

impl Opened {
    fn new(found: Found, problems: &mut Vec<Problem>) -> Result<Opened, Error> {
        let parquet = found.objects.iter().filter(|object| object.is_parquet());
        let sources = parquet.flat_map(|object| &object.pieces).map(|piece| Source {
            store: found.store.clone(),
            object: piece.clone(),
            day: locate::path_day(found.table, &piece.path),
            chunk: 0,
            origin: None,
        });
        let files = scan::open(found.table, sources.collect(), problems)?;
        Ok(Opened { found, files })
    }
}

/// Pieces that stand already, by table and tag.
type Standing = BTreeMap<(InputTable, String), Vec<u32>>;

fn tags(index: Option<Index>) -> Standing {
    let tables = index.into_iter().flat_map(|index| index.tables);
    tables
        .flat_map(|table| table.objects.into_iter().map(move |object| ((table.table, object.tag), object.pieces)))
        .collect()
}

struct Cutting<'a> {
    into: &'a Store,
    of: u32,
    progress: ProgressOf<'a>,
    before: Standing,
}

type Cut = (ParquetFile, ArrowReaderMetadata);

impl Cutting<'_> {
    fn table(&self, opened: Opened) -> Result<IndexedTable, Error> {
        let Opened { found, files } = opened;
        let table = found.table;
        let files: Vec<Cut> = files
            .into_iter()
            .map(|file| Ok((file.schema_as_written(table)?, file)))
            .map(|opened: Result<_, Fault>| opened.map(|(written, file)| (file, written)))
            .collect::<Result<_, Fault>>()
            .map_err(told)?;
        let tags = self.tags(table, &files);
        let missing = |tag: &String| !self.before.contains_key(&(table.table, tag.clone()));
        let roaming = match roaming_key(table).filter(|_| tags.iter().any(missing)) {
            Some(key) => roaming::find(table, key, &files, self.of).map_err(told)?,
            None => Roaming::new(),
        };
        let cut: Vec<(String, Origin, Vec<u32>)> = (files.par_iter().zip(tags))
            .map(|(file, tag)| {
                let known = self.before.get(&(table.table, tag.clone())).cloned();
                let pieces = known.map_or_else(|| self.cut(table, file, &tag, &roaming), Ok)?;
                Ok((tag, origin(&file.0), pieces))
            })
            .collect::<Result<_, Error>>()?;
        Ok(self.indexed(&found, cut))
    }

    /// A tag per file: of its own address and etag, and of every file's where a row's bucket depends on all of them.
    fn tags(&self, table: &Table, files: &[Cut]) -> Vec<String> {
        let own = |(file, _): &Cut| format!("{} {} {}", file.source.url(), file.source.object.etag, self.of);
        let all = roaming_key(table).map_or_else(String::new, |_| files.iter().map(own).collect::<Vec<_>>().join("\n"));
        files.iter().map(|file| format!("{:016x}", xxh3_64(format!("{}\n{all}", own(file)).as_bytes()))).collect()
    }

    fn cut(&self, table: &'static Table, file: &Cut, tag: &str, roaming: &Roaming) -> Result<Vec<u32>, Error> {
        let (file, written) = file;
        if !is_split(table) {
            let path = piece_path(SHARED, table.table, tag, 0);
            self.into.put(&path, file.source.store.get(&file.source.object.path)?)?;
            return Ok(vec![1]);
        }
        let mut writers = Writers::new(self.into, table.table, tag, written.schema().clone(), self.of);
        for group in 0..file.row_groups() {
            let mut unwritten = None;
            let read = file.copy(table, written, group, None, &mut |batch| {
                let dealt = self.deal(table, file, &batch, roaming)?;
                for (bucket, rows) in dealt.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
                    if let Err(e) = writers.write(bucket, &taken(&batch, rows)) {
                        unwritten.get_or_insert(e);
                    }
                }
                (self.progress)(Progress { table: table.table, rows: batch.num_rows() as u64, freed: false });
                Ok(())
            });
            unwritten.map_or(Ok(()), Err)?;
            read.map_err(told)?;
        }
        writers.finish()
    }

    /// Rows of a batch by bucket: each in its own, and in those that share its key.
    fn deal(
        &self,
        table: &Table,
        file: &ParquetFile,
        batch: &RecordBatch,
        roaming: &Roaming,
    ) -> Result<Vec<Vec<u32>>, Fault> {
        let mut dealt = vec![Vec::new(); self.of as usize];
        let keys = roaming_key(table).filter(|_| !roaming.is_empty());
        let keys = keys.map(|key| roaming::texts(table, file, batch, key)).transpose()?;
        for (row, own) in roaming::buckets(table, file, batch, self.of)?.into_iter().enumerate() {
            let key = keys.as_ref().filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row));
            match key.and_then(|key| roaming.get(&roaming::hash(key))) {
                Some(buckets) => buckets.iter().for_each(|bucket| dealt[*bucket as usize].push(row as u32)),
                None => dealt[own as usize].push(row as u32),
            }
        }
        Ok(dealt)
    }

    /// The table as the index names it: every object that was listed, so that a reader sees what a listing showed.
    fn indexed(&self, found: &Found, cut: Vec<(String, Origin, Vec<u32>)>) -> IndexedTable {
        let mut cut = cut.into_iter();
        let objects = found.objects.iter().map(|object| {
            let listed = &object.pieces[0];
            let ignored = || {
                let (url, etag, bytes) = (url_of(&found.store, listed), listed.etag.clone(), listed.bytes);
                (String::new(), Origin { url, etag, bytes, rows: 0 }, Vec::new())
            };
            let cut = if object.is_parquet() { cut.next() } else { None };
            let (tag, origin, pieces) = cut.unwrap_or_else(ignored);
            IndexedObject { path: object.path.clone(), tag, origin, pieces }
        });
        let (table, place, shared) = (found.table.table, found.place.clone(), !is_split(found.table));
        IndexedTable { table, place, shared, objects: objects.collect() }
    }

    fn told(&self, index: &Index) -> Bucketized {
        let mut told = Bucketized { buckets: self.of, ..Bucketized::default() };
        for table in &index.tables {
            for object in table.objects.iter().filter(|object| !object.pieces.is_empty()) {
                *told.rows.entry(table.table).or_default() += object.origin.rows;
                match self.before.contains_key(&(table.table, object.tag.clone())) {
                    true => told.kept += 1,
                    false => told.cut += 1,
                }
            }
        }
        told
    }
}

fn taken(batch: &RecordBatch, rows: &[u32]) -> RecordBatch {
    let rows = UInt32Array::from(rows.to_vec());
    take_record_batch(batch, &rows).expect("rows of the batch")
}

fn origin(file: &ParquetFile) -> Origin {
    let object = &file.source.object;
    Origin { url: file.source.url(), etag: object.etag.clone(), bytes: object.bytes, rows: file.rows }
}

fn told(fault: Fault) -> Error {
    match fault {
        Fault::Store(e) => e.into(),
        Fault::Contract(problems) => Error::Contract(problems),
    }
}

/// Takes away what no index names any more: pieces of objects that changed, and buckets of another number.
fn sweep(into: &Store, index: &Index) -> Result<(), Error> {
    let mut named = BTreeSet::new();
    for table in &index.tables {
        for object in &table.objects {
            for (bucket, count) in object.pieces.iter().enumerate() {
                let folder = if table.shared { SHARED.to_owned() } else { bucket_folder(bucket as u32 + 1, index.of) };
                named.extend((0..*count).map(|piece| piece_path(&folder, table.table, &object.tag, piece)));
            }
        }
    }
    let ours = |path: &str| path.starts_with("bucket=") || path.starts_with("shared/");
    for object in into.list("")?.into_iter().filter(|object| ours(&object.path) && !named.contains(&object.path)) {
        into.delete(&object.path)?;
    }
    Ok(())
}
