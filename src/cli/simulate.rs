//! `foothold simulate`: a sample world with its truth beside it.

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::job::access;
use super::show;
use crate::simulate::{self, LAST_DAY, Noise, Params, Telemetry};
use crate::store::Store;
use crate::vocabulary::Day;
use crate::wording;

#[derive(Args)]
pub struct SimulateArgs {
    #[arg(long, value_name = "N", default_value_t = 300)]
    accounts: usize,
    /// Length of the history
    #[arg(long, value_name = "D", default_value_t = 548)]
    days: i32,
    /// Equal seeds make equal worlds
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder or bucket that receives the extracts and, under truth/, what is really so
    #[arg(long, value_name = "URL")]
    out: String,
    /// The world's last day
    #[arg(long, value_name = "YYYY-MM-DD", default_value = LAST_DAY)]
    end: Day,
    /// default: as source systems deliver it; none: exact
    #[arg(long, value_parser = noise, default_value = "default")]
    noise: Noise,
    /// lean: the main meters and a sample of users; full: every meter and user, some four times the rows
    #[arg(long, value_parser = telemetry, default_value = "lean")]
    telemetry: Telemetry,
}

fn noise(word: &str) -> Result<Noise, String> {
    Noise::parse(word).ok_or_else(|| "noise is default or none".to_owned())
}

fn telemetry(word: &str) -> Result<Telemetry, String> {
    Telemetry::parse(word).ok_or_else(|| "telemetry is lean or full".to_owned())
}

pub fn simulate(args: &SimulateArgs, terminal: &Terminal) -> Result<(), Failure> {
    let SimulateArgs { accounts, days, seed, end, noise, telemetry, .. } = *args;
    let params = Params { accounts, days, seed, end, noise, telemetry };
    let store = Store::open(&args.out, &access()?)?;
    let told = simulate::write(&params, &store, &mut |done, all| {
        terminal.progress(&format!("{done} of {all} accounts"));
    })?;
    let rows = told.rows.iter().map(|(table, rows)| vec![(*table).to_owned(), wording::count(*rows as f64)]);
    show::table(&["table", "rows"], &["rows"], rows.collect());
    show::line(&format!("\n{} files, {}, under {}", told.files, show::bytes(told.bytes), args.out));
    Ok(())
}
