//! Feature usage of the months that are over, packed as the log holds it: what is new goes behind it, user by user and
//! feature by feature.

use rayon::prelude::*;

use super::feature_assembly::{Before, assemble};
use super::feature_run::{Row, Run, by_account};
use crate::extracts::gathered::dictionary_column::Interner;
use crate::extracts::gathered::gather::Count;
use crate::extracts::gathered::places::{Place, ranges};
use crate::extracts::kept::state::Kept;
use crate::extracts::packed::pieces::Parts;
use crate::extracts::tables::{CarriedUses, FeatureLogBuilder, FeaturePiece};
use crate::vocabulary::{AccountIx, Dictionary, FeatureIx, Text, UserIx};

pub struct FeatureBase {
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

impl FeatureBase {
    /// Of pieces whose users are ranks; `ranks` are by the interner's number.
    pub fn of(pieces: Vec<FeatureLogBuilder>, ranks: &[u32], count: Count) -> Option<FeatureBase> {
        let mut numbers = vec![0; ranks.len()];
        ranks.iter().zip(0..).for_each(|(rank, number)| numbers[*rank as usize] = number);
        let ranked =
            |piece: FeatureLogBuilder| NamedPiece { rows: piece.into_piece(), users: Vec::new(), features: Vec::new() };
        let has_rows = |piece: &NamedPiece| piece.rows.accounts().next().is_some();
        let pieces: Vec<NamedPiece> = pieces.into_iter().map(ranked).filter(has_rows).collect();
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
    ) -> Parts {
        let (mut out, rows) = (Parts::default(), &self.pieces[piece].rows);
        let of_rows: Vec<AccountIx> = rows.accounts().collect();
        out.texts(of_rows.iter().map(|account| &**accounts.name(*account)));
        out.texts((0..features.len()).map(|at| &**features.name_at(at)));
        let mut used = rows.users().to_vec();
        used.sort_unstable();
        used.dedup();
        out.texts(used.iter().map(|user| &**names.name(self.numbers[user.at()])));
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

    /// The log of these rows and of those of the runs, all of later days, piece by piece; a user is its rank. Each row
    /// that two runs hold is told to `refuse`.
    pub fn and_later(self, later: Vec<Run>, ranks: &[u32], refuse: &(dyn Fn(Row) + Sync)) -> Vec<FeatureLogBuilder> {
        let first = |piece: &NamedPiece| piece.rows.accounts().next().unwrap_or(AccountIx(0));
        let starts: Vec<AccountIx> = self.pieces.iter().map(first).collect();
        let joined = |(base, runs): (NamedPiece, Vec<Run>)| {
            let places = by_account(&runs);
            let later = |places: &[Place<AccountIx>], builder: &mut FeatureLogBuilder, before: &mut Before| {
                assemble(places, &runs, ranks, refuse, before, builder);
            };
            let mut builder = FeatureLogBuilder::default();
            builder.know(&base.rows);
            let mut own = base.rows.accounts().enumerate().peekable();
            for places in places.iter() {
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
        let later = ranges(later, &starts);
        self.pieces.into_par_iter().zip(later).map(joined).collect()
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
    let used: Vec<AccountIx> = reader.texts().map(|name| accounts.get(name)).collect::<Option<_>>()?;
    let features: Vec<FeatureIx> = reader.texts().map(|name| features.get(name)).collect::<Option<_>>()?;
    let names: Vec<Text> = reader.texts().map(Text::from).collect();
    let account = |number: u32| used.get(number as usize).copied().unwrap_or(AccountIx(0));
    let rows = FeaturePiece::read(&mut reader, kept.content(), account);
    rows.accounts().next()?;
    Some((NamedPiece { rows, users: Vec::new(), features }, names))
}
