//! What the database says became of all jobs.

use sqlx::PgPool;
use std::collections::HashMap;
use uuid::Uuid;

/// The end of an attempt. Times are seconds of the database's clock.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Run {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) session: Option<i64>,
    pub(crate) outcome: String,
    pub(crate) finished: f64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// By job, its state.
    pub(crate) states: HashMap<Uuid, String>,
    /// By job, in the order of attempts.
    pub(crate) runs: HashMap<Uuid, Vec<Run>>,
    /// By session, when its leases ended; infinite if they hold.
    pub(crate) sessions: HashMap<i64, f64>,
}

impl History {
    pub(crate) async fn of(pool: &PgPool) -> Self {
        let states: Vec<(Uuid, String)> =
            sqlx::query_as("select job_id, state from ordinaut.job_state").fetch_all(pool).await.unwrap();
        let runs: Vec<Run> = sqlx::query_as(
            "select job_id, attempt, session, outcome, extract(epoch from finished_at)::float8 as finished
             from ordinaut.run order by job_id, attempt",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let sessions: Vec<(i64, f64)> = sqlx::query_as(
            "select session, coalesce(extract(epoch from ended_at)::float8, 'infinity') from ordinaut.worker",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let mut by_job: HashMap<_, Vec<_>> = HashMap::new();
        runs.into_iter().for_each(|run| by_job.entry(run.job_id).or_default().push(run));
        Self { states: states.into_iter().collect(), runs: by_job, sessions: sessions.into_iter().collect() }
    }
}
