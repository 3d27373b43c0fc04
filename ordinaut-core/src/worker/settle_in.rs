//! Settle in the caller's transaction: what a handler did and that its attempt succeeded are one
//! commit.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::job::output;
use crate::job::output::OutputError;
use crate::lease::settled_attempt::SettledAttempt;
use crate::lease::settlement::Settlement;
use crate::lease::store::Leases;
use crate::lease::store::commit_check::CommitCheck;
use crate::lease::store::settle::LockedRows;
use crate::lease::token::Token;
use crate::worker::cancellation::{Stop, StopLine};
use crate::worker::context::Context;
use serde::Serialize;
use sqlx::PgConnection;
use std::time::Duration;
use tracing::warn;

/// Between looks at a job whose handler's transaction is still open.
const LOOK: Backoff = Backoff::Exponential { base: Duration::from_millis(5), cap: Duration::from_secs(1) };

/// Number of looks after which somebody should know: a few seconds.
const LOOKS_UNTIL_TOLD: i16 = 12;

/// What a transaction has to come to its end once its handler was stopped: less than a handler has
/// to yield.
const END: Duration = Duration::from_secs(2);

/// Why an attempt was not settled in a transaction. Return it from the handler, and the transaction
/// is rolled back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The lease was lost: the job is another attempt's, and what this one did must not be
    /// committed.
    #[error("the lease was lost: another attempt owns the job now")]
    LeaseLost,
    /// The context is one for tests, which has no database.
    #[error("a context for tests has no database to settle in: run the handler with a Worker on a TestDatabase")]
    NoDatabase,
    /// The value for [`Context::settle_with`] cannot be kept.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Postgres refused, or was not there.
    #[error("could not settle the attempt")]
    Database(#[from] sqlx::Error),
}

impl<S> Context<S> {
    /// Settles this attempt as succeeded inside a transaction of the handler's: what the handler
    /// did there and that its job is done become one commit. Nothing runs it a second time then.
    ///
    /// It fails if the lease was lost; with `?` the transaction is rolled back, and the job is
    /// another attempt's. If the transaction is not committed before the handler returns, the
    /// attempt fails with that reason, or with the handler's error, and is retried as usual. After
    /// the commit nothing that the handler does or returns changes the outcome.
    ///
    /// It keeps no output: a handler that has one calls [`Context::settle_with`] instead.
    ///
    /// Call it last, just before the commit: until then a cancel of the job waits. One statement; a
    /// second call in the same transaction does nothing.
    ///
    /// ```
    /// use ordinaut_core::{Client, Context, Job, JobError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Order { id: i64 }
    /// # impl Job for Order { const KIND: &'static str = "order"; }
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Invoice { order: i64 }
    /// # impl Job for Invoice { const KIND: &'static str = "invoice"; }
    ///
    /// // An order that is done has its invoice, and one that is not has none.
    /// async fn order(job: Order, ctx: Context<Client>) -> Result<(), JobError> {
    ///     let mut tx = ctx.state.begin().await?;
    ///     Invoice { order: job.id }.enqueue(ctx.state.in_tx(&mut tx)).await?;
    ///     ctx.settle_in(&mut tx).await?;
    ///     tx.commit().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SettleError::LeaseLost`] if the job is another attempt's by now,
    /// [`SettleError::NoDatabase`] in a context for tests, [`SettleError::Database`] if Postgres
    /// refused the statement or could not be reached. Return it: the transaction must not be
    /// committed.
    pub async fn settle_in(&self, tx: &mut PgConnection) -> Result<(), SettleError> {
        self.settle(tx, None).await
    }

    /// As [`Context::settle_in`], with an output. Return the same value: what a handler returns
    /// after its attempt was settled is not kept.
    ///
    /// # Errors
    ///
    /// [`SettleError::Output`] if the output cannot be written as JSON or is too large, and those
    /// of [`Context::settle_in`].
    pub async fn settle_with(&self, tx: &mut PgConnection, output: &impl Serialize) -> Result<(), SettleError> {
        self.settle(tx, Some(output::written(output)?)).await
    }

    async fn settle(&self, tx: &mut PgConnection, output: Option<String>) -> Result<(), SettleError> {
        let (token, database) = (self.token(), self.database().ok_or(SettleError::NoDatabase)?);
        // With the commit the lease is gone, and with it the right to write them.
        self.write_reports().await;
        let attempt = SettledAttempt {
            output,
            ..SettledAttempt::new(token, Settlement::succeeded(self.failures())).ran_for(self.started().elapsed())
        };
        // Before the statement: whether it was done is not known if this future is dropped.
        self.settles_itself();
        let leases = Leases::on(database.schema(), &mut *tx);
        let written = leases.write_by_key(&[attempt], LockedRows::Wait).await.map_err(sqlx::Error::from)?;
        if written.followed {
            self.ends_followed();
        }
        if written.outcomes != [None] {
            return Ok(());
        }
        // An earlier call has settled it, in this transaction or in one that was committed.
        match Leases::on(database.schema(), tx).commit_check(token).await? {
            CommitCheck::Committed => Ok(()),
            CommitCheck::Open | CommitCheck::Undone | CommitCheck::Lost => Err(SettleError::LeaseLost),
        }
    }
}

/// Waits until it is known what became of an attempt whose handler has settled it and returned. Its
/// transaction may still be open: a rollback takes its time, and a handler can give the transaction
/// to somebody else. Then until the worker stops; [`CommitCheck::Open`] leaves the job
/// to a rescue.
pub(crate) async fn commit_check(database: &Client, token: Token, line: &StopLine) -> CommitCheck {
    let Token { job_id: id, attempt, .. } = token;
    let known = async {
        let mut looks = 0_i16;
        loop {
            match database.leases().commit_check(token).await {
                Ok(CommitCheck::Open) => {}
                Ok(end) => return end,
                Err(error) => warn!(job.id = %id, attempt, %error, "could not look up the outcome of job {id}"),
            }
            looks = looks.saturating_add(1);
            if looks == LOOKS_UNTIL_TOLD {
                warn!(job.id = %id, attempt, "the handler of job {id} has returned, and its transaction is still open");
            }
            tokio::time::sleep(LOOK.delay(looks, 1.0)).await;
        }
    };
    let stopped = async {
        line.outweighed(Some(Stop::TimeOut)).await;
        tokio::time::sleep(END).await;
    };
    tokio::select! {
        biased;
        end = known => end,
        () = stopped => {
            warn!(job.id = %id, attempt, "the outcome of job {id} attempt {attempt} is unknown: if it was not settled, the job is rescued");
            CommitCheck::Open
        }
    }
}
