//! Where models live: immutable numbered versions and create-only numbered champion pointers on the object store.
//!
//! ```text
//! models/{slot}/{NNNNNN}.json             one trained model, never overwritten
//! models/{slot}/champions/{NNNNNN}.json   which of them scores from a day on, and why; the highest number counts
//! ```

use serde::{Deserialize, Serialize};

use super::artifact::{self, Artifact};
use crate::store::{self, Created, Store};
use crate::vocabulary::{Day, PropensityKind};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{url}/{path}: {source}")]
    Artifact {
        url: String,
        path: String,
        #[source]
        source: artifact::Error,
    },
    #[error("{url}/{path}: {reason}")]
    Unfit { url: String, path: String, reason: String },
    #[error("{url}/{path}: not a champion pointer: {source}; delete it to fall back to the one before")]
    Pointer {
        url: String,
        path: String,
        #[source]
        source: serde_json::Error,
    },
}

/// A champion pointer: the content of `champions/NNNNNN.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Champion {
    pub model_id: String,
    /// Object below `models/`, e.g. `churn/000002.json`.
    pub model: String,
    /// The model scores runs of this day and later.
    pub from: Day,
    pub reason: String,
}

impl Champion {
    /// A pointer set by training, from its day on.
    pub fn by_training(model_id: &str, model: &str, from: Day, reason: &str) -> Champion {
        Champion { model_id: model_id.to_owned(), model: model.to_owned(), from, reason: reason.to_owned() }
    }
}

/// The models of one output store.
#[derive(Clone, Copy, Debug)]
pub struct Registry<'a> {
    store: &'a Store,
}

impl<'a> Registry<'a> {
    pub fn of(store: &'a Store) -> Registry<'a> {
        Registry { store }
    }

    /// Names of all slots that hold a propensity model, sorted.
    pub fn slots(&self) -> Result<Vec<String>, Error> {
        let objects = self.store.list("models")?;
        let slots = objects.iter().filter_map(|o| o.path.split('/').nth(1));
        let propensity = |slot: &&str| slot.split('-').next().is_some_and(|kind| PropensityKind::parse(kind).is_some());
        let mut slots: Vec<String> = slots.filter(propensity).map(str::to_owned).collect();
        slots.sort();
        slots.dedup();
        Ok(slots)
    }

    /// The champion of a slot for a run of `day`, and why it became one: what was promoted later does not exist for it.
    pub fn champion(&self, slot: &str, day: Day) -> Result<Option<(Artifact, String)>, Error> {
        match self.pointer(slot, day)? {
            Some(pointer) => Ok(Some((self.load(&format!("models/{}", pointer.model))?, pointer.reason))),
            None => Ok(None),
        }
    }

    /// The pointer that counts for a run of `day`.
    pub fn pointer(&self, slot: &str, day: Day) -> Result<Option<Champion>, Error> {
        for path in self.numbered(&format!("models/{slot}/champions"))?.into_iter().rev() {
            let pointer: Champion = serde_json::from_slice(&self.store.get(&path)?)
                .map_err(|source| Error::Pointer { url: self.store.url().to_owned(), path: path.clone(), source })?;
            if pointer.from <= day {
                return Ok(Some(pointer));
            }
        }
        Ok(None)
    }

    /// Writes a new version, unless one with the same content is there, and returns its object below `models/`.
    pub fn save(&self, artifact: &Artifact) -> Result<String, Error> {
        self.save_content(&artifact.slot(), &artifact.to_json())
    }

    /// Makes a saved model the champion of its slot from its training day on.
    pub fn promote(&self, artifact: &Artifact, model: &str, reason: &str) -> Result<(), Error> {
        self.point(&artifact.slot(), &Champion::by_training(&artifact.model_id, model, artifact.trained.as_of, reason))
    }

    /// Adds a champion pointer to a slot.
    pub fn point(&self, slot: &str, pointer: &Champion) -> Result<(), Error> {
        let folder = format!("models/{slot}/champions");
        let content = serde_json::to_string_pretty(pointer).unwrap_or_default();
        let taken = self.numbered(&folder)?.len();
        self.create_next(&folder, taken, content).map(drop)
    }

    fn load(&self, path: &str) -> Result<Artifact, Error> {
        let content = self.store.get(path)?;
        Artifact::from_json(&content).map_err(|source| Error::Artifact {
            url: self.store.url().to_owned(),
            path: path.to_owned(),
            source,
        })
    }

    /// Objects `NNNNNN.json` directly in the folder, by number.
    fn numbered(&self, folder: &str) -> Result<Vec<String>, Error> {
        let depth = folder.split('/').count();
        let objects = self.store.list(folder)?.into_iter().map(|object| object.path);
        Ok(objects.filter(|path| path.split('/').count() == depth + 1 && path.ends_with(".json")).collect())
    }

    /// Creates the object of the next free number; another writer's number is left alone.
    fn create_next(&self, folder: &str, taken: usize, content: String) -> Result<String, Error> {
        for number in taken + 1.. {
            let path = format!("{folder}/{number:06}.json");
            if self.store.create(&path, content.clone())? == Created::Yes {
                return Ok(path);
            }
        }
        unreachable!("there is always a next number")
    }
}

/// Models of other forms, kept in the same way: their content is read by whoever knows the form.
impl Registry<'_> {
    /// The content that counts for a run of `day`, read by `read`, and why it came to count.
    pub fn champion_content<T>(
        &self,
        slot: &str,
        day: Day,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<(T, String)>, Error> {
        let Some(pointer) = self.pointer(slot, day)? else { return Ok(None) };
        let path = format!("models/{}", pointer.model);
        let unfit = |reason| Error::Unfit { url: self.store.url().to_owned(), path: path.clone(), reason };
        let content = read(&self.store.get(&path)?).map_err(unfit)?;
        Ok(Some((content, pointer.reason)))
    }

    /// Writes a new version of a slot, unless one with the same content is there, and returns its object below `models/`.
    pub fn save_content(&self, slot: &str, content: &str) -> Result<String, Error> {
        let folder = format!("models/{slot}");
        let versions = self.numbered(&folder)?;
        for path in versions.iter().rev() {
            if self.store.get(path)? == content.as_bytes() {
                return Ok(below_models(path));
            }
        }
        self.create_next(&folder, versions.len(), content.to_owned()).map(|path| below_models(&path))
    }
}

fn below_models(path: &str) -> String {
    path.trim_start_matches("models/").to_owned()
}
