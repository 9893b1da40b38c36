//! `foothold accuracy`: the signals, or the models, against the truth of simulated worlds.

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::show;
use crate::accuracy;
use crate::job;
use crate::simulate::{Noise, Params};

#[derive(Args)]
pub struct AccuracyArgs {
    /// Accounts of each world
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    accounts: usize,
    /// Length of their history
    #[arg(long, value_name = "D", default_value_t = 548)]
    days: i32,
    /// One world per seed, made without and with noise
    #[arg(long, value_name = "S,…", value_delimiter = ',', default_values_t = [1, 2, 3])]
    seeds: Vec<u64>,
    /// Judge the models instead, against the probabilities that the worlds were drawn from; needs two years or more
    #[arg(long)]
    models: bool,
}

pub fn accuracy(args: &AccuracyArgs, terminal: &Terminal) -> Result<(), Failure> {
    let worlds: Result<Vec<Params>, _> =
        args.seeds.iter().map(|seed| Params::new(args.accounts, args.days, *seed)).collect();
    let worlds = worlds?;
    if args.models {
        return models(&worlds, terminal);
    }
    let measure = |noise: Noise| {
        let noisy: Vec<Params> = worlds.iter().map(|world| Params { noise, ..world.clone() }).collect();
        accuracy::measure(&noisy, job::built_in(), &mut |done| {
            terminal.progress(&format!("{done} of {} worlds, noise {noise}", worlds.len()));
        })
    };
    let (exact, noisy) = (measure(Noise::None)?, measure(Noise::Default)?);
    show::line(accuracy::markdown(&worlds, &exact, &noisy).trim_end());
    Ok(())
}

fn models(worlds: &[Params], terminal: &Terminal) -> Result<(), Failure> {
    let judged = accuracy::propensity::measure(worlds, job::built_in(), &mut |done| {
        terminal.progress(&format!("{done} of {} worlds", worlds.len()));
    })?;
    show::line(judged.markdown(worlds).trim_end());
    Ok(())
}
