//! A part of the log that is carried into another as the bytes that it is, and how it stands on a disk.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{FeatureLogBuilder, Of};
use crate::extracts::packed::numbers::Reader;
use crate::extracts::packed::pieces::{Parts, Pieces};
use crate::vocabulary::{AccountIx, Day, FeatureIx, UserIx};

/// The rows of some accounts as a log holds them.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeaturePiece {
    /// Accounts with a row, rising.
    accounts: Vec<(AccountIx, Of)>,
    users: Vec<UserIx>,
    packed: Pieces,
    first: BTreeMap<Day, Day>,
    lagged: bool,
}

/// All rows of one user and feature, block by block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CarriedUses<'a> {
    pub user: UserIx,
    pub feature: FeatureIx,
    first: Day,
    last: Day,
    rows: u32,
    blocks: &'a [u8],
    /// Where the last block begins.
    last_block: usize,
}

impl FeaturePiece {
    /// Accounts that have a row, rising.
    pub fn accounts(&self) -> impl Iterator<Item = AccountIx> {
        self.accounts.iter().map(|(account, _)| *account)
    }

    /// Users that have a row; one may come several times.
    pub fn users(&self) -> &[UserIx] {
        &self.users
    }

    /// The rows of an account by (user, feature), and the account.
    pub fn groups(&self, at: usize) -> (AccountIx, impl Iterator<Item = CarriedUses<'_>>) {
        let (account, of) = self.accounts[at];
        let (mut reader, users) = (Reader::new(self.packed.at(of.offset)), of.users as usize);
        let (mut left, mut place) = (of.rows, users);
        let groups = std::iter::from_fn(move || {
            (left > 0).then_some(())?;
            place += reader.number() as usize;
            let user = self.users.get(place).copied().unwrap_or(UserIx(0));
            let group = CarriedUses::read(&mut reader, user);
            left = left.saturating_sub(group.rows.max(1));
            Some(group)
        });
        (account, groups)
    }

    /// The piece as bytes; `account` and `user` give what stands for the numbers.
    pub fn write(&self, out: &mut Parts, account: impl Fn(AccountIx) -> u32, user: impl Fn(UserIx) -> u32) {
        out.byte(u8::from(self.lagged));
        out.number(self.accounts.len() as u64);
        for (ix, of) in &self.accounts {
            out.number(u64::from(account(*ix)));
            [u64::from(of.rows), of.offset, u64::from(of.users)].into_iter().for_each(|number| out.number(number));
        }
        out.number(self.users.len() as u64);
        self.users.iter().for_each(|ix| out.number(u64::from(user(*ix))));
        out.number(self.first.len() as u64);
        for (known, day) in &self.first {
            out.signed(i64::from(known.0));
            out.signed(i64::from(day.0));
        }
        self.packed.write(out);
    }

    /// The piece again, out of `content` where the reader stands.
    pub fn read(reader: &mut Reader, content: &Bytes, account: impl Fn(u32) -> AccountIx) -> FeaturePiece {
        let lagged = reader.byte() == 1;
        let n = reader.number();
        let of = |_| {
            let account = account(reader.number() as u32);
            let (rows, offset) = (reader.number() as u32, reader.number());
            (account, Of { rows, offset, users: reader.number() as u32 })
        };
        let accounts = (0..n).map(of).collect();
        let n = reader.number();
        let users = (0..n).map(|_| UserIx(reader.number() as u32)).collect();
        let n = reader.number();
        let first = (0..n).map(|_| (Day(reader.signed() as i32), Day(reader.signed() as i32))).collect();
        FeaturePiece { accounts, users, first, lagged, packed: Pieces::read(reader, content) }
    }
}

impl<'a> CarriedUses<'a> {
    /// Behind the user's place; goes to the end of the last block.
    fn read(reader: &mut Reader<'a>, user: UserIx) -> CarriedUses<'a> {
        let feature = FeatureIx::from(reader.number() as usize);
        let first = Day(reader.signed() as i32);
        let (blocks, whole) = (reader.rest(), reader.left());
        let (mut last, mut rows) = (first, 0);
        loop {
            let last_block = whole - reader.left();
            let (of_block, span, bytes) = (reader.number(), reader.number(), reader.number());
            rows += (of_block >> 1).max(1) as u32;
            last = last.plus(span as i32);
            reader.take(bytes as usize);
            if of_block & 1 == 0 || reader.left() == 0 {
                let blocks = &blocks[..whole - reader.left()];
                return CarriedUses { user, feature, first, last, rows, blocks, last_block };
            }
            last = last.plus(reader.signed() as i32);
        }
    }
}

impl FeatureLogBuilder {
    /// What was added.
    pub(crate) fn into_piece(self) -> FeaturePiece {
        let log = self.log;
        let of = |(account, of): (usize, &Of)| (of.rows > 0).then(|| (AccountIx::from(account), *of));
        FeaturePiece {
            accounts: log.accounts.iter().enumerate().filter_map(of).collect(),
            users: log.users,
            packed: self.out.finish(),
            first: log.first,
            lagged: log.lagged,
        }
    }

    /// Adds rows of the account as they stand in a piece; `more` where later rows of the same user and feature follow.
    pub(crate) fn carry(&mut self, user: UserIx, feature: FeatureIx, uses: &CarriedUses, more: bool) {
        self.head(user, feature, uses.first);
        let out = &mut self.out.out.0;
        let begin = out.len();
        out.extend_from_slice(uses.blocks);
        if let Some(header) = out.get_mut(begin + uses.last_block).filter(|_| more) {
            // The lowest bit of the header says that another block follows.
            *header |= 1;
        }
        if let Some(of) = self.log.accounts.last_mut() {
            of.rows += uses.rows;
        }
        self.open = more.then_some((user, feature, uses.last));
    }

    /// Says what a piece says of all its rows together.
    pub(crate) fn know(&mut self, piece: &FeaturePiece) {
        self.log.lagged |= piece.lagged;
        piece.first.iter().for_each(|(known, day)| self.log.first_of(*known, *day));
    }
}
