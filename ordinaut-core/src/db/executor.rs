//! The one way of a statement to Postgres: through a connection of the pool, or, behind a pooler
//! that forgets what was prepared, in a transaction of its own.

use crate::client::Client;
use crate::db::begin::Begin;
use crate::db::by_key::{BEGIN_ANEW_BY_KEY, BEGIN_BY_KEY};
use crate::db::connect_options::unreached;
use crate::db::connection_settings::BEGIN;
use crate::db::contention::{Repeatable, undisturbed};
use crate::failure::{FailureKind, is_pool_timeout};
use futures_util::future::BoxFuture;
use futures_util::stream;
use futures_util::stream::{BoxStream, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Connection, Describe, Either, Execute, Executor, Postgres, SqlStr, Transaction};
use std::time::Duration;

/// When no connection was to be had for so long, another server may take the writes by now.
const MOMENT: Duration = Duration::from_secs(1);

/// Begins a transaction on a server that may have anybody's prepared statements, and forgets them:
/// ours are named the same in every client. Nobody behind such a pooler can use one across
/// transactions.
pub(crate) const BEGIN_ANEW: &str = "begin isolation level read committed; deallocate all";

impl Client {
    /// Begins a transaction. As `pool().begin()`, but always at the isolation level read committed,
    /// and it also works behind a pooler in transaction mode that forgets prepared statements
    /// (PgBouncer before 1.21).
    ///
    /// # Errors
    ///
    /// If no connection of the pool is free within 5 seconds, or Postgres cannot be reached. For a
    /// pool of yours its own time-out holds.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        if !self.pooler().forgets_statements() {
            return self.wherever(|| Begin::on(self.pool(), BEGIN)).await;
        }
        self.begin_anew(BEGIN_ANEW).await
    }

    /// Begins a transaction whose statements find rows by index alone: see [`crate::db::by_key`].
    pub(crate) async fn begin_by_key(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        if !self.pooler().forgets_statements() {
            return self.wherever(|| Begin::on(self.pool(), BEGIN_BY_KEY)).await;
        }
        self.begin_anew(BEGIN_ANEW_BY_KEY).await
    }

    async fn begin_anew(&self, begin: &'static str) -> sqlx::Result<Transaction<'static, Postgres>> {
        let mut tx = self.wherever(|| Begin::on(self.pool(), begin)).await?;
        // An application's pool remembers statements that are gone; ours remembers none.
        if tx.cached_statements_size() > 0 {
            tx.clear_cached_statements().await?;
        }
        Ok(tx)
    }

    async fn acquire(&self) -> sqlx::Result<PoolConnection<Postgres>> {
        self.wherever(|| self.pool().acquire()).await
    }

    /// Of several servers, looks again for the one that takes writes when the pool gets no
    /// connection. Of one, says why it got none.
    async fn wherever<T, F>(&self, get: impl Fn() -> F) -> sqlx::Result<T>
    where
        F: Future<Output = sqlx::Result<T>>,
    {
        let first = tokio::time::timeout(MOMENT, get()).await;
        if !self.address().has_several() {
            let result = match first {
                Ok(result) => result,
                // The second call takes a connection that was given back while the first one
                // waited. The first one only tries to open another connection, which a server at
                // its limit refuses each time.
                Err(_) => get().await,
            };
            return match result {
                Err(error) if is_pool_timeout(&error) => Err(self.why_none(error).await),
                Err(error) if FailureKind::of(&error) == FailureKind::Unreachable => {
                    Err(unreached(self.address().first(), error))
                }
                result => result,
            };
        }
        if let Ok(Ok(got)) = first {
            return Ok(got);
        }
        let (found, _) = self.address().connect().await?;
        self.pool().set_connect_options(found);
        get().await
    }

    /// Why the pool got no connection in time. The pool's own error leaves out what the server
    /// answered.
    async fn why_none(&self, timeout: sqlx::Error) -> sqlx::Error {
        if self.pool().num_idle() == 0 && self.pool().size() >= self.pool().options().get_max_connections() {
            return timeout;
        }
        match tokio::time::timeout(MOMENT, self.address().connect()).await {
            Ok(Err(why)) => why,
            Ok(Ok(_)) | Err(_) => timeout,
        }
    }

    /// A first connection of the pool, which shows whether there is a server.
    pub(crate) async fn try_once(self) -> sqlx::Result<Self> {
        self.acquire().await?;
        Ok(self)
    }

    /// What a statement answers, all of it, so that its transaction has ended when the first row is
    /// read.
    async fn all<'q, E>(&self, statement: E) -> sqlx::Result<Vec<Either<PgQueryResult, PgRow>>>
    where
        E: Execute<'q, Postgres> + 'q,
    {
        let statement = Repeatable::of(statement)?;
        if statement.is_script() {
            return self.all_once(statement).await;
        }
        undisturbed(|| self.all_once(statement.clone())).await
    }

    async fn all_once(&self, statement: Repeatable) -> sqlx::Result<Vec<Either<PgQueryResult, PgRow>>> {
        if !self.pooler().forgets_statements() {
            let mut connection = self.acquire().await?;
            return self.heard((&mut *connection).fetch_many(statement).try_collect().await);
        }
        let mut tx = self.begin().await?;
        let all = (&mut *tx).fetch_many(statement).try_collect().await?;
        tx.commit().await?;
        Ok(all)
    }

    async fn first<'q, E>(&self, statement: E) -> sqlx::Result<Option<PgRow>>
    where
        E: Execute<'q, Postgres> + 'q,
    {
        let statement = Repeatable::of(statement)?;
        if statement.is_script() {
            return self.first_once(statement).await;
        }
        undisturbed(|| self.first_once(statement.clone())).await
    }

    async fn first_once(&self, statement: Repeatable) -> sqlx::Result<Option<PgRow>> {
        if !self.pooler().forgets_statements() {
            let mut connection = self.acquire().await?;
            return self.heard((&mut *connection).fetch_optional(statement).await);
        }
        let mut tx = self.begin().await?;
        let first = (&mut *tx).fetch_optional(statement).await?;
        tx.commit().await?;
        Ok(first)
    }

    pub(crate) fn heard<T>(&self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        result.inspect_err(|error| self.pooler().noticed(error))
    }
}

/// A statement of its own, as on a pool, whatever lies between here and Postgres, and sent again if
/// Postgres undid it for others: `job.enqueue(&database)`.
impl<'c> Executor<'c> for &'c Client {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, statement: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: Execute<'q, Postgres> + 'q,
    {
        let all = async move { Ok::<_, sqlx::Error>(stream::iter(self.all(statement).await?.into_iter().map(Ok))) };
        Box::pin(stream::once(all).try_flatten())
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, statement: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: Execute<'q, Postgres> + 'q,
    {
        Box::pin(self.first(statement))
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        self.pool().prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        self.pool().describe(sql)
    }
}
