//! Seconds of one fit of the scorecard's solver at two sizes; with a folder, the encoded matrix for its peers.
//!
//! `cargo bench --bench solver -- FOLDER`, then `python benches/peers/solver.py FOLDER`.

use std::path::Path;
use std::time::Instant;

use foothold::learners::columns::table::{Column, Spec, Table};
use foothold::learners::families::scorecard::Encoded;
use foothold::statistics::sigmoid;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIZES: [(usize, usize); 2] = [(40_000, 20), (1_000_000, 40)];
const BINS: usize = 12;
const RIDGE: f64 = 10.0;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for (rows, columns) in SIZES {
        let (table, labels) = world(rows, columns);
        let all: Vec<u32> = (0..rows as u32).collect();
        let encoded = Encoded::learn(&table.frame().columns, &all, BINS);
        let (started, busy) = (Instant::now(), cpu_seconds());
        let fitted = encoded.fit(&labels, RIDGE).expect("both outcomes occur");
        let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), cpu_seconds() - busy);
        println!(
            "{rows} × {columns}: {seconds:.3} s, {cpu_seconds:.2} CPU s, {} steps, {} coefficients",
            fitted.iterations,
            fitted.weights.len()
        );
        if let Some(folder) = &folder {
            let bases: Vec<Vec<Vec<f64>>> = encoded
                .design
                .bases
                .iter()
                .map(|basis| (0..basis.codes()).map(|code| basis.row(code).to_vec()).collect())
                .collect();
            let told = serde_json::json!({
                "rows": rows, "columns": encoded.design.codes.len(), "ridge": RIDGE, "coefficients": fitted.weights.len(),
                "seconds": seconds, "cpu_seconds": cpu_seconds, "steps": fitted.iterations, "bases": bases,
            });
            let path = Path::new(folder).join(format!("{rows}x{columns}"));
            let write =
                |ending: &str, bytes: &[u8]| std::fs::write(path.with_extension(ending), bytes).expect("written");
            write("json", told.to_string().as_bytes());
            write("codes", &encoded.design.codes.concat());
            write("labels", &labels.iter().map(|label| u8::from(*label)).collect::<Vec<u8>>());
        }
    }
}

/// User and system time of all threads so far, in hundredths, as Linux counts them; 0 elsewhere.
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields are counted behind the program's name, which may hold blanks.
    let behind = told.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = behind.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Numbers that share a common part, one in twenty missing, some with a step; one in five or so positive.
fn world(rows: usize, columns: usize) -> (Table, Vec<bool>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut values = vec![Vec::with_capacity(rows); columns];
    let mut labels = Vec::with_capacity(rows);
    for _ in 0..rows {
        let shared: f64 = rng.random();
        let mut z = -2.2;
        for (place, column) in values.iter_mut().enumerate() {
            let value = rng.random::<f64>() + rng.random::<f64>() + rng.random::<f64>() + 0.7 * shared;
            let step = if place % 5 == 0 && value > 2.4 { 0.5 } else { 0.0 };
            let missing = rng.random::<f64>() < 0.05;
            z += if missing { 0.0 } else { ((place % 7) as f64 - 3.0) * 0.25 * (value - 1.85) + step };
            column.push(if missing { f64::NAN } else { value });
        }
        labels.push(rng.random::<f64>() < sigmoid(z));
    }
    let spec = |place: usize| Spec {
        name: format!("x{place:02}"),
        label: String::new(),
        unit: String::new(),
        source: String::new(),
        window_days: 0,
    };
    let columns = values.into_iter().enumerate().map(|(place, values)| Column::numbers(spec(place), values));
    (Table::new(columns.collect(), rows), labels)
}
