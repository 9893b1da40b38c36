//! The layers of configuration — defaults, job file, environment, flags — and the check of each against the schema.
//!
//! Later layers win key by key. Keys are checked per layer, so that a message can name the line, variable or flag.

use std::collections::BTreeSet;

use serde_json::Value as Schema;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::problems::{Problem, unknown};

/// One layer of configuration.
pub struct Layer<'t> {
    pub values: Table,
    pub origin: Origin<'t>,
}

/// Where a layer was typed.
pub enum Origin<'t> {
    /// A file's name, its text, and the spans of its keys.
    File { name: &'t str, text: &'t str, spans: Spanned<DeTable<'t>> },
    /// Variables by their names: `FOOTHOLD_HEALTH__GREEN` sets `health.green`.
    Environment,
    /// Flags of the command.
    Flags,
}

/// Prefix of the environment variables that belong to a job.
pub const PREFIX: &str = "FOOTHOLD_";

impl<'t> Layer<'t> {
    /// A TOML text; its syntax errors come with their line.
    pub fn file(name: &'t str, text: &'t str) -> Result<Layer<'t>, Problem> {
        let at = |e: &toml::de::Error| match e.span() {
            Some(span) => format!("{name}:{}", line_of(text, span.start)),
            None => name.to_owned(),
        };
        let spans = DeTable::parse(text).map_err(|e| Problem::new(at(&e), e.message().to_owned()))?;
        let mut values: Table = toml::from_str(text).map_err(|e| Problem::new(at(&e), e.message().to_owned()))?;
        values.iter_mut().for_each(|(_, value)| dates_to_text(value));
        Ok(Layer { values, origin: Origin::File { name, text, spans } })
    }

    /// `FOOTHOLD_…` variables; a double underscore goes one table deeper.
    pub fn environment(variables: &[(String, String)]) -> Layer<'static> {
        let mut values = Table::new();
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else { continue };
            let path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
            insert(&mut values, &path, typed(text));
        }
        Layer { values, origin: Origin::Environment }
    }

    /// Dotted keys with their texts.
    pub fn flags(flags: &[(&str, String)]) -> Layer<'static> {
        let mut values = Table::new();
        for (key, text) in flags {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            insert(&mut values, &path, Value::String(text.clone()));
        }
        Layer { values, origin: Origin::Flags }
    }

    /// Where a key was typed: its offset in the file, and the place in words.
    fn place(&self, path: &[&str]) -> (usize, String) {
        let start = match &self.origin {
            Origin::File { spans, .. } => position(spans.get_ref(), path),
            Origin::Environment | Origin::Flags => None,
        };
        let words = match &self.origin {
            Origin::Environment => format!("{PREFIX}{}", path.join("__").to_ascii_uppercase()),
            Origin::Flags => format!("--{}", path.join(".")),
            Origin::File { name, text, .. } => match start {
                Some(start) => format!("{name}:{}", line_of(text, start)),
                None => (*name).to_owned(),
            },
        };
        (start.unwrap_or_default(), words)
    }

    /// Every unknown key and every value of the wrong type, against the schema and the names in the defaults.
    pub fn problems(&self, schema: &Schema, defaults: &Table) -> Vec<Problem> {
        let mut check = Check { layer: self, root: schema, problems: Vec::new() };
        check.table(schema, Some(defaults), &self.values, &mut Vec::new());
        check.problems.sort_by_key(|(start, _)| *start);
        check.problems.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// Lays `over` upon `under`, table by table.
pub fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let deeper = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(deeper) = deeper {
                insert(deeper, rest, value);
            }
        }
    }
}

/// A variable's text as TOML, or as plain text where it is none.
fn typed(text: &str) -> Value {
    let mut value = text.parse::<Value>().unwrap_or_else(|_| Value::String(text.to_owned()));
    dates_to_text(&mut value);
    value
}

