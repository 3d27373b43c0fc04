//! Tasks by the keys that they hold.

use crate::client::Tasks;
use uuid::Uuid;

impl Tasks<'_> {
    pub(crate) async fn of_key(self, key: &str) -> sqlx::Result<Option<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("task/of_key"))).bind(key).fetch_optional(self.client).await
    }

    /// Of the keys that begin with `prefix`, those that are not among `keys`.
    pub(crate) async fn of_set(self, prefix: &str, keys: &[String]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("task/of_set")))
            .bind(prefix)
            .bind(keys)
            .bind(self.client.seen_tenant())
            .fetch_all(self.client)
            .await
    }
}
