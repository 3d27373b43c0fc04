//! Changing limits, so that they hold from the moment of the answer.

pub(crate) mod limiter;

use crate::client::Limits;
use crate::db::contention::OfPostgres;
use crate::db::contention::undisturbed;
use crate::error::Error;
use crate::error::InvalidField;
use crate::limit::definition::Limit;
use crate::limit::store::admission::lock;
use crate::name;
use crate::notify::notifier;
use sqlx::{Postgres, Transaction};
use std::time::Duration;

/// Maximum number of times that a change asks for the moment in which no claim runs, and the pause
/// between. While it asks, claims wait too.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// Why a limit was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// A transaction that reads the limits, such as a backup, has been open for too long.
    #[error(
        "could not change the limits: a long transaction, such as a backup, reads them; try again when it has ended"
    )]
    Busy,
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<sqlx::Error> for LimitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl OfPostgres for LimitError {
    fn of_postgres(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { error.of_postgres() } else { None }
    }
}

impl Limits<'_> {
    /// Stores a limit, new or changed. It holds from then on, at any instant: jobs that run already
    /// count. More room is used at once; with less, nothing starts until enough has ended.
    ///
    /// A new limit, or one that concerns other jobs than before, needs a moment in which no claim
    /// runs. That takes some milliseconds; after ten seconds without it, it is an error, and
    /// nothing has changed.
    ///
    /// # Errors
    ///
    /// [`LimitError::Invalid`] if [`Limit::check`] refuses it, [`LimitError::Busy`] if there was no
    /// moment without a claim, and [`LimitError::Database`] if Postgres refused a statement or
    /// could not be reached. Nothing has changed then.
    pub async fn put(self, limit: &Limit) -> Result<(), LimitError> {
        limit.check()?;
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            lock(&mut tx, self.client.schema()).await?;
            let before = self.stored_limit(&limit.name, &mut *tx).await?;
            if before.is_some_and(|before| before.same_lines(limit)) {
                self.store(limit, &mut tx).await?;
                tx.commit().await?;
                // Who waits for room may have it now.
                let queues = self.client.queues().all().await?;
                notifier::tell(self.client, queues.iter().map(|queue| &*queue.name));
                return Ok(());
            }
            drop(tx);
            let mut tx = self.without_claims().await?;
            self.remove_limit(&limit.name, &mut tx).await?;
            self.store(limit, &mut tx).await?;
            self.count_running(&limit.name, &mut tx).await?;
            self.empty_lines_and_commit(tx).await
        })
        .await
    }

    /// Removes a limit; false: there is none of this name. Waits as
    /// [`Limits::put`](crate::client::Limits::put) does.
    ///
    /// # Errors
    ///
    /// [`LimitError::Busy`] if there was no moment without a claim, [`LimitError::Database`] if
    /// Postgres refused a statement or could not be reached. The limit stays then.
    pub async fn delete(self, name: &str) -> Result<bool, LimitError> {
        // No limit has a name that cannot be stored, and for one that is not there nothing has to
        // stop.
        if name::check(name).is_err() {
            return Ok(false);
        }
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            if self.stored_limit(name, &mut *tx).await?.is_none() {
                return Ok(false);
            }
            drop(tx);
            let mut tx = self.without_claims().await?;
            if !self.remove_limit(name, &mut tx).await? {
                return Ok(false);
            }
            self.empty_lines_and_commit(tx).await?;
            Ok(true)
        })
        .await
    }

    /// A transaction beside which nothing is claimed and nothing is let in.
    async fn without_claims(self) -> Result<Transaction<'static, Postgres>, LimitError> {
        for _ in 0..TRIES {
            let mut tx = self.client.begin().await?;
            lock(&mut tx, self.client.schema()).await?;
            if self.stop_claims(&mut tx).await? {
                return Ok(tx);
            }
            tx.rollback().await?;
            tokio::time::sleep(PAUSE).await;
        }
        Err(LimitError::Busy)
    }

    /// Each job that waited finds its line anew.
    async fn empty_lines_and_commit(self, mut tx: Transaction<'_, Postgres>) -> Result<(), LimitError> {
        let queues = self.empty_lines(&mut tx).await?;
        tx.commit().await?;
        notifier::tell(self.client, queues.iter().map(|queue| &**queue));
        Ok(())
    }
}
