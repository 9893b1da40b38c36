//! `feature_usage`: daily use by user and feature, a byte or little more a row.
//!
//! Rows number in the hundreds of millions; an account's rows are unpacked when someone looks at them.

mod builder;
mod carried;

pub use builder::FeatureLogBuilder;
pub(crate) use builder::PackedUses;
pub(crate) use carried::{CarriedUses, FeaturePiece};

use std::collections::BTreeMap;
use std::ops::Range;

use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, date, flag, id, int};
use crate::extracts::packed::numbers::Reader;
use crate::extracts::packed::pieces::Pieces;
use crate::extracts::packed::use_code;
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
    /// can be left out unread. Of the first row of a block comes its content: events, trial and whether it is versioned;
    /// the others stand behind it as `use_code` says. Behind a versioned row stands when it was known and superseded.
    packed: Pieces,
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
    offset: u64,
    rows: u32,
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
            _ => (self.packed.at(of.offset), &self.users[of.users as usize..]),
        };
        let group = Group {
            account,
            user: UserIx(0),
            feature: FeatureIx(0),
            day: Day(0),
            more: false,
            fresh: false,
            shown: false,
        };
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

    /// The rows of some accounts, which stay where they are, under the same coverage.
    pub fn of_these(&self, chosen: &[bool]) -> FeatureLog {
        let (packed, lagged, first) = (self.packed.clone(), self.lagged, self.first.clone());
        let mut some = FeatureLog { packed, lagged, first, ..FeatureLog::default() };
        for (account, of) in self.accounts.iter().enumerate() {
            let users = some.users.len() as u32;
            let chosen = chosen.get(account).copied().unwrap_or(false);
            if chosen {
                some.users.extend_from_slice(self.users_of(account));
            }
            some.accounts.push(Of { users, rows: if chosen { of.rows } else { 0 }, ..*of });
        }
        some
    }

    fn users_of(&self, account: usize) -> &[UserIx] {
        let to = self.accounts.get(account + 1).map_or(self.users.len(), |next| next.users as usize);
        &self.users[self.accounts[account].users as usize..to]
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
        let of = |account| self.users_of(account).iter().map(move |user| (AccountIx::from(account), *user));
        (0..self.accounts.len()).flat_map(of)
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
    fn has(&self, row: Day, seen: Seen, shown: bool) -> bool {
        let known = self.on.is_none_or(|day| row <= day && seen.on(day));
        known && !(shown && self.without.contains(&row))
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
    /// The day of the row before the reader, or of the one that it stands at where a block begins.
    day: Day,
    /// Whether another block follows.
    more: bool,
    /// Whether a block begins here.
    fresh: bool,
    /// Whether a row of it has come.
    shown: bool,
}

/// What stands in a row.
struct Content {
    day: Day,
    seen: Seen,
    events: u32,
    in_trial: bool,
}

impl Content {
    #[inline]
    /// `day`: of the row itself where a block begins with it, else of the one before.
    fn read(reader: &mut Reader, day: Day, fresh: bool) -> Content {
        let (step, content) = if fresh { (0, reader.number()) } else { use_code::read(reader) };
        let day = day.plus(step);
        let mut seen = Seen { known: day, superseded: Day::MAX };
        if content & VERSIONED != 0 {
            seen.known = day.plus(reader.number() as i32);
            seen.superseded = match reader.number() {
                0 => Day::MAX,
                days => seen.known.plus(days as i32),
            };
        }
        Content { day, seen, events: (content >> 2) as u32, in_trial: content >> 1 & 1 == 1 }
    }
}

impl Uses<'_> {
    /// The next user and feature; what is asked for of theirs is appended to `known`, by day. `None` after the last; not
    /// to be mixed with single rows.
    pub fn next_run(&mut self, known: &mut Vec<DayUse>) -> Option<(UserIx, FeatureIx)> {
        if self.left == 0 {
            return None;
        }
        self.head();
        loop {
            if self.enter() {
                self.block_into(known);
            }
            if !self.group.more || self.left == 0 {
                return Some((self.group.user, self.group.feature));
            }
            self.step();
        }
    }

    /// Appends what is asked for of the block.
    fn block_into(&mut self, known: &mut Vec<DayUse>) {
        let (mut reader, mut last, mut shown) = (self.reader.clone(), self.group.day, self.group.shown);
        let mut fresh = std::mem::take(&mut self.group.fresh);
        for _ in 0..std::mem::take(&mut self.block) {
            let Content { day, seen, events, in_trial } = Content::read(&mut reader, last, std::mem::take(&mut fresh));
            last = day;
            if self.sought.has(day, seen, shown) {
                shown = true;
                known.push(DayUse { day, events, in_trial });
            }
        }
        (self.reader, self.group.day, self.group.shown) = (reader, last, shown);
    }

    /// Begins the next user and feature.
    fn head(&mut self) {
        self.place += self.reader.number() as usize;
        self.group.user = self.users.get(self.place).copied().unwrap_or(UserIx(0));
        self.group.feature = FeatureIx::from(self.reader.number() as usize);
        self.group.day = Day(self.reader.signed() as i32);
        self.group.shown = false;
    }

    /// Goes from the end of a block to the first day of the next.
    fn step(&mut self) {
        self.group.day = self.group.day.plus(self.reader.signed() as i32);
    }

    /// Enters the block that begins here, or goes to its end where it holds no row that is asked for.
    fn enter(&mut self) -> bool {
        let (rows, span, bytes) = (self.reader.number(), self.reader.number(), self.reader.number());
        self.group.more = rows & 1 == 1;
        let rows = (rows >> 1).max(1) as usize;
        self.left = self.left.saturating_sub(rows);
        let last = self.group.day.plus(span as i32);
        if self.sought.leaves_out(self.group.day, last, self.group.shown) {
            self.reader.take(bytes as usize);
            self.group.day = last;
            return false;
        }
        (self.block, self.group.fresh) = (rows, true);
        true
    }

    /// The next row of the block that is asked for.
    #[inline]
    fn next_of_block(&mut self) -> Option<FeatureUse> {
        while let Some(left) = self.block.checked_sub(1) {
            let Group { account, user, feature, day, shown, .. } = self.group;
            let fresh = std::mem::take(&mut self.group.fresh);
            let Content { day, seen, events, in_trial } = Content::read(&mut self.reader, day, fresh);
            (self.block, self.group.day) = (left, day);
            if self.sought.has(day, seen, shown) {
                self.group.shown = true;
                let Seen { known, superseded } = seen;
                return Some(FeatureUse { account, user, feature, day, known, superseded, events, in_trial });
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
            if self.left == 0 {
                return None;
            }
            if self.group.more {
                self.step();
            } else {
                self.head();
            }
            self.enter();
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
