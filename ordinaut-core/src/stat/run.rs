//! Statistics of a time that is not too long to be counted now.

use crate::client::Stats;
use crate::error::{Error, InvalidField};
use crate::job::JobFilter;
use crate::stat::filter::{StatFilter, Step, countable};
use crate::stat::line::{self, ActiveHour, StatLine};

/// Lines of an answer at most.
const MOST_LINES: i64 = 5_000;

impl Stats<'_> {
    /// What came and ended in a time: a line for each step, queue and kind in which anything did.
    /// Counted now, from attempts that are kept, of jobs that were made at most a day before it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter cannot be accepted, or is so broad that counting would take
    /// long; [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, filter: &StatFilter) -> Result<Vec<StatLine>, Error> {
        filter.check()?;
        let made = JobFilter::default().created_after(filter.made_since()).created_before(filter.made_until());
        let jobs = self.client.jobs().estimate(&made).await?;
        countable(jobs)?;
        let lines = self.count(filter, made.ids(None), MOST_LINES + 1).await?;
        if lines.len() as i64 > MOST_LINES {
            let reason = format!(
                "is too fine: there are more than {MOST_LINES} lines; narrow it by since and until, a queue or a kind"
            );
            return Err(InvalidField { field: "step", reason }.into());
        }
        Ok(lines)
    }

    /// The kinds whose attempts ran longest, by what 95 of a hundred took, the slowest first: up to
    /// `limit`. The step of the filter does not count.
    ///
    /// # Errors
    ///
    /// Those of [`Stats::list`].
    pub async fn slowest(self, filter: &StatFilter, limit: usize) -> Result<Vec<StatLine>, Error> {
        let by_kind = StatFilter { step: None, by_queue: false, by_kind: true, ..filter.clone() };
        Ok(line::slowest(self.list(&by_kind).await?, limit))
    }

    /// What came and ended in each hour of the day (UTC), over all days of the time together.
    ///
    /// # Errors
    ///
    /// Those of [`Stats::list`].
    pub async fn activity(self, filter: &StatFilter) -> Result<Vec<ActiveHour>, Error> {
        let hourly = StatFilter { step: Some(Step::Hour), by_queue: false, by_kind: false, ..filter.clone() };
        Ok(line::by_hour(&self.list(&hourly).await?))
    }
}
