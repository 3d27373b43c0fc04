//! The token that proves the right to run a job.

use std::fmt;
use uuid::Uuid;

/// What every write about a leased job carries. It never repeats: a later claim of the same job has
/// another attempt, another process another session, and the nonce tells two claims of one session
/// apart even if Postgres lost the first in a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The job.
    pub job_id: Uuid,
    /// The number of the claim of this job; it only grows.
    pub attempt: i32,
    /// One life of a worker process.
    pub session: i64,
    /// The number of the claim within the session.
    pub nonce: i32,
}

/// `job:attempt:session:nonce`, as it is sent to others.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.job_id, self.attempt, self.session, self.nonce)
    }
}
