//! Looks up what the explanation of a task rests on.

use crate::client::Tasks;
use crate::error::Error;
use crate::explain::answer::TaskExplanation;
use crate::explain::facts::{Seen, TaskFacts, Unended};
use crate::explain::of_task;
use crate::name::ALL_QUEUES;
use crate::schedule::definition::Compiled;
use crate::task::store::Task;
use chrono::Utc;
use uuid::Uuid;

/// Instants that are looked back at.
const FIRES: i64 = 10;

impl Tasks<'_> {
    /// Why a task does not fire now, when it does next, and what became of its last instants;
    /// `None`: there is no such task. What the caller may not see is not named.
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(explanation) = client.tasks().explain(id).await? {
    ///     println!("{explanation}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the stored definition cannot be read by this version
    /// ([`Tasks::why_unreadable`] says why), or if Postgres refused the statement or could not be
    /// reached.
    pub async fn explain(self, id: Uuid) -> Result<Option<TaskExplanation>, Error> {
        let Some(task) = self.get(id).await? else { return Ok(None) };
        let client = self.client;
        let fires = self.fires(id, FIRES, None).await?.items;
        let unfinished = client.unfinished_of(id).await?;
        let unfinished = client.visible(&unfinished).await?;
        let newest = fires.iter().find_map(|fire| fire.job_id).or_else(|| unfinished.last().copied());
        let job = match newest {
            Some(job) => client.jobs().explain(job).await?,
            None => None,
        };
        let facts = TaskFacts {
            now: Utc::now(),
            stop: client.pause_of(ALL_QUEUES).await?,
            pause: client.pause_of(&task.definition.queue).await?.filter(|pause| pause.name != ALL_QUEUES),
            schedulers: client.schedulers().list().await?.into_iter().filter(|one| one.alive).count(),
            condition: self.seen_of(&task).await?,
            job: job.filter(|job| !job.state.is_final()).map(|job| Unended { id: job.job_id, explanation: job }),
            unfinished,
            fires,
            task,
        };
        Ok(Some(of_task::explanation(facts)))
    }

    /// What a task's condition is now, if it goes by one.
    async fn seen_of(self, task: &Task) -> Result<Option<Seen>, Error> {
        let Ok(Compiled::Condition(condition)) = task.definition.schedule.compile(&[]) else { return Ok(None) };
        let mut tx = self.client.begin().await?;
        let state = self.condition_state_of(task.id, &mut tx).await?.unwrap_or_default();
        let value = self.fact(&condition, &mut tx).await?;
        Ok(Some(Seen { condition, state, value }))
    }
}
