//! `foothold evaluate`: how well models predict the label of a feature table, on rows that they have not seen.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::failure::Failure;
use super::host::Terminal;
use super::job::access;
use super::{Format, show};
use crate::feature_table::judge::{self, Figures, Plan, Report};
use crate::feature_table::recipe::Recipe;
use crate::feature_table::{CodedTable, Roles, TableFile, TableModel};
use crate::learners::families::family::{FAMILIES, Family};
use crate::learners::fitting::monotone::Direction;
use crate::wording;

#[derive(Args)]
pub struct EvaluateArgs {
    /// A Parquet or CSV file with one row per observation: a path, s3://, gs:// or az://. Text is read as numbers or dates
    /// where a whole column agrees: 1,234.50 or 1.234,50, 2026-03-31, 31.03.2026 or 03/31/2026. Where no cell tells day from
    /// month, the month comes first with slashes, the day otherwise, and a note says so
    #[arg(value_name = "TABLE")]
    table: String,
    #[command(flatten)]
    roles: RoleArgs,
    /// How often the table is split; each part is judged once by a model trained on the others
    #[arg(long, value_name = "N", default_value_t = 5)]
    folds: usize,
    /// With --time: units of the time column (days for dates) between the rows trained on and the rows judged
    #[arg(long, value_name = "UNITS", default_value_t = 0.0, requires = "time")]
    embargo: f64,
    /// What kind of model
    #[arg(long, value_parser = family(), default_value_t = Family::default())]
    family: Family,
    /// Most pairs of features that a scorecard may add, each only where held-out rows pay for it
    #[arg(long, value_name = "N", default_value_t = 6)]
    pairs: usize,
    /// A number whose points must rise (+) or fall (-) with it, e.g. tenure:-; may be repeated
    #[arg(long, value_name = "COL:+|-", value_parser = monotone, allow_hyphen_values = true)]
    monotone: Vec<(String, Direction)>,
    /// Write the model that is fitted on all rows, for `foothold score`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Which column is what.
#[derive(Args)]
pub struct RoleArgs {
    /// The column that is predicted
    #[arg(long, value_name = "COL")]
    label: String,
    /// The column that names the row or account; rows of one id stay in one fold
    #[arg(long, value_name = "COL")]
    id: Option<String>,
    /// When a row was known: train on earlier rows, judge on later ones
    #[arg(long, value_name = "COL")]
    time: Option<String>,
    /// The value of the label that is predicted; found by itself for yes/no, true/false and 1/0
    #[arg(long, value_name = "VALUE")]
    positive: Option<String>,
    /// Columns to leave out
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    exclude: Vec<String>,
}

impl RoleArgs {
    fn roles(&self) -> Roles {
        Roles {
            label: self.label.clone(),
            positive: self.positive.clone(),
            id: self.id.clone(),
            time: self.time.clone(),
            exclude: self.exclude.clone(),
        }
    }
}

/// The families by name, each with its meaning for `--help`.
fn family() -> impl TypedValueParser<Value = Family> {
    let possible = FAMILIES.iter().map(|about| PossibleValue::new(about.family.as_str()).help(about.meaning));
    PossibleValuesParser::new(possible).map(|word| Family::parse(&word).unwrap_or_default())
}

/// `tenure:-` → the column and its direction.
fn monotone(text: &str) -> Result<(String, Direction), String> {
    let split = text.rsplit_once(':').and_then(|(name, sign)| Some((name.to_owned(), Direction::parse(sign)?)));
    split
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| "write the column, a colon and + or -, e.g. tenure:-".to_owned())
}

pub fn evaluate(args: &EvaluateArgs, terminal: &Terminal) -> Result<(), Failure> {
    let roles = args.roles.roles();
    terminal.progress("read");
    let file = TableFile::open(&args.table, &access()?)?;
    let table = CodedTable::read(&file, &roles)?;
    terminal.progress("train and judge");
    let recipe =
        Recipe { family: args.family, pairs: args.pairs, monotone: args.monotone.clone(), ..Recipe::default() };
    let plan = Plan { folds: args.folds, embargo: args.embargo, recipe };
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();
    let (report, trained) = judge::judge(&file, &table, &roles.label, &plan, &clock)?;
    for leak in &report.leaks {
        terminal.warn(&format!(
            "`{0}` alone reaches an AUC of {1:.3} (the next feature {2:.3}): it was probably written down after the outcome; \
             leave it out with --exclude {0} unless it is known beforehand",
            leak.feature, leak.auc, leak.next_auc
        ));
    }
    if let Some(path) = &args.save {
        let model = TableModel::of(&table, &roles, &report, trained, plan.recipe.family);
        std::fs::write(path, model.to_json())
            .map_err(|e| Failure::usage(format!("--save {}: cannot be written: {e}", path.display())))?;
    }
    match args.format {
        Format::Json => show::json(&serde_json::json!(report)),
        Format::Table => table_of(&report),
    }
    Ok(())
}

fn table_of(report: &Report) {
    let (rows, positives) = (wording::count(report.rows as f64), wording::count(report.positives as f64));
    show::line(&format!(
        "{}: {rows} rows, {positives} with {} = {} ({}), {} features",
        report.table,
        report.label,
        report.positive,
        wording::percent(report.base_rate),
        report.features
    ));
    let judged = match report.split.as_str() {
        "time" => format!("{} windows, each trained on earlier rows", report.folds),
        _ => format!("{} stratified folds", report.folds),
    };
    show::line(&format!(
        "Grade {}; {} in {judged}; {:.1} s of training\n",
        report.grade.as_str(),
        report.family,
        report.fit_seconds
    ));
    let cells = |name: &str, f: &Figures| {
        let figures = [f.auc, f.pr_auc, f.log_loss, f.brier, f.ece].map(|figure| format!("{figure:.4}"));
        let lift = format!("{:.2}", f.lift_top_decile);
        std::iter::once(name.to_owned()).chain(figures).chain([lift]).collect::<Vec<String>>()
    };
    let header = ["", "AUC", "PR-AUC", "log loss", "Brier", "ECE", "top-decile lift"];
    let rows = vec![cells(report.family, &report.model), cells(&report.baseline.name, &report.baseline.figures)];
    show::table(&header, &header[1..], rows);
    show::line("\nStrongest features, in log-odds");
    let strongest = report.strongest.iter().map(|s| {
        let end = |point: &judge::Point| format!("{:+.2}: {}", point.points, point.group);
        vec![s.feature.clone(), format!("{:.3}", s.mean_points), end(&s.lowest), end(&s.highest)]
    });
    show::table(&["feature", "mean |points|", "lowest", "highest"], &["mean |points|"], strongest.collect());
    if !report.notes.is_empty() {
        show::line("\nNotes");
        report.notes.iter().for_each(|note| show::line(&format!("- {note}")));
    }
}
