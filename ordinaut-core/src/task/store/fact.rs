//! Facts: what conditions look at, and what was seen of them.

use crate::client::Tasks;
use crate::schedule::condition::{Condition, Fact};
use crate::schedule::condition_state::ConditionState;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// A task that waits for a condition.
#[derive(sqlx::FromRow)]
pub(crate) struct ConditionTask {
    pub(crate) id: Uuid,
    /// As JSON.
    pub(crate) schedule: String,
    #[sqlx(json(nullable))]
    pub(crate) condition_state: Option<ConditionState>,
    pub(crate) now: DateTime<Utc>,
}

impl Tasks<'_> {
    /// Takes tasks that wait for a condition, after one of them.
    pub(crate) async fn condition_tasks(
        self,
        limit: i64,
        after: Option<Uuid>,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<ConditionTask>> {
        sqlx::query_as(self.client.sql(sql!("task/conditions"))).bind(limit).bind(after).fetch_all(db).await
    }

    /// Remembers what was seen of a task's condition.
    pub(crate) async fn store_condition_state(
        self,
        id: Uuid,
        state: &ConditionState,
        db: &mut PgConnection,
    ) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("task/condition_state")))
            .bind(id)
            .bind(Json(state))
            .execute(db)
            .await
            .map(drop)
    }

    /// What a condition looks at; `None` if there is nothing to measure.
    pub(crate) async fn fact(self, condition: &Condition, db: &mut PgConnection) -> sqlx::Result<Option<f64>> {
        let (sql, name) = match &condition.fact {
            Fact::ReadyDepth(queue) => {
                let most = condition.threshold.clamp(0.0, 1e9) as i64 + 2;
                return sqlx::query_scalar(self.client.sql(sql!("task/ready_depth")))
                    .bind(queue)
                    .bind(most)
                    .fetch_one(db)
                    .await;
            }
            Fact::OldestWait(queue) => (sql!("task/oldest_wait"), queue),
            Fact::FailureShare(queue) => (sql!("task/failure_share"), queue),
            Fact::FiringAlerts(rule) => (sql!("task/firing_alerts"), rule),
            Fact::Pushed(name) => (sql!("task/fact"), name),
        };
        let value: Option<Option<f64>> = sqlx::query_scalar(self.client.sql(sql)).bind(name).fetch_optional(db).await?;
        Ok(value.flatten())
    }

    /// Keeps a value for conditions to look at: `fact(name) > 3`.
    pub(crate) async fn store_fact(self, name: &str, value: f64) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("task/push_fact"))).bind(name).bind(value).execute(self.client).await.map(drop)
    }
}
