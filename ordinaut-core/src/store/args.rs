//! Arguments that their claim left out.

use super::schema::Schema;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::io;
use uuid::Uuid;

/// The arguments of these jobs, as text; one that is missing has no row any more.
pub(crate) async fn args(db: &mut PgConnection, schema: &Schema, jobs: &[Uuid]) -> sqlx::Result<HashMap<Uuid, String>> {
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as(schema.sql(include_str!("../../sql/jobs/args.sql"))).bind(jobs).fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}

/// Whether the row of the job can be read without its arguments, and the wire carries as many bytes as arguments may take.
pub(crate) async fn carries(db: &mut PgConnection, schema: &Schema, job_id: Uuid, bytes: usize) -> sqlx::Result<bool> {
    let ballast: Option<String> = sqlx::query_scalar(schema.sql(include_str!("../../sql/jobs/carries.sql")))
        .bind(job_id)
        .bind(i32::try_from(bytes).unwrap_or(i32::MAX))
        .fetch_optional(db)
        .await?;
    Ok(ballast.is_some())
}

/// Whether a statement failed because its answer was too much: for the server's memory, for one message, or for the time.
pub(crate) fn is_too_much(error: &sqlx::Error) -> bool {
    let Some(told) = error.as_database_error() else {
        return matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut);
    };
    let code = told.code().unwrap_or_default();
    // Cancelled; out of memory; what the server cannot allocate at once. Classes: data exception, program limit exceeded.
    matches!(&*code, "57014" | "53200" | "XX000") || ["22", "54"].iter().any(|class| code.starts_with(class))
}
