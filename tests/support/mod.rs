//! Helpers that several test files share.
#![allow(dead_code)]

pub mod bench;
pub mod messy;
pub mod night;
pub mod parquet_world;
pub mod rewrite;
pub mod scene;
pub mod world;

pub use world::WorldBuilder;

use foothold::vocabulary::Day;

/// `day("2026-03-31")`.
pub fn day(text: &str) -> Day {
    text.parse().expect("a calendar day")
}

/// The built-in settings of one section of the defaults, as its module reads them.
pub fn default_settings<T: serde::de::DeserializeOwned>(section: &str) -> T {
    let defaults: toml::Table = include_str!("../../src/job/defaults.toml").parse().expect("the defaults are TOML");
    defaults[section].clone().try_into().unwrap_or_else(|error| panic!("[{section}]: {error}"))
}
