//! Leases that were given out before: read again, looked at, looked for.

use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::lease::leased::Lease;
use crate::lease::store::Leases;
use crate::lease::store::claim::LeaseReader;
use crate::lease::token::Token;
use sqlx::Row;
use std::collections::HashMap;
use uuid::Uuid;

/// What is to be known of a lease whose job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
#[non_exhaustive]
pub struct Noticed {
    /// The job.
    pub job_id: Uuid,
    /// The attempt.
    pub attempt: i32,
    /// It holds no more, and its handler must stop.
    pub lost: bool,
    /// Somebody cancelled the job.
    pub cancel: bool,
    /// The job was cancelled because its progress has not changed for too long.
    pub stalled: bool,
    /// The job was given parameters while it ran: [`Leases::attached`] has the newest.
    pub attached: bool,
}

/// The own end of an attempt whose lease holds no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettledBefore {
    /// The job.
    pub job_id: Uuid,
    /// The attempt.
    pub attempt: i32,
    /// How it ended.
    pub outcome: Outcome,
}

impl Leases<'_> {
    /// Leases that were given out before, those that still hold, with arguments of up to
    /// `inline_bytes`.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn reread(self, tokens: &[Token], inline_bytes: usize) -> Result<Vec<Lease>, Error> {
        let rows = sqlx::query(self.sql(sql!("lease/reread")))
            .bind(tokens.iter().map(|token| token.job_id).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.session).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.nonce).collect::<Vec<_>>())
            .bind(i32::try_from(inline_bytes).unwrap_or(i32::MAX))
            .fetch_all(self.executor)
            .await?;
        let mut leases = Vec::with_capacity(rows.len());
        for row in rows {
            let (session, nonce) = (row.try_get("session")?, row.try_get("nonce")?);
            let reader = LeaseReader { session, nonce, lanes: &[], kinds: &[] };
            leases.extend(reader.leases(std::slice::from_ref(&row))?);
        }
        leases.sort_unstable_by_key(|lease| (lease.priority, lease.run_at, lease.token.job_id));
        Ok(leases)
    }

    /// Of leases whose jobs run: those that hold no more, those whose jobs were cancelled, and
    /// those whose jobs were given parameters. It tells of these each time that it is asked.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn noticed(self, running: &[Token]) -> Result<Vec<Noticed>, Error> {
        let noticed = sqlx::query_as(self.sql(sql!("lease/noticed")))
            .bind(running.iter().map(|token| token.job_id).collect::<Vec<_>>())
            .bind(running.iter().map(|token| token.attempt).collect::<Vec<_>>())
            .bind(running.iter().map(|token| token.session).collect::<Vec<_>>())
            .bind(running.iter().map(|token| token.nonce).collect::<Vec<_>>());
        Ok(noticed.fetch_all(self.executor).await?)
    }

    /// All leases of some sessions. Reads the whole table.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn held_by(self, sessions: &[i64]) -> Result<Vec<Token>, Error> {
        let rows: Vec<(Uuid, i32, i64, i32)> =
            sqlx::query_as(self.sql(sql!("lease/held_by"))).bind(sessions).fetch_all(self.executor).await?;
        let token = |(job_id, attempt, session, nonce)| Token { job_id, attempt, session, nonce };
        Ok(rows.into_iter().map(token).collect())
    }

    /// Of leases that hold no more: how those attempts ended whose own end was written. An end that
    /// comes again, because its answer was lost, is so answered as before.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn settled_before(self, tokens: &[Token]) -> Result<Vec<SettledBefore>, Error> {
        let rows: Vec<(Uuid, i32, String)> = sqlx::query_as(self.sql(sql!("lease/settled_before")))
            .bind(tokens.iter().map(|token| token.job_id).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.session).collect::<Vec<_>>())
            .fetch_all(self.executor)
            .await?;
        let ends = rows.into_iter().map(|(job_id, attempt, outcome)| {
            let outcome = outcome.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?;
            Ok(SettledBefore { job_id, attempt, outcome })
        });
        ends.collect()
    }

    /// What these jobs saved last, as JSON; one that saved nothing is missing.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn checkpoints(self, jobs: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
        let saved: Vec<(Uuid, String)> =
            sqlx::query_as(self.sql(sql!("lease/checkpoints"))).bind(jobs).fetch_all(self.executor).await?;
        Ok(saved.into_iter().collect())
    }
}
