//! `feature_usage`: daily use by user and feature, two or three bytes a row.
//!
//! Rows number in the hundreds of millions; an account's rows are unpacked when someone looks at them.

use std::collections::BTreeMap;

use crate::extracts::packed::{Reader, Writer};
use crate::extracts::schema::{Entity, Table, account_id, date, flag, id, int};
use crate::extracts::{InputTable, Row, Seen};
use crate::vocabulary::{AccountIx, Day, FeatureIx, UserIx};

/// One row, as it is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureUse {
    pub account: AccountIx,
    pub user: UserIx,
    pub feature: FeatureIx,
    pub day: Day,
    pub known: Day,
    pub superseded: Day,
    pub events: u32,
    pub in_trial: bool,
}

impl Row for FeatureUse {
    #[inline]
    fn seen(&self) -> Seen {
        Seen { known: self.known, superseded: self.superseded }
    }
}

/// All rows in all their versions, by account; within one by (user, feature, day).
#[derive(Clone, Debug, Default)]
pub struct FeatureLog {
    /// Groups of one user and feature: the user's place among those of the account, the feature, the number of rows;
    /// then per row the step in days, events and trial, and where `lagged` when it was known and superseded.
    packed: Vec<u8>,
    /// Whether any row was recorded after its own day or in several versions.
    lagged: bool,
    accounts: Vec<Of>,
    /// The users of each account, in order.
    users: Vec<UserIx>,
    /// The earliest day among the rows that became known on a day.
    first: BTreeMap<Day, Day>,
}

/// Where the rows and the users of an account begin, and how many rows there are.
#[derive(Clone, Copy, Debug, Default)]
struct Of {
    offset: u64,
    users: u32,
    rows: u32,
}

impl FeatureLog {
    /// Every version of every row of the account.
    pub fn of(&self, account: AccountIx) -> Uses<'_> {
        let of = self.accounts.get(account.at()).copied().unwrap_or_default();
        let (bytes, users) = match of.rows {
            0 => (&[][..], &[][..]),
            _ => (&self.packed[of.offset as usize..], &self.users[of.users as usize..]),
        };
        let group = Group { user: UserIx(0), feature: FeatureIx(0), day: Day(0), left: 0 };
        Uses {
            account,
            reader: Reader::new(bytes),
            users,
            lagged: self.lagged,
            place: 0,
            group,
            left: of.rows as usize,
        }
    }

    /// The first day with a row, as known on `day`.
    pub fn first_known(&self, day: Day) -> Option<Day> {
        self.first.range(..=day).map(|(_, first)| *first).min()
    }

    /// Replaces each user by another that sorts alike within its account.
    pub fn rename(&mut self, mut name: impl FnMut(AccountIx, UserIx) -> UserIx) {
        for account in 0..self.accounts.len() {
            let from = self.accounts[account].users as usize;
            let to = self.accounts.get(account + 1).map_or(self.users.len(), |next| next.users as usize);
            for user in &mut self.users[from..to] {
                *user = name(AccountIx::from(account), *user);
            }
        }
    }

    /// Accounts and users that have a row.
    pub fn pairs(&self) -> impl Iterator<Item = (AccountIx, UserIx)> {
        let ends = self.accounts.iter().skip(1).map(|of| of.users as usize).chain([self.users.len()]);
        let accounts = self.accounts.iter().zip(ends).enumerate();
        accounts.flat_map(|(account, (of, to))| {
            self.users[of.users as usize..to].iter().map(move |user| (AccountIx::from(account), *user))
        })
    }
}

/// The rows of one account.
#[derive(Clone, Debug)]
pub struct Uses<'a> {
    account: AccountIx,
    reader: Reader<'a>,
    users: &'a [UserIx],
    lagged: bool,
    place: usize,
    group: Group,
    left: usize,
}

/// Rows of one user and feature that are still to come, and the day of the last one.
#[derive(Clone, Copy, Debug)]
struct Group {
    user: UserIx,
    feature: FeatureIx,
    day: Day,
    left: usize,
}

