//! Pairs of features as a model keeps and shows them: points by joint group, summed over the steps of `interactions`.

use serde::{Deserialize, Serialize};

use super::interactions::Step;

/// How two features' codes become one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairCodes {
    /// Places of the two features in the model.
    pub first: usize,
    pub second: usize,
    /// Group by code.
    first_groups: Vec<u8>,
    second_groups: Vec<u8>,
}

/// Points of a pair, by joint code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub first: String,
    pub second: String,
    pub codes: PairCodes,
    pub points: Vec<f64>,
    pub shares: Vec<f64>,
}

impl Pair {
    pub fn name(&self) -> String {
        format!("{} × {}", self.first, self.second)
    }
}

impl PairCodes {
    /// Number of joint groups.
    pub fn size(&self) -> usize {
        width(&self.first_groups) * width(&self.second_groups)
    }

    /// The joint group of two codes.
    pub fn code(&self, first: u8, second: u8) -> usize {
        let (a, b) = (self.first_groups[usize::from(first)], self.second_groups[usize::from(second)]);
        usize::from(a) * width(&self.second_groups) + usize::from(b)
    }

    /// Group by code of either side.
    pub fn groups(&self) -> (&[u8], &[u8]) {
        (&self.first_groups, &self.second_groups)
    }

    /// The groups that a joint group stands for.
    pub fn groups_of(&self, joint: usize) -> (usize, usize) {
        let width = width(&self.second_groups);
        (joint / width, joint % width)
    }

    /// Whether codes and groups fit together, as a file that was edited by hand may not.
    pub fn fits(&self, first_codes: usize, second_codes: usize, points: usize) -> bool {
        self.first_groups.len() == first_codes && self.second_groups.len() == second_codes && self.size() == points
    }
}

fn width(groups: &[u8]) -> usize {
    groups.iter().max().map_or(1, |group| usize::from(*group) + 1)
}

/// The pairs of these steps by place of their features, `codes` being those of the training rows and `names` the
/// features'. Points are centred over the rows; what that takes off goes to the base, which is returned beside them.
pub fn of_steps(steps: &[Step], codes: &[Vec<u8>], sizes: &[usize], names: &[String]) -> (Vec<Pair>, f64) {
    let mut places: Vec<(usize, usize)> = steps.iter().map(|step| (step.first, step.second)).collect();
    places.sort_unstable();
    places.dedup();
    let mut base = 0.0;
    let pair = |(first, second): (usize, usize)| {
        let own: Vec<&Step> = steps.iter().filter(|step| (step.first, step.second) == (first, second)).collect();
        let (firsts, first_groups) = told_apart(sizes[first], |code, step| own[step].first_inner.has(code), own.len());
        let (seconds, second_groups) =
            told_apart(sizes[second], |code, step| own[step].second_inner.has(code), own.len());
        let value = |a: &u8, b: &u8| own.iter().map(|step| step.of(*a, *b)).sum::<f64>();
        let mut points: Vec<f64> = firsts.iter().flat_map(|a| seconds.iter().map(move |b| value(a, b))).collect();
        let codes_of = PairCodes { first, second, first_groups, second_groups };
        let mut shares = vec![0.0; points.len()];
        let each = 1.0 / codes[first].len().max(1) as f64;
        codes[first].iter().zip(&codes[second]).for_each(|(a, b)| shares[codes_of.code(*a, *b)] += each);
        let centre: f64 = points.iter().zip(&shares).map(|(points, share)| points * share).sum();
        points.iter_mut().for_each(|points| *points -= centre);
        base += centre;
        Pair { first: names[first].clone(), second: names[second].clone(), codes: codes_of, points, shares }
    };
    (places.into_iter().map(pair).collect(), base)
}

/// Codes that no cut tells apart share a group: one code of each group, and the group by code.
fn told_apart(size: usize, inner: impl Fn(u8, usize) -> bool, cuts: usize) -> (Vec<u8>, Vec<u8>) {
    let sides = |code: u8| (0..cuts).map(|cut| inner(code, cut)).collect::<Vec<bool>>();
    let (mut met, mut codes, mut groups): (Vec<Vec<bool>>, Vec<u8>, Vec<u8>) = Default::default();
    for code in 0..size as u8 {
        let own = sides(code);
        let group = met.iter().position(|other| *other == own).unwrap_or_else(|| {
            met.push(own);
            codes.push(code);
            met.len() - 1
        });
        groups.push(group as u8);
    }
    (codes, groups)
}
