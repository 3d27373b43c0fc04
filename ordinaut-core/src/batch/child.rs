//! What the ends of its parents mean for a job.

use std::fmt;
use uuid::Uuid;

/// A job that comes after others, when ends of these have reached it.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) child_id: Uuid,
    /// The number of ends.
    pub(crate) ends: i64,
    pub(crate) policy: String,
    /// The parent that failed it, and how that ended.
    pub(crate) failed: Option<Uuid>,
    pub(crate) outcome: Option<String>,
    /// Whether it still waits.
    pub(crate) parked: bool,
    /// Whether this transaction may change it.
    pub(crate) held: bool,
    /// Whether these were the last ends that it waited for.
    pub(crate) last: bool,
}

/// What becomes of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It waits for further ends, or has ended itself.
    Nothing,
    /// Somebody else moves it: it is to be looked at again.
    Again,
    Release,
    Cancel(String),
    Bury(String),
}

impl Child {
    pub(crate) fn verdict(&self) -> Verdict {
        if !self.parked {
            return Verdict::Nothing;
        }
        if !self.held {
            return Verdict::Again;
        }
        match self.failed {
            Some(parent) => {
                let why = Failed { parent, outcome: self.outcome.as_deref() }.to_string();
                if self.policy == "bury" { Verdict::Bury(why) } else { Verdict::Cancel(why) }
            }
            None if self.last => Verdict::Release,
            None => Verdict::Nothing,
        }
    }
}

/// Why a job does not run.
struct Failed<'a> {
    parent: Uuid,
    outcome: Option<&'a str>,
}

impl fmt::Display for Failed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.outcome == Some("dead") { "is dead" } else { "was cancelled" };
        write!(f, "the job {}, which it comes after, {how}", self.parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child() -> Child {
        let policy = "cancel".to_owned();
        let child_id = Uuid::nil();
        Child { child_id, ends: 1, policy, failed: None, outcome: None, parked: true, held: true, last: true }
    }

    #[test]
    fn a_child_goes_on_with_its_last_end_and_not_before() {
        assert_eq!(child().verdict(), Verdict::Release);
        assert_eq!(Child { last: false, ..child() }.verdict(), Verdict::Nothing);
        assert_eq!(Child { held: false, ..child() }.verdict(), Verdict::Again);
        assert_eq!(Child { parked: false, held: false, ..child() }.verdict(), Verdict::Nothing);
    }

    #[test]
    fn a_parent_that_failed_decides_at_once_and_is_named() {
        let failed = |policy: &str, outcome: &str| {
            let (policy, outcome) = (policy.to_owned(), Some(outcome.to_owned()));
            Child { failed: Some(Uuid::nil()), policy, outcome, last: false, ..child() }.verdict()
        };
        let why = |how: &str| format!("the job {}, which it comes after, {how}", Uuid::nil());
        assert_eq!(failed("cancel", "dead"), Verdict::Cancel(why("is dead")));
        assert_eq!(failed("bury", "cancelled"), Verdict::Bury(why("was cancelled")));
    }
}
