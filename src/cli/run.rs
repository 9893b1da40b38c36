//! `foothold run`: the night, or a range of nights, and its closing summary.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, access, as_of};
use super::{Format, show};
use crate::extracts::Part;
use crate::job::{Job, Kind};
use crate::pipeline::Host;
use crate::pipeline::nightly;
use crate::pipeline::sharded;
use crate::pipeline::summary::Night;
use crate::vocabulary::Day;
use crate::wording;

#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    job: JobArgs,
    /// First day of a range of nights, each as if it had run that night
    #[arg(long, value_name = "YYYY-MM-DD", requires = "to", conflicts_with = "as_of")]
    from: Option<Day>,
    /// Last day of the range
    #[arg(long, value_name = "YYYY-MM-DD", requires = "from")]
    to: Option<Day>,
    /// Run one shard of the accounts only; `foothold publish` makes one run of all
    #[arg(long, value_name = "I/N", conflicts_with = "from")]
    shard: Option<Part>,
    /// Let a shard wait this long for the others before it ends with exit code 4
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "shard")]
    wait: u64,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Threads that work side by side; results do not depend on it
    #[arg(long, value_name = "N", env = "FOOTHOLD_THREADS")]
    threads: Option<usize>,
}

pub fn run(args: &RunArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = args.job.load_kind(Kind::Nightly, "run")?;
    limit_threads(args.threads)?;
    if let Some(part) = args.shard {
        return run_shard(args, &job, part, terminal);
    }
    let days = days(args, &job, terminal)?;
    let (access, output) = (access()?, job.settings.output.url.trim_end_matches('/'));
    let mut nights = Vec::new();
    for day in days {
        let night = nightly::run(&job, day, &access, terminal)?;
        match args.format {
            Format::Json => nights.push(as_json(&night, output, terminal)),
            Format::Table => summarise(&night, output, terminal),
        }
    }
    match nights.as_slice() {
        [] => {}
        [night] => show::json(night),
        _ => show::json(&json!({"status": "published", "nights": nights})),
    }
    Ok(())
}

fn run_shard(args: &RunArgs, job: &Job, part: Part, terminal: &Terminal) -> Result<(), Failure> {
    let day = as_of(job, terminal);
    let shard = sharded::run(job, day, part, args.wait, &access()?, terminal)?;
    let rows: u64 = shard.files.iter().filter_map(|file| file.rows).sum();
    match args.format {
        Format::Json => show::json(&json!({
            "status": "shard done", "shard": part.to_string(), "as_of": day, "rows": rows,
            "folder": shard.identity.folder(), "peak_memory_bytes": shard.peak_memory_bytes,
        })),
        Format::Table => show::line(&format!(
            "Shard {part} of {day} is done: {rows} rows under {}/{}.\n\
             When all are: foothold publish {} --as-of {day} --expect-shards {}",
            job.settings.output.url.trim_end_matches('/'),
            shard.identity.folder(),
            args.job.job.display(),
            part.of()
        )),
    }
    Ok(())
}

