//! Which Postgres, which schema in it, and which Redis hears of what happens there.

use super::redis::REDIS_URL;
use super::source::{SettingError, Source};
use super::{Setting, within};
use crate::store::database::Database;
use crate::store::schema::Schema;
use sqlx::postgres::PgConnectOptions;
use std::time::Duration;

fn url(text: &str) -> Option<PgConnectOptions> {
    (text.starts_with("postgres://") || text.starts_with("postgresql://")).then(|| text.parse().ok()).flatten()
}

const URL: &str = "one URL such as postgres://user:password@host:5432/database";

pub(super) const DATABASE_URL: Setting<PgConnectOptions> =
    Setting::new("DATABASE_URL", "the Postgres that holds the jobs", URL, url).secret();

pub(super) const DATABASE_DIRECT_URL: Setting<PgConnectOptions> = Setting::new(
    "DATABASE_DIRECT_URL",
    "the same Postgres without a pooler in between, for migrations and LISTEN; DATABASE_URL if not set",
    URL,
    url,
)
.secret();

pub(super) const DATABASE_SCHEMA: Setting<Schema> = Setting::new(
    "DATABASE_SCHEMA",
    "the schema that holds the tables",
    "1 to 63 lower-case letters, digits or _, not starting with a digit",
    |text| Schema::new(text).ok(),
)
.or("ordinaut");

pub(super) const DATABASE_MAX_CONNECTIONS: Setting<u32> = Setting::new(
    "DATABASE_MAX_CONNECTIONS",
    "how many connections a process' pool may have; beside them, a worker has four for its session, claims, settling and LISTEN, and whoever enqueues one for hints",
    "a number from 1 to 1000",
    |text| within(text, 1..=1000),
)
.or("10");

/// Far longer than a process of ours thinks within a transaction.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(30);

/// Which Postgres, which schema in it, and which Redis hears of what happens there.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    url: PgConnectOptions,
    direct_url: PgConnectOptions,
    schema: Schema,
    max_connections: u32,
    redis_url: Option<String>,
}

impl DatabaseSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let url = source.get(&DATABASE_URL)?;
        Ok(Self {
            direct_url: source.read(&DATABASE_DIRECT_URL)?.unwrap_or_else(|| url.clone()),
            url,
            schema: source.get(&DATABASE_SCHEMA)?,
            max_connections: source.get(&DATABASE_MAX_CONNECTIONS)?,
            redis_url: source.read(&REDIS_URL)?,
        })
    }

    /// Whether a Postgres is named at all.
    pub fn named(source: &Source) -> bool {
        source.says(DATABASE_URL.about.name)
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The Redis, if there is one.
    pub fn redis_url(&self) -> Option<&str> {
        self.redis_url.as_deref()
    }

    /// The pool that a process works with; `name` is what Postgres shows of it.
    pub async fn connect(&self, name: &str) -> sqlx::Result<Database> {
        let options = self.url.clone().application_name(name);
        let database = Database::connect_process(options, self.max_connections, IDLE_IN_TRANSACTION).await?;
        Ok(database.in_schema(self.schema.clone()).redis(self.redis_url.clone()))
    }

    /// One connection past any pooler, for migrations.
    pub async fn connect_directly(&self, name: &str) -> sqlx::Result<Database> {
        let options = self.direct_url.clone().application_name(name);
        Ok(Database::connect(options, 1).await?.in_schema(self.schema.clone()))
    }
}
