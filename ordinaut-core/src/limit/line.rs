//! Jobs that wait for the same room.

use chrono::TimeDelta;
use uuid::Uuid;

/// Jobs of one queue and kind that wait for room of the same limits under the same keys.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Whether the worker that asks may run them.
    pub(crate) servable: bool,
    /// Of the first in it, and how long that has waited.
    pub(crate) priority: i16,
    pub(crate) waited: TimeDelta,
    /// Number of jobs in it, counted up to what the worker asks for.
    pub(crate) waiting: usize,
    /// Whose jobs they are, where a limit is for each tenant.
    pub(crate) tenant: Option<String>,
    pub(crate) members: Vec<Member>,
}

/// A limit that concerns a line, and what it leaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) key: String,
    /// The room that one job takes.
    pub(crate) takes: u32,
    pub(crate) concurrency: Option<u32>,
    /// What runs takes.
    pub(crate) held: u64,
    pub(crate) rate: Option<Rate>,
    pub(crate) turn: Turn,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) a_second: f64,
    pub(crate) burst: f64,
    /// What is left now.
    pub(crate) tokens: f64,
    /// Whose bucket it is: a session, or 0.
    pub(crate) session: i64,
}

/// What an ordered limit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Anybody's: the limit is not ordered, or this line has the first job.
    Anybodys,
    /// This job's, which has begun, and waits here to be tried again.
    Of(Uuid),
    /// A job's that is elsewhere.
    Anothers,
}
