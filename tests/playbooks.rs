//! Playbooks are data: the shipped file is sound, and a mistake is reported with the word that was meant.

use foothold::recommendations::playbooks::{Playbook, PlaybookFile, validate};
use foothold::signals::Catalogue;

use crate::support::default_settings;

fn catalogue() -> Catalogue {
    default_settings("signals")
}

pub fn shipped() -> Vec<Playbook> {
    let file: PlaybookFile = toml::from_str(include_str!("../jobs/playbooks.toml")).expect("the playbooks are TOML");
    assert_eq!(file.version, 1);
    file.playbook
}

fn problems(change: impl FnOnce(&mut Playbook)) -> Vec<String> {
    let mut playbooks = shipped();
    change(&mut playbooks[0]);
    validate(&playbooks, &catalogue()).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_playbooks_are_sound() {
    assert_eq!(validate(&shipped(), &catalogue()), Ok(()));
}

/// Points whose facts are not known are left out; three must be there to talk about all the same.
#[test]
fn every_save_play_has_three_talking_points_whatever_is_known() {
    let known = ["{contact}", "{health}", "{reasons}", "{account}"];
    let stands =
        |point: &&String| known.iter().fold((*point).clone(), |left, name| left.replace(name, "")).find('{').is_none();
    for playbook in shipped().iter().filter(|playbook| playbook.play == foothold::vocabulary::Play::RenewalRisk) {
        let points = playbook.talking_points.iter().filter(stands).count();
        assert!(points >= 3, "{}: {points}", playbook.name);
    }
}

#[test]
fn an_unknown_signal_is_named_with_the_one_that_was_meant() {
    let found = problems(|p| p.trigger.any_of = vec!["seat_utilisation".into()]);
    assert_eq!(
        found,
        [
            "playbook `seat_expansion`, trigger.any_of: unknown signal `seat_utilisation`; did you mean `seat_utilization`?"
        ]
    );
}

#[test]
fn an_unknown_placeholder_is_named_with_the_one_that_was_meant() {
    let found = problems(|p| p.talking_points = vec!["Talk to {contct}.".into()]);
    assert_eq!(
        found,
        ["playbook `seat_expansion`, talking_points: unknown placeholder `contct`; did you mean `contact`?"]
    );
}

#[test]
fn every_problem_is_reported_not_the_first() {
    let found = problems(|p| {
        p.name = "tier_upgrade".into();
        p.trigger = Default::default();
        p.deadline_days = -1;
        p.cooldown_days = -1;
        p.steps.reverse();
        p.talking_points = vec!["a lonely {brace".into()];
        p.title = " ".into();
    });
    for said in
        ["another playbook", "can never fire", "deadline_days", "cooldown_days", "must not fall", "no partner", "title"]
    {
        assert!(found.iter().any(|problem| problem.contains(said)), "nothing about `{said}` in {found:#?}");
    }
}

#[test]
fn a_save_play_and_the_risk_play_belong_together() {
    let found = problems(|p| p.play = foothold::vocabulary::Play::RenewalRisk);
    assert!(found.iter().any(|problem| problem.contains("belong together")), "{found:#?}");
}

#[test]
fn an_unknown_key_is_refused() {
    let text = include_str!("../jobs/playbooks.toml").replacen("deadline_days = 21", "deadline_day = 21", 1);
    let refused = toml::from_str::<PlaybookFile>(&text).expect_err("an unknown key");
    assert!(refused.to_string().contains("deadline_day"), "{refused}");
}
