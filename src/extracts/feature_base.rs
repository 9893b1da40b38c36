//! Feature usage of the months that are over, packed as the log holds it: what is new goes behind it, user by user and
//! feature by feature.

use rayon::prelude::*;

use super::dictionary_column::Interner;
use super::gather::Count;
use super::packed::Writer;
use super::places::{Place, Places};
use super::state::Kept;
use super::tables::{CarriedUses, FeatureLogBuilder, FeaturePiece};
use crate::vocabulary::{AccountIx, Dictionary, FeatureIx, Text, UserIx};

pub(super) struct FeatureBase {
    pub count: Count,
    /// Of whole accounts, in their order; each has a row.
    pieces: Vec<NamedPiece>,
    /// Where users are ranks, the interner's number of each.
    numbers: Vec<u32>,
}

/// A piece with what its numbers stand for; both rise with the names.
struct NamedPiece {
    rows: FeaturePiece,
    /// Numbers of the load's interner by user; where there is none, a user is its rank.
    users: Vec<u32>,
    /// By feature; where there is none, they are today's.
    features: Vec<FeatureIx>,
}

impl NamedPiece {
    fn key(&self, uses: &CarriedUses, ranks: &[u32]) -> (UserIx, FeatureIx) {
        let user = self.users.get(uses.user.at()).map_or(uses.user, |number| UserIx(ranks[*number as usize]));
        (user, self.features.get(uses.feature.at()).copied().unwrap_or(uses.feature))
    }
}

/// Adds the later rows of an account, groups in order; before each it asks for what stands before it.
pub(super) type Later<'l> = dyn Fn(&[Place<AccountIx>], &mut FeatureLogBuilder, &mut dyn FnMut(&mut FeatureLogBuilder, UserIx, FeatureIx))
    + Sync
    + 'l;

impl FeatureBase {
    /// Of pieces whose users are ranks; `ranks` are by the interner's number.
    pub fn of(pieces: Vec<FeatureLogBuilder>, ranks: &[u32], count: Count) -> Option<FeatureBase> {
        let mut numbers = vec![0; ranks.len()];
        ranks.iter().zip(0..).for_each(|(rank, number)| numbers[*rank as usize] = number);
        let ranked =
            |piece: FeatureLogBuilder| NamedPiece { rows: piece.into_piece(), users: Vec::new(), features: Vec::new() };
        let pieces: Vec<NamedPiece> = pieces.into_iter().map(ranked).collect();
        (!pieces.is_empty()).then_some(FeatureBase { count, pieces, numbers })
    }

    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// A piece for the state, its accounts, users and features by name.
    pub fn write(
        &self,
        piece: usize,
        accounts: &Dictionary<AccountIx>,
        features: &Dictionary<FeatureIx>,
        names: &Interner,
    ) -> Writer {
        let (mut out, rows) = (Writer::default(), &self.pieces[piece].rows);
        let of_rows: Vec<AccountIx> = rows.accounts().collect();
        out.number(of_rows.len() as u64);
        of_rows.iter().for_each(|account| out.text(accounts.name(*account)));
        out.number(features.len() as u64);
        features.iter().for_each(|(_, name)| out.text(name));
        let mut used = rows.users().to_vec();
        used.sort_unstable();
        used.dedup();
        out.number(used.len() as u64);
        used.iter().for_each(|user| out.text(names.name(self.numbers[user.at()])));
        rows.write(
            &mut out,
            |account| of_rows.binary_search(&account).unwrap_or_default() as u32,
            |user| used.binary_search(&user).unwrap_or_default() as u32,
        );
        out
    }

    /// The pieces again, under today's numbers. `None` where an account or a feature is gone.
    pub fn read(
        kept: &[Kept],
        accounts: &Dictionary<AccountIx>,
        features: &Dictionary<FeatureIx>,
        users: &mut Interner,
    ) -> Option<FeatureBase> {
        let pieces: Vec<(NamedPiece, Vec<Text>)> =
            kept.par_iter().map(|kept| piece(kept, accounts, features)).collect::<Option<_>>()?;
        let mut numbered = |(piece, names): (NamedPiece, Vec<Text>)| {
            let users = names.iter().map(|name| users.number(name)).collect();
            NamedPiece { users, ..piece }
        };
        let (count, pieces) = (kept.first()?.count, pieces.into_iter().map(&mut numbered).collect());
        Some(FeatureBase { count, pieces, numbers: Vec::new() })
    }

    /// The log of these rows and of those of the runs, all of later days, piece by piece; a user is its rank. `later`
    /// adds the latter.
    pub fn and_later(&self, places: &Places<AccountIx>, ranks: &[u32], later: &Later) -> Vec<FeatureLogBuilder> {
        let first = |piece: &NamedPiece| piece.rows.accounts().next().unwrap_or(AccountIx(0));
        let starts: Vec<AccountIx> = self.pieces.iter().map(first).collect();
        let places = places.cut(&starts, |account| *account);
        let joined = |(base, places): (&NamedPiece, &[Place<AccountIx>])| {
            let mut builder = FeatureLogBuilder::default();
            builder.know(&base.rows);
            let mut own = base.rows.accounts().enumerate().peekable();
            for places in places.chunk_by(|a, b| a.0 == b.0) {
                let account = places[0].0;
                while let Some((at, _)) = own.next_if(|(_, before)| *before < account) {
                    base.carry(at, ranks, &mut builder);
                }
                builder.account(account);
                let Some((at, _)) = own.next_if(|(_, same)| *same == account) else {
                    later(places, &mut builder, &mut |_, _, _| {});
                    continue;
                };
                let (_, groups) = base.rows.groups(at);
                let mut groups = groups.map(|uses| (base.key(&uses, ranks), uses)).peekable();
                later(places, &mut builder, &mut |builder, user, feature| {
                    while let Some((key, uses)) = groups.next_if(|(key, _)| *key <= (user, feature)) {
                        builder.carry(key.0, key.1, &uses, key == (user, feature));
                    }
                });
                groups.for_each(|((user, feature), uses)| builder.carry(user, feature, &uses, false));
            }
            own.for_each(|(at, _)| base.carry(at, ranks, &mut builder));
            builder
        };
        self.pieces.par_iter().zip(places).map(joined).collect()
    }
}

impl NamedPiece {
    /// Adds an account that has no later rows.
    fn carry(&self, at: usize, ranks: &[u32], builder: &mut FeatureLogBuilder) {
        let (account, groups) = self.rows.groups(at);
        builder.account(account);
        for uses in groups {
            let (user, feature) = self.key(&uses, ranks);
            builder.carry(user, feature, &uses, false);
        }
    }
}

/// A piece whose users have no numbers yet, and their names.
fn piece(
    kept: &Kept,
    accounts: &Dictionary<AccountIx>,
    features: &Dictionary<FeatureIx>,
) -> Option<(NamedPiece, Vec<Text>)> {
    let mut reader = kept.runs();
    let n = reader.number();
    let used: Vec<AccountIx> = (0..n).map(|_| accounts.get(reader.text())).collect::<Option<_>>()?;
    let n = reader.number();
    let features: Vec<FeatureIx> = (0..n).map(|_| features.get(reader.text())).collect::<Option<_>>()?;
    let n = reader.number();
    let names: Vec<Text> = (0..n).map(|_| reader.text().into()).collect();
    let account = |number: u32| used.get(number as usize).copied().unwrap_or(AccountIx(0));
    let rows = FeaturePiece::read(&mut reader, kept.content(), account);
    rows.accounts().next()?;
    Some((NamedPiece { rows, users: Vec::new(), features }, names))
}
