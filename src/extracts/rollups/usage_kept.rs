//! Runs of usage as the state keeps them: with names instead of the numbers of a load.

use super::distinct;
use super::usage_run::Run;
use crate::extracts::gathered::batch_time::Window;
use crate::extracts::gathered::dictionary_column::Pairs;
use crate::extracts::kept::state::Kept;
use crate::extracts::packed::pieces::Parts;
use crate::vocabulary::{AccountIx, Dictionary};

/// Runs for the state: their accounts and pairs by name, then the runs themselves.
pub fn write(runs: &[Run], accounts: &Dictionary<AccountIx>, names: &Pairs) -> Parts {
    let mut out = Parts::default();
    let used: Vec<AccountIx> = distinct(runs.iter().flat_map(|run| &run.series).map(|series| series.key.account));
    out.texts(used.iter().map(|account| &**accounts.name(*account)));
    out.number(u64::from(names.len()));
    for pair in 0..names.len() {
        let (product, metric) = names.names(pair);
        out.text(product);
        out.text(metric);
    }
    out.number(runs.len() as u64);
    for run in runs {
        run.write(&mut out, |account| used.binary_search(&account).unwrap_or_default() as u32, |pair| pair);
    }
    out
}

/// The runs again, under today's numbers. `None` where rows of them do not count today, or an account is gone.
pub fn read(kept: &Kept, accounts: &Dictionary<AccountIx>, names: &mut Pairs, window: Window) -> Option<Vec<Run>> {
    kept.fits(window.from, window.as_of).then_some(())?;
    let mut reader = kept.runs();
    let accounts: Vec<AccountIx> = reader.texts().map(|name| accounts.get(name)).collect::<Option<_>>()?;
    let n = reader.number();
    let pairs: Vec<(&str, &str)> = (0..n).map(|_| (reader.text(), reader.text())).collect();
    let mut numbers = vec![None; pairs.len()];
    let account = |number: u32| accounts.get(number as usize).copied().unwrap_or(AccountIx(0));
    let mut pair = |number: u32| {
        let (product, metric) = pairs.get(number as usize).copied().unwrap_or_default();
        numbers.get_mut(number as usize).map_or(0, |known| *known.get_or_insert_with(|| names.number(product, metric)))
    };
    let n = reader.number();
    Some((0..n).map(|_| Run::read(&mut reader, kept.content(), account, &mut pair)).collect())
}
