//! What a worker did in one step.

use uuid::Uuid;

/// What one [`Worker::step`](crate::Worker::step) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A job was run and settled, with whatever outcome.
    Worked(Uuid),
    /// A job was run, but another attempt owns it now; nothing was written.
    LeaseLost(Uuid),
    /// No job of these queues and kinds was due, or the worker is drained.
    Idle,
}
