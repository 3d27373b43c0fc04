//! A pool of connections, and the schema in it.

use super::hints::Hints;
use super::schema::Schema;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a database that is restarting behind a proxy to say so, short enough for a person to wait.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the jobs are: a pool of connections and a schema.
///
/// An application that has a pool already passes that: `Database::from(pool)`.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
    schema: Schema,
    hints: Arc<Hints>,
    redis_url: Option<Arc<str>>,
}

impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self { pool, schema: Schema::default(), hints: Arc::default(), redis_url: None }
    }
}

impl Database {
    /// A pool of our own, of at most `max_connections`. Waits until Postgres answers once, 5 seconds at most.
    pub async fn connect(options: PgConnectOptions, max_connections: u32) -> sqlx::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Self::from(pool))
    }

    /// The same pool, looking into another schema.
    #[must_use]
    pub fn in_schema(self, schema: Schema) -> Self {
        Self { schema, hints: Arc::default(), ..self }
    }

    /// Also tells this Redis what happens: hints of new jobs, and, where a [`Scheduler`](crate::Scheduler) runs on it, events.
    /// Without the feature `redis` nothing is told.
    #[must_use]
    pub fn redis(self, url: Option<String>) -> Self {
        Self { redis_url: url.map(Into::into), hints: Arc::default(), ..self }
    }

    /// The pool.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What is to be told of this database, by all of its clones.
    pub(crate) fn hints(&self) -> &Arc<Hints> {
        &self.hints
    }

    /// The Redis that is told, if there is one; its password is inside.
    pub fn redis_url(&self) -> Option<&str> {
        self.redis_url.as_deref()
    }

    /// The same database, which keeps nobody's hints alive.
    pub(crate) fn without_hints(&self) -> Self {
        Self { hints: Arc::default(), ..self.clone() }
    }

    pub(crate) fn sql(&self, text: &'static str) -> sqlx::SqlStr {
        self.schema.sql(text)
    }
}
