//! A fixed interval, in real time.

use crate::error::InvalidField;
use crate::schedule::duration;
use crate::schedule::refusal::refuse;
use chrono::{DateTime, TimeDelta, Utc};

/// The anchor and each whole number of intervals behind it.
#[derive(Clone, Debug)]
pub(crate) struct Every {
    anchor: DateTime<Utc>,
    interval: TimeDelta,
}

impl Every {
    pub(crate) fn parse(expr: &str, anchor: DateTime<Utc>) -> Result<Self, InvalidField> {
        match duration::parse(expr) {
            None => refuse("must be a length of time, such as 30s, 1h30m, 2d or PT5M"),
            Some(interval) if interval < TimeDelta::seconds(1) => refuse("must be at least one second"),
            Some(interval) if interval > TimeDelta::days(366) => refuse("must be at most a year"),
            Some(interval) => Ok(Self { anchor, interval }),
        }
    }

    /// Reckoned, not walked: an interval of a second is ten years later as cheap as on its first
    /// day.
    pub(crate) fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if after < self.anchor {
            return Some(self.anchor);
        }
        let passed = (after - self.anchor).num_seconds() / self.interval.num_seconds();
        let seconds = self.interval.num_seconds().checked_mul(passed + 1)?;
        self.anchor.checked_add_signed(TimeDelta::try_seconds(seconds)?)
    }
}
