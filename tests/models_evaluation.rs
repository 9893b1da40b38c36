//! Figures against slow definitions, and intervals that mean what they say.

use foothold::learners::measuring::bootstrap::{Estimate, Interval, Resampling, Scored, paired};
use foothold::learners::measuring::curves::{Curves, STEPS};
use foothold::learners::measuring::evaluate::{Grade, Metrics, metrics};
use foothold::statistics::sigmoid;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BY: Resampling = Resampling { replicates: 200, seed: 1 };

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} is not {b} within {tolerance}");
}

/// Calibrated probabilities with the labels they gave rise to, one row per account.
struct Rows {
    probabilities: Vec<f64>,
    labels: Vec<bool>,
    accounts: Vec<u64>,
}

fn rows(n: usize, seed: u64) -> Rows {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let probabilities: Vec<f64> = (0..n).map(|_| sigmoid(rng.random_range(-4.0..1.5))).collect();
    let labels = probabilities.iter().map(|p| rng.random::<f64>() < *p).collect();
    Rows { probabilities, labels, accounts: (0..n as u64).map(|n| n * 7919 + seed).collect() }
}

impl Rows {
    fn scored(&self) -> Scored {
        Scored::new(&self.probabilities, &self.labels, &self.accounts).expect("both outcomes")
    }

    fn repeated(&self, times: usize) -> Rows {
        Rows {
            probabilities: self.probabilities.repeat(times),
            labels: self.labels.repeat(times),
            accounts: self.accounts.repeat(times),
        }
    }
}

#[test]
fn metrics_equal_figures_worked_out_by_hand() {
    // Highest first: 0.9 +, 0.8 −, 0.6 + and − tied, 0.2 −, so of 2 × 3 pairs 1st + wins 3, 2nd + wins 1 and ties 1.
    let (p, y) = (vec![0.2, 0.9, 0.6, 0.8, 0.6], vec![false, true, true, false, false]);
    let m = metrics(&p, &y).expect("both outcomes occur");
    close(m.auc, 4.5 / 6.0, 1e-12);
    close(m.pr_auc, 0.5 * 1.0 + 0.5 * (2.0 / 4.0), 1e-12);
    let loss = -(0.8f64.ln() + 0.9f64.ln() + 0.6f64.ln() + 0.2f64.ln() + 0.4f64.ln()) / 5.0;
    close(m.log_loss, loss, 1e-12);
    close(m.brier, (0.04 + 0.01 + 0.16 + 0.64 + 0.36) / 5.0, 1e-12);
    // Five rows are five slices of one: Σ |p − y| / 5, and each half of the tied pair holds half a positive.
    close(m.calibration_error, (0.2 + 0.1 + 0.1 + 0.1 + 0.8) / 5.0, 1e-12);
    close(m.lift_top_decile, 1.0 / (2.0 / 5.0), 1e-12);
}

#[test]
fn an_a_needs_rows_of_either_outcome_and_an_interval_that_bears_it_out() {
    let metrics = |rows: usize, positives: usize, auc: f64, log_loss: f64| Metrics {
        rows,
        positives,
        auc,
        pr_auc: 0.5,
        log_loss,
        brier: 0.1,
        calibration_error: 0.02,
        lift_top_decile: 3.0,
    };
    let grade = |positives: usize, low: Option<f64>| {
        Grade::of(&metrics(1_000, positives, 0.85, 0.2), &metrics(1_000, positives, 0.6, 0.3), low)
    };
    assert_eq!((grade(30, None), grade(970, Some(0.8))), (Grade::A, Grade::A));
    assert_eq!((grade(12, None), grade(988, None)), (Grade::B, Grade::B), "too few of one outcome");
    assert_eq!((grade(200, Some(0.65)), grade(200, Some(0.5))), (Grade::B, Grade::C), "the interval reaches down");
}

#[test]
fn a_constant_prediction_scores_as_no_information() {
    let labels: Vec<bool> = (0..100).map(|row| row % 4 == 0).collect();
    let m = metrics(&[0.25; 100], &labels).unwrap();
    assert_eq!((m.auc, m.pr_auc, m.lift_top_decile), (0.5, 0.25, 1.0));
    close(m.calibration_error, 0.0, 1e-12);
    assert!(metrics(&[0.5; 3], &[true; 3]).is_none() && metrics(&[], &[]).is_none());
}

