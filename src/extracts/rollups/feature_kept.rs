//! Runs of feature usage as the state keeps them: with names instead of the numbers of a load.

use std::sync::Arc;

use super::distinct;
use super::feature_run::{Names, Run};
use crate::extracts::gathered::batch_time::Window;
use crate::extracts::gathered::dictionary_column::Interner;
use crate::extracts::kept::state::Kept;
use crate::extracts::packed::pieces::Parts;
use crate::vocabulary::{AccountIx, Dictionary, FeatureIx};

/// Runs for the state: their accounts, users and features by name, then the runs themselves.
pub fn write(
    runs: &[Run],
    accounts: &Dictionary<AccountIx>,
    features: &Dictionary<FeatureIx>,
    users: &Interner,
) -> Parts {
    let runs: Vec<_> = runs.iter().map(Run::plain).collect();
    let mut out = Parts::default();
    let used = distinct(runs.iter().flat_map(|run| run.accounts()));
    out.texts(used.iter().map(|account| &**accounts.name(*account)));
    out.texts((0..features.len()).map(|at| &**features.name_at(at)));
    let mut of_runs = vec![false; users.names().len()];
    runs.iter().flat_map(|run| run.users()).for_each(|user| of_runs[user as usize] = true);
    out.number(of_runs.iter().filter(|used| **used).count() as u64);
    for (user, name) in users.names().iter().enumerate().filter(|(user, _)| of_runs[*user]) {
        out.number(user as u64);
        out.text(name);
    }
    out.number(runs.len() as u64);
    for run in runs {
        run.write(&mut out, |account| used.binary_search(&account).unwrap_or_default() as u32);
    }
    out
}

/// The runs again, under today's numbers. `None` where rows of them do not count today, or an account or a feature is
/// gone.
pub fn read(
    kept: &Kept,
    accounts: &Dictionary<AccountIx>,
    features: &Dictionary<FeatureIx>,
    users: &mut Interner,
    window: Window,
) -> Option<Vec<Run>> {
    kept.fits(window.from, window.as_of).then_some(())?;
    let mut reader = kept.runs();
    let accounts: Vec<AccountIx> = reader.texts().map(|name| accounts.get(name)).collect::<Option<_>>()?;
    let features: Vec<FeatureIx> = reader.texts().map(|name| features.get(name)).collect::<Option<_>>()?;
    let n = reader.number();
    let of_runs: Vec<(u32, &str)> = (0..n).map(|_| (reader.number() as u32, reader.text())).collect();
    let mut numbers = vec![0; of_runs.last().map_or(0, |(last, _)| *last as usize + 1)];
    for (number, name) in of_runs {
        numbers[number as usize] = users.number(name);
    }
    let names = Arc::new(Names { users: numbers, features });
    let account = |number: u32| accounts.get(number as usize).copied().unwrap_or(AccountIx(0));
    let n = reader.number();
    Some((0..n).map(|_| Run::read(&mut reader, kept.content(), account, names.clone())).collect())
}
