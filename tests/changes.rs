//! Why a score moved: parts that add up to the last bit, late rows told from new ones, and nights that say so.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use foothold::changes::{Score, Scores, Stages, changes};
use foothold::extracts::assembled::late::without_late;
use foothold::history::View;
use foothold::job::{Job, Overrides};
use foothold::pipeline::nightly;
use foothold::store::Access;
use foothold::vocabulary::{AccountIx, Day, PropensityKind};
use proptest::prelude::*;

use crate::support::night::{Quiet, fresh_url, job, table, try_night, world};
use crate::support::{WorldBuilder, day};
use foothold::extracts::Seen;
use foothold::extracts::tables::ActivityKind;

const CHURN: Score = Score::Propensity(PropensityKind::Churn, None);

/// One score in five versions: before, and after each cause.
fn one(score: Score, values: [f64; 5], unknown: bool) -> foothold::changes::ScoreChange {
    let key = (AccountIx::from(0), score);
    let of = |value: f64| Scores::from([(key, value)]);
    let stages = Stages {
        without_late: of(values[1]),
        before_configuration: of(values[2]),
        before_models: of(values[3]),
        configuration_unknown: unknown,
    };
    changes(&of(values[0]), &stages, &of(values[4])).remove(0)
}

#[test]
fn each_cause_gets_what_it_moved() {
    let change = one(Score::Health, [0.25, 0.375, 0.5, 0.5, 0.75], false);
    let parts = [change.from_data, change.from_late_data, change.from_configuration, change.from_model];
    assert_eq!((change.before, change.after, parts), (0.25, 0.75, [0.125, 0.125, 0.0, 0.25]));
    let unknown = one(Score::Health, [0.25, 0.375, 0.5, 0.625, 0.75], true);
    assert_eq!((unknown.from_data, unknown.from_configuration), (0.0, 0.25), "the settings before cannot be read");
}

#[test]
fn a_probability_is_split_on_the_log_odds_scale_and_published_as_it_is() {
    let change = one(CHURN, [0.01, 0.02, 0.02, 0.5, 2.0 / 3.0], false);
    assert!((change.before - 0.01).abs() < 1e-9 && (change.after - 2.0 / 3.0).abs() < 1e-9);
    let doubled = (0.02f64 / 0.98).ln() - (0.01f64 / 0.99).ln();
    assert!((change.from_data - doubled).abs() < 1e-8, "{change:?}");
    assert!((change.from_model - 2f64.ln()).abs() < 1e-8, "1/2 to 2/3 doubles the odds: {change:?}");
    assert_eq!(change.from_late_data, 0.0);
    let certain = one(CHURN, [0.0, 0.5, 0.5, 0.5, 1.0], false);
    assert!(certain.from_data.is_finite() && certain.end.is_finite());
}

#[test]
fn what_did_not_move_or_is_new_has_no_row_and_a_stage_left_out_moved_nothing() {
    let key = |account: usize| (AccountIx::from(account), Score::Health);
    let before = Scores::from([(key(0), 50.0), (key(1), 60.0), (key(3), 70.0)]);
    let after = Scores::from([(key(0), 50.0), (key(1), 61.0), (key(2), 80.0)]);
    let found = changes(&before, &Stages::default(), &after);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].account, found[0].from_data, found[0].from_model), (AccountIx::from(1), 1.0, 0.0));
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_last_bit(
        values in proptest::array::uniform5(0.0f64..=1.0), probability in any::<bool>(), unknown in any::<bool>(),
    ) {
        let (score, scale) = if probability { (CHURN, 1.0) } else { (Score::Readiness, 100.0) };
        let values = values.map(|value| value * scale);
        let change = one(score, values, unknown);
        let sum = change.start + change.from_data + change.from_late_data + change.from_configuration + change.from_model;
        prop_assert_eq!(sum.to_bits(), change.end.to_bits());
        prop_assert!((change.before - values[0]).abs() < 1e-9 && (change.after - values[4]).abs() < 1e-9);
    }
}

