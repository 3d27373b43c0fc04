//! Answers to waits: events, decisions, and making the jobs due that have theirs.

use crate::client::Jobs;
use crate::step::approval::Decision;
use sqlx::{FromRow, PgConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What `step/decide.sql` says.
#[derive(Debug, FromRow)]
pub(crate) struct DecidedRow {
    pub(crate) decided: String,
    pub(crate) names: Vec<String>,
}

impl Jobs<'_> {
    /// Keeps an event for those who wait for it, in the caller's transaction; `None`: it is there.
    pub(crate) async fn keep_event(
        self,
        topic: &str,
        key: &str,
        id: &str,
        payload: &str,
        tx: &mut PgConnection,
    ) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar(self.client.sql(sql!("step/publish")))
            .bind(topic)
            .bind(key)
            .bind(id)
            .bind(payload)
            .fetch_optional(tx)
            .await
    }

    /// Answers what waits for events; the jobs that have their answer.
    pub(crate) async fn answer_waits(self, events: &[i64]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("step/answer_events")))
            .bind(events)
            .fetch_all(self.client.by_key())
            .await
    }

    /// Answers what waits for the ends of jobs, in the transaction that deals with these; the jobs
    /// that have their answer, to be woken after the commit.
    pub(crate) async fn answer_ended(
        self,
        ends: &BTreeMap<Uuid, String>,
        tx: &mut PgConnection,
    ) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("step/answer_jobs")))
            .bind(ends.keys().copied().collect::<Vec<_>>())
            .bind(ends.values().map(|outcome| &**outcome).collect::<Vec<_>>())
            .fetch_all(tx)
            .await
    }

    pub(crate) async fn unanswered_events(self, limit: i64) -> sqlx::Result<Vec<i64>> {
        sqlx::query_scalar(self.client.sql(sql!("step/unanswered_events")))
            .bind(limit)
            .fetch_all(self.client.by_key())
            .await
    }

    /// Makes jobs due whose waits are answered; the queues in which there are some.
    pub(crate) async fn wake_answered(self, jobs: &[Uuid]) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("step/wake"))).bind(jobs).fetch_all(self.client.by_key()).await
    }

    /// Jobs whose waits are answered, and which are not due.
    pub(crate) async fn asleep(self, limit: i64) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("step/asleep"))).bind(limit).fetch_all(self.client.by_key()).await
    }

    pub(crate) async fn write_decision(
        self,
        job_id: Uuid,
        step: Option<&str>,
        decision: Decision,
        by: &str,
        note: Option<&str>,
    ) -> sqlx::Result<DecidedRow> {
        sqlx::query_as(self.client.sql(sql!("step/decide")))
            .bind(job_id)
            .bind(step)
            .bind(decision.as_str())
            .bind(by)
            .bind(note)
            .fetch_one(self.client.by_key())
            .await
    }
}
