//! Usage of the months that are over, packed as the history holds it: what is new goes behind it, series by series.

use std::sync::Mutex;

use rayon::prelude::*;

use super::usage_run::{Row, Run, each_series};
use crate::extracts::gathered::dictionary_column::Pairs;
use crate::extracts::gathered::gather::{Count, lock};
use crate::extracts::gathered::places::ranges;
use crate::extracts::kept::state::Kept;
use crate::extracts::packed::pieces::Parts;
use crate::extracts::tables::UsageBuilder;
use crate::vocabulary::{AccountIx, Dictionary, MetricIx, ProductIx, Text};

pub struct UsageBase {
    /// The numbers in the pieces are positions among these.
    products: Dictionary<ProductIx>,
    metrics: Dictionary<MetricIx>,
    /// Whether cells say when they were recorded.
    pub lagged: bool,
    pub count: Count,
    /// Of whole accounts, in their order; each has a series.
    pieces: Vec<UsageBuilder>,
}

impl UsageBase {
    /// Of the runs of months that are over; `lagged`: whether any row at all says when it was recorded. `None` where
    /// they hold no row. Each row that two runs hold is told to `refuse`.
    pub fn of(
        runs: Vec<Run>,
        starts: &[AccountIx],
        names: &Mutex<Pairs>,
        (lagged, count): (bool, Count),
        refuse: &(dyn Fn(Row) + Sync),
    ) -> Option<UsageBase> {
        let mut used: Vec<u32> = runs.iter().flat_map(|run| &run.series).map(|series| series.key.pair).collect();
        used.sort_unstable();
        used.dedup();
        let (products, metrics, pairs) = {
            let names = lock(names);
            let named: Vec<(&Text, &Text)> = used.iter().map(|pair| names.names(*pair)).collect();
            let products = Dictionary::new(named.iter().map(|(product, _)| (*product).clone()));
            let metrics: Dictionary<MetricIx> = Dictionary::new(named.iter().map(|(_, metric)| (*metric).clone()));
            let pairs = names.under(&products, &metrics);
            (products, metrics, pairs)
        };
        let built = |runs: Vec<Run>| {
            let mut builder = UsageBuilder::new(metrics.len(), lagged);
            each_series(&runs, &pairs, &mut |row| refuse(row), |series| series.push(&mut builder));
            Some(builder.closed()).filter(|builder| !builder.series().is_empty())
        };
        let pieces: Vec<UsageBuilder> = ranges(runs, starts).into_par_iter().filter_map(built).collect();
        (!pieces.is_empty()).then_some(UsageBase { products, metrics, lagged, count, pieces })
    }

    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// A piece for the state, its accounts, products and metrics by name.
    pub fn write(&self, piece: usize, accounts: &Dictionary<AccountIx>) -> Parts {
        let (mut out, piece) = (Parts::default(), &self.pieces[piece]);
        let mut used: Vec<AccountIx> = piece.series().iter().map(|series| series.account).collect();
        used.dedup();
        out.texts(used.iter().map(|account| &**accounts.name(*account)));
        out.texts((0..self.products.len()).map(|at| &**self.products.name_at(at)));
        out.texts((0..self.metrics.len()).map(|at| &**self.metrics.name_at(at)));
        piece.write(&mut out, |account| used.binary_search(&account).unwrap_or_default() as u32);
        out
    }

    /// The pieces again, under today's numbers of the accounts. `None` where an account is gone.
    pub fn read(kept: &[Kept], accounts: &Dictionary<AccountIx>) -> Option<UsageBase> {
        let pieces: Vec<(Vec<Text>, Vec<Text>, UsageBuilder)> =
            kept.par_iter().map(|kept| piece(kept, accounts)).collect::<Option<_>>()?;
        let count = kept.first()?.count;
        let lagged = pieces.first()?.2.is_lagged();
        let (products, metrics, _) = pieces.first()?;
        let (products, metrics) = (Dictionary::new(products.clone()), Dictionary::new(metrics.clone()));
        let pieces = pieces.into_iter().map(|(_, _, builder)| builder).collect();
        Some(UsageBase { products, metrics, lagged, count, pieces })
    }

    /// Lets the names be known that its rows use.
    pub fn name(&self, names: &mut Pairs) {
        names.name(self.products.iter().map(|(_, name)| name), self.metrics.iter().map(|(_, name)| name));
    }

    /// The history of these rows and those of the runs, all of later days, piece by piece; `pairs` are theirs. Each row
    /// that two runs hold is told to `refuse`.
    pub fn and_later(
        self,
        later: Vec<Run>,
        pairs: &[Option<(ProductIx, MetricIx)>],
        (products, metrics): (&Dictionary<ProductIx>, &Dictionary<MetricIx>),
        refuse: &(dyn Fn(Row) + Sync),
    ) -> Vec<UsageBuilder> {
        let own_products: Vec<ProductIx> =
            self.products.iter().map(|(at, name)| products.get(name).unwrap_or(at)).collect();
        let own_metrics: Vec<MetricIx> =
            self.metrics.iter().map(|(at, name)| metrics.get(name).unwrap_or(at)).collect();
        let starts: Vec<AccountIx> = self.pieces.iter().map(|piece| piece.series()[0].account).collect();
        let joined = |(base, later): (UsageBuilder, Vec<Run>)| {
            let mut builder = UsageBuilder::new(metrics.len(), self.lagged);
            builder.cover(&base, &own_metrics);
            let name =
                |at: usize| (own_products[base.series()[at].product.at()], own_metrics[base.series()[at].metric.at()]);
            let mut carried = 0;
            let mut carry = |builder: &mut UsageBuilder, until: Option<(AccountIx, ProductIx, MetricIx)>| {
                while let Some(series) = base.series().get(carried) {
                    let (product, metric) = name(carried);
                    if until.is_some_and(|until| until < (series.account, product, metric)) {
                        break;
                    }
                    builder.carry(&base, carried, product, metric);
                    carried += 1;
                }
            };
            each_series(&later, pairs, &mut |row| refuse(row), |series| {
                carry(&mut builder, Some((series.account(), series.product, series.metric)));
                series.push(&mut builder);
            });
            carry(&mut builder, None);
            builder
        };
        let later = ranges(later, &starts);
        self.pieces.into_par_iter().zip(later).map(joined).collect()
    }
}

/// Names of products and metrics, and the rows of a piece.
fn piece(kept: &Kept, accounts: &Dictionary<AccountIx>) -> Option<(Vec<Text>, Vec<Text>, UsageBuilder)> {
    let mut reader = kept.runs();
    let used: Vec<AccountIx> = reader.texts().map(|name| accounts.get(name)).collect::<Option<_>>()?;
    let products: Vec<Text> = reader.texts().map(Text::from).collect();
    let metrics: Vec<Text> = reader.texts().map(Text::from).collect();
    let account = |number: u32| used.get(number as usize).copied().unwrap_or(AccountIx(0));
    let builder = UsageBuilder::read(&mut reader, kept.content(), account);
    (!builder.series().is_empty()).then_some((products, metrics, builder))
}
