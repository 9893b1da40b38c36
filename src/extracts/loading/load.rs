//! From a place in an object store to [`Extracts`], or to everything that is wrong there.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use arrow::error::ArrowError;
use rayon::prelude::*;

use super::digest::Digest;
use super::opened::Opened;
use crate::extracts::assembled::assemble::{self, Loaded};
use crate::extracts::assembled::extracts::Extracts;
use crate::extracts::checked::check::{self, Keys};
use crate::extracts::checked::frame::{Batch, Frame, Gathered};
use crate::extracts::contract::error::{Error, Problem};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::contract::quality::TableQuality;
use crate::extracts::contract::schema::{self, Need};
use crate::extracts::contract::settings::Settings;
use crate::extracts::contract::tally::Tally;
use crate::extracts::delivered::locate::{self, Delivery};
use crate::extracts::delivered::read_file::InputFile;
use crate::extracts::delivered::scan;
use crate::extracts::delivered::scan::{Progress, ProgressOf};
use crate::extracts::kept::state::State;
use crate::extracts::tables::products::Product;
use crate::store::Access;
use crate::vocabulary::Day;
use crate::wording;

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
    let delivered = read(settings, access, state, as_of, Part::WHOLE, progress)?;
    let digest = delivered.digest();
    delivered.settle(settings, vec![digest])
}

/// Reads one part of all tables. What the other parts found decides whether it may be used: see [`Delivered::settle`].
///
/// # Errors
/// As [`load`], but for rules that count the rows of all parts; and [`Error::Buckets`] where the extracts stand in
/// other parts than the one asked for.
pub fn read(
    settings: &Settings,
    access: &Access,
    state: &State,
    as_of: Day,
    part: Part,
    progress: ProgressOf,
) -> Result<Delivered, Error> {
    let mut problems = Vec::new();
    let deliveries = locate::locate(settings, access, as_of, part, &mut problems)?;
    let mut tables = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        tables.push(Opened::of(delivery, state, settings, as_of, &mut problems)?);
    }
    // Nothing is decoded while the shape of any table is wrong.
    stop_at(problems)?;
    let (keys, loaded, unsound) = (Keys::new(), Loaded::default(), false);
    let (unreadable, read) = (Vec::new(), Vec::new());
    let mut loading =
        Loading { settings, state, as_of, part, progress, unreadable, unsound, keys, loaded, tables: read };
    let mut tables = VecDeque::from(tables);
    while !tables.is_empty() {
        let together = loading.ready(&tables);
        loading.several(tables.drain(..together).collect())?;
        if let Some(ReadTable { delivery, tally: Some(tally), .. }) = loading.tables.last() {
            progress(Progress { table: delivery.table.table, rows: tally.rows, freed: true });
        }
    }
    let Loading { unreadable, loaded, tables, .. } = loading;
    Ok(Delivered { as_of, part, loaded, tables, unreadable })
}

/// Products that one note names.
const NAMED: usize = 5;

/// What to tell about products that contracts, ceilings, use or tickets name and `products` does not list.
fn unlisted(products: &[Product]) -> Option<String> {
    let ids: Vec<String> =
        products.iter().filter(|product| product.tiers.is_empty()).map(|product| format!("`{}`", product.id)).collect();
    let named =
        ids.iter().take(NAMED).cloned().chain(ids.len().checked_sub(NAMED + 1).map(|n| format!("{} more", n + 1)));
    let named = wording::list(&named.collect::<Vec<String>>());
    (!ids.is_empty()).then(|| {
        format!("other tables name {named}, which it does not list: taken for core products without tiers and prices")
    })
}

/// Every object that reading one part would read, as it was delivered; nothing is decoded.
pub fn inputs(settings: &Settings, access: &Access, as_of: Day, part: Part) -> Result<Vec<InputFile>, Error> {
    let mut problems = Vec::new();
    let mut inputs = Vec::new();
    for delivery in locate::locate(settings, access, as_of, part, &mut problems)? {
        inputs.extend(Opened::of(delivery, &State::none(), settings, as_of, &mut problems)?.inputs());
    }
    stop_at(problems)?;
    Ok(inputs)
}

/// One part of the tables, read and checked row by row.
pub struct Delivered {
    as_of: Day,
    part: Part,
    loaded: Loaded,
    tables: Vec<ReadTable>,
    /// Files that cannot be decoded.
    unreadable: Vec<Problem>,
}

/// How one table was delivered, and what its rows came to.
struct ReadTable {
    /// With the notes of its files.
    delivery: Delivery,
    inputs: Vec<InputFile>,
    /// `None` where the table was not delivered or cannot be read.
    tally: Option<Tally>,
}

impl Delivered {
    /// What all parts must know of this one.
    pub fn digest(&self) -> Digest {
        Digest {
            tallies: self.tables.iter().filter_map(|table| table.tally.clone()).collect(),
            products: self.loaded.products(),
            metrics: self.loaded.metrics(),
        }
    }

