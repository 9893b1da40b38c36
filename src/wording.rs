//! Numbers, dates and lists in the words that account managers read. One place, so that every table, sentence and
//! page says 1,240 and 87 % the same way.

use crate::vocabulary::Day;

/// A whole number with thousands separators: `1,240`; small values keep one decimal: `3.4`.
///
/// ```
/// use foothold::wording::count;
/// assert_eq!((count(1240.0), count(3.44), count(12.0), count(-0.04)), ("1,240".into(), "3.4".into(), "12".into(), "0".into()));
/// ```
pub fn count(value: f64) -> String {
    let small = value.abs() < 10.0 && (value * 10.0).round() % 10.0 != 0.0;
    let text = if small { format!("{value:.1}") } else { whole(value.abs()) };
    if small {
        return text;
    }
    let sign = if value < 0.0 && text != "0" { "-" } else { "" };
    format!("{sign}{}", thousands(&text))
}

/// Largest number below which every whole one is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The digits of `{:.0}`, a tie going to the even number; for whole numbers that fit, without the long way of floats.
///
/// ```
/// use foothold::wording::whole;
/// let values = [0.0, 0.5, 1.5, 2.5, 2.4999999999999996, 87.5, 1e15, 9007199254740993.0, 1e300, -3.5, -0.2];
/// assert!(values.iter().all(|value| whole(*value) == format!("{value:.0}")));
/// ```
pub fn whole(value: f64) -> String {
    match value {
        0.0..EXACT if value.is_sign_positive() => (value.round_ties_even() as u64).to_string(),
        _ => format!("{value:.0}"),
    }
}

fn thousands(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Money in the reporting currency, rounded to what a person would say: `12,400`, `1.24 M`.
///
/// ```
/// use foothold::wording::money;
/// assert_eq!((money(12_384.0), money(1_240_000.0), money(480.0)), ("12,400".into(), "1.24 M".into(), "480".into()));
/// ```
pub fn money(value: f64) -> String {
    match value.abs() {
        v if v >= 1e6 => format!("{:.2} M", value / 1e6),
        v if v >= 1e4 => count((value / 100.0).round() * 100.0),
        _ => count(value.round()),
    }
}

/// A share as a percentage: `87 %`; below 1 % one decimal.
///
/// ```
/// use foothold::wording::percent;
/// assert_eq!((percent(0.874), percent(0.004), percent(1.4)), ("87 %".into(), "0.4 %".into(), "140 %".into()));
/// ```
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value != 0.0 && value.abs() < 1.0 { format!("{value:.1} %") } else { whole(value) + " %" }
}

/// A figure with three decimals, below zero with a minus sign: `0.812`, `−0.012`.
///
/// ```
/// use foothold::wording::thousandths;
/// assert_eq!((thousandths(0.8124), thousandths(-0.012), thousandths(-0.0004)), ("0.812".into(), "−0.012".into(), "0.000".into()));
/// ```
pub fn thousandths(value: f64) -> String {
    let digits = format!("{:.3}", value.abs());
    if value < 0.0 && digits != "0.000" { format!("−{digits}") } else { digits }
}

/// A change as a signed percentage: `+12 %`.
pub fn change(share: f64) -> String {
    format!("{:+.0} %", share * 100.0)
}

/// `3 Mar 2026`.
///
/// ```
/// use foothold::{vocabulary::Day, wording::day};
/// assert_eq!(day(Day::ymd(2026, 3, 3)), "3 Mar 2026");
/// ```
pub fn day(day: Day) -> String {
    day.date().format("%-d %b %Y").to_string()
}

/// `1 day`, `2 days`.
pub fn plural(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(&n.unsigned_abs().to_string()), if n == 1 { one } else { many })
}

/// `today`, `1 day ago`, `2 days ago`.
///
/// ```
/// assert_eq!((foothold::wording::ago(0), foothold::wording::ago(2)), ("today".into(), "2 days ago".into()));
/// ```
pub fn ago(days: i64) -> String {
    if days == 0 { "today".to_owned() } else { format!("{} ago", plural(days, "day", "days")) }
}

/// `a`, `a and b`, `a, b and c`.
///
/// ```
/// assert_eq!(foothold::wording::list(&["a", "b", "c"]), "a, b and c");
/// ```
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [init @ .., last] => {
            let init: Vec<&str> = init.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", init.join(", "), last.as_ref())
        }
    }
}

/// A contract word as people read it: `seat_expansion` → `seat expansion`.
pub fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// First letter in upper case.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The known word that was most likely meant, where one is near enough.
///
/// ```
/// use foothold::wording::nearest;
/// assert_eq!(nearest("seat_utilisation", ["seat_utilization", "overage"]), Some("seat_utilization"));
/// assert_eq!(nearest("weather", ["seat_utilization", "overage"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(word, candidate);
    let best = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= 0.8).then_some(best)
}
