//! `foothold audit verify`: whether anybody touched what was written.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::job::{JobArgs, output};
use super::{Format, show};
use crate::audit;
use crate::publish::manifest::{self, Slot, sha256};
use crate::publish::trail::{self, Trail};
use crate::store::Store;

#[derive(Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    verb: Audit,
}

#[derive(Subcommand)]
enum Audit {
    /// Check every record's hash, the order of the chain, and the files of every run against their manifests
    Verify(VerifyArgs),
}

#[derive(Args)]
struct VerifyArgs {
    #[command(flatten)]
    job: JobArgs,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl AuditArgs {
    pub fn wants_json(&self) -> bool {
        let Audit::Verify(args) = &self.verb;
        args.format == Format::Json
    }
}

pub fn audit(args: &AuditArgs) -> Result<(), Failure> {
    let Audit::Verify(args) = &args.verb;
    let store = output(&args.job.load()?)?;
    let slots = manifest::slots(&store)?;
    let mut faults = Vec::new();
    let records = chains(&store, &slots, &mut faults)?;
    let files = files(&store, &slots, &mut faults)?;
    if !faults.is_empty() {
        let message = format!("the audit trail under {} is broken\n  {}", store.url(), faults.join("\n  "));
        return Err(Failure { problems: faults, ..Failure::unexpected(message) });
    }
    match args.format {
        Format::Json => {
            show::json(&json!({"status": "intact", "runs": slots.len(), "records": records, "files": files}));
        }
        Format::Table => show::line(&format!(
            "Intact: {records} audit records and {files} files of {} runs are what their manifests say.",
            slots.len()
        )),
    }
    Ok(())
}

/// The chain that ends with the newest run, then every run that a repeated night left beside it.
fn chains(store: &Store, slots: &[Slot], faults: &mut Vec<String>) -> Result<u64, Failure> {
    let Some(newest) = slots.last() else { return Ok(0) };
    let trail = Trail::to(store, *newest)?;
    let mut records = 0;
    let mut note = |result: Result<audit::Report, audit::Break>| match result {
        Ok(report) => records += report.records,
        Err(broken) => faults.push(broken.to_string()),
    };
    note(audit::verify_chain(&trail.segments));
    let linked: BTreeSet<&str> = trail.segments.iter().map(|segment| segment.manifest.as_str()).collect();
    for slot in slots.iter().filter(|slot| !linked.contains(slot.path().as_str())) {
        let manifest = manifest::read_path(store, &slot.path())?;
        let segment = trail::segment(store, slot.path(), &manifest)?;
        note(audit::verify(&segment.link.previous, &segment.records, &segment.link.last));
    }
    Ok(records)
}

/// Every immutable file against the hash in its manifest.
fn files(store: &Store, slots: &[Slot], faults: &mut Vec<String>) -> Result<usize, Failure> {
    let mut files = 0;
    for slot in slots {
        let manifest = manifest::read_path(store, &slot.path())?;
        for output in manifest.tables.iter().chain(&manifest.site) {
            files += 1;
            match store.get_if_exists(&output.path)? {
                None => faults.push(format!("{}: missing; {} names it", output.path, slot.path())),
                Some(content) if sha256(&content) != output.sha256 => {
                    faults.push(format!("{}: changed after it was written", output.path));
                }
                Some(_) => {}
            }
        }
    }
    Ok(files)
}
