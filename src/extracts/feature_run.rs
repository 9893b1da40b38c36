//! A run of feature usage: versions of rows, sorted and packed account by account. What one thread gathered, what the
//! runs of a chunk of files come to, and what the state keeps are all runs; merging them in any order gives the same.

use std::borrow::Cow;

use super::gather::{Refuse, Rollup, UNRECORDED};
use super::packed::{Reader, Writer};
use super::usage_run::{delay, recorded};
use crate::vocabulary::{AccountIx, Day, FeatureIx, Moment};

/// One row of `feature_usage`; `user` is a number of the load's interner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub account: AccountIx,
    pub user: u32,
    pub feature: FeatureIx,
    pub day: Day,
    pub recorded: Moment,
    pub events: u32,
    pub in_trial: bool,
}

impl Row {
    /// Account, user, feature and day in one number that sorts like them.
    #[inline]
    fn key(&self) -> u128 {
        let day = (i64::from(self.day.0) - i64::from(i32::MIN)) as u128;
        (self.account.at() as u128) << 96 | u128::from(self.user) << 64 | (self.feature.at() as u128) << 32 | day
    }

    /// By key and recording; those that share both by content, so that the smallest stays.
    #[inline]
    fn order(&self, other: &Row) -> std::cmp::Ordering {
        let rest = |row: &Row| (row.recorded, row.events, row.in_trial);
        self.key().cmp(&other.key()).then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// Sorted by account.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    accounts: Vec<Packed>,
    bytes: Vec<u8>,
    /// `None`: the numbers in the bytes are those of this load.
    names: Option<Names>,
}

/// The rows of one account, between two days.
#[derive(Clone, Copy, Debug)]
struct Packed {
    account: AccountIx,
    rows: u32,
    first: Day,
    last: Day,
    offset: u64,
}

impl Rollup for Run {
    type Row = Row;

    fn seal(rows: &mut Vec<Row>, refuse: Refuse<Row>) -> Run {
        settle(rows, refuse);
        let mut run = Run::default();
        rows.chunk_by(|a, b| a.account == b.account).for_each(|rows| run.push(rows));
        rows.clear();
        run
    }

    fn merge(runs: &[Run], refuse: Refuse<Row>) -> Run {
        let mut merged = Run::default();
        let mut rows = Vec::new();
        for parts in by_account(runs).iter() {
            unpack_all(runs, parts, &mut rows);
            settle(&mut rows, refuse);
            merged.push(&rows);
        }
        merged
    }
}

impl Run {
    fn push(&mut self, rows: &[Row]) {
        let Some(first) = rows.first() else { return };
        let days = rows.iter().map(|row| row.day);
        self.accounts.push(Packed {
            account: first.account,
            rows: rows.len() as u32,
            first: days.clone().min().unwrap_or(first.day),
            last: days.max().unwrap_or(first.day),
            offset: self.bytes.len() as u64,
        });
        let mut out = Writer(std::mem::take(&mut self.bytes));
        for group in rows.chunk_by(|a, b| (a.user, a.feature) == (b.user, b.feature)) {
            out.number(u64::from(group[0].user));
            out.number(group[0].feature.at() as u64);
            out.number(group.len() as u64);
            let mut day = Day(0);
            for row in group {
                out.signed(i64::from(row.day.since(day)));
                day = row.day;
                let known = u64::from(row.recorded != UNRECORDED);
                out.number(u64::from(row.events) << 2 | u64::from(row.in_trial) << 1 | known);
                if known == 1 {
                    out.signed(delay(row.day, row.recorded));
                }
            }
        }
        self.bytes = out.0;
    }

    /// Appends the rows of an account to `rows`.
    fn unpack(&self, of: &Packed, rows: &mut Vec<Row>) {
        let mut reader = Reader::new(&self.bytes[of.offset as usize..]);
        let end = rows.len() + of.rows as usize;
        while rows.len() < end {
            let (user, feature) = (reader.number() as u32, FeatureIx::from(reader.number() as usize));
            let (user, feature) = self.names.as_ref().map_or((user, feature), |names| names.of(user, feature));
            let group = (reader.number() as usize).clamp(1, end - rows.len());
            let mut day = Day(0);
            for _ in 0..group {
                day = day.plus(reader.signed() as i32);
                let content = reader.number();
                let recorded = if content & 1 == 1 { recorded(day, reader.signed()) } else { UNRECORDED };
                let (events, in_trial) = ((content >> 2) as u32, content >> 1 & 1 == 1);
                rows.push(Row { account: of.account, user, feature, day, recorded, events, in_trial });
            }
        }
    }

