//! Where models live: immutable numbered versions and create-only numbered champion pointers on the object store.
//!
//! ```text
//! models/{slot}/{NNNNNN}.json             one trained model, never overwritten
//! models/{slot}/{NNNNNN}/…                what belongs to it: verdict, test rows, card, plots; never overwritten
//! models/{slot}/champions/{NNNNNN}.json   which of them scores from a day on, and why; the highest number counts
//! models/promoting.json                   the pointers that a training is about to set; gone when they are set
//! ```

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::promote::Verdict;
use crate::models::training::artifact::{self, Artifact};
use crate::store::{self, Created, Store};
use crate::vocabulary::{Day, PropensityKind};
use crate::wording;

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
    #[error("{url}/{path}: not what this program wrote there: {reason}; delete it and train again to write it anew")]
    Attachment { url: String, path: String, reason: String },
    #[error("no model named `{slot}` under {url}; {}", known(.slots, .near))]
    Slot { url: String, slot: String, slots: Vec<String>, near: Option<String> },
    #[error("no model `{wanted}` under {url}; {}", .near.as_ref().map_or("`foothold models list` names them".to_owned(), |near| format!("did you mean {near}?")))]
    Unknown { url: String, wanted: String, near: Option<String> },
    #[error("`{wanted}` is the beginning of {}; say more of the id", wording::list(.ids))]
    Ambiguous { wanted: String, ids: Vec<String> },
    #[error("`{slot}` has no version `{wanted}`; it has {versions}: give a number or the beginning of a model id")]
    Version { slot: String, wanted: String, versions: String },
    #[error("version {number} of `{slot}` scores already as of {day}; nothing was changed")]
    Standing { slot: String, number: u32, day: Day },
    #[error("`{slot}` has no earlier champion as of {day} to roll back to; promote a version by its number")]
    NothingEarlier { slot: String, day: Day },
}

fn known(slots: &[String], near: &Option<String>) -> String {
    match (near, slots) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "train first: `foothold train jobs/retrain.toml`".to_owned(),
        (None, slots) => format!("there are {}", wording::list(slots)),
    }
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
    /// Who decided; `None` where training did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The past day that was trained late, where the pointer only stands again behind that training's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Day>,
}

impl Champion {
    /// A pointer set by training, from its day on.
    pub fn by_training(model_id: &str, model: &str, from: Day, reason: &str) -> Champion {
        let (model_id, model, reason) = (model_id.to_owned(), model.to_owned(), reason.to_owned());
        Champion { model_id, model, from, reason, by: None, behind: None }
    }

    /// The same from a later day on, behind a training of `late`.
    fn again(&self, from: Day, late: Day) -> Champion {
        Champion { from, behind: Some(late), ..self.clone() }
    }

    /// The number of the version it points to.
    pub fn number(&self) -> Option<u32> {
        number_of(&self.model)
    }
}

/// One stored model.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1 within its slot.
    pub number: u32,
    pub artifact: Artifact,
    /// What training made of it; `None` where it was stored by hand.
    pub verdict: Option<Verdict>,
}

/// A person's decision about who scores.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    pub reason: &'a str,
    pub by: &'a str,
    /// Runs of this day and later follow it.
    pub from: Day,
}

/// The models of one output store.
#[derive(Clone, Copy, Debug)]
pub struct Registry<'a> {
    store: &'a Store,
}

const VERDICT: &str = "verdict.json";

impl<'a> Registry<'a> {
    pub fn of(store: &'a Store) -> Registry<'a> {
        Registry { store }
    }

    pub(super) fn store(&self) -> &Store {
        self.store
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
            let pointer = self.read_pointer(&path)?;
            if pointer.from <= day {
                return Ok(Some(pointer));
            }
        }
        Ok(None)
    }

    /// Every champion pointer of a slot, oldest first.
    pub fn pointers(&self, slot: &str) -> Result<Vec<Champion>, Error> {
        let paths = self.numbered(&format!("models/{slot}/champions"))?;
        paths.iter().map(|path| self.read_pointer(path)).collect()
    }

    /// The pointers that count for days after `day`, to be set again behind a pointer of that day: the newest up to a day
    /// counts for it, and a past day that is trained late is no reason to score later ones with an older model.
    pub fn later_pointers(&self, slot: &str, day: Day) -> Result<Vec<Champion>, Error> {
        let pointers = self.pointers(slot)?;
        let mut changes: Vec<Day> = pointers.iter().map(|pointer| pointer.from).filter(|from| *from > day).collect();
        changes.sort_unstable();
        changes.dedup();
        let counting = |from: &Day| pointers.iter().rev().find(|pointer| pointer.from <= *from);
        Ok(changes.iter().filter_map(|from| Some(counting(from)?.again(*from, day))).collect())
    }

