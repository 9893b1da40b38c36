//! Puts the log together, account by account: rows of a user and feature in blocks of one quarter each.

use super::{FeatureLog, FeatureUse, Of};
use crate::extracts::packed::numbers::{Reader, Writer};
use crate::extracts::packed::pieces::Packing;
use crate::extracts::packed::use_code;
use crate::vocabulary::{AccountIx, Day, FeatureIx, UserIx};

/// Rows of one user and feature as [`FeatureLog`] packs those of a block, known from their own day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedUses<'a> {
    rows: u32,
    first: Day,
    last: Day,
    /// Content of the first row.
    content: u64,
    /// The other rows.
    rest: &'a [u8],
}

impl<'a> PackedUses<'a> {
    /// Of so many rows from the first of these days to the last.
    pub fn of(rows: u32, (first, last): (Day, Day), body: &'a [u8]) -> PackedUses<'a> {
        let mut reader = Reader::new(body);
        PackedUses { rows, first, last, content: reader.number(), rest: reader.rest() }
    }

    /// The same in parts of one quarter each.
    fn cut(self, quarters: &mut Quarters, parts: &mut Vec<PackedUses<'a>>) {
        let mut rest = self;
        while rest.rows > 1 && quarters.end(rest.first) <= rest.last {
            let (part, after) = rest.split(quarters.end(rest.first));
            parts.push(part);
            rest = after;
        }
        parts.push(rest);
    }

    /// The rows before `day`, of which there are some, and those after.
    fn split(self, day: Day) -> (PackedUses<'a>, PackedUses<'a>) {
        let (mut reader, mut rows, mut last) = (Reader::new(self.rest), 1, self.first);
        loop {
            let end = self.rest.len() - reader.left();
            let (step, content) = use_code::read(&mut reader);
            let next = last.plus(step);
            if next >= day || rows >= self.rows {
                let part = PackedUses { rows, last, rest: &self.rest[..end], ..self };
                return (
                    part,
                    PackedUses { rows: self.rows - rows, first: next, content, rest: reader.rest(), ..self },
                );
            }
            (rows, last) = (rows + 1, next);
        }
    }
}

/// The quarters of the year that blocks are cut by: rows that arrive month by month are never cut through.
#[derive(Debug, Default)]
struct Quarters {
    /// First days, without a gap.
    starts: Vec<Day>,
}

impl Quarters {
    const MONTHS: i32 = 3;

    /// The first day of the quarter after that of the day.
    fn end(&mut self, day: Day) -> Day {
        if self.starts.first().is_none_or(|first| day < *first) {
            let month = day.month_start();
            let within = chrono::Datelike::month0(&month.date()) as i32 % Self::MONTHS;
            self.starts = vec![month.plus_months(-within)];
        }
        while let Some(last) = self.starts.last().filter(|last| **last <= day) {
            self.starts.push(last.plus_months(Self::MONTHS));
        }
        self.starts.get(self.starts.partition_point(|start| *start <= day)).copied().unwrap_or(Day::MAX)
    }
}

/// Puts a [`FeatureLog`] together, account by account.
#[derive(Debug, Default)]
pub struct FeatureLogBuilder {
    pub(super) log: FeatureLog,
    pub(super) out: Packing,
    /// The block that is being written.
    body: Writer,
    quarters: Quarters,
    /// Place of the last user among those of the account.
    place: usize,
    /// A recording and a day of which the log says already that the day was known by then.
    said: Option<(Day, Day)>,
    /// The user and feature whose earlier rows stand already, and the last day of them.
    pub(super) open: Option<(UserIx, FeatureIx, Day)>,
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
        let nothing = self.nothing();
        self.log.accounts.push(nothing);
        self.place = 0;
    }

    /// Adds rows of one user and feature to the account, sorted by (day, known); groups come by (user, feature).
    pub fn group(&mut self, rows: &[FeatureUse]) {
        let Some(first) = rows.first() else { return };
        let mut before = self.head(first.user, first.feature, first.day);
        let (mut left, mut body) = (rows, std::mem::take(&mut self.body));
        while let Some(first) = left.first() {
            let end = self.quarters.end(first.day);
            let (block, rest) = left.split_at(left.partition_point(|row| row.day < end).max(1));
            body.0.clear();
            let mut last = None;
            for row in block {
                self.row(row, last.replace(row.day), &mut body);
            }
            let span = (first.day, last.unwrap_or(first.day));
            self.block(before.replace(span.1), (block.len() as u32, span), &body, !rest.is_empty());
            left = rest;
        }
        self.body = body;
    }

    /// Adds a row to a block, behind that of a day before if there is one.
    fn row(&mut self, row: &FeatureUse, before: Option<Day>, out: &mut Writer) {
        let versioned = (row.known, row.superseded) != (row.day, Day::MAX);
        behind(before, row.day, use_code::content(row.events, row.in_trial, versioned), out);
        if versioned {
            self.log.lagged = true;
            let ended = row.superseded != Day::MAX;
            out.number(row.known.since(row.day).max(0) as u64);
            out.number(if ended { row.superseded.since(row.known).max(1) as u64 } else { 0 });
        }
        self.known_from(row.known, row.day);
    }

