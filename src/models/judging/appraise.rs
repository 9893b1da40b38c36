//! Everything that the test rows say about a model, beyond the headline figures: curves, deciles, segments, and what
//! it is worth to a field that can only make so many contacts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tested::TestRow;
use crate::learners::measuring::bootstrap::{Estimate, Interval, Intervals, Resampling, Scored};
use crate::learners::measuring::curves::{Curves, captured};
use crate::learners::measuring::evaluate::{Metrics, Ranking, metrics};

/// Fewer positives or negatives than this leave a segment's figures open.
pub const THIN: usize = 20;

/// The contacts that account teams can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// People who own accounts.
    pub owners: usize,
    /// Contacts of one owner in a week.
    pub weekly_capacity: u32,
}

/// What the field finds if it makes one week's contacts from the top of the ranking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtCapacity {
    pub field: Field,
    /// Contacts in a week, all owners together; never more than there are accounts.
    pub contacts: f64,
    /// Accounts to choose from: test rows per test day.
    pub accounts: f64,
    /// Contacts on which the event happens within the horizon.
    pub found: Estimate,
    pub found_by_baseline: f64,
    pub found_by_chance: f64,
}

/// One segment's test rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub segment: String,
    pub rows: usize,
    pub accounts: usize,
    pub positives: usize,
    /// Mean probability, and share on which the event happened.
    pub predicted: f64,
    pub observed: f64,
    /// Too few rows of one outcome to judge by: figures with wide intervals, or none.
    pub thin: bool,
    pub metrics: Option<Metrics>,
    pub intervals: Option<Intervals>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appraisal {
    pub curves: Curves,
    /// Of the rule to beat, without bands.
    pub baseline_curves: Curves,
    pub segments: Vec<Segment>,
    pub at_capacity: Option<AtCapacity>,
}

impl Appraisal {
    /// `None` where the rows hold one outcome only.
    pub fn of(rows: &[TestRow], field: Field, by: Resampling) -> Option<Appraisal> {
        let (model, baseline) = (scored(rows, |row| row.probability)?, scored(rows, |row| row.baseline)?);
        let contacts = Contacts::of(rows, field);
        let found = |ranking: &Ranking| contacts.map_or(0.0, |contacts| contacts.found(ranking));
        let (curves, drawn) = Curves::beside(&model, &baseline, by, found);
        Some(Appraisal {
            curves,
            baseline_curves: Curves::of(&baseline, &baseline, Resampling { replicates: 0, ..by }),
            segments: segments(rows, by),
            at_capacity: contacts.map(|contacts| contacts.at_capacity(&model.ranking(), &baseline.ranking(), drawn)),
        })
    }
}

fn scored<'a>(rows: impl IntoIterator<Item = &'a TestRow>, probability: fn(&TestRow) -> f64) -> Option<Scored> {
    let rows: Vec<&TestRow> = rows.into_iter().collect();
    let probabilities: Vec<f64> = rows.iter().map(|row| probability(row)).collect();
    let labels: Vec<bool> = rows.iter().map(|row| row.happened).collect();
    let accounts: Vec<u64> = rows.iter().map(|row| row.account_hash).collect();
    Scored::new(&probabilities, &labels, &accounts)
}

/// By name; rows without one last.
fn segments(rows: &[TestRow], by: Resampling) -> Vec<Segment> {
    let mut groups: BTreeMap<(bool, &str), Vec<&TestRow>> = BTreeMap::new();
    for row in rows {
        let name = row.segment.as_deref();
        groups.entry((name.is_none(), name.unwrap_or("not known"))).or_default().push(row);
    }
    groups.into_iter().map(|((_, name), rows)| segment(name, &rows, by)).collect()
}

fn segment(name: &str, rows: &[&TestRow], by: Resampling) -> Segment {
    let positives = rows.iter().filter(|row| row.happened).count();
    let mut accounts: Vec<u64> = rows.iter().map(|row| row.account_hash).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let probabilities: Vec<f64> = rows.iter().map(|row| row.probability).collect();
    let labels: Vec<bool> = rows.iter().map(|row| row.happened).collect();
    Segment {
        segment: name.to_owned(),
        rows: rows.len(),
        accounts: accounts.len(),
        positives,
        predicted: probabilities.iter().sum::<f64>() / rows.len() as f64,
        observed: positives as f64 / rows.len() as f64,
        thin: positives.min(rows.len() - positives) < THIN,
        metrics: metrics(&probabilities, &labels),
        intervals: scored(rows.iter().copied(), |row| row.probability).and_then(|scored| scored.drawn(by).intervals()),
    }
}

/// One week's contacts of a field.
#[derive(Clone, Copy)]
struct Contacts {
    field: Field,
    contacts: f64,
    /// Accounts to choose from.
    accounts: f64,
}

impl Contacts {
    /// `None` for a field without anybody in it.
    fn of(rows: &[TestRow], field: Field) -> Option<Contacts> {
        let mut days: Vec<_> = rows.iter().map(|row| row.day).collect();
        days.dedup();
        let accounts = rows.len() as f64 / days.len() as f64;
        let contacts = (field.owners as f64 * f64::from(field.weekly_capacity)).min(accounts);
        (contacts > 0.0).then_some(Contacts { field, contacts, accounts })
    }

    /// Events among the contacts made from the top of a ranking.
    fn found(&self, ranking: &Ranking) -> f64 {
        self.accounts * ranking.positives / ranking.rows() * captured(ranking, self.contacts / self.accounts)
    }

    /// `drawn` holds what each replicate finds.
    fn at_capacity(self, model: &Ranking, baseline: &Ranking, drawn: Vec<f64>) -> AtCapacity {
        let Contacts { field, contacts, accounts } = self;
        let value = self.found(model);
        let Interval { low, high } =
            if drawn.is_empty() { Interval { low: value, high: value } } else { Interval::of(drawn) };
        AtCapacity {
            field,
            contacts,
            accounts,
            found: Estimate { value, low, high },
            found_by_baseline: self.found(baseline),
            found_by_chance: accounts * model.positives / model.rows() * contacts / accounts,
        }
    }
}
