//! The contract as data: for every input table its columns, key, event day and rules.
//!
//! The loader checks against it, `foothold schema` publishes it, and the two can therefore not disagree. Each table
//! states its own part in `tables/`, and `tables::contracts` lists them.

use serde::Serialize;

use super::input_table::InputTable;

/// The form of a column's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// UTF-8 text.
    Str,
    /// A calendar day.
    Date,
    /// A moment, read as UTC when it carries no zone.
    Ts,
    /// A whole number of 64 bits.
    Int,
    /// A finite 64-bit float.
    Num,
    Bool,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Str => "str",
            Kind::Date => "date",
            Kind::Ts => "ts",
            Kind::Int => "int",
            Kind::Num => "num",
            Kind::Bool => "bool",
        }
    }
}

/// How much a run needs a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// A run stops without it.
    Required,
    /// Part of the practical minimum.
    Recommended,
    Optional,
}

/// What an id names: columns that name the same entity share one dictionary.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Entity {
    Account,
    Product,
    Feature,
    Contact,
    User,
    Metric,
}

/// Numbers that a column may hold.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Bounds {
    pub min: f64,
    /// `min` itself is not allowed.
    pub above_min: bool,
    /// `None` = no upper end.
    pub max: Option<f64>,
}

impl Bounds {
    #[inline]
    pub fn holds(self, value: f64) -> bool {
        let low = if self.above_min { value > self.min } else { value >= self.min };
        low && self.max.is_none_or(|max| value <= max)
    }

    /// The rule in words, e.g. `must be between 0 and 10`.
    pub fn rule(self) -> String {
        match (self.max, self.above_min) {
            (Some(max), _) => format!("must be between {} and {max}", self.min),
            (None, true) => format!("must be greater than {}", self.min),
            (None, false) => format!("must be {} or greater", self.min),
        }
    }
}

/// One column of the contract.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Must be present and, row by row, not null.
    pub required: bool,
    /// The closed list of words, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<&'static [&'static str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// The table whose key must hold this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<InputTable>,
    #[serde(skip)]
    pub entity: Option<Entity>,
    /// Names something: part of a key, or the name of an entity.
    #[serde(skip)]
    pub is_id: bool,
    /// A day or moment that may not lie before this column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<&'static str>,
    /// An end: a day beyond the plausible calendar (9999-12-31) reads as "has not ended".
    pub open_ended: bool,
    /// Checked and counted, and then left: nothing asks for its values.
    #[serde(skip)]
    pub checked_only: bool,
    /// Free text: may be blank, is read as it stands and cut at the longest text.
    #[serde(skip)]
    pub free_text: bool,
    pub about: &'static str,
}

impl Column {
    fn new(name: &'static str, kind: Kind, about: &'static str) -> Column {
        Column {
            name,
            kind,
            required: true,
            words: None,
            bounds: None,
            references: None,
            entity: None,
            is_id: false,
            not_before: None,
            open_ended: false,
            checked_only: false,
            free_text: false,
            about,
        }
    }

    pub fn optional(self) -> Column {
        Column { required: false, ..self }
    }

    pub fn bounds(self, bounds: Bounds) -> Column {
        Column { bounds: Some(bounds), ..self }
    }

    pub fn at_least(self, min: f64) -> Column {
        self.bounds(Bounds { min, above_min: false, max: None })
    }

    pub fn above(self, min: f64) -> Column {
        self.bounds(Bounds { min, above_min: true, max: None })
    }

    pub fn between(self, min: f64, max: f64) -> Column {
        self.bounds(Bounds { min, above_min: false, max: Some(max) })
    }

    /// The value must be a key of `table`.
    pub fn in_table(self, table: InputTable) -> Column {
        Column { references: Some(table), ..self }
    }

    pub fn not_before(self, earlier: &'static str) -> Column {
        Column { not_before: Some(earlier), ..self }
    }

    pub fn checked_only(self) -> Column {
        Column { checked_only: true, ..self }
    }

    pub fn open_ended(self) -> Column {
        Column { open_ended: true, ..self }
    }
}

pub fn text(name: &'static str, about: &'static str) -> Column {
    Column::new(name, Kind::Str, about)
}

/// Long text that people wrote.
pub fn free_text(name: &'static str, about: &'static str) -> Column {
    Column { free_text: true, ..Column::new(name, Kind::Str, about) }
}

pub fn id(name: &'static str, entity: Entity, about: &'static str) -> Column {
    Column { entity: Some(entity), ..Column::new(name, Kind::Str, about) }
}

/// `account_id`, which must exist in `accounts`.
pub fn account_id() -> Column {
    id("account_id", Entity::Account, "the customer account").in_table(InputTable::Accounts)
}

/// A word of a closed list.
pub fn word(name: &'static str, words: &'static [&'static str], about: &'static str) -> Column {
    Column { words: Some(words), ..Column::new(name, Kind::Str, about) }
}

pub fn date(name: &'static str, about: &'static str) -> Column {
    Column::new(name, Kind::Date, about)
}

pub fn ts(name: &'static str, about: &'static str) -> Column {
    Column::new(name, Kind::Ts, about)
}

pub fn int(name: &'static str, about: &'static str) -> Column {
    Column::new(name, Kind::Int, about)
}

pub fn num(name: &'static str, about: &'static str) -> Column {
    Column::new(name, Kind::Num, about)
}

pub fn flag(name: &'static str, about: &'static str) -> Column {
    Column::new(name, Kind::Bool, about)
}

/// The moment a row became known; may stand in every table.
pub const RECORDED_AT: &str = "recorded_at";

/// One table of the contract.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    pub table: InputTable,
    pub need: Need,
    pub about: &'static str,
    /// Columns whose values together name one row; with `recorded_at`, one version of it.
    pub key: Vec<&'static str>,
    /// The column that says when the row happened; a row is not visible before that day.
    pub event: Option<&'static str>,
    /// May be Hive-partitioned by `date=YYYY-MM-DD` or `month=YYYY-MM`.
    pub partitioned: bool,
    pub columns: Vec<Column>,
}

impl Table {
    /// A table of its columns; `recorded_at` is added to them.
    pub fn new(
        table: InputTable,
        about: &'static str,
        key: &[&'static str],
        columns: impl IntoIterator<Item = Column>,
    ) -> Table {
        let recorded = ts(RECORDED_AT, "the moment this version of the row became known to the source").optional();
        let mark = |column: Column| Column { is_id: column.entity.is_some() || key.contains(&column.name), ..column };
        let columns = columns.into_iter().chain([recorded]).map(mark).collect();
        let need = Need::Optional;
        Table { table, need, about, key: key.to_vec(), event: None, partitioned: false, columns }
    }

    pub fn need(self, need: Need) -> Table {
        Table { need, ..self }
    }

    /// The row happens on the day of this column.
    pub fn happens(self, column: &'static str) -> Table {
        Table { event: Some(column), ..self }
    }

    pub fn partitioned(self) -> Table {
        Table { partitioned: true, ..self }
    }

    pub fn name(&self) -> &'static str {
        self.table.as_str()
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Optional columns that carry facts: all but `recorded_at`.
    pub fn optional_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.required && column.name != RECORDED_AT)
    }
}
