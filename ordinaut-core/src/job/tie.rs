//! What ties a job to others: the jobs that it comes after, and its batch.

use crate::error::InvalidField;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use uuid::Uuid;

/// Maximum number of jobs that one comes after.
pub const MAX_PARENTS: usize = 1000;

/// What becomes of a job when one that it comes after dies or is cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AfterPolicy {
    /// It is cancelled too.
    #[default]
    Cancel,
    /// It runs anyway, once all have ended.
    Run,
    /// It is dead too: its dead letter names the job that failed, and a requeue runs it.
    Bury,
}

impl AfterPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Run, Self::Bury];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Run => "run",
            Self::Bury => "bury",
        }
    }
}

impl FromStr for AfterPolicy {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|policy| policy.as_str() == word);
        found.ok_or_else(|| format!("no policy is called {word:?}: {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// A job's ties; one that has none costs what it costs without them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tie {
    /// The jobs that it comes after.
    pub(crate) after: Vec<Uuid>,
    pub(crate) policy: AfterPolicy,
    pub(crate) batch: Option<Uuid>,
    /// Whether it is called at the end of its batch, and is no member.
    pub(crate) is_callback: bool,
}

impl Tie {
    pub(crate) fn is_none(&self) -> bool {
        self.after.is_empty() && self.batch.is_none()
    }

    /// Why its job is parked, if it is, and the key there.
    pub(crate) fn parked(&self) -> Option<(&'static str, String)> {
        if self.is_callback {
            return Some(("batch", self.batch.map(|id| id.to_string()).unwrap_or_default()));
        }
        (!self.after.is_empty()).then(|| ("dependency", String::new()))
    }

    pub(crate) fn check(&self, job_id: Uuid, waits_behind: bool) -> Result<(), InvalidField> {
        let invalid = |reason: &str| Err(InvalidField { field: "after", reason: reason.to_owned() });
        if self.after.len() > MAX_PARENTS {
            return invalid("must be at most 1000 jobs");
        }
        if self.after.contains(&job_id) {
            return invalid("must not name the job itself");
        }
        if !self.after.is_empty() && self.is_callback {
            return invalid("must not be given for a job that its batch calls");
        }
        // A job is set aside for one reason at a time.
        if waits_behind && self.parked().is_some() {
            return invalid("cannot be combined with the mode run_again of a unique job");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_waited_for_is_refused() {
        let (own, other) = (Uuid::now_v7(), Uuid::now_v7());
        let refused = |after: Vec<Uuid>, waits_behind| {
            Tie { after, ..Tie::default() }.check(own, waits_behind).map_err(|invalid| invalid.reason)
        };
        assert_eq!(refused(vec![other], false), Ok(()));
        assert_eq!(refused(Vec::new(), true), Ok(()));
        assert!(refused(vec![other, own], false).unwrap_err().contains("itself"));
        assert!(refused(vec![other], true).unwrap_err().contains("run_again"));
        assert!(refused(vec![other; MAX_PARENTS + 1], false).unwrap_err().contains("1000"));
    }

    #[test]
    fn a_policy_is_read_back() {
        for policy in AfterPolicy::ALL {
            assert_eq!(policy.as_str().parse(), Ok(policy));
        }
        assert!("stop".parse::<AfterPolicy>().is_err());
    }
}
