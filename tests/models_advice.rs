//! What would have to change, and how sure a probability is.

use foothold::learners::columns::table::{Column, Table, Values};
use foothold::learners::families::scorecard::Scorecard;
use foothold::learners::measuring::bootstrap::Interval;
use foothold::models::judging::tested::TestRow;
use foothold::models::judging::uncertainty::Uncertainty;
use foothold::models::scoring::counterfactual::{Bound, counterfactual, sentence};
use foothold::statistics::sigmoid;
use foothold::vocabulary::PropensityKind;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::models_scoring::world;
use crate::support::day;

#[test]
fn doing_what_it_says_brings_the_model_to_what_it_says() {
    let world = world(300, 12, 1.0, 21);
    for kind in [PropensityKind::Churn, PropensityKind::Upsell] {
        let model = world.train(kind).artifact;
        let card: &Scorecard = model.scorecard.as_ref().expect("fitted");
        let (frame, mut advised) = (world.table.frame(), 0);
        let columns = card.bind(&frame).unwrap();
        for row in (0..world.table.rows).step_by(7) {
            let now = sigmoid(model.calibrator.apply(card.log_odds(&columns, row)));
            let base = model.trained.base_rate;
            let wanting = if kind == PropensityKind::Churn { now > base } else { now < base };
            let Some(found) = counterfactual(&model, card, &columns, row) else { continue };
            advised += 1;
            assert!(wanting && !found.moves.is_empty() && found.moves.len() <= 3, "{found:?}");
            let then = after(&world.table, card, row, &found.moves);
            let columns = card.bind(&then.frame()).unwrap().into_iter().map(|c| c.cloned()).collect::<Vec<_>>();
            let columns: Vec<Option<&Column>> = columns.iter().map(Option::as_ref).collect();
            let reached = sigmoid(model.calibrator.apply(card.log_odds(&columns, 0)));
            assert!((reached - found.probability).abs() < 1e-9, "{reached} instead of {found:?}");
            assert!(if kind == PropensityKind::Churn { reached <= base } else { reached >= base }, "{found:?}");
            let text = sentence(&model, card, &found, now);
            let verb = if kind == PropensityKind::Churn { "below" } else { "above" };
            assert!(text.contains("(now ") && text.contains(verb), "{text}");
        }
        assert!(advised > 50, "{advised} rows of {kind} were given advice");
    }
}

/// The row with the moves carried out.
fn after(
    table: &Table,
    card: &Scorecard,
    row: usize,
    moves: &[foothold::models::scoring::counterfactual::Move],
) -> Table {
    let mut one = table.take(&[row as u32]);
    for step in moves {
        let name = &card.features[step.feature].spec.name;
        let column = one.columns.iter_mut().find(|column| column.spec.name == *name).expect("bound");
        assert_eq!((column.values.holds(), column.values.number(0)), ("numbers", step.from), "only numbers move");
        column.values = Values::Numbers(vec![match step.to {
            Bound::AtMost(edge) => edge,
            Bound::Above(edge) => edge.next_up(),
        }]);
    }
    one
}

#[test]
fn what_nobody_can_influence_is_no_advice() {
    let mut world = world(300, 12, 1.0, 22);
    world.table.columns.iter_mut().for_each(|column| column.spec.source = "accounts".into());
    let model = world.train(PropensityKind::Churn).artifact;
    let card = model.scorecard.as_ref().expect("fitted");
    let frame = world.table.frame();
    let columns = card.bind(&frame).unwrap();
    assert!((0..500).all(|row| counterfactual(&model, card, &columns, row).is_none()));
}

/// Calibrated rows of segments with so many accounts each; the last segment's log-odds are off by `offset`.
fn rows(sizes: &[(&str, usize)], offset: f64, seed: u64) -> Vec<TestRow> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for (place, (segment, accounts)) in sizes.iter().enumerate() {
        let off = if place + 1 == sizes.len() { offset } else { 0.0 };
        for account in 0..*accounts {
            let z: f64 = rng.random_range(-3.0..0.0);
            rows.push(TestRow {
                account_hash: (place * 100_000 + account) as u64,
                day: day("2026-01-01"),
                product: None,
                segment: Some((*segment).into()),
                happened: rng.random::<f64>() < sigmoid(z + off),
                probability: sigmoid(z),
                baseline: 0.1,
            });
        }
    }
    rows
}

#[test]
fn thin_segments_have_wide_intervals_and_unknown_ones_the_widest() {
    let rows = rows(&[("big", 5_000), ("small", 40), ("tiny", 5)], 0.0, 31);
    let found = Uncertainty::of(&rows).expect("rows of both outcomes");
    let width = |segment: Option<&str>| {
        let Interval { low, high } = found.interval(-1.0, segment);
        assert!(low < sigmoid(-1.0) && sigmoid(-1.0) < high);
        high - low
    };
    assert!(width(Some("big")) < width(Some("small")) && width(Some("small")) < width(Some("tiny")));
    assert!(width(Some("tiny")) <= width(Some("never seen")) && width(None) == width(Some("never seen")));
    assert!(width(Some("big")) < 0.06, "{}", width(Some("big")));
    assert!(Uncertainty::of(&[]).is_none());
}

#[test]
fn segments_that_differ_make_every_thin_segment_less_sure() {
    let sizes = [("a", 2_000), ("b", 2_000), ("c", 2_000), ("off", 2_000)];
    let (same, apart) = (rows(&sizes, 0.0, 32), rows(&sizes, 1.2, 32));
    let error = |rows: &[TestRow]| Uncertainty::of(rows).unwrap().elsewhere;
    assert!(error(&apart) > 2.0 * error(&same), "{} {}", error(&apart), error(&same));
}

#[test]
fn repeated_snapshots_of_an_account_do_not_make_a_segment_surer() {
    let once = rows(&[("a", 400), ("b", 400)], 0.0, 33);
    let often: Vec<TestRow> = (0..6).flat_map(|_| once.clone()).collect();
    let error = |rows: &[TestRow]| Uncertainty::of(rows).unwrap().segments[0].standard_error;
    assert!((error(&once) / error(&often) - 1.0).abs() < 0.1, "{} {}", error(&once), error(&often));
}
