//! The usage layer alone, as `scripts/bench` times it: a world's usage through the contract, then every window.
//!
//! ```text
//! cargo bench --bench usage_windows -- WORLD [AS_OF] [CSV]
//! ```
//!
//! Loads `usage` (and the tables that its rows refer to) with every check of the contract, and computes sum, maximum,
//! mean, trend and last day of each (account, product, metric) over the windows of a job. Prints series and checksums
//! as JSON; with CSV it writes the windows too, so that another engine's can be held against them.

use std::fmt::Write as _;
use std::path::Path;

use foothold::extracts::{self, Extracts, InputTable, Settings};
use foothold::store::Access;
use foothold::vocabulary::{AccountIx, Day};
use rayon::prelude::*;

const WINDOWS: [usize; 6] = [7, 30, 60, 90, 180, 365];

/// What one window of one series comes to; the trend is the least-squares slope per day.
#[derive(Clone, Copy, Default)]
struct Window {
    rows: u32,
    sum: f64,
    max: f64,
    mean: f64,
    trend: f64,
}

struct Answer {
    account: AccountIx,
    series: usize,
    last: Day,
    windows: [Window; WINDOWS.len()],
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let Some(world) = args.next() else {
        println!("usage_windows measures a world that scripts/bench makes; give its folder to run it alone");
        return;
    };
    let as_of: Day = args.next().map_or(Ok(Day::ymd(2026, 6, 30)), |day| day.parse()).expect("a day as YYYY-MM-DD");
    let extracts = load(Path::new(&world), as_of);
    let accounts: Vec<AccountIx> = extracts.account_indices().collect();
    let answers: Vec<Answer> =
        accounts.par_iter().flat_map_iter(|account| answers(&extracts, *account, as_of)).collect();
    println!("{}", checksums(&answers));
    if let Some(path) = args.next() {
        std::fs::write(path, csv(&extracts, &answers)).expect("the file can be written");
    }
}

/// Only usage and what its rows refer to; the other tables count as not delivered.
fn load(world: &Path, as_of: Day) -> Extracts {
    let mut settings = defaults();
    let nothing = tempfile::tempdir().expect("a temporary folder");
    settings.url = nothing.path().display().to_string();
    for table in [InputTable::Accounts, InputTable::Products, InputTable::Subscriptions, InputTable::Usage] {
        let single = world.join(format!("{}.parquet", table.as_str()));
        let place = if single.exists() { single } else { world.join(table.as_str()) };
        settings.tables.insert(table, place.display().to_string());
    }
    extracts::load(&settings, &Access::local("/"), as_of, &|_| {}).expect("the world fits the contract")
}

#[derive(serde::Deserialize)]
struct Defaults {
    extracts: Settings,
}

fn defaults() -> Settings {
    let defaults: Defaults =
        toml::from_str(include_str!("../src/job/defaults.toml")).expect("the defaults are well-formed");
    defaults.extracts
}

fn answers(extracts: &Extracts, account: AccountIx, as_of: Day) -> Vec<Answer> {
    let series = extracts.usage.of(account).iter().enumerate();
    series
        .filter_map(|(place, series)| {
            let cells = extracts.usage.known(series, as_of);
            let last = cells.iter().rposition(|value| !value.is_nan())?;
            let reach = as_of.since(series.start) as usize + 1
                - WINDOWS[WINDOWS.len() - 1].min(as_of.since(series.start) as usize + 1);
            (last >= reach).then(|| Answer {
                account,
                series: place,
                last: series.start.plus(last as i32),
                windows: windows(&cells, as_of.since(series.start)),
            })
        })
        .collect()
}

/// All windows in one walk back from the as-of day, whose place among the cells is `today`.
fn windows(cells: &[f64], today: i32) -> [Window; WINDOWS.len()] {
    let (mut n, mut sum, mut max) = (0u32, 0.0, f64::NEG_INFINITY);
    let (mut t, mut tt, mut ty) = (0.0, 0.0, 0.0);
    let mut age = 0;
    WINDOWS.map(|days| {
        while age < days {
            let value = usize::try_from(today - age as i32).ok().and_then(|at| cells.get(at)).copied();
            if let Some(value) = value.filter(|value| !value.is_nan()) {
                let x = -(age as f64);
                (n, sum, max) = (n + 1, sum + value, f64::max(max, value));
                (t, tt, ty) = (t + x, tt + x * x, ty + x * value);
            }
            age += 1;
        }
        let (count, mean) = (f64::from(n), sum / f64::from(n));
        let trend = (count * ty - t * sum) / (count * tt - t * t);
        Window { rows: n, sum, max, mean, trend }
    })
}

fn checksums(answers: &[Answer]) -> serde_json::Value {
    let total = |of: &dyn Fn(&Window) -> f64, at: usize| -> f64 {
        answers.iter().map(|answer| of(&answer.windows[at])).filter(|value| value.is_finite()).sum()
    };
    let mut told = serde_json::json!({"series": answers.len(), "last_day": answers.iter().map(|a| a.last).max()});
    for (at, days) in WINDOWS.iter().enumerate() {
        told[format!("n_{days}")] = total(&|w| f64::from(w.rows), at).into();
        told[format!("sum_{days}")] = total(&|w| w.sum, at).into();
        told[format!("max_{days}")] = total(&|w| w.max, at).into();
        told[format!("mean_{days}")] = total(&|w| w.mean, at).into();
        told[format!("trend_{days}")] = total(&|w| w.trend, at).into();
    }
    told
}

fn csv(extracts: &Extracts, answers: &[Answer]) -> String {
    let mut text = String::from("account_id,product_id,metric,last_day");
    WINDOWS.iter().for_each(|d| text.push_str(&format!(",n_{d},sum_{d},max_{d},mean_{d},trend_{d}")));
    text.push('\n');
    for answer in answers {
        let series = &extracts.usage.of(answer.account)[answer.series];
        let (account, product) = (extracts.account_id(answer.account), extracts.ids.products.name(series.product));
        let _ = write!(text, "{account},{product},{},{}", extracts.metric(series.metric), answer.last);
        for window in &answer.windows {
            let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
            let empty = window.rows == 0;
            let of_rows = |value: f64| if empty { String::new() } else { number(value) };
            let _ = write!(text, ",{},{}", window.rows, of_rows(window.sum));
            let _ = write!(text, ",{},{},{}", of_rows(window.max), of_rows(window.mean), of_rows(window.trend));
        }
        text.push('\n');
    }
    text
}
