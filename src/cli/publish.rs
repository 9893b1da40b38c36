//! `foothold publish`: the shards of a night become one published run.

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, access, as_of};
use super::run::{as_json, summarise};
use super::{Format, show};
use crate::extracts::MOST_PARTS;
use crate::job::Kind;
use crate::pipeline::sharded;

#[derive(Args)]
pub struct PublishArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Number of shards that the night was cut into
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PARTS)))]
    expect_shards: u32,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn publish(args: &PublishArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = args.job.load_kind(Kind::Nightly, "publish")?;
    let night = sharded::publish(&job, as_of(&job, terminal), args.expect_shards, &access()?, terminal)?;
    let output = job.settings.output.url.trim_end_matches('/');
    match args.format {
        Format::Json => show::json(&as_json(&night, output, terminal)),
        Format::Table => summarise(&night, output, terminal),
    }
    Ok(())
}
