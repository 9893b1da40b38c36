//! A trained table model as JSON that a person can read, with checks that refuse a changed one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use super::Roles;
use super::coarse::Model;
use super::coded::CodedTable;
use super::judge::Report;
use super::pairs::Pair;
use super::profile::Kind;
use super::training::Trained;
use crate::learners::columns::bins::Bins;
use crate::learners::families::family::Family;
use crate::learners::families::scorecard::{self, Scorecard, Typical};
use crate::learners::fitting::boosting::Boosted;
use crate::learners::fitting::calibrate::Platt;
use crate::models::training::artifact::Artifact;

/// Layout of the file; a reader refuses any other.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableModel {
    pub format: u32,
    /// `tbl-` and 16 hex digits of the SHA-256 of all that follows.
    pub model_id: String,
    pub code_version: String,
    pub family: Family,
    pub label: String,
    /// The value of the label whose probability the model gives.
    pub positive: String,
    pub id: Option<String>,
    pub trained: TrainedOn,
    pub evaluation: Evaluation,
    /// SHA-256 of the ordered column names and kinds.
    pub schema_hash: String,
    pub columns: Vec<Column>,
    pub calibrator: Platt,
    pub terms: Terms,
}

/// The rows behind a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    pub table: String,
    pub rows: usize,
    pub positives: usize,
    /// xxh3 of every code and label.
    pub data_fingerprint: String,
}

/// Cross-validated figures, of models trained as this one was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    pub split: String,
    pub folds: usize,
    pub grade: String,
    pub auc: f64,
    pub log_loss: f64,
    pub ece: f64,
    pub baseline: String,
    pub baseline_auc: f64,
    pub baseline_log_loss: f64,
}

/// A column that the model reads, and how its cells become codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub bins: Bins,
    pub typical: Typical,
}

/// What adds up to the log-odds before calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// `points[column][code]`, then points of pairs.
    Points {
        base: f64,
        points: Vec<Vec<f64>>,
        pairs: Vec<Pair>,
    },
    Trees(Boosted),
}

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("not a model: {0}")]
    Json(#[from] serde_json::Error),
    #[error("layout {0}, but this program reads layout {FORMAT}; evaluate again with --save")]
    Format(u32),
    #[error("its content is not what its id `{0}` was made of; evaluate again with --save instead of editing it")]
    Changed(String),
    #[error("column `{0}`: points, bins or trees do not fit together")]
    Shape(String),
}

impl TableModel {
    pub fn of(table: &CodedTable, roles: &Roles, report: &Report, trained: Trained, family: Family) -> TableModel {
        let Model { card, pairs, maps } = trained.model;
        let places: Vec<usize> = maps.iter().map(|(place, _)| *place).collect();
        let (base, trees) = (card.base, card.trees.clone());
        let (columns, points) = columns_of(table, &places, card);
        let terms = match trees {
            Some(trees) => Terms::Trees(trees),
            None => Terms::Points { base, points, pairs },
        };
        let mut model = TableModel {
            format: FORMAT,
            model_id: String::new(),
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            family,
            label: roles.label.clone(),
            positive: table.positive.clone(),
            id: roles.id.clone(),
            trained: TrainedOn {
                table: report.table.clone(),
                rows: table.rows(),
                positives: table.positives(),
                data_fingerprint: fingerprint(table),
            },
            evaluation: Evaluation {
                split: report.split.clone(),
                folds: report.folds,
                grade: report.grade.as_str().to_owned(),
                auc: report.model.auc,
                log_loss: report.model.log_loss,
                ece: report.model.ece,
                baseline: report.baseline.name.clone(),
                baseline_auc: report.baseline.figures.auc,
                baseline_log_loss: report.baseline.figures.log_loss,
            },
            schema_hash: schema_hash(&columns),
            columns,
            calibrator: trained.calibrator,
            terms,
        };
        model.model_id = id_of(&model.to_json());
        model
    }

    /// A model of a registry, as the model of a table that holds its features as columns.
    ///
    /// # Errors
    /// Why it answers with rates of groups instead, where it abstains: those are no scores of rows.
    pub fn of_artifact(artifact: &Artifact) -> Result<TableModel, String> {
        let abstains = || artifact.abstains.clone().unwrap_or_else(|| "no model was fitted".to_owned());
        let (card, evaluation) = artifact.active().zip(artifact.evaluation.as_ref()).ok_or_else(abstains)?;
        let column = |feature: &scorecard::Feature| Column {
            name: feature.spec.name.clone(),
            kind: if feature.bins.holds() == "words" { Kind::Words } else { Kind::Number },
            bins: feature.bins.clone(),
            typical: feature.typical.clone(),
        };
        let columns: Vec<Column> = card.features.iter().map(column).collect();
        let points = card.features.iter().map(|feature| feature.points.clone()).collect();
        Ok(TableModel {
            format: FORMAT,
            model_id: artifact.model_id.clone(),
            code_version: artifact.code_version.clone(),
            family: artifact.family,
            label: artifact.slot(),
            positive: "yes".to_owned(),
            id: None,
            trained: TrainedOn {
                table: "extracts".to_owned(),
                rows: artifact.trained.rows,
                positives: artifact.trained.positives,
                data_fingerprint: artifact.trained.data_fingerprint.clone(),
            },
            evaluation: Evaluation {
                split: "time".to_owned(),
                folds: 1,
                grade: evaluation.grade.as_str().to_owned(),
                auc: evaluation.model.auc,
                log_loss: evaluation.model.log_loss,
                ece: evaluation.model.calibration_error,
                baseline: evaluation.baseline_name.clone(),
                baseline_auc: evaluation.baseline.auc,
                baseline_log_loss: evaluation.baseline.log_loss,
            },
            schema_hash: schema_hash(&columns),
            columns,
            calibrator: artifact.calibrator,
            terms: match &card.trees {
                Some(trees) => Terms::Trees(trees.clone()),
                None => Terms::Points { base: card.base, points, pairs: Vec::new() },
            },
        })
    }

