//! `feature_usage`: daily use by user and feature, two or three bytes a row.
//!
//! Rows number in the hundreds of millions; an account's rows are unpacked when someone looks at them.

mod builder;

pub use builder::FeatureLogBuilder;
pub(crate) use builder::PackedUses;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::extracts::packed::Reader;
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
    /// Groups of one user and feature: the step to the user's place among those of the account, the feature and the
    /// first day; then blocks of rows. Before each block stand the step in days from the row before it (none for the
    /// first), the number of rows and whether another block follows, the days that it spans and its bytes, so that it
    /// can be left out unread. Per row come the step in days (none for the first of a block), events, trial and whether
    /// it is versioned, and then when it was known and superseded.
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
        self.sought(account, Sought { on: None, without: Day::MAX..Day::MIN })
    }

    /// The rows of the account as they were known at the end of `day`, but for those whose day lies in `without`: of
    /// these comes only what is the first of its user and feature. What is left out costs little.
    pub fn known(&self, account: AccountIx, day: Day, without: Range<Day>) -> Uses<'_> {
        self.sought(account, Sought { on: Some(day), without })
    }

    fn sought(&self, account: AccountIx, sought: Sought) -> Uses<'_> {
        let of = self.accounts.get(account.at()).copied().unwrap_or_default();
        let (bytes, users) = match of.rows {
            0 => (&[][..], &[][..]),
            _ => (&self.packed[of.piece as usize][of.offset as usize..], &self.users[of.users as usize..]),
        };
        let group = Group { account, user: UserIx(0), feature: FeatureIx(0), day: Day(0), more: false, shown: false };
        Uses { reader: Reader::new(bytes), users, place: 0, sought, group, block: 0, left: of.rows as usize }
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

/// Which rows are asked for.
#[derive(Clone, Debug)]
struct Sought {
    /// Rows as they were known at the end of the day; every version where there is none.
    on: Option<Day>,
    /// Days of which only the first row of a user and feature comes.
    without: Range<Day>,
}

impl Sought {
    #[inline]
    fn has(&self, row: &FeatureUse, shown: bool) -> bool {
        let known = self.on.is_none_or(|day| row.day <= day && row.seen().on(day));
        known && !(shown && self.without.contains(&row.day))
    }

    /// Whether no row of a block can be meant.
    fn leaves_out(&self, first: Day, last: Day, shown: bool) -> bool {
        let without = shown && self.without.start <= first && last < self.without.end;
        without || self.on.is_some_and(|day| day < first)
    }
}

/// Rows of one account.
#[derive(Clone, Debug)]
pub struct Uses<'a> {
    reader: Reader<'a>,
    users: &'a [UserIx],
    place: usize,
    sought: Sought,
    group: Group,
    /// Rows of the block that are still to come.
    block: usize,
    /// Rows of the account that are still to come, those of the block aside.
    left: usize,
}

/// The user and feature whose rows are being read.
#[derive(Clone, Copy, Debug)]
struct Group {
    account: AccountIx,
    user: UserIx,
    feature: FeatureIx,
    /// The day of the row that the reader stands at, or of the last one before it.
    day: Day,
    /// Whether another block follows.
    more: bool,
    /// Whether a row of it has come.
    shown: bool,
}

impl Group {
    /// The row that the reader stands at; its day is known.
    #[inline]
    fn row(&self, reader: &mut Reader) -> FeatureUse {
        let Group { account, user, feature, day, .. } = *self;
        let content = reader.number();
        let (mut known, mut superseded) = (day, Day::MAX);
        if content & VERSIONED != 0 {
            known = known.plus(reader.number() as i32);
            superseded = match reader.number() {
                0 => Day::MAX,
                days => known.plus(days as i32),
            };
        }
        let (in_trial, events) = (content >> 1 & 1 == 1, (content >> 2) as u32);
        FeatureUse { account, user, feature, day, known, superseded, events, in_trial }
    }
}

impl Uses<'_> {
    /// Goes to the next block that may hold a row that is asked for; `false` at the end.
    fn enter(&mut self) -> bool {
        while self.left > 0 {
            if self.group.more {
                self.group.day = self.group.day.plus(self.reader.signed() as i32);
            } else {
                self.place += self.reader.number() as usize;
                self.group.user = self.users.get(self.place).copied().unwrap_or(UserIx(0));
                self.group.feature = FeatureIx::from(self.reader.number() as usize);
                self.group.day = Day(self.reader.signed() as i32);
                self.group.shown = false;
            }
            let (rows, span, bytes) = (self.reader.number(), self.reader.number(), self.reader.number());
            self.group.more = rows & 1 == 1;
            let rows = (rows >> 1).max(1) as usize;
            self.left = self.left.saturating_sub(rows);
            let last = self.group.day.plus(span as i32);
            if !self.sought.leaves_out(self.group.day, last, self.group.shown) {
                self.block = rows;
                return true;
            }
            self.reader.take(bytes as usize);
            self.group.day = last;
        }
        false
    }

    /// The next row of the block that is asked for.
    #[inline]
    fn next_of_block(&mut self) -> Option<FeatureUse> {
        while let Some(left) = self.block.checked_sub(1) {
            let row = self.group.row(&mut self.reader);
            self.block = left;
            if left > 0 {
                self.group.day = self.group.day.plus(self.reader.signed() as i32);
            }
            if self.sought.has(&row, self.group.shown) {
                self.group.shown = true;
                return Some(row);
            }
        }
        None
    }
}

impl Iterator for Uses<'_> {
    type Item = FeatureUse;

    #[inline]
    fn next(&mut self) -> Option<FeatureUse> {
        loop {
            if let Some(row) = self.next_of_block() {
                return Some(row);
            }
            if !self.enter() {
                return None;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let all = self.block + self.left;
        (if self.sought.on.is_none() { all } else { 0 }, Some(all))
    }
}

/// Bit of a row that says when it was known and superseded.
const VERSIONED: u64 = 1;

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
