//! From a place in an object store to [`Extracts`], or to everything that is wrong there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use arrow::error::ArrowError;

use super::assemble::{self, Loaded};
use super::batch_time::Window;
use super::check::{self, Checked, Keys};
use super::error::{Error, Problem};
use super::feature_rows::{self, FeatureRows};
use super::frame::{Gathered, Part};
use super::gather::Count;
use super::locate::{self, Delivery, Source};
use super::packed::Writer;
use super::parquet_file::ParquetFile;
use super::rejects::Rejects;
use super::scan;
use super::schema::{Need, Table};
use super::settings::Settings;
use super::state::{Content, Kept, KeptFile, State};
use super::usage_rows::{self, UsageRows};
use super::{Extracts, InputFile, InputTable, ProgressOf, TableQuality};
use crate::store::{Access, Object};
use crate::vocabulary::{AccountIx, Day, Dictionary, FeatureIx};

/// Loads all tables as they were known by the end of `as_of`.
///
/// # Errors
/// [`Error::Contract`] with every problem found, [`Error::NotReady`] when nothing was delivered, [`Error::Store`] when
/// the store fails.
pub fn load(settings: &Settings, access: &Access, as_of: Day, progress: ProgressOf) -> Result<Extracts, Error> {
    load_from(settings, access, &State::none(), as_of, progress)
}

/// The same, with what earlier nights packed instead of the files that it was made of. It changes nothing but time.
///
/// # Errors
/// Those of [`load`].
pub fn load_from(
    settings: &Settings,
    access: &Access,
    state: &State,
    as_of: Day,
    progress: ProgressOf,
) -> Result<Extracts, Error> {
    let mut problems = Vec::new();
    let deliveries = locate::locate(settings, access, as_of, &mut problems)?;
    let mut tables = Vec::with_capacity(deliveries.len());
    for mut delivery in deliveries {
        let (kept, sources) = unchanged(&mut delivery, state, settings);
        let files = scan::open(delivery.table, sources, &mut problems)?;
        tables.push(Opened { delivery, files, kept });
    }
    // Nothing is decoded while the shape of any table is wrong.
    stop_at(problems)?;
    let (keys, loaded) = (Keys::new(), Loaded::default());
    let mut loading = Loading { settings, state, as_of, progress, problems: Vec::new(), keys, loaded };
    for table in tables {
        loading.table(table)?;
    }
    stop_at(loading.problems)?;
    Ok(assemble::assemble(loading.loaded))
}

/// What the state holds of a table, and the files that must be read.
fn unchanged(delivery: &mut Delivery, state: &State, settings: &Settings) -> (Vec<Unchanged>, Vec<Source>) {
    let mut sources = std::mem::take(&mut delivery.sources);
    if !delivery.table.partitioned {
        return (Vec::new(), sources);
    }
    let kept = state.kept(delivery.table.table, &delivery.chunks, &sources, settings);
    let unchanged = |kept: Kept| {
        let (own, rest) = std::mem::take(&mut sources).into_iter().partition(|source| kept.holds(source));
        sources = rest;
        Unchanged { kept, sources: own }
    };
    let unchanged = kept.into_iter().map(unchanged).collect();
    (unchanged, sources)
}

/// A chunk as an earlier night packed it, and the files that it was made of.
struct Unchanged {
    kept: Kept,
    sources: Vec<Source>,
}

fn stop_at(problems: Vec<Problem>) -> Result<(), Error> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Contract(problems)) }
}

/// A table whose files were found to fit.
struct Opened {
    delivery: Delivery,
    files: Vec<ParquetFile>,
    kept: Vec<Unchanged>,
}

impl Opened {
    /// Where a row is said to be that does not remember its file.
    fn place(&self) -> String {
        let one = self.files.len() + self.kept.iter().map(|chunk| chunk.sources.len()).sum::<usize>() == 1;
        match self.files.first().filter(|_| one) {
            Some(file) => file.source.url(),
            None => self.delivery.table.name().to_owned(),
        }
    }

