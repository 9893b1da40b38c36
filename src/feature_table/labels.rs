//! Which value of the label is predicted.

/// Words that name the outcome that is looked for, without case or a closing point.
const POSITIVE: [&str; 12] =
    ["1", "true", "yes", "y", "t", "positive", "churn", "churned", "bought", "converted", "won", "upgraded"];

/// The positive value among the label's values, most frequent first, and what to tell about the choice.
///
/// `asked` is matched as written, then without case, then as a number.
pub fn positive(values: &[(&str, u32)], asked: Option<&str>) -> Result<(String, Option<String>), String> {
    let shown = || {
        let shown: Vec<String> =
            values.iter().take(8).map(|(value, rows)| format!("`{value}` ({rows} rows)")).collect();
        let more = values.len().saturating_sub(shown.len());
        shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
    };
    match (values.len(), asked) {
        (0, _) => Err("has no value in any row".to_owned()),
        (1, _) => Err(format!("is `{}` in every row, so there is nothing to tell apart", values[0].0)),
        (_, Some(asked)) => match matching(values, asked) {
            Some(value) => Ok((value.to_owned(), None)),
            None => Err(format!("has no value `{asked}`; it has {}", shown())),
        },
        (2, None) => Ok(of_two(values)),
        (n, None) => Err(format!("has {n} values: {}; name the one to predict with --positive VALUE", shown())),
    }
}

fn matching<'a>(values: &[(&'a str, u32)], asked: &str) -> Option<&'a str> {
    let same = |value: &&str| *value == asked;
    let folded = |value: &&str| value.eq_ignore_ascii_case(asked.trim());
    let number = |value: &&str| asked.parse::<f64>().is_ok_and(|n| value.parse() == Ok(n));
    let words = || values.iter().map(|(value, _)| *value);
    words().find(same).or_else(|| words().find(folded)).or_else(|| words().find(number))
}

fn of_two(values: &[(&str, u32)]) -> (String, Option<String>) {
    let (a, b) = (values[0].0, values[1].0);
    let plain = |value: &str| value.trim_end_matches('.').to_lowercase();
    let named = |value: &str| POSITIVE.contains(&plain(value).as_str());
    match (named(a), named(b), a.parse::<f64>(), b.parse::<f64>()) {
        (_, _, Ok(x), Ok(y)) => (if x > y { a } else { b }.to_owned(), None),
        (true, false, ..) => (a.to_owned(), None),
        (false, true, ..) => (b.to_owned(), None),
        // Most frequent first, so the second is the rarer one.
        _ => {
            (b.to_owned(), Some(format!("`{b}` is predicted, the rarer of the two values; --positive says otherwise")))
        }
    }
}