#[test]
fn late_rows_are_taken_out_and_what_they_corrected_stands_again() {
    let (since, as_of) = (day("2026-03-10"), day("2026-03-11"));
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0)]);
    for account in ["on_time", "late", "corrected"] {
        world.account(account);
        world.subscription(&format!("s-{account}"), account, "crm", "basic", day("2025-01-01"));
        world.usage_run(account, "crm", "seats", day("2026-03-01"), &[10.0; 11]);
    }
    // On time: the day before's use arrives in the morning. Late: five days after. Corrected: a second version.
    world.usage_recorded("on_time", "crm", "sessions", since, 3.0, as_of);
    world.usage_recorded("late", "crm", "sessions", day("2026-03-06"), 7.0, as_of);
    world.usage_recorded("corrected", "crm", "sessions", day("2026-03-05"), 1.0, day("2026-03-05"));
    world.usage_recorded("corrected", "crm", "sessions", day("2026-03-05"), 9.0, as_of);
    world.activity("a-new", "on_time", ActivityKind::Meeting, as_of);
    world.activity("a-late", "late", ActivityKind::Meeting, day("2026-03-04")).seen = Seen::from(as_of);
    let extracts = world.build();
    let late = without_late(&extracts, since, as_of).expect("two accounts were touched");
    let names: Vec<&str> = late.accounts.iter().map(|account| extracts.account_id(*account)).collect();
    assert_eq!(names, ["corrected", "late"]);
    let sessions = |extracts: &foothold::extracts::Extracts, account: &str, on: &str| {
        let account = extracts.ids.accounts.get(account).unwrap();
        let of = extracts.usage.of(account).iter().find(|s| extracts.metric(s.metric) == "sessions").copied();
        of.map(|series| extracts.usage.known(&series, as_of)[day(on).since(series.start) as usize])
    };
    assert_eq!(sessions(&extracts, "corrected", "2026-03-05"), Some(9.0));
    assert_eq!(sessions(&late.extracts, "corrected", "2026-03-05"), Some(1.0));
    assert!(sessions(&late.extracts, "late", "2026-03-06").is_none_or(f64::is_nan));
    let view = View::new(&late.extracts, as_of);
    assert_eq!(view.activities(late.accounts[1]).count(), 0);
    assert_eq!(view.accounts().count(), 2, "the account that nothing late touched is left out");
    assert!(without_late(&extracts, as_of, as_of.plus(1)).is_none());
}

/// The numbers of one night's changes by score and account: before, after, data, late, configuration, model; the first
/// two on the scale of the others.
fn published(output: &str, as_of: Day) -> BTreeMap<(String, String), [f64; 6]> {
    let columns = ["before", "after", "from_data", "from_late_data", "from_configuration", "from_model"];
    let mut rows = BTreeMap::new();
    for batch in table(output, as_of, "score_changes", &[]) {
        let text = |name: &str, at: usize| batch.column_by_name(name).unwrap().as_string::<i32>().value(at).to_owned();
        for at in 0..batch.num_rows() {
            let number = |name: &str| {
                let known = |name: &str| batch.column_by_name(name).filter(|column| column.is_valid(at)).cloned();
                let column = known(&format!("{name}_log_odds")).or_else(|| known(name)).unwrap();
                column.as_primitive::<Float64Type>().value(at)
            };
            rows.insert((text("account_id", at), text("score", at)), columns.map(number));
        }
    }
    rows
}

fn health_weighed(extracts: &str, output: &str) -> Job {
    let text = format!(
        "version = 1\n[extracts]\nurl = \"{extracts}\"\n[output]\nurl = \"{output}\"\n[models]\ntrain_if_missing = false\n[health]\nproduct_weight = 0.05\n"
    );
    Job::parse("test job", &text, &Overrides::default(), Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn nights_say_what_moved_and_by_what() {
    let (extracts, output) = (world(40, 200, 9), fresh_url());
    let last = job(&extracts, &output).settings.as_of.unwrap_or(day("2026-06-30"));
    let nights = [last.minus(2), last.minus(1), last];
    try_night(&extracts, &output, nights[0]).unwrap_or_else(|e| panic!("{e}"));
    assert!(published(&output, nights[0]).is_empty(), "a first night has nothing to compare with");
    try_night(&extracts, &output, nights[1]).unwrap_or_else(|e| panic!("{e}"));
    let second = published(&output, nights[1]);
    assert!(second.len() > 10, "{} scores moved overnight", second.len());
    for (key, [before, after, data, late, configuration, model]) in &second {
        assert_eq!(before + data + late + configuration + model, *after, "{key:?}");
        assert_eq!((*configuration, *model), (0.0, 0.0), "{key:?}: neither job nor models changed");
    }
    let access = Access::default();
    nightly::run(&health_weighed(&extracts, &output), nights[2], &access, &Quiet::at(1_700_000_000_000_000))
        .unwrap_or_else(|e| panic!("{e}"));
    let third = published(&output, nights[2]);
    let of_health = third.iter().filter(|((_, score), _)| score == "health");
    let moved = of_health.filter(|(_, parts)| parts[4] != 0.0).count();
    assert!(moved > 10, "another weight moves the health of {moved} accounts");
    for (key, [before, after, data, late, configuration, model]) in &third {
        assert_eq!(before + data + late + configuration + model, *after, "{key:?}");
        assert_eq!(*model, 0.0, "{key:?}");
    }
}