    /// Takes the files back that a kept chunk was made of.
    fn read_again(&mut self, chunk: Unchanged, problems: &mut Vec<Problem>) -> Result<(), Error> {
        self.files.extend(scan::open(self.delivery.table, chunk.sources, problems)?);
        Ok(())
    }

    /// The files of a chunk, as the state notes them.
    fn files_of(&self, chunk: usize) -> Vec<KeptFile> {
        let read = self.files.iter().filter(|file| file.source.chunk == chunk).map(ParquetFile::as_kept);
        let kept = self.kept.iter().filter(|unchanged| unchanged.kept.chunk == chunk);
        read.chain(kept.flat_map(|unchanged| unchanged.kept.files.iter().cloned())).collect()
    }

    /// Whether a file of the chunk was read.
    fn was_read(&self, chunk: usize) -> bool {
        self.files.iter().any(|file| file.source.chunk == chunk)
    }

    /// The object that held the chunk before.
    fn object_of(&self, chunk: usize) -> Option<&Object> {
        self.kept.iter().find(|unchanged| unchanged.kept.chunk == chunk).map(|unchanged| &unchanged.kept.object)
    }

    /// Every file as the run's inputs list it, by path.
    fn inputs(&self) -> Vec<InputFile> {
        let table = self.delivery.table.table;
        let kept = self.kept.iter().flat_map(|chunk| chunk.kept.files.iter().map(move |file| file.as_input(table)));
        let mut inputs: Vec<InputFile> = self.files.iter().map(|file| file.as_input(table)).chain(kept).collect();
        inputs.sort_by(|a, b| a.path.cmp(&b.path));
        inputs
    }

    /// What is worth knowing about the files, each said once.
    fn notes(&self) -> BTreeSet<String> {
        let kept = self.kept.iter().flat_map(|chunk| &chunk.kept.files).flat_map(|file| file.notes.iter().cloned());
        self.files.iter().flat_map(|file| file.notes.iter().cloned()).chain(kept).collect()
    }
}

/// What has been loaded so far.
struct Loading<'a> {
    settings: &'a Settings,
    state: &'a State,
    as_of: Day,
    progress: ProgressOf<'a>,
    problems: Vec<Problem>,
    keys: Keys,
    loaded: Loaded,
}

/// What every table's quality row needs.
struct Summary {
    rows: u64,
    rejects: Rejects,
    newest: Option<Day>,
    null_share: Vec<(String, f64)>,
    notes: Vec<String>,
    recorded: bool,
}

impl<'a> Loading<'a> {
    fn table(&mut self, mut opened: Opened) -> Result<(), Error> {
        let table = opened.delivery.table.table;
        if table == InputTable::FeatureUsage
            && opened.delivery.delivered
            && !self.loaded.frames.contains_key(&InputTable::Features)
        {
            opened.delivery.delivered = false;
            opened.delivery.notes.push("not used: its features are not known without the table `features`".into());
        }
        // Without sound accounts every row of usage would look like an orphan.
        let streamed = matches!(table, InputTable::Usage | InputTable::FeatureUsage);
        if streamed && !self.problems.is_empty() && !self.sound_targets(opened.delivery.table) {
            return Ok(());
        }
        if !opened.delivery.delivered {
            let notes = opened.delivery.notes;
            self.loaded.quality.push(TableQuality { notes, ..not_delivered(table) });
            return Ok(());
        }
        let urls: Vec<String> = opened.files.iter().map(|file| file.source.url()).collect();
        let unreadable = self.problems.len();
        let summary = match table {
            InputTable::Usage => self.usage(&mut opened)?,
            InputTable::FeatureUsage => self.feature_usage(&mut opened)?,
            _ => self.small(&opened, &urls)?,
        };
        // What was read of a table that cannot be read whole says nothing about the rest.
        if self.problems.len() == unreadable {
            self.conclude(opened, summary);
        }
        Ok(())
    }

    /// Whether every table that this one refers to passed its checks.
    fn sound_targets(&self, table: &Table) -> bool {
        table.columns.iter().filter_map(|column| column.references).all(|target| self.keys.contains_key(&target))
    }

