//! The promotions of one training: all of them or none. A note of them is written first and goes with the last of them,
//! so that whoever comes after a crash finishes what the note says.

use serde::{Deserialize, Serialize};

use super::registry::{Champion, Error, Registry};
use crate::models::training::artifact::Artifact;
use crate::store::Created;

/// Stands only while a training sets its pointers.
const NOTE: &str = "models/promoting.json";

/// A pointer to set in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    pub slot: String,
    pub champion: Champion,
}

impl Promotion {
    /// A saved model, `model` below `models/`, scores from its training day on.
    pub fn of(artifact: &Artifact, model: &str, reason: &str) -> Promotion {
        let champion = Champion::by_training(&artifact.model_id, model, artifact.trained.as_of, reason);
        Promotion { slot: artifact.slot(), champion }
    }
}

impl Registry<'_> {
    /// Makes saved models the champions of their slots, together.
    pub fn promote_all(&self, promotions: &[Promotion]) -> Result<(), Error> {
        if promotions.is_empty() {
            return Ok(());
        }
        while self.store().create(NOTE, self.note(promotions)?)? == Created::Taken {
            self.finish_promotions()?;
        }
        self.finish_promotions()
    }

    /// The promotions, each followed by what scores later days as before.
    fn note(&self, promotions: &[Promotion]) -> Result<String, Error> {
        let mut all = Vec::new();
        for promotion in promotions {
            let Promotion { slot, champion } = promotion;
            let later = self.later_pointers(slot, champion.from)?.into_iter();
            all.push(promotion.clone());
            all.extend(later.map(|champion| Promotion { slot: slot.clone(), champion }));
        }
        Ok(serde_json::to_string_pretty(&all).unwrap_or_default())
    }

    /// Sets the pointers that a training noted and did not live to set.
    pub fn finish_promotions(&self) -> Result<(), Error> {
        let Some(note) = self.store().get_if_exists(NOTE)? else { return Ok(()) };
        let promotions: Vec<Promotion> = serde_json::from_slice(&note).map_err(|e| self.unfit(NOTE, &e.to_string()))?;
        for Promotion { slot, champion } in &promotions {
            if !self.pointers(slot)?.contains(champion) {
                self.point(slot, champion)?;
            }
        }
        Ok(self.store().delete(NOTE)?)
    }
}
