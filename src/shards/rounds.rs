//! Rounds: each shard says what the others must know, and goes on when all have.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Error, Identity, parts};
use crate::extracts::Part;
use crate::store::{Created, Store};

/// One shard's place among the others.
pub struct Rounds<'a> {
    pub store: &'a Store,
    pub identity: &'a Identity,
    pub part: Part,
    /// Asked while others are missing: waits a little and says whether to look again.
    pub patience: &'a (dyn Fn() -> bool + Sync),
}

/// Whom a night shares its knowledge with.
#[derive(Clone, Copy)]
pub enum Share<'a> {
    /// One machine holds all accounts.
    Alone,
    /// The rounds, and what they are about where they take place more than once.
    Among(&'a Rounds<'a>, &'static str),
}

impl<'a> Share<'a> {
    /// The same machines, in rounds of their own.
    pub fn about(self, subject: &'static str) -> Share<'a> {
        match self {
            Share::Alone => Share::Alone,
            Share::Among(rounds, _) => Share::Among(rounds, subject),
        }
    }

    /// What all parts know, in part order; `own` is this part's.
    pub fn all<T: Serialize + DeserializeOwned>(self, round: &str, own: T) -> Result<Vec<T>, Error> {
        match self {
            Share::Alone => Ok(vec![own]),
            Share::Among(rounds, "") => rounds.all(round, &own),
            Share::Among(rounds, subject) => rounds.all(&format!("{subject}-{round}"), &own),
        }
    }
}

impl Rounds<'_> {
    fn all<T: Serialize + DeserializeOwned>(&self, round: &str, own: &T) -> Result<Vec<T>, Error> {
        let own_path = self.path(round, self.part);
        let content = rmp_serde::to_vec(own).map_err(|_| Error::Unreadable { path: own_path.clone() })?;
        // One that stands there already is this shard's of an earlier attempt, and says the same.
        let (Created::Yes | Created::Taken) = self.store.create(&own_path, content)?;
        self.await_all(round)?;
        parts(self.part.of()).map(|part| self.read(round, part)).collect()
    }

    fn await_all(&self, round: &str) -> Result<(), Error> {
        loop {
            let missing = self.missing(round)?;
            if missing.is_empty() {
                return Ok(());
            }
            if !(self.patience)() {
                return Err(Error::Waiting { day: self.identity.as_of, round: round.to_owned(), missing });
            }
        }
    }

    fn missing(&self, round: &str) -> Result<Vec<Part>, Error> {
        let standing = self.store.list(&format!("{}/{round}", self.identity.folder()))?;
        let stands = |part: &Part| standing.iter().any(|object| object.path == self.path(round, *part));
        Ok(parts(self.part.of()).filter(|part| !stands(part)).collect())
    }

    fn read<T: DeserializeOwned>(&self, round: &str, part: Part) -> Result<T, Error> {
        let path = self.path(round, part);
        let content = self.store.get(&path)?;
        rmp_serde::from_slice(&content).map_err(|_| Error::Unreadable { path })
    }

    fn path(&self, round: &str, part: Part) -> String {
        format!("{}/{round}/{}.bin", self.identity.folder(), part.slug())
    }
}
