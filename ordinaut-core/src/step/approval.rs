//! Approvals: somebody is asked, and the job waits for the answer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is to be approved, for [`Context::approval`](crate::Context::approval).
///
/// ```
/// use ordinaut_core::step::{ApprovalRequest, Decision};
/// use std::time::Duration;
///
/// let request = ApprovalRequest::new("Pay 5,000 euros to ann?")
///     .within(Duration::from_secs(2 * 86_400))
///     .or_else(Decision::Rejected);
/// # let _ = request;
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing by itself"]
pub struct ApprovalRequest {
    pub(crate) question: String,
    pub(crate) within: Option<Duration>,
    pub(crate) fallback: Decision,
}

impl ApprovalRequest {
    /// A question that somebody has to answer, 1 to 2,000 characters. It waits without an end if
    /// nothing else is said.
    pub fn new(question: impl Into<String>) -> Self {
        Self { question: question.into(), within: None, fallback: Decision::Rejected }
    }

    /// Ends without an answer after this time.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// What counts as the answer when nobody has answered in time; rejected if not said.
    pub fn or_else(mut self, decision: Decision) -> Self {
        self.fallback = decision;
        self
    }
}

/// What somebody decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may go on.
    Approved,
    /// It must not.
    Rejected,
}

impl Decision {
    /// The word for it in the table and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// The answer to an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Approval {
    /// What was decided.
    pub decision: Decision,
    /// Who did; `None`: nobody did in time.
    pub by: Option<String>,
    /// What they said about it.
    pub note: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

impl Approval {
    /// Whether it may go on.
    pub fn is_approved(&self) -> bool {
        self.decision == Decision::Approved
    }

    /// Whether nobody answered in time.
    pub fn is_expired(&self) -> bool {
        self.by.is_none()
    }
}

/// What became of somebody's answer to an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decided {
    /// The job goes on with it.
    Done,
    /// It was answered before, or its time was over.
    TooLate,
    /// The job waits for several approvals: the answer has to name one of these.
    Several(Vec<String>),
    /// The job waits for no approval, or for none of this name.
    NotAsked,
}
