//! A run of feature usage: versions of rows, packed by account, user and feature. What one thread gathered, what the
//! runs of a chunk of files come to, and what the state keeps are all runs; merging them in any order gives the same.
//!
//! The rows of one user and feature are a group. Groups of rising days are joined as bytes, so a history of many runs
//! is put together without looking at its rows.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;

use super::usage_run::{delay, recorded};
use crate::extracts::gathered::gather::{Refuse, Rollup, UNRECORDED};
use crate::extracts::gathered::places::{Place, Places, cut};
use crate::extracts::gathered::stretches::by_key;
use crate::extracts::packed::numbers::{Reader, Writer};
use crate::extracts::packed::pieces::{self, Parts, Pieces};
use crate::extracts::packed::use_code;
use crate::extracts::tables::PackedUses;
use crate::vocabulary::{AccountIx, Day, FeatureIx, Moment};

/// One row of `feature_usage`; `user` is a number of the load's interner.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub account: AccountIx,
    pub user: u32,
    pub feature: FeatureIx,
    pub day: Day,
    pub recorded: Moment,
    pub events: u32,
    pub in_trial: bool,
}

impl Row {
    #[inline]
    fn group(&self) -> (AccountIx, u32, FeatureIx) {
        (self.account, self.user, self.feature)
    }

    /// Within a group by day and recording; rows that share both by content, so that the smallest stays.
    #[inline]
    fn order(&self, other: &Row) -> Ordering {
        let place = |row: &Row| (row.day, row.recorded, row.events, row.in_trial);
        place(self).cmp(&place(other))
    }
}

/// Sorted by account; within one by group as the rows' numbers stood when they were packed.
#[derive(Clone, Debug, Default)]
pub struct Run {
    accounts: Vec<Packed>,
    bytes: Pieces,
    /// `None`: the numbers in the bytes are those of this load.
    names: Option<Arc<Names>>,
}

/// A run being written.
#[derive(Default)]
struct Packing {
    accounts: Vec<Packed>,
    bytes: pieces::Packing,
}

/// The groups of one account.
#[derive(Clone, Copy, Debug)]
struct Packed {
    account: AccountIx,
    groups: u32,
    offset: u64,
}

/// The rows of one user and feature, each day and recording once, as they are packed: the content of the first, then each
/// as `use_code` has it behind the one before; the content says events, trial and whether it was recorded, and when stands
/// behind.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    pub user: u32,
    pub feature: FeatureIx,
    pub rows: u32,
    /// No row says when it was recorded.
    pub plain: bool,
    pub first: Day,
    pub last: Day,
    pub body: &'a [u8],
}

impl Rollup for Run {
    type Row = Row;

    fn seal(rows: &mut Vec<Row>, refuse: Refuse<Row>) -> Run {
        let (mut run, mut body) = (Packing::default(), Body::default());
        by_key(rows, Row::group, Row::order, |(account, user, feature), rows| {
            settle(rows, refuse);
            body.set(rows);
            run.push(account, &body.as_group(user, feature));
        });
        rows.clear();
        run.finish()
    }

    fn merge(runs: &[Run], refuse: Refuse<Row>) -> Run {
        let (mut merged, mut body) = (Packing::default(), Body::default());
        for places in by_account(runs).iter() {
            each_group(
                runs,
                places,
                |user| user,
                refuse,
                |parts| match parts {
                    [one] => merged.push(places[0].0, one),
                    several => {
                        body.join(several);
                        merged.push(places[0].0, &body.as_group(several[0].user, several[0].feature));
                    }
                },
            );
        }
        merged.finish()
    }

    fn cut(self, starts: &[AccountIx]) -> Vec<Run> {
        let part = |accounts: Vec<Packed>| {
            let ends = accounts.first().zip(accounts.last());
            let bytes = ends.map(|(first, last)| self.bytes.between(first.offset, last.offset));
            Run { accounts, bytes: bytes.unwrap_or_default(), names: self.names.clone() }
        };
        cut(self.accounts, starts, |of| of.account).into_iter().map(part).collect()
    }
}

