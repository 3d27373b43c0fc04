//! A connection of its own for a loop, made anew when it breaks, or when nothing comes of it any more.

use super::database::Database;
use super::failure::silence;
use super::schema::Schema;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::time::Duration;

/// What an answer may need on its way, after the server has worked at it for as long as it may.
const WAY: Duration = Duration::from_secs(1);

/// A connection that one loop keeps: a third of the overhead of the pool, and never behind somebody else.
pub(crate) struct Link {
    options: PgConnectOptions,
    schema: Schema,
    /// The server gives up a statement after this, because dropping a future here does not stop it there.
    statement_timeout: Duration,
    connection: Option<PgConnection>,
}

impl Link {
    pub(crate) fn new(database: &Database, name: &str, statement_timeout: Duration) -> Self {
        Self {
            options: (*database.pool().connect_options()).clone().application_name(name),
            schema: database.schema().clone(),
            statement_timeout,
            connection: None,
        }
    }

    pub(crate) fn schema(&self) -> Schema {
        self.schema.clone()
    }

    /// How long an answer is worth waiting for, a moment longer than the server works at one: what has not come by then
    /// was lost on the way, and a wire that loses everything says nothing, for ever.
    pub(crate) fn patience(&self) -> Duration {
        self.statement_timeout + WAY
    }

    /// Whether the next statement needs no new connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// The connection, made if there is none. Waits for a server that does not answer as long as a statement may take.
    pub(crate) async fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => answered(self.statement_timeout, self.connect()).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.options.connect().await?;
        sqlx::query(self.schema.sql(include_str!("../../sql/sessions/connect.sql")))
            .bind(self.statement_timeout.as_millis().to_string())
            .execute(&mut connection)
            .await?;
        Ok(connection)
    }

    /// Passes a statement's result on; after an error the next statement gets a new connection, because nothing
    /// is known of the old one.
    pub(crate) fn checked<T>(&mut self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The server notices a closed socket too; saying good-bye is a courtesy to its log.
            connection.close().await.ok();
        }
    }
}

/// Waits for the answer to a statement for so long.
pub(crate) async fn answered<T>(
    patience: Duration,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(patience, statement).await.unwrap_or_else(|_| Err(silence(patience)))
}
