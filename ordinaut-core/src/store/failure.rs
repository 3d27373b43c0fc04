//! Why something was not done, and which failures of Postgres will pass.

use crate::vocabulary::new_job::InvalidField;
use std::io;
use std::time::Duration;

/// Why what an operator asked for was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperateError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// Postgres refused, or was not there.
    #[error("could not reach or change what was asked for")]
    Database(#[from] sqlx::Error),
}

/// Whether the same statement may succeed later: Postgres is away, starting, stopping, overloaded, a standby for now, or gave
/// the statement up. Anything else is its answer, and asking again is of no use.
pub fn will_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Classes: connection, rollback, resources, locks, operator; and a standby, which only reads.
            ["08", "40", "53", "55", "57"].iter().any(|class| code.starts_with(class)) || code == "25006"
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// What is said of a Postgres, or of a wire to it, that gave no answer for so long.
pub(crate) fn silence(patience: Duration) -> sqlx::Error {
    let text = format!("Postgres did not answer within {:.1} s", patience.as_secs_f64());
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// Whether a lock was not had in time.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03")
}
