//! Churn, upsell and cross-sell models: point-in-time rows, a calibrated glass-box fit, and explanations that add up.
//!
//! ```text
//! view, account, facts ─ features ─▶ rows ─ outcomes ─▶ examples ─ training, judging ─▶ artifact
//!                             │                                                             │
//!                             └────────▶ tonight's rows ──── scoring ◀──── champions ◀──────┘
//! ```
//!
//! Training and scoring read the same [`features::row`]. How numbers are fitted and measured is `learners`. Nothing here
//! writes recommendations or reads a clock.

pub mod champions;
pub mod examples;
pub mod features;
pub mod judging;
pub mod outcomes;
pub mod scoring;
pub mod settings;
pub mod training;

pub use champions::promote::ModelEvaluation;
pub use scoring::explain::Driver;
pub use scoring::propensity::Propensity;
pub use scoring::score::{ChurnPoint, Population, Scored, Scorer, Tonight};
pub use settings::{DriftSettings, Settings};
