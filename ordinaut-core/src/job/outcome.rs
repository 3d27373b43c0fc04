//! How an attempt ended.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// How an attempt ended. Every attempt that ends leaves a `run` row with one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The job is done.
    Succeeded,
    /// A retry follows.
    Failed,
    /// The handler asked to be run again later.
    Snoozed,
    /// Somebody, or the handler, called it off.
    Cancelled,
    /// The job failed for good, and is a dead letter.
    Dead,
    /// Its worker vanished; the job was rescued.
    Lost,
    /// Its worker stopped and gave the job back after the handler had started.
    Released,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Succeeded, Self::Failed, Self::Snoozed, Self::Cancelled, Self::Dead, Self::Lost, Self::Released];

    /// The word in the `run` table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Snoozed => "snoozed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
            .ok_or_else(|| format!("no outcome is called {word:?}"))
    }
}

impl TryFrom<String> for Outcome {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}
