//! The part of the log that a caller sees.

use crate::client::Events;
use crate::error::Error;
use crate::event::filter::EventFilter;
use crate::event::record::Event;
use std::collections::HashSet;
use uuid::Uuid;

/// Pages that are read for one of a caller that may see, or want, none of their events.
const PAGES: usize = 20;

impl Events<'_> {
    /// Up to `limit` events after number `n` that the caller sees, in their order, and the number
    /// after which the next page begins. A page may be empty before the end of the log: it has come
    /// to its end when that number stays.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn page(self, n: i64, limit: i64) -> Result<(Vec<Event>, i64), Error> {
        self.page_of(&EventFilter::default(), n, limit).await
    }

    /// The same of events that are wanted.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn page_of(self, filter: &EventFilter, n: i64, limit: i64) -> Result<(Vec<Event>, i64), Error> {
        let mut at = n;
        for _ in 0..PAGES {
            let read = self.read(self.client, at, limit).await?;
            let Some(last) = read.last().map(|event| event.n) else { break };
            at = last;
            let wanted = self.narrow(self.seen(read).await?, filter).await?;
            if !wanted.is_empty() {
                return Ok((wanted, at));
            }
        }
        Ok((Vec::new(), at))
    }

    /// Those of the events that are wanted, each with those of its jobs that are.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn narrow(self, mut events: Vec<Event>, filter: &EventFilter) -> Result<Vec<Event>, Error> {
        events.retain(|event| filter.may_want(event));
        if !filter.asks_for_jobs() || events.iter().all(|event| event.jobs.is_empty()) {
            return Ok(events);
        }
        let wanted: HashSet<(Uuid, i32)> = self.jobs_wanted(&events, filter).await?.into_iter().collect();
        events.retain_mut(|event| {
            let is_about_jobs = !event.jobs.is_empty();
            event.jobs.retain(|job| wanted.contains(&(job.id, job.attempt)));
            !is_about_jobs || !event.jobs.is_empty()
        });
        Ok(events)
    }

    /// Those of the events that the caller sees, each with the jobs that the caller sees: what
    /// happened to its jobs, tasks and queues. What all share is seen by those that see everything.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn seen(self, mut events: Vec<Event>) -> Result<Vec<Event>, Error> {
        let Some(sight) = self.client.sight() else { return Ok(events) };
        let own_queue = |queue: &str| sight.queues.as_ref().is_none_or(|queues| queues.iter().any(|own| own == queue));
        events.retain(|event| event.queue.is_empty() || own_queue(&event.queue));
        let by_tenant = sight.tenant.is_some();
        let of_jobs = events.iter().filter(|_| by_tenant).flat_map(|event| &event.jobs);
        let jobs: Vec<Uuid> = of_jobs.map(|job| job.id).collect();
        let tasks: Vec<Uuid> = events.iter().filter_map(task_of).collect();
        let jobs = if jobs.is_empty() { Vec::new() } else { self.client.visible(&jobs).await? };
        let tasks = if tasks.is_empty() { Vec::new() } else { self.client.tasks().visible(&tasks).await? };
        let jobs: HashSet<Uuid> = jobs.into_iter().collect();
        events.retain_mut(|event| {
            if !event.jobs.is_empty() {
                event.jobs.retain(|job| !by_tenant || jobs.contains(&job.id));
                return !event.jobs.is_empty();
            }
            match task_of(event) {
                Some(task) => tasks.contains(&task),
                None => event.r#type.as_str().starts_with("queue_") && !by_tenant && !event.queue.is_empty(),
            }
        });
        Ok(events)
    }
}

/// The task that an event is about.
fn task_of(event: &Event) -> Option<Uuid> {
    let is_about_one = event.r#type.as_str().starts_with("task_");
    event.subject.as_deref().filter(|_| is_about_one)?.parse().ok()
}
