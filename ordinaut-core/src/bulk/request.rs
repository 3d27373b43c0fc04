//! What is asked for: a verb, and the jobs that it is done to.

use crate::error::InvalidField;
use crate::job::CancelFilter;
use crate::name;

/// What is done to each job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BulkVerb {
    /// Jobs that wait are cancelled, and those that run are asked to stop.
    Cancel,
    /// Dead letters become jobs again.
    Requeue,
    /// Jobs that wait for a later time are due now.
    RunNow,
    /// Jobs that wait go to this queue.
    Move(String),
    /// Jobs that wait get this priority, from 1 (most urgent) to 9.
    Reprioritise(i16),
    /// Dead letters are deleted.
    Delete,
}

impl BulkVerb {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Requeue => "requeue",
            Self::RunNow => "run_now",
            Self::Move(_) => "move",
            Self::Reprioritise(_) => "reprioritise",
            Self::Delete => "delete",
        }
    }

    /// Whether it is about dead letters, and not about jobs that wait.
    pub(crate) fn is_of_dead_letters(&self) -> bool {
        matches!(self, Self::Requeue | Self::Delete)
    }

    /// The verb of a word, with what some verbs need beside it.
    ///
    /// # Errors
    ///
    /// If there is no such verb, or it lacks what it needs, or has what it does not.
    pub fn read(word: &str, to_queue: Option<String>, priority: Option<i16>) -> Result<Self, InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        match (word, to_queue, priority) {
            ("cancel", None, None) => Ok(Self::Cancel),
            ("requeue", None, None) => Ok(Self::Requeue),
            ("run_now" | "run-now", None, None) => Ok(Self::RunNow),
            ("delete", None, None) => Ok(Self::Delete),
            ("move", Some(queue), None) => Ok(Self::Move(queue)),
            ("reprioritise", None, Some(priority)) => Ok(Self::Reprioritise(priority)),
            ("move", None, _) => invalid("to_queue", "is missing: the queue to which the jobs go"),
            ("reprioritise", _, None) => invalid("priority", "is missing"),
            ("cancel" | "requeue" | "run_now" | "run-now" | "delete" | "reprioritise", Some(_), _) => {
                invalid("to_queue", "is only for the verb move")
            }
            ("cancel" | "requeue" | "run_now" | "run-now" | "delete" | "move", _, Some(_)) => {
                invalid("priority", "is only for the verb reprioritise")
            }
            _ => invalid("verb", "must be cancel, requeue, run_now, move, reprioritise or delete"),
        }
    }
}

/// A bulk operation to be started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BulkRequest {
    /// What is done to each job.
    pub verb: BulkVerb,
    /// Which jobs. Those that are enqueued after the start are not meant.
    pub filter: CancelFilter,
    /// Jobs a second at most.
    pub rate: Option<f64>,
}

impl BulkRequest {
    /// As fast as it goes.
    pub fn new(verb: BulkVerb, filter: CancelFilter) -> Self {
        Self { verb, filter, rate: None }
    }

    /// This number of jobs a second at most.
    #[must_use]
    pub fn rate(mut self, jobs_a_second: f64) -> Self {
        self.rate = Some(jobs_a_second);
        self
    }

    /// Whether it can be started.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted. A filter that says nothing would mean every job,
    /// and is refused.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.verb.is_of_dead_letters() { self.filter.check_of_dead_letters() } else { self.filter.check() }?;
        match &self.verb {
            BulkVerb::Move(queue) => name::check_queue(queue).or_else(|reason| invalid("to_queue", reason))?,
            BulkVerb::Reprioritise(priority) if !(1..=9).contains(priority) => {
                return invalid("priority", "must be from 1 (most urgent) to 9");
            }
            _ => {}
        }
        if self.rate.is_some_and(|rate| !(0.001..=1e6).contains(&rate)) {
            return invalid("rate", "must be from 0.001 to 1000000 jobs a second");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_has_what_it_needs_and_nothing_else() {
        let read = |word: &str, queue: Option<&str>, priority| {
            BulkVerb::read(word, queue.map(str::to_owned), priority).map_err(|invalid| invalid.field)
        };
        assert_eq!(read("move", Some("slow"), None), Ok(BulkVerb::Move("slow".to_owned())));
        assert_eq!(read("reprioritise", None, Some(1)), Ok(BulkVerb::Reprioritise(1)));
        assert_eq!(read("run-now", None, None), Ok(BulkVerb::RunNow));
        assert_eq!(read("move", None, None), Err("to_queue"));
        assert_eq!(read("move", Some("q"), Some(1)), Err("priority"));
        assert_eq!(read("reprioritise", None, None), Err("priority"));
        assert_eq!(read("cancel", Some("q"), None), Err("to_queue"));
        assert_eq!(read("destroy", None, None), Err("verb"));
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        let of = |verb| BulkRequest::new(verb, CancelFilter::default().queue("q"));
        let field = |request: BulkRequest| request.check().map_or_else(|invalid| invalid.field, |()| "none");
        assert_eq!(field(of(BulkVerb::Cancel)), "none");
        assert_eq!(field(BulkRequest::new(BulkVerb::Cancel, CancelFilter::default())), "filter");
        let alike = CancelFilter::default().error_pattern("no card #");
        assert_eq!(field(BulkRequest::new(BulkVerb::Delete, alike.clone())), "none");
        assert_eq!(field(BulkRequest::new(BulkVerb::Cancel, alike)), "error_pattern");
        assert_eq!(
            field(BulkRequest::new(BulkVerb::Delete, CancelFilter::default().error_pattern("a\nb"))),
            "error_pattern"
        );
        assert_eq!(field(of(BulkVerb::Move("a b".to_owned()))), "to_queue");
        assert_eq!(field(of(BulkVerb::Reprioritise(0))), "priority");
        assert_eq!(field(of(BulkVerb::Cancel).rate(0.0)), "rate");
        assert_eq!(field(of(BulkVerb::Cancel).rate(f64::NAN)), "rate");
    }
}
