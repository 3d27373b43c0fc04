//! Which jobs a list is about, and where to look for them.

use crate::error::InvalidField;
use crate::job::nul_bytes;
use crate::job::state::JobState;
use crate::name;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Octets that a part of arguments may have which jobs are looked for by.
const LARGEST_ARGS: usize = 10_000;

/// Names that a path into them may have.
const DEEPEST_ARGS: usize = 20;

/// A job may have an id from a clock that is ahead: it may seem to have ended before it was made.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::hours(1);

/// Which jobs to list: those to which everything applies that is said.
///
/// ```
/// use ordinaut_core::job::{JobFilter, JobState};
///
/// let parked = JobFilter::default().queue("mail").state(JobState::Parked);
/// let of_a_customer = JobFilter::default().args(serde_json::json!({"customer": {"id": 7}}));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct JobFilter {
    /// Only jobs older than this one: the last of the page before.
    pub before: Option<Uuid>,
    /// Only jobs newer than this one: the last of the page before, if the oldest come first.
    pub after: Option<Uuid>,
    /// The oldest first.
    pub oldest_first: bool,
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs of this kind.
    pub kind: Option<String>,
    /// Only jobs of this queue.
    pub queue: Option<String>,
    /// Only jobs with this word among their tags.
    pub tag: Option<String>,
    /// Only jobs of this tenant.
    pub tenant: Option<String>,
    /// Only jobs of this task.
    pub task_id: Option<Uuid>,
    /// Only jobs of this batch: its members, and those that it calls.
    pub batch: Option<Uuid>,
    /// Only jobs of which this worker ended an attempt, or, with the state running, runs one: its
    /// name or session.
    pub worker: Option<String>,
    /// Only jobs that were made at this instant or later, by the time in their ids.
    pub created_after: Option<DateTime<Utc>>,
    /// Only jobs that were made before this instant, by the time in their ids.
    pub created_before: Option<DateTime<Utc>>,
    /// Only jobs that ended at this instant or later.
    pub finished_after: Option<DateTime<Utc>>,
    /// Only jobs that ended before this instant.
    pub finished_before: Option<DateTime<Utc>>,
    /// Only jobs of which an attempt ended with this in its error, in upper or lower case.
    pub error: Option<String>,
    /// Only jobs whose arguments contain this object, as `@>` of Postgres says.
    pub args: Option<Value>,
    /// Whether the arguments are listed too.
    pub with_args: bool,
}

/// One method for each field that is only set.
macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident: $type:ty;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $field(mut self, $field: impl Into<$type>) -> Self {
                self.$field = Some($field.into());
                self
            }
        )*
    };
}

impl JobFilter {
    fields! {
        /// Only jobs older than this one.
        before: Uuid;
        /// Only jobs newer than this one.
        after: Uuid;
        /// Only jobs in this state.
        state: JobState;
        /// Only jobs of this kind.
        kind: String;
        /// Only jobs of this queue.
        queue: String;
        /// Only jobs with this word among their tags.
        tag: String;
        /// Only jobs of this tenant.
        tenant: String;
        /// Only jobs of this task.
        task_id: Uuid;
        /// Only jobs of this batch: its members, and those that it calls.
        batch: Uuid;
        /// Only jobs of this worker: its name or session.
        worker: String;
        /// Only jobs that were made at this instant or later.
        created_after: DateTime<Utc>;
        /// Only jobs that were made before this instant.
        created_before: DateTime<Utc>;
        /// Only jobs that ended at this instant or later.
        finished_after: DateTime<Utc>;
        /// Only jobs that ended before this instant.
        finished_before: DateTime<Utc>;
        /// Only jobs of which an attempt ended with this in its error.
        error: String;
        /// Only jobs whose arguments contain this object.
        args: Value;
    }

    /// Only jobs whose arguments have a value at a path: `arg("customer.id", "7")`. The value is
    /// JSON if it can be read as such, else a text.
    ///
    /// # Errors
    ///
    /// If the path is none, or leads through the value of another one.
    pub fn arg(mut self, path: &str, value: &str) -> Result<Self, InvalidField> {
        let fault = |reason: String| Err(InvalidField { field: "args", reason });
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        if path.split('.').count() > DEEPEST_ARGS || path.split('.').any(str::is_empty) {
            return fault(format!("must be a path of 1 to {DEEPEST_ARGS} names with dots between them, not {path:?}"));
        }
        let mut place = self.args.get_or_insert_with(|| Value::Object(Map::new()));
        for name in path.split('.') {
            let Value::Object(parts) = place else {
                return fault(format!("{path:?} leads through another value"));
            };
            place = parts.entry(name).or_insert_with(|| Value::Object(Map::new()));
        }
        if *place != Value::Object(Map::new()) {
            return fault(format!("{path:?} is named twice"));
        }
        *place = value;
        Ok(self)
    }

    /// The oldest come first.
    #[must_use]
    pub fn oldest_first(mut self) -> Self {
        self.oldest_first = true;
        self
    }

    /// The arguments are listed too.
    #[must_use]
    pub fn with_args(mut self) -> Self {
        self.with_args = true;
        self
    }

