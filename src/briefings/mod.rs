//! Layer 4: a recommendation as a page that its owner reads in under three minutes. Nothing here decides.

use crate::assessment::Assessment;
use crate::history::View;
use crate::recommendations::Recommendation;
use crate::recommendations::playbooks::Playbook;

/// One briefing: a row of `briefings`.
#[derive(Clone, Debug)]
pub struct Briefing {
    pub recommendation_id: String,
    pub title: String,
    pub markdown: String,
    /// Self-contained: no network, no script.
    pub html: String,
    pub words: u32,
    /// At 230 words a minute; ≤ 180.
    pub reading_seconds: u32,
}

/// Writes the briefing of one recommendation.
pub fn write(view: View, assessment: &Assessment, recommendation: &Recommendation, playbook: &Playbook) -> Briefing {
    let _ = (view, assessment, recommendation, playbook);
    unimplemented!("briefings")
}
