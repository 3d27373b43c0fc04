//! The state of a job, which is derived from where its rows are.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The state of a job, as the view `job_state` derives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// Its time has not come.
    Scheduled,
    /// Due, and no worker has it yet.
    Waiting,
    /// A worker holds its lease.
    Running,
    /// Set aside: it cannot run now, for a reason that can end.
    Parked,
    /// Done.
    Succeeded,
    /// Cancelled: by somebody, or by its handler.
    Cancelled,
    /// Failed for good.
    Dead,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Scheduled, Self::Waiting, Self::Running, Self::Parked, Self::Succeeded, Self::Cancelled, Self::Dead];

    /// The word in the view `job_state`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }

    /// Whether nothing more will happen to the job unless somebody asks for it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Cancelled | Self::Dead)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            format!("no state is called {word:?}: one of {words}")
        })
    }
}

impl TryFrom<String> for JobState {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}