    /// Fails where some file cannot be decoded, whatever the other parts say.
    pub fn is_readable(&self) -> Result<(), Error> {
        stop_at(self.unreadable.clone())
    }

    /// Every object that was read, as it was delivered.
    pub fn inputs(&self) -> Vec<InputFile> {
        let read = self.tables.iter().filter(|table| table.tally.is_some());
        read.flat_map(|table| table.inputs.iter().cloned()).collect()
    }

    /// Holds the tables of all parts against the job's limits and numbers what they name; `digests` are those of all
    /// parts, in part order.
    pub fn settle(mut self, settings: &Settings, digests: Vec<Digest>) -> Result<Extracts, Error> {
        let whole = Digest::union(digests);
        let inputs = self.inputs();
        let mut problems = Vec::new();
        for table in std::mem::take(&mut self.tables) {
            let name = table.delivery.table.table;
            problems.extend(self.unreadable.extract_if(.., |problem| problem.table == name));
            match whole.tallies.iter().find(|tally| tally.table == name && table.tally.is_some()) {
                Some(tally) => problems.extend(self.conclude(table.delivery, tally.clone(), settings)),
                None if table.delivery.delivered => {}
                None => {
                    self.loaded.quality.push(TableQuality { notes: table.delivery.notes, ..not_delivered(name) });
                }
            }
        }
        stop_at(problems)?;
        let mut extracts =
            Extracts { inputs, ..assemble::assemble(self.loaded, self.part, whole.products, whole.metrics) };
        let listed = extracts.quality.iter_mut().find(|quality| quality.table == InputTable::Products);
        if let Some((quality, note)) = listed.zip(unlisted(&extracts.products)) {
            quality.notes.push(note);
        }
        Ok(extracts)
    }

    /// Writes the table's quality row; what speaks against the table comes back.
    fn conclude(&mut self, delivery: Delivery, mut tally: Tally, settings: &Settings) -> Vec<Problem> {
        let table = delivery.table.table;
        let problems = verdict(&delivery, &mut tally, settings, self.as_of);
        let mut notes = delivery.notes;
        notes.extend(tally.notes(settings));
        if tally.rows == 0 {
            notes.push(format!("delivered without any row up to {}", self.as_of));
        } else if !tally.recorded {
            notes.push(
                "cannot be replayed exactly: no recorded_at, so each row counts as known from its own day".into(),
            );
        }
        let (rows, rejected, newest_event) = (tally.rows, tally.rejects.count, tally.newest);
        let null_share = tally.null_share();
        let (listed, left_out) = tally.rejects.into_rows();
        if left_out > 0 {
            notes.push(format!("{left_out} rejected rows are counted but not listed"));
        }
        self.loaded.rejected.extend(listed);
        let quality = TableQuality { table, rows, rejected, newest_event, null_share, available: true, notes };
        self.loaded.quality.push(quality);
        problems
    }
}

/// What speaks against a table: too many rejected rows, or none at all where some are required.
fn verdict(delivery: &Delivery, tally: &mut Tally, settings: &Settings, as_of: Day) -> Vec<Problem> {
    let limit = settings.rejected_limit(delivery.table.table);
    let over = tally.rejects.over_limit(tally.rows, limit, &delivery.place);
    let empty = (tally.rows == 0 && delivery.table.need == Need::Required).then(|| empty(delivery, as_of));
    over.into_iter().chain(empty).collect()
}

fn empty(delivery: &Delivery, as_of: Day) -> Problem {
    let reason = format!("required, but it holds no row up to {as_of}");
    let next = "check the as-of day and the table's dates, or wait for the delivery and run again";
    Problem::new(delivery.table.table, &delivery.place, reason, next)
}

fn stop_at(problems: Vec<Problem>) -> Result<(), Error> {
    if problems.is_empty() { Ok(()) } else { Err(Error::Contract(problems)) }
}

/// So many rows of a small table leave a gap worth filling whenever the batches of a column become one.
const MANY_ROWS: usize = 1 << 20;

/// What has been loaded so far.
pub(super) struct Loading<'a> {
    pub(super) settings: &'a Settings,
    pub(super) state: &'a State,
    pub(super) as_of: Day,
    pub(super) part: Part,
    pub(super) progress: ProgressOf<'a>,
    pub(super) unreadable: Vec<Problem>,
    /// A table that others refer to failed, or some file cannot be decoded.
    unsound: bool,
    keys: Keys,
    pub(super) loaded: Loaded,
    tables: Vec<ReadTable>,
}

impl<'a> Loading<'a> {
    /// How many of the next tables do not need one another: a big one alone, or small ones none of which refers to
    /// another of them.
    fn ready(&self, tables: &VecDeque<Opened>) -> usize {
        let small = tables.iter().take_while(|opened| !is_streamed(opened.delivery.table.table));
        let mut together: Vec<InputTable> = Vec::new();
        for opened in small {
            let mut targets = opened.delivery.table.columns.iter().filter_map(|column| column.references);
            if targets.any(|target| together.contains(&target)) {
                break;
            }
            together.push(opened.delivery.table.table);
        }
        together.len().max(1)
    }

