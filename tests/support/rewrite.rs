//! A world delivered otherwise: the same files with other rows, names or order.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use bytes::Bytes;
use foothold::extracts::contract::schema::Table;
use foothold::extracts::tables::contracts;
use foothold::store::Store;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::night::{fresh_url, store};

/// The same world with every file changed; `change` gets the table, the path and the rows, and gives files.
pub fn rewritten(url: &str, mut change: impl FnMut(&Table, &str, RecordBatch) -> Vec<(String, RecordBatch)>) -> String {
    let (from, to) = (store(url), fresh_url());
    let into: Store = store(&to);
    for object in from.list("").expect("a listing") {
        let content = from.get(&object.path).expect("an object");
        let name = object.path.split(['/', '.']).next().unwrap_or_default();
        let table = contracts::tables().iter().find(|table| table.name() == name);
        match (table, rows_of(content.clone())) {
            (Some(table), Some(rows)) => {
                for (path, rows) in change(table, &object.path, rows) {
                    into.put(&path, parquet_of(&rows)).expect("a write");
                }
            }
            _ => into.put(&object.path, content).expect("a write"),
        }
    }
    to
}

fn rows_of(content: Bytes) -> Option<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(content).ok()?;
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build().ok()?.collect::<Result<_, _>>().ok()?;
    concat_batches(&schema, &batches).ok()
}

fn parquet_of(rows: &RecordBatch) -> Bytes {
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, rows.schema(), None).expect("a writer");
    writer.write(rows).expect("rows");
    writer.close().expect("a file");
    content.into()
}
