//! A file that was read: as the run's inputs list it, and as the state remembers it.

use super::found::Source;
use crate::extracts::contract::input_table::InputTable;

/// One object that was read.
#[derive(Clone, Debug)]
pub struct InputFile {
    pub table: InputTable,
    pub path: String,
    pub etag: String,
    pub bytes: u64,
    pub rows: u64,
}

/// A file that a kept chunk was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    pub url: String,
    pub etag: String,
    pub bytes: u64,
    pub rows: u64,
    /// What was worth knowing about its columns.
    pub notes: Vec<String>,
}

impl KeptFile {
    /// The file as the run's inputs list it.
    pub fn as_input(&self, table: InputTable) -> InputFile {
        InputFile { table, path: self.url.clone(), etag: self.etag.clone(), bytes: self.bytes, rows: self.rows }
    }

    pub fn is(&self, source: &Source) -> bool {
        (&*self.etag, self.bytes) == source.delivered() && self.url == source.url()
    }
}
