//! The output contract in the forms that people and tools read: Markdown, SQL views, a Parquet table, JSON.

use std::fmt::Write;

use bytes::Bytes;

use super::parquet;
use super::schema::{ColumnSpec, Layer, OutputTable, TableSpec};
use super::table::{Stamp, Table};
use crate::vocabulary::Day;

/// The dictionary as Markdown, one section per table.
pub fn markdown(specs: &[TableSpec]) -> String {
    let mut text = String::from("# Output tables\n");
    for spec in specs {
        let _ = write!(text, "\n## {}\n\n{}\n\n", spec.name(), spec.description);
        if !spec.key.is_empty() {
            let _ = writeln!(text, "Key: {}\n", spec.key.join(", "));
        }
        text.push_str("| column | type | null | description |\n|---|---|---|---|\n");
        for column in &spec.columns {
            let null = if column.nullable { "yes" } else { "" };
            let _ = writeln!(text, "| {} | {} | {null} | {} |", column.name, column.kind, remark(column));
        }
    }
    text
}

/// Description, words, range and reference in one cell.
fn remark(column: &ColumnSpec) -> String {
    let mut text = column.description.replace('|', "\\|");
    if !column.words.is_empty() {
        let _ = write!(text, " One of {}.", column.words.join(", "));
    }
    if let Some(reference) = column.references {
        let _ = write!(text, " Refers to {}.{}.", reference.table, reference.column);
    }
    text
}

/// A DuckDB view per table over every published day, with comments; and one over the newest night.
///
/// The newest night is that of `runs`, where each has a row: a table that is empty on it shows no rows of an older one.
/// The day stands in `as_of_date`, so the `dt` of the path is left alone.
pub fn views_sql(specs: &[TableSpec], root: &str) -> String {
    let mut sql = String::from("-- Views over the published tables. Read with: duckdb -init meta/views.sql\n");
    let root = quoted(root);
    for spec in specs {
        let name = spec.name();
        let _ = write!(
            sql,
            "\nCREATE OR REPLACE VIEW {name} AS SELECT * FROM \
             read_parquet('{root}/tables/{name}/*/{name}.parquet', hive_partitioning = false);\n\
             CREATE OR REPLACE VIEW {name}_latest AS SELECT * FROM {name} \
             WHERE as_of_date = (SELECT max(as_of_date) FROM \
             read_parquet('{root}/tables/runs/*/runs.parquet', hive_partitioning = false));\n\
             COMMENT ON VIEW {name} IS '{}';\n",
            quoted(spec.description)
        );
        for column in &spec.columns {
            let _ = writeln!(sql, "COMMENT ON COLUMN {name}.\"{}\" IS '{}';", column.name, quoted(column.description));
        }
    }
    sql
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

/// A column of a table, as a row of the dictionary.
struct Entry<'a> {
    table: &'a TableSpec,
    column: &'a ColumnSpec,
    position: usize,
}

/// The dictionary as a Parquet table, one row per column of every table.
pub fn parquet(specs: &[TableSpec]) -> Bytes {
    let entries: Vec<Entry> = specs
        .iter()
        .flat_map(|table| {
            table.columns.iter().enumerate().map(move |(position, column)| Entry { table, column, position })
        })
        .collect();
    parquet::write(&dictionary().frame_as_given(&entries, &Stamp { as_of: Day(0), run_id: String::new() }))
}

fn dictionary<'a>() -> Table<Entry<'a>> {
    Table::<Entry<'a>>::unstamped(OutputTable::DataDictionary, Layer::Governance, "Every column of every output table.")
        .text("table", "The table.", |e| e.table.name())
        .text("layer", "The layer that writes it.", |e| e.table.layer.as_str())
        .text("table_description", "What a row of the table is.", |e| e.table.description)
        .int("position", "Place among the columns, from 1.", |e| e.position as i64 + 1)
        .text("column", "The column.", |e| e.column.name)
        .text("type", "Its type.", |e| e.column.kind.as_str())
        .flag("nullable", "Whether it may be null.", |e| e.column.nullable)
        .flag("in_key", "Whether it belongs to the key.", |e| e.table.key.contains(&e.column.name))
        .text("description", "What it says.", |e| e.column.description)
        .float_opt("low", "Lowest value.", |e| e.column.range.map(|(low, _)| low))
        .float_opt("high", "Highest value.", |e| e.column.range.map(|(_, high)| high).filter(|h| *h < f64::MAX))
        .made_opt("words", "The closed list of values.", |e| {
            (!e.column.words.is_empty()).then(|| e.column.words.join(", "))
        })
        .made_opt("refers_to", "The column that its values stand in.", |e| {
            e.column.references.map(|reference| format!("{}.{}", reference.table, reference.column))
        })
}
