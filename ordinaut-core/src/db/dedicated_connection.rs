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
    wrapped: bool,
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
            wrapped: false,
        }
    }

    pub(crate) fn schema(&self) -> Schema {
        self.schema.clone()
    }

    /// Time that an answer is worth waiting for, a moment longer than the server works at one: what
    /// has not come by then was lost on the way, and a wire that loses everything says nothing,
    /// forever.
    pub(crate) fn patience(&self) -> Duration {
        self.statement_timeout + WAY
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

    /// The connection for one statement, made if there is none. Waits for a server that does not
    /// answer as long as a statement may take.
    pub(crate) async fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        let mut connection = self.connected().await?;
        self.wrapped = self.pooler.shares_servers();
        if self.wrapped {
            answered(self.patience(), self.wrap(&mut connection)).await?;
        }
        Ok(self.connection.insert(connection))
    }

    /// A transaction for several statements, on the connection.
    pub(crate) async fn begin(&mut self) -> sqlx::Result<Transaction<'_, Postgres>> {
        let connection = self.connected().await?;
        self.wrapped = false;
        let (shared, anew, purpose) = (self.pooler.shares_servers(), self.pooler.forgets_statements(), self.purpose());
        let connection = self.connection.insert(connection);
        if anew && connection.cached_statements_size() > 0 {
            connection.clear_cached_statements().await?;
        }
        let mut tx = connection.begin_with(if anew { BEGIN_ANEW } else { BEGIN }).await?;
        if shared {
            purpose.set_for_transaction(&mut tx).await?;
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

    /// Passes a statement's result on, once its transaction has ended if it has one; after an error
    /// the next statement gets a new connection, because nothing is known of the old one.
    pub(crate) async fn checked<T>(&mut self, result: Result<T, impl Into<sqlx::Error>>) -> sqlx::Result<T> {
        let result = match (result.map_err(Into::into), &mut self.connection) {
            (Ok(answer), Some(connection)) if self.wrapped => {
                let commit = async { sqlx::raw_sql("commit").execute(connection).await };
                answered(self.statement_timeout + WAY, commit).await.map(|_| answer)
            }
            (result, _) => result,
        };
        if let Err(error) = &result {
            self.pooler.noticed(error);
            self.abandon();
        }
        result
    }

    /// Gives the connection up without asking it anything: it may be broken.
    pub(crate) fn abandon(&mut self) {
        self.connection = None;
    }

    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The server notices a closed socket too; closing it in order only keeps its log free
            // of complaints.
            connection.close().await.ok();
        }
    }
}
