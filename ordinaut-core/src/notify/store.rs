//! Postgres notifications.

use crate::db::schema::Schema;
use sqlx::PgExecutor;

/// Wakes workers of these queues that listen.
pub(crate) async fn hint<'e>(schema: &Schema, queues: &[String], db: impl PgExecutor<'e>) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("notify/notify"))).bind(schema.channel()).bind(queues).execute(db).await?;
    Ok(())
}