    /// What no job can have is refused, before Postgres says so in its own words.
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let fault = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        let names = [("kind", &self.kind), ("queue", &self.queue), ("tag", &self.tag), ("tenant", &self.tenant)];
        for (field, word) in names.into_iter().chain([("worker", &self.worker)]) {
            if let Some(Err(reason)) = word.as_deref().map(name::check) {
                return fault(field, reason);
            }
        }
        if self.error.as_ref().is_some_and(|text| text.is_empty() || text.len() > 1000 || text.contains('\0')) {
            return fault("error", "must be a text of 1 to 1000 octets without NUL");
        }
        for (field, at) in [
            ("created_after", self.created_after),
            ("created_before", self.created_before),
            ("finished_after", self.finished_after),
            ("finished_before", self.finished_before),
        ] {
            if at.is_some_and(|at| !(0..=9999).contains(&at.year())) {
                return fault(field, "must be an instant of the years 0 to 9999");
            }
        }
        self.args.as_ref().map_or(Ok(()), check_args)
    }

    /// From which id on, and below which.
    pub(crate) fn ids(&self, ended_by: Option<DateTime<Utc>>) -> (Uuid, Uuid) {
        let after = self.after.map(|id| Uuid::from_u128(id.as_u128().saturating_add(1)));
        let low = after.max(self.created_after.map(first_id)).unwrap_or(Uuid::nil());
        let ended = [self.finished_before, ended_by].into_iter().flatten().min();
        let ended = ended.map(|at| first_id(at.checked_add_signed(CLOCKS_DIFFER).unwrap_or(at)));
        let bounds = [self.before, self.created_before.map(first_id), ended];
        (low, bounds.into_iter().flatten().min().unwrap_or(Uuid::max()))
    }

    /// The table to look at. `tenant` is the one that the caller sees, or wants.
    pub(crate) fn source(&self, tenant: Option<&str>, queues: bool) -> Source {
        let by_index = match (self.batch, self.task_id, tenant) {
            (Some(_), ..) => Some(Source::Batch),
            (None, Some(_), _) => Some(Source::Task),
            (None, None, Some(_)) => Some(Source::Tenant),
            _ => None,
        };
        let of_job = queues || self.kind.is_some() || self.queue.is_some() || self.tag.is_some() || self.args.is_some();
        match self.state {
            Some(JobState::Running) => Source::Running,
            Some(JobState::Parked) => Source::Parked,
            Some(JobState::Dead) => Source::Dead,
            Some(JobState::Scheduled | JobState::Waiting) => by_index.unwrap_or(Source::Unfinished),
            Some(JobState::Cancelled) if self.task_id.is_none() && self.batch.is_none() => Source::Unsuccessful,
            Some(JobState::Succeeded) if by_index.is_none() && !of_job && self.error.is_none() => Source::Ended,
            Some(_) => by_index.unwrap_or(Source::All),
            None if by_index.is_some() => by_index.unwrap_or(Source::All),
            None if self.error.is_some() => Source::Unsuccessful,
            None if self.asks_runs() => Source::Ended,
            None => Source::All,
        }
    }

    fn asks_runs(&self) -> bool {
        self.worker.is_some() || self.finished_after.is_some() || self.finished_before.is_some() || self.error.is_some()
    }

    /// Which tables are asked beside the source.
    pub(crate) fn asked(&self, source: Source, tenant: Option<&str>, queues: bool) -> Asked {
        let of_others = self.task_id.is_some() || self.batch.is_some();
        let rest = queues || self.tag.is_some() || tenant.is_some() || of_others || self.args.is_some();
        let named = self.kind.is_some() || self.queue.is_some();
        match source {
            Source::All | Source::Tenant | Source::Task | Source::Batch => {
                Asked { job: false, run: self.asks_runs(), state: self.state.is_some() }
            }
            Source::Unfinished | Source::Running => {
                let run = self.finished_after.is_some() || self.finished_before.is_some() || self.error.is_some();
                Asked { job: rest, run, state: false }
            }
            Source::Parked | Source::Dead => Asked { job: rest, run: self.asks_runs(), state: false },
            Source::Ended | Source::Unsuccessful => Asked { job: rest || named, run: false, state: false },
        }
    }

    /// Whether each row of the source is one of the list: no more are looked at than are shown.
    pub(crate) fn takes_all(&self, source: Source, tenant: Option<&str>, queues: bool) -> bool {
        let Asked { job, run, state } = self.asked(source, tenant, queues);
        let named = self.kind.is_some() || self.queue.is_some();
        let of_job = named || queues || self.tag.is_some() || self.args.is_some();
        !job && !run
            && !state
            && match source {
                Source::All | Source::Tenant | Source::Task => !of_job,
                // The source knows neither the task nor the tenant.
                Source::Batch => !of_job && self.task_id.is_none() && tenant.is_none(),
                Source::Parked | Source::Dead => !named,
                _ => false,
            }
    }
}

/// The first id of an instant. Before 1970 there is none.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(millis << 80)
}

