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

/// What one user did with one feature on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayUse {
    pub day: Day,
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
    /// Groups of one user and feature: the step to the user's place among those of the account, the feature, the number
    /// of rows and the first day; then per row the step in days from the one before, events, trial and whether it is
    /// versioned, and then when it was known and superseded.
    packed: Vec<Vec<u8>>,
    /// Whether any row was recorded after its own day or in several versions.
    lagged: bool,
    accounts: Vec<Of>,
    /// The users of each account, in order.
    users: Vec<UserIx>,
    /// The earliest day among the rows known by the end of a day, for the days on which it changed.
    first: BTreeMap<Day, Day>,
}

/// Where the rows and the users of an account begin, and how many rows there are.
#[derive(Clone, Copy, Debug, Default)]
struct Of {
    piece: u32,
    rows: u32,
    offset: u64,
    users: u32,
}

impl FeatureLog {
    /// Every version of every row of the account.
    pub fn of(&self, account: AccountIx) -> Uses<'_> {
        let of = self.accounts.get(account.at()).copied().unwrap_or_default();
        let (bytes, users) = match of.rows {
            0 => (&[][..], &[][..]),
            _ => (&self.packed[of.piece as usize][of.offset as usize..], &self.users[of.users as usize..]),
        };
        let group = Group { user: UserIx(0), feature: FeatureIx(0), day: Day(0), left: 0 };
        Uses { account, reader: Reader::new(bytes), users, place: 0, group, left: of.rows as usize }
    }

    /// Whether any row was recorded after its own day or in several versions.
    pub fn is_lagged(&self) -> bool {
        self.lagged
    }

    /// The same rows under the coverage of another log: which days the extract covers is a matter of all accounts.
    pub fn covered_as(self, whole: &FeatureLog) -> FeatureLog {
        FeatureLog { first: whole.first.clone(), ..self }
    }

    /// The first day with a row, as known on `day`.
    pub fn first_known(&self, day: Day) -> Option<Day> {
        self.first.range(..=day).next_back().map(|(_, first)| *first)
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

    fn first_of(&mut self, known: Day, day: Day) {
        // What an earlier row says already is said once.
        if self.first.range(..=known).next_back().is_some_and(|(_, first)| *first <= day) {
            return;
        }
        self.first.insert(known, day);
        let overtaken = self.first.range(known.plus(1)..).take_while(|(_, first)| **first >= day);
        let overtaken: Vec<Day> = overtaken.map(|(known, _)| *known).collect();
        self.first.retain(|known, _| !overtaken.contains(known));
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

impl Uses<'_> {
    /// The next user and feature; the rows of theirs that were known on the day are appended to `known`, by day. `None`
    /// after the last; not to be mixed with single rows.
    pub fn next_run(&mut self, day: Day, known: &mut Vec<DayUse>) -> Option<(UserIx, FeatureIx)> {
        if self.left == 0 {
            return None;
        }
        let Group { user, feature, day: mut of_row, left } = self.head();
        let mut reader = self.reader.clone();
        for at in 0..left {
            if at > 0 {
                of_row = of_row.plus(reader.signed() as i32);
            }
            let Content { seen, events, in_trial } = Content::read(&mut reader, of_row);
            if of_row <= day && seen.on(day) {
                known.push(DayUse { day: of_row, events, in_trial });
            }
        }
        (self.reader, self.left) = (reader, self.left.saturating_sub(left));
        Some((user, feature))
    }

    fn head(&mut self) -> Group {
        self.place += self.reader.number() as usize;
        let user = self.users.get(self.place).copied().unwrap_or(UserIx(0));
        let feature = FeatureIx::from(self.reader.number() as usize);
        let left = self.reader.number() as usize;
        Group { user, feature, day: Day(self.reader.signed() as i32), left }
    }
}

/// What stands in a row beside its day.
struct Content {
    seen: Seen,
    events: u32,
    in_trial: bool,
}

impl Content {
    #[inline]
    fn read(reader: &mut Reader, day: Day) -> Content {
        let content = reader.number();
        let mut seen = Seen { known: day, superseded: Day::MAX };
        if content & VERSIONED != 0 {
            seen.known = day.plus(reader.number() as i32);
            seen.superseded = match reader.number() {
                0 => Day::MAX,
                days => seen.known.plus(days as i32),
            };
        }
        Content { seen, events: (content >> 2) as u32, in_trial: content >> 1 & 1 == 1 }
    }
}

impl Iterator for Uses<'_> {
    type Item = FeatureUse;

    #[inline]
    fn next(&mut self) -> Option<FeatureUse> {
        self.left = self.left.checked_sub(1)?;
        if self.group.left == 0 {
            self.group = self.head();
        } else {
            self.group.day = self.group.day.plus(self.reader.signed() as i32);
        }
        self.group.left = self.group.left.saturating_sub(1);
        let Group { user, feature, day, .. } = self.group;
        let Content { seen: Seen { known, superseded }, events, in_trial } = Content::read(&mut self.reader, day);
        Some(FeatureUse { account: self.account, user, feature, day, known, superseded, events, in_trial })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Bit of a row that says when it was known and superseded.
const VERSIONED: u64 = 1;

/// Puts a [`FeatureLog`] together, account by account.
#[derive(Debug, Default)]
pub struct FeatureLogBuilder {
    log: FeatureLog,
    /// The bytes of the piece that is being written.
    out: Writer,
    /// Place of the last user among those of the account.
    place: usize,
}

impl FeatureLogBuilder {
    /// Adds the rows of an account, sorted by (user, feature, day, known); accounts come in order.
    pub fn push(&mut self, account: AccountIx, rows: &[FeatureUse]) {
        self.account(account);
        rows.chunk_by(|a, b| (a.user, a.feature) == (b.user, b.feature)).for_each(|group| self.group(group));
    }

    /// Begins an account; accounts come in order.
    pub fn account(&mut self, account: AccountIx) {
        self.reach(account.at());
        self.log.accounts.push(self.nothing());
        self.place = 0;
    }

    /// Adds rows of one user and feature to the account, sorted by (day, known); groups come by (user, feature).
    pub fn group(&mut self, rows: &[FeatureUse]) {
        let Some(first) = rows.first() else { return };
        self.head(first.user, first.feature, rows.len() as u32, first.day);
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                self.out.signed(i64::from(row.day.since(rows[at - 1].day)));
            }
            let versioned = (row.known, row.superseded) != (row.day, Day::MAX);
            self.out.number(u64::from(row.events) << 2 | u64::from(row.in_trial) << 1 | u64::from(versioned));
            if versioned {
                self.log.lagged = true;
                let ended = row.superseded != Day::MAX;
                self.out.number(row.known.since(row.day).max(0) as u64);
                self.out.number(if ended { row.superseded.since(row.known).max(1) as u64 } else { 0 });
            }
            self.log.first_of(row.known, row.day);
        }
    }

    /// The same for rows known from their own day, as the bytes that [`FeatureLogBuilder::group`] would make of them.
    pub(crate) fn plain_group(&mut self, user: UserIx, feature: FeatureIx, rows: u32, first: Day, body: &[u8]) {
        self.head(user, feature, rows, first);
        self.out.0.extend_from_slice(body);
        // Known in the order of their days: none is asked for before the first.
        self.log.first_of(first, first);
    }

    fn head(&mut self, user: UserIx, feature: FeatureIx, rows: u32, first: Day) {
        let log = &mut self.log;
        let Some(of) = log.accounts.last_mut() else { return };
        of.rows += rows;
        if log.users.len() == of.users as usize || log.users.last() != Some(&user) {
            log.users.push(user);
        }
        let place = log.users.len() - 1 - of.users as usize;
        self.out.number((place - self.place) as u64);
        self.out.number(feature.at() as u64);
        self.out.number(u64::from(rows));
        self.out.signed(i64::from(first.0));
        self.place = place;
    }

    /// Accounts before `account` that have no rows.
    fn reach(&mut self, account: usize) {
        let nothing = self.nothing();
        self.log.accounts.resize(account.max(self.log.accounts.len()), nothing);
    }

    fn nothing(&self) -> Of {
        let (piece, offset) = (self.log.packed.len() as u32, self.out.0.len() as u64);
        Of { piece, rows: 0, offset, users: self.log.users.len() as u32 }
    }

    /// Appends what another builder gathered of later accounts.
    pub fn append(&mut self, mut other: FeatureLogBuilder) {
        self.close();
        other.close();
        let (log, more) = (&mut self.log, other.log);
        let (pieces, users, known) = (log.packed.len() as u32, log.users.len() as u32, log.accounts.len());
        let moved = more.accounts.into_iter().map(|of| Of { piece: of.piece + pieces, users: of.users + users, ..of });
        log.accounts.extend(moved.skip(known));
        log.packed.extend(more.packed);
        log.users.extend(more.users);
        log.lagged |= more.lagged;
        more.first.into_iter().for_each(|(known, day)| log.first_of(known, day));
    }

    /// Ends the piece that is being written.
    fn close(&mut self) {
        let mut piece = std::mem::take(&mut self.out.0);
        if !piece.is_empty() {
            piece.shrink_to_fit();
            self.log.packed.push(piece);
        }
    }

    pub fn finish(mut self, accounts: usize) -> FeatureLog {
        self.reach(accounts);
        self.close();
        self.log
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