    /// Notes the day for the log's first days, if no row before said as much.
    fn known_from(&mut self, known: Day, day: Day) {
        if self.said.is_none_or(|(by, first)| known < by || day < first) {
            self.log.first_of(known, day);
            self.said = self.log.first.range(..=known).next_back().map(|(by, first)| (*by, *first));
        }
    }

    /// The same for rows known from their own day, in parts of rising days, as the bytes that
    /// [`FeatureLogBuilder::group`] would make of each.
    pub(crate) fn plain_group<'a>(
        &mut self,
        user: UserIx,
        feature: FeatureIx,
        rows: impl Iterator<Item = PackedUses<'a>>,
    ) {
        let (mut parts, mut quarters) = (Vec::new(), std::mem::take(&mut self.quarters));
        rows.for_each(|part| part.cut(&mut quarters, &mut parts));
        let Some(start) = parts.first().map(|part| part.first) else { return };
        let mut before = self.head(user, feature, start);
        let (mut left, mut body) = (parts.as_slice(), std::mem::take(&mut self.body));
        while let Some(first) = left.first() {
            let end = quarters.end(first.first);
            let (block, rest) = left.split_at(left.partition_point(|part| part.first < end).max(1));
            body.0.clear();
            let mut last = None;
            for part in block {
                behind(last.replace(part.last), part.first, part.content, &mut body);
                body.0.extend_from_slice(part.rest);
            }
            let (rows, span) = (block.iter().map(|part| part.rows).sum(), (first.first, last.unwrap_or(first.last)));
            self.block(before.replace(span.1), (rows, span), &body, !rest.is_empty());
            left = rest;
        }
        (self.body, self.quarters) = (body, quarters);
        // Known in the order of their days: none is asked for before the first.
        self.known_from(start, start);
    }

    /// Begins a user and feature; where earlier rows of theirs stand, gives the last day of them.
    pub(super) fn head(&mut self, user: UserIx, feature: FeatureIx, first: Day) -> Option<Day> {
        if let Some((.., last)) = self.open.take().filter(|open| (open.0, open.1) == (user, feature)) {
            return Some(last);
        }
        let log = &mut self.log;
        let of = log.accounts.last()?;
        if log.users.len() == of.users as usize || log.users.last() != Some(&user) {
            log.users.push(user);
        }
        let place = log.users.len() - 1 - of.users as usize;
        let out = &mut self.out.out;
        out.number((place - self.place) as u64);
        out.number(feature.at() as u64);
        out.signed(i64::from(first.0));
        self.place = place;
        None
    }

    /// Adds a block of so many rows from one day to another; `before` is the last day of the one before it.
    fn block(&mut self, before: Option<Day>, (rows, (first, last)): (u32, (Day, Day)), body: &Writer, more: bool) {
        if let Some(of) = self.log.accounts.last_mut() {
            of.rows += rows;
        }
        let out = &mut self.out.out;
        if let Some(before) = before {
            out.signed(i64::from(first.since(before)));
        }
        out.number(u64::from(rows) << 1 | u64::from(more));
        out.number(last.since(first).max(0) as u64);
        out.number(body.0.len() as u64);
        out.0.extend_from_slice(&body.0);
    }

    /// Accounts before `account` that have no rows.
    fn reach(&mut self, account: usize) {
        let nothing = self.nothing();
        self.log.accounts.resize(account.max(self.log.accounts.len()), nothing);
    }

    fn nothing(&mut self) -> Of {
        Of { rows: 0, offset: self.out.offset(), users: self.log.users.len() as u32 }
    }

    /// Appends what another builder gathered of later accounts.
    pub fn append(&mut self, other: FeatureLogBuilder) {
        let before = self.out.append(other.out.finish());
        let (log, more) = (&mut self.log, other.log);
        let (users, known) = (log.users.len() as u32, log.accounts.len());
        let moved = |of: Of| Of { offset: of.offset + before, users: of.users + users, ..of };
        log.accounts.extend(more.accounts.into_iter().map(moved).skip(known));
        log.users.extend(more.users);
        log.lagged |= more.lagged;
        more.first.into_iter().for_each(|(known, day)| log.first_of(known, day));
    }

    pub fn finish(mut self, accounts: usize) -> FeatureLog {
        self.reach(accounts);
        FeatureLog { packed: self.out.finish(), ..self.log }
    }
}

/// What a row says, behind that of a day before if there is one.
fn behind(before: Option<Day>, day: Day, content: u64, out: &mut Writer) {
    match before {
        Some(before) => use_code::write(out, i64::from(day.since(before)), content),
        None => out.number(content),
    }
}
