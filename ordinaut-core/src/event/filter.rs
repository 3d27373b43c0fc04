//! Which events somebody wants.

use crate::event::event_type::EventType;
use crate::event::record::Event;
use uuid::Uuid;

/// Which events are wanted: those to which everything applies that is said.
///
/// ```
/// use ordinaut_core::event::{EventFilter, EventType};
///
/// let deaths = EventFilter::default().of_type(EventType::Dead).queue("mail");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EventFilter {
    /// Only these types; none: all.
    pub types: Vec<EventType>,
    /// Only events of these queues; none: of all.
    pub queues: Vec<String>,
    /// Only events of these kinds; none: of all.
    pub kinds: Vec<String>,
    /// Only events about this job.
    pub job: Option<Uuid>,
    /// Only events about this, where it is no job.
    pub subject: Option<String>,
    /// Only events about this task and its jobs.
    pub task: Option<Uuid>,
    /// Only events about jobs of this tenant.
    pub tenant: Option<String>,
    /// Only events about attempts of this worker: its name or session.
    pub worker: Option<String>,
}

impl EventFilter {
    /// Also events of this type.
    #[must_use]
    pub fn of_type(mut self, r#type: EventType) -> Self {
        self.types.push(r#type);
        self
    }

    /// Also events of this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queues.push(queue.into());
        self
    }

    /// Also events of this kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kinds.push(kind.into());
        self
    }

    /// Whether the event by itself may be wanted. Task, tenant and worker are not in it:
    /// [`Events::narrow`](crate::client::Events::narrow) asks for these.
    pub fn may_want(&self, event: &Event) -> bool {
        let among = |words: &[String], word: &str| words.is_empty() || words.iter().any(|wanted| wanted == word);
        (self.types.is_empty() || self.types.contains(&event.r#type))
            && among(&self.queues, &event.queue)
            && among(&self.kinds, &event.kind)
            && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
            && self.job.is_none_or(|id| event.jobs.iter().any(|job| job.id == id))
            && (!self.asks_for_jobs() || !event.jobs.is_empty() || self.is_about_its_task(event))
    }

    /// Whether it asks for something that is not in an event by itself.
    pub fn asks_for_jobs(&self) -> bool {
        self.task.is_some() || self.tenant.is_some() || self.worker.is_some()
    }

    /// Of an event about no job: it is about the task that is wanted, and nothing else is.
    fn is_about_its_task(&self, event: &Event) -> bool {
        let about = event.subject.as_deref().and_then(|subject| subject.parse().ok());
        self.tenant.is_none() && self.worker.is_none() && self.task.is_some() && about == self.task
    }
}
