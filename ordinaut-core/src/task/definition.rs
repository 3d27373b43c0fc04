//! A task's definition: what to run, and when, as people write it.

use crate::backoff::Backoff;
use crate::error::InvalidField;
use crate::job::new_job::NewJob;
use crate::job::unique::{OnDuplicate, Unique};
use crate::json;
use crate::json::{InvalidJson, object};
use crate::name;
use crate::placement::request::Placement;
use crate::schedule::definition::{Schedule, fill_in};
use crate::schedule::kind::ScheduleKind;
use crate::schedule::misfire::Misfire;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// What a task runs, and when: the document that people write, and that the table `task` stores.
/// Lengths of time are in seconds.
///
/// # Examples
///
/// ```
/// use ordinaut_core::schedule::Schedule;
/// use ordinaut_core::task::TaskDefinition;
///
/// let nightly = Schedule::cron("30 2 * * *").timezone("Europe/Chisinau");
/// let task = TaskDefinition::new("Nightly report", "report", nightly).max_instances(1);
/// assert!(task.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TaskDefinition {
    /// Its name for people.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The kind of the jobs that it makes.
    pub kind: String,
    /// Their arguments.
    #[serde(default = "no_args")]
    pub args: Value,
    /// The queue that they wait in.
    #[serde(default = "default_queue")]
    pub queue: String,
    /// 1 is most urgent, 9 least.
    #[serde(default = "default_priority")]
    pub priority: i16,
    /// Number of times that a failed job is tried again; the worker's setting if absent, and a
    /// service's is tried 32,766 times.
    #[serde(default)]
    pub max_retries: Option<i16>,
    /// Time for which a failed job waits; its kind's or the worker's if absent.
    #[serde(default, deserialize_with = "object")]
    pub backoff: Option<Backoff>,
    /// Time that one attempt may take; the worker's setting if absent, a service's 365 days.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// Words to find its jobs by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whose it is, and whose its jobs are; it stays what it was when the task was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When it is due.
    pub schedule: Schedule,
    /// Names of calendars that its days must agree with.
    #[serde(default)]
    pub calendars: Vec<String>,
    /// What becomes of instants that nobody fired in time.
    #[serde(default)]
    pub misfire: Misfire,
    /// How late an instant may fire; the scheduler's `SCHEDULER_MISFIRE_GRACE_TIME` if absent.
    #[serde(default)]
    pub misfire_grace: Option<f64>,
    /// Each job is delayed by up to this much; the delay is a hash of task and instant, so it is
    /// always the same.
    #[serde(default)]
    pub jitter: f64,
    /// An instant is skipped while this number of the task's jobs has not ended; 1 means that they
    /// never overlap.
    #[serde(default)]
    pub max_instances: Option<u16>,
    /// Of all tasks with this key, one job at a time runs; the others are parked until it has
    /// ended.
    #[serde(default)]
    pub concurrency_key: Option<String>,
    /// What makes its jobs unique, as in [`NewJob::unique`]: an instant whose job would be a
    /// duplicate is skipped with that reason, whatever the mode says of errors.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
    /// What its jobs ask of the worker that runs them.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// While another task holds this key, this one cannot be created.
    #[serde(default)]
    pub dedupe_key: Option<String>,
    /// Time for which the key is held; for as long as the task exists if absent.
    #[serde(default)]
    pub dedupe_window: Option<f64>,
}

fn no_args() -> Value {
    Value::Object(Map::new())
}

fn default_queue() -> String {
    "default".to_owned()
}

const fn default_priority() -> i16 {
    5
}

/// Why a task makes no jobs of a kind.
pub(crate) const KEPT_READABLE: &str = "has arguments that are encrypted, and a task would keep them readable";

/// A week: what is later than that is no grace any more.
const MAX_GRACE: f64 = 7.0 * 86_400.0;

/// As the scheduler's grace is by default.
const GRACE_OF_ONCE: Duration = Duration::from_secs(30);

const MAX_JITTER: f64 = 86_400.0;

/// Ten years.
const MAX_WINDOW: f64 = 3660.0 * 86_400.0;

