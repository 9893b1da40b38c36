//! The output contract as data: every table, its columns, key and references.
//!
//! One description serves the checks, the Parquet metadata, the data dictionary, `views.sql` and `foothold schema`.

use serde::Serialize;

words!(
    /// The output tables, layer by layer: a table stands after those it refers to.
    OutputTable {
        AccountHealth = "account_health", Observations = "observations", Capacity = "capacity", Signals = "signals",
        SignalObservations = "signal_observations", Propensities = "propensities",
        PropensityDrivers = "propensity_drivers", ChurnCurve = "churn_curve", Readiness = "readiness", Stakeholders = "stakeholders",
        WhiteSpace = "white_space", Recommendations = "recommendations",
        RecommendationSignals = "recommendation_signals", RecommendationSteps = "recommendation_steps",
        RecommendationPeers = "recommendation_peers", Suppressions = "suppressions", Briefings = "briefings",
        Audit = "audit", RejectedRows = "rejected_rows", DataQuality = "data_quality", Runs = "runs",
        ModelEvaluations = "model_evaluations", ModelDrift = "model_drift", ScoreChanges = "score_changes",
        DataDictionary = "data_dictionary",
    }
);
words!(
    /// The six column types that every BI engine reads.
    ColumnType {
        Utf8 = "utf8", Bool = "bool", Int64 = "int64", Float64 = "float64", Date32 = "date32",
        Timestamp = "timestamp_us",
    }
);
words!(
    /// The layer that a table belongs to.
    Layer {
        Observations = "observations", Signals = "signals", Recommendations = "recommendations",
        Briefings = "briefings", Governance = "governance", Program = "program",
    }
);

/// A column whose values must stand in another table's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    pub table: OutputTable,
    pub column: &'static str,
}

/// One column of an output table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSpec {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    pub nullable: bool,
    pub description: &'static str,
    /// Inclusive; null values are not held against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    /// The closed list of words, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Reference>,
    /// Whether few distinct values are expected, so that files list each once.
    #[serde(skip)]
    pub repeats: bool,
}

/// One output table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableSpec {
    pub table: OutputTable,
    pub layer: Layer,
    pub description: &'static str,
    /// Unique together within a run; empty where rows have no identity of their own.
    pub key: Vec<&'static str>,
    pub columns: Vec<ColumnSpec>,
}

impl TableSpec {
    pub fn name(&self) -> &'static str {
        self.table.as_str()
    }

    /// The same table where every column may be null, as in rows that broke a rule.
    pub fn nullable(&self) -> TableSpec {
        let mut spec = self.clone();
        spec.columns.iter_mut().for_each(|column| column.nullable = true);
        spec
    }

    pub fn column(&self, name: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that order the rows: account first, then the key (every column where there is none).
    pub fn order(&self) -> Vec<&'static str> {
        let account = self.columns.iter().map(|c| c.name).filter(|name| *name == "account_id");
        let rest: Vec<&str> = match self.key.is_empty() {
            true => self.columns.iter().map(|c| c.name).collect(),
            false => self.key.clone(),
        };
        let mut order: Vec<&str> = account.collect();
        order.extend(rest.into_iter().filter(|name| *name != "account_id"));
        order
    }
}
