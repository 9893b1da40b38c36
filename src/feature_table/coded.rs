//! Second reading: every cell of a feature as one byte, every label as a bit, every id as a hash.

use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::cells::{Cells, moment};
use super::profile::{Kind, Profile, Tally};
use super::{Error, Roles, TableFile, hint, labels};
use crate::learners::columns::bins::{Bins, MISSING};

/// One feature, a code per row that is used.
pub struct Feature {
    pub name: String,
    pub kind: Kind,
    /// The finest bins; coarser ones are made of them, fold by fold.
    pub fine: Bins,
    pub codes: Vec<u8>,
    /// Mean of the numbers of each code; 0 where there are none.
    pub means: Vec<f64>,
}

/// A table as models read it: rows with a label, in the order of the file.
pub struct CodedTable {
    pub features: Vec<Feature>,
    pub labels: Vec<bool>,
    /// Hash of each row's id, or of its place where no column names the rows.
    pub ids: Vec<u64>,
    pub times: Option<Vec<f64>>,
    pub positive: String,
    /// What was left out or read in an unexpected way.
    pub notes: Vec<String>,
}

impl CodedTable {
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The labels of some rows, in their order.
    pub(super) fn labels_at(&self, rows: &[u32]) -> Vec<bool> {
        rows.iter().map(|row| self.labels[*row as usize]).collect()
    }

    pub fn positives(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// Reads a table twice: once to see what its columns hold, once to encode them.
    pub fn read(file: &TableFile, roles: &Roles) -> Result<CodedTable, Error> {
        if let Some((flag, name)) = roles.named().find(|(_, name)| !file.columns.contains(name)) {
            let (file, name, hint) = (file.name.clone(), name.clone(), hint(name, &file.columns));
            return Err(Error::UnknownColumn { file, flag, name, hint });
        }
        check_readable(file, roles)?;
        let mut notes = Vec::new();
        let candidates = candidates(file, roles, &mut notes);
        let columns: Vec<&str> =
            candidates.iter().copied().chain(roles.time.as_deref()).chain([roles.label.as_str()]).collect();
        let profiled = columns.len() - 1;
        let (mut profile, mut labels) = (Profile::of_columns(profiled), Labels::default());
        file.scan(&columns, &mut |batch| {
            profile.add(&batch[..profiled]);
            labels.add(&batch[profiled]);
            Ok(())
        })?;
        let (positive, note) = labels.positive(file, roles)?;
        notes.extend(note.map(|note| format!("`{}`: {note}", roles.label)));
        let time = profile.tallies.get(candidates.len());
        notes.extend(time.zip(roles.time.as_ref()).and_then(|(tally, name)| order_note(name, tally)));
        let moment = time.map_or(moment as Moment, moment_of);
        let features = features(&candidates, &profile.tallies, &mut notes);
        if features.is_empty() {
            let reasons = if notes.is_empty() { String::new() } else { format!(": {}", notes.join("; ")) };
            return Err(file.unfit(format!("no column beside the label can be used as a feature{reasons}")));
        }
        encode(file, roles, features, positive, moment, notes)
    }
}

/// A column that is left out of the features cannot name rows, their time or their outcome either.
fn check_readable(file: &TableFile, roles: &Roles) -> Result<(), Error> {
    let used = roles.named().filter(|(flag, _)| *flag != "--exclude");
    for (flag, name) in used {
        if let Some((_, reason)) = file.unreadable.iter().find(|(column, _)| column == name) {
            return Err(file.column(name, format!("{reason}, which cannot be read as {flag}; name another column")));
        }
    }
    Ok(())
}

/// How a cell of the time column becomes a number.
type Moment = fn(&str) -> Option<f64>;

fn moment_of(time: &Tally) -> Moment {
    match time.kind() {
        kind @ (Kind::DayFirst | Kind::MonthFirst | Kind::DecimalComma) => kind.reading(),
        Kind::Number | Kind::Flag | Kind::Day | Kind::Words => moment,
    }
}

/// What to tell about dates that both orders of day and month read.
fn order_note(name: &str, tally: &Tally) -> Option<String> {
    let (read, other) = match tally.kind() {
        Kind::DayFirst => ("day first", "month"),
        Kind::MonthFirst => ("month first", "day"),
        _ => return None,
    };
    let told = format!("`{name}`: dates are read with the {read}; no cell tells it from the {other} first");
    tally.has_either_order().then_some(told)
}

/// Columns that may be features.
fn candidates<'a>(file: &'a TableFile, roles: &Roles, notes: &mut Vec<String>) -> Vec<&'a str> {
    let named: Vec<&String> = roles.named().map(|(_, name)| name).collect();
    let unreadable = |name: &String| file.unreadable.iter().find(|(column, _)| column == name);
    let mut candidates = Vec::new();
    for name in file.columns.iter().filter(|name| !named.contains(name)) {
        match unreadable(name) {
            Some((_, reason)) => notes.push(format!("`{name}` is left out: {reason}")),
            None => candidates.push(name.as_str()),
        }
    }
    candidates
}

/// The columns that vary and describe rows rather than name them.
fn features(candidates: &[&str], tallies: &[Tally], notes: &mut Vec<String>) -> Vec<Feature> {
    let mut features = Vec::new();
    for (name, tally) in candidates.iter().zip(tallies) {
        if let Some(reason) = tally.names_rows(name) {
            notes.push(format!("`{name}` is left out: {reason}"));
            continue;
        }
        let (kind, fine) = (tally.kind(), tally.fine());
        let values = match &fine {
            Bins::Numbers { edges } => edges.len() + usize::from(!tally.is_empty()),
            Bins::Words { levels } => levels.len(),
        };
        if values + usize::from(tally.missing > 0) < 2 {
            notes.push(format!("`{name}` is left out: it never varies"));
            continue;
        }
        if tally.unread() > 0 {
            notes.push(format!("`{name}`: {} cells that are no {} count as missing", tally.unread(), kind.holds()));
        }
        notes.extend(order_note(name, tally));
        let means = vec![0.0; fine.codes()];
        features.push(Feature { name: (*name).to_owned(), kind, fine, codes: Vec::new(), means });
    }
    features
}

