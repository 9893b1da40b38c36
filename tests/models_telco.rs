//! The scorecard on a public data set that nobody here made; skipped, saying so, where it is absent.

use std::path::PathBuf;

use foothold::learners::columns::table::{Column, Spec, Table, Values};
use foothold::learners::families::scorecard::Encoded;
use foothold::learners::measuring::evaluate::{Metrics, metrics};
use foothold::statistics::sigmoid;

/// A file of the shared data folder beside the repository; `None` where it is absent.
pub fn shared(file: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
    }
    path.exists().then_some(path)
}

fn telco(path: PathBuf) -> (Table, Vec<bool>) {
    let text = std::fs::read_to_string(path).expect("readable");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let labels = rows.iter().map(|row| row[names.len() - 1].trim() == "Yes").collect();
    let column = |at: usize| {
        let cells: Vec<&str> = rows.iter().map(|row| row[at].trim()).collect();
        let spec = Spec {
            name: names[at].into(),
            label: names[at].into(),
            unit: String::new(),
            source: "telco".into(),
            window_days: 0,
        };
        match names[at] {
            "tenure" | "MonthlyCharges" | "TotalCharges" | "SeniorCitizen" => {
                Column::numbers(spec, cells.iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect())
            }
            _ => Column { spec, values: Values::Words(cells.iter().map(|cell| Some((*cell).into())).collect()) },
        }
    };
    (Table::new((1..names.len() - 1).map(column).collect(), rows.len()), labels)
}

fn cross_validated(table: &Table, labels: &[bool], bins: usize, ridge: f64) -> Metrics {
    let mut probabilities = vec![0.0; labels.len()];
    let frame = table.frame();
    for fold in 0..5 {
        let (judge, fit): (Vec<u32>, Vec<u32>) = (0..labels.len() as u32).partition(|row| row % 5 == fold);
        let encoded = Encoded::learn(&frame.columns, &fit, bins);
        let own: Vec<bool> = fit.iter().map(|row| labels[*row as usize]).collect();
        let card = encoded.scorecard(&encoded.fit(&own, ridge).expect("both outcomes"), ridge);
        let columns = card.bind(&frame).expect("its own columns");
        judge.iter().for_each(|row| probabilities[*row as usize] = sigmoid(card.log_odds(&columns, *row as usize)));
    }
    metrics(&probabilities, labels).expect("both outcomes")
}

#[test]
fn telco_churn_reaches_what_glass_box_models_reach_there() {
    let Some(path) = shared("telco/Telco-Customer-Churn.csv") else { return };
    let (table, labels) = telco(path);
    let reached = cross_validated(&table, &labels, 12, 3.0);
    eprintln!("telco: {reached:?}");
    assert!(reached.auc > 0.848 && reached.log_loss < 0.412, "{reached:?}");
    assert!(reached.auc < 0.86, "a figure this high would mean that a fold saw its own labels");
}
