//! The rows of policies.

use crate::client::Policies;
use crate::policy::definition::KindPolicy;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use tracing::warn;
use uuid::Uuid;

/// Number of jobs that one statement lets go.
const BATCH: i64 = 1_000;

/// Maximum number of kinds with a policy: each worker keeps them all.
pub(crate) const MOST_POLICIES: i64 = 1_000;

/// The policy of a kind, and what is known of it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct StoredPolicy {
    /// The kind of jobs.
    pub kind: String,
    /// What holds for them.
    #[serde(flatten)]
    pub policy: KindPolicy,
    /// Number of its jobs that took longer than its SLA.
    pub late: i64,
    /// When it was put.
    pub set_at: DateTime<Utc>,
    /// The agent that put it; absent if that was not done through the API.
    pub set_by: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    policy: Value,
    late: i64,
    set_at: DateTime<Utc>,
    set_by: Option<String>,
}

impl Row {
    /// `None`: a newer version has written what this one cannot read, which must stop no other.
    fn read(self) -> Option<StoredPolicy> {
        let Self { kind, policy, late, set_at, set_by } = self;
        match KindPolicy::from_json(policy) {
            Ok(policy) => Some(StoredPolicy { kind, policy, late, set_at, set_by }),
            Err(error) => {
                warn!(job.kind = kind, "the policy of the kind {kind} does not hold here: it cannot be read: {error}");
                None
            }
        }
    }
}

/// Jobs of a kind that ended, and took nearly as long as its SLA or longer.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct NearSla {
    pub(crate) kind: String,
    pub(crate) sla: f64,
    pub(crate) late: i64,
    pub(crate) near: i64,
    pub(crate) longest: f64,
    pub(crate) slowest: Uuid,
}

impl Policies<'_> {
    /// `None`: there are too many already.
    pub(crate) async fn store(
        self,
        kind: &str,
        policy: &KindPolicy,
        db: &mut PgConnection,
    ) -> sqlx::Result<Option<StoredPolicy>> {
        let row: Option<Row> = sqlx::query_as(self.client.sql(sql!("policy/put")))
            .bind(kind)
            .bind(Json(policy))
            .bind(self.client.agent())
            .bind(MOST_POLICIES)
            .fetch_optional(db)
            .await?;
        Ok(row.and_then(Row::read))
    }

    pub(crate) async fn stored(self, kind: Option<&str>) -> sqlx::Result<Vec<StoredPolicy>> {
        let rows: Vec<Row> =
            sqlx::query_as(self.client.sql(sql!("policy/list"))).bind(kind).fetch_all(self.client).await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    pub(crate) async fn remove(self, kind: &str) -> sqlx::Result<bool> {
        let removed: Option<String> =
            sqlx::query_scalar(self.client.sql(sql!("policy/delete"))).bind(kind).fetch_optional(self.client).await?;
        Ok(removed.is_some())
    }

    /// The policies with hours or a time limit, for a process that keeps them.
    pub(crate) async fn kept(self, db: &mut PgConnection) -> sqlx::Result<Vec<(String, KindPolicy)>> {
        let rows: Vec<(String, Value)> = sqlx::query_as(self.client.sql(sql!("policy/kept"))).fetch_all(db).await?;
        // What cannot be read, a newer version has written: its workers go by it.
        Ok(rows.into_iter().filter_map(|(kind, policy)| Some((kind, KindPolicy::from_json(policy).ok()?))).collect())
    }

    /// Lets jobs go of a kind whose policy was changed, and answers their queues; `None`: none was
    /// changed.
    pub(crate) async fn let_go(self) -> sqlx::Result<Option<Vec<String>>> {
        sqlx::query_scalar(self.client.sql(sql!("policy/let_go"))).bind(BATCH).fetch_optional(self.client).await
    }

    /// Counts and tells of the jobs that took longer than their SLA, of the events after one number
    /// up to another.
    pub(crate) async fn note_late(self, after: i64, last: i64, db: &mut PgConnection) -> sqlx::Result<Vec<NearSla>> {
        sqlx::query_as(self.client.sql(sql!("policy/late"))).bind(after).bind(last).fetch_all(db).await
    }
}
