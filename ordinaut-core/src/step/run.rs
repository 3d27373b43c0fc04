//! Answers to waits, and the jobs that go on with them.

pub(crate) mod attempt_steps;

use crate::client::{Client, Jobs};
use crate::db::contention::undisturbed;
use crate::error::{Error, InvalidField};
use crate::notify::notifier;
use crate::step::approval::{Decided, Decision};
use crate::step::name;
use tracing::debug;
use uuid::Uuid;

/// Maximum number of events, and of jobs, in one statement.
const BATCH: usize = 500;

/// Maximum number of batches that one pass does, so that it ends.
const BATCHES: usize = 200;

/// The longest note on a decision.
const MAX_NOTE: usize = 2000;

impl Jobs<'_> {
    /// Answers an approval that the job waits for: the one of this step, or the only one. The job
    /// goes on at once. `by` says who decided.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::step::{Decided, Decision};
    ///
    /// let decided = client.jobs().decide(id, None, Decision::Approved, "ann", Some("as agreed")).await?;
    /// assert_eq!(decided, Decided::Done);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if `by` or `note` cannot be accepted; [`Error::Database`] if Postgres
    /// refused the statement or could not be reached.
    pub async fn decide(
        self,
        job_id: Uuid,
        step: Option<&str>,
        decision: Decision,
        by: &str,
        note: Option<&str>,
    ) -> Result<Decided, Error> {
        name::check_text(by, 200).map_err(|reason| InvalidField { field: "by", reason })?;
        if let Some(note) = note {
            name::check_text(note, MAX_NOTE).map_err(|reason| InvalidField { field: "note", reason })?;
        }
        if step.is_some_and(|step| step.contains('\0')) || !self.client.sees(job_id).await? {
            return Ok(Decided::NotAsked);
        }
        let row = undisturbed(|| self.write_decision(job_id, step, decision, by, note)).await?;
        Ok(match &*row.decided {
            "decided" => {
                wake(self.client, &[job_id]).await?;
                Decided::Done
            }
            "several" => Decided::Several(row.names),
            "too_late" => Decided::TooLate,
            _ => Decided::NotAsked,
        })
    }
}

/// Answers what waits for an event that was just committed. What fails here is done by the next
/// pass of the scheduler.
pub(crate) async fn tell_of_event(client: &Client, n: i64) {
    if let Err(error) = answer(client, &[n]).await {
        debug!(%error, "could not look for what waits for event {n}; the scheduler will");
    }
}

/// Makes the jobs due whose waits were answered before their attempts were settled. What fails here
/// is done by the next pass of the scheduler.
pub(crate) async fn tell_of_settled(client: Client, jobs: Vec<Uuid>) {
    for some in jobs.chunks(BATCH) {
        if let Err(error) = wake(&client, some).await {
            debug!(%error, "could not look for answers to what {} jobs wait for; the scheduler will", some.len());
        }
    }
}

/// Everything that somebody else has begun and not finished: events whose publisher died, and jobs
/// that were answered and sleep.
pub(crate) async fn catch_up(client: &Client) -> Result<(), Error> {
    for _ in 0..BATCHES {
        let events = client.jobs().unanswered_events(BATCH as i64).await?;
        if !events.is_empty() {
            answer(client, &events).await?;
        }
        let jobs = client.jobs().asleep(BATCH as i64).await?;
        if !jobs.is_empty() {
            wake(client, &jobs).await?;
        }
        if events.len().max(jobs.len()) < BATCH {
            break;
        }
    }
    Ok(())
}

async fn answer(client: &Client, events: &[i64]) -> Result<(), Error> {
    let jobs = undisturbed(|| client.jobs().answer_waits(events)).await?;
    // With a new snapshot: an attempt may have been settled since.
    for some in jobs.chunks(BATCH) {
        wake(client, some).await?;
    }
    Ok(())
}

async fn wake(client: &Client, jobs: &[Uuid]) -> Result<(), Error> {
    let queues = undisturbed(|| client.jobs().wake_answered(jobs)).await?;
    if !queues.is_empty() {
        notifier::tell(client, queues.iter().map(|queue| &**queue));
    }
    Ok(())
}
