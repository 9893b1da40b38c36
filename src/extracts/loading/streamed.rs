//! The two big tables: what earlier nights packed is taken as it stands, the other files are read and packed as they
//! stream by, and what is new is kept for the nights to come.

use arrow::record_batch::RecordBatch;

use super::load::Loading;
use super::opened::{Opened, Unchanged};
use crate::extracts::contract::error::Error;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::rejects::Rejects;
use crate::extracts::contract::tally::Tally;
use crate::extracts::delivered::found::Source;
use crate::extracts::delivered::scan;
use crate::extracts::gathered::batch_time::Window;
use crate::extracts::gathered::gather::{self, Count};
use crate::extracts::kept::settled;
use crate::extracts::kept::state::{Content, Kept};
use crate::extracts::packed::pieces::Parts;
use crate::extracts::rollups::feature_rows::FeatureRows;
use crate::extracts::rollups::stream::Stream;
use crate::extracts::rollups::usage_rows::UsageRows;
use crate::extracts::rollups::{feature_kept, usage_kept};
use crate::vocabulary::{AccountIx, Dictionary, FeatureIx};

impl<'a> Loading<'a> {
    fn window(&self) -> Window<'a> {
        let from = self.as_of.minus(self.settings.usage_history_days as i32);
        Window { from, as_of: self.as_of, settings: self.settings }
    }

    pub fn usage(&mut self, opened: &mut Opened) -> Result<Tally, Error> {
        let accounts: Dictionary<AccountIx> = self.loaded.names(InputTable::Accounts, "account_id");
        let (window, place, chunks) = (self.window(), opened.place(), opened.delivery.chunks.len());
        let mut rows = UsageRows::new(opened.delivery.table, &accounts, window, &place, chunks);
        let keeps = self.stream(opened, &mut rows)?;
        let mut usage = rows.finish(
            &opened.settled,
            |chunk, names| {
                if keeps && opened.was_read(chunk.chunk) {
                    self.remember(opened, chunk, |runs| usage_kept::write(runs, &accounts, names));
                }
            },
            |base| {
                if keeps {
                    self.remember_base(opened, base.count, base.pieces(), |piece| base.write(piece, &accounts));
                }
            },
        );
        let rejects = std::mem::replace(&mut usage.rejects, Rejects::new(InputTable::Usage, 0));
        let accepted = usage.rows - rejects.count;
        let tally = Tally {
            older: usage.older,
            recorded: usage.recorded,
            ..Tally::new(InputTable::Usage, usage.rows, rejects, usage.newest, accepted)
        };
        self.loaded.usage = Some(usage);
        Ok(tally)
    }

    pub fn feature_usage(&mut self, opened: &mut Opened) -> Result<Tally, Error> {
        let accounts: Dictionary<AccountIx> = self.loaded.names(InputTable::Accounts, "account_id");
        let features: Dictionary<FeatureIx> = self.loaded.names(InputTable::Features, "feature_id");
        let (window, place, chunks) = (self.window(), opened.place(), opened.delivery.chunks.len());
        let mut rows = FeatureRows::new(opened.delivery.table, &accounts, &features, window, &place, chunks);
        let keeps = self.stream(opened, &mut rows)?;
        let mut usage = rows.finish(
            &opened.settled,
            |chunk, users| {
                if keeps && opened.was_read(chunk.chunk) {
                    self.remember(opened, chunk, |runs| feature_kept::write(runs, &accounts, &features, users));
                }
            },
            |base, users| {
                if keeps {
                    let write = |piece| base.write(piece, &accounts, &features, users);
                    self.remember_base(opened, base.count, base.pieces(), write);
                }
            },
        );
        let rejects = std::mem::replace(&mut usage.rejects, Rejects::new(InputTable::FeatureUsage, 0));
        let tally = Tally {
            nulls: vec![("in_trial".into(), usage.trial_nulls)],
            older: usage.older,
            recorded: usage.recorded,
            ..Tally::new(InputTable::FeatureUsage, usage.rows, rejects, usage.newest, usage.accepted)
        };
        self.loaded.feature_usage = Some(usage);
        Ok(tally)
    }

    /// Lets `rows` take what is kept and see the rows of all other files; whether what was read may be kept.
    fn stream(&mut self, opened: &mut Opened, rows: &mut impl Stream) -> Result<bool, Error> {
        let unreadable = self.unreadable.len();
        let mut more = std::mem::take(&mut opened.kept);
        if opened.base.as_ref().is_some_and(|base| !rows.stand_on(&base.pieces)) {
            more.extend(opened.give_up_base(self.state, self.settings, &mut self.unreadable)?);
        }
        opened.base.iter_mut().flat_map(|base| &mut base.pieces).for_each(Kept::let_go);
        let mut read = 0;
        loop {
            self.take(opened, more, rows)?;
            read = self.scan(opened, read, &|source, batch| rows.add(source, batch))?;
            if !rows.step_down() {
                return Ok(self.state.is_kept() && self.unreadable.len() == unreadable);
            }
            more = opened.give_up_base(self.state, self.settings, &mut self.unreadable)?;
        }
    }

    /// Lets `rows` take what is kept; where it does not count today, its files are read again.
    fn take(&mut self, opened: &mut Opened, kept: Vec<Unchanged>, rows: &impl Stream) -> Result<(), Error> {
        for mut chunk in kept {
            if rows.take(&chunk.kept) {
                chunk.kept.let_go();
                opened.kept.push(chunk);
            } else {
                opened.read_again(chunk, &mut self.unreadable)?;
            }
        }
        Ok(())
    }

    /// Shows the rows of the files from one position on to `add`; gives the position after the last.
    fn scan(
        &mut self,
        opened: &Opened,
        from: usize,
        add: &(dyn Fn(&Source, &RecordBatch) + Sync),
    ) -> Result<usize, Error> {
        let (table, part, files) = (opened.delivery.table, self.part, &opened.files[from..]);
        let found = scan::scan(table, files, self.progress, &|file, batch| {
            add(&files[file].source, &part.filter(table, batch));
        })?;
        self.unreadable.extend(found);
        Ok(opened.files.len())
    }

    /// Keeps for the nights to come what was read of a chunk: beside what is kept of it, or, where its runs were merged,
    /// in its place.
    fn remember<R>(&self, opened: &Opened, chunk: &gather::Gathered<R>, write: impl FnOnce(&[R]) -> Parts) {
        let number = chunk.chunk;
        let (news, count) = chunk.news();
        let (mut files, mut instead) = (opened.read_of(number), opened.stale_of(number).collect::<Vec<_>>());
        if !chunk.adds() {
            files.extend(opened.kept_of(number).flat_map(|kept| kept.files.iter().cloned()));
            instead.extend(opened.kept_of(number).map(|kept| &kept.object));
        }
        let content = Content { settings: self.settings, files: &files, count, runs: write(news) };
        self.state.keep(opened.delivery.table.table, &opened.delivery.chunks[number], content, &instead);
    }

    /// Keeps the months that are over together, so that a later night takes them as they stand.
    fn remember_base(&self, opened: &Opened, count: Count, pieces: usize, write: impl Fn(usize) -> Parts + Sync) {
        let files = opened.settled_files();
        let content = |piece: usize| Content {
            settings: self.settings,
            files: if piece == 0 { &files } else { &[] },
            count,
            runs: write(piece),
        };
        self.state.keep_settled(opened.delivery.table.table, settled::files_of_kept(&files), pieces, content);
    }
}
