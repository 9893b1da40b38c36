//! What nights keep for the nights to come: packed runs of files that have not changed, and months that are over.

pub mod settled;
pub mod state;
