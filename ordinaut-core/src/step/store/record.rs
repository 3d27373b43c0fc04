//! Recording steps, under the lease.

use crate::lease::store::Leases;
use crate::lease::token::Token;
use crate::step::record::StepKind;
use sqlx::FromRow;
use std::time::Duration;
use uuid::Uuid;

/// A step that is to be recorded.
#[derive(Debug)]
pub(crate) struct NewStep<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: StepKind,
    /// JSON, encrypted if the job is.
    pub(crate) result: &'a str,
    pub(crate) took: Duration,
}

/// Whether a step was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    Recorded,
    /// Another attempt has recorded it.
    There,
    LeaseLost,
}

/// A step as its row has it.
#[derive(Debug, FromRow)]
pub(crate) struct StoredStep {
    pub(crate) name: String,
    #[sqlx(try_from = "String")]
    pub(crate) kind: StepKind,
    pub(crate) result: String,
}

impl Leases<'_> {
    /// What the job has recorded.
    pub(crate) async fn steps(self, job_id: Uuid) -> sqlx::Result<Vec<StoredStep>> {
        sqlx::query_as(self.sql(sql!("step/recorded"))).bind(job_id).fetch_all(self.executor).await
    }

    /// Number of steps that the job has recorded, and the octets that their results take as they
    /// are stored.
    pub(crate) async fn recorded_size(self, job_id: Uuid) -> sqlx::Result<(i64, i64)> {
        sqlx::query_as(self.sql(sql!("step/recorded_size"))).bind(job_id).fetch_one(self.executor).await
    }

    /// The result of one step.
    pub(crate) async fn step(self, job_id: Uuid, name: &str) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(self.sql(sql!("step/one"))).bind(job_id).bind(name).fetch_optional(self.executor).await
    }

    /// Records a step, if the lease holds and no other attempt was first.
    pub(crate) async fn record_step(self, token: Token, step: &NewStep<'_>) -> sqlx::Result<Recording> {
        let word: String = sqlx::query_scalar(self.sql(sql!("step/record")))
            .bind(token.job_id)
            .bind(token.attempt)
            .bind(token.session)
            .bind(token.nonce)
            .bind(step.name)
            .bind(step.kind.as_str())
            .bind(step.result)
            .bind(step.took.as_secs_f64())
            .fetch_one(self.executor)
            .await?;
        Ok(match &*word {
            "recorded" => Recording::Recorded,
            "there" => Recording::There,
            _ => Recording::LeaseLost,
        })
    }
}
