//! The nearest past profiles: k-d trees over standardised numbers, re-ranked by what cannot be measured in numbers.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Past;
use super::profile::Profile;
use super::tree::{Tree, squared};
use crate::extracts::tables::Account;
use crate::vocabulary::{AccountIx, Text};

/// Numbers of a profile: employees, ARR, active users (logarithms), usage level, tier rank, tenure.
const NUMBERS: usize = 6;
/// Usage level and tier say most about readiness to upgrade, so they weigh more than size.
const WEIGHTS: [f64; NUMBERS] = [1.0, 1.0, 0.75, 1.5, 1.25, 0.5];

/// Squared distance that a mismatch adds; one of the two unknown adds half.
const OTHER_PRODUCT: f64 = 3.0;
const OTHER_INDUSTRY: f64 = 1.0;
const OTHER_SEGMENT: f64 = 0.5;
const OTHER_USE_CASE: f64 = 0.5;

/// Candidates per wanted neighbour among all, and again in the same industry: an account has several past days, and
/// mismatches re-rank.
const CANDIDATES: usize = 3;
/// Fewer profiles than this are simply all compared.
const SMALL: usize = 256;

/// Squared distance at which similarity falls to 1/√e.
const TYPICAL: f64 = NUMBERS as f64;

type Numbers = [f64; NUMBERS];

/// For each profile of today, positions and similarities of the past profiles of other accounts that are most like
/// it: one per account, most alike first. Ties go to the account that comes first, and to its later day.
pub(super) fn nearest(
    today: &[Option<Profile>],
    past: &[Past],
    accounts: &[Option<&Account>],
    wanted: usize,
) -> Vec<Vec<(usize, f64)>> {
    let scale = Scale::of(past);
    let points: Vec<Numbers> = past.iter().map(|past| scale.place(&past.profile)).collect();
    let queries: Vec<Option<Numbers>> = today.iter().map(|today| today.as_ref().map(|p| scale.place(p))).collect();
    let candidates = candidates(&queries, &points, past, accounts, wanted * CANDIDATES);
    let ranked = today.par_iter().zip(&queries).zip(candidates).map(|((profile, query), candidates)| {
        let (Some(profile), Some(query)) = (profile, query) else { return Vec::new() };
        let distance = |position: usize| {
            let other = &past[position].profile;
            (position, squared(query, &points[position]) + mismatch(profile, other, accounts))
        };
        rank(candidates.into_iter().map(distance).collect(), profile, past, wanted)
    });
    ranked.collect()
}

fn rank(mut found: Vec<(usize, f64)>, profile: &Profile, past: &[Past], wanted: usize) -> Vec<(usize, f64)> {
    found.retain(|(position, _)| past[*position].profile.account != profile.account);
    // Positions rise by account and day, so the later of two equal days of one account stands first.
    found.sort_by(|a, b| {
        let account = |position: usize| past[position].profile.account;
        a.1.total_cmp(&b.1).then(account(a.0).cmp(&account(b.0))).then(b.0.cmp(&a.0))
    });
    let mut chosen: Vec<(usize, f64)> = Vec::with_capacity(wanted);
    let account = |position: usize| past[position].profile.account;
    for (position, squared) in found {
        if chosen.len() == wanted {
            break;
        }
        if chosen.iter().all(|(known, _)| account(*known) != account(position)) {
            chosen.push((position, squared));
        }
    }
    chosen.into_iter().map(|(position, squared)| (position, (-squared / (2.0 * TYPICAL)).exp())).collect()
}

/// Candidates of each query: near ones among all, and near ones in the same industry.
fn candidates(
    queries: &[Option<Numbers>],
    points: &[Numbers],
    past: &[Past],
    accounts: &[Option<&Account>],
    count: usize,
) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..points.len()).collect();
    if points.len() <= SMALL.max(count) {
        return vec![all; queries.len()];
    }
    let everyone: Vec<usize> = (0..queries.len()).filter(|query| queries[*query].is_some()).collect();
    let mut found = vec![Vec::new(); queries.len()];
    look_up(&all, points, &everyone, queries, count, &mut found);
    for (positions, of_industry) in by_industry(&everyone, past, accounts) {
        look_up(&positions, points, &of_industry, queries, count, &mut found);
    }
    found.par_iter_mut().for_each(|positions| {
        positions.sort_unstable();
        positions.dedup();
    });
    found
}

