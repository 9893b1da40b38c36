//! The commit: immutable run files, then one create-only manifest, then what BI reads.
//!
//! A reader never sees half a day: until the manifest stands, nothing of the run is visible; afterwards each table is
//! replaced by one copy within the store (a link on a file system). A crash in between is repaired by whoever runs next, because the manifest says what should
//! stand where.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;

use super::checks::{Checked, Failure, Sealed};
use super::claim::Claim;
use super::dictionary;
use super::manifest::{self, Input, Manifest, Output, Slot, sha256};
use super::pieces::Body;
use super::schema::TableSpec;
use super::{Error, parquet, tables};
use crate::audit::Link;
use crate::store::{Created, Store};
use crate::vocabulary::{Day, Moment};

/// A page of the day's site: path under `site/dt=…/` and content.
pub type Page = (String, Arc<str>);

/// What goes into the manifest beside the files.
pub struct About {
    pub job: String,
    pub job_hash: String,
    pub started_at: Moment,
    pub finished_at: Moment,
    pub inputs: Vec<Input>,
    pub audit: Link,
}

/// Writes the run's files, as far as they were not sent while they were checked, and commits them. Nothing is visible to
/// BI before [`expose`].
pub fn commit(store: &Store, claim: &Claim, tables: Checked, site: Vec<Page>, about: About) -> Result<Manifest, Error> {
    let tables = tables.into_tables().into_iter().map(|Sealed { spec, rows, file }| {
        let (name, path) = (spec.name().to_owned(), claim.table(spec.name()));
        (Output { name, path, rows: Some(rows), bytes: file.bytes, sha256: file.sha256 }, file.body)
    });
    let site = site.into_par_iter().map(|(page, content)| {
        let content = Bytes::from_owner(Arc::<[u8]>::from(content));
        let (bytes, sha256, path) = (content.len() as u64, sha256(&content), claim.file(&format!("site/{page}")));
        (Output { name: page, path, rows: None, bytes, sha256 }, Body::Held(vec![content]))
    });
    let manifest = Manifest {
        run_id: claim.run_id.clone(),
        as_of: claim.slot.as_of,
        job: about.job,
        job_hash: about.job_hash,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: about.started_at,
        finished_at: about.finished_at,
        inputs_hash: manifest::inputs_hash(&about.inputs),
        inputs: about.inputs,
        tables: write_once(store, tables.collect())?,
        site: write_once(store, site.collect())?,
        audit: about.audit,
        predecessor: predecessor(claim.slot),
    };
    match manifest.create(store, claim.slot)? {
        Created::Yes => Ok(manifest),
        Created::Taken => Err(Error::RaceLost { path: claim.slot.path() }),
    }
}

fn predecessor(slot: Slot) -> Option<String> {
    (slot.number > 1).then(|| Slot { number: slot.number - 1, ..slot }.path())
}

