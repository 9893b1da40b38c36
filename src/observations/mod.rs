//! Layer 1: facts per account and day, each against the account's own baseline. Nothing here interprets.
//!
//! One file per category; each is a pure function of a [`View`] and an account. What is measured, over which windows
//! and from which table, stands in one place: [`metrics`].

mod change;
mod commercial;
mod external;
mod features;
mod metered;
pub mod metrics;
mod name;
mod people;
mod product;
mod recorder;
mod relationship;
mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::capacity::{self, Capacity};
use crate::extracts::{Extracts, InputTable};
use crate::history::{self, View};
use crate::vocabulary::{AccountIx, Category, Day, ID_SEPARATOR, ProductIx, StableId};

pub use change::{ChangePoint, change_point};
pub use metrics::{METRICS, Metric, MetricSpec};
pub use name::Name;
pub use people::is_procurement;
pub use product::unit_of;

/// One measured fact: a row of the `observations` output.
#[derive(Clone, Debug)]
pub struct Observation {
    pub account: AccountIx,
    pub product: Option<ProductIx>,
    pub category: Category,
    /// What was measured, e.g. `seats`, `tickets_opened`, `days_since_contact`.
    pub metric: Name,
    /// Length of the window that ends on the observed day; 0 for a state at that day.
    pub window_days: i32,
    pub value: f64,
    /// The same measure over the window before.
    pub baseline: Option<f64>,
    /// (value − baseline) / baseline; `None` without a baseline above zero.
    pub change: Option<f64>,
    pub unit: &'static str,
    pub observed_on: Day,
    /// The day the change began, where a change point was found.
    pub since: Option<Day>,
    pub source: InputTable,
    /// Rows of the source that the value rests on.
    pub source_rows: u64,
}

impl Observation {
    /// Unique within a day: account, product, category, metric and window.
    pub fn id(&self, extracts: &Extracts) -> StableId {
        self.id_in(extracts, &mut String::new())
    }

    /// The same, put together in `joined`, which many ids may share.
    pub fn id_in(&self, extracts: &Extracts, joined: &mut String) -> StableId {
        joined.clear();
        let product = self.product.map_or("", |p| &**extracts.ids.products.name(p));
        for part in [extracts.account_id(self.account), product, self.category.as_str(), &self.metric] {
            joined.push_str(part);
            joined.push(ID_SEPARATOR);
        }
        let _ = write!(joined, "{}{ID_SEPARATOR}{}", self.window_days, self.observed_on);
        StableId::of_joined("obs", joined)
    }
}

/// What layer 1 hands on for one account: observations in a fixed order, and capacity against each ceiling.
#[derive(Clone, Debug, Default)]
pub struct AccountObservations {
    pub observations: Vec<Observation>,
    pub capacity: Vec<Capacity>,
}

impl AccountObservations {
    /// Position and observation of a metric, product and window.
    pub fn find(&self, metric: &str, product: Option<ProductIx>, window_days: i32) -> Option<(u32, &Observation)> {
        let position = self
            .observations
            .iter()
            .position(|o| o.window_days == window_days && o.product == product && &*o.metric == metric)?;
        Some((position as u32, &self.observations[position]))
    }
}

/// Observes one account on the view's day: every category, and capacity against each ceiling.
pub fn observe(
    view: View,
    account: AccountIx,
    settings: &Settings,
    capacity: &capacity::Context,
) -> AccountObservations {
    let usage = history::usage::series(view, &capacity.calendar, account);
    let mut recorder = recorder::Recorder::new(view, &capacity.calendar, account);
    let metered = metered::Metered::of(&usage, settings.windows());
    product::observe(&mut recorder, &metered);
    features::observe(&mut recorder);
    support::observe(&mut recorder, settings);
    relationship::observe(&mut recorder, settings);
    people::observe(&mut recorder);
    commercial::observe(&mut recorder, &metered);
    external::observe(&mut recorder);
    let mut observations = recorder.out;
    // A night keeps those of every account.
    observations.shrink_to_fit();
    AccountObservations { observations, capacity: capacity::measure(view, account, capacity, &usage) }
}

/// Windows that signals and health ask for; a job may add to them.
pub const NEEDED_WINDOWS: [i32; 5] = [7, 30, 60, 90, 180];
/// No window may be longer: usage is looked back on for two of them.
pub const LONGEST_WINDOW: i32 = 365;

/// `[observations]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Window lengths in days, 1 … 365; 7, 30, 60, 90 and 180 are always observed.
    pub windows: Vec<i32>,
}

impl Settings {
    /// The job's windows and the needed ones, shortest first.
    pub fn windows(&self) -> Vec<i32> {
        let valid = self.windows.iter().copied().filter(|days| (1..=LONGEST_WINDOW).contains(days));
        let all: BTreeSet<i32> = valid.chain(NEEDED_WINDOWS).collect();
        all.into_iter().collect()
    }

    /// What is wrong with the settings, in words.
    pub fn problems(&self) -> Vec<String> {
        let wrong = self.windows.iter().filter(|days| !(1..=LONGEST_WINDOW).contains(*days));
        wrong.map(|days| format!("observations.windows: {days} is not between 1 and {LONGEST_WINDOW} days")).collect()
    }
}
