//! Foothold: expansion revenue intelligence as a nightly batch job.
//!
//! ```text
//!  extracts ─▶ as-of view ─▶ 1 observations ─▶ 2 signals ─▶ 3 recommendations ─▶ 4 briefings
//!   (Parquet)   (what was      (facts only)      │  health      │  gates, timing,      │
//!    contract    known by D)                     │  capacity    │  who, how much,      ▼
//!    checks                                      │  models ◀────┤  capacity        publish ─▶ tables, site
//!                                                ▼              ▼                     ▲
//!                             decisions, outcomes ─▶ learning   audit (hash chain) ───┘
//! ```

#[macro_use]
pub mod vocabulary;

pub mod statistics;

pub mod extracts;
pub mod history;

pub mod accuracy;
pub mod assessment;
pub mod audit;
pub mod briefings;
pub mod capacity;
pub mod cards;
pub mod changes;
pub mod cli;
pub mod feature_table;
pub mod health;
pub mod job;
pub mod learners;
pub mod models;
pub mod observations;
pub mod peers;
pub mod pipeline;
pub mod publish;
pub mod readiness;
pub mod recommendations;
pub mod reviews;
pub mod shards;
pub mod signals;
pub mod simulate;
pub mod stakeholders;
pub mod store;
pub mod text;
pub mod wording;
