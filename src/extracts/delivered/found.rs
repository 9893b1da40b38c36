//! Objects as they were found, whole or in the pieces that they were cut into.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::extracts::contract::schema::Table;
use crate::store::{Object, Store};
use crate::vocabulary::Day;

/// One Parquet object of a table.
#[derive(Clone, Debug)]
pub struct Source {
    pub store: Store,
    pub object: Object,
    /// The day that the path states for every row, from `date=YYYY-MM-DD`.
    pub day: Option<Day>,
    /// The object as it was delivered, where this one is a piece of it.
    pub origin: Option<Arc<Origin>>,
    /// Position in the delivery's `chunks`.
    pub chunk: usize,
}

impl Source {
    /// The address of what was delivered, as people read it.
    pub fn url(&self) -> String {
        match &self.origin {
            Some(origin) => origin.url.clone(),
            None => url_of(&self.store, &self.object),
        }
    }

    /// Etag and bytes of what was delivered.
    pub fn delivered(&self) -> (&str, u64) {
        match &self.origin {
            Some(origin) => (&origin.etag, origin.bytes),
            None => (&self.object.etag, self.object.bytes),
        }
    }
}

pub fn url_of(store: &Store, object: &Object) -> String {
    match object.path.as_str() {
        "" => store.url().to_owned(),
        path => format!("{}/{path}", store.url()),
    }
}

/// An object as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub url: String,
    pub etag: String,
    pub bytes: u64,
    pub rows: u64,
}

/// Objects of one table, before their days are looked at.
pub struct Found {
    pub table: &'static Table,
    pub place: String,
    pub store: Store,
    pub objects: Vec<FoundObject>,
}

/// One delivered object.
pub struct FoundObject {
    /// Relative to where the table was looked for.
    pub path: String,
    /// Set where the object stands in pieces.
    pub origin: Option<Arc<Origin>>,
    /// The objects to read; itself where it was not cut.
    pub pieces: Vec<Object>,
}

impl From<Object> for FoundObject {
    fn from(object: Object) -> FoundObject {
        FoundObject { path: object.path.clone(), origin: None, pieces: vec![object] }
    }
}

impl FoundObject {
    /// An object of which the URL itself is the whole address has no path.
    pub fn is_parquet(&self) -> bool {
        self.path.is_empty() || is_parquet(&self.path)
    }
}

impl Found {
    pub fn is_delivered(&self) -> bool {
        self.objects.iter().any(FoundObject::is_parquet)
    }
}

pub fn is_parquet(path: &str) -> bool {
    !is_hidden(path) && path.to_ascii_lowercase().ends_with(".parquet")
}

/// `_SUCCESS`, `.crc`, `_temporary/…`: they belong to the writers, not to the data.
pub fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with(['_', '.']))
}
