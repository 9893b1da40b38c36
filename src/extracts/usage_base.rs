//! Usage of the months that are over, packed as the history holds it: what is new goes behind it, series by series.

use rayon::prelude::*;

use super::gather::Count;
use super::packed::Writer;
use super::places::{Place, Places};
use super::state::Kept;
use super::tables::UsageBuilder;
use super::usage_rows::{Pairs, push_series, series_of};
use super::usage_run::{Cells, Key, Run, by_series, refuse_repeats};
use crate::vocabulary::{AccountIx, Dictionary, MetricIx, ProductIx, Text};

pub(super) struct UsageBase {
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
    /// `None` where a row stands in two runs.
    pub fn of(runs: &[Run], names: &Pairs, lagged: bool, count: Count) -> Option<UsageBase> {
        let places = by_series(runs);
        let mut repeated = false;
        refuse_repeats(runs, &places, &mut |_| repeated = true);
        if repeated {
            return None;
        }
        let mut used: Vec<u32> = runs.iter().flat_map(|run| &run.series).map(|series| series.key.pair).collect();
        used.sort_unstable();
        used.dedup();
        let named: Vec<(&Text, &Text)> = used.iter().map(|pair| names.names(*pair)).collect();
        let products = Dictionary::new(named.iter().map(|(product, _)| (*product).clone()));
        let metrics: Dictionary<MetricIx> = Dictionary::new(named.iter().map(|(_, metric)| (*metric).clone()));
        let pairs = names.under(&products, &metrics);
        let pieces = places.pieces(8 * rayon::current_num_threads(), |key| key.account);
        let built = |piece: &[Place<Key>]| {
            let (mut builder, mut cells) = (UsageBuilder::new(metrics.len(), lagged), Cells::default());
            for (product, metric, places) in
                piece.chunk_by(|a, b| a.0.account == b.0.account).flat_map(|account| series_of(account, &pairs))
            {
                push_series(&mut builder, &mut cells, runs, places, product, metric);
            }
            builder.closed()
        };
        let pieces: Vec<UsageBuilder> = pieces.into_par_iter().map(built).collect();
        (!pieces.is_empty()).then_some(UsageBase { products, metrics, lagged, count, pieces })
    }

    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// A piece for the state, its accounts, products and metrics by name.
    pub fn write(&self, piece: usize, accounts: &Dictionary<AccountIx>) -> Writer {
        let (mut out, piece) = (Writer::default(), &self.pieces[piece]);
        let mut used: Vec<AccountIx> = piece.series().iter().map(|series| series.account).collect();
        used.dedup();
        out.number(used.len() as u64);
        used.iter().for_each(|account| out.text(accounts.name(*account)));
        out.number(self.products.len() as u64);
        self.products.iter().for_each(|(_, name)| out.text(name));
        out.number(self.metrics.len() as u64);
        self.metrics.iter().for_each(|(_, name)| out.text(name));
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

    /// The history of these rows and those of the runs, all of later days, piece by piece; `pairs` are theirs.
    pub fn and_later(
        &self,
        runs: &[Run],
        places: &Places<Key>,
        pairs: &[Option<(ProductIx, MetricIx)>],
        products: &Dictionary<ProductIx>,
        metrics: &Dictionary<MetricIx>,
    ) -> Vec<UsageBuilder> {
        let own_products: Vec<ProductIx> =
            self.products.iter().map(|(at, name)| products.get(name).unwrap_or(at)).collect();
        let own_metrics: Vec<MetricIx> =
            self.metrics.iter().map(|(at, name)| metrics.get(name).unwrap_or(at)).collect();
        let starts: Vec<AccountIx> = self.pieces.iter().map(|piece| piece.series()[0].account).collect();
        let later = places.cut(&starts, |key| key.account);
        let joined = |(base, later): (&UsageBuilder, &[Place<Key>])| {
            let (mut builder, mut cells) = (UsageBuilder::new(metrics.len(), self.lagged), Cells::default());
            builder.cover(base, &own_metrics);
            let name =
                |at: usize| (own_products[base.series()[at].product.at()], own_metrics[base.series()[at].metric.at()]);
            let mut carried = 0;
            let mut carry = |builder: &mut UsageBuilder, until: Option<(AccountIx, ProductIx, MetricIx)>| {
                while let Some(series) = base.series().get(carried) {
                    let (product, metric) = name(carried);
                    if until.is_some_and(|until| until < (series.account, product, metric)) {
                        break;
                    }
                    builder.carry(base, carried, product, metric);
                    carried += 1;
                }
            };
            for account in later.chunk_by(|a, b| a.0.account == b.0.account) {
                for (product, metric, places) in series_of(account, pairs) {
                    carry(&mut builder, Some((places[0].0.account, product, metric)));
                    push_series(&mut builder, &mut cells, runs, places, product, metric);
                }
            }
            carry(&mut builder, None);
            builder
        };
        self.pieces.par_iter().zip(later).map(joined).collect()
    }
}

/// Names of products and metrics, and the rows of a piece.
fn piece(kept: &Kept, accounts: &Dictionary<AccountIx>) -> Option<(Vec<Text>, Vec<Text>, UsageBuilder)> {
    let mut reader = kept.runs();
    let n = reader.number();
    let used: Vec<AccountIx> = (0..n).map(|_| accounts.get(reader.text())).collect::<Option<_>>()?;
    let n = reader.number();
    let products: Vec<Text> = (0..n).map(|_| reader.text().into()).collect();
    let n = reader.number();
    let metrics: Vec<Text> = (0..n).map(|_| reader.text().into()).collect();
    let account = |number: u32| used.get(number as usize).copied().unwrap_or(AccountIx(0));
    let builder = UsageBuilder::read(&mut reader, kept.content(), account);
    (!builder.series().is_empty()).then_some((products, metrics, builder))
}
