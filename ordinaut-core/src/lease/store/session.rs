//! Sessions: open, renew, close; and what a session was asked to stop.

use crate::db::schema::Schema;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// What a session tells of itself when it begins.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) queues: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) concurrency: usize,
    pub(crate) max_attempts: i16,
    pub(crate) lease: Duration,
}

pub(crate) async fn open(db: &mut PgConnection, schema: &Schema, session: i64, profile: &Profile) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("lease/session_open")))
        .bind(session)
        .bind(&profile.name)
        .bind(&profile.host)
        .bind(std::process::id().cast_signed())
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(&profile.queues)
        .bind(&profile.kinds)
        .bind(i32::try_from(profile.concurrency).unwrap_or(i32::MAX))
        .bind(profile.max_attempts)
        .bind(profile.lease.as_secs_f64())
        .execute(db)
        .await?;
    Ok(())
}

/// False: the session was declared dead.
pub(crate) async fn renew(
    db: &mut PgConnection,
    schema: &Schema,
    session: i64,
    running: usize,
    finished: &str,
) -> sqlx::Result<bool> {
    let renewed: Option<i64> = sqlx::query_scalar(schema.sql(sql!("lease/session_renew")))
        .bind(session)
        .bind(i32::try_from(running).unwrap_or(i32::MAX))
        .bind(finished)
        .fetch_optional(db)
        .await?;
    Ok(renewed.is_some())
}

/// The jobs that the session was asked to stop since it was last asked, with their attempts.
pub(crate) async fn notes(db: &mut PgConnection, schema: &Schema, session: i64) -> sqlx::Result<Vec<(Uuid, i32)>> {
    sqlx::query_as(schema.sql(sql!("lease/session_notes"))).bind(session).fetch_all(db).await
}

/// Says whether the worker asks to be told of every job at its commit.
pub(crate) async fn ask_to_be_told(
    db: &mut PgConnection,
    schema: &Schema,
    session: i64,
    asks: bool,
) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("lease/session_ask_to_be_told"))).bind(session).bind(asks).execute(db).await?;
    Ok(())
}

pub(crate) async fn close(db: &mut PgConnection, schema: &Schema, session: i64, finished: &str) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("lease/session_close"))).bind(session).bind(finished).execute(db).await?;
    Ok(())
}
