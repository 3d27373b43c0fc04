//! Parameters that a job is given after it was enqueued.

use crate::error::InvalidField;
use crate::job::nul_bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

/// The longest value, in bytes of JSON.
pub const MAX_ATTACHMENT_BYTES: usize = 16 * 1024;

/// Parameters that a job was given.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Attachment {
    /// Counts up from 1 within the job; the greatest counts.
    pub n: i32,
    /// Any JSON.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub value: Box<RawValue>,
    /// The agent or person that gave them.
    pub by: String,
    /// When they were given.
    pub at: DateTime<Utc>,
}

/// The newest parameters of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Newest {
    /// Which of the job's they are.
    pub n: i32,
    /// JSON.
    pub value: String,
}

/// A value as it can be kept.
pub(crate) fn check(value: &RawValue) -> Result<(), InvalidField> {
    let refuse = |reason: String| Err(InvalidField { field: "value", reason });
    if value.get().len() > MAX_ATTACHMENT_BYTES {
        return refuse(format!("must be of {MAX_ATTACHMENT_BYTES} bytes of JSON at most"));
    }
    if nul_bytes::escapes(value.get()).next().is_some() {
        return refuse("must not contain NUL".to_owned());
    }
    Ok(())
}
