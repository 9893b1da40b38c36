//! A part of the history that is carried into another as the bytes that it is, and how it stands on a disk.

use bytes::Bytes;

use super::{DaySet, Series, UsageBuilder, UsageHistory, UsageVersion};
use crate::extracts::packed::numbers::Reader;
use crate::extracts::packed::pieces::{Packing, Parts, Pieces};
use crate::vocabulary::{AccountIx, Day, MetricIx, ProductIx};

impl UsageBuilder {
    /// The series that were added.
    pub(crate) fn series(&self) -> &[Series] {
        &self.history.series
    }

    /// Whether cells say when they were recorded.
    pub(crate) fn is_lagged(&self) -> bool {
        self.history.lagged
    }

    /// Nothing more is added.
    pub(crate) fn closed(self) -> UsageBuilder {
        let history = UsageHistory { packed: self.out.finish(), ..self.history };
        UsageBuilder { history, covered: self.covered, out: Packing::default(), values: Vec::new(), lags: Vec::new() }
    }

    /// Adds series `at` of a closed builder under these names, as it stands there; which days it covers is said by
    /// [`UsageBuilder::cover`].
    pub(crate) fn carry(&mut self, from: &UsageBuilder, at: usize, product: ProductIx, metric: MetricIx) {
        let (from, series) = (&from.history, from.history.series[at]);
        let bytes = from.packed.at(series.offset);
        let length = from.series.get(at + 1).map_or(bytes.len(), |next| (next.offset - series.offset) as usize);
        let earlier = (self.history.earlier.len() as u32, series.earlier.1);
        self.begin((series.account, product, metric), series.start, series.len, earlier);
        self.history.earlier.extend_from_slice(from.earlier_of(&series));
        self.out.out.0.extend_from_slice(&bytes[..length.min(bytes.len())]);
    }

    /// Covers the days that another builder covers; `metrics` are its metrics under today's names.
    pub(crate) fn cover(&mut self, from: &UsageBuilder, metrics: &[MetricIx]) {
        for (days, metric) in from.covered.iter().zip(metrics) {
            days.0.iter().for_each(|(word, bits)| self.covered[metric.at()].insert(*word, *bits));
        }
    }

    /// A closed builder as bytes; `account` gives what stands for an account.
    pub(crate) fn write(&self, out: &mut Parts, account: impl Fn(AccountIx) -> u32) {
        let history = &self.history;
        out.byte(u8::from(history.lagged));
        out.number(history.series.len() as u64);
        for series in &history.series {
            out.number(u64::from(account(series.account)));
            out.number(series.product.at() as u64);
            out.number(series.metric.at() as u64);
            out.signed(i64::from(series.start.0));
            out.number(series.len as u64);
            out.number(series.offset);
            out.number(u64::from(series.earlier.0));
            out.number(u64::from(series.earlier.1));
        }
        out.number(self.covered.len() as u64);
        for DaySet(words) in &self.covered {
            out.number(words.len() as u64);
            for (word, bits) in words {
                out.signed(i64::from(*word));
                out.number(*bits);
            }
        }
        out.number(history.earlier.len() as u64);
        for version in &history.earlier {
            out.signed(i64::from(version.day.0));
            out.signed(i64::from(version.known.0));
            out.bits(version.value);
        }
        history.packed.write(out);
    }

    /// The builder again, out of `content` where the reader stands.
    pub(crate) fn read(reader: &mut Reader, content: &Bytes, account: impl Fn(u32) -> AccountIx) -> UsageBuilder {
        let mut builder = UsageBuilder::new(0, reader.byte() == 1);
        let n = reader.number();
        let series = |_| Series {
            account: account(reader.number() as u32),
            product: ProductIx::from(reader.number() as usize),
            metric: MetricIx::from(reader.number() as usize),
            start: Day(reader.signed() as i32),
            len: reader.number() as usize,
            offset: reader.number(),
            earlier: (reader.number() as u32, reader.number() as u32),
        };
        builder.history.series = (0..n).map(series).collect();
        let n = reader.number();
        let words = |reader: &mut Reader| {
            let n = reader.number();
            DaySet((0..n).map(|_| (reader.signed() as i32, reader.number())).collect())
        };
        builder.covered = (0..n).map(|_| words(reader)).collect();
        let n = reader.number();
        let version = |_| UsageVersion {
            day: Day(reader.signed() as i32),
            known: Day(reader.signed() as i32),
            value: reader.double(),
        };
        builder.history.earlier = (0..n).map(version).collect();
        builder.history.packed = Pieces::read(reader, content);
        builder
    }
}