    /// Reads the tables side by side and admits them in order.
    fn several(&mut self, opened: Vec<Opened>) -> Result<(), Error> {
        if opened.iter().any(|opened| is_streamed(opened.delivery.table.table)) {
            return opened.into_iter().try_for_each(|opened| self.streamed(opened));
        }
        let read = |opened: &Opened| opened.delivery.delivered.then(|| self.small(opened)).transpose();
        let read: Vec<Result<Option<Small>, Error>> = opened.par_iter().map(read).collect();
        for (opened, small) in opened.into_iter().zip(read) {
            match small? {
                Some(Small { frame, tally, unreadable }) => {
                    self.loaded.frames.insert(opened.delivery.table.table, frame);
                    let whole = unreadable.is_empty();
                    self.unreadable.extend(unreadable);
                    self.admit(opened, tally, whole);
                }
                None => self.pass(opened),
            }
        }
        Ok(())
    }

    /// Notes a table of which nothing is read.
    fn pass(&mut self, opened: Opened) {
        self.tables.push(ReadTable { delivery: opened.delivery, inputs: Vec::new(), tally: None });
    }

    fn streamed(&mut self, mut opened: Opened) -> Result<(), Error> {
        let table = opened.delivery.table.table;
        if table == InputTable::FeatureUsage
            && opened.delivery.delivered
            && !self.loaded.frames.contains_key(&InputTable::Features)
        {
            opened.delivery.delivered = false;
            opened.delivery.notes.push("not used: its features are not known without the table `features`".into());
        }
        // Without sound accounts every row of usage would look like an orphan.
        let orphaned = self.unsound && !self.sound_targets(opened.delivery.table);
        if !opened.delivery.delivered || orphaned {
            self.pass(opened);
            return Ok(());
        }
        let unreadable = self.unreadable.len();
        let tally = match table {
            InputTable::FeatureUsage => self.feature_usage(&mut opened)?,
            _ => self.usage(&mut opened)?,
        };
        // What was read of a table that cannot be read whole says nothing about the rest.
        let whole = self.unreadable.len() == unreadable;
        self.admit(opened, tally, whole);
        Ok(())
    }

    /// Lets other tables refer to this one, if it is sound. Those that others refer to are read whole by every part.
    fn admit(&mut self, opened: Opened, mut tally: Tally, whole: bool) {
        let inputs = opened.inputs();
        let notes = opened.notes();
        let mut delivery = opened.delivery;
        delivery.notes.extend(notes);
        let sound = whole && verdict(&delivery, &mut tally, self.settings, self.as_of).is_empty();
        self.unsound |= !sound;
        // A table that failed must not fail those that refer to it: their rows would all be orphans.
        if let (true, Some(keys)) = (sound, self.loaded.keys_of(delivery.table)) {
            self.keys.insert(delivery.table.table, keys);
        }
        self.tables.push(ReadTable { delivery, inputs, tally: whole.then_some(tally) });
    }

    /// Whether every table that this one refers to passed its checks.
    fn sound_targets(&self, table: &schema::Table) -> bool {
        table.columns.iter().filter_map(|column| column.references).all(|target| self.keys.contains_key(&target))
    }

    fn small(&self, opened: &Opened) -> Result<Small, Error> {
        let urls: Vec<String> = opened.files.iter().map(|file| file.source.url()).collect();
        let (table, settings, part) = (opened.delivery.table, self.settings, self.part);
        let gathered = Mutex::new(Gathered::default());
        let unreadable = scan::scan(table, &opened.files, self.progress, &|file, batch| {
            let batch = Batch::of(table, file, batch, settings.max_text_bytes, part);
            gathered.lock().unwrap_or_else(PoisonError::into_inner).add(batch);
        })?;
        let gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        let freed = |rows: usize| {
            if rows >= MANY_ROWS {
                (self.progress)(Progress { table: table.table, rows: rows as u64, freed: true });
            }
        };
        let checked = gathered
            .finish(table, freed)
            .and_then(|delivered| check::check(table, delivered, part, &urls, &self.keys, settings, self.as_of));
        let (frame, tally) = checked.map_err(|e| Error::Contract(vec![unworkable(&opened.delivery, &e)]))?;
        Ok(Small { frame, tally, unreadable })
    }
}

/// A small table as it was read.
struct Small {
    frame: Frame,
    tally: Tally,
    /// Files of it that cannot be decoded.
    unreadable: Vec<Problem>,
}

/// Whether a table is packed as it streams by instead of being held as it is.
fn is_streamed(table: InputTable) -> bool {
    matches!(table, InputTable::Usage | InputTable::FeatureUsage)
}

/// Arrow refuses an array only when it outgrows what one can hold.
fn unworkable(delivery: &Delivery, fault: &ArrowError) -> Problem {
    let reason = format!("cannot be held in memory: {fault}");
    Problem::new(delivery.table.table, &delivery.place, reason, "deliver fewer rows")
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
