//! Printing: tables for people, JSON for programs. A closed pipe is not a failure.

use std::io::Write;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// One line under the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Columns of a terminal that does not say how wide it is.
const WIDTH: u16 = 120;

/// A line, or several, on stdout.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A text broken into lines of the terminal's width.
pub fn paragraph(text: &str) {
    let width = usize::from(width());
    let (mut current, mut lines) = (String::new(), Vec::new());
    for word in text.split_whitespace() {
        if !current.is_empty() && current.chars().count() + word.chars().count() >= width {
            lines.push(std::mem::take(&mut current));
        }
        let gap = if current.is_empty() { "" } else { " " };
        current = format!("{current}{gap}{word}");
    }
    lines.push(current);
    line(&lines.join("\n"));
}

/// One JSON object on stdout.
pub fn json(value: &serde_json::Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A line on stderr.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A table with a header; columns named in `right` are aligned to the right.
pub fn table(header: &[&str], right: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(header.to_vec());
    table.add_rows(rows);
    for (place, name) in header.iter().enumerate().filter(|(_, name)| right.contains(name)) {
        let _ = name;
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    line(&table.to_string());
}

fn width() -> u16 {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.filter(|columns| *columns >= 60).unwrap_or(WIDTH)
}

/// Bytes in the unit that suits them.
pub fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return format!("{value:.0} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}