    /// Every version of a slot, oldest first; a slot that is not there is an error that names those that are.
    pub fn versions(&self, slot: &str) -> Result<Vec<Version>, Error> {
        let paths = self.numbered(&format!("models/{slot}"))?;
        if paths.is_empty() {
            let (url, slots) = (self.store.url().to_owned(), self.slots()?);
            let near = wording::nearest(slot, slots.iter().map(String::as_str)).map(str::to_owned);
            return Err(Error::Slot { url, slot: slot.to_owned(), slots, near });
        }
        paths.iter().map(|path| self.version_at(slot, path)).collect()
    }

    /// What the last training up to `day` stored in a slot, oldest first. Versions stand in the order of their trainings,
    /// but for past days that were trained late: these lie before the day that the champion was trained on.
    pub fn last_trained(&self, slot: &str, day: Day) -> Result<Vec<Version>, Error> {
        let mut last: Vec<Version> = Vec::new();
        let by_training = self.pointer(slot, day)?.filter(|pointer| pointer.by.is_none());
        let is_late = |trained: Day| by_training.as_ref().is_some_and(|pointer| trained < pointer.from);
        for path in self.numbered(&format!("models/{slot}"))?.into_iter().rev() {
            let version = self.version_at(slot, &path)?;
            let trained = version.artifact.trained.as_of;
            match last.first() {
                _ if trained > day || is_late(trained) => {}
                Some(later) if trained < later.artifact.trained.as_of => break,
                _ => last.push(version),
            }
        }
        last.reverse();
        Ok(last)
    }

    /// The version with this number or with a model id that begins so.
    pub fn version(&self, slot: &str, wanted: &str) -> Result<Version, Error> {
        let versions = self.versions(slot)?;
        let number: Option<u32> = wanted.parse().ok();
        let numbers: Vec<String> = versions.iter().map(|version| version.number.to_string()).collect();
        let mut meant: Vec<Version> = versions
            .into_iter()
            .filter(|version| Some(version.number) == number || version.artifact.model_id.starts_with(wanted))
            .collect();
        match (meant.pop(), meant.is_empty()) {
            (Some(version), true) => Ok(version),
            _ => Err(Error::Version {
                slot: slot.to_owned(),
                wanted: wanted.to_owned(),
                versions: wording::list(&numbers),
            }),
        }
    }

    /// The one version of any slot with a model id that begins so, or that `slot/number` names.
    pub fn find(&self, wanted: &str) -> Result<Version, Error> {
        let mut all = Vec::new();
        for slot in self.slots()? {
            all.extend(self.versions(&slot)?);
        }
        let place = |version: &Version| format!("{}/{}", version.artifact.slot(), version.number);
        let mut meant: Vec<&Version> = all
            .iter()
            .filter(|version| {
                place(version) == wanted || !wanted.is_empty() && version.artifact.model_id.starts_with(wanted)
            })
            .collect();
        match (meant.pop(), meant.is_empty()) {
            (Some(version), true) => Ok(version.clone()),
            (Some(last), false) => {
                let ids = meant.into_iter().chain([last]).map(|version| version.artifact.model_id.clone()).collect();
                Err(Error::Ambiguous { wanted: wanted.to_owned(), ids })
            }
            (None, _) => {
                let names: Vec<String> =
                    all.iter().flat_map(|version| [version.artifact.model_id.clone(), place(version)]).collect();
                let near = wording::nearest(wanted, names.iter().map(String::as_str));
                let of = |near: &str| all.iter().find(|v| v.artifact.model_id == near || place(v) == near);
                let near = near.and_then(of).map(|v| format!("`{}` ({})", v.artifact.model_id, place(v)));
                Err(Error::Unknown { url: self.store.url().to_owned(), wanted: wanted.to_owned(), near })
            }
        }
    }

    fn version_at(&self, slot: &str, path: &str) -> Result<Version, Error> {
        let number = number_of(path).unwrap_or_default();
        let verdict = self.attached(slot, number, VERDICT)?;
        let read = |content: Bytes| {
            serde_json::from_slice(&content).map_err(|e| self.unfit(&attachment(slot, number, VERDICT), &e.to_string()))
        };
        Ok(Version { number, artifact: self.load(path)?, verdict: verdict.map(read).transpose()? })
    }

