//! What connections of ours carry, whatever the role, the database or the server says by default.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use std::time::Duration;

/// How a transaction of ours begins: at its own isolation level, also on a connection that is not
/// ours.
pub(crate) const BEGIN: &str = "begin isolation level read committed";

/// A statement of a process may take longer than any duty waits for it; what takes longer still
/// hangs.
const LONGEST_STATEMENT: Duration = Duration::from_secs(2 * 3600);

/// Whose statements go through a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Those of the program that uses the library, and ours.
    Program,
    /// Ours alone, from a pool, from a listener or of a migration. The server gives a statement up
    /// after this, and a transaction that is idle for longer than this has lost its other end.
    Process { statement_timeout: Duration, idle_in_transaction: Duration },
    /// Those of one loop. The server gives a statement up after this, and a transaction that is
    /// idle for as long.
    Loop { statement_timeout: Duration },
}

impl Purpose {
    /// A connection of a process on which no transaction is open while it waits for anything.
    pub(crate) const PROCESS: Self = Self::giving_up_after(LONGEST_STATEMENT);

    /// The same of a process that waits for no statement for longer than this.
    pub(crate) const fn giving_up_after(statement_timeout: Duration) -> Self {
        Self::Process { statement_timeout, idle_in_transaction: Duration::from_secs(30) }
    }

    /// Makes a new connection ours.
    pub(crate) async fn set(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.statement(false).execute(connection).await.map(drop)
    }

    /// The same for the transaction that is open, behind a pooler: what a connection is set to
    /// would there become part of somebody else's transactions.
    pub(crate) async fn set_for_transaction(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.statement(true).execute(connection).await.map(drop)
    }

    fn statement(self, for_the_transaction: bool) -> Query<'static, Postgres, PgArguments> {
        let (statement_timeout, idle_in_transaction) = match self {
            Self::Program => (Duration::ZERO, None),
            Self::Process { statement_timeout, idle_in_transaction } => (statement_timeout, Some(idle_in_transaction)),
            Self::Loop { statement_timeout } => (statement_timeout, Some(statement_timeout)),
        };
        let milliseconds = |limit: Duration| limit.as_millis().to_string();
        sqlx::query(sql!("db/connect"))
            .bind(milliseconds(statement_timeout))
            .bind(idle_in_transaction.map(milliseconds))
            .bind(for_the_transaction)
            .bind(!matches!(self, Self::Program))
            .bind(matches!(self, Self::Loop { .. }))
    }
}
