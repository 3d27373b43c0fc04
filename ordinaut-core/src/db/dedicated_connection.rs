//! A connection of its own for a loop, made anew when it breaks, or when nothing comes of it any
//! more.

use crate::client::Client;
use crate::db::connect_options::ConnectOptions;
use crate::db::connection_settings::{BEGIN, Purpose};
use crate::db::executor::BEGIN_ANEW;
use crate::db::pooler::Pooler;
use crate::db::schema::Schema;
use crate::db::timeout::answered;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// What an answer may need on its way, after the server has worked at it for as long as it may.
const WAY: Duration = Duration::from_secs(1);

/// A connection that one loop keeps: a third of the overhead of the pool, and never behind somebody
/// else.
///
/// Behind a pooler in transaction mode each statement goes in a transaction of its own, with the
/// settings that a connection has elsewhere: there they would become those of somebody else's
/// transactions.
#[derive(Debug)]
pub(crate) struct DedicatedConnection {
    address: ConnectOptions,
    pool: PgPool,
    pooler: Arc<Pooler>,
    schema: Schema,
    /// The server gives up a statement after this, because dropping a future here does not stop it
    /// there.
    statement_timeout: Duration,
    connection: Option<PgConnection>,
    /// Number of connections made so far.
    connections: u64,
}

impl DedicatedConnection {
    pub(crate) fn new(database: &Client, name: &str, statement_timeout: Duration) -> Self {
        Self {
            address: database.address().clone().application_name(name),
            pool: database.pool().clone(),
            pooler: database.pooler().clone(),
            schema: database.schema().clone(),
            statement_timeout,
            connection: None,
            connections: 0,
        }
    }

    /// Whether the next statement needs no new connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Number of connections made so far: a new one means that the one before broke, and that
    /// Postgres may have lost something.
    pub(crate) fn connections(&self) -> u64 {
        self.connections
    }

    /// Sends what `statement` says over the connection, which is made if there is none, and waits
    /// for the answer a moment longer than the server works at it: what has not come by then was
    /// lost on the way, and a wire that loses everything says nothing, forever.
    ///
    /// After an error, and when its future is dropped, the next call gets a new connection, because
    /// the state of the old one is unknown.
    pub(crate) async fn run<T, E>(
        &mut self,
        statement: impl AsyncFnOnce(&Schema, &mut PgConnection) -> Result<T, E>,
    ) -> sqlx::Result<T>
    where
        E: From<sqlx::Error> + Into<sqlx::Error>,
    {
        let result = self.try_run(statement).await;
        self.noticed(result)
    }

    /// The same, which waits no longer than `limit` for all of it: a connection, the answer, the
    /// commit.
    pub(crate) async fn run_within<T, E>(
        &mut self,
        limit: Duration,
        statement: impl AsyncFnOnce(&Schema, &mut PgConnection) -> Result<T, E>,
    ) -> sqlx::Result<T>
    where
        E: From<sqlx::Error> + Into<sqlx::Error>,
    {
        let result = answered(limit, self.try_run(statement)).await;
        self.noticed(result)
    }

