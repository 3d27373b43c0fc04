//! Named sets of dates that make a schedule skip days.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A named set of dates. An instant is not due if an excluding calendar has its local date, or if
/// there are allowing calendars and none of them has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Calendar {
    /// What tasks call it by.
    pub name: String,
    /// What its dates mean.
    pub mode: CalendarMode,
    /// The dates, in the zone of the schedule.
    pub dates: BTreeSet<NaiveDate>,
}

/// What the dates of a calendar mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CalendarMode {
    /// Nothing is due on them: holidays.
    Exclude,
    /// Only on them is anything due: trading days.
    Allow,
}

impl Calendar {
    /// A calendar.
    pub fn new(name: impl Into<String>, mode: CalendarMode, dates: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { name: name.into(), mode, dates: dates.into_iter().collect() }
    }
}

/// The first date from this one on, itself included, on which something may be due.
pub(crate) fn next_open(calendars: &[Calendar], from: NaiveDate) -> Option<NaiveDate> {
    let of = |mode| calendars.iter().filter(move |calendar| calendar.mode == mode);
    let excluded = |date: &NaiveDate| of(CalendarMode::Exclude).any(|calendar| calendar.dates.contains(date));
    if of(CalendarMode::Allow).next().is_none() {
        return from.iter_days().find(|date| !excluded(date));
    }
    let open = |calendar: &Calendar| calendar.dates.range(from..).find(|date| !excluded(date)).copied();
    of(CalendarMode::Allow).filter_map(open).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_open_date_is_allowed_and_not_excluded() {
        let date = |day| NaiveDate::from_ymd_opt(2027, 5, day).unwrap();
        let holidays = Calendar::new("holidays", CalendarMode::Exclude, [date(1), date(2)]);
        let trading = Calendar::new("trading", CalendarMode::Allow, [date(2), date(5)]);
        assert_eq!(next_open(&[], date(1)), Some(date(1)));
        assert_eq!(next_open(std::slice::from_ref(&holidays), date(1)), Some(date(3)));
        assert_eq!(next_open(&[holidays, trading.clone()], date(1)), Some(date(5)));
        assert_eq!(next_open(&[trading], date(6)), None);
    }
}
