//! Statistics: counted from the log of events as it grows, and read.

use crate::client::Stats;
use crate::error::{Error, InvalidField};
use crate::job::JobFilter;
use crate::stat::filter::{StatFilter, Step, countable};
use crate::stat::line::{self, ActiveHour, StatLine};

/// Lines of an answer at most.
const MOST_LINES: i64 = 5_000;

/// The name under which the log is followed.
const FOLLOWER: &str = "ordinaut.stat";

/// Batches of one turn; what is left is counted at the next.
const BATCHES: usize = 100;

impl Stats<'_> {
    /// What came and ended in a time: a line for each step, queue and kind in which anything did.
    /// The time begins and ends with whole minutes, or with whole hours if the step is no minute
    /// and the time is longer than six hours. A scheduler counts ([`Stats::collect`]), a second
    /// behind.
    ///
    /// For an agent of a tenant it is counted now, from its own attempts that are kept, of jobs
    /// that were made at most a day before the time.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter cannot be accepted, has too many lines, or is so broad that
    /// counting would take long; [`Error::Database`] if Postgres refused the statement or could not
    /// be reached.
    pub async fn list(self, filter: &StatFilter) -> Result<Vec<StatLine>, Error> {
        filter.check()?;
        let lines = match self.client.seen_tenant() {
            None => {
                let rows = filter.rows();
                let filter = filter.clone().of_whole(rows);
                if filter.steps() > MOST_LINES {
                    return Err(too_fine().into());
                }
                self.read(&filter, rows, MOST_LINES + 1).await?
            }
            Some(_) => {
                let made = JobFilter::default().created_after(filter.made_since()).created_before(filter.made_until());
                countable(self.client.jobs().estimate(&made).await?)?;
                self.count(filter, made.ids(None), MOST_LINES + 1).await?
            }
        };
        if lines.len() as i64 > MOST_LINES {
            return Err(too_fine().into());
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

    /// Counts what happened since the last time, as a [`Scheduler`](crate::Scheduler) does each
    /// second. Any number of processes may; each event counts once.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached.
    pub async fn collect(self) -> Result<(), Error> {
        let (client, mut known) = (self.client, false);
        for _ in 0..BATCHES {
            let mut tx = client.begin().await?;
            let Some(at) = client.events().hold_follower(&mut tx, FOLLOWER).await? else {
                drop(tx);
                if known {
                    // Another scheduler is at it.
                    return Ok(());
                }
                client.events().begin_follower(FOLLOWER, true).await?;
                known = true;
                continue;
            };
            let Some(last) = self.record(&mut tx, at).await? else { return Ok(()) };
            client.policies().watch_sla(at, last, &mut tx).await?;
            client.events().move_follower(&mut tx, FOLLOWER, last).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn too_fine() -> InvalidField {
    let reason =
        format!("is too fine: there are more than {MOST_LINES} lines; narrow it by since and until, a queue or a kind");
    InvalidField { field: "step", reason }
}