    fn small(&mut self, opened: &Opened, urls: &[String]) -> Result<Summary, Error> {
        let (table, settings) = (opened.delivery.table, self.settings);
        let gathered = Mutex::new(Gathered::default());
        let found = scan::scan(table, &opened.files, self.progress, &|file, batch| {
            let part = Part::of(table, file, batch, settings.max_text_bytes);
            gathered.lock().unwrap_or_else(PoisonError::into_inner).add(part);
        })?;
        self.problems.extend(found);
        let gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        let checked = check::check(table, gathered, urls, &self.keys, settings, self.as_of);
        let checked = checked.map_err(|e| Error::Contract(vec![self.unworkable(opened, &e)]))?;
        Ok(self.keep(table.table, checked))
    }

    /// Arrow refuses an array only when it outgrows what one can hold.
    fn unworkable(&self, opened: &Opened, fault: &ArrowError) -> Problem {
        let delivery = &opened.delivery;
        Problem::new(
            delivery.table.table,
            &delivery.place,
            format!("cannot be held in memory: {fault}"),
            "deliver fewer rows",
        )
    }

    fn keep(&mut self, table: InputTable, checked: Checked) -> Summary {
        let recorded = checked.frame.moment(super::schema::RECORDED_AT).iter().any(Option::is_some);
        self.loaded.frames.insert(table, checked.frame);
        let Checked { rejects, rows, newest, null_share, notes, .. } = checked;
        Summary { rows, rejects, newest, null_share, notes, recorded }
    }

