//! Why a step or a wait came to nothing.

use crate::job::enqueue_error::EnqueueError;
use crate::job::job_error::JobError;
use crate::step::record::{MAX_RESULT_BYTES, MAX_STEPS};
use std::time::Duration;

/// Why a step was not recorded, or a wait not begun.
//
// It becomes the handler's JobError by into_job_error() alone: by `?` it would be one that is tried
// again, and what no retry can mend has to bury the job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The lease was lost: the job is another attempt's.
    #[error("step {name:?}: the lease was lost, and another attempt owns the job now")]
    LeaseLost {
        /// The step.
        name: String,
    },
    /// Another attempt recorded it first: what this one did in its transaction must not be
    /// committed.
    #[error("step {name:?} was recorded by another attempt in the meantime")]
    Recorded {
        /// The step.
        name: String,
    },
    /// A name, topic, key or text that cannot be accepted.
    #[error("step {name:?}: {field} {reason}")]
    Invalid {
        /// The step.
        name: String,
        /// What cannot be accepted.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// The result is too large.
    #[error("step {name:?}: its result is {bytes} bytes long, and {MAX_RESULT_BYTES} are allowed")]
    TooLarge {
        /// The step.
        name: String,
        /// As JSON.
        bytes: usize,
    },
    /// The job has recorded too much.
    #[error("step {name:?}: a job records {MAX_STEPS} steps at most, and 16 MiB of results")]
    TooMany {
        /// The step.
        name: String,
    },
    /// The result cannot be written as JSON.
    #[error("step {name:?}: its result could not be written as JSON: {source}")]
    Encode {
        /// The step.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// What was recorded is not of the type that the handler asks for. A deploy may mend it.
    #[error("step {name:?}: what was recorded could not be read: {reason}")]
    Decode {
        /// The step.
        name: String,
        /// Why; nothing of the value.
        reason: String,
    },
    /// The job that it enqueues cannot be stored.
    #[error("step {name:?}: {source}")]
    Enqueue {
        /// The step.
        name: String,
        /// Why.
        source: EnqueueError,
    },
    /// Postgres refused, or was not there.
    #[error("step {name:?}: {source}")]
    Database {
        /// The step.
        name: String,
        /// What was said.
        source: crate::error::Error,
    },
}

impl StepError {
    pub(crate) fn database(name: &str) -> impl Fn(sqlx::Error) -> Self {
        move |error| Self::Database { name: name.to_owned(), source: error.into() }
    }

    pub(crate) fn invalid(name: &str, field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { name: name.to_owned(), field, reason: reason.into() }
    }

    /// What becomes of the job.
    pub(crate) fn into_job_error(self) -> JobError {
        match self {
            Self::Invalid { .. } | Self::TooLarge { .. } | Self::TooMany { .. } | Self::Encode { .. } => {
                JobError::fatal(self)
            }
            Self::LeaseLost { .. } | Self::Recorded { .. } => JobError::retry(self).after(Duration::ZERO),
            Self::Decode { .. } | Self::Enqueue { .. } | Self::Database { .. } => JobError::retry(self),
        }
    }
}
