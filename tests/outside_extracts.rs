//! Extracts that nobody on this project made: the CRM simulator of the book *Fighting Churn with Data*.

use std::path::PathBuf;

use foothold::extracts::{self, InputTable, Settings};
use foothold::store::Access;
use foothold::vocabulary::Day;

use crate::support::parquet_world::settings;

fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
    }
    path.is_dir().then_some(path)
}

#[test]
fn crm5_loads_whole_and_nothing_is_rejected() {
    let Some(path) = shared("crm5") else { return };
    let settings = Settings { url: path.display().to_string(), ..settings() };
    let loaded = extracts::load(&settings, &Access::local("/"), Day::ymd(2023, 3, 31), &|_| {}).unwrap();
    assert_eq!(loaded.rejected, []);
    assert_eq!(loaded.available.len(), 5);
    assert!(loaded.has(InputTable::Entitlements) && !loaded.has(InputTable::Tickets));
    let usage = loaded.quality.iter().find(|q| q.table == InputTable::Usage).unwrap();
    assert_eq!((usage.rows, usage.newest_event), (412_717, Some(Day::ymd(2023, 3, 26))));
    assert_eq!(loaded.ids.accounts.len(), 899, "accounts that joined after the day are not there yet");
}
