//! What a cell says: markers of a missing value, numbers as people write them, days.

use arrow::array::{Array, Float64Array, StringArray};

use crate::vocabulary::Day;

/// One column of a batch. Missing is null, never an empty text.
#[derive(Clone, Debug)]
pub enum Cells {
    Numbers(Float64Array),
    /// Whole numbers of which a float cannot hold every digit, as ids are: the nearest floats, and the digits.
    Long(Float64Array, StringArray),
    /// 0 and 1.
    Flags(Float64Array),
    /// Days since 1970-01-01 with their fraction.
    Days(Float64Array),
    Text(StringArray),
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Cells::Numbers(values) | Cells::Long(values, _) | Cells::Flags(values) | Cells::Days(values) => {
                values.len()
            }
            Cells::Text(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell as text, as a label or an id is compared: whole numbers without a point, days as dates.
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Cells::Text(values) | Cells::Long(_, values) => values.is_valid(row).then(|| values.value(row).to_owned()),
            Cells::Flags(values) => known(values, row).map(|v| if v != 0.0 { "true" } else { "false" }.to_owned()),
            Cells::Numbers(values) => known(values, row).map(|v| v.to_string()),
            Cells::Days(values) => known(values, row).map(|v| match v.fract() == 0.0 {
                true => Day(v as i32).to_string(),
                false => v.to_string(),
            }),
        }
    }

    /// The cell as a number; text is parsed as `reading` says.
    pub fn number(&self, row: usize, reading: fn(&str) -> Option<f64>) -> Option<f64> {
        match self {
            Cells::Numbers(values) | Cells::Long(values, _) | Cells::Flags(values) | Cells::Days(values) => {
                known(values, row)
            }
            Cells::Text(values) => values.is_valid(row).then(|| reading(values.value(row))).flatten(),
        }
    }
}

fn known(values: &Float64Array, row: usize) -> Option<f64> {
    values.is_valid(row).then(|| values.value(row)).filter(|v| v.is_finite())
}

/// The trimmed text, or `None` for what tools write where there is no value.
pub fn present(text: &str) -> Option<&str> {
    let text = text.trim();
    let missing = matches!(
        text,
        "" | "NA" | "N/A" | "n/a" | "#N/A" | "NaN" | "nan" | "NAN" | "NULL" | "null" | "<NA>" | "NaT" | "?" | "-"
    );
    (!missing).then_some(text)
}

/// A number as people and tools write it: `12.5`, `-3e4`, `1,234.50`, `$1,200`, `12 %` (as 12). Infinities are none.
pub fn number(text: &str) -> Option<f64> {
    let first = *text.as_bytes().first()?;
    if let Ok(value) = text.parse::<f64>() {
        return value.is_finite().then_some(value);
    }
    if first.is_ascii_alphabetic() {
        return None;
    }
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let bare = rest.trim_start_matches(['$', '€', '£']).trim_end_matches(['%', '€']).trim();
    let bare = if has_thousands(bare) { bare.replace(',', "") } else { bare.to_owned() };
    let digits = bare.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'.');
    bare.parse::<f64>().ok().filter(|v| digits && v.is_finite()).map(|v| sign * v)
}

/// Commas in groups of three before any point.
fn has_thousands(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let head = groups.next().unwrap_or_default();
    (1..=3).contains(&head.len())
        && whole.contains(',')
        && !fraction.contains(',')
        && groups.all(|group| group.len() == 3)
}

/// A number with a comma before its decimals and points between its thousands: `1.234,50`, `1234,5`, `-12,5 %`, `7 €`.
pub fn decimal_comma(text: &str) -> Option<f64> {
    if text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let turned = |c: char| match c {
        '.' => ',',
        ',' => '.',
        other => other,
    };
    number(&text.chars().map(turned).collect::<String>())
}

/// Days since 1970-01-01 of `2026-03-31`, `2026/03/31` or either followed by a time of day.
pub fn day(text: &str) -> Option<f64> {
    let head = text.get(..10)?;
    let bytes = head.as_bytes();
    if !bytes[0].is_ascii_digit() || bytes[4] != bytes[7] || !matches!(bytes[4], b'-' | b'/') {
        return None;
    }
    let day: Day = head.replace('/', "-").parse().ok()?;
    let rest = &text[10..];
    match rest.as_bytes().first() {
        None => Some(f64::from(day.0)),
        Some(b'T' | b' ') => Some(f64::from(day.0) + seconds(&rest[1..])? / 86_400.0),
        Some(_) => None,
    }
}

/// Days since 1970-01-01 of `31.03.2026`, `31/03/2026` or `31-3-2026`, or any of them followed by a time of day.
pub fn day_first(text: &str) -> Option<f64> {
    ordered_day(text, |first, second| (first, second))
}

/// The same of `03/31/2026`, `03-31-2026` or `3.31.2026`.
pub fn month_first(text: &str) -> Option<f64> {
    ordered_day(text, |first, second| (second, first))
}

/// Two short numbers, of which `day_and_month` says which is which, and a year of four digits.
fn ordered_day(text: &str, day_and_month: fn(u32, u32) -> (u32, u32)) -> Option<f64> {
    if !text.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '/' | '.' | '-'))?;
    let mut parts = text.splitn(3, separator);
    let mut short = || parts.next().filter(|part| (1..=2).contains(&part.len()))?.parse::<u32>().ok();
    let (day, month) = day_and_month(short()?, short()?);
    let rest = parts.next()?;
    let year = rest.get(..4)?.parse::<u32>().ok()?;
    self::day(&format!("{year:04}-{month:02}-{day:02}{}", &rest[4..]))
}

/// Seconds of `07:30`, `07:30:15` or `07:30:15.25`, with or without a zone, which is not applied.
fn seconds(clock: &str) -> Option<f64> {
    let clock = clock.split(['Z', '+', ' ']).next()?;
    let mut total = 0.0;
    for (part, unit) in clock.split(':').zip([3600.0, 60.0, 1.0]) {
        total += part.parse::<f64>().ok().filter(|v| (0.0..=60.0).contains(v))? * unit;
    }
    Some(total)
}

/// A point in time: a day, or else a number that grows with time.
pub fn moment(text: &str) -> Option<f64> {
    day(text).or_else(|| number(text))
}

/// 1 for `true`, 0 for `false`, whatever their case; or a number.
pub fn flag(text: &str) -> Option<f64> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(1.0),
        _ if text.eq_ignore_ascii_case("false") => Some(0.0),
        _ => number(text).filter(|value| *value == 0.0 || *value == 1.0),
    }
}
