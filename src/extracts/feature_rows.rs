//! `feature_usage` from Arrow batches to compact rows of numbers, sorted by (account, user, feature, day).

use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, BooleanArray, Int64Array};
use arrow::record_batch::RecordBatch;

use super::PerAccount;
use super::batch_time::{BatchTime, When, Window};
use super::convert::{self, Unfit};
use super::dictionary_column::{Interner, Mapped, Memo};
use super::frame::user_key;
use super::rejects::Rejects;
use super::rules;
use super::schema::{Column, Table};
use super::tables::FeatureUse;
use crate::vocabulary::{AccountIx, Day, Dictionary, FeatureIx, Moment, Text, UserIx};

/// Gathers feature usage from any number of threads.
pub(super) struct FeatureRows<'a> {
    table: &'static Table,
    accounts: &'a Dictionary<AccountIx>,
    features: &'a Dictionary<FeatureIx>,
    window: Window<'a>,
    files: &'a [String],
    state: Mutex<State>,
}

struct State {
    users: Interner,
    /// `user` is the interner's number until [`State::sort_users`]; `superseded` comes last.
    rows: Vec<FeatureUse>,
    /// Moments of recording beside `rows`; empty as long as none was met, since most deliveries have none.
    recorded: Vec<Moment>,
    rejects: Rejects,
    visible: u64,
    older: u64,
    newest: Option<Day>,
    trial_nulls: u64,
}

/// Not recorded: the row is known from its own day.
const UNRECORDED: Moment = Moment(i64::MIN);

type Key = (AccountIx, UserIx, FeatureIx, Day);

fn key(row: &FeatureUse) -> Key {
    (row.account, row.user, row.feature, row.day)
}

/// Orders rows that share a key and a moment of recording, whatever their place was.
fn content(row: &FeatureUse) -> (u32, bool) {
    (row.events, row.in_trial)
}

/// What `feature_usage` came to.
pub(super) struct FeatureFound {
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
    /// In table order; `user` is a position in `names`.
    entries: Vec<FeatureUse>,
    /// User ids in byte order.
    names: Vec<Text>,
}

impl<'a> FeatureRows<'a> {
    pub fn new(
        table: &'static Table,
        accounts: &'a Dictionary<AccountIx>,
        features: &'a Dictionary<FeatureIx>,
        window: Window<'a>,
        files: &'a [String],
    ) -> FeatureRows<'a> {
        let state = State {
            users: Interner::default(),
            rows: Vec::new(),
            recorded: Vec::new(),
            rejects: Rejects::new(table.table, window.settings.max_rejected_listed),
            visible: 0,
            older: 0,
            newest: None,
            trial_nulls: 0,
        };
        FeatureRows { table, accounts, features, window, files, state: Mutex::new(state) }
    }

    pub fn add(&self, file: usize, path_day: Option<Day>, batch: &RecordBatch) {
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
            time: BatchTime::of(batch, path_day),
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
            file: &self.files[file],
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(&batch, self.window);
    }

    pub fn finish(self) -> FeatureFound {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let names = state.sort_users();
        let accepted = state.rows.len() as u64;
        let recorded = !state.recorded.is_empty();
        let (entries, refused) = state.settle();
        // A row does not remember its file, so a pair of duplicates in several files is laid to the table.
        let place = if self.files.len() == 1 { &self.files[0] } else { self.table.name() };
        for row in refused {
            let (account, user) = (self.accounts.name(row.account), &names[row.user.at()]);
            let key = format!("{account} / {user} / {} / {}", self.features.name(row.feature), row.day);
            state.rejects.add(key, "events", rules::DUPLICATE, Some(&row.events.to_string()), place);
        }
        FeatureFound {
            rejects: state.rejects,
            rows: state.visible,
            newest: state.newest,
            older: state.older,
            recorded,
            accepted,
            trial_nulls: state.trial_nulls,
            entries,
            names,
        }
    }
}

/// One batch with its ids looked up.
struct Batch<'a> {
    time: BatchTime,
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

impl State {
    fn add(&mut self, batch: &Batch, window: Window) {
        let mut users = Memo::new(&batch.users);
        for row in 0..batch.rows {
            let (day, recorded) = match batch.time.of_row(row, window) {
                When::Future => continue,
                When::Older => {
                    self.older += 1;
                    continue;
                }
                When::Broken { rule, value } => {
                    self.visible += 1;
                    let shown = value.clone().unwrap_or_else(|| "null".into());
                    self.rejects.add(batch.key(row, &shown), "date", &rule, value.as_deref(), batch.file);
                    continue;
                }
                When::Visible { day, recorded } => (day, recorded),
            };
            self.visible += 1;
            if let Some((column, rule, value)) = batch.fault(row) {
                self.rejects.add(batch.key(row, &day.to_string()), column, &rule, value.as_deref(), batch.file);
                continue;
            }
            let (Ok(account), Ok(feature), Some(count)) =
                (batch.accounts.get(row), batch.features.get(row), batch.count(row))
            else {
                continue;
            };
            let user = UserIx(users.number(&batch.users, row, &mut self.users));
            let events = u32::try_from(count).unwrap_or(u32::MAX);
            let in_trial = batch.in_trial(row);
            self.trial_nulls += u64::from(in_trial.is_none());
            self.newest = self.newest.max(Some(day));
            let (known, in_trial) = (rules::known_day(recorded, Some(day)), in_trial.unwrap_or(false));
            let superseded = Day::MAX;
            self.push(FeatureUse { account, user, feature, day, known, superseded, events, in_trial }, recorded);
        }
    }

