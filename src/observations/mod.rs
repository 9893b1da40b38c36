//! Layer 1: facts per account and day, each against the account's own baseline. Nothing here interprets.
//!
//! One file per category; each is a pure function of a [`View`] and an account. What is measured, over which windows
//! and from which table, stands in one place: [`metrics`].

mod asked;
mod change;
mod commercial;
mod external;
mod features;
mod integrations;
mod kept;
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
use crate::history::calendar::Calendar;
use crate::history::usage::Regular;
use crate::history::{self, View};
use crate::vocabulary::{AccountIx, Category, Day, ID_SEPARATOR, ProductIx, StableId, Text};

pub use asked::Asked;
pub use change::{ChangePoint, change_point};
pub use kept::Kept;
pub use metrics::{METRICS, Metric, MetricSpec};
pub use name::Name;
pub use people::is_procurement;
pub use product::unit_of;
pub use recorder::Fact;
use recorder::Recorder;

/// One measured fact: a row of the `observations` output.
///
/// A night makes some hundred of them for every account and keeps them packed ([`Kept`]); what follows from the metric or
/// from other values is worked out when asked for.
#[derive(Clone, Debug)]
pub struct Observation {
    pub account: AccountIx,
    pub observed_on: Day,
    pub value: f64,
    /// NaN where there is none.
    baseline: f64,
    /// The name, where it is not the metric's own.
    particular: Option<Text>,
    /// [`NO_PRODUCT`] where there is none.
    product: ProductIx,
    /// [`NO_DAY`] where there is none.
    since: Day,
    source_rows: u32,
    window_days: i16,
    metric: Metric,
}

/// A catalogue never holds as many products.
const NO_PRODUCT: ProductIx = ProductIx(u32::MAX);
/// No change begins at the end of time.
const NO_DAY: Day = Day::MAX;

impl Observation {
    /// `name` is the metric's own or that of one member of its family; a window has at most [`LONGEST_WINDOW`] days.
    pub fn new(
        (account, observed_on): (AccountIx, Day),
        (metric, name): (Metric, Name),
        product: Option<ProductIx>,
        window_days: i32,
        fact: Fact,
    ) -> Observation {
        Observation {
            account,
            observed_on,
            value: fact.value,
            baseline: fact.baseline.unwrap_or(f64::NAN),
            particular: match name {
                Name::Fixed(_) => None,
                Name::Particular(name) => Some(name),
            },
            product: product.unwrap_or(NO_PRODUCT),
            since: fact.since.unwrap_or(NO_DAY),
            source_rows: u32::try_from(fact.rows).unwrap_or(u32::MAX),
            window_days: window_days as i16,
            metric,
        }
    }

    #[inline]
    pub fn product(&self) -> Option<ProductIx> {
        (self.product != NO_PRODUCT).then_some(self.product)
    }

    /// What was measured, as the table of metrics has it: the members of a family share it.
    #[inline]
    pub const fn measured(&self) -> Metric {
        self.metric
    }

    pub const fn category(&self) -> Category {
        self.metric.spec().category
    }

    /// What was measured, e.g. `seats`, `tickets_opened`, `days_since_contact`.
    #[inline]
    pub fn metric(&self) -> &str {
        self.particular.as_deref().unwrap_or(self.metric.name())
    }

    /// Whether both measure the same, over whatever windows and of whatever products.
    #[inline]
    pub fn is_of_same(&self, other: &Observation) -> bool {
        self.metric == other.metric && self.particular == other.particular
    }

    /// The same as a name that outlives the observation.
    pub fn name(&self) -> Name {
        self.particular.clone().map_or(self.metric.text(), Name::Particular)
    }

    /// Length of the window that ends on the observed day; 0 for a state at that day.
    #[inline]
    pub fn window_days(&self) -> i32 {
        self.window_days.into()
    }

