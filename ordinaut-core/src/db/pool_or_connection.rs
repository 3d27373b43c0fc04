//! Statements that go through the pool for most callers, and over a connection of its own for a
//! loop that has one.

use crate::db::by_key::ByKey;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr};

/// Where a statement that finds rows by index alone is sent.
#[derive(Debug)]
pub(crate) enum PoolOrConnection<'c> {
    /// In a transaction of its own, on a connection of the pool.
    Pool(ByKey<'c>),
    /// On the caller's connection, which has the settings for it, or in the caller's transaction.
    Connection(&'c mut PgConnection),
}

impl<'c> Executor<'c> for PoolOrConnection<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, statement: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: Execute<'q, Postgres> + 'q,
    {
        match self {
            Self::Pool(pool) => pool.fetch_many(statement),
            Self::Connection(connection) => connection.fetch_many(statement),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, statement: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: Execute<'q, Postgres> + 'q,
    {
        match self {
            Self::Pool(pool) => pool.fetch_optional(statement),
            Self::Connection(connection) => connection.fetch_optional(statement),
        }
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        match self {
            Self::Pool(pool) => pool.prepare_with(sql, parameters),
            Self::Connection(connection) => connection.prepare_with(sql, parameters),
        }
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        match self {
            Self::Pool(pool) => pool.describe(sql),
            Self::Connection(connection) => connection.describe(sql),
        }
    }
}
