//! What becomes of instants that were due too long ago, and why one does not become a fire.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What becomes of misfires: instants that were due longer ago than the grace, because no scheduler
/// ran.
///
/// ```
/// use ordinaut_core::schedule::Misfire;
///
/// assert_eq!("catch_up(5)".parse(), Ok(Misfire::CatchUp(5)));
/// assert_eq!(Misfire::default().to_string(), "coalesce");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Misfire {
    /// The newest fires, late; it stands for all.
    #[default]
    Coalesce,
    /// None fires.
    Skip,
    /// This number of the newest fire, late: from 1 to 1,000.
    CatchUp(u16),
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coalesce => f.write_str("coalesce"),
            Self::Skip => f.write_str("skip"),
            Self::CatchUp(most) => write!(f, "catch_up({most})"),
        }
    }
}

impl FromStr for Misfire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "coalesce" => return Ok(Self::Coalesce),
            "skip" => return Ok(Self::Skip),
            _ => {}
        }
        let most = text.strip_prefix("catch_up(").and_then(|rest| rest.strip_suffix(')'));
        match most.and_then(|most| most.parse().ok()) {
            Some(most @ 1..=1000) => Ok(Self::CatchUp(most)),
            _ => Err(format!(
                "no misfire policy is called {text:?}: one of coalesce, skip, catch_up(1) to catch_up(1000)"
            )),
        }
    }
}

impl TryFrom<String> for Misfire {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Misfire> for String {
    fn from(policy: Misfire) -> Self {
        policy.to_string()
    }
}

/// Why a due instant did not become a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// A newer misfire stands for it.
    Coalesced,
    /// It was due too long ago.
    Misfired,
    /// The jobs of earlier fires were not done.
    Overlap,
    /// Another job holds the unique key that its job would have.
    Duplicate,
    /// Somebody snoozed the task.
    Snoozed,
}

impl SkipReason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Coalesced, Self::Misfired, Self::Overlap, Self::Duplicate, Self::Snoozed];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coalesced => "coalesced",
            Self::Misfired => "misfired",
            Self::Overlap => "overlap",
            Self::Duplicate => "duplicate",
            Self::Snoozed => "snoozed",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SkipReason {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| format!("no reason to skip is called {word:?}"))
    }
}

impl TryFrom<String> for SkipReason {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        for policy in [Misfire::Coalesce, Misfire::Skip, Misfire::CatchUp(1), Misfire::CatchUp(1000)] {
            let stored = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<Misfire>(&stored).unwrap(), policy);
        }
        for text in ["", "Coalesce", "catch_up", "catch_up()", "catch_up(0)", "catch_up(1001)", "catch_up(-1)"] {
            assert!(text.parse::<Misfire>().is_err(), "{text}");
        }
    }
}