impl TaskDefinition {
    /// A task with nothing said but what it is called, what it runs, and when.
    pub fn new(title: impl Into<String>, kind: impl Into<String>, schedule: Schedule) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            kind: kind.into(),
            args: no_args(),
            queue: default_queue(),
            priority: default_priority(),
            max_retries: None,
            backoff: None,
            timeout: None,
            tags: Vec::new(),
            tenant: None,
            schedule,
            calendars: Vec::new(),
            misfire: Misfire::default(),
            misfire_grace: None,
            jitter: 0.0,
            max_instances: None,
            concurrency_key: None,
            unique: None,
            placement: None,
            dedupe_key: None,
            dedupe_window: None,
        }
    }

    /// Reads a definition from JSON, and its schedule as [`Schedule::from_json`] does. An error
    /// names the field. In a [`Value`] large integers are rounded already:
    /// [`check_integers`](crate::json::check_integers) refuses a text with such.
    ///
    /// # Errors
    ///
    /// The path of the first field that is missing, unknown, or of another type.
    pub fn from_json(mut json: Value) -> Result<Self, InvalidJson> {
        let Value::Object(fields) = &mut json else { return Err(InvalidJson::no_object(".")) };
        match fields.get_mut("schedule") {
            Some(Value::Object(schedule)) => fill_in(schedule),
            Some(_) => return Err(InvalidJson::no_object("schedule")),
            None => {}
        }
        json::read(json)
    }

    /// The same with changes: a JSON merge patch (RFC 7396), where null takes a field back to its
    /// default.
    ///
    /// # Errors
    ///
    /// If the patch is no object, or the patched document cannot be read: the path of the first
    /// field that is wrong.
    pub fn patched(&self, patch: &Value) -> Result<Self, InvalidJson> {
        if !patch.is_object() {
            return Err(InvalidJson::no_object("."));
        }
        let mut document = serde_json::to_value(self)
            .map_err(|error| InvalidJson { field: ".".to_owned(), reason: error.to_string() })?;
        let rescheduled = patch.pointer("/schedule/kind").or(patch.pointer("/schedule/expr")).is_some();
        json::merge(&mut document, patch);
        if rescheduled && patch.pointer("/schedule/dtstart").is_none() {
            // The anchor of another rule means nothing to this one.
            document.pointer_mut("/schedule/dtstart").map(Value::take);
        }
        Self::from_json(document)
    }

    /// Maximum number of its jobs that are unfinished at once; `None`: any number.
    pub(crate) fn most_jobs(&self) -> Option<i64> {
        if self.is_service() { Some(1) } else { self.max_instances.map(i64::from) }
    }

    /// Time for which a single time that is over still fires when the task is created.
    pub(crate) fn grace_of_once(&self) -> Duration {
        self.misfire_grace.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(GRACE_OF_ONCE)
    }

    /// Whether it always has one job.
    pub(crate) fn is_service(&self) -> bool {
        self.schedule.kind == ScheduleKind::Service
    }

    /// Whether it can be accepted, apart from its schedule, which [`Schedule::compile`] checks.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if !(1..=200).contains(&self.title.chars().count()) || self.title.chars().any(char::is_control) {
            return invalid("title", "must be of 1 to 200 characters, without control characters");
        }
        if self.description.chars().count() > 2000 || self.description.contains('\0') {
            return invalid("description", "must be of at most 2000 characters, without NUL");
        }
        if self.max_retries.is_some_and(|retries| !(0..=1000).contains(&retries)) {
            return invalid("max_retries", "must be from 0 to 1000");
        }
        for (field, text) in [("dedupe_key", &self.dedupe_key), ("concurrency_key", &self.concurrency_key)] {
            if let Some(Err(reason)) = text.as_ref().map(|text| name::check(text)) {
                return invalid(field, reason);
            }
        }
        for (field, seconds, most) in [
            ("misfire_grace", self.misfire_grace.unwrap_or(0.0), MAX_GRACE),
            ("jitter", self.jitter, MAX_JITTER),
            ("dedupe_window", self.dedupe_window.unwrap_or(0.0), MAX_WINDOW),
        ] {
            if !(0.0..=most).contains(&seconds) {
                return invalid(field, &format!("must be from 0 to {most} seconds"));
            }
        }
        if self.dedupe_window.is_some() && self.dedupe_key.is_none() {
            return invalid("dedupe_window", "needs a dedupe_key");
        }
        if self.max_instances == Some(0) {
            return invalid("max_instances", "must be at least 1");
        }
        if let Some(field) = self.what_a_service_has_not() {
            return invalid(field, "does not belong to a service, which is due when its last job has ended");
        }
        let waits = self.unique.as_ref().is_some_and(|unique| unique.mode() == OnDuplicate::RunAgain);
        if waits && (self.concurrency_key.is_some() || self.most_jobs().is_some()) {
            return invalid(
                "unique",
                "must not have the mode run_again together with concurrency_key or max_instances",
            );
        }
        if self.calendars.len() > 10 {
            return invalid("calendars", "must be at most 10");
        }
        if self.timeout.is_some_and(|seconds| Duration::try_from_secs_f64(seconds).is_err()) {
            return invalid("timeout", "must be from a millisecond to a year");
        }
        self.job()?.check()
    }

    /// What is said of due instants, of which a service has none.
    fn what_a_service_has_not(&self) -> Option<&'static str> {
        let said = [
            ("misfire", self.misfire != Misfire::default()),
            ("misfire_grace", self.misfire_grace.is_some()),
            ("jitter", self.jitter != 0.0),
            ("max_instances", self.max_instances.is_some_and(|most| most != 1)),
            ("calendars", !self.calendars.is_empty()),
        ];
        said.into_iter().find(|(_, said)| *said && self.is_service()).map(|(field, _)| field)
    }

    /// A job as it makes them, for the checks that every job has to pass.
    fn job(&self) -> Result<NewJob, InvalidField> {
        self.job_with(&self.args)
    }

    /// The readable unique key of a job that it makes with these arguments.
    pub(crate) fn unique_key(&self, args: &impl Serialize) -> Result<Option<String>, InvalidField> {
        let Some(unique) = &self.unique else { return Ok(None) };
        unique.key_of(&self.job_with(args)?.identity()).map(Some)
    }

    fn job_with(&self, args: &impl Serialize) -> Result<NewJob, InvalidField> {
        let mut job = NewJob::new(&self.kind, args)
            .map_err(|error| InvalidField { field: "args", reason: error.to_string() })?
            .queue(&self.queue)
            .priority(self.priority)
            .tags(&self.tags);
        job.timeout = self.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        job.backoff = self.backoff;
        job.tenant = self.tenant.clone();
        job.unique = self.unique.clone();
        job.placement = self.placement.clone().map(Box::new);
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task() -> TaskDefinition {
        TaskDefinition::new("Report", "report", Schedule::new(ScheduleKind::Cron, "@daily"))
    }

    #[test]
    fn each_bad_field_is_named() {
        let refused = |task: TaskDefinition| task.check().map_or_else(|invalid| invalid.field, |()| "none");
        assert_eq!(refused(task()), "none");
        assert_eq!(refused(TaskDefinition { title: String::new(), ..task() }), "title");
        assert_eq!(refused(TaskDefinition { description: "x".repeat(2001), ..task() }), "description");
        assert_eq!(refused(TaskDefinition { kind: String::new(), ..task() }), "kind");
        assert_eq!(refused(TaskDefinition { args: json!("\0"), ..task() }), "args");
        assert_eq!(refused(TaskDefinition { priority: 10, ..task() }), "priority");
        assert_eq!(refused(TaskDefinition { max_retries: Some(-1), ..task() }), "max_retries");
        assert_eq!(refused(TaskDefinition { timeout: Some(-1.0), ..task() }), "timeout");
        assert_eq!(refused(TaskDefinition { timeout: Some(0.0), ..task() }), "timeout");
        assert_eq!(refused(TaskDefinition { misfire_grace: Some(f64::NAN), ..task() }), "misfire_grace");
        assert_eq!(refused(TaskDefinition { jitter: -1.0, ..task() }), "jitter");
        assert_eq!(refused(TaskDefinition { max_instances: Some(0), ..task() }), "max_instances");
        assert_eq!(refused(TaskDefinition { concurrency_key: Some(String::new()), ..task() }), "concurrency_key");
        assert_eq!(refused(TaskDefinition { dedupe_window: Some(60.0), ..task() }), "dedupe_window");
        let for_ever = Backoff::Fixed { delay: Duration::MAX };
        assert_eq!(refused(TaskDefinition { backoff: Some(for_ever), ..task() }), "backoff");
    }

    #[test]
    fn a_service_has_one_job_and_nothing_that_is_said_of_instants() {
        let schedule = json!({"kind": "service"});
        let read = TaskDefinition::from_json(json!({"title": "t", "kind": "k", "schedule": schedule})).unwrap();
        assert_eq!((&*read.schedule.expr, read.most_jobs(), read.check()), ("5s", Some(1), Ok(())));
        let refused = |task: TaskDefinition| task.check().map_or_else(|invalid| invalid.field, |()| "none");
        let service = || TaskDefinition::new("t", "k", Schedule::new(ScheduleKind::Service, "5s"));
        assert_eq!(refused(TaskDefinition { max_instances: Some(1), ..service() }), "none");
        assert_eq!(refused(TaskDefinition { misfire: Misfire::Skip, ..service() }), "misfire");
        assert_eq!(refused(TaskDefinition { misfire_grace: Some(1.0), ..service() }), "misfire_grace");
        assert_eq!(refused(TaskDefinition { jitter: 1.0, ..service() }), "jitter");
        assert_eq!(refused(TaskDefinition { max_instances: Some(2), ..service() }), "max_instances");
        assert_eq!(refused(TaskDefinition { calendars: vec!["c".to_owned()], ..service() }), "calendars");
        let patched = read.patched(&json!({"schedule": {"expr": "9s"}})).unwrap();
        assert_eq!(patched.schedule.expr, "9s");
        assert_eq!(patched.patched(&json!({"schedule": {"expr": null}})).unwrap().schedule.expr, "5s");
    }

    #[test]
    fn json_that_is_none_is_refused_with_the_path() {
        let read = |json| TaskDefinition::from_json(json).unwrap_err().field;
        assert_eq!(
            read(json!({"title": "t", "kind": "k", "schedule": {"kind": "hourly", "expr": ""}})),
            "schedule.kind"
        );
        assert_eq!(read(json!({"title": 1, "kind": "k"})), "title");
        assert_eq!(read(json!({"kind": "k"})), "title");
        assert_eq!(read(json!({"title": "t", "kind": "k", "schedule": {"kind": "cron"}})), "schedule.expr");
        assert_eq!(read(json!({"title": "t", "kind": "k", "schedule": ["cron", "@daily"]})), "schedule");
        assert_eq!(read(json!(["t"])), ".");
        let misspelt = json!({"kind": "cron", "expr": "@daily", "timezon": "UTC"});
        assert_eq!(read(json!({"title": "t", "kind": "k", "schedule": misspelt})), "schedule.timezon");
        assert_eq!(task().patched(&json!([1])).unwrap_err().field, ".");
    }

    #[test]
    fn a_patch_changes_what_it_names_and_a_new_rule_has_a_new_anchor() {
        let dtstart = "2027-01-01T09:00:00".parse().unwrap();
        let every = Schedule::new(ScheduleKind::Every, "5m").timezone("Europe/London").dtstart(dtstart);
        let task = TaskDefinition { timeout: Some(1.0), ..TaskDefinition::new("t", "k", every) };
        let patched = task.patched(&json!({"title": "u", "timeout": null})).unwrap();
        assert_eq!(patched, TaskDefinition { title: "u".to_owned(), timeout: None, ..task.clone() });
        let patched = task.patched(&json!({"schedule": {"expr": "7m"}})).unwrap();
        assert_eq!((&*patched.schedule.timezone, patched.schedule.dtstart), ("Europe/London", None));
    }
}
