//! The owners' queues: which primaries get a slot this week, and in which order they stand.
//!
//! A slot is taken by everything that waits for its owner's review and by everything proposed to the owner since
//! Monday, whatever became of it. What already waits keeps its slot; then save plays by value, up to their share while
//! selling plays wait; then selling plays by value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::memory::{Ending, Memory};
use super::settings::Settings;
use super::who::UNASSIGNED;
use super::{Action, Gate, Recommendation, Status, Suppression};
use crate::vocabulary::{Day, Text};
use crate::wording::{day, money};

/// What a queue must know of a recommendation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    pub id: String,
    pub owner: Text,
    pub action: Action,
    pub expected_arr: f64,
    pub expected_value: f64,
    pub created_on: Day,
}

impl Waiting {
    pub fn of(r: &Recommendation) -> Waiting {
        Waiting {
            id: r.id.clone(),
            owner: r.owner.clone(),
            action: r.action,
            expected_arr: r.expected_arr,
            expected_value: r.expected_value,
            created_on: r.created_on,
        }
    }
}

/// What a queue makes of one recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Kept { rank: u32, capacity: u32 },
    NoSlot { capacity: u32 },
    TooSmall,
}

/// What the queues make of the primaries.
#[derive(Debug, Default)]
pub struct Queued {
    pub kept: Vec<Recommendation>,
    pub suppressions: Vec<Suppression>,
}

/// Fills every owner's queue for the week of `today`: the place of each, by its id.
pub fn fill(
    waiting: impl IntoIterator<Item = Waiting>,
    memory: &Memory,
    today: Day,
    settings: &Settings,
) -> BTreeMap<String, Place> {
    let mut by_owner: BTreeMap<Text, Vec<Waiting>> = BTreeMap::new();
    for waiting in waiting {
        by_owner.entry(waiting.owner.clone()).or_default().push(waiting);
    }
    let taken = taken_since_monday(memory, today);
    let mut places = BTreeMap::new();
    for (owner, waiting) in by_owner {
        let capacity = capacity_of(&owner, settings);
        let slots = capacity.saturating_sub(taken.get(&owner).copied().unwrap_or(0));
        fill_one(waiting, capacity, slots, today, settings, &mut places);
    }
    places
}

/// Gives each primary its place.
pub fn seat(
    primaries: Vec<Recommendation>,
    places: &BTreeMap<String, Place>,
    today: Day,
    settings: &Settings,
) -> Queued {
    let mut queued = Queued::default();
    for mut primary in primaries {
        match places.get(&primary.id) {
            Some(Place::Kept { rank, capacity }) => {
                primary.rank = *rank;
                primary.gates.push((Gate::Capacity, format!("a slot of {capacity} this week")));
                primary.gates.push((Gate::LowValue, format!("{} a year", money(primary.expected_arr))));
                queued.kept.push(primary);
            }
            Some(Place::NoSlot { capacity }) => queued.suppressions.push(without_slot(&primary, *capacity, today)),
            Some(Place::TooSmall) | None => queued.suppressions.push(too_small(&primary, settings)),
        }
    }
    queued
}

fn capacity_of(owner: &str, settings: &Settings) -> u32 {
    if owner == UNASSIGNED { settings.unassigned_capacity } else { settings.weekly_capacity }
}

/// Slots used up this week by recommendations that no longer wait for review.
fn taken_since_monday(memory: &Memory, today: Day) -> BTreeMap<Text, u32> {
    let monday = today.minus(today.weekday() as i32);
    let mut taken = BTreeMap::new();
    for earlier in &memory.recommendations {
        let gone = earlier.status != Status::PendingReview && earlier.ending != Some(Ending::Withdrawn);
        if gone && earlier.content.created_on >= monday {
            *taken.entry(earlier.content.owner.clone()).or_default() += 1;
        }
    }
    taken
}

fn fill_one(
    waiting: Vec<Waiting>,
    capacity: u32,
    mut slots: u32,
    today: Day,
    settings: &Settings,
    places: &mut BTreeMap<String, Place>,
) {
    let mut kept = Vec::new();
    for candidate in in_turn(waiting, capacity, today, settings) {
        if slots == 0 {
            places.insert(candidate.id, Place::NoSlot { capacity });
        } else if is_small(candidate.expected_arr, candidate.expected_value, settings) {
            places.insert(candidate.id, Place::TooSmall);
        } else {
            slots -= 1;
            kept.push(candidate);
        }
    }
    kept.sort_by(rank_order);
    let ranked = kept.into_iter().zip(1..);
    places.extend(ranked.map(|(candidate, rank)| (candidate.id, Place::Kept { rank, capacity })));
}

/// The order in which slots are handed out. Plays below the least value come last and never keep another from a slot.
fn in_turn(waiting: Vec<Waiting>, capacity: u32, today: Day, settings: &Settings) -> Vec<Waiting> {
    let (small, worth): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|r| is_small(r.expected_arr, r.expected_value, settings));
    let (mut standing, fresh): (Vec<_>, Vec<_>) = worth.into_iter().partition(|r| r.created_on < today);
    let (mut saves, mut sells): (Vec<_>, Vec<_>) = fresh.into_iter().partition(is_save);
    for group in [&mut standing, &mut saves, &mut sells] {
        group.sort_by(rank_order);
    }
    let share = (f64::from(capacity) * settings.save_share.clamp(0.0, 1.0)).ceil() as usize;
    let quota = share.saturating_sub(standing.iter().filter(|r| is_save(r)).count());
    let later = saves.split_off(quota.min(saves.len()));
    standing.into_iter().chain(saves).chain(sells).chain(later).chain(small).collect()
}

fn is_save(waiting: &Waiting) -> bool {
    waiting.action == Action::SavePlay
}

/// Save plays first, then by falling expected value; the id settles what is equal.
pub fn rank_order(a: &Waiting, b: &Waiting) -> std::cmp::Ordering {
    let key = is_save(b).cmp(&is_save(a));
    key.then(b.expected_value.total_cmp(&a.expected_value)).then(a.id.cmp(&b.id))
}

fn without_slot(r: &Recommendation, capacity: u32, today: Day) -> Suppression {
    let monday = today.plus(7 - today.weekday() as i32);
    let evidence = format!(
        "{} has {capacity} slots this week and plays of higher value hold them; the next week begins on {}.",
        r.owner,
        day(monday)
    );
    Suppression { requalifies_on: Some(monday), ..withheld(r, Gate::Capacity, evidence) }
}

/// Too little ARR, or too little of it to be expected, for a conversation.
pub fn is_small(expected_arr: f64, expected_value: f64, settings: &Settings) -> bool {
    expected_arr < settings.min_expected_arr || expected_value < settings.min_expected_value
}

fn too_small(r: &Recommendation, settings: &Settings) -> Suppression {
    if r.expected_arr >= settings.min_expected_arr {
        let (value, least) = (money(r.expected_value), money(settings.min_expected_value));
        let evidence =
            format!("An expected value of {value} a year is below the {least} that a conversation is worth.");
        return withheld(r, Gate::LowValue, evidence);
    }
    let least = money(settings.min_expected_arr);
    withheld(
        r,
        Gate::LowValue,
        format!("{} a year is below the {least} that a conversation is worth.", money(r.expected_arr)),
    )
}

/// The suppression of a play that had already been worked out in full.
pub fn withheld(r: &Recommendation, gate: Gate, evidence: String) -> Suppression {
    Suppression {
        account: r.account,
        play: r.play,
        playbook: r.playbook.clone(),
        product: r.product,
        gate,
        evidence,
        expected_arr_withheld: r.expected_arr,
        requalifies_on: None,
    }
}
