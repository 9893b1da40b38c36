//! One simulated world, made in memory and loaded as the nightly run loads extracts.

use super::Error;
use crate::extracts::{self, Extracts};
use crate::job::JobFile;
use crate::simulate::{self, Params};
use crate::store::{Access, Store};
use crate::{capacity, store};

/// A world with its truth, and the job's settings on it.
pub struct World {
    /// The extracts as files, and `truth/`.
    pub store: Store,
    pub settings: JobFile,
    pub extracts: Extracts,
}

impl World {
    /// Makes the world and loads it up to its last day. Its vendor's competitors are known by name, and no threshold is
    /// learned.
    pub fn make(params: &Params, settings: &JobFile) -> Result<World, Error> {
        let url = format!("memory://accuracy-{}-{}-{}-{}", params.seed, params.accounts, params.days, params.noise);
        let access = Access::local("/");
        let store = Store::open(&url, &access)?;
        simulate::write(params, &store, &mut |_, _| {})?;
        let mut settings = settings.clone();
        settings.extracts.url = url;
        settings.capacity = capacity::Settings { min_upgrades: u32::MAX, ..settings.capacity };
        settings.text.competitors = simulate::competitors().map(str::to_owned).collect();
        let extracts = extracts::load(&settings.extracts, &access, params.end, &|_| {})?;
        Ok(World { store, settings, extracts })
    }

    /// Gives its memory back.
    pub fn forget(self) -> Result<(), store::Error> {
        self.store.list("")?.iter().try_for_each(|object| self.store.delete(&object.path))
    }
}
