//! `feature_usage` from Arrow batches to packed runs of rows, and from those to the log of each account.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, BooleanArray, Int64Array};
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::feature_assembly::assemble;
use super::feature_base::FeatureBase;
use super::feature_kept;
use super::feature_run::{Row, Run, by_account};
use super::stream::Stream;
use crate::extracts::checked::users::Users;
use crate::extracts::checked::users::user_key;
use crate::extracts::contract::convert::{self, Unfit};
use crate::extracts::contract::rejects::Rejects;
use crate::extracts::contract::rules;
use crate::extracts::contract::schema::{Column, Table};
use crate::extracts::delivered::found::Source;
use crate::extracts::gathered::batch_time::{BatchTime, When, Window};
use crate::extracts::gathered::dictionary_column::{Interner, Mapped};
use crate::extracts::gathered::gather::{Count, Gathered, Gathering, UNRECORDED, lock};
use crate::extracts::gathered::places::{even, ranges};
use crate::extracts::kept::settled::{self, Runs, is_before};
use crate::extracts::kept::state::Kept;
use crate::extracts::tables::{FeatureLog, FeatureLogBuilder};
use crate::vocabulary::{AccountIx, Day, Dictionary, FeatureIx, Text};

/// Rows that a thread gathers before it packs them, of 40 bytes each.
const GATHERED_ROWS: usize = 1_500_000;

/// Gathers feature usage from any number of threads.
pub struct FeatureRows<'a> {
    table: &'static Table,
    accounts: &'a Dictionary<AccountIx>,
    features: &'a Dictionary<FeatureIx>,
    window: Window<'a>,
    place: &'a str,
    users: Mutex<Interner>,
    /// The months that are over, where an earlier night packed them.
    base: Option<FeatureBase>,
    rows: Gathering<Run>,
    rejects: Mutex<Rejects>,
    older: AtomicU64,
}

/// What `feature_usage` came to.
pub struct FeatureFound {
    pub rejects: Rejects,
    pub rows: u64,
    pub newest: Option<Day>,
    /// Rows before the usage history that the job keeps.
    pub older: u64,
    pub recorded: bool,
    /// Rows that broke no rule, before duplicates go.
    pub accepted: u64,
    /// Of them, rows that do not say whether the use was in a trial.
    pub trial_nulls: u64,
    /// A user is the position of its id in `names`.
    log: FeatureLog,
    /// User ids in byte order.
    names: Vec<Text>,
}