/// Values of the label and how often each occurs.
#[derive(Default)]
struct Labels {
    counts: HashMap<String, u32>,
}

/// Different values of a label beyond which it is no label.
const MAX_LABELS: usize = 1_000;

impl Labels {
    fn positive(&self, file: &TableFile, roles: &Roles) -> Result<(String, Option<String>), Error> {
        let mut counted: Vec<(&str, u32)> = self.counts.iter().map(|(value, n)| (value.as_str(), *n)).collect();
        counted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        labels::positive(&counted, roles.positive.as_deref()).map_err(|reason| file.column(&roles.label, reason))
    }

    fn add(&mut self, cells: &Cells) {
        for value in (0..cells.len()).filter_map(|row| cells.text(row)) {
            if self.counts.len() < MAX_LABELS || self.counts.contains_key(&value) {
                *self.counts.entry(value).or_default() += 1;
            }
        }
    }
}

const ID_SEED: u64 = 0x1d;

fn encode(
    file: &TableFile,
    roles: &Roles,
    mut features: Vec<Feature>,
    positive: String,
    moment: Moment,
    mut notes: Vec<String>,
) -> Result<CodedTable, Error> {
    let mut columns: Vec<String> = features.iter().map(|feature| feature.name.clone()).collect();
    let mut place = |name: Option<&String>| {
        let name = name?;
        columns.push(name.clone());
        Some(columns.len() - 1)
    };
    let (label, id, time) = (place(Some(&roles.label)), place(roles.id.as_ref()), place(roles.time.as_ref()));
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table =
        Collected { counts: features.iter().map(|f| vec![0.0; f.fine.codes()]).collect(), ..Collected::default() };
    file.scan(&names, &mut |batch| {
        let label = &batch[label.unwrap_or_default()];
        let used = table.use_rows(label, id.map(|at| &batch[at]), time.map(|at| (&batch[at], moment)), &positive);
        features.par_iter_mut().zip(&mut table.counts).zip(batch).for_each(|((feature, counts), cells)| {
            feature.add(cells, &used, counts);
        });
        Ok(())
    })?;
    if table.labels.is_empty() && table.without_time > 0 {
        let time = roles.time.as_deref().unwrap_or_default();
        return Err(file.column(time, "holds no day, moment or number in any row that has a label; --time needs one"));
    }
    for (feature, counts) in features.iter_mut().zip(&table.counts) {
        feature.means.iter_mut().zip(counts).for_each(|(mean, n)| *mean /= n.max(1.0));
    }
    notes.extend(table.notes(roles));
    let times = roles.time.is_some().then_some(table.times);
    Ok(CodedTable { features, labels: table.labels, ids: table.ids, times, positive, notes })
}

#[derive(Default)]
struct Collected {
    rows: usize,
    labels: Vec<bool>,
    ids: Vec<u64>,
    times: Vec<f64>,
    without_label: usize,
    without_time: usize,
    counts: Vec<Vec<f64>>,
}

impl Collected {
    /// Rows of a batch that have a label and, where it is asked for, a time.
    fn use_rows(
        &mut self,
        label: &Cells,
        id: Option<&Cells>,
        time: Option<(&Cells, Moment)>,
        positive: &str,
    ) -> Vec<usize> {
        let mut used = Vec::with_capacity(label.len());
        for row in 0..label.len() {
            let at = time.map(|(time, moment)| time.number(row, moment));
            match (label.text(row), at) {
                (None, _) => self.without_label += 1,
                (_, Some(None)) => self.without_time += 1,
                (Some(value), at) => {
                    self.labels.push(value == positive);
                    self.times.extend(at.flatten());
                    self.ids.push(self.id(id, row));
                    used.push(row);
                }
            }
        }
        self.rows += label.len();
        used
    }

    fn id(&self, id: Option<&Cells>, row: usize) -> u64 {
        match id.and_then(|id| id.text(row)) {
            Some(text) => xxh3_64_with_seed(text.as_bytes(), ID_SEED),
            None => xxh3_64_with_seed(&((self.rows + row) as u64).to_le_bytes(), ID_SEED + 1),
        }
    }

    fn notes(&self, roles: &Roles) -> Vec<String> {
        let of = |count: usize, column: &str| {
            (count > 0).then(|| format!("{count} of {} rows are left out: `{column}` is missing", self.rows))
        };
        let time = roles.time.as_deref().unwrap_or_default();
        of(self.without_label, &roles.label).into_iter().chain(of(self.without_time, time)).collect()
    }
}

impl Feature {
    fn add(&mut self, cells: &Cells, used: &[usize], counts: &mut [f64]) {
        let reading = self.kind.reading();
        self.codes.reserve(used.len());
        for row in used {
            let code = match (&self.fine, cells) {
                (Bins::Words { .. }, Cells::Text(values)) => {
                    use arrow::array::Array;
                    self.fine.of_word(values.is_valid(*row).then(|| values.value(*row)))
                }
                (Bins::Words { .. }, _) => MISSING,
                _ => {
                    let value = cells.number(*row, reading).unwrap_or(f64::NAN);
                    let code = self.fine.of_number(value);
                    if code != MISSING {
                        self.means[usize::from(code)] += value;
                    }
                    code
                }
            };
            counts[usize::from(code)] += 1.0;
            self.codes.push(code);
        }
    }
}
