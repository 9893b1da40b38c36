//! A sample world: every table of the contract, made from latent causes, with the truth beside it.
//!
//! What happens later really depends on what was visible earlier, because both follow from the same causes
//! (`causes`). Each account is a pure function of the seed and its number, so accounts are made side by side, chunk by
//! chunk, and memory is bounded by the chunk however many there are. `truth/` is never read by the job.
//!
//! ```text
//! profile ─▶ causes ─▶ course (use against ceilings, contracts, deals) ─▶ meters, adoption ─┐
//!              │          └────▶ people ─▶ outreach, support, commerce, news ───────────────┼─▶ noise ─▶ Parquet
//!              └── careers                                                                  └─▶ truth
//! ```

mod adoption;
mod calendar;
mod careers;
mod catalog;
mod causes;
mod chance;
mod commerce;
mod contracting;
mod course;
mod encode;
mod hazards;
mod metering;
mod names;
mod news;
mod noise;
mod outreach;
mod people;
mod phrases;
mod profile;
mod rows;
mod scribe;
mod support;
pub mod truth;

use rayon::prelude::*;

use crate::store::{self, Store};
use crate::vocabulary::Day;
use rows::Tables;
use scribe::{Leaf, Scribe};
use truth::{Latent, Planted};

words!(
    /// How much of what happens is metered: the main meters and a sample of users, or every meter and user.
    ///
    /// Both tell the same story: the rows of the lean world are all in the full one.
    Telemetry { Lean = "lean", Full = "full" }
);

words!(
    /// Whether the extracts carry the latent values exactly or as source systems would deliver them.
    Noise { Default = "default", None = "none" }
);

/// Names of the products that compete with the simulated vendor's.
pub fn competitors() -> impl Iterator<Item = &'static str> {
    catalog::PRODUCTS.iter().map(|spec| spec.competitor).filter(|name| !name.is_empty())
}

/// The last day of every world unless said otherwise; no clock decides it.
pub const LAST_DAY: &str = "2026-06-30";

/// What makes a world: equal parameters give equal bytes.
#[derive(Clone, Debug)]
pub struct Params {
    pub accounts: usize,
    /// Length of the history, at least [`SHORTEST`].
    pub days: i32,
    pub seed: u64,
    /// The world's last day.
    pub end: Day,
    pub noise: Noise,
    pub telemetry: Telemetry,
}

