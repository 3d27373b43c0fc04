//! Cancel many: a batch of those that a filter names, or those that somebody lists.

use crate::client::Jobs;
use crate::error::InvalidField;
use crate::job::dead_filter::{NO_PATTERN, is_pattern};
use crate::job::filter::check_args;
use crate::name;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Maximum number of jobs that one statement looks at, and cancels.
pub(crate) const JOBS_A_STATEMENT: i64 = 500;

/// Which jobs to cancel: those to which everything applies that is said.
///
/// ```
/// use ordinaut_core::job::CancelFilter;
///
/// let of_a_tenant = CancelFilter::default().queue("mail").tenant("acme");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CancelFilter {
    /// Only jobs of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Only jobs of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only jobs with this word among their tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only jobs of this task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Uuid>,
    /// Only jobs of this tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Only jobs that were enqueued at this instant or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_after: Option<DateTime<Utc>>,
    /// Only jobs whose arguments contain this object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::HashMap<String, Value>>))]
    pub args: Option<Value>,
    /// Only jobs that were enqueued before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<DateTime<Utc>>,
    /// Only dead letters whose errors have this pattern, as
    /// [`DeadGroup::error_pattern`](crate::job::DeadGroup::error_pattern) says it. Only bulk
    /// operations about dead letters take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_pattern: Option<String>,
}

impl CancelFilter {
    /// Only jobs of this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Only jobs of this kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only jobs with this word among their tags.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Only jobs of this task.
    #[must_use]
    pub fn task_id(mut self, task_id: Uuid) -> Self {
        self.task_id = Some(task_id);
        self
    }

    /// Only jobs of this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Only jobs that were enqueued at this instant or later.
    #[must_use]
    pub fn created_after(mut self, created_after: DateTime<Utc>) -> Self {
        self.created_after = Some(created_after);
        self
    }

    /// Only jobs whose arguments contain this object. Arguments that are encrypted contain nothing.
    #[must_use]
    pub fn args(mut self, args: Value) -> Self {
        self.args = Some(args);
        self
    }

    /// Only jobs that were enqueued before this instant.
    #[must_use]
    pub fn created_before(mut self, created_before: DateTime<Utc>) -> Self {
        self.created_before = Some(created_before);
        self
    }

    /// Only dead letters whose errors have this pattern.
    #[must_use]
    pub fn error_pattern(mut self, error_pattern: impl Into<String>) -> Self {
        self.error_pattern = Some(error_pattern.into());
        self
    }

    /// Whether rows of work alone say which jobs it names.
    pub(crate) fn names_only_queue_and_kind(&self) -> bool {
        let Self { queue, kind, .. } = self.clone();
        *self == Self { queue, kind, ..Self::default() }
    }

    /// One that says nothing would cancel everything, and is refused.
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        if self.error_pattern.is_some() {
            let reason = "is only for the verbs requeue and delete".to_owned();
            return Err(InvalidField { field: "error_pattern", reason });
        }
        self.check_of_dead_letters()
    }

    /// The same of one about dead letters.
    pub(crate) fn check_of_dead_letters(&self) -> Result<(), InvalidField> {
        if *self == Self::default() {
            let reason =
                "must name at least one of queue, kind, tag, task_id, tenant, created_after, created_before and args";
            let reason = reason.to_owned();
            return Err(InvalidField { field: "filter", reason });
        }
        for (field, word) in
            [("queue", &self.queue), ("kind", &self.kind), ("tag", &self.tag), ("tenant", &self.tenant)]
        {
            if let Some(Err(reason)) = word.as_deref().map(name::check) {
                return Err(InvalidField { field, reason: reason.to_owned() });
            }
        }
        if self.error_pattern.as_deref().is_some_and(|pattern| !is_pattern(pattern)) {
            return Err(InvalidField { field: "error_pattern", reason: NO_PATTERN.to_owned() });
        }
        for (field, instant) in [("created_after", self.created_after), ("created_before", self.created_before)] {
            if instant.is_some_and(|instant| !(0..=9999).contains(&instant.year())) {
                let reason = "must be an instant of the years 0 to 9999".to_owned();
                return Err(InvalidField { field, reason });
            }
        }
        self.args.as_ref().map_or(Ok(()), check_args)
    }
}

/// What one statement did.
#[derive(sqlx::FromRow)]
pub(crate) struct CancelledSome {
    /// Number of jobs of the queue and kind that it looked at.
    pub(crate) looked: i64,
    /// Number of these that the filter names.
    pub(crate) listed: i64,
    pub(crate) removed: i64,
    pub(crate) asked: i64,
    /// The last that it looked at.
    pub(crate) last: Option<Uuid>,
}

/// Which jobs are cancelled together.
pub(crate) enum Called<'a> {
    Jobs(&'a [Uuid]),
    OfTask(Uuid),
}

/// What calling them off did.
#[derive(sqlx::FromRow)]
pub(crate) struct CalledOff {
    pub(crate) removed: i64,
    pub(crate) asked: i64,
    /// Other transactions moved these in the meantime.
    pub(crate) left_over: i64,
}

impl Jobs<'_> {
    /// Ends those that wait, for this reason, and asks those that run to stop.
    pub(crate) async fn cancel_listed(
        self,
        called: Called<'_>,
        reason: &str,
        db: &mut PgConnection,
    ) -> sqlx::Result<CalledOff> {
        let (jobs, task) = match called {
            Called::Jobs(jobs) => (Some(jobs), None),
            Called::OfTask(task) => (None, Some(task)),
        };
        sqlx::query_as(self.client.sql(sql!("job/cancel_listed")))
            .bind(jobs)
            .bind(task)
            .bind(reason)
            .fetch_one(db)
            .await
    }

    /// Cancels the next jobs after one of them, of this number at most.
    pub(crate) async fn cancel_some<'e>(
        self,
        filter: &CancelFilter,
        created_before: DateTime<Utc>,
        after: Uuid,
        limit: i64,
        db: impl PgExecutor<'e>,
    ) -> sqlx::Result<CancelledSome> {
        sqlx::query_as(self.client.sql(sql!("job/cancel_some")))
            .bind(&filter.queue)
            .bind(&filter.kind)
            .bind(&filter.tag)
            .bind(filter.task_id)
            .bind(&filter.tenant)
            .bind(created_before)
            .bind(after)
            .bind(limit)
            .bind(filter.created_after)
            .bind(&filter.args)
            .fetch_one(db)
            .await
    }
}
