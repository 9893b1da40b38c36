//! Helpers that several test files share.
#![allow(dead_code)]

pub mod world;

pub use world::WorldBuilder;

use foothold::vocabulary::Day;

/// `day("2026-03-31")`.
pub fn day(text: &str) -> Day {
    text.parse().expect("a calendar day")
}