    /// Readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads and checks: layout, content against its id, terms against columns.
    pub fn from_json(content: &[u8]) -> Result<TableModel, Fault> {
        let model: TableModel = serde_json::from_slice(content)?;
        if model.format != FORMAT {
            return Err(Fault::Format(model.format));
        }
        // The text is hashed, not the values: a JSON reader may round a number in its last bit.
        let unnamed = String::from_utf8_lossy(content).replacen(&model.model_id, "", 1);
        if model.model_id.is_empty() || id_of(unnamed.trim_end()) != model.model_id {
            return Err(Fault::Changed(model.model_id));
        }
        match model.misfit() {
            Some(column) => Err(Fault::Shape(column)),
            None => Ok(model),
        }
    }

    /// The first column whose terms do not fit its bins.
    fn misfit(&self) -> Option<String> {
        let codes = |place: usize| self.columns.get(place).map_or(0, |column| column.bins.codes());
        let name = |place: usize| self.columns.get(place).map_or(String::new(), |column| column.name.clone());
        match &self.terms {
            Terms::Points { points, pairs, .. } => {
                let wrong = (0..self.columns.len().max(points.len()))
                    .find(|place| points.get(*place).is_none_or(|points| points.len() != codes(*place)));
                let pair = pairs.iter().find(|pair| {
                    !pair.codes.fits(codes(pair.codes.first), codes(pair.codes.second), pair.points.len())
                });
                wrong.map(name).or_else(|| pair.map(Pair::name))
            }
            Terms::Trees(boosted) => (!boosted.is_sound() || boosted.features != self.columns.len()).then(|| name(0)),
        }
    }

    /// Contributions in calibrated log-odds: the base, one per column, one per pair; they sum to the log-odds.
    pub fn contributions(&self, codes: &[u8]) -> (f64, Vec<f64>) {
        let slope = self.calibrator.slope;
        let (base, raw) = match &self.terms {
            Terms::Points { base, points, pairs } => {
                let own = points.iter().zip(codes).map(|(points, code)| points[usize::from(*code)]);
                let joint = pairs
                    .iter()
                    .map(|pair| pair.points[pair.codes.code(codes[pair.codes.first], codes[pair.codes.second])]);
                (*base, own.chain(joint).collect())
            }
            Terms::Trees(boosted) => boosted.contributions(|feature| codes[feature]),
        };
        (self.calibrator.apply(base), raw.into_iter().map(|points| slope * points).collect())
    }

    /// Names of the contributions, in their order.
    pub fn names(&self) -> Vec<String> {
        let pairs = match &self.terms {
            Terms::Points { pairs, .. } => pairs.iter().map(Pair::name).collect(),
            Terms::Trees(_) => Vec::new(),
        };
        self.columns.iter().map(|column| column.name.clone()).chain(pairs).collect()
    }
}

fn columns_of(table: &CodedTable, places: &[usize], card: Scorecard) -> (Vec<Column>, Vec<Vec<f64>>) {
    let column = |(place, feature): (&usize, scorecard::Feature)| {
        let kind = table.features[*place].kind;
        (Column { name: feature.spec.name, kind, bins: feature.bins, typical: feature.typical }, feature.points)
    };
    places.iter().zip(card.features).map(column).unzip()
}

fn fingerprint(table: &CodedTable) -> String {
    let mut hash = Xxh3::new();
    for feature in &table.features {
        hash.update(feature.name.as_bytes());
        hash.update(&feature.codes);
    }
    table.labels.iter().for_each(|label| hash.update(&[u8::from(*label)]));
    format!("{:016x}", hash.digest())
}

fn schema_hash(columns: &[Column]) -> String {
    let lines = columns.iter().map(|column| format!("{}\u{1f}{}\n", column.name, column.kind.holds()));
    hex(&Sha256::digest(lines.collect::<String>())[..16])
}

/// The id of a model written with an empty id.
fn id_of(unnamed: &str) -> String {
    format!("tbl-{}", hex(&Sha256::digest(unnamed.as_bytes())[..8]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
