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
mod support;
pub mod truth;

use bytes::Bytes;
use rayon::prelude::*;

use crate::store::{self, Store};
use crate::vocabulary::Day;
use encode::Sheet;
use rows::Tables;
use truth::{Latent, Planted};

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
    /// Checked parameters of a world that ends on [`LAST_DAY`] and carries noise.
    ///
    /// ```
    /// use foothold::simulate::Params;
    /// assert_eq!(Params::new(300, 548, 1).unwrap().first().to_string(), "2024-12-30");
    /// assert!(Params::new(300, 59, 1).is_err() && Params::new(0, 365, 1).is_err());
    /// ```
    pub fn new(accounts: usize, days: i32, seed: u64) -> Result<Params, Error> {
        let end = LAST_DAY.parse().expect("a calendar day");
        Params { accounts, days, seed, end, noise: Noise::Default }.checked()
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

/// Accounts that are alive in memory at once.
const CHUNK: usize = 2_000;

/// Writes the world below `store`: `{table}/part-NNNN.parquet`, usage tables by month, and `truth/`.
///
/// `progress` is told the accounts done and in all, after every chunk.
pub fn write(params: &Params, store: &Store, progress: &mut dyn FnMut(usize, usize)) -> Result<Summary, Error> {
    let params = params.clone().checked()?;
    let mut scribe = Scribe { store, summary: Summary::default() };
    scribe.table("products", "products.parquet".into(), encode::products())?;
    scribe.table("features", "features.parquet".into(), encode::features())?;
    scribe.put("truth/world.json".into(), truth::world(&params).into_bytes())?;
    for (part, start) in (0..params.accounts).step_by(CHUNK).enumerate() {
        let end = (start + CHUNK).min(params.accounts);
        let stories: Vec<Story> = (start..end).into_par_iter().map(|account| tell(&params, account as u32)).collect();
        let mut chunk = Story::default();
        stories.into_iter().for_each(|story| chunk.append(story));
        scribe.chunk(part, &chunk)?;
        progress(end, params.accounts);
    }
    Ok(scribe.summary)
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

struct Scribe<'a> {
    store: &'a Store,
    summary: Summary,
}

impl Scribe<'_> {
    fn put(&mut self, path: String, content: Vec<u8>) -> Result<(), Error> {
        self.summary.files += 1;
        self.summary.bytes += content.len() as u64;
        Ok(self.store.put(&path, Bytes::from(content))?)
    }

    fn table(&mut self, table: &'static str, path: String, sheet: Sheet) -> Result<(), Error> {
        let rows = sheet.rows() as u64;
        match self.summary.rows.iter_mut().find(|(name, _)| *name == table) {
            Some((_, sum)) => *sum += rows,
            None => self.summary.rows.push((table, rows)),
        }
        let content = sheet.parquet().map_err(|source| Error::Encoding { path: path.clone(), source })?;
        self.put(path, content)
    }

    fn chunk(&mut self, part: usize, chunk: &Story) -> Result<(), Error> {
        let tables = &chunk.tables;
        let sheets = [
            ("accounts", encode::accounts(&tables.accounts)),
            ("subscriptions", encode::subscriptions(&tables.subscriptions)),
            ("entitlements", encode::entitlements(&tables.entitlements)),
            ("integrations", encode::integrations(&tables.integrations)),
            ("contacts", encode::contacts(&tables.contacts)),
            ("activities", encode::activities(&tables.activities)),
            ("conversations", encode::conversations(&tables.conversations)),
            ("tickets", encode::tickets(&tables.tickets)),
            ("surveys", encode::surveys(&tables.surveys)),
            ("invoices", encode::invoices(&tables.invoices)),
            ("account_events", encode::account_events(&tables.account_events)),
            ("opportunities", encode::opportunities(&tables.opportunities)),
            ("decisions", encode::decisions(&tables.decisions)),
            ("outcomes", encode::outcomes(&tables.outcomes)),
            ("text_labels", encode::text_labels(&tables.text_labels)),
            ("annotations", encode::annotations(&tables.annotations)),
        ];
        for (table, sheet) in sheets {
            self.table(table, format!("{table}/part-{part:04}.parquet"), sheet)?;
        }
        self.months(part, "usage", &tables.usage, |row| row.day, encode::usage)?;
        self.months(part, "feature_usage", &tables.feature_usage, |row| row.day, encode::feature_usage)?;
        self.table(
            "truth/signals",
            format!("truth/signals/part-{part:04}.parquet"),
            encode::truth_signals(&chunk.planted),
        )?;
        self.table(
            "truth/latents",
            format!("truth/latents/part-{part:04}.parquet"),
            encode::truth_latents(&chunk.latents),
        )
    }

    /// One file per calendar month, rows in account order.
    fn months<T>(
        &mut self,
        part: usize,
        table: &'static str,
        rows: &[T],
        day: impl Fn(&T) -> Day,
        encode: impl Fn(&[&T]) -> Sheet,
    ) -> Result<(), Error> {
        let mut months = std::collections::BTreeMap::<String, Vec<&T>>::new();
        for row in rows {
            months.entry(day(row).date().format("%Y-%m").to_string()).or_default().push(row);
        }
        for (month, rows) in months {
            self.table(table, format!("{table}/month={month}/part-{part:04}.parquet"), encode(&rows))?;
        }
        Ok(())
    }
}
