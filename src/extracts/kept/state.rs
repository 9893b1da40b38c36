//! What earlier nights packed of files that have not changed since, below `state/` of the job's output: a few objects per
//! chunk of files, since a night adds what it read beside what stands there, until so many runs are merged into one. It is
//! disposable: without it, or with an object that does not fit, the files are read again.
//!
//! ```text
//! state/{table}/{chunk}/{hash of the content}
//! state/{table}/settled/{hash of the files}-{i}-of-{n}   the months that are over, as `settled` says
//! state/{i}-of-{N}/{table}/…                             the same of a shard's rows
//! ```

use bytes::Bytes;
use rayon::iter::Either;
use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::contract::settings::Settings;
use crate::extracts::delivered::found::Source;
use crate::extracts::delivered::read_file::KeptFile;
use crate::extracts::gathered::gather::Count;
use crate::extracts::packed::numbers::Reader;
use crate::extracts::packed::pieces::Parts;
use crate::store::{Object, Store};
use crate::vocabulary::Day;

/// Raise it whenever rows are packed or checked otherwise.
const FORMAT: u64 = 6;
/// Where the months that are over stand: no chunk is named so.
const SETTLED: &str = "settled";

/// Where a job keeps what it packed, if anywhere.
#[derive(Clone, Default)]
pub struct State {
    store: Option<Store>,
}

impl State {
    /// Nothing is kept.
    pub fn none() -> State {
        State::default()
    }

    /// Below `state/` of a job's output.
    pub fn of(output: &Store) -> State {
        State { store: Some(output.under("state")) }
    }

    pub fn is_kept(&self) -> bool {
        self.store.is_some()
    }

    /// The same for a shard of the job.
    pub fn of_part(output: &Store, part: Part) -> State {
        State { store: Some(output.under(&format!("state/{}", part.slug()))) }
    }

    /// What is kept of a table's chunks, as far as the files that it was made of are all still there. `chunks` names
    /// the chunks of `sources`. Objects that no longer fit come with the chunk that they stood for.
    pub(in crate::extracts) fn kept(
        &self,
        table: InputTable,
        chunks: &[String],
        sources: &[Source],
        settings: &Settings,
    ) -> (Vec<Kept>, Vec<(usize, Object)>) {
        let Some(store) = &self.store else { return Default::default() };
        let fetched: Vec<_> = self
            .listed(table, chunks)
            .into_iter()
            // Chunks of which nothing is asked for are kept for another night.
            .filter(|(chunk, _)| sources.iter().any(|source| source.chunk == *chunk))
            .map(|(chunk, object)| (chunk, store.fetch(&object, Some(0..object.bytes)), object))
            .collect();
        let fetched: Vec<(usize, Bytes, Object)> = fetched
            .into_iter()
            .filter_map(|(chunk, fetch, object)| Some((chunk, fetch.wait().ok()?.pop()?, object)))
            .collect();
        let known = |kept: &Kept| {
            let known = |file: &KeptFile| sources.iter().any(|source| file.is(source) && source.chunk == kept.chunk);
            kept.files.iter().all(known)
        };
        let read = |(chunk, bytes, object): (usize, Bytes, Object)| {
            Kept::read(chunk, bytes, object.clone(), settings).filter(known).ok_or((chunk, object))
        };
        fetched.into_par_iter().partition_map(|fetched| match read(fetched) {
            Ok(kept) => Either::Left(kept),
            Err(stale) => Either::Right(stale),
        })
    }

    /// The objects of a table with the position of their chunk, by path.
    fn listed(&self, table: InputTable, chunks: &[String]) -> Vec<(usize, Object)> {
        let Some(store) = &self.store else { return Vec::new() };
        let mut objects = store.list(table.as_str()).unwrap_or_default();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        let chunk = |object: Object| {
            let chunk = object.path.split('/').nth_back(1)?;
            Some((chunks.iter().position(|name| name == chunk)?, object))
        };
        objects.into_iter().filter_map(chunk).collect()
    }

    /// What is kept of the months that are over, piece by piece, where it was made of just these files.
    pub(in crate::extracts) fn settled(&self, table: InputTable, files: u64, settings: &Settings) -> Option<Vec<Kept>> {
        let store = self.store.as_ref()?;
        let objects = store.list(&format!("{}/{SETTLED}", table.as_str())).ok()?;
        let of = |object: &Object| {
            let (hash, place) = object.path.rsplit('/').next()?.split_once('-')?;
            let (_, pieces) = place.split_once("-of-")?;
            (hash == format!("{files:016x}")).then(|| pieces.parse::<usize>().ok()).flatten()
        };
        let objects: Vec<(usize, Object)> = objects.into_iter().filter_map(|o| Some((of(&o)?, o))).collect();
        let whole = objects.iter().all(|(pieces, _)| *pieces == objects.len()) && !objects.is_empty();
        let fetched: Vec<_> = objects
            .into_iter()
            .filter(|_| whole)
            .map(|(_, object)| (store.fetch(&object, Some(0..object.bytes)), object))
            .collect();
        let fetched: Vec<(Bytes, Object)> = fetched
            .into_iter()
            .map(|(fetch, object)| Some((fetch.wait().ok()?.pop()?, object)))
            .collect::<Option<_>>()?;
        let read = |(bytes, object)| Kept::read(usize::MAX, bytes, object, settings);
        let pieces: Vec<Kept> = fetched.into_par_iter().map(read).collect::<Option<_>>()?;
        (!pieces.is_empty()).then_some(pieces)
    }

