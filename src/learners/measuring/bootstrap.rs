//! How sure the figures are: bootstrap intervals that draw whole accounts, because the snapshots of one account are
//! not independent.
//!
//! A replicate gives every account a Poisson(1) weight. The weight is a hash of (seed, replicate, account), so neither
//! the order of the rows nor the number of threads shows in an interval, and two models on the same accounts meet the
//! same replicates: differences are paired.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::evaluate::{Metrics, Ranking, Tie};
use crate::statistics::quantile;

/// How many replicates are drawn, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    pub replicates: u32,
    pub seed: u64,
}

/// A 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Intervals of [`Metrics`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    pub auc: Interval,
    pub pr_auc: Interval,
    pub log_loss: Interval,
    pub brier: Interval,
    pub calibration_error: Interval,
    pub lift_top_decile: Interval,
    /// Accounts that were drawn.
    pub accounts: usize,
    /// Replicates in which both outcomes occurred.
    pub replicates: usize,
}

/// A figure with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// One set of probabilities against another on the same rows: new − old.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    pub rows: usize,
    pub accounts: usize,
    pub log_loss: Estimate,
    pub auc: Estimate,
    pub brier: Estimate,
}

/// Above this many rows × replicates fewer replicates are drawn: intervals of so many rows are narrow anyway.
const MOST_WORK: usize = 200_000_000;
/// Replicates below which a 95 % interval would rest on single draws.
const FEWEST: u32 = 100;
/// Fewer replicates with both outcomes say nothing about the tails.
const FEWEST_USABLE: usize = 40;

impl Resampling {
    fn bounded(self, rows: usize) -> u32 {
        let affordable = u32::try_from(MOST_WORK / rows.max(1)).unwrap_or(u32::MAX);
        self.replicates.min(affordable.max(FEWEST))
    }
}

/// Probabilities, labels and accounts, ready to be weighed anew.
pub struct Scored {
    ties: Vec<Tie>,
    /// First row after each tie.
    ends: Vec<u32>,
    /// By falling probability: the account's position times two, plus one for a positive row.
    rows: Vec<u32>,
    /// Distinct account hashes, sorted.
    accounts: Vec<u64>,
}

impl Scored {
    /// The three slices run beside each other. `None` where their lengths differ or one outcome is missing.
    pub fn new(probabilities: &[f64], labels: &[bool], accounts: &[u64]) -> Option<Scored> {
        let both = labels.iter().any(|label| *label) && labels.iter().any(|label| !label);
        if !both || probabilities.len() != labels.len() || accounts.len() != labels.len() {
            return None;
        }
        let mut known = accounts.to_vec();
        known.sort_unstable();
        known.dedup();
        let mut order: Vec<u32> = (0..labels.len() as u32).collect();
        let probability = |row: &u32| probabilities[*row as usize];
        order.par_sort_by(|a, b| probability(b).total_cmp(&probability(a)).then(a.cmp(b)));
        let place = |row: &u32| known.partition_point(|account| *account < accounts[*row as usize]) as u32;
        let rows = order.par_iter().map(|row| 2 * place(row) + u32::from(labels[*row as usize])).collect();
        let mut scored = Scored { ties: Vec::new(), ends: Vec::new(), rows, accounts: known };
        for run in order.chunk_by(|a, b| probability(a) == probability(b)) {
            scored.ends.push(scored.ends.last().copied().unwrap_or(0) + run.len() as u32);
            scored.ties.push(Tie::new(probability(&run[0]), 0.0, 0.0));
        }
        Some(scored)
    }

    /// As the rows stand, every row once.
    pub fn ranking(&self) -> Ranking {
        self.weighed(&vec![1; self.accounts.len()])
    }

    /// Every row as often as its account was drawn.
    fn weighed(&self, weights: &[u8]) -> Ranking {
        let mut from = 0;
        let ties = self.ties.iter().zip(&self.ends).map(|(tie, end)| {
            let mut met = [0u32; 2];
            for row in &self.rows[from..*end as usize] {
                met[(row & 1) as usize] += u32::from(weights[(row >> 1) as usize]);
            }
            from = *end as usize;
            tie.met(f64::from(met[1]), f64::from(met[0]))
        });
        Ranking::of(ties.collect())
    }

    /// What `read` finds in every replicate in which both outcomes occur, in the order of the replicates.
    pub fn replicates<T: Send>(&self, resampling: Resampling, read: impl Fn(&Ranking) -> T + Sync) -> Vec<T> {
        let replicates = (0..resampling.bounded(self.rows.len())).into_par_iter();
        let ranking = |replicate| self.weighed(&weights(&self.accounts, resampling.seed, replicate));
        replicates.map(ranking).filter(Ranking::has_both).map(|ranking| read(&ranking)).collect()
    }

    /// The metrics of the rows, and of every replicate.
    pub fn drawn(&self, resampling: Resampling) -> Drawn {
        Drawn {
            rows: self.rows.len(),
            accounts: self.accounts.len(),
            seen: self.ranking().metrics(),
            replicates: self.replicates(resampling, Ranking::metrics),
        }
    }
}

