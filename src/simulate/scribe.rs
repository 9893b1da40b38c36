//! From told accounts to the files of the world. Files are encoded side by side and put in a fixed order.

use std::collections::BTreeMap;

use bytes::Bytes;
use rayon::prelude::*;

use super::encode::{self, Sheet};
use super::rows::{FeatureUseRow, UsageRow};
use super::{Error, Story, Summary, Telemetry};
use crate::store::Store;
use crate::vocabulary::Day;

/// A file to be: its columns are made, and let go of, while it is encoded.
pub(super) struct Leaf<'a> {
    table: &'static str,
    path: String,
    sheet: Box<dyn Fn() -> Sheet + Sync + Send + 'a>,
}

impl<'a> Leaf<'a> {
    pub fn new(table: &'static str, path: String, sheet: impl Fn() -> Sheet + Sync + Send + 'a) -> Leaf<'a> {
        Leaf { table, path, sheet: Box::new(sheet) }
    }

    fn encode(&self, level: i32) -> Result<(u64, Vec<u8>), Error> {
        let sheet = (self.sheet)();
        let rows = sheet.rows() as u64;
        let content = sheet.parquet(level).map_err(|source| Error::Encoding { path: self.path.clone(), source })?;
        Ok((rows, content))
    }
}

pub(super) struct Scribe<'a> {
    store: &'a Store,
    level: i32,
    pub summary: Summary,
}

impl<'a> Scribe<'a> {
    pub fn new(store: &'a Store, telemetry: Telemetry) -> Scribe<'a> {
        Scribe { store, level: telemetry.zstd_level(), summary: Summary::default() }
    }

    pub fn put(&mut self, path: String, content: Vec<u8>) -> Result<(), Error> {
        self.summary.files += 1;
        self.summary.bytes += content.len() as u64;
        Ok(self.store.put(&path, Bytes::from(content))?)
    }

    pub fn tables(&mut self, leaves: Vec<Leaf>) -> Result<(), Error> {
        let encoded: Vec<_> = leaves.par_iter().map(|leaf| leaf.encode(self.level)).collect();
        for (leaf, encoded) in leaves.into_iter().zip(encoded) {
            let (rows, content) = encoded?;
            self.count(leaf.table, rows);
            self.put(leaf.path, content)?;
        }
        Ok(())
    }

    fn count(&mut self, table: &'static str, rows: u64) {
        match self.summary.rows.iter_mut().find(|(name, _)| *name == table) {
            Some((_, sum)) => *sum += rows,
            None => self.summary.rows.push((table, rows)),
        }
    }

    /// One part of every table.
    pub fn chunk(&mut self, part: usize, mut stories: Vec<Story>) -> Result<(), Error> {
        // The two large tables are read where they were told; a copy in one piece would double the memory.
        let usage: Vec<Vec<UsageRow>> = stories.iter_mut().map(|s| std::mem::take(&mut s.tables.usage)).collect();
        let features: Vec<Vec<FeatureUseRow>> =
            stories.iter_mut().map(|s| std::mem::take(&mut s.tables.feature_usage)).collect();
        let mut chunk = Story::default();
        stories.into_iter().for_each(|story| chunk.append(story));
        self.tables(small(part, &chunk))?;
        let usage = by_month(usage.iter().flatten(), |row| row.day);
        self.tables(months(part, "usage", &usage, encode::usage))?;
        let features = by_month(features.iter().flatten(), |row| row.day);
        self.tables(months(part, "feature_usage", &features, encode::feature_usage))?;
        self.tables(truth(part, &chunk))
    }
}

fn small(part: usize, chunk: &Story) -> Vec<Leaf<'_>> {
    let of = |table: &'static str, sheet: fn(&'_ Story) -> Sheet| {
        Leaf::new(table, format!("{table}/part-{part:04}.parquet"), move || sheet(chunk))
    };
    vec![
        of("accounts", |chunk| encode::accounts(&chunk.tables.accounts)),
        of("subscriptions", |chunk| encode::subscriptions(&chunk.tables.subscriptions)),
        of("entitlements", |chunk| encode::entitlements(&chunk.tables.entitlements)),
        of("integrations", |chunk| encode::integrations(&chunk.tables.integrations)),
        of("contacts", |chunk| encode::contacts(&chunk.tables.contacts)),
        of("activities", |chunk| encode::activities(&chunk.tables.activities)),
        of("conversations", |chunk| encode::conversations(&chunk.tables.conversations)),
        of("tickets", |chunk| encode::tickets(&chunk.tables.tickets)),
        of("surveys", |chunk| encode::surveys(&chunk.tables.surveys)),
        of("invoices", |chunk| encode::invoices(&chunk.tables.invoices)),
        of("account_events", |chunk| encode::account_events(&chunk.tables.account_events)),
        of("opportunities", |chunk| encode::opportunities(&chunk.tables.opportunities)),
        of("decisions", |chunk| encode::decisions(&chunk.tables.decisions)),
        of("outcomes", |chunk| encode::outcomes(&chunk.tables.outcomes)),
        of("text_labels", |chunk| encode::text_labels(&chunk.tables.text_labels)),
        of("annotations", |chunk| encode::annotations(&chunk.tables.annotations)),
    ]
}

fn truth(part: usize, chunk: &Story) -> Vec<Leaf<'_>> {
    vec![
        Leaf::new("truth/signals", format!("truth/signals/part-{part:04}.parquet"), || {
            encode::truth_signals(&chunk.planted)
        }),
        Leaf::new("truth/latents", format!("truth/latents/part-{part:04}.parquet"), || {
            encode::truth_latents(&chunk.latents)
        }),
    ]
}

/// Rows by the first day of their month, in the order in which they came.
fn by_month<'a, T>(rows: impl Iterator<Item = &'a T>, day: impl Fn(&T) -> Day) -> BTreeMap<Day, Vec<&'a T>> {
    let mut months = BTreeMap::<Day, Vec<&T>>::new();
    // A series runs through its days in order, so the month of a row is most often that of the row before.
    let (mut from, mut to) = (Day::MAX, Day::MIN);
    for row in rows {
        let day = day(row);
        if day < from || day >= to {
            from = day.month_start();
            to = from.plus_months(1);
        }
        months.entry(from).or_default().push(row);
    }
    months
}

/// One file per calendar month, rows in account order.
fn months<'a, T: Sync>(
    part: usize,
    table: &'static str,
    months: &'a BTreeMap<Day, Vec<&'a T>>,
    sheet: fn(&[&T]) -> Sheet,
) -> Vec<Leaf<'a>> {
    let leaf = |(first, rows): (&Day, &'a Vec<&'a T>)| {
        let month = first.date().format("%Y-%m");
        Leaf::new(table, format!("{table}/month={month}/part-{part:04}.parquet"), move || sheet(rows))
    };
    months.iter().map(leaf).collect()
}
