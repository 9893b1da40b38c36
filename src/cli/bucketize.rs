//! `foothold bucketize`: extracts cut into buckets by account, for runs on several machines.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, access};
use super::{Format, show};
use crate::extracts::{self, Bucketized};
use crate::pipeline::Stages;
use crate::store::Store;
use crate::wording;

#[derive(Args)]
pub struct BucketizeArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Number of buckets: one per shard
    #[arg(long, value_name = "N")]
    buckets: u32,
    /// Folder or bucket prefix that receives them; what stands there and did not change is kept
    #[arg(long, value_name = "URL")]
    into: String,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn bucketize(args: &BucketizeArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = args.job.load()?;
    let access = access()?;
    let into = Store::open(&args.into, &access)?;
    let mut stages = Stages::new(terminal);
    let cut = || extracts::bucketize(&job.settings.extracts, &access, &into, args.buckets, &|_| {});
    let told = stages.run("bucketize", cut)?;
    match args.format {
        Format::Json => show::json(&as_json(&told, &args.into)),
        Format::Table => report(&told, args),
    }
    Ok(())
}

fn as_json(told: &Bucketized, into: &str) -> serde_json::Value {
    json!({
        "status": "bucketized", "into": into, "buckets": told.buckets, "files_cut": told.cut, "files_kept": told.kept,
        "rows": told.rows,
    })
}

fn report(told: &Bucketized, args: &BucketizeArgs) {
    let rows = told.rows.iter().map(|(table, rows)| vec![table.to_string(), wording::count(*rows as f64)]);
    show::table(&["table", "rows"], &["rows"], rows.collect());
    let (n, into, job) = (told.buckets, &args.into, args.job.job.display());
    show::line(&format!(
        "\n{} files cut into {n} buckets under {into}, {} unchanged.\n\
         Next: foothold run {job} --extracts {into} --shard 1/{n} … {n}/{n}, then foothold publish {job} --expect-shards {n}",
        told.cut, told.kept
    ));
}
