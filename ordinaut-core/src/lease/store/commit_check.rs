//! Whether a handler's own transaction, in which it settled its attempt, was committed.

use crate::lease::store::Leases;
use crate::lease::token::Token;

/// What became of an attempt that its handler has settled itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitCheck {
    /// The transaction was committed: the job is done.
    Committed,
    /// Somebody has the job's row locked, as the transaction does until it ends.
    Open,
    /// The lease is as it was: the transaction was rolled back.
    Undone,
    /// Another attempt owns the job, or it has ended otherwise.
    Lost,
}

impl Leases<'_> {
    /// Looks for the job's row and the attempt's run; never waits for a lock.
    pub(crate) async fn commit_check(self, token: Token) -> sqlx::Result<CommitCheck> {
        let answer: String = sqlx::query_scalar(self.sql(sql!("lease/commit_check")))
            .bind(token.job_id)
            .bind(token.attempt)
            .bind(token.session)
            .bind(token.nonce)
            .fetch_one(self.executor)
            .await?;
        Ok(match &*answer {
            "committed" => CommitCheck::Committed,
            "open" => CommitCheck::Open,
            "undone" => CommitCheck::Undone,
            _ => CommitCheck::Lost,
        })
    }
}
