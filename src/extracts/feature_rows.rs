//! `feature_usage` from Arrow batches to compact rows of numbers, sorted by (account, user, feature, day).

use std::collections::BTreeSet;
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
    rows: Vec<Entry>,
    recorded: bool,
    rejects: Rejects,
    visible: u64,
    older: u64,
    newest: Option<Day>,
    trial_nulls: u64,
}

/// A row as numbers; the derived order is that of the table, then of versions, then of content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    account: AccountIx,
    user: u32,
    feature: FeatureIx,
    day: Day,
    recorded: Option<Moment>,
    events: u32,
    in_trial: bool,
    file: u32,
}

impl Entry {
    fn key(&self) -> (AccountIx, u32, FeatureIx, Day) {
        (self.account, self.user, self.feature, self.day)
    }

    fn known(&self) -> Day {
        rules::known_day(self.recorded, Some(self.day))
    }
}

/// What `feature_usage` came to.
pub(super) struct FeatureFound {
    pub rejects: Rejects,
    pub rows: u64,
    pub newest: Option<Day>,
    pub notes: Vec<String>,
    pub recorded: bool,
    pub null_share: Vec<(String, f64)>,
    entries: Vec<Entry>,
    /// In byte order; an entry's `user` is a position here.
    users: Vec<Text>,
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
            recorded: false,
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
            file: file as u32,
            url: &self.files[file],
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(&batch, self.window);
    }

    pub fn finish(self) -> FeatureFound {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let users = state.sort_users();
        state.rows.sort_unstable();
        let entries = state.without_duplicates(&users, self.accounts, self.features, self.files);
        let older = (state.older > 0).then(|| format!("{} rows older than the usage history left out", state.older));
        let nulls = state.trial_nulls as f64 / entries.len().max(1) as f64;
        FeatureFound {
            rejects: state.rejects,
            rows: state.visible,
            newest: state.newest,
            notes: older.into_iter().collect(),
            recorded: state.recorded,
            null_share: vec![("in_trial".into(), nulls.min(1.0))],
            entries,
            users,
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
    file: u32,
    url: &'a str,
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
                    self.rejects.add(batch.key(row, &shown), "date", &rule, value.as_deref(), batch.url);
                    continue;
                }
                When::Visible { day, recorded } => (day, recorded),
            };
            self.visible += 1;
            self.recorded |= recorded.is_some();
            if let Some((column, rule, value)) = batch.fault(row) {
                self.rejects.add(batch.key(row, &day.to_string()), column, &rule, value.as_deref(), batch.url);
                continue;
            }
            let (Ok(account), Ok(feature), Some(count)) =
                (batch.accounts.get(row), batch.features.get(row), batch.count(row))
            else {
                continue;
            };
            let user = users.number(&batch.users, row, &mut self.users);
            let events = u32::try_from(count).unwrap_or(u32::MAX);
            let in_trial = batch.in_trial(row);
            self.trial_nulls += u64::from(in_trial.is_none());
            self.newest = self.newest.max(Some(day));
            let (in_trial, file) = (in_trial.unwrap_or(false), batch.file);
            self.rows.push(Entry { account, user, feature, day, recorded, events, in_trial, file });
        }
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
            row.user = rank[row.user as usize];
        }
        order.into_iter().map(|number| names[number as usize].clone()).collect()
    }

    /// Of sorted rows with one key and one moment of recording the first stays.
    fn without_duplicates(
        &mut self,
        users: &[Text],
        accounts: &Dictionary<AccountIx>,
        features: &Dictionary<FeatureIx>,
        files: &[String],
    ) -> Vec<Entry> {
        let mut entries = std::mem::take(&mut self.rows);
        entries.dedup_by(|later, kept| {
            let same = later.key() == kept.key() && later.recorded == kept.recorded;
            if same {
                let (account, user) = (accounts.name(later.account), &users[later.user as usize]);
                let key = format!("{account} / {user} / {} / {}", features.name(later.feature), later.day);
                let (value, file) = (later.events.to_string(), &files[later.file as usize]);
                self.rejects.add(key, "events", rules::DUPLICATE, Some(&value), file);
            }
            same
        });
        entries
    }
}

impl FeatureFound {
    /// `account_id` U+001F `user_id` of everyone who used a feature.
    pub fn users(&self, accounts: &Dictionary<AccountIx>) -> BTreeSet<Text> {
        let mut pairs: Vec<(AccountIx, u32)> = self.entries.iter().map(|entry| (entry.account, entry.user)).collect();
        pairs.dedup();
        pairs.into_iter().map(|(account, user)| self.name(accounts, account, user)).collect()
    }

    fn name(&self, accounts: &Dictionary<AccountIx>, account: AccountIx, user: u32) -> Text {
        user_key(accounts.name(account), &self.users[user as usize]).into()
    }

    /// Rows with the days they were visible; versions that the next one overtook within a day are left out.
    pub fn into_rows(self, accounts: &Dictionary<AccountIx>, users: &Dictionary<UserIx>) -> PerAccount<FeatureUse> {
        let mut rows: Vec<FeatureUse> = Vec::with_capacity(self.entries.len());
        let mut last: Option<(AccountIx, u32, Option<UserIx>)> = None;
        for (at, entry) in self.entries.iter().enumerate() {
            let user = match last {
                Some((account, user, found)) if (account, user) == (entry.account, entry.user) => found,
                _ => users.get(&self.name(accounts, entry.account, entry.user)),
            };
            last = Some((entry.account, entry.user, user));
            let later = self.entries[at + 1..].iter().take_while(|next| next.key() == entry.key());
            let superseded = later.map(Entry::known).min().unwrap_or(Day::MAX);
            let (Some(user), true) = (user, entry.known() < superseded) else { continue };
            rows.push(FeatureUse {
                account: entry.account,
                user,
                feature: entry.feature,
                day: entry.day,
                known: entry.known(),
                superseded,
                events: entry.events,
                in_trial: entry.in_trial,
            });
        }
        PerAccount::group(rows, accounts.len(), |row| row.account)
    }
}
