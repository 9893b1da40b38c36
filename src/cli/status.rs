//! `foothold status`: which runs stand in the output, and which models the newest of them found drifted or stale.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::job::{JobArgs, output};
use super::{Format, show};
use crate::models::scoring::drift::Standing;
use crate::publish::manifest::{self, Manifest, Slot};
use crate::publish::reader;
use crate::store::Store;
use crate::wording;

#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    job: JobArgs,
    /// How many of the newest runs to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: usize,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn status(args: &StatusArgs) -> Result<(), Failure> {
    let store = output(&args.job.load()?)?;
    let slots = manifest::slots(&store)?;
    let runs = newest(&store, &slots, args.last)?;
    let moved = match runs.first() {
        Some((_, run)) => moved(&store, run)?,
        None => Vec::new(),
    };
    match args.format {
        Format::Json => {
            let runs: Vec<serde_json::Value> = runs.iter().map(|(slot, run)| as_json(*slot, run)).collect();
            let moved: Vec<serde_json::Value> = moved.iter().map(Moved::as_json).collect();
            show::json(&json!({"output": store.url(), "runs": runs, "model_drift": moved}));
        }
        Format::Table if runs.is_empty() => show::line(&format!("Nothing is published under {} yet.", store.url())),
        Format::Table => {
            table(&runs);
            moved.iter().filter(|moved| moved.warns()).for_each(|moved| show::line(&moved.sentence()));
        }
    }
    Ok(())
}

/// A row of `model_drift` that is not steady.
struct Moved {
    kind: String,
    product: Option<String>,
    feature: String,
    psi: Option<f64>,
    standing: String,
    text: String,
}

impl Moved {
    fn warns(&self) -> bool {
        [Standing::Drifted, Standing::Stale].iter().any(|standing| standing.as_str() == self.standing)
    }

    /// `churn model, drifted: seats has moved since …`
    fn sentence(&self) -> String {
        let product = self.product.as_ref().map_or_else(String::new, |product| format!(" for {product}"));
        format!("{} model{product}, {}: {}", wording::capital(&wording::words(&self.kind)), self.standing, self.text)
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "kind": self.kind, "product_id": self.product, "feature": self.feature, "psi": self.psi,
            "standing": self.standing, "text": self.text,
        })
    }
}

/// What the run found moved in the models it used.
fn moved(store: &Store, run: &Manifest) -> Result<Vec<Moved>, Failure> {
    let rows = reader::table(store, run, "model_drift")?;
    let moved = rows.iter().map(|row| Moved {
        kind: row.string("kind"),
        product: row.text("product_id").map(str::to_owned),
        feature: row.string("feature"),
        psi: row.float("psi"),
        standing: row.string("standing"),
        text: row.string("text"),
    });
    Ok(moved.filter(|moved| moved.standing != Standing::Steady.as_str()).collect())
}

/// The last manifests by day and number; one that cannot be read is left out.
fn newest(store: &Store, slots: &[Slot], last: usize) -> Result<Vec<(Slot, Manifest)>, Failure> {
    let mut runs = Vec::new();
    for slot in slots.iter().rev().take(last) {
        runs.extend(manifest::read(store, *slot)?.map(|run| (*slot, run)));
    }
    Ok(runs)
}

fn as_json(slot: Slot, run: &Manifest) -> serde_json::Value {
    json!({
        "as_of": slot.as_of, "number": slot.number, "run_id": run.run_id, "job": run.job,
        "finished_at": run.finished_at.to_string(), "manifest": slot.path(),
        "recommendations": run.rows("recommendations"), "suppressions": run.rows("suppressions"),
        "audit_records": run.audit.last.sequence,
    })
}

fn table(runs: &[(Slot, Manifest)]) {
    let count = |run: &Manifest, table: &str| run.rows(table).map_or_else(String::new, |rows| rows.to_string());
    let rows = runs.iter().map(|(slot, run)| {
        vec![
            slot.as_of.to_string(),
            slot.number.to_string(),
            run.job.clone(),
            run.finished_at.to_string(),
            count(run, "recommendations"),
            count(run, "suppressions"),
        ]
    });
    let header = ["as of", "no.", "job", "finished", "recommendations", "suppressions"];
    show::table(&header, &["no.", "recommendations", "suppressions"], rows.collect());
}