impl Packing {
    /// Adds a group behind those that are there; accounts come in order.
    fn push(&mut self, account: AccountIx, group: &Group) {
        match self.accounts.last_mut().filter(|of| of.account == account) {
            Some(of) => of.groups += 1,
            None => self.accounts.push(Packed { account, groups: 1, offset: self.bytes.offset() }),
        }
        let out = &mut self.bytes.out;
        out.number(u64::from(group.user));
        out.number(group.feature.at() as u64);
        out.number(u64::from(group.rows) << 1 | u64::from(group.plain));
        out.signed(i64::from(group.first.0));
        out.signed(i64::from(group.last.since(group.first)));
        out.number(group.body.len() as u64);
        out.0.extend_from_slice(group.body);
    }

    fn finish(self) -> Run {
        Run { accounts: self.accounts, bytes: self.bytes.finish(), names: None }
    }
}

impl Run {
    fn groups(&self, of: &Packed) -> impl Iterator<Item = Group<'_>> {
        let mut reader = Reader::new(self.bytes.at(of.offset));
        let names = self.names.as_deref();
        (0..of.groups).map(move |_| {
            let (user, feature) = (reader.number() as u32, FeatureIx::from(reader.number() as usize));
            let (user, feature) = names.map_or((user, feature), |names| names.of(user, feature));
            let rows = reader.number();
            let first = Day(reader.signed() as i32);
            let last = first.plus(reader.signed() as i32);
            let length = reader.number() as usize;
            let (rows, plain) = ((rows >> 1) as u32, rows & 1 == 1);
            Group { user, feature, rows, plain, first, last, body: reader.take(length) }
        })
    }

    /// The same run with numbers of this load in its bytes.
    pub fn plain(&self) -> Cow<'_, Run> {
        match &self.names {
            None => Cow::Borrowed(self),
            Some(_) => Cow::Owned(Run::merge(std::slice::from_ref(self), &mut |_| {})),
        }
    }

    /// Accounts that have a row, rising.
    pub fn accounts(&self) -> impl Iterator<Item = AccountIx> {
        self.accounts.iter().map(|of| of.account)
    }

    /// Numbers of users that have a row; one may come several times.
    pub fn users(&self) -> impl Iterator<Item = u32> {
        self.accounts.iter().flat_map(|of| self.groups(of)).map(|group| group.user)
    }

    /// The run as bytes, numbers as they are but for those of the accounts.
    pub fn write(&self, out: &mut Parts, account: impl Fn(AccountIx) -> u32) {
        out.number(self.accounts.len() as u64);
        for of in &self.accounts {
            out.number(u64::from(account(of.account)));
            out.number(u64::from(of.groups));
            out.number(of.offset);
        }
        self.bytes.write(out);
    }

    /// The run again, out of `content` where the reader stands. `names`: what the numbers in the bytes stand for today.
    pub fn read(reader: &mut Reader, content: &Bytes, account: impl Fn(u32) -> AccountIx, names: Arc<Names>) -> Run {
        let n = reader.number() as usize;
        let one = |_| Packed {
            account: account(reader.number() as u32),
            groups: reader.number() as u32,
            offset: reader.number(),
        };
        let mut accounts: Vec<Packed> = (0..n).map(one).collect();
        accounts.sort_unstable_by_key(|of| of.account);
        Run { accounts, bytes: Pieces::read(reader, content), names: Some(names) }
    }
}

impl Group<'_> {
    /// The same for the log, which packs rows that do not say when they were recorded alike.
    pub fn as_plain(&self) -> PackedUses<'_> {
        PackedUses::of(self.rows, (self.first, self.last), self.body)
    }

    /// Appends the rows of the group to `rows`.
    pub fn unpack(&self, account: AccountIx, rows: &mut Vec<Row>) {
        let (mut reader, mut day) = (Reader::new(self.body), self.first);
        for at in 0..self.rows {
            let (step, content) = if at > 0 { use_code::read(&mut reader) } else { (0, reader.number()) };
            day = day.plus(step);
            let recorded = if content & 1 == 1 { recorded(day, reader.signed()) } else { UNRECORDED };
            let (events, in_trial) = ((content >> 2) as u32, content >> 1 & 1 == 1);
            rows.push(Row { account, user: self.user, feature: self.feature, day, recorded, events, in_trial });
        }
    }
}

/// A group being put together.
#[derive(Default)]
struct Body {
    rows: u32,
    unrecorded: u32,
    /// First and last day.
    span: Option<(Day, Day)>,
    bytes: Writer,
}