impl<'a> FeatureRows<'a> {
    /// `place`: where duplicates are said to be, since a row does not remember its file.
    pub fn new(
        table: &'static Table,
        accounts: &'a Dictionary<AccountIx>,
        features: &'a Dictionary<FeatureIx>,
        window: Window<'a>,
        place: &'a str,
        chunks: usize,
    ) -> FeatureRows<'a> {
        let rejects = Mutex::new(Rejects::new(table.table, window.settings.max_rejected_listed));
        let rows = Gathering::new(chunks, GATHERED_ROWS);
        FeatureRows {
            table,
            accounts,
            features,
            window,
            place,
            users: Mutex::default(),
            base: None,
            rows,
            rejects,
            older: AtomicU64::new(0),
        }
    }

    fn gather(&self, chunk: usize, batch: &Batch, rows: &mut Vec<Row>) -> Count {
        let mut count = Count::default();
        let before = rows.len();
        rows.reserve(batch.rows);
        for row in 0..batch.rows {
            let (day, recorded) = match batch.time.of_row(row) {
                When::Visible { day, recorded } => (day, recorded.unwrap_or(UNRECORDED)),
                When::Future => {
                    self.rows.leave_out(chunk);
                    continue;
                }
                When::Older => {
                    self.rows.leave_out(chunk);
                    self.older.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                When::Broken { rule, value } => {
                    count.visible += 1;
                    let shown = value.clone().unwrap_or_else(|| "null".into());
                    self.reject(chunk, batch, row, &shown, ("date", rule, value));
                    continue;
                }
            };
            count.visible += 1;
            let Some((account, feature, events)) = batch.accepted(row) else {
                if let Some(broken) = batch.fault(row) {
                    self.reject(chunk, batch, row, &day.to_string(), broken);
                }
                continue;
            };
            let user = batch.users.place(row) as u32;
            let in_trial = batch.in_trial(row);
            count.accept(day, recorded);
            count.nulls += u64::from(in_trial.is_none());
            rows.push(Row { account, user, feature, day, recorded, events, in_trial: in_trial.unwrap_or(false) });
        }
        let numbers = batch.users.numbers(rows[before..].iter().map(|row| row.user), &self.users);
        rows[before..].iter_mut().for_each(|row| row.user = numbers[row.user as usize]);
        count
    }

    fn reject(&self, chunk: usize, batch: &Batch, row: usize, day: &str, (column, rule, value): Broken) {
        self.rows.leave_out(chunk);
        lock(&self.rejects).add(batch.key(row, day), column, &rule, value.as_deref(), batch.file);
    }

    fn refuse(&self, row: Row) {
        let user = lock(&self.users).name(row.user).clone();
        let account = self.accounts.name(row.account);
        let key = format!("{account} / {user} / {} / {}", self.features.name(row.feature), row.day);
        lock(&self.rejects).add(key, "events", rules::DUPLICATE, Some(&row.events.to_string()), self.place);
    }

    /// Shows each chunk that holds all of its rows to `keep`, and the `settled` ones together to `keep_base`, so that a
    /// later night need not read them again.
    pub fn finish(
        mut self,
        settled: &[bool],
        keep: impl Fn(&Gathered<Run>, &Interner) + Sync,
        keep_base: impl Fn(&FeatureBase, &Interner),
    ) -> FeatureFound {
        let rows = std::mem::replace(&mut self.rows, Gathering::new(0, 0));
        let gathered = rows.finish(&|row| self.refuse(row));
        {
            let names = lock(&self.users);
            gathered.par_iter().filter(|chunk| chunk.complete).for_each(|chunk| keep(chunk, &names));
        }
        let mut base = self.base.take();
        let Runs { count, over, rest } = settled::apart(gathered, settled, base.as_ref().map(|base| base.count));
        let (names, ranks) = lock(&self.users).sorted();
        let starts = even(self.accounts.len());
        if let Some((over, alone)) = over {
            let repeated = AtomicBool::new(false);
            let refuse = |row| {
                repeated.store(true, Ordering::Relaxed);
                self.refuse(row);
            };
            base = FeatureBase::of(pieces(over, &starts, &ranks, &refuse), &ranks, alone);
            // A row that stands in two months is told every night.
            let whole = base.iter().filter(|_| !repeated.load(Ordering::Relaxed));
            whole.for_each(|base| keep_base(base, &lock(&self.users)));
        }
        let refuse = |row| self.refuse(row);
        let pieces = match base {
            Some(base) => base.and_later(rest, &ranks, &refuse),
            None => pieces(rest, &starts, &ranks, &refuse),
        };
        let mut log = FeatureLogBuilder::default();
        pieces.into_iter().for_each(|piece| log.append(piece));
        let log = log.finish(self.accounts.len());
        let older = self.older.into_inner();
        FeatureFound {
            rejects: self.rejects.into_inner().unwrap_or_else(PoisonError::into_inner),
            rows: count.visible,
            newest: count.newest_day(),
            older,
            recorded: count.recorded.is_some(),
            accepted: count.accepted,
            trial_nulls: count.nulls,
            log,
            names,
        }
    }
}

/// The rows of the runs in pieces of whole accounts.
fn pieces(
    runs: Vec<Run>,
    starts: &[AccountIx],
    ranks: &[u32],
    refuse: &(dyn Fn(Row) + Sync),
) -> Vec<FeatureLogBuilder> {
    let assembled = |runs: Vec<Run>| {
        let (mut builder, places) = (FeatureLogBuilder::default(), by_account(&runs));
        for places in places.iter() {
            builder.account(places[0].0);
            assemble(places, &runs, ranks, refuse, &mut |_, _, _| {}, &mut builder);
        }
        builder
    };
    ranges(runs, starts).into_par_iter().map(assembled).collect()
}

impl Stream for FeatureRows<'_> {
    fn stand_on(&mut self, kept: &[Kept]) -> bool {
        let fits = kept.first().is_some_and(|kept| kept.fits(self.window.from, self.window.as_of));
        let read = || FeatureBase::read(kept, self.accounts, self.features, &mut lock(&self.users));
        self.base = fits.then(read).flatten();
        self.base.is_some()
    }

    fn take(&self, kept: &Kept) -> bool {
        let runs = feature_kept::read(kept, self.accounts, self.features, &mut lock(&self.users), self.window);
        runs.map(|runs| self.rows.add_runs(kept.chunk, runs, kept.count)).is_some()
    }

    fn add(&self, source: &Source, batch: &RecordBatch) {
        let column = |name: &str| self.table.column(name);
        let (Some(account), Some(user), Some(feature), Some(events)) =
            (column("account_id"), column("user_id"), column("feature_id"), column("events"))
        else {
            return;
        };
        let settings = self.window.settings;
        let missing = |table: &str| format!("must exist in `{table}`");
        let counted = batch.column_by_name(events.name).map(convert::ints);
        let (counts, unfit) = counted.map_or((None, Vec::new()), |c| (Some(c.values), c.faults));
        let batch = Batch {
            time: BatchTime::of(batch, source.day, self.window),
            accounts: Mapped::of(batch, account, settings, |id| {
                self.accounts.get(id).ok_or_else(|| missing("accounts"))
            }),
            users: Mapped::of(batch, user, settings, |_| Ok(())),
            features: Mapped::of(batch, feature, settings, |id| {
                self.features.get(id).ok_or_else(|| missing("features"))
            }),
            counts,
            unfit,
            events,
            trial: batch.column_by_name("in_trial").map(convert::bools),
            rows: batch.num_rows(),
            file: &source.url(),
        };
        self.rows.add(source.chunk, &|row| self.refuse(row), |rows| self.gather(source.chunk, &batch, rows));
    }

    fn step_down(&mut self) -> bool {
        let rest = self.rows.counted();
        self.base.take_if(|base| !is_before(base.count, rest)).is_some()
    }
}