#[test]
fn deciles_share_a_tie_out_and_curves_end_where_they_must() {
    // Twenty rows, two positives at the top, eighteen rows of one probability with two positives among them.
    let (mut p, mut y) = (vec![0.9, 0.9], vec![true, true]);
    p.extend([0.1; 18]);
    y.extend((0..18).map(|row| row < 2));
    let accounts: Vec<u64> = (0..20).collect();
    let scored = Scored::new(&p, &y, &accounts).unwrap();
    let curves = Curves::of(&scored, &scored, BY);
    let first = curves.deciles[0];
    assert_eq!((first.rows, first.positives, first.predicted, first.lift, first.captured), (2.0, 2.0, 0.9, 5.0, 0.5));
    for decile in &curves.deciles[1..] {
        close(decile.positives, 2.0 / 9.0, 1e-12);
        close(decile.predicted, 0.1, 1e-12);
    }
    close(curves.deciles[9].captured, 1.0, 1e-12);
    close(curves.gain[STEPS].y, 1.0, 1e-12);
    // Half of the positives stand before the first negative, so the ROC curve begins at 0.5.
    close(curves.roc[0].y, 0.5, 1e-12);
    close(curves.precision_recall[STEPS / 2].y, 1.0, 1e-12);
    close(curves.precision_recall[STEPS].y, 4.0 / 20.0, 1e-12);
    // At the base rate of 0.2 both rows of 0.9 are acted on and both count.
    let at_base = curves.net_benefit.iter().find(|point| point.threshold == 0.2).unwrap();
    close(at_base.model, 2.0 / 20.0, 1e-12);
    close(at_base.everyone, (4.0 - 16.0 * 0.25) / 20.0, 1e-12);
}

#[test]
fn intervals_cover_the_truth_about_as_often_as_they_claim() {
    let truth = rows(200_000, 1).scored().ranking().metrics();
    let worlds: Vec<_> = (0..80).map(|n| rows(400, 100 + n).scored().drawn(BY).intervals().unwrap()).collect();
    let covered = |holds: &dyn Fn(usize) -> bool| (0..80).filter(|n| holds(*n)).count();
    let auc = covered(&|n| worlds[n].auc.holds(truth.auc));
    let loss = covered(&|n| worlds[n].log_loss.holds(truth.log_loss));
    let brier = covered(&|n| worlds[n].brier.holds(truth.brier));
    // 95 % of 80 is 76; fewer than 69 happen less than once in 500 times where the claim is true.
    assert!([auc, loss, brier].iter().all(|covered| *covered >= 69), "{auc} {loss} {brier} of 80");
}

#[test]
fn repeating_the_snapshots_of_every_account_makes_no_interval_narrower() {
    let once = rows(300, 3);
    let (single, fourfold) =
        (once.scored().drawn(BY).intervals().unwrap(), once.repeated(4).scored().drawn(BY).intervals().unwrap());
    let same = |a: Interval, b: Interval| (close(a.low, b.low, 1e-9), close(a.high, b.high, 1e-9));
    same(single.auc, fourfold.auc);
    same(single.log_loss, fourfold.log_loss);
    same(single.pr_auc, fourfold.pr_auc);
    let by_row = Rows { accounts: (0..1_200).collect(), ..once.repeated(4) }.scored().drawn(BY).intervals().unwrap();
    let width = |interval: Interval| interval.high - interval.low;
    assert!(width(by_row.auc) < 0.7 * width(single.auc), "rows counted as independent look surer than they are");
}

#[test]
fn a_model_against_itself_differs_by_nothing_and_a_better_one_by_something() {
    let rows = rows(2_000, 5);
    let flat = vec![rows.labels.iter().filter(|label| **label).count() as f64 / 2_000.0; 2_000];
    let same = paired(&rows.probabilities, &rows.probabilities, &rows.labels, &rows.accounts, BY).unwrap();
    assert_eq!(same.log_loss, Estimate { value: 0.0, low: 0.0, high: 0.0 });
    let better = paired(&rows.probabilities, &flat, &rows.labels, &rows.accounts, BY).unwrap();
    assert!(better.log_loss.high < 0.0 && better.auc.low > 0.0, "{better:?}");
    let whole = |p: &[f64]| metrics(p, &rows.labels).unwrap();
    close(better.log_loss.value, whole(&rows.probabilities).log_loss - whole(&flat).log_loss, 1e-12);
}

