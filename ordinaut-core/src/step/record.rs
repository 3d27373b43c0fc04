//! Steps and waits as they are stored.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The longest result that a step records, in bytes of JSON.
pub const MAX_RESULT_BYTES: usize = 256 * 1024;

/// Maximum number of steps that one job records.
pub const MAX_STEPS: usize = 10_000;

/// Results that one job records at most, in bytes: an attempt that goes on reads them all.
pub(crate) const MAX_RESULTS_BYTES: usize = 16 * 1024 * 1024;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$about:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// The word for it in the table and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                word.parse()
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("{word:?} is none of {}", [$($word),*].join(", "))),
                }
            }
        }
    };
}

words! {
    /// What a step was.
    StepKind:
    /// A closure of the handler.
    Step = "step",
    /// A job that the handler enqueued.
    Job = "job",
    /// The version of the code that the job began with.
    Version = "version",
    /// A sleep that is over.
    Sleep = "sleep",
    /// A wait for an event that is over.
    Event = "event",
    /// A wait for the end of another job that is over.
    Ended = "ended",
    /// A wait for an approval that is over.
    Approval = "approval",
}

words! {
    /// What a job waits for.
    WaitKind:
    /// For a time.
    Sleep = "sleep",
    /// For an event.
    Event = "event",
    /// For the end of another job.
    Job = "job",
    /// For somebody to approve or reject.
    Approval = "approval",
}

/// A step of a job, as it was recorded.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct StepRecord {
    /// Its name; the second step of a name has `#2` behind it.
    pub name: String,
    /// What it was.
    pub kind: StepKind,
    /// The attempt that recorded it.
    pub attempt: i32,
    /// What it returned; of an encrypted job only with which key it is encrypted.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub result: Box<RawValue>,
    /// When the closure was called, or the wait began.
    pub began_at: DateTime<Utc>,
    /// When it was recorded.
    pub ended_at: DateTime<Utc>,
}

/// What a job waits for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct WaitRecord {
    /// The job that waits.
    pub job_id: Uuid,
    /// The step that it becomes.
    pub name: String,
    /// What is waited for.
    pub kind: WaitKind,
    /// The topic of the event.
    pub topic: Option<String>,
    /// The key of the event; empty: none.
    pub key: Option<String>,
    /// What is to be approved.
    pub question: Option<String>,
    /// What counts as the answer when nobody has answered in time.
    pub fallback: Option<String>,
    /// The job whose end is waited for.
    pub awaited_job: Option<Uuid>,
    /// When the wait began.
    pub began_at: DateTime<Utc>,
    /// When it ends without an answer; absent: never.
    pub until: Option<DateTime<Utc>>,
    /// When it was answered: the handler takes the answer in a moment.
    pub answered_at: Option<DateTime<Utc>>,
}

impl fmt::Display for WaitRecord {
    /// A sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().unwrap_or_default();
        match (self.kind, self.topic.as_deref()) {
            (WaitKind::Event, Some(topic)) if key.is_empty() => write!(f, "it waits for an event {topic}")?,
            (WaitKind::Event, topic) => write!(f, "it waits for an event {} of {key:?}", topic.unwrap_or_default())?,
            (WaitKind::Approval, _) => {
                write!(f, "it waits for an approval: {}", self.question.as_deref().unwrap_or(&self.name))?;
            }
            (WaitKind::Job, _) => {
                write!(f, "it waits for the end of the job {}", self.awaited_job.unwrap_or_default())?;
            }
            (WaitKind::Sleep, _) => f.write_str("it sleeps")?,
        }
        match self.until {
            Some(until) => write!(f, ", until {}", until.format("%Y-%m-%d %H:%M:%S UTC")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_what_it_was_written_for() {
        assert_eq!(StepKind::Approval.to_string().parse(), Ok(StepKind::Approval));
        assert!("nap".parse::<WaitKind>().unwrap_err().ends_with("none of sleep, event, job, approval"));
    }
}