impl Body {
    fn clear(&mut self) {
        self.bytes.0.clear();
        (self.rows, self.unrecorded, self.span) = (0, 0, None);
    }

    /// Replaces what is there by rows in order.
    fn set(&mut self, rows: &[Row]) {
        self.clear();
        for row in rows {
            let known = row.recorded != UNRECORDED;
            self.reach((row.day, row.day), use_code::content(row.events, row.in_trial, known));
            if known {
                self.bytes.signed(delay(row.day, row.recorded));
            }
            (self.rows, self.unrecorded) = (self.rows + 1, self.unrecorded + u32::from(!known));
        }
    }

    /// Replaces what is there by groups whose days rise from one to the next.
    fn join(&mut self, groups: &[Group]) {
        self.clear();
        for group in groups {
            let mut reader = Reader::new(group.body);
            self.reach((group.first, group.last), reader.number());
            self.bytes.0.extend_from_slice(reader.rest());
            self.unrecorded += if group.plain { group.rows } else { 0 };
            self.rows += group.rows;
        }
    }

    /// The step to what begins at `first`, and the content of the row there.
    fn reach(&mut self, (first, last): (Day, Day), content: u64) {
        match self.span {
            Some((_, before)) => use_code::write(&mut self.bytes, i64::from(first.since(before)), content),
            None => self.bytes.number(content),
        }
        self.span = Some((self.span.map_or(first, |(first, _)| first), last));
    }

    fn as_group(&self, user: u32, feature: FeatureIx) -> Group<'_> {
        let (first, last) = self.span.unwrap_or((Day(0), Day(0)));
        let plain = self.unrecorded == self.rows;
        Group { user, feature, rows: self.rows, plain, first, last, body: &self.bytes.0 }
    }
}

/// What the numbers in a run's bytes stand for, by number.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub users: Vec<u32>,
    pub features: Vec<FeatureIx>,
}

impl Names {
    fn of(&self, user: u32, feature: FeatureIx) -> (u32, FeatureIx) {
        let user = self.users.get(user as usize).copied().unwrap_or(user);
        (user, self.features.get(feature.at()).copied().unwrap_or(feature))
    }
}

/// Leaves one row per day and recording, the smallest, of a group's rows in order.
fn settle(rows: &mut Vec<Row>, refuse: Refuse<Row>) {
    rows.dedup_by(|later, kept| {
        let same = (later.day, later.recorded) == (kept.day, kept.recorded);
        if same {
            refuse(*later);
        }
        same
    });
}

/// Where the rows of each account lie.
pub fn by_account(runs: &[Run]) -> Places<AccountIx> {
    Places::of(runs.iter().map(Run::accounts))
}

/// Shows the groups of one account from all its places, each user and feature once, in the order of `rank` and feature:
/// in one part, or in several whose days rise from one to the next.
pub(super) fn each_group(
    runs: &[Run],
    places: &[Place<AccountIx>],
    rank: impl Fn(u32) -> u32,
    refuse: Refuse<Row>,
    mut visit: impl FnMut(&[Group]),
) {
    let of_place = |(_, run, at): &Place<AccountIx>| {
        let run = &runs[*run as usize];
        run.groups(&run.accounts[*at as usize])
    };
    let groups: Vec<Group> = places.iter().flat_map(of_place).collect();
    // What is sorted is small: rank and feature, first day, and where the group stands.
    let key = |group: &Group| (u64::from(rank(group.user)) << 32 | group.feature.at() as u64, group.first);
    let keyed = groups.iter().zip(0_u32..).map(|(group, at)| (key(group), at));
    let mut order: Vec<((u64, Day), u32)> = keyed.collect();
    order.sort_unstable();
    let groups: Vec<Group> = order.into_iter().map(|(_, at)| groups[at as usize]).collect();
    let (mut body, mut rows) = (Body::default(), Vec::new());
    for same in groups.chunk_by(|a, b| (a.user, a.feature) == (b.user, b.feature)) {
        if same.windows(2).all(|pair| pair[0].last < pair[1].first) {
            visit(same);
            continue;
        }
        rows.clear();
        same.iter().for_each(|group| group.unpack(places[0].0, &mut rows));
        rows.sort_by(Row::order);
        settle(&mut rows, refuse);
        body.set(&rows);
        visit(&[body.as_group(same[0].user, same[0].feature)]);
    }
}
