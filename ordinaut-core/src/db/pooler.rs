//! What lies between us and Postgres: nothing that we would notice, or a pooler that gives each
//! transaction a server connection of its own.

use crate::db::connect_options::ConnectOptions;
use crate::db::timeout::answered;
use crate::failure::is_forgotten_statement;
use sqlx::{Connection, PgConnection, Row};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::{info, warn};

/// A pooler that others use too may happen to give the same server again for a while.
const LOOKS: usize = 6;

/// Time after which a server that does not answer is not asked further: the first statement will
/// tell.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

const SERVER_PROCESS: &str = sql!("db/server_process");
const PREPARED_BY_NAME: &str = sql!("db/prepared_by_name");

/// What is known of it; shared by all clones of a [`Client`](crate::client::Client).
#[derive(Debug, Default)]
pub(crate) struct Pooler {
    shares_servers: AtomicBool,
    forgets_statements: AtomicBool,
}

/// What a look showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// Settings of a connection do not stay with it, prepared statements do.
    SharesServers,
    /// Neither do prepared statements.
    ForgetsStatements,
}

impl Pooler {
    /// Looks with two connections. Without an answer, nothing is known.
    pub(crate) async fn look(&self, address: &ConnectOptions) {
        match tokio::time::timeout(LOOK_TIMEOUT, look(address)).await {
            Ok(Ok(Found::Nothing)) | Ok(Err(_)) | Err(_) => {}
            Ok(Ok(Found::SharesServers)) => {
                info!("Postgres is reached through a pooler in transaction mode that supports prepared statements");
                self.shares_servers.store(true, Ordering::Relaxed);
            }
            Ok(Ok(Found::ForgetsStatements)) => self.learn(),
        }
    }

    /// Looks whether this address leads to servers that others share. Unlike [`Pooler::look`] it
    /// learns nothing, and fails without an answer.
    pub(crate) async fn is_at(address: &ConnectOptions) -> sqlx::Result<bool> {
        answered(LOOK_TIMEOUT, look(address)).await.map(|found| found != Found::Nothing)
    }

    /// Whether settings of a connection do not stay with it.
    pub(crate) fn shares_servers(&self) -> bool {
        self.shares_servers.load(Ordering::Relaxed)
    }

    /// Whether prepared statements do not stay with a connection either.
    pub(crate) fn forgets_statements(&self) -> bool {
        self.forgets_statements.load(Ordering::Relaxed)
    }

    /// Learns from an error: a pool that an application made was never looked at.
    pub(crate) fn noticed(&self, error: &sqlx::Error) {
        if is_forgotten_statement(error) {
            self.learn();
        }
    }

    fn learn(&self) {
        self.shares_servers.store(true, Ordering::Relaxed);
        if !self.forgets_statements.swap(true, Ordering::Relaxed) {
            warn!(
                "a pooler in transaction mode that forgets prepared statements is in between: each statement goes in a \
                 transaction of its own, which is slower; PgBouncer from 1.21 with max_prepared_statements needs none of it"
            );
        }
    }
}

async fn look(address: &ConnectOptions) -> sqlx::Result<Found> {
    // Names are looked for, whatever an application does with its own statements.
    let address = address.clone().statement_cache_capacity(1);
    let ((_, mut one), (_, mut other)) = (address.connect().await?, address.connect().await?);
    let found = compare(&mut one, &mut other).await;
    one.close().await.ok();
    other.close().await.ok();
    found
}

async fn compare(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<Found> {
    match keeps_name(one).await {
        // Fresh as the connection is, somebody else has prepared something on its server.
        Err(error) if is_forgotten_statement(&error) => Ok(Found::ForgetsStatements),
        Err(error) => Err(error),
        Ok(false) => Ok(Found::SharesServers),
        Ok(true) if moves(one, other).await? => Ok(Found::ForgetsStatements),
        Ok(true) => Ok(Found::Nothing),
    }
}

/// Whether a prepared statement has its name on the server too. In one transaction, and so on one
/// server, whatever another client begins at this moment.
async fn keeps_name(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let mut tx = connection.begin().await?;
    let kept = async {
        sqlx::query(SERVER_PROCESS).execute(&mut *tx).await?;
        let kept = sqlx::raw_sql(PREPARED_BY_NAME).fetch_one(&mut *tx).await?.try_get(0)?;
        if kept {
            // In nobody's way, if the server is not ours.
            sqlx::raw_sql("deallocate all").execute(&mut *tx).await?;
        }
        Ok(kept)
    };
    let kept = kept.await;
    tx.rollback().await?;
    kept
}

/// Whether two connections have the same server by turns, or one has several. Nothing is prepared,
/// because a name that somebody else gave would answer as well; and no transaction stays open,
/// because others may wait for its server.
async fn moves(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<bool> {
    let own = process(one).await?;
    for _ in 0..LOOKS {
        if process(other).await? == own {
            return Ok(true);
        }
        // Twice, because of two servers that take turns each would get its own.
        if process(one).await? != own || process(one).await? != own {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn process(connection: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::raw_sql(SERVER_PROCESS).fetch_one(connection).await?.try_get(0)
}
