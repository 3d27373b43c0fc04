//! Give back: leases whose handlers never started, also those whose claim was never answered.

use crate::error::Error;
use crate::lease::store::Leases;
use crate::lease::token::Token;
use uuid::Uuid;

impl Leases<'_> {
    /// Hands leases of one session back whose handlers never started: the jobs are due at once, and
    /// have not failed.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there. They then go back when the session has ended.
    pub async fn give_back(self, session: i64, tokens: &[Token]) -> Result<(), Error> {
        sqlx::query(self.sql(sql!("lease/give_back")))
            .bind(tokens.iter().map(|token| token.job_id).collect::<Vec<_>>())
            .bind(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>())
            .bind(session)
            .bind(tokens.iter().map(|token| token.nonce).collect::<Vec<_>>())
            .execute(self.executor)
            .await?;
        Ok(())
    }

    /// Finds leases of claims whose answer never arrived, by the numbers of the claims: give them
    /// back. Until Postgres has given such a claim up it may still commit. Reads the whole table.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn strays(self, session: i64, nonces: &[i32]) -> Result<Vec<Token>, Error> {
        let rows: Vec<(Uuid, i32, i64, i32)> =
            sqlx::query_as(self.sql(sql!("lease/strays"))).bind(session).bind(nonces).fetch_all(self.executor).await?;
        let token = |(job_id, attempt, session, nonce)| Token { job_id, attempt, session, nonce };
        Ok(rows.into_iter().map(token).collect())
    }
}
