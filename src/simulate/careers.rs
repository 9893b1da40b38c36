//! What happens to the people who matter, independent of everything the vendor does.
//!
//! Drawn from a stream of their own, so that the account which a champion moves to can look up who is coming.

use super::Params;
use super::chance::{Chance, Purpose};
use super::profile::{Profile, Segment};
use crate::vocabulary::Day;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    ChampionLeft,
    ChampionPromoted,
    /// To another business unit or region of the same account.
    ChampionMoved,
    /// To the neighbouring account of the pair.
    ChampionMovedAway,
    ExecutiveJoined,
    ExecutiveLeft,
    /// A department that never used the product takes it up.
    NewDepartment,
    ProcurementAppeared,
    Hire,
}

#[derive(Clone, Copy, Debug)]
pub struct Career {
    pub day: Day,
    pub step: Step,
}

/// Steps per year, by how often they befall an account.
const RATES: [(Step, f64); 7] = [
    (Step::ChampionLeft, 0.09),
    (Step::ChampionPromoted, 0.11),
    (Step::ChampionMoved, 0.04),
    (Step::ChampionMovedAway, 0.025),
    (Step::ExecutiveJoined, 0.13),
    (Step::ExecutiveLeft, 0.09),
    (Step::Hire, 0.9),
];

/// The account that a champion who leaves this one for another customer goes to.
pub fn neighbour(account: u32, accounts: usize) -> Option<u32> {
    Some(account ^ 1).filter(|&other| (other as usize) < accounts)
}

/// The steps of one account in day order.
pub fn draw(params: &Params, profile: &Profile) -> Vec<Career> {
    let mut chance = Chance::of(params.seed, profile.account, Purpose::Careers);
    let from = params.first().minus(120).max(profile.since.plus(40));
    let mut careers = Vec::new();
    for (step, per_year) in RATES {
        let possible = match step {
            Step::ChampionMoved => profile.segment != Segment::Smb,
            Step::ChampionMovedAway => neighbour(profile.account, params.accounts).is_some(),
            _ => true,
        };
        let days = chance.arrivals(per_year, from, params.end);
        careers.extend(days.into_iter().filter(|_| possible).map(|day| Career { day, step }));
    }
    careers.sort_by_key(|career| (career.day, career.step as u8));
    careers
}