/// Run files are immutable: one that stands already belongs to another run.
fn write_once(store: &Store, files: Vec<(Output, Body)>) -> Result<Vec<Output>, Error> {
    let (mut outputs, mut held, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for (output, body) in files {
        let path = output.path.clone();
        match body {
            Body::Held(pieces) => held.push((path, pieces)),
            Body::Sent(upload) => sent.push((path, upload)),
        }
        outputs.push(output);
    }
    if let Some(path) = store.create_all(held)? {
        return Err(Error::RaceLost { path });
    }
    for (path, upload) in sent {
        if upload.finish()? == Created::Taken {
            return Err(Error::RaceLost { path });
        }
    }
    Ok(outputs)
}

/// Shows the newest run of a day to BI: one write per table, the site, and a mark that all of it stands.
///
/// Looks again afterwards: when another run committed meanwhile, its tables are put in turn, so that whoever ends last
/// leaves the newest run standing.
pub fn expose(store: &Store, as_of: Day) -> Result<(), Error> {
    expose_trusting(store, as_of, None)
}

/// Shows the run that this process has just written. Its files need no second look.
pub fn show(store: &Store, manifest: &Manifest) -> Result<(), Error> {
    expose_trusting(store, manifest.as_of, Some(&manifest.run_id))
}

fn expose_trusting(store: &Store, as_of: Day, trusted: Option<&str>) -> Result<(), Error> {
    while let Some(slot) = manifest::newest(store, as_of)? {
        if store.head(&mark(slot))?.is_some() {
            return Ok(());
        }
        let manifest = manifest::read_path(store, &slot.path())?;
        if trusted != Some(&manifest.run_id) {
            manifest.tables.iter().chain(&manifest.site).try_for_each(|output| unaltered(store, output))?;
        }
        let tables = manifest.tables.iter().map(|o| (&o.path, format!("tables/{0}/dt={as_of}/{0}.parquet", o.name)));
        let site = manifest.site.iter().map(|o| (&o.path, format!("site/dt={as_of}/{}", o.name)));
        store.copy_all(tables.chain(site).map(|(from, to)| (from.clone(), to)).collect())?;
        if manifest::newest(store, as_of)? == Some(slot) {
            store.put(&mark(slot), manifest.run_id)?;
        }
    }
    Ok(())
}

/// Whether an immutable object still is what the manifest says.
fn unaltered(store: &Store, output: &Output) -> Result<(), Error> {
    let content = store.get(&output.path)?;
    if sha256(&content) == output.sha256 { Ok(()) } else { Err(Error::Altered { path: output.path.clone() }) }
}

fn mark(slot: Slot) -> String {
    format!("meta/exposed/{}/{:06}", slot.as_of, slot.number)
}

/// Finishes what earlier runs committed but did not live to show; returns the days that were repaired.
pub fn repair(store: &Store) -> Result<Vec<Day>, Error> {
    let exposed: BTreeSet<String> = store.list("meta/exposed")?.into_iter().map(|object| object.path).collect();
    let slots = manifest::slots(store)?;
    let newest =
        slots.iter().enumerate().filter(|(n, slot)| slots.get(n + 1).is_none_or(|next| next.as_of != slot.as_of));
    let unfinished: Vec<Day> =
        newest.filter(|(_, slot)| !exposed.contains(&mark(**slot))).map(|(_, slot)| slot.as_of).collect();
    for day in &unfinished {
        expose(store, *day)?;
    }
    Ok(unfinished)
}

/// Writes what describes the tables: SQL views and the data dictionary.
pub fn describe(store: &Store, specs: &[TableSpec]) -> Result<(), Error> {
    store.put("meta/views.sql", dictionary::views_sql(specs, store.url()))?;
    store.put("meta/data_dictionary.md", dictionary::markdown(specs))?;
    store.put("meta/data_dictionary.parquet", dictionary::parquet(specs))?;
    Ok(())
}

/// Leaves the rows that failed their checks beside the run that did not happen.
pub fn write_evidence(store: &Store, claim: &Claim, failures: &[Failure]) -> Result<String, Error> {
    let specs = tables::specs();
    let folder = claim.file("failed");
    let lines: Vec<serde_json::Value> = failures
        .iter()
        .map(|f| {
            serde_json::json!({"table": f.table, "rule": f.rule, "rows": f.rows.num_rows(), "examples": f.examples()})
        })
        .collect();
    let report = serde_json::to_string_pretty(&lines).expect("failures are plain data");
    store.put(&format!("{folder}/failures.json"), report)?;
    for (n, failure) in failures.iter().enumerate().filter(|(_, failure)| failure.rows.num_rows() > 0) {
        let Some(spec) = specs.iter().find(|spec| spec.table == failure.table) else { continue };
        let path = format!("{folder}/{:03}-{}.parquet", n + 1, failure.table);
        store.put(&path, parquet::write_batch(&spec.nullable(), &failure.rows))?;
    }
    Ok(folder)
}
