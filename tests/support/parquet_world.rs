//! Parquet extracts made on the spot: every table from compact literals, on disk or in memory, right or broken.

use foothold::extracts::Settings;

/// The default `[extracts]` section.
pub fn settings() -> Settings {
    let defaults: toml::Table = include_str!("../../src/job/defaults.toml").parse().unwrap();
    defaults["extracts"].clone().try_into().unwrap()
}
