//! Draining: a worker that leases nothing more, until somebody says otherwise.

use crate::client::Workers;
use crate::error::Error;
use crate::lease::store::Leases;

impl Workers<'_> {
    /// Drains a worker, by its name or the number of its living session: within about a second it
    /// leases nothing more, hands back what its handlers have not begun, and lets those that run
    /// end. It holds for every process of that name, now and after a restart, until
    /// [`Workers::undrain`](crate::client::Workers::undrain). Returned is the name; `None`: no such
    /// worker lives.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn drain(self, worker: &str) -> Result<Option<String>, Error> {
        let sql = self.client.sql(sql!("lease/session_drain"));
        Ok(sqlx::query_scalar(sql).bind(worker).fetch_optional(self.client).await?)
    }

    /// Lets a drained worker lease again. Returned is the name; `None`: no such worker is drained.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn undrain(self, worker: &str) -> Result<Option<String>, Error> {
        let sql = self.client.sql(sql!("lease/session_undrain"));
        Ok(sqlx::query_scalar(sql).bind(worker).fetch_optional(self.client).await?)
    }
}

impl Leases<'_> {
    /// Whether an operator drained the worker of this name: it should claim nothing, and give back
    /// what it has not started.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn is_drained(self, worker: &str) -> Result<bool, Error> {
        let drained = sqlx::query_scalar(self.sql(sql!("lease/session_drained"))).bind(worker);
        Ok(drained.fetch_one(self.executor).await?)
    }
}