#[test]
fn without_both_outcomes_there_is_nothing_to_score() {
    assert!(Scored::new(&[0.1, 0.2], &[true, true], &[1, 2]).is_none());
    assert!(Scored::new(&[], &[], &[]).is_none() && Scored::new(&[0.1], &[true, false], &[1]).is_none());
    // One account holds every positive: half of the replicates lose it, the rest still speak.
    let lone = Scored::new(&[0.9, 0.2, 0.1], &[true, false, false], &[1, 2, 3]).unwrap();
    assert!(lone.drawn(BY).intervals().is_some_and(|intervals| intervals.replicates < 160));
}

/// The metrics by their definitions, quadratic and plain.
fn slow(p: &[f64], y: &[bool]) -> (f64, f64) {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (a, _) in p.iter().zip(y).filter(|row| *row.1) {
        for (b, _) in p.iter().zip(y).filter(|row| !*row.1) {
            wins += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
            pairs += 1.0;
        }
    }
    let mut steps = p.to_vec();
    steps.sort_by(|a, b| b.total_cmp(a));
    steps.dedup();
    let positives = y.iter().filter(|label| **label).count() as f64;
    let (mut area, mut before) = (0.0, 0.0);
    for step in steps {
        let above = p.iter().zip(y).filter(|row| *row.0 >= step);
        let (found, seen) = above.fold((0.0, 0.0), |sum, row| (sum.0 + f64::from(u8::from(*row.1)), sum.1 + 1.0));
        area += (found - before) / positives * found / seen;
        before = found;
    }
    (wins / pairs, area)
}

fn bits(m: &Metrics) -> Vec<u64> {
    [m.auc, m.pr_auc, m.log_loss, m.brier, m.calibration_error, m.lift_top_decile].map(f64::to_bits).to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ranks_agree_with_their_definitions_and_row_order_never_shows(
        cells in proptest::collection::vec((0u8..12, any::<bool>()), 4..60), seed in any::<u64>(),
    ) {
        let p: Vec<f64> = cells.iter().map(|cell| f64::from(cell.0) / 12.0).collect();
        let y: Vec<bool> = cells.iter().map(|cell| cell.1).collect();
        if let Some(m) = metrics(&p, &y) {
            let (auc, area) = slow(&p, &y);
            prop_assert!((m.auc - auc).abs() < 1e-12 && (m.pr_auc - area).abs() < 1e-12);
            let accounts: Vec<u64> = (0..p.len() as u64).map(|n| n / 2).collect();
            let mut order: Vec<usize> = (0..p.len()).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            order.sort_by_cached_key(|_| rng.random::<u64>());
            let pick = |order: &[usize]| -> (Vec<f64>, Vec<bool>, Vec<u64>) {
                (order.iter().map(|n| p[*n]).collect(), order.iter().map(|n| y[*n]).collect(),
                 order.iter().map(|n| accounts[*n]).collect())
            };
            let (p2, y2, a2) = pick(&order);
            prop_assert_eq!(bits(&m), bits(&metrics(&p2, &y2).unwrap()));
            let by = Resampling { replicates: 60, seed };
            let (one, two) = (Scored::new(&p, &y, &accounts).unwrap(), Scored::new(&p2, &y2, &a2).unwrap());
            prop_assert_eq!(bits(&m), bits(&one.ranking().metrics()));
            prop_assert_eq!(one.drawn(by).intervals(), two.drawn(by).intervals());
            let curves = Curves::of(&one, &two, by);
            prop_assert!(curves.roc.windows(2).all(|pair| pair[0].y <= pair[1].y + 1e-12));
            prop_assert!(curves.gain.windows(2).all(|pair| pair[0].y <= pair[1].y + 1e-12));
            prop_assert!(curves.precision_recall.iter().all(|point| (0.0..=1.0).contains(&point.y)));
            let rows: f64 = curves.deciles.iter().map(|decile| decile.rows).sum();
            prop_assert_eq!(rows, p.len() as f64);
        }
    }
}