    fn window(&self) -> Window<'a> {
        let from = self.as_of.minus(self.settings.usage_history_days as i32);
        Window { from, as_of: self.as_of, settings: self.settings }
    }

    fn usage(&mut self, opened: &mut Opened) -> Result<Summary, Error> {
        let accounts: Dictionary<AccountIx> = self.loaded.names(InputTable::Accounts, "account_id");
        let (window, place, chunks) = (self.window(), opened.place(), opened.delivery.chunks.len());
        let rows = UsageRows::new(opened.delivery.table, &accounts, window, &place, chunks);
        for chunk in std::mem::take(&mut opened.kept) {
            match usage_rows::read(&chunk.kept, &accounts, &mut rows.names(), window) {
                Some(runs) => {
                    rows.add_runs(chunk.kept.chunk, runs, chunk.kept.count);
                    opened.kept.push(chunk);
                }
                None => opened.read_again(chunk, &mut self.problems)?,
            }
        }
        let found = scan::scan(opened.delivery.table, &opened.files, self.progress, &|file, batch| {
            let source = &opened.files[file].source;
            rows.add(source.chunk, &source.url(), source.day, batch);
        })?;
        let whole = found.is_empty();
        self.problems.extend(found);
        let mut usage = rows.finish(|chunk, names| {
            if whole && self.state.is_kept() && opened.was_read(chunk.chunk) {
                self.remember(opened, chunk.chunk, chunk.count, usage_rows::write(&chunk.runs, &accounts, names));
            }
        });
        let rejects = std::mem::replace(&mut usage.rejects, Rejects::new(InputTable::Usage, 0));
        let summary = Summary {
            rows: usage.rows,
            rejects,
            newest: usage.newest,
            null_share: Vec::new(),
            notes: std::mem::take(&mut usage.notes),
            recorded: usage.recorded,
        };
        self.loaded.usage = Some(usage);
        Ok(summary)
    }

    fn feature_usage(&mut self, opened: &mut Opened) -> Result<Summary, Error> {
        let accounts: Dictionary<AccountIx> = self.loaded.names(InputTable::Accounts, "account_id");
        let features: Dictionary<FeatureIx> = self.loaded.names(InputTable::Features, "feature_id");
        let (window, place, chunks) = (self.window(), opened.place(), opened.delivery.chunks.len());
        let rows = FeatureRows::new(opened.delivery.table, &accounts, &features, window, &place, chunks);
        for chunk in std::mem::take(&mut opened.kept) {
            match feature_rows::read(&chunk.kept, &accounts, &features, &mut rows.users(), window) {
                Some(runs) => {
                    rows.add_runs(chunk.kept.chunk, runs, chunk.kept.count);
                    opened.kept.push(chunk);
                }
                None => opened.read_again(chunk, &mut self.problems)?,
            }
        }
        let found = scan::scan(opened.delivery.table, &opened.files, self.progress, &|file, batch| {
            let source = &opened.files[file].source;
            rows.add(source.chunk, &source.url(), source.day, batch);
        })?;
        let whole = found.is_empty();
        self.problems.extend(found);
        let mut usage = rows.finish(|chunk, users| {
            if whole && self.state.is_kept() && opened.was_read(chunk.chunk) {
                self.remember(
                    opened,
                    chunk.chunk,
                    chunk.count,
                    feature_rows::write(&chunk.runs, &accounts, &features, users),
                );
            }
        });
        let rejects = std::mem::replace(&mut usage.rejects, Rejects::new(InputTable::FeatureUsage, 0));
        let summary = Summary {
            rows: usage.rows,
            rejects,
            newest: usage.newest,
            null_share: std::mem::take(&mut usage.null_share),
            notes: std::mem::take(&mut usage.notes),
            recorded: usage.recorded,
        };
        self.loaded.feature_usage = Some(usage);
        Ok(summary)
    }

    /// Keeps a chunk that was read for the nights to come.
    fn remember(&self, opened: &Opened, chunk: usize, count: Count, runs: Writer) {
        let files = opened.files_of(chunk);
        let content = Content { settings: self.settings, files: &files, count, runs };
        let (table, name) = (opened.delivery.table.table, &opened.delivery.chunks[chunk]);
        self.state.keep(table, name, &content, opened.object_of(chunk));
    }

    /// Holds the table against the job's limits and writes its quality row.
    fn conclude(&mut self, opened: Opened, mut summary: Summary) {
        let (inputs, file_notes) = (opened.inputs(), opened.notes());
        let delivery = opened.delivery;
        let table = delivery.table.table;
        let limit = self.settings.rejected_limit(table);
        let over = summary.rejects.over_limit(summary.rows, limit, &delivery.place);
        let empty = (summary.rows == 0 && delivery.table.need == Need::Required).then(|| self.empty(&delivery));
        let sound = over.is_none() && empty.is_none();
        self.problems.extend(over.into_iter().chain(empty));
        // A table that failed must not fail those that refer to it: their rows would all be orphans.
        if let (true, Some(keys)) = (sound, self.loaded.keys_of(delivery.table)) {
            self.keys.insert(table, keys);
        }
        let mut notes = delivery.notes;
        notes.extend(file_notes);
        notes.extend(summary.notes);
        if summary.rows == 0 {
            notes.push(format!("delivered without any row up to {}", self.as_of));
        } else if !summary.recorded {
            notes.push(
                "cannot be replayed exactly: no recorded_at, so each row counts as known from its own day".into(),
            );
        }
        let rejected = summary.rejects.count;
        let (listed, left_out) = summary.rejects.into_rows();
        if left_out > 0 {
            notes.push(format!("{left_out} rejected rows are counted but not listed"));
        }
        self.loaded.rejected.extend(listed);
        self.loaded.inputs.extend(inputs);
        let Summary { rows, newest, null_share, .. } = summary;
        self.loaded.quality.push(TableQuality {
            table,
            rows,
            rejected,
            newest_event: newest,
            null_share,
            available: true,
            notes,
        });
    }

    fn empty(&self, delivery: &Delivery) -> Problem {
        let reason = format!("required, but it holds no row up to {}", self.as_of);
        let next = "check the as-of day and the table's dates, or wait for the delivery and run again";
        Problem::new(delivery.table.table, &delivery.place, reason, next)
    }
}

fn not_delivered(table: InputTable) -> TableQuality {
    TableQuality {
        table,
        rows: 0,
        rejected: 0,
        newest_event: None,
        null_share: Vec::new(),
        available: false,
        notes: Vec::new(),
    }
}

/// Frames by table.
pub(super) type Frames = BTreeMap<InputTable, super::frame::Frame>;
