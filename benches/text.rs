//! Trains the text classifier on a CSV of text and class and prints what it took, for `benches/peers/text.py`.
//!
//! `cargo bench --bench text -- TRAIN.csv TEST.csv` prints one JSON line per kind of features. CPU seconds are of the
//! whole process, all threads, from /proc; each training runs several times, because the kernel counts in hundredths.

use foothold::text::one_vs_rest::OneVsRest;
use foothold::text::terms::{Rule, Terms};
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;

const REPEATS: u32 = 10;

fn main() {
    let mut paths = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let (Some(train), Some(test)) = (paths.next(), paths.next()) else {
        println!("skipped: give the paths of a train and a test CSV");
        return;
    };
    let (train, test) = (read(&train), read(&test));
    for (name, rule) in [
        ("words", Rule { fragments: false, min_texts: 1 }),
        ("words and fragments", Rule { fragments: true, min_texts: 2 }),
    ] {
        println!("{}", measured(name, rule, &train, &test));
    }
}

fn measured(name: &str, rule: Rule, train: &[(String, String)], test: &[(String, String)]) -> serde_json::Value {
    let mut classes: Vec<&str> = train.iter().map(|row| row.1.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    let labels: Vec<usize> = train.iter().map(|row| classes.partition_point(|class| **class < *row.1)).collect();
    let texts = || train.iter().map(|row| row.0.as_str());
    let (mut terms, mut linear, mut vectors, mut fit) = (Terms::default(), None, 0.0, 0.0);
    for _ in 0..REPEATS {
        let begun = cpu_seconds();
        terms = Terms::learn(texts(), rule);
        let rows = terms.rows(texts());
        let read = cpu_seconds();
        let dataset = DatasetBase::new(rows, Array1::from(labels.clone()));
        linear = Some(OneVsRest::new(classes.len(), 0.1).fit(&dataset).expect("labelled rows"));
        (vectors, fit) = (vectors + read - begun, fit + cpu_seconds() - read);
    }
    let linear = linear.expect("repeats");
    let best = |text: &str| {
        let odds = linear.log_odds(&terms.row(text));
        (0..odds.len()).max_by(|a, b| odds[*a].total_cmp(&odds[*b])).map(|class| classes[class])
    };
    let right = test.iter().filter(|(text, class)| best(text) == Some(class)).count();
    serde_json::json!({
        "features": name,
        "columns": terms.len(),
        "vectors_cpu_seconds": vectors / f64::from(REPEATS),
        "fit_cpu_seconds": fit / f64::from(REPEATS),
        "accuracy": right as f64 / test.len() as f64,
    })
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<f64> = stat.rsplit(')').next().unwrap_or("").split(' ').filter_map(|f| f.parse().ok()).collect();
    // After the name and the state, which is a letter, user and system time are the eleventh and twelfth numbers.
    (fields[10] + fields[11]) / 100.0
}

/// Text and class of a CSV file with quotes and a header.
fn read(path: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut rows = Vec::new();
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars().filter(|c| *c != '\r') {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                rows.push((fields[0].clone(), fields[1].clone()));
                fields.clear();
            }
            letter => field.push(letter),
        }
    }
    rows.into_iter().skip(1).collect()
}
