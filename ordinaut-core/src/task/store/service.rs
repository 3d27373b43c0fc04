//! Services: which of them have no job, and since when.

use crate::client::Tasks;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A service whose row this transaction holds, and of which no job was seen.
#[derive(sqlx::FromRow)]
pub(crate) struct Idle {
    pub(crate) id: Uuid,
    /// JSON.
    pub(crate) schedule: String,
}

/// What became of the jobs of a service.
#[derive(sqlx::FromRow)]
pub(crate) struct ServiceEnd {
    id: Uuid,
    /// A job has not ended after all.
    pub(crate) runs: bool,
    /// When the last one ended; `None`: there was none.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) now: DateTime<Utc>,
}

impl Tasks<'_> {
    /// Takes active services without a job, in the order of their ids.
    pub(crate) async fn idle_services(
        self,
        limit: i64,
        after: Option<Uuid>,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<Idle>> {
        sqlx::query_as(self.client.sql(sql!("task/services"))).bind(limit).bind(after).fetch_all(db).await
    }

    /// How the jobs of services ended whose rows this transaction holds.
    pub(crate) async fn service_ends(
        self,
        ids: Vec<Uuid>,
        db: &mut PgConnection,
    ) -> sqlx::Result<HashMap<Uuid, ServiceEnd>> {
        let ends: Vec<ServiceEnd> =
            sqlx::query_as(self.client.sql(sql!("task/service_ends"))).bind(ids).fetch_all(db).await?;
        Ok(ends.into_iter().map(|end| (end.id, end)).collect())
    }
}
