//! The days of a batch of the two big tables: when each row happened, when it was recorded, and whether it counts.

use arrow::array::{Array, Date32Array, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;

use crate::extracts::contract::convert::{self, Unfit};
use crate::extracts::contract::rules;
use crate::extracts::contract::schema::RECORDED_AT;
use crate::extracts::contract::settings::Settings;
use crate::vocabulary::{Day, Moment};

/// What the run's day makes of a row.
pub enum When {
    /// Happened and recorded by the run's day.
    Visible { day: Day, recorded: Option<Moment> },
    /// Not there yet: it leaves no trace.
    Future,
    /// Before the usage history that the job keeps.
    Older,
    /// Its day breaks a rule.
    Broken { rule: String, value: Option<String> },
}

/// The bounds that decide.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    pub from: Day,
    pub as_of: Day,
    pub settings: &'a Settings,
}

/// Time columns of one batch.
pub struct BatchTime<'a> {
    window: Window<'a>,
    /// Every row is visible.
    plain: bool,
    /// `None` where the day stands in the path only.
    dates: Option<Date32Array>,
    unfit: Vec<Unfit>,
    path_day: Option<Day>,
    recorded: Option<TimestampMicrosecondArray>,
}

impl<'a> BatchTime<'a> {
    pub fn of(batch: &RecordBatch, path_day: Option<Day>, window: Window<'a>) -> BatchTime<'a> {
        let converted = batch.column_by_name("date").map(convert::dates);
        let (dates, unfit) = converted.map_or((None, Vec::new()), |c| (Some(c.values), c.faults));
        let recorded = batch.column_by_name(RECORDED_AT).map(convert::moments);
        let mut time = BatchTime { window, plain: false, dates, unfit, path_day, recorded };
        time.plain = time.is_plain();
        time
    }

    /// Whether the first and the last day and recording show that every row is visible.
    fn is_plain(&self) -> bool {
        let Window { from, as_of, settings } = self.window;
        let days = match &self.dates {
            Some(dates) if dates.null_count() == 0 => span(dates.values()).map(|(first, last)| (Day(first), Day(last))),
            Some(_) => None,
            None => self.path_day.map(|day| (day, day)),
        };
        let recorded = match &self.recorded {
            Some(recorded) if recorded.null_count() == 0 => span(recorded.values()),
            Some(_) => None,
            None => Some((Moment::start_of(as_of).0, Moment::start_of(as_of).0)),
        };
        let (Some((first, last)), Some((earliest, latest))) = (days, recorded) else { return false };
        let within = |first: Day, last: Day| settings.earliest_day <= first && last <= as_of.min(settings.latest_day);
        self.unfit.is_empty()
            && from <= first
            && self.path_day.is_none_or(|day| (first, last) == (day, day))
            && within(first, last)
            && within(Moment(earliest).day(), Moment(latest).day())
    }

    #[inline]
    pub fn of_row(&self, row: usize) -> When {
        let recorded = self.recorded.as_ref().and_then(|r| r.is_valid(row).then(|| Moment(r.value(row))));
        let stated = match &self.dates {
            Some(dates) => dates.is_valid(row).then(|| Day(dates.value(row))),
            None => self.path_day,
        };
        if let (true, Some(day)) = (self.plain, stated) {
            return When::Visible { day, recorded };
        }
        self.judged(row, stated, recorded)
    }

    fn judged(&self, row: usize, stated: Option<Day>, recorded: Option<Moment>) -> When {
        let window = self.window;
        let future = |day: Option<Day>| day.is_some_and(|day| rules::is_future(day, window.as_of, window.settings));
        if future(stated) || future(recorded.map(Moment::day)) {
            return When::Future;
        }
        match self.fault(row, stated, recorded, window.settings) {
            Some((rule, value)) => When::Broken { rule, value },
            None => match stated {
                Some(day) if day < window.from => When::Older,
                Some(day) => When::Visible { day, recorded },
                None => When::Broken { rule: rules::NULL.into(), value: None },
            },
        }
    }

    fn fault(
        &self,
        row: usize,
        stated: Option<Day>,
        recorded: Option<Moment>,
        settings: &Settings,
    ) -> Option<(String, Option<String>)> {
        if let Ok(place) = self.unfit.binary_search_by_key(&row, |unfit| unfit.row) {
            return Some((self.unfit[place].rule.into(), Some(self.unfit[place].value.clone())));
        }
        let Some(day) = stated else { return Some((rules::NULL.into(), None)) };
        if let Some(rule) = rules::day_fault(day, settings) {
            return Some((rule, Some(day.to_string())));
        }
        if self.path_day.is_some_and(|path| path != day) {
            return Some((rules::PARTITION.into(), Some(day.to_string())));
        }
        let at = recorded?;
        let rule = rules::day_fault(at.day(), settings)?;
        Some((format!("`{RECORDED_AT}` {rule}"), Some(at.to_string())))
    }
}

/// The smallest and the greatest; `None` where there are no values.
fn span<T: Ord + Copy>(values: &[T]) -> Option<(T, T)> {
    let first = *values.first()?;
    Some(values.iter().fold((first, first), |(least, most), value| (least.min(*value), most.max(*value))))
}
