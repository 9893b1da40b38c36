//! `foothold docs`: catalogues as Markdown, printed from the defaults so that they cannot go stale.

use std::fmt::Write;

use clap::{Args, ValueEnum};

use super::failure::Failure;
use super::show;
use crate::job;
use crate::models::features::catalogue;
use crate::observations::metrics::METRICS;
use crate::recommendations::playbooks::Playbook;
use crate::signals::SignalSpec;

#[derive(Args)]
pub struct DocsArgs {
    what: What,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Every signal with play, tables and thresholds
    Signals,
    /// Everything that layer 1 measures
    Observations,
    /// Everything that the models read
    Features,
    /// The built-in playbooks
    Playbooks,
}

pub fn print(args: &DocsArgs) -> Result<(), Failure> {
    let text = match args.what {
        What::Signals => signals(),
        What::Observations => observations(),
        What::Features => features(),
        What::Playbooks => playbooks(&job::built_in_playbooks()),
    };
    show::line(text.trim_end());
    Ok(())
}

fn signals() -> String {
    let mut text = String::from(
        "# Signals\n\n| signal | play | direction | category | needs | thresholds | confidence before outcomes | counts for |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (name, spec) in &job::built_in().signals.signals {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {:.2} | {} days |",
            spec.play,
            spec.direction,
            spec.category,
            needs(spec),
            thresholds(spec),
            spec.prior_alpha / (spec.prior_alpha + spec.prior_beta),
            spec.expires_days
        );
    }
    text
}

fn observations() -> String {
    let mut text = String::from(
        "# Observations\n\nA name that ends in `:` is a family; each member carries its particular after the colon.\n\n\
         | metric | category | per | unit | windows (days) | from | meaning |\n|---|---|---|---|---|---|---|\n",
    );
    for metric in METRICS {
        let windows: Vec<String> = metric.windows.iter().map(ToString::to_string).collect();
        let windows = if windows.is_empty() { "the job's".to_owned() } else { windows.join(", ") };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {windows} | {} | {} |",
            metric.name,
            metric.category,
            metric.scope.as_str(),
            metric.unit,
            metric.source,
            metric.meaning
        );
    }
    text
}

fn needs(spec: &SignalSpec) -> String {
    let any = |tables: &Vec<_>| tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    spec.needs.iter().map(any).collect::<Vec<_>>().join(", ")
}

fn thresholds(spec: &SignalSpec) -> String {
    spec.thresholds.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn playbooks(playbooks: &[Playbook]) -> String {
    let mut text = String::from("# Playbooks\n");
    for playbook in playbooks {
        let _ = write!(
            text,
            "\n## {} (`{}`)\n\nPlay {}, action {}, owned by {}. First contact within {} days; rests {} days after a no.\n\n",
            playbook.title,
            playbook.name,
            playbook.play,
            playbook.action,
            playbook.owner,
            playbook.deadline_days,
            playbook.cooldown_days
        );
        for (list, signals) in [("Any of", &playbook.trigger.any_of), ("All of", &playbook.trigger.all_of)] {
            if !signals.is_empty() {
                let _ = writeln!(text, "{list}: {}.\n", signals.join(", "));
            }
        }
        for step in &playbook.steps {
            let _ = writeln!(text, "- Day {}, {}: {}", step.day, step.owner, step.action);
        }
    }
    text
}

fn features() -> String {
    let mut text = String::from(
        "# Features\n\nWhat the models read of an account on a day, by the same function for training and for the night. `<product>`, \
         `<metric>`, `<name>` and `<feature>` stand for what the data names. A feature that is not known is missing, which \
         is a value of its own; window 0 is the state at the end of the day. A known direction is one that `models.monotone` \
         holds the models to.\n\n| feature | unit | source | window | known direction | meaning |\n|---|---|---|--:|---|---|\n",
    );
    for feature in catalogue::all() {
        let window = if feature.window_days > 0 { format!("{} days", feature.window_days) } else { "0".into() };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {window} | {} | {} |",
            feature.name,
            feature.unit,
            feature.source,
            feature.directions(),
            feature.meaning
        );
    }
    text
}