/// Days are read from text, quoted or not.
fn dates_to_text(value: &mut Value) {
    match value {
        Value::Datetime(moment) => *value = Value::String(moment.to_string()),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| dates_to_text(value)),
        Value::Array(values) => values.iter_mut().for_each(dates_to_text),
        _ => {}
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn position(table: &DeTable, path: &[&str]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    match (rest, value.get_ref()) {
        ([_, ..], DeValue::Table(deeper)) => position(deeper, rest),
        _ => Some(key.span().start),
    }
}

/// One walk of a layer along the schema.
struct Check<'l, 't> {
    layer: &'l Layer<'t>,
    root: &'l Schema,
    /// Each with its offset in the file.
    problems: Vec<(usize, Problem)>,
}

impl<'l> Check<'l, '_> {
    fn table(&mut self, node: &'l Schema, defaults: Option<&Table>, table: &'l Table, path: &mut Vec<&'l str>) {
        let node = self.resolve(node);
        for (key, value) in table {
            path.push(key);
            let default = defaults.and_then(|known| known.get(key));
            match self.child(node, defaults, key) {
                Some(child) => self.value(child, default, value, path),
                None => self.unknown_key(node, defaults, path),
            }
            path.pop();
        }
    }

    fn value(&mut self, node: &'l Schema, default: Option<&Value>, value: &'l Value, path: &mut Vec<&'l str>) {
        let node = self.resolve(node);
        match value {
            Value::Table(table) if accepts(node, "object") => {
                self.table(node, default.and_then(Value::as_table), table, path);
            }
            _ => self.scalar(node, value, path),
        }
    }

    fn scalar(&mut self, node: &Schema, value: &Value, path: &[&str]) {
        let key = path.join(".");
        let message = if !accepts(node, type_name(value)) {
            format!("`{key}` must be {}, not {}", expected(node), shown(value))
        } else {
            match (words(node), value) {
                (Some(words), Value::String(word)) if !words.contains(&word.as_str()) => {
                    format!("`{key}`: {}", unknown("word", word, words))
                }
                _ => return,
            }
        };
        self.note(path, message);
    }

    fn note(&mut self, path: &[&str], message: String) {
        let (start, place) = self.layer.place(path);
        self.problems.push((start, Problem::new(place, message)));
    }

    fn unknown_key(&mut self, node: &Schema, defaults: Option<&Table>, path: &[&str]) {
        let parent = path[..path.len() - 1].join(".");
        let known: Vec<String> = names(node, defaults)
            .into_iter()
            .map(|name| if parent.is_empty() { name } else { format!("{parent}.{name}") })
            .collect();
        let what = if parent == "signals" { "signal" } else { "key" };
        let message = unknown(what, &path.join("."), known.iter().map(String::as_str));
        self.note(path, message);
    }

    /// The schema of a key: a property, or a map's values where the map is open or knows the key.
    fn child(&self, node: &'l Schema, defaults: Option<&Table>, key: &str) -> Option<&'l Schema> {
        if let Some(property) = node.get("properties").and_then(|properties| properties.get(key)) {
            return Some(property);
        }
        let values = node.get("additionalProperties").filter(|values| values.is_object())?;
        let closed = defaults.is_some_and(|known| !known.is_empty());
        (!closed || defaults.is_some_and(|known| known.contains_key(key))).then_some(values)
    }

    /// Follows references, and takes the real alternative of `T or null`.
    fn resolve(&self, node: &'l Schema) -> &'l Schema {
        if let Some(pointer) = node.get("$ref").and_then(Schema::as_str) {
            let target = self.root.pointer(pointer.trim_start_matches('#'));
            return target.map_or(node, |target| self.resolve(target));
        }
        let alternatives = node.get("anyOf").and_then(Schema::as_array);
        let real = alternatives.and_then(|all| all.iter().find(|one| one.get("type") != Some(&"null".into())));
        real.map_or(node, |real| self.resolve(real))
    }
}

fn names(node: &Schema, defaults: Option<&Table>) -> Vec<String> {
    let properties = node.get("properties").and_then(Schema::as_object).into_iter().flat_map(|known| known.keys());
    let entries = defaults.filter(|_| node.get("additionalProperties").is_some_and(Schema::is_object));
    let names: BTreeSet<&String> = properties.chain(entries.into_iter().flat_map(|known| known.keys())).collect();
    names.into_iter().cloned().collect()
}

fn types(node: &Schema) -> Vec<&str> {
    match node.get("type") {
        Some(Schema::String(one)) => vec![one],
        Some(Schema::Array(many)) => many.iter().filter_map(Schema::as_str).filter(|t| *t != "null").collect(),
        _ => Vec::new(),
    }
}

fn accepts(node: &Schema, found: &str) -> bool {
    let types = types(node);
    types.is_empty() || types.contains(&found) || (found == "integer" && types.contains(&"number"))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) | Value::Datetime(_) => "string",
        Value::Integer(_) => "integer",
        Value::Float(_) => "number",
        Value::Boolean(_) => "boolean",
        Value::Array(_) => "array",
        Value::Table(_) => "object",
    }
}

fn expected(node: &Schema) -> String {
    let words = types(node).into_iter().map(|name| match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    });
    words.collect::<Vec<_>>().join(" or ")
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 { format!("{}…", text.chars().take(40).collect::<String>()) } else { text }
}

/// The closed list of words of a node: `enum`, or `oneOf` of constants.
fn words(node: &Schema) -> Option<Vec<&str>> {
    if let Some(list) = node.get("enum").and_then(Schema::as_array) {
        return Some(list.iter().filter_map(Schema::as_str).collect());
    }
    let alternatives = node.get("oneOf")?.as_array()?;
    let words = alternatives.iter().flat_map(|one| match (one.get("const"), one.get("enum")) {
        (Some(word), _) => word.as_str().into_iter().collect::<Vec<_>>(),
        (_, Some(list)) => list.as_array().into_iter().flatten().filter_map(Schema::as_str).collect(),
        _ => Vec::new(),
    });
    Some(words.collect())
}