    /// Keeps the months that are over, made of `files`, and drops what was kept of other ones. `piece` gives the content
    /// of each of `pieces`.
    pub(in crate::extracts) fn keep_settled<'a>(
        &self,
        table: InputTable,
        files: u64,
        pieces: usize,
        piece: impl Fn(usize) -> Content<'a> + Sync,
    ) {
        let Some(store) = &self.store else { return };
        let folder = format!("{}/{SETTLED}", table.as_str());
        let path = |place: usize| format!("{folder}/{files:016x}-{place:03}-of-{pieces:03}");
        let put = |place: usize| store.put_parts(&path(place), piece(place).parts().0);
        if let Err(e) = (0..pieces).into_par_iter().try_for_each(put) {
            tracing::warn!("the settled months of {} could not be kept: {e}", table.as_str());
            return;
        }
        let own: Vec<String> = (0..pieces).map(path).collect();
        for before in store.list(&folder).unwrap_or_default().iter().filter(|before| !own.contains(&before.path)) {
            // Left behind it would only take room.
            drop(store.delete(&before.path));
        }
    }

    /// Keeps what was packed of a chunk; `instead`: objects that say nothing any more once this one stands. A store
    /// that fails costs time, not the run.
    pub(in crate::extracts) fn keep(&self, table: InputTable, name: &str, kept: Content, instead: &[&Object]) {
        let Some(store) = &self.store else { return };
        let (parts, hash) = kept.parts();
        let path = format!("{}/{name}/{hash:016x}", table.as_str());
        if let Err(e) = store.put_parts(&path, parts) {
            tracing::warn!("the rollup of {name} could not be kept, so its files will be read again: {e}");
            return;
        }
        for before in instead.iter().filter(|before| before.path != path) {
            // Left behind it would only take room.
            drop(store.delete(&before.path));
        }
    }
}

/// What stands in an object.
pub struct Content<'a> {
    pub settings: &'a Settings,
    pub files: &'a [KeptFile],
    pub count: Count,
    /// The runs and the names in them, as their table writes them.
    pub runs: Parts,
}

/// What is kept of one chunk.
pub struct Kept {
    pub chunk: usize,
    pub object: Object,
    pub files: Vec<KeptFile>,
    pub count: Count,
    content: Bytes,
    runs_at: usize,
}

impl Content<'_> {
    /// The object, and the hash of its content that stands at its end. Nothing is compressed: that cost more than
    /// writing and reading what it saved.
    fn parts(self) -> (Vec<Bytes>, u64) {
        let mut out = Parts::default();
        out.number(FORMAT);
        out.number(rules_of(self.settings));
        out.number(self.files.len() as u64);
        for file in self.files {
            out.text(&file.url);
            out.text(&file.etag);
            out.number(file.bytes);
            out.number(file.rows);
            out.texts(file.notes.iter().map(String::as_str));
        }
        let Count { visible, accepted, nulls, oldest, newest, recorded } = self.count;
        [visible, accepted, nulls].into_iter().for_each(|n| out.number(n));
        [oldest, newest, recorded.unwrap_or(Day::MIN)].into_iter().for_each(|day| out.signed(i64::from(day.0)));
        out.append(self.runs);
        let mut parts = out.finish();
        let mut hash = Xxh3::new();
        parts.iter().for_each(|part| hash.update(part));
        let hash = hash.digest();
        parts.push(Bytes::copy_from_slice(&hash.to_le_bytes()));
        (parts, hash)
    }
}

/// The settings that decide which rows are sound.
fn rules_of(settings: &Settings) -> u64 {
    let rules = (settings.earliest_day, settings.latest_day, settings.max_id_bytes, settings.max_text_bytes);
    xxh3_64(format!("{rules:?}").as_bytes())
}

impl Kept {
    /// `None` where the object is broken or of another making.
    fn read(chunk: usize, mut content: Bytes, object: Object, settings: &Settings) -> Option<Kept> {
        let check = content.split_off(content.len().checked_sub(8)?);
        (xxh3_64(&content).to_le_bytes() == *check).then_some(())?;
        let mut reader = Reader::new(&content);
        (reader.number() == FORMAT && reader.number() == rules_of(settings)).then_some(())?;
        let n = reader.number();
        let files: Vec<KeptFile> = (0..n).map(|_| file(&mut reader)).collect();
        let [visible, accepted, nulls] = [(); 3].map(|()| reader.number());
        let [oldest, newest, recorded] = [(); 3].map(|()| Day(reader.signed() as i32));
        let recorded = (recorded != Day::MIN).then_some(recorded);
        let count = Count { visible, accepted, nulls, oldest, newest, recorded };
        let runs_at = content.len() - reader.left();
        Some(Kept { chunk, object, files, count, content, runs_at })
    }

    pub fn holds(&self, source: &Source) -> bool {
        self.files.iter().any(|file| file.is(source))
    }

    /// Whether each row counts on the day: none lies before the history or after the day.
    pub fn fits(&self, from: Day, as_of: Day) -> bool {
        from <= self.count.oldest && self.count.newest <= as_of && self.count.recorded.is_none_or(|day| day <= as_of)
    }

    /// Stands at the runs and the names in them.
    pub fn runs(&self) -> Reader<'_> {
        Reader::new(&self.content[self.runs_at..])
    }

    /// Only those hold the content from now on who took of it.
    pub fn let_go(&mut self) {
        (self.content, self.runs_at) = (Bytes::new(), 0);
    }

    /// What the reader reads from: runs stay where they are.
    pub fn content(&self) -> &Bytes {
        &self.content
    }
}

fn file(reader: &mut Reader) -> KeptFile {
    let (url, etag) = (reader.text().to_owned(), reader.text().to_owned());
    let (bytes, rows) = (reader.number(), reader.number());
    KeptFile { url, etag, bytes, rows, notes: reader.texts().map(str::to_owned).collect() }
}