/// Where a list of jobs starts from; the statement knows it by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// All jobs.
    All,
    /// The jobs of one tenant.
    Tenant,
    /// The jobs of one task.
    Task,
    /// The jobs of one batch.
    Batch,
    /// Those that wait or run.
    Unfinished,
    /// Those that run, whose ids the statement is given.
    Running,
    Parked,
    Dead,
    /// Attempts that ended.
    Ended,
    /// Attempts that ended without success.
    Unsuccessful,
}

impl Source {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Tenant => "tenant",
            Self::Task => "task",
            Self::Batch => "batch",
            Self::Unfinished => "unfinished",
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Ended => "ended",
            Self::Unsuccessful => "unsuccessful",
        }
    }
}

/// Tables that are asked whether a row of the source is one of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) job: bool,
    pub(crate) run: bool,
    pub(crate) state: bool,
}

/// Whether arguments can be asked whether they contain this.
pub(crate) fn check_args(args: &Value) -> Result<(), InvalidField> {
    let fault = |reason: &str| Err(InvalidField { field: "args", reason: reason.to_owned() });
    let Value::Object(parts) = args else { return fault("must be an object: a part of the arguments") };
    if parts.is_empty() {
        return fault("must name a part of the arguments");
    }
    let text = args.to_string();
    if text.len() > LARGEST_ARGS {
        return fault("must not be longer than 10,000 octets");
    }
    if nul_bytes::escapes(&text).next().is_some() {
        return fault("must not contain NUL");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filter() -> JobFilter {
        JobFilter::default()
    }

    #[test]
    fn a_list_starts_where_the_fewest_rows_are() {
        let source = |filter: JobFilter| filter.source(filter.tenant.as_deref(), false);
        assert_eq!(source(filter()), Source::All);
        assert_eq!(source(filter().kind("k")), Source::All);
        assert_eq!(source(filter().tenant("acme").state(JobState::Waiting)), Source::Tenant);
        assert_eq!(source(filter().tenant("acme").task_id(Uuid::nil())), Source::Task);
        assert_eq!(source(filter().tenant("acme").state(JobState::Dead)), Source::Dead);
        assert_eq!(source(filter().batch(Uuid::nil()).task_id(Uuid::nil())), Source::Batch);
        assert_eq!(source(filter().state(JobState::Running)), Source::Running);
        assert_eq!(source(filter().state(JobState::Succeeded)), Source::Ended);
        assert_eq!(source(filter().state(JobState::Succeeded).kind("rare")), Source::All);
        assert_eq!(source(filter().state(JobState::Cancelled).kind("rare")), Source::Unsuccessful);
        assert_eq!(source(filter().error("refused")), Source::Unsuccessful);
        assert_eq!(source(filter().worker("w")), Source::Ended);
    }

    #[test]
    fn what_no_job_can_have_is_refused_by_its_field() {
        let field = |filter: JobFilter| filter.check().map_err(|invalid| invalid.field);
        assert_eq!(field(filter().args(json!({"customer": {"id": 7}})).error("x")), Ok(()));
        for args in [json!({}), json!([1]), json!(7), json!({"a": "\0"}), json!({"a": "x".repeat(10_000)})] {
            assert_eq!(field(filter().args(args)), Err("args"));
        }
        assert_eq!(field(filter().tag("")), Err("tag"));
        assert_eq!(field(filter().worker("a\0")), Err("worker"));
        assert_eq!(field(filter().error("")), Err("error"));
        assert_eq!(field(filter().finished_after(DateTime::<Utc>::MAX_UTC)), Err("finished_after"));
    }

    #[test]
    fn a_path_and_a_value_are_a_part_of_the_arguments() {
        let with =
            |filter: JobFilter, path, value| filter.arg(path, value).map(|filter| filter.args.unwrap_or_default());
        assert_eq!(with(filter(), "customer.id", "7"), Ok(json!({"customer": {"id": 7}})));
        let one = || filter().arg("customer.id", "7").unwrap();
        assert_eq!(with(one(), "customer.name", "ann"), Ok(json!({"customer": {"id": 7, "name": "ann"}})));
        assert_eq!(with(filter(), "id", "\"7\""), Ok(json!({"id": "7"})));
        for path in ["", ".", "a.", "customer", "customer.id", "customer.id.x", &"a.".repeat(30)] {
            assert!(one().arg(path, "1").is_err(), "{path}");
        }
    }

    #[test]
    fn instants_bound_the_ids() {
        let at: DateTime<Utc> = "2027-03-14T12:00:00Z".parse().unwrap();
        let (low, high) = filter().created_after(at).created_before(at).ids(None);
        assert_eq!((low, high), (first_id(at), first_id(at)));
        assert_eq!(filter().ids(None), (Uuid::nil(), Uuid::max()));
        assert_eq!(filter().before(Uuid::nil()).finished_before(at).ids(None).1, Uuid::nil());
        assert_eq!(filter().ids(Some(at)).1, first_id(at + CLOCKS_DIFFER));
        assert_eq!(filter().after(Uuid::max()).ids(None).0, Uuid::max());
    }
}