/// Shorter histories cannot hold a baseline of 30 days before a window of 30 days.
pub const SHORTEST: i32 = 60;
const LONGEST: i32 = 3_660;
const MOST_ACCOUNTS: usize = 1_000_000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a world needs 1 to {MOST_ACCOUNTS} accounts, not {0}")]
    Accounts(usize),
    #[error("a world needs {SHORTEST} to {LONGEST} days, not {0}")]
    Days(i32),
    #[error("{path} could not be encoded: {source}")]
    Encoding {
        path: String,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Params {
    /// Checked parameters of a lean world that ends on [`LAST_DAY`] and carries noise.
    ///
    /// ```
    /// use foothold::simulate::Params;
    /// assert_eq!(Params::new(300, 548, 1).unwrap().first().to_string(), "2024-12-30");
    /// assert!(Params::new(300, 59, 1).is_err() && Params::new(0, 365, 1).is_err());
    /// ```
    pub fn new(accounts: usize, days: i32, seed: u64) -> Result<Params, Error> {
        let end = LAST_DAY.parse().expect("a calendar day");
        Params { accounts, days, seed, end, noise: Noise::Default, telemetry: Telemetry::Lean }.checked()
    }

    /// The same parameters, or why no world can be made of them.
    pub fn checked(self) -> Result<Params, Error> {
        if !(1..=MOST_ACCOUNTS).contains(&self.accounts) {
            return Err(Error::Accounts(self.accounts));
        }
        if !(SHORTEST..=LONGEST).contains(&self.days) {
            return Err(Error::Days(self.days));
        }
        Ok(self)
    }

    /// The first day that the extracts cover.
    pub fn first(&self) -> Day {
        self.end.minus(self.days - 1)
    }
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub files: usize,
    pub bytes: u64,
    /// Rows by table, in writing order.
    pub rows: Vec<(&'static str, u64)>,
}

/// Writes the world below `store`: `{table}/part-NNNN.parquet`, usage tables by month, and `truth/`.
///
/// `progress` is told the accounts done and in all, after every chunk.
pub fn write(params: &Params, store: &Store, progress: &mut dyn FnMut(usize, usize)) -> Result<Summary, Error> {
    let params = params.clone().checked()?;
    let mut scribe = Scribe::new(store, params.telemetry);
    scribe.put("truth/world.json".into(), truth::world(&params).into_bytes())?;
    scribe.tables(vec![
        Leaf::new("products", "products.parquet".into(), encode::products),
        Leaf::new("features", "features.parquet".into(), encode::features),
    ])?;
    let chunk = params.telemetry.chunk();
    for (part, start) in (0..params.accounts).step_by(chunk).enumerate() {
        let end = (start + chunk).min(params.accounts);
        let stories: Vec<Story> = (start..end).into_par_iter().map(|account| tell(&params, account as u32)).collect();
        scribe.chunk(part, stories)?;
        progress(end, params.accounts);
    }
    Ok(scribe.summary)
}

impl Telemetry {
    /// Accounts that are alive in memory at once.
    fn chunk(self) -> usize {
        match self {
            Telemetry::Lean => 2_000,
            Telemetry::Full => 1_000,
        }
    }

    /// A committed sample should be small, a large world soon there.
    fn zstd_level(self) -> i32 {
        match self {
            Telemetry::Lean => 9,
            Telemetry::Full => 3,
        }
    }
}

/// Everything about one account, or a chunk of them.
#[derive(Default)]
struct Story {
    tables: Tables,
    planted: Vec<Planted>,
    latents: Vec<Latent>,
}

impl Story {
    fn append(&mut self, mut other: Story) {
        self.tables.append(other.tables);
        self.planted.append(&mut other.planted);
        self.latents.append(&mut other.latents);
    }
}

/// One account from its causes to its rows.
fn tell(params: &Params, account: u32) -> Story {
    let profile = profile::draw(params, account);
    let causes = causes::draw(params, &profile);
    let course = course::unfold(params, &profile, &causes);
    let people = people::unfold(params, &profile, &causes, &course);
    let meters = metering::read(params, &profile, &causes, &course);
    let support = support::unfold(params, &profile, &causes, &course, &people);
    let trail = commerce::trail(params, &profile, &causes, &course);
    let mut tables = Tables {
        accounts: vec![profile.row()],
        subscriptions: course.subscriptions.clone(),
        entitlements: course.entitlements.clone(),
        usage: Vec::new(),
        feature_usage: adoption::rows(params, &profile, &causes, &course),
        integrations: news::integrations(params, &profile, &causes, &course),
        contacts: people.people.iter().flat_map(|person| person.versions.iter().cloned()).collect(),
        activities: outreach::activities(params, &profile, &causes, &course, &people),
        conversations: support.conversations,
        tickets: support.tickets,
        surveys: outreach::surveys(params, &profile, &causes, &course, &people),
        invoices: commerce::invoices(params, &profile, &causes, &course),
        account_events: news::events(params, &profile, &causes, &course, &people),
        opportunities: trail.opportunities,
        decisions: trail.decisions,
        outcomes: trail.outcomes,
        text_labels: support.labels,
        annotations: news::annotations(params, &profile, &causes, &course),
    };
    let planted = truth::planted(params, &profile, &course, &people, &meters, &tables);
    let latents = truth::latents(&profile, &course);
    if params.noise == Noise::Default {
        noise::blur(params, account, &mut tables);
    }
    tables.usage = metering::rows(params, &profile, &meters);
    Story { tables, planted, latents }
}