    /// Writes a new version, unless one with the same content is there, and returns its object below `models/`.
    pub fn save(&self, artifact: &Artifact) -> Result<String, Error> {
        self.save_content(&artifact.slot(), &artifact.to_json())
    }

    /// Puts an object beside a saved model; one that stands there already is left alone.
    pub fn attach(&self, model: &str, name: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let folder = model.trim_end_matches(".json");
        Ok(self.store.create(&format!("models/{folder}/{name}"), content).map(drop)?)
    }

    /// An object beside a version, where there is one.
    pub fn attached(&self, slot: &str, number: u32, name: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.store.get_if_exists(&attachment(slot, number, name))?)
    }

    /// The error for an object beside a version that cannot be read.
    pub fn unfit(&self, path: &str, reason: &str) -> Error {
        Error::Attachment { url: self.store.url().to_owned(), path: path.to_owned(), reason: reason.to_owned() }
    }

    /// Records what training made of a saved model, once.
    pub fn judge(&self, model: &str, verdict: &Verdict) -> Result<(), Error> {
        self.attach(model, VERDICT, serde_json::to_string_pretty(verdict).unwrap_or_default())
    }

    /// Makes a version the champion by a person's decision.
    pub fn appoint(&self, slot: &str, wanted: &str, decision: Decision) -> Result<Champion, Error> {
        self.finish_promotions()?;
        let version = self.version(slot, wanted)?;
        if self.pointer(slot, decision.from)?.is_some_and(|now| now.model_id == version.artifact.model_id) {
            return Err(Error::Standing { slot: slot.to_owned(), number: version.number, day: decision.from });
        }
        let pointer = Champion {
            model_id: version.artifact.model_id,
            model: format!("{slot}/{:06}.json", version.number),
            from: decision.from,
            reason: decision.reason.to_owned(),
            by: Some(decision.by.to_owned()),
            behind: None,
        };
        self.point(slot, &pointer)?;
        Ok(pointer)
    }

    /// Gives the slot back to the champion before the present one. Nothing is deleted: the way back is a new pointer.
    pub fn roll_back(&self, slot: &str, decision: Decision) -> Result<Champion, Error> {
        let nothing = || Error::NothingEarlier { slot: slot.to_owned(), day: decision.from };
        self.finish_promotions()?;
        let mut pointers = self.pointers(slot)?;
        pointers.retain(|pointer| pointer.from <= decision.from);
        // Before the present champion's first time, so that rolling back twice does not come round again.
        let present = pointers.last().map(|pointer| pointer.model_id.clone()).ok_or_else(nothing)?;
        let first = pointers.iter().position(|pointer| pointer.model_id == present).unwrap_or_default();
        let earlier = pointers[..first].last().ok_or_else(nothing)?;
        let number = earlier.number().ok_or_else(nothing)?;
        self.appoint(slot, &number.to_string(), decision)
    }

    /// Adds a champion pointer to a slot.
    pub fn point(&self, slot: &str, pointer: &Champion) -> Result<(), Error> {
        let folder = format!("models/{slot}/champions");
        let content = serde_json::to_string_pretty(pointer).unwrap_or_default();
        let taken = self.numbered(&folder)?.len();
        self.create_next(&folder, taken, content).map(drop)
    }

    fn read_pointer(&self, path: &str) -> Result<Champion, Error> {
        let pointer = serde_json::from_slice(&self.store.get(path)?);
        pointer.map_err(|source| Error::Pointer { url: self.store.url().to_owned(), path: path.to_owned(), source })
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
        Ok(objects.filter(|path| path.split('/').count() == depth + 1 && number_of(path).is_some()).collect())
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

    /// Every version of a slot, oldest first, by number and read by `read`.
    pub fn contents<T>(&self, slot: &str, read: impl Fn(&[u8]) -> Result<T, String>) -> Result<Vec<(u32, T)>, Error> {
        let content = |path: &String| {
            let unfit = |reason| Error::Unfit { url: self.store.url().to_owned(), path: path.clone(), reason };
            Ok((number_of(path).unwrap_or_default(), read(&self.store.get(path)?).map_err(unfit)?))
        };
        self.numbered(&format!("models/{slot}"))?.iter().map(content).collect()
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

fn attachment(slot: &str, number: u32, name: &str) -> String {
    format!("models/{slot}/{number:06}/{name}")
}

/// The number in `…/NNNNNN.json`.
fn number_of(path: &str) -> Option<u32> {
    path.rsplit('/').next()?.strip_suffix(".json")?.parse().ok()
}

fn below_models(path: &str) -> String {
    path.trim_start_matches("models/").to_owned()
}
