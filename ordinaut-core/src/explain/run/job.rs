//! Looks up what the explanation of a job rests on.

use crate::client::Jobs;
use crate::error::Error;
use crate::explain::facts::Facts;
use crate::explain::reason::Explanation;
use crate::explain::tree::explanation;
use crate::job::outcome::Outcome;
use crate::job::state::JobState;
use crate::job::wait::Wait;
use crate::lease::settlement::is_put_off;
use chrono::Utc;
use uuid::Uuid;

impl Jobs<'_> {
    /// Why a job does not run now, with what shows it and what to do; `None`: there is no such job.
    /// What the caller may not see is not named.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn explain(self, id: Uuid) -> Result<Option<Explanation>, Error> {
        let Some(job) = self.get(id).await? else { return Ok(None) };
        let client = self.client;
        let stands = matches!(job.state, JobState::Waiting | JobState::Parked | JobState::Scheduled);
        let waits = if job.state == JobState::Scheduled { self.waits(id).await? } else { Vec::new() };
        let mut limits = match &job.waits {
            Some(Wait::Limits { limits }) => client.room_under(limits).await?,
            _ => Vec::new(),
        };
        let holders: Vec<Uuid> = limits.iter().flat_map(|room| room.holders.iter().copied()).collect();
        let seen = client.visible(&holders).await?;
        limits.iter_mut().for_each(|room| room.holders.retain(|job| seen.contains(job)));
        let batch = match &job.waits {
            Some(Wait::Batch { batch_id: Some(id) }) => client.batches().get(*id).await?,
            _ => None,
        };
        let target = match &job.waits {
            // Its hosts are the installation's.
            Some(Wait::Target { target }) if client.sight().is_none() => client.targets().get(target).await?,
            _ => None,
        };
        let awaited: Vec<Uuid> = match &job.waits {
            Some(Wait::Dependency { jobs }) => jobs.clone(),
            Some(Wait::RunAgain { job_id }) => job_id.iter().copied().collect(),
            _ => waits.iter().filter_map(|wait| wait.awaited_job).collect(),
        };
        let awaited = client.visible(&awaited).await?;
        let others = if awaited.is_empty() { Vec::new() } else { client.others(&awaited).await? };
        let is_partial = client.sight().is_some();
        let mut workers = if stands { client.hands_for(&job.queue, &job.kind).await? } else { Vec::new() };
        if is_partial {
            // Names of machines are the installation's.
            workers.iter_mut().for_each(|hand| hand.name.clear());
        }
        let looks = job.state == JobState::Waiting && !is_partial;
        let snapshot = if looks { client.diagnostics().oldest_snapshot().await? } else { None };
        let facts = Facts {
            now: Utc::now(),
            pause: if stands { client.pause_of(&job.queue).await? } else { None },
            progress: if job.state == JobState::Running { self.progress(id).await? } else { None },
            part: if stands { client.part_of(id, &job.queue, &job.kind).await? } else { None },
            put_off: job.state == JobState::Scheduled && self.was_put_off(id, job.attempt).await?,
            place: if stands { client.place_of(id).await? } else { None },
            snapshot,
            schedulers: client.schedulers().list().await?.into_iter().filter(|one| one.alive).count(),
            waits,
            workers,
            limits,
            batch,
            target,
            others,
            job,
        };
        Ok(Some(explanation(&facts)))
    }

    /// Whether an attempt did not begin because that was outside the hours of its kind.
    async fn was_put_off(self, id: Uuid, attempt: i32) -> Result<bool, Error> {
        let run = if attempt > 0 { self.client.runs().get(id, attempt).await? } else { None };
        Ok(run.is_some_and(|run| run.outcome == Outcome::Snoozed && run.error.is_some_and(|error| is_put_off(&error))))
    }
}