/// One batch with its ids looked up.
struct Batch<'a> {
    time: BatchTime<'a>,
    accounts: Mapped<AccountIx>,
    users: Mapped<()>,
    features: Mapped<FeatureIx>,
    counts: Option<Int64Array>,
    unfit: Vec<Unfit>,
    events: &'static Column,
    trial: Option<BooleanArray>,
    rows: usize,
    file: &'a str,
}

/// Column, rule and value.
type Broken = (&'static str, String, Option<String>);

impl Batch<'_> {
    fn count(&self, row: usize) -> Option<i64> {
        self.counts.as_ref().and_then(|counts| counts.is_valid(row).then(|| counts.value(row)))
    }

    fn in_trial(&self, row: usize) -> Option<bool> {
        self.trial.as_ref().and_then(|trial| trial.is_valid(row).then(|| trial.value(row)))
    }

    /// Account, feature and events of a row that breaks no rule.
    fn accepted(&self, row: usize) -> Option<(AccountIx, FeatureIx, u32)> {
        let account = self.accounts.get(row).ok()?;
        self.users.get(row).ok()?;
        let feature = self.features.get(row).ok()?;
        if !self.unfit.is_empty() && self.unfit.binary_search_by_key(&row, |unfit| unfit.row).is_ok() {
            return None;
        }
        let count = self.count(row)?;
        let sound = rules::is_sound(self.events, count as f64);
        sound.then(|| (account, feature, u32::try_from(count).unwrap_or(u32::MAX)))
    }

    fn fault(&self, row: usize) -> Option<Broken> {
        let text = |column, rule: &str, value: Option<&str>| Some((column, rule.to_owned(), value.map(str::to_owned)));
        if let Err(rule) = self.accounts.get(row) {
            return text("account_id", rule, self.accounts.text(row));
        }
        if let Err(rule) = self.users.get(row) {
            return text("user_id", rule, self.users.text(row));
        }
        if let Err(rule) = self.features.get(row) {
            return text("feature_id", rule, self.features.text(row));
        }
        if let Ok(place) = self.unfit.binary_search_by_key(&row, |unfit| unfit.row) {
            return text("events", self.unfit[place].rule, Some(&self.unfit[place].value));
        }
        let Some(count) = self.count(row) else { return text("events", rules::NULL, None) };
        let rule = rules::num_fault(self.events, count as f64)?;
        text("events", &rule, Some(&count.to_string()))
    }

    fn key(&self, row: usize, day: &str) -> String {
        let (account, user) = (self.accounts.shown(row), self.users.shown(row));
        format!("{account} / {user} / {} / {day}", self.features.shown(row))
    }
}

impl FeatureFound {
    /// `account_id` U+001F `user_id` of everyone who used a feature, in byte order: by account, then user, since no id
    /// holds anything that sorts before U+001F.
    pub fn users<'a>(&'a self, accounts: &'a Dictionary<AccountIx>) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.log.pairs().map(|(account, user)| (&**accounts.name(account), &*self.names[user.at()]))
    }

    /// The log with the users of the final dictionary, which keeps their order: within an account, users sort by
    /// their id.
    pub fn into_log(mut self, accounts: &Dictionary<AccountIx>, users: &Users) -> FeatureLog {
        let mut log = std::mem::take(&mut self.log);
        let mut names = users.iter().peekable();
        log.rename(|account, user| {
            let name = user_key(accounts.name(account), &self.names[user.at()]);
            while names.next_if(|(_, known)| **known < *name).is_some() {}
            names.peek().filter(|(_, known)| **known == *name).map_or(user, |(index, _)| *index)
        });
        log
    }
}
