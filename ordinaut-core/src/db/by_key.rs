//! Statements that find rows by index alone, whatever the statistics said when they were planned.
//!
//! A connection keeps a statement's plan. One that was made while a table was empty (a new
//! installation or partition after a VACUUM, a restored dump) costs nothing then, and reads all of
//! the table once it has filled, until the next ANALYZE.

use crate::client::Client;
use crate::db::contention::{Repeatable, undisturbed};
use futures_util::future::BoxFuture;
use futures_util::stream;
use futures_util::stream::{BoxStream, TryStreamExt};
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Execute, Executor, Postgres, SqlStr, Transaction};

/// Begins a transaction with the settings that the loops' own connections have
/// (`sql/db/connect.sql`). In a pool they hold for a transaction alone: statements that read whole
/// tables come by the same connections. A plan is made once for all values: by the costs of tables
/// with partitions Postgres would plan each look anew, which takes longer than the look.
pub(crate) const BEGIN_BY_KEY: &str = "begin isolation level read committed; set local enable_seqscan = off; set local enable_bitmapscan = off; \
     set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off; \
     set local plan_cache_mode = force_generic_plan";

/// The same behind a pooler that forgets what was prepared: see `BEGIN_ANEW`. A plan is used once
/// there.
pub(crate) const BEGIN_ANEW_BY_KEY: &str = "begin isolation level read committed; deallocate all; set local enable_seqscan = off; \
     set local enable_bitmapscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off";

/// A database on which each statement goes in a transaction of its own that finds rows by index
/// alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByKey<'c>(&'c Client);

impl Client {
    /// For a single statement that looks rows up by key. Two round trips more than without.
    pub(crate) fn by_key(&self) -> ByKey<'_> {
        ByKey(self)
    }
}

impl ByKey<'_> {
    async fn begin(self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.0.begin_by_key().await
    }
}

impl<'c> Executor<'c> for ByKey<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, statement: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: Execute<'q, Postgres> + 'q,
    {
        let all = async move {
            let statement = Repeatable::of(statement)?;
            let all = undisturbed(|| async {
                let mut tx = self.begin().await?;
                let all: Vec<_> = self.0.heard((&mut *tx).fetch_many(statement.clone()).try_collect().await)?;
                tx.commit().await.map(|()| all)
            });
            Ok::<_, sqlx::Error>(stream::iter(all.await?.into_iter().map(Ok)))
        };
        Box::pin(stream::once(all).try_flatten())
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, statement: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: Execute<'q, Postgres> + 'q,
    {
        Box::pin(async move {
            let statement = Repeatable::of(statement)?;
            undisturbed(|| async {
                let mut tx = self.begin().await?;
                let first = self.0.heard((&mut *tx).fetch_optional(statement.clone()).await)?;
                tx.commit().await.map(|()| first)
            })
            .await
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        self.0.pool().prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        self.0.pool().describe(sql)
    }
}