    /// The same run with numbers of this load in its bytes.
    pub fn plain(&self) -> Cow<'_, Run> {
        match &self.names {
            None => Cow::Borrowed(self),
            Some(_) => Cow::Owned(Run::merge(std::slice::from_ref(self), &mut |_| {})),
        }
    }

    /// Accounts that have a row, rising.
    pub fn accounts(&self) -> Vec<AccountIx> {
        self.accounts.iter().map(|of| of.account).collect()
    }

    /// Numbers of users that have a row, rising.
    pub fn users(&self) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut users: Vec<u32> = Vec::new();
        for of in &self.accounts {
            rows.clear();
            self.unpack(of, &mut rows);
            users.extend(rows.chunk_by(|a, b| a.user == b.user).map(|rows| rows[0].user));
        }
        users.sort_unstable();
        users.dedup();
        users
    }

    /// The run as bytes, numbers as they are but for those of the accounts.
    pub fn write(&self, out: &mut Writer, account: impl Fn(AccountIx) -> u32) {
        out.number(self.accounts.len() as u64);
        for of in &self.accounts {
            out.number(u64::from(account(of.account)));
            out.number(u64::from(of.rows));
            out.signed(i64::from(of.first.0));
            out.signed(i64::from(of.last.0));
            out.number(of.offset);
        }
        out.number(self.bytes.len() as u64);
        out.0.extend_from_slice(&self.bytes);
    }

    /// `names`: what the numbers in the bytes stand for today.
    pub fn read(reader: &mut Reader, account: impl Fn(u32) -> AccountIx, names: Names) -> Run {
        let n = reader.number() as usize;
        let one = |_| Packed {
            account: account(reader.number() as u32),
            rows: reader.number() as u32,
            first: Day(reader.signed() as i32),
            last: Day(reader.signed() as i32),
            offset: reader.number(),
        };
        let mut accounts: Vec<Packed> = (0..n).map(one).collect();
        accounts.sort_unstable_by_key(|of| of.account);
        let len = reader.number() as usize;
        Run { accounts, bytes: reader.take(len).to_vec(), names: Some(names) }
    }
}

/// What the numbers in a run's bytes stand for, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub users: Vec<u32>,
    pub features: Vec<FeatureIx>,
}

impl Names {
    fn of(&self, user: u32, feature: FeatureIx) -> (u32, FeatureIx) {
        let user = self.users.get(user as usize).copied().unwrap_or(user);
        (user, self.features.get(feature.at()).copied().unwrap_or(feature))
    }
}

/// Leaves one row per key and recording: the smallest.
pub(super) fn settle(rows: &mut Vec<Row>, refuse: Refuse<Row>) {
    if !rows.is_sorted_by(|a, b| a.order(b).is_le()) {
        rows.sort_unstable_by(Row::order);
    }
    rows.dedup_by(|later, kept| {
        let same = later.key() == kept.key() && later.recorded == kept.recorded;
        if same {
            refuse(*later);
        }
        same
    });
}

/// Where a part of an account's rows lies: the account, the run, the place in the run.
pub(super) type Part = (AccountIx, u32, u32);

/// The parts of all accounts, sorted.
pub(super) struct Parts(Vec<Part>);

pub(super) fn by_account(runs: &[Run]) -> Parts {
    let mut parts: Vec<Part> = Vec::with_capacity(runs.iter().map(|run| run.accounts.len()).sum());
    for (number, run) in runs.iter().enumerate() {
        parts.extend(run.accounts.iter().enumerate().map(|(at, of)| (of.account, number as u32, at as u32)));
    }
    parts.sort_unstable();
    Parts(parts)
}

impl Parts {
    /// Account by account.
    pub fn iter(&self) -> impl Iterator<Item = &[Part]> {
        self.0.chunk_by(|a, b| a.0 == b.0)
    }

    /// About `pieces` runs of whole accounts.
    pub fn pieces(&self, pieces: usize) -> Vec<&[Part]> {
        let size = self.0.len().div_ceil(pieces.max(1)).max(1);
        let mut rest = self.0.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let account = rest[size.min(rest.len()) - 1].0;
            let (piece, after) = rest.split_at(rest.partition_point(|part| part.0 <= account));
            found.push(piece);
            rest = after;
        }
        found
    }
}

/// The rows of one account from all its parts, in the order of the parts.
pub(super) fn unpack_all(runs: &[Run], parts: &[Part], rows: &mut Vec<Row>) {
    rows.clear();
    for (_, run, at) in parts {
        let run = &runs[*run as usize];
        run.unpack(&run.accounts[*at as usize], rows);
    }
}