fn limit_threads(threads: Option<usize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    if threads == 0 {
        return Err(Failure::usage("--threads must be 1 or more"));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    pool.map_err(|e| Failure::unexpected(format!("{threads} threads cannot be started: {e}")))
}

fn days(args: &RunArgs, job: &Job, terminal: &Terminal) -> Result<Vec<Day>, Failure> {
    let (Some(from), Some(to)) = (args.from, args.to) else { return Ok(vec![as_of(job, terminal)]) };
    if from > to {
        return Err(Failure::usage(format!("--from {from} lies after --to {to}")));
    }
    Ok((from.0..=to.0).map(Day).collect())
}

pub(super) fn as_json(night: &Night, output: &str, terminal: &Terminal) -> serde_json::Value {
    let signals: serde_json::Map<String, serde_json::Value> =
        night.unavailable.signals.iter().map(|(signal, tables)| (signal.to_string(), json!(tables))).collect();
    let top: Vec<serde_json::Value> = night
        .top
        .iter()
        .map(|p| {
            json!({
                "recommendation_id": p.recommendation_id, "account": p.account, "play": p.play, "action": p.action,
                "headline": p.headline, "expected_value": p.expected_value, "owner": p.owner, "rank": p.rank,
                "contact_by": p.contact_by,
            })
        })
        .collect();
    let withheld: serde_json::Map<String, serde_json::Value> = night
        .withheld
        .iter()
        .map(|(gate, count, arr)| ((*gate).to_owned(), json!({"candidates": count, "expected_arr": arr})))
        .collect();
    json!({
        "status": "published",
        "run_id": night.run_id,
        "as_of": night.as_of,
        "output": output,
        "manifest": night.manifest,
        "site": night.site,
        "tables": night.tables,
        "rejected": night.rejected.iter().map(|(t, n)| (t.as_str(), *n)).collect::<std::collections::BTreeMap<_, _>>(),
        "unavailable": {"tables": night.unavailable.tables, "signals": signals},
        "warnings": night.warnings,
        "top": top,
        "withheld": withheld,
        "seconds": total_seconds(night),
        "seconds_by_stage": night.seconds.iter().map(|(s, t)| (*s, *t)).collect::<std::collections::BTreeMap<_, _>>(),
        "peak_memory_bytes": terminal.peak_memory_bytes(),
    })
}

fn total_seconds(night: &Night) -> f64 {
    night.seconds.iter().map(|(_, seconds)| seconds).sum()
}

/// What a person wants to know when the night is over.
pub(super) fn summarise(night: &Night, output: &str, terminal: &Terminal) {
    let proposed = night.tables.get("recommendations").copied().unwrap_or(0);
    show::line(&format!(
        "Foothold as of {}: {} accounts, {proposed} recommendations, run {}\n",
        night.as_of, night.accounts, night.run_id
    ));
    recommendations(night);
    withheld(night);
    missing(night);
    for (table, count) in &night.rejected {
        show::line(&format!("Rejected: {count} rows of {table}; see the rejected_rows table."));
    }
    for warning in &night.warnings {
        show::line(&format!("Note: {warning}"));
    }
    show::line(&format!(
        "\nTables     {output}/tables/   (views: {output}/meta/views.sql, columns: {output}/meta/data_dictionary.md)\n\
         Briefings  {output}/{}/index.html\nManifest   {output}/{}\nTook       {:.1} s{}",
        night.site,
        night.manifest,
        total_seconds(night),
        terminal.peak_memory_bytes().map_or_else(String::new, |peak| format!(", {} at most", show::bytes(peak))),
    ));
}

fn recommendations(night: &Night) {
    if night.top.is_empty() {
        show::line("No recommendation tonight.");
        return;
    }
    let rows = night.top.iter().enumerate().map(|(place, p)| {
        let what = format!("{} — {}", p.action, p.headline);
        vec![
            (place + 1).to_string(),
            p.account.clone(),
            what,
            wording::count(p.expected_value),
            p.owner.clone(),
            p.contact_by.to_string(),
        ]
    });
    let header = ["#", "account", "action", "expected value", "owner", "contact by"];
    show::table(&header, &["#", "expected value"], rows.collect());
}

fn withheld(night: &Night) {
    if night.withheld.is_empty() {
        return;
    }
    let rows = night
        .withheld
        .iter()
        .map(|(gate, count, arr)| vec![(*gate).to_owned(), count.to_string(), wording::count(*arr)]);
    show::line("\nWithheld, by the first gate that was closed (evidence in the suppressions table):");
    show::table(&["gate", "candidates", "expected ARR"], &["candidates", "expected ARR"], rows.collect());
}

fn missing(night: &Night) {
    if night.unavailable.signals.is_empty() {
        return;
    }
    let tables: Vec<&str> = night.unavailable.tables.iter().map(|table| table.as_str()).collect();
    let signals: Vec<&str> = night.unavailable.signals.iter().map(|(signal, _)| &**signal).collect();
    show::line("");
    show::paragraph(&format!("Not delivered: {}.", tables.join(", ")));
    show::paragraph(&format!("Unavailable for want of them, {} signals: {}.", signals.len(), signals.join(", ")));
}