    /// The same measure over the window before.
    #[inline]
    pub fn baseline(&self) -> Option<f64> {
        (!self.baseline.is_nan()).then_some(self.baseline)
    }

    /// (value − baseline) / baseline; `None` without a baseline above zero.
    pub fn change(&self) -> Option<f64> {
        recorder::relative_change(self.value, self.baseline())
    }

    /// The metric's; metered usage and its trend have that of what is metered.
    pub fn unit(&self) -> &'static str {
        match self.metric {
            Metric::Usage => unit_of(self.metric()),
            Metric::UsageTrend => unit_of(self.metric().trim_start_matches(Metric::UsageTrend.name())),
            _ => self.metric.spec().unit,
        }
    }

    /// The day the change began, where a change point was found.
    pub fn since(&self) -> Option<Day> {
        (self.since != NO_DAY).then_some(self.since)
    }

    pub const fn source(&self) -> InputTable {
        self.metric.spec().source
    }

    /// Rows of the source that the value rests on.
    pub const fn source_rows(&self) -> u32 {
        self.source_rows
    }

    /// Unique within a day: account, product, category, metric and window.
    pub fn id(&self, extracts: &Extracts) -> StableId {
        self.id_in(extracts, &mut IdRoom::default())
    }

    /// The same, put together in `room`, which many ids may share.
    pub fn id_in(&self, extracts: &Extracts, IdRoom { joined, day }: &mut IdRoom) -> StableId {
        joined.clear();
        let product = self.product().map_or("", |p| &**extracts.ids.products.name(p));
        for part in [extracts.account_id(self.account), product, self.category().as_str(), self.metric()] {
            joined.push_str(part);
            joined.push(ID_SEPARATOR);
        }
        let _ = write!(joined, "{}{ID_SEPARATOR}", self.window_days);
        if day.as_ref().is_none_or(|(day, _)| *day != self.observed_on) {
            *day = Some((self.observed_on, self.observed_on.to_string()));
        }
        joined.push_str(day.as_ref().map_or("", |(_, text)| text));
        StableId::of_joined("obs", joined)
    }
}

/// Where ids are put together. A day is put in words once for all of its ids that follow one another.
#[derive(Debug, Default)]
pub struct IdRoom {
    joined: String,
    day: Option<(Day, String)>,
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
            .position(|o| o.window_days() == window_days && o.product() == product && o.metric() == metric)?;
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
    observe_among(view, account, settings, capacity, None)
}

/// Those of the observations that are asked for, in the same order; where nothing is asked, all of them.
pub fn observe_among(
    view: View,
    account: AccountIx,
    settings: &Settings,
    capacity: &capacity::Context,
    asked: Option<&Asked>,
) -> AccountObservations {
    let usage = history::usage::series(view, &capacity.calendar, account);
    let recorder = Recorder::new(view, &capacity.calendar, account, settings.windows(), asked);
    let observations = recorded(recorder, &usage);
    AccountObservations { observations, capacity: capacity::measure(view, account, capacity, &usage) }
}

/// Those of the observations that are asked for, in the same order; no capacity.
pub fn observe_asked(
    view: View,
    account: AccountIx,
    settings: &Settings,
    calendar: &Calendar,
    asked: &Asked,
) -> AccountObservations {
    let usage = history::usage::series(view, calendar, account);
    let recorder = Recorder::new(view, calendar, account, settings.windows(), Some(asked));
    AccountObservations { observations: recorded(recorder, &usage), capacity: Vec::new() }
}

fn recorded(mut recorder: Recorder, usage: &[Regular]) -> Vec<Observation> {
    let metered = metered::Metered::of(usage, recorder.job_windows());
    product::observe(&mut recorder, &metered);
    features::observe(&mut recorder);
    integrations::observe(&mut recorder);
    support::observe(&mut recorder);
    relationship::observe(&mut recorder);
    people::observe(&mut recorder);
    commercial::observe(&mut recorder, &metered);
    external::observe(&mut recorder);
    recorder.out
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
