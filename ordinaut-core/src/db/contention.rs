//! What Postgres undid because other transactions were in the way is done again: a serialization
//! failure, a deadlock.
//!
//! Only where the whole transaction is ours. Of a transaction of the caller's we know a part, and
//! the caller is told.

use crate::backoff::Backoff;
use crate::error::Error;
use crate::failure::is_undone_for_others;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgStatement};
use sqlx::{Execute, Postgres, SqlStr};
use std::time::Duration;

/// Maximum number of tries: beside few others one of them passes soon.
const TRIES: i16 = 6;

/// Long enough for the transactions that were in the way to end, and of random length, so that two
/// do not meet again.
const PAUSE: Backoff = Backoff::Exponential { base: Duration::from_millis(10), cap: Duration::from_millis(200) };

/// An error in which one of Postgres may be.
pub(crate) trait OfPostgres {
    fn of_postgres(&self) -> Option<&sqlx::Error>;
}

/// Does a transaction of ours as often as it takes. `work` must begin and commit it, and do nothing
/// before the commit that would be wrong twice.
pub(crate) async fn undisturbed<T, E, F>(mut work: impl FnMut() -> F) -> Result<T, E>
where
    E: OfPostgres,
    F: Future<Output = Result<T, E>>,
{
    let mut tries = 1;
    loop {
        match work().await {
            Err(error) if tries < TRIES && error.of_postgres().is_some_and(is_undone_for_others) => {
                tokio::time::sleep(PAUSE.delay(tries, rand::random())).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

/// A statement that can be sent again.
#[derive(Clone)]
pub(crate) struct Repeatable {
    sql: SqlStr,
    arguments: Option<PgArguments>,
    persistent: bool,
}

impl Repeatable {
    /// Whether it may be several statements, some of which commit by themselves: that must not be
    /// sent twice. What is prepared, with arguments or without, is one statement.
    pub(crate) fn is_script(&self) -> bool {
        self.arguments.is_none()
    }

    pub(crate) fn of<'q>(mut statement: impl Execute<'q, Postgres>) -> sqlx::Result<Self> {
        let arguments = statement.take_arguments().map_err(sqlx::Error::Encode)?;
        Ok(Self { arguments, persistent: statement.persistent(), sql: statement.sql() })
    }
}

impl Execute<'_, Postgres> for Repeatable {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

impl OfPostgres for sqlx::Error {
    fn of_postgres(&self) -> Option<&sqlx::Error> {
        Some(self)
    }
}

impl OfPostgres for Error {
    fn of_postgres(&self) -> Option<&sqlx::Error> {
        if let Self::Database(error) = self { Some(error) } else { None }
    }
}