impl Iterator for Uses<'_> {
    type Item = FeatureUse;

    #[inline]
    fn next(&mut self) -> Option<FeatureUse> {
        self.left = self.left.checked_sub(1)?;
        if self.group.left == 0 {
            self.place += self.reader.number() as usize;
            let user = self.users.get(self.place).copied().unwrap_or(UserIx(0));
            let feature = FeatureIx::from(self.reader.number() as usize);
            self.group = Group { user, feature, day: Day(0), left: self.reader.number() as usize };
        }
        let group = &mut self.group;
        group.left = group.left.saturating_sub(1);
        group.day = group.day.plus(self.reader.signed() as i32);
        let events = self.reader.number();
        let (mut known, mut superseded) = (group.day, Day::MAX);
        if self.lagged {
            known = known.plus(self.reader.number() as i32);
            superseded = match self.reader.number() {
                0 => Day::MAX,
                days => known.plus(days as i32),
            };
        }
        let Group { user, feature, day, .. } = *group;
        let (in_trial, events) = (events & 1 == 1, (events >> 1) as u32);
        Some(FeatureUse { account: self.account, user, feature, day, known, superseded, events, in_trial })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Puts a [`FeatureLog`] together, account by account.
#[derive(Debug)]
pub struct FeatureLogBuilder {
    log: FeatureLog,
}

impl FeatureLogBuilder {
    /// `lagged`: whether rows may have been recorded after their own day, or in several versions.
    pub fn new(lagged: bool) -> FeatureLogBuilder {
        FeatureLogBuilder { log: FeatureLog { lagged, ..FeatureLog::default() } }
    }

    /// Adds the rows of an account, sorted by (user, feature, day, known); accounts come in order.
    pub fn push(&mut self, account: AccountIx, rows: &[FeatureUse]) {
        self.reach(account.at());
        let log = &mut self.log;
        let rows_of = Of { offset: log.packed.len() as u64, users: log.users.len() as u32, rows: rows.len() as u32 };
        log.accounts.push(rows_of);
        let mut out = Writer(std::mem::take(&mut log.packed));
        let mut place = 0;
        for of_user in rows.chunk_by(|a, b| a.user == b.user) {
            log.users.push(of_user[0].user);
            let mut step = (log.users.len() - 1 - rows_of.users as usize) - place;
            place += step;
            for group in of_user.chunk_by(|a, b| a.feature == b.feature) {
                out.number(std::mem::take(&mut step) as u64);
                out.number(group[0].feature.at() as u64);
                out.number(group.len() as u64);
                write_group(group, log.lagged, &mut out);
            }
        }
        log.packed = out.0;
        for row in rows {
            log.first.entry(row.known).and_modify(|first| *first = row.day.min(*first)).or_insert(row.day);
        }
    }

    /// Accounts before `account` that have no rows.
    fn reach(&mut self, account: usize) {
        let nothing = Of { offset: self.log.packed.len() as u64, users: self.log.users.len() as u32, rows: 0 };
        self.log.accounts.resize(account.max(self.log.accounts.len()), nothing);
    }

    /// Appends what another builder gathered of later accounts.
    pub fn append(&mut self, other: FeatureLogBuilder) {
        let (log, more) = (&mut self.log, other.log);
        let (offset, users, known) = (log.packed.len() as u64, log.users.len() as u32, log.accounts.len());
        let moved =
            more.accounts.into_iter().map(|of| Of { offset: of.offset + offset, users: of.users + users, ..of });
        log.accounts.extend(moved.skip(known));
        log.packed.extend_from_slice(&more.packed);
        log.users.extend(more.users);
        for (known, day) in more.first {
            log.first.entry(known).and_modify(|first| *first = day.min(*first)).or_insert(day);
        }
    }

    pub fn finish(mut self, accounts: usize) -> FeatureLog {
        self.reach(accounts);
        self.log.packed.shrink_to_fit();
        self.log
    }
}

fn write_group(rows: &[FeatureUse], lagged: bool, out: &mut Writer) {
    let mut day = Day(0);
    for row in rows {
        out.signed(i64::from(row.day.since(day)));
        day = row.day;
        out.number(u64::from(row.events) << 1 | u64::from(row.in_trial));
        if lagged {
            out.number(row.known.since(row.day).max(0) as u64);
            out.number(if row.superseded == Day::MAX { 0 } else { row.superseded.since(row.known).max(1) as u64 });
        }
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::FeatureUsage,
        "daily use by user and feature",
        &["account_id", "user_id", "feature_id", "date"],
        [
            account_id(),
            id("user_id", Entity::User, "the user, within the account"),
            id("feature_id", Entity::Feature, "the feature used").in_table(InputTable::Features),
            date("date", "the day"),
            int("events", "how often").between(0.0, f64::from(u32::MAX)),
            flag("in_trial", "used during a trial").optional(),
        ],
    )
    .happens("date")
    .partitioned()
}
