//! Detectors and truth were written apart; here they meet on a small exact world.

use foothold::accuracy::{self, Score};
use foothold::job;
use foothold::simulate::{Noise, Params};

#[test]
fn what_is_there_is_found_where_nothing_blurs_it() {
    let world = Params { noise: Noise::None, ..Params::new(160, 400, 11).expect("valid") };
    let report = accuracy::measure(&[world], job::built_in(), &mut |_| {}).expect("a world is judged");
    let sum = |count: fn(&Score) -> usize| report.signals.values().map(count).sum::<usize>() as f64;
    let (found, alarms, missed) = (sum(|s| s.found), sum(|s| s.false_alarms), sum(|s| s.missed));
    assert!(report.accounts > 100 && found > 100.0, "{} accounts, {found} found", report.accounts);
    assert!(found / (found + alarms) >= 0.95, "precision {:.3}: {:?}", found / (found + alarms), report.signals);
    assert!(found / (found + missed) >= 0.95, "recall {:.3}: {:?}", found / (found + missed), report.signals);
}

#[test]
fn shares_are_of_alarms_and_of_what_is_there() {
    let score = Score { found: 8, false_alarms: 2, missed: 0, ..Score::default() };
    assert_eq!((score.n(), score.precision(), score.recall()), (8, Some(0.8), Some(1.0)));
    assert!(score.reaches(0.8) && !score.reaches(0.81));
    let never = Score::default();
    assert_eq!((never.precision(), never.recall()), (None, None));
    assert!(never.reaches(1.0), "what never occurred cannot fall short");
}
