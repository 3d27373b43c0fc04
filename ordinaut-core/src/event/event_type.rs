//! What kinds of events there are.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What happened. Each change of a job, task, queue, limit, target, worker or agent is an
        /// event of one of these types.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum EventType {
            $($(#[$doc])* $variant,)*
            /// A type that a newer version writes.
            Other(Box<str>),
        }

        impl EventType {
            /// Those that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word for it in the table, in JSON and in the API.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }
    };
}

event_types! {
    /// Jobs were enqueued.
    Enqueued = "enqueued",
    /// A worker took jobs.
    Leased = "leased",
    /// A worker gave jobs back before it ran them.
    GivenBack = "given_back",
    /// Jobs that were scheduled for later, or waited for a retry, are due now.
    RunNow = "run_now",
    /// Dead letters are jobs again.
    Requeued = "requeued",
    /// Jobs were set aside: for a limit, a target, a task or another job.
    Parked = "parked",
    /// What was set aside waits again.
    Unparked = "unparked",
    /// Waiting jobs were changed.
    Changed = "changed",
    /// The progress of running jobs has not changed for as long as their kinds allow.
    Stalled = "stalled",
    /// The jobs are done.
    Succeeded = "succeeded",
    /// Attempts failed; retries follow.
    Failed = "failed",
    /// Handlers asked to be run again later.
    Snoozed = "snoozed",
    /// Jobs were cancelled.
    Cancelled = "cancelled",
    /// Jobs took longer than the SLA of their kind.
    SlaBreached = "sla_breached",
    /// Jobs failed for good.
    Dead = "dead",
    /// Workers vanished; their jobs were rescued.
    Lost = "lost",
    /// A worker stopped and gave jobs back that it had begun.
    Released = "released",
    /// A queue is fuller or emptier than before, by its bound.
    QueueLevel = "queue_level",
    /// A task was created.
    TaskCreated = "task_created",
    /// A task was changed or snoozed.
    TaskChanged = "task_changed",
    /// A task was paused.
    TaskPaused = "task_paused",
    /// A task was resumed.
    TaskResumed = "task_resumed",
    /// A task was cancelled.
    TaskCancelled = "task_cancelled",
    /// A task was deleted.
    TaskDeleted = "task_deleted",
    /// A queue became known.
    QueueCreated = "queue_created",
    /// A bound of a queue was changed.
    QueueChanged = "queue_changed",
    /// A queue was paused.
    QueuePaused = "queue_paused",
    /// A queue was resumed.
    QueueResumed = "queue_resumed",
    /// A queue was forgotten.
    QueueDeleted = "queue_deleted",
    /// A limit was created.
    LimitCreated = "limit_created",
    /// A limit was changed.
    LimitChanged = "limit_changed",
    /// A limit was deleted.
    LimitDeleted = "limit_deleted",
    /// A target was put.
    TargetCreated = "target_created",
    /// The definition of a target was changed.
    TargetChanged = "target_changed",
    /// A target was deleted.
    TargetDeleted = "target_deleted",
    /// A host of a target is not called any more: its calls failed.
    TargetOpened = "target_opened",
    /// A host of a target is called again.
    TargetClosed = "target_closed",
    /// Somebody drained a host of a target: it gets no calls.
    TargetDrained = "target_drained",
    /// A drained host of a target gets calls again.
    TargetUndrained = "target_undrained",
    /// A kind got a policy.
    PolicyCreated = "policy_created",
    /// The policy of a kind was changed.
    PolicyChanged = "policy_changed",
    /// The policy of a kind was deleted.
    PolicyDeleted = "policy_deleted",
    /// A worker began a session.
    WorkerStarted = "worker_started",
    /// A worker stopped in good order.
    WorkerEnded = "worker_ended",
    /// A worker did not renew its session in time.
    WorkerLost = "worker_lost",
    /// Somebody drained a worker: it leases nothing more.
    WorkerDrained = "worker_drained",
    /// A drained worker may lease again.
    WorkerUndrained = "worker_undrained",
    /// A machine is healthier or less healthy than before, by its figures and thresholds.
    NodeLevel = "node_level",
    /// An alert fires: its rule has held for as long as it asks.
    AlertFiring = "alert_firing",
    /// Somebody said that they know of an alert.
    AlertAcknowledged = "alert_acknowledged",
    /// An alert is over.
    AlertResolved = "alert_resolved",
    /// An agent was created.
    AgentCreated = "agent_created",
    /// An agent was changed.
    AgentChanged = "agent_changed",
    /// An agent was revoked.
    AgentRevoked = "agent_revoked",
    /// An agent was deleted.
    AgentDeleted = "agent_deleted",
    /// A webhook was created.
    WebhookCreated = "webhook_created",
    /// A webhook was changed.
    WebhookChanged = "webhook_changed",
    /// A webhook was disabled, because its deliveries had failed for days.
    WebhookDisabled = "webhook_disabled",
    /// A webhook was deleted.
    WebhookDeleted = "webhook_deleted",
    /// A batch was made.
    BatchCreated = "batch_created",
    /// All members of a batch have ended.
    BatchEnded = "batch_ended",
}

impl From<String> for EventType {
    fn from(word: String) -> Self {
        word.parse().unwrap_or_else(|_| Self::Other(word.into()))
    }
}

impl FromStr for EventType {
    type Err = String;

    /// One that this version knows.
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .find(|known| known.as_str() == word)
            .cloned()
            .ok_or_else(|| format!("no type of event is called {word:?}"))
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_as_its_type_and_an_unknown_one_is_kept() {
        for known in EventType::ALL {
            assert_eq!(EventType::from(known.to_string()), *known);
        }
        let newer = EventType::from("batch_done".to_owned());
        assert_eq!((newer.as_str(), newer.to_string().parse::<EventType>().is_err()), ("batch_done", true));
    }
}