/// Positions of past profiles and of queries, by industry where it is known.
fn by_industry(
    queries: &[usize],
    past: &[Past],
    accounts: &[Option<&Account>],
) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> {
    let industry = |account: AccountIx| accounts[account.at()].and_then(|account| account.industry.clone());
    let mut groups: BTreeMap<Text, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (position, past) in past.iter().enumerate() {
        industry(past.profile.account).into_iter().for_each(|name| groups.entry(name).or_default().0.push(position));
    }
    for query in queries {
        industry(AccountIx::from(*query)).into_iter().for_each(|name| groups.entry(name).or_default().1.push(*query));
    }
    groups.into_values()
}

/// Adds the `count` positions nearest to each query, through a k-d tree over the positions.
fn look_up(
    positions: &[usize],
    points: &[Numbers],
    asking: &[usize],
    queries: &[Option<Numbers>],
    count: usize,
    found: &mut [Vec<usize>],
) {
    let tree = Tree::of(positions.iter().map(|position| (points[*position], *position)).collect());
    let near = |query: &usize| queries[*query].as_ref().map(|query| tree.nearest(query, count));
    let nearest: Vec<Option<Vec<usize>>> = asking.par_iter().map(near).collect();
    asking.iter().zip(nearest).for_each(|(query, near)| found[*query].extend(near.into_iter().flatten()));
}

fn mismatch(one: &Profile, other: &Profile, accounts: &[Option<&Account>]) -> f64 {
    let (Some(a), Some(b)) = (accounts[one.account.at()], accounts[other.account.at()]) else { return 0.0 };
    let product = if one.product == other.product { 0.0 } else { OTHER_PRODUCT };
    product
        + differs(&a.industry, &b.industry) * OTHER_INDUSTRY
        + differs(&a.segment, &b.segment) * OTHER_SEGMENT
        + differs(&a.use_case, &b.use_case) * OTHER_USE_CASE
}

/// 1 for two different words, ½ where one is unknown, 0 where they agree or both are unknown.
fn differs(one: &Option<Text>, other: &Option<Text>) -> f64 {
    match (one, other) {
        (Some(one), Some(other)) => f64::from(one != other),
        (None, None) => 0.0,
        _ => 0.5,
    }
}

/// Mean and standard deviation of each number over the past profiles.
struct Scale {
    mean: Numbers,
    deviation: Numbers,
}

impl Scale {
    fn of(past: &[Past]) -> Scale {
        let mut scale = Scale { mean: [0.0; NUMBERS], deviation: [1.0; NUMBERS] };
        for n in 0..NUMBERS {
            let values: Vec<f64> = past.iter().filter_map(|past| numbers(&past.profile)[n]).collect();
            let count = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            scale.mean[n] = mean;
            scale.deviation[n] = if variance > 1e-12 { variance.sqrt() } else { 1.0 };
        }
        scale
    }

    /// Standardised and weighted; what is not known stands at the mean.
    fn place(&self, profile: &Profile) -> Numbers {
        let numbers = numbers(profile);
        std::array::from_fn(|n| numbers[n].map_or(0.0, |value| WEIGHTS[n] * (value - self.mean[n]) / self.deviation[n]))
    }
}

fn numbers(profile: &Profile) -> [Option<f64>; NUMBERS] {
    let numbers = [
        profile.employees.map(f64::ln_1p),
        Some(profile.arr.max(0.0).ln_1p()),
        profile.active_users.map(|users| users.max(0.0).ln_1p()),
        profile.level.map(|level| level.clamp(0.0, 1.5)),
        profile.tier_rank.map(|rank| rank as f64),
        Some(profile.tenure_years),
    ];
    numbers.map(|number| number.filter(|value| value.is_finite()))
}
