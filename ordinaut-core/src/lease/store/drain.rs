//! Draining: a worker that leases nothing more, until somebody says otherwise.

use crate::client::Database;
use crate::db::schema::Schema;
use sqlx::PgConnection;

impl Database {
    /// Drains a worker, by its name or the number of its living session: within about a second it leases nothing more,
    /// hands back what its handlers have not begun, and lets those that run end. It holds for every process of that name,
    /// now and after a restart, until [`Database::undrain_worker`]. Returned is the name; `None`: no such worker lives.
    pub async fn drain_worker(&self, worker: &str) -> sqlx::Result<Option<String>> {
        let sql = self.sql(sql!("lease/session_drain"));
        sqlx::query_scalar(sql).bind(worker).fetch_optional(self).await
    }

    /// Lets a drained worker lease again. Returned is the name; `None`: no such worker is drained.
    pub async fn undrain_worker(&self, worker: &str) -> sqlx::Result<Option<String>> {
        let sql = self.sql(sql!("lease/session_undrain"));
        sqlx::query_scalar(sql).bind(worker).fetch_optional(self).await
    }
}

pub(crate) async fn is_drained(db: &mut PgConnection, schema: &Schema, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(schema.sql(sql!("lease/session_drained"))).bind(name).fetch_one(db).await
}
