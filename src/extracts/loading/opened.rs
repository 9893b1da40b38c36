//! A table on its way: what earlier nights packed of it, and the files that must be read.

use std::collections::BTreeSet;

use crate::extracts::contract::error::{Error, Problem};
use crate::extracts::contract::settings::Settings;
use crate::extracts::delivered::found::Source;
use crate::extracts::delivered::locate::Delivery;
use crate::extracts::delivered::parquet_file::ParquetFile;
use crate::extracts::delivered::read_file::InputFile;
use crate::extracts::delivered::read_file::KeptFile;
use crate::extracts::delivered::scan;
use crate::extracts::kept::settled;
use crate::extracts::kept::state::{Kept, State};
use crate::store::Object;
use crate::vocabulary::Day;

/// A table whose files were found to fit.
pub struct Opened {
    pub delivery: Delivery,
    pub files: Vec<ParquetFile>,
    pub kept: Vec<Unchanged>,
    /// Which chunks are months that are over, and what is kept of them together.
    pub settled: Vec<bool>,
    pub base: Option<Base>,
    /// Objects of the state that nothing is taken from, with their chunks.
    stale: Vec<(usize, Object)>,
}

/// What an earlier night packed of the months that are over, piece by piece, and the files that it was made of.
pub struct Base {
    pub pieces: Vec<Kept>,
    sources: Vec<Source>,
}

impl Opened {
    /// Finds what the state holds of a table, and opens the files that must be read.
    pub fn of(
        mut delivery: Delivery,
        state: &State,
        settings: &Settings,
        as_of: Day,
        problems: &mut Vec<Problem>,
    ) -> Result<Opened, Error> {
        let settled = settled::settled(&delivery.chunks, as_of);
        let base = base(&mut delivery, &settled, state, settings);
        let (kept, stale, sources) = unchanged(&mut delivery, state, settings);
        let files = scan::open(delivery.table, sources, problems)?;
        Ok(Opened { delivery, files, kept, settled, base, stale })
    }

    /// Takes the months that are over from where they are kept one by one, as far as they are; the rest of their files
    /// are opened again.
    pub fn give_up_base(
        &mut self,
        state: &State,
        settings: &Settings,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Unchanged>, Error> {
        let Some(base) = self.base.take() else { return Ok(Vec::new()) };
        self.delivery.sources = base.sources;
        let (kept, stale, sources) = unchanged(&mut self.delivery, state, settings);
        self.stale.extend(stale);
        self.files.extend(scan::open(self.delivery.table, sources, problems)?);
        Ok(kept)
    }

    /// Where a row is said to be that does not remember its file.
    pub fn place(&self) -> String {
        let one = self.inputs().len() == 1;
        match self.files.first().filter(|_| one) {
            Some(file) => file.source.url(),
            None => self.delivery.table.name().to_owned(),
        }
    }

    /// Takes the files back that a kept chunk was made of.
    pub fn read_again(&mut self, chunk: Unchanged, problems: &mut Vec<Problem>) -> Result<(), Error> {
        self.files.extend(scan::open(self.delivery.table, chunk.sources, problems)?);
        self.stale.push((chunk.kept.chunk, chunk.kept.object));
        Ok(())
    }

    /// The files of a chunk that were read, as the state notes them.
    pub fn read_of(&self, chunk: usize) -> Vec<KeptFile> {
        self.files.iter().filter(|file| file.source.chunk == chunk).map(ParquetFile::as_kept).collect()
    }

    /// What is taken from the state of a chunk.
    pub fn kept_of(&self, chunk: usize) -> impl Iterator<Item = &Kept> {
        self.kept.iter().map(|unchanged| &unchanged.kept).filter(move |kept| kept.chunk == chunk)
    }

    /// Whether a file of the chunk was read.
    pub fn was_read(&self, chunk: usize) -> bool {
        self.files.iter().any(|file| file.source.chunk == chunk)
    }

    /// Objects of a chunk that nothing is taken from.
    pub fn stale_of(&self, chunk: usize) -> impl Iterator<Item = &Object> {
        self.stale.iter().filter(move |(of, _)| *of == chunk).map(|(_, object)| object)
    }

    /// The files of the months that are over, as the state notes them.
    pub fn settled_files(&self) -> Vec<KeptFile> {
        let of_chunk = |chunk: usize| {
            let kept = self.kept_of(chunk).flat_map(|kept| kept.files.iter().cloned());
            self.read_of(chunk).into_iter().chain(kept).collect::<Vec<_>>()
        };
        (0..self.settled.len()).filter(|chunk| self.settled[*chunk]).flat_map(of_chunk).collect()
    }

    /// Everything that is kept and made use of.
    fn all_kept(&self) -> impl Iterator<Item = &KeptFile> {
        let base = self.base.iter().flat_map(|base| &base.pieces);
        self.kept.iter().map(|chunk| &chunk.kept).chain(base).flat_map(|kept| &kept.files)
    }

    /// Every file as the run's inputs list it, by path.
    pub fn inputs(&self) -> Vec<InputFile> {
        let table = self.delivery.table.table;
        let kept = self.all_kept().map(|file| file.as_input(table));
        let mut inputs: Vec<InputFile> = self.files.iter().map(|file| file.as_input(table)).chain(kept).collect();
        inputs.sort_by(|a, b| a.path.cmp(&b.path));
        // An object that stands in pieces was delivered once.
        inputs.dedup_by(|later, kept| later.path == kept.path);
        inputs
    }

    /// What is worth knowing about the files, each said once.
    pub fn notes(&self) -> BTreeSet<String> {
        let kept = self.all_kept().flat_map(|file| file.notes.iter().cloned());
        self.files.iter().flat_map(|file| file.notes.iter().cloned()).chain(kept).collect()
    }
}

/// What an earlier night packed of a chunk, and the files that it was made of.
pub struct Unchanged {
    pub kept: Kept,
    sources: Vec<Source>,
}

/// What the state holds of the months that are over; their sources are taken out of the delivery.
fn base(delivery: &mut Delivery, settled: &[bool], state: &State, settings: &Settings) -> Option<Base> {
    let over = |source: &Source| settled[source.chunk];
    delivery.sources.iter().any(over).then_some(())?;
    let files = settled::files_of_sources(delivery.sources.iter().filter(|source| over(source)));
    let pieces = state.settled(delivery.table.table, files, settings)?;
    let (sources, rest) = std::mem::take(&mut delivery.sources).into_iter().partition(over);
    delivery.sources = rest;
    Some(Base { pieces, sources })
}

/// What the state holds of a table, its objects that no longer fit with their chunks, and the files that must be read.
fn unchanged(
    delivery: &mut Delivery,
    state: &State,
    settings: &Settings,
) -> (Vec<Unchanged>, Vec<(usize, Object)>, Vec<Source>) {
    let mut sources = std::mem::take(&mut delivery.sources);
    if !delivery.table.partitioned {
        return (Vec::new(), Vec::new(), sources);
    }
    let (kept, mut stale) = state.kept(delivery.table.table, &delivery.chunks, &sources, settings);
    let mut unchanged = Vec::with_capacity(kept.len());
    for kept in kept {
        // Two runs at once may both have kept a file: one of them is enough.
        if !kept.files.iter().all(|file| sources.iter().any(|source| file.is(source))) {
            stale.push((kept.chunk, kept.object));
            continue;
        }
        let (own, rest) = std::mem::take(&mut sources).into_iter().partition(|source| kept.holds(source));
        sources = rest;
        unchanged.push(Unchanged { kept, sources: own });
    }
    (unchanged, stale, sources)
}