    fn push(&mut self, row: FeatureUse, recorded: Option<Moment>) {
        if recorded.is_some() || !self.recorded.is_empty() {
            self.recorded.resize(self.rows.len(), UNRECORDED);
            self.recorded.push(recorded.unwrap_or(UNRECORDED));
        }
        self.rows.push(row);
    }

    /// Renumbers users in byte order.
    fn sort_users(&mut self) -> Vec<Text> {
        let names = std::mem::take(&mut self.users).into_names();
        let mut order: Vec<u32> = (0..names.len() as u32).collect();
        order.sort_unstable_by(|a, b| names[*a as usize].cmp(&names[*b as usize]));
        let mut rank = vec![0; names.len()];
        for (place, number) in order.iter().enumerate() {
            rank[*number as usize] = place as u32;
        }
        for row in &mut self.rows {
            row.user = UserIx(rank[row.user.at()]);
        }
        order.into_iter().map(|number| names[number as usize].clone()).collect()
    }

    /// Rows in table order, and those refused because another with their key and moment of recording stays.
    fn settle(&mut self) -> (Vec<FeatureUse>, Vec<FeatureUse>) {
        let mut rows = std::mem::take(&mut self.rows);
        let mut refused = Vec::new();
        if self.recorded.is_empty() {
            rows.sort_unstable_by_key(|row| (key(row), content(row)));
            rows.dedup_by(|later, kept| refuse(later, key(later) == key(kept), &mut refused));
            return (rows, refused);
        }
        let mut versions: Vec<(FeatureUse, Moment)> =
            rows.into_iter().zip(std::mem::take(&mut self.recorded)).collect();
        versions.sort_unstable_by_key(|(row, recorded)| (key(row), *recorded, content(row)));
        versions.dedup_by(|later, kept| {
            let same = key(&later.0) == key(&kept.0) && later.1 == kept.1;
            refuse(&later.0, same, &mut refused)
        });
        let mut rows: Vec<FeatureUse> = versions.into_iter().map(|(row, _)| row).collect();
        for at in (1..rows.len()).rev() {
            if key(&rows[at - 1]) == key(&rows[at]) {
                rows[at - 1].superseded = rows[at].known.min(rows[at].superseded);
            }
        }
        // A version that the next one overtook before the day ended was never visible.
        rows.retain(|row| row.known < row.superseded);
        (rows, refused)
    }
}

fn refuse(row: &FeatureUse, refused: bool, rows: &mut Vec<FeatureUse>) -> bool {
    if refused {
        rows.push(*row);
    }
    refused
}

impl FeatureFound {
    /// `account_id` U+001F `user_id` of everyone who used a feature.
    pub fn users(&self, accounts: &Dictionary<AccountIx>) -> Vec<Text> {
        let mut pairs: Vec<(AccountIx, UserIx)> = Vec::new();
        for row in &self.entries {
            if pairs.last() != Some(&(row.account, row.user)) {
                pairs.push((row.account, row.user));
            }
        }
        pairs.into_iter().map(|(account, user)| self.name(accounts, account, user).into()).collect()
    }

    fn name(&self, accounts: &Dictionary<AccountIx>, account: AccountIx, user: UserIx) -> String {
        user_key(accounts.name(account), &self.names[user.at()])
    }

    /// Rows with the users of the final dictionary, which keeps their order: within an account, users sort by their id.
    pub fn into_rows(mut self, accounts: &Dictionary<AccountIx>, users: &Dictionary<UserIx>) -> PerAccount<FeatureUse> {
        let mut rows = std::mem::take(&mut self.entries);
        let mut last: Option<(AccountIx, UserIx, Option<UserIx>)> = None;
        rows.retain_mut(|row| {
            let found = match last {
                Some((account, user, found)) if (account, user) == (row.account, row.user) => found,
                _ => users.get(&self.name(accounts, row.account, row.user)),
            };
            last = Some((row.account, row.user, found));
            row.user = found.unwrap_or(row.user);
            found.is_some()
        });
        PerAccount::group(rows, accounts.len(), |row| row.account)
    }
}
