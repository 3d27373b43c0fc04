//! What a restart or a promotion of Postgres may have lost.

use crate::error::Error;
use crate::lease::store::Leases;
use crate::lease::token::Token;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What a Postgres that was connected to anew knows.
#[derive(Clone, Debug, sqlx::FromRow)]
#[non_exhaustive]
pub struct AfterRestart {
    /// Since when it takes writes and has lost nothing.
    pub writable_since: DateTime<Utc>,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// The jobs whose leases it does not know any more: stop their handlers.
    pub missing: Vec<Uuid>,
}

impl Leases<'_> {
    /// What a Postgres that was connected to anew knows of these leases. Claims are not durable,
    /// and a restart or a promotion may have lost some whose handlers run: a program that claims
    /// should stop the handlers of those that are missing, and claim nothing until Postgres has
    /// taken writes for two seconds, so that others have had the time to do the same.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn after_restart(self, tokens: &[Token]) -> Result<AfterRestart, Error> {
        let after = sqlx::query_as(self.sql(sql!("lease/after_connect")))
            .bind(tokens.iter().map(|token| token.job_id).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.session).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.nonce).collect::<Vec<_>>())
            .fetch_one(self.executor)
            .await?;
        Ok(after)
    }
}