/// Metrics of one set of probabilities as the rows stand, and in every replicate.
pub struct Drawn {
    rows: usize,
    accounts: usize,
    pub seen: Metrics,
    replicates: Vec<Metrics>,
}

impl Drawn {
    /// `None` where too few replicates hold both outcomes.
    pub fn intervals(&self) -> Option<Intervals> {
        let drawn = &self.replicates;
        if drawn.len() < FEWEST_USABLE {
            return None;
        }
        let of = |figure: fn(&Metrics) -> f64| Interval::of(drawn.iter().map(figure).collect());
        let seen = self.seen.calibration_error;
        Some(Intervals {
            auc: of(|m| m.auc),
            pr_auc: of(|m| m.pr_auc),
            log_loss: of(|m| m.log_loss),
            brier: of(|m| m.brier),
            calibration_error: centred(drawn.iter().map(|m| m.calibration_error).collect(), seen),
            lift_top_decile: of(|m| m.lift_top_decile),
            accounts: self.accounts,
            replicates: drawn.len(),
        })
    }

    /// These probabilities − others of the same rows, drawn alike; `None` where too few replicates hold both outcomes.
    pub fn against(&self, old: &Drawn) -> Option<Paired> {
        let figures = |metrics: &Metrics| [metrics.log_loss, metrics.auc, metrics.brier];
        // The same accounts draw the same weights, so the n-th replicate of both holds the same rows.
        let drawn: Vec<[f64; 3]> = self
            .replicates
            .iter()
            .zip(&old.replicates)
            .map(|(new, old)| (figures(new), figures(old)))
            .map(|(new, old)| [new[0] - old[0], new[1] - old[1], new[2] - old[2]])
            .collect();
        if drawn.len() < FEWEST_USABLE {
            return None;
        }
        let (mine, theirs) = (figures(&self.seen), figures(&old.seen));
        let estimate = |at: usize| {
            let Interval { low, high } = Interval::of(drawn.iter().map(|figures| figures[at]).collect());
            Estimate { value: mine[at] - theirs[at], low, high }
        };
        let (rows, accounts) = (self.rows, self.accounts);
        Some(Paired { rows, accounts, log_loss: estimate(0), auc: estimate(1), brier: estimate(2) })
    }
}

impl Interval {
    /// Between the 2.5th and the 97.5th percentile.
    pub fn of(mut drawn: Vec<f64>) -> Interval {
        drawn.retain(|value| value.is_finite());
        drawn.sort_unstable_by(f64::total_cmp);
        let at = |share| quantile(&drawn, share).unwrap_or(f64::NAN);
        Interval { low: at(0.025), high: at(0.975) }
    }

    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A calibration error is a sum of absolute differences, which drawing again can only raise on average: its interval
/// is moved back by what the draws exceed the figure itself, and ends at zero.
fn centred(drawn: Vec<f64>, seen: f64) -> Interval {
    let excess = drawn.iter().sum::<f64>() / drawn.len().max(1) as f64 - seen;
    let Interval { low, high } = Interval::of(drawn);
    Interval { low: (low - excess).max(0.0), high: (high - excess).max(0.0) }
}

/// Compares two sets of probabilities of the same rows; `None` where one outcome is missing or nearly so.
pub fn paired(new: &[f64], old: &[f64], labels: &[bool], accounts: &[u64], by: Resampling) -> Option<Paired> {
    Scored::new(new, labels, accounts)?.drawn(by).against(&Scored::new(old, labels, accounts)?.drawn(by))
}

/// How often each account is drawn in a replicate.
fn weights(accounts: &[u64], seed: u64, replicate: u32) -> Vec<u8> {
    let own = scrambled(seed ^ scrambled(u64::from(replicate)));
    let reached = poisson_reached();
    accounts.iter().map(|account| poisson(scrambled(account ^ own), &reached)).collect()
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit given.
fn scrambled(bits: u64) -> u64 {
    let z = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Most draws of one account.
const MOST_DRAWS: usize = 12;

/// The distribution function of a Poisson number of mean 1, as the last number of 53 bits that it reaches.
fn poisson_reached() -> [u64; MOST_DRAWS] {
    let (mut term, mut reached) = ((-1.0f64).exp(), 0.0);
    std::array::from_fn(|k| {
        term /= k.max(1) as f64;
        reached += term;
        (reached * (1u64 << 53) as f64) as u64
    })
}

/// Even bits to a Poisson number of mean 1, by its distribution function.
fn poisson(bits: u64, reached: &[u64; MOST_DRAWS]) -> u8 {
    let drawn = bits >> 11;
    let beyond = |reached: &[u64]| reached.iter().map(|reached| u8::from(drawn > *reached)).sum();
    match beyond(&reached[..FEW_DRAWS]) {
        few if usize::from(few) < FEW_DRAWS => few,
        _ => beyond(reached),
    }
}

/// Hardly any account is drawn more often; without a branch they are told apart fastest.
const FEW_DRAWS: usize = 4;
