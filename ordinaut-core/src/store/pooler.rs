//! What lies between us and Postgres: nothing that we would notice, or a pooler that gives each transaction a server
//! connection of its own.

use super::address::Address;
use sqlx::{Connection, PgConnection, Row};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::{info, warn};

/// A pooler that others use too may give a server to them between two looks.
const LOOKS: usize = 4;

/// Whoever does not answer within so long is not asked further: the first statement will tell.
const PATIENCE: Duration = Duration::from_secs(3);

const SERVER_PROCESS: &str = include_str!("../../sql/links/server_process.sql");

/// What is known of it; shared by all clones of a [`Database`](super::database::Database).
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
    pub(super) async fn look(&self, address: &Address) {
        match tokio::time::timeout(PATIENCE, look(address)).await {
            Ok(Ok(Found::Nothing)) | Ok(Err(_)) | Err(_) => {}
            Ok(Ok(Found::SharesServers)) => {
                info!("Postgres is reached through a pooler in transaction mode that knows of prepared statements");
                self.shares_servers.store(true, Ordering::Relaxed);
            }
            Ok(Ok(Found::ForgetsStatements)) => self.learn(),
        }
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

/// What is prepared on one connection and missing when it is used, or there before it was prepared, is on a server
/// that others have too.
fn is_forgotten_statement(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("26000" | "42P05"))
}

async fn look(address: &Address) -> sqlx::Result<Found> {
    let ((_, mut one), (_, mut other)) = (address.connect().await?, address.connect().await?);
    let found = compare(&mut one, &mut other).await;
    one.close().await.ok();
    other.close().await.ok();
    found
}

async fn compare(one: &mut PgConnection, other: &mut PgConnection) -> sqlx::Result<Found> {
    let mut before = None;
    for _ in 0..LOOKS {
        let process = sqlx::query_scalar(SERVER_PROCESS).fetch_one(&mut *one).await;
        let process: i32 = match process {
            Err(error) if is_forgotten_statement(&error) => return Ok(Found::ForgetsStatements),
            answer => answer?,
        };
        // While this transaction lasts, the other connection has its server to itself.
        let mut alone = other.begin().await?;
        let answer = sqlx::raw_sql(SERVER_PROCESS).fetch_one(&mut *alone).await?;
        let taken: i32 = answer.try_get(0)?;
        if taken == process {
            let named =
                sqlx::raw_sql(include_str!("../../sql/links/prepared_by_name.sql")).fetch_one(&mut *alone).await?;
            alone.rollback().await?;
            return Ok(if named.try_get(0)? { Found::ForgetsStatements } else { Found::SharesServers });
        }
        alone.rollback().await?;
        // It moved, and what was prepared moved with it.
        if before.replace(process).is_some_and(|before| before != process) {
            return Ok(Found::SharesServers);
        }
    }
    Ok(Found::Nothing)
}
