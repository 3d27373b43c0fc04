//! Arguments that their claim left out.

use crate::db::schema::Schema;
use sqlx::{PgConnection, PgExecutor};
use std::collections::HashMap;
use uuid::Uuid;

/// The arguments of these jobs, as text; one that is missing has no row any more.
pub(crate) async fn args<'e>(
    db: impl PgExecutor<'e>,
    schema: &Schema,
    jobs: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(schema.sql(sql!("job/args"))).bind(jobs).fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}

/// Whether the row of the job can be read without its arguments, and the wire carries as many bytes
/// as arguments may take.
pub(crate) async fn carries(db: &mut PgConnection, schema: &Schema, job_id: Uuid, bytes: usize) -> sqlx::Result<bool> {
    let ballast: Option<String> = sqlx::query_scalar(schema.sql(sql!("job/carries")))
        .bind(job_id)
        .bind(i32::try_from(bytes).unwrap_or(i32::MAX))
        .fetch_optional(db)
        .await?;
    Ok(ballast.is_some())
}