    /// The same for several statements in a transaction, which `statements` commits.
    pub(crate) async fn run_in_tx<T>(
        &mut self,
        statements: impl AsyncFnOnce(&Schema, Transaction<'_, Postgres>) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let result = self.try_in_tx(statements).await;
        self.noticed(result)
    }

    async fn try_run<T, E>(
        &mut self,
        statement: impl AsyncFnOnce(&Schema, &mut PgConnection) -> Result<T, E>,
    ) -> sqlx::Result<T>
    where
        E: From<sqlx::Error> + Into<sqlx::Error>,
    {
        let mut connection = self.connected().await?;
        let (wrapped, patience) = (self.pooler.shares_servers(), self.patience());
        if wrapped {
            answered(patience, self.wrap(&mut connection)).await?;
        }
        let answer = answered(patience, statement(&self.schema, &mut connection)).await.map_err(Into::into)?;
        if wrapped {
            let commit = async { sqlx::raw_sql("commit").execute(&mut connection).await };
            answered(patience, commit).await?;
        }
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn try_in_tx<T>(
        &mut self,
        statements: impl AsyncFnOnce(&Schema, Transaction<'_, Postgres>) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let mut connection = self.connected().await?;
        let patience = self.patience();
        let tx = answered(patience, self.begin(&mut connection)).await?;
        let answer = answered(patience, statements(&self.schema, tx)).await?;
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn begin<'c>(&self, connection: &'c mut PgConnection) -> sqlx::Result<Transaction<'c, Postgres>> {
        let (shared, anew) = (self.pooler.shares_servers(), self.pooler.forgets_statements());
        if anew && connection.cached_statements_size() > 0 {
            connection.clear_cached_statements().await?;
        }
        let mut tx = connection.begin_with(if anew { BEGIN_ANEW } else { BEGIN }).await?;
        if shared {
            self.purpose().set_for_transaction(&mut tx).await?;
        }
        Ok(tx)
    }

    async fn connected(&mut self) -> sqlx::Result<PgConnection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connection = answered(self.statement_timeout, self.connect()).await?;
        self.connections += 1;
        Ok(connection)
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let (found, mut connection) = self.address.connect().await?;
        if self.address.has_several() {
            let name = self.pool.connect_options().get_application_name().unwrap_or_default().to_owned();
            // The pool need not look for it.
            self.pool.set_connect_options(found.application_name(&name));
        }
        if !self.pooler.shares_servers() {
            self.purpose().set(&mut connection).await?;
        }
        Ok(connection)
    }

    async fn wrap(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        if self.pooler.forgets_statements() {
            sqlx::raw_sql(BEGIN_ANEW).execute(&mut *connection).await?;
            // Those of the time before that was known.
            if connection.cached_statements_size() > 0 {
                connection.clear_cached_statements().await?;
            }
        } else {
            sqlx::raw_sql(BEGIN).execute(&mut *connection).await?;
        }
        self.purpose().set_for_transaction(connection).await
    }

    fn purpose(&self) -> Purpose {
        Purpose::Loop { statement_timeout: self.statement_timeout }
    }

    /// Time that an answer is worth waiting for.
    fn patience(&self) -> Duration {
        self.statement_timeout + WAY
    }

    /// What an error says of a pooler in between is remembered for the next connection.
    fn noticed<T>(&self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        result.inspect_err(|error| self.pooler.noticed(error))
    }

    /// Gives the connection up without asking it anything: it may be broken.
    pub(crate) fn abandon(&mut self) {
        self.connection = None;
    }

    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The server notices a closed socket too; closing it in order only keeps its log free
            // of complaints.
            answered(WAY, connection.close()).await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordinaut_embedded::Postgres;

    async fn one(link: &mut DedicatedConnection, sql: &'static str) -> sqlx::Result<()> {
        link.run(async |_, to| sqlx::raw_sql(sql).execute(to).await.map(drop)).await
    }

    #[tokio::test]
    async fn a_connection_whose_state_is_unknown_is_not_used_again() {
        let server = Postgres::temporary().unwrap();
        let client = Client::connect(server.url()).await.unwrap();
        let mut link = DedicatedConnection::new(&client, "link", Duration::from_secs(60));
        one(&mut link, "select 1").await.unwrap();
        one(&mut link, "select 1").await.unwrap();
        assert_eq!(link.connections(), 1);

        // An error, an answer that did not come in time, a future that was dropped.
        one(&mut link, "select 1 / 0").await.unwrap_err();
        assert!(!link.is_connected());
        one(&mut link, "select 1").await.unwrap();
        assert_eq!(link.connections(), 2);

        let (moment, sleep) = (Duration::from_millis(20), "select pg_sleep(60)");
        let silent = link.run_within(moment, async |_, to| sqlx::raw_sql(sleep).execute(to).await.map(drop)).await;
        assert!(silent.unwrap_err().to_string().contains("did not answer"));
        one(&mut link, "select 1").await.unwrap();
        assert_eq!(link.connections(), 3);

        tokio::time::timeout(moment, one(&mut link, sleep)).await.unwrap_err();
        one(&mut link, "select 1").await.unwrap();
        assert_eq!(link.connections(), 4);

        let undone = link.run_in_tx(async |_, _| Err::<(), _>(sqlx::Error::RowNotFound)).await;
        assert!(undone.is_err() && !link.is_connected());
        link.run_in_tx(async |_, tx| tx.commit().await).await.unwrap();
        assert_eq!(link.connections(), 5);
    }
}
