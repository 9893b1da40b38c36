//! From a place in a store to Arrow batches: which objects hold which table, whole or in buckets, and what is in them.

pub mod found;
pub mod index;
pub mod locate;
pub mod parquet_file;
pub mod read_file;
pub mod scan;
