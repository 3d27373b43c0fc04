//! Which Postgres, which schema in it, and which Redis hears of what happens there.

use crate::settings::encryption::EncryptionSettings;
use crate::settings::error::SettingError;
use crate::settings::redis::REDIS_URL;
use crate::settings::scheduler::{TASK_MAX_FIRES_PER_HOUR, TZ, default_zone};
use crate::settings::setting::{Setting, within};
use crate::settings::source::Source;
use crate::settings::system_zone::system_zone;
use ordinaut_core::client::ClientBuilder;
use ordinaut_core::db::{ConnectOptions, Schema};
use ordinaut_core::{Client, Error};
use std::time::Duration;

fn url(text: &str) -> Option<ConnectOptions> {
    text.parse().ok()
}

const URL: &str = "a URL such as postgres://user:password@host:5432/database (in a password / is written %2F, ? is %3F and % is %25), with several hosts as host1:5432,host2:5432";

pub(super) const DATABASE_URL: Setting<ConnectOptions> =
    Setting::new("DATABASE_URL", "the Postgres that holds the jobs", URL, url).secret();

pub(super) const DATABASE_DIRECT_URL: Setting<ConnectOptions> = Setting::new(
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
    "maximum number of connections of a process' pool; beside them, a worker has four for its session, claims, settling and LISTEN, and a process that enqueues has one for notifications",
    "a number from 1 to 1000",
    |text| within(text, 1..=1000),
)
.or("10");

/// Which Postgres, which schema in it, and which Redis hears of what happens there.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    url: ConnectOptions,
    direct_url: Option<ConnectOptions>,
    schema: Schema,
    max_connections: u32,
    redis_url: Option<String>,
    encryption: EncryptionSettings,
    /// No setting: a process knows for how long it waits.
    statement_timeout: Option<Duration>,
    zone: String,
    max_fires_per_hour: u32,
    /// What `TZ` is, if anybody set it.
    zone_said: Option<String>,
}

impl DatabaseSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let url = source.get(&DATABASE_URL)?;
        Ok(Self {
            direct_url: source.read(&DATABASE_DIRECT_URL)?,
            url,
            schema: source.get(&DATABASE_SCHEMA)?,
            max_connections: source.get(&DATABASE_MAX_CONNECTIONS)?,
            redis_url: source.read(&REDIS_URL)?,
            encryption: EncryptionSettings::read(source)?,
            statement_timeout: None,
            zone: default_zone(source)?,
            max_fires_per_hour: source.get(&TASK_MAX_FIRES_PER_HOUR)?,
            zone_said: if source.says(TZ.about.name) { source.read(&TZ)? } else { None },
        })
    }

    /// The same, of whose pool the server gives a statement up after this. Dropping a future does
    /// not stop a statement there, so a process that stops waiting says here when. Behind a pooler
    /// in transaction mode it has no effect.
    #[must_use]
    pub fn giving_up_after(self, statement_timeout: Duration) -> Self {
        Self { statement_timeout: Some(statement_timeout), ..self }
    }

    /// Whether a Postgres is named at all.
    pub fn named(source: &Source) -> bool {
        source.says(DATABASE_URL.about.name)
    }

    /// What is known of the database before it is named: the schema in it, and the time zone that
    /// it gets.
    pub fn schema_and_zone(source: &Source) -> Result<(Schema, String), SettingError> {
        Ok((source.get(&DATABASE_SCHEMA)?, default_zone(source)?))
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
    pub async fn connect(&self, name: &str) -> Result<Client, Error> {
        let options = self.url.clone().application_name(name);
        let client = self.client(options).max_connections(self.max_connections).process(self.statement_timeout);
        let client = match &self.direct_url {
            Some(address) => client.direct(address.clone()),
            None => client,
        };
        let client = match &self.redis_url {
            Some(url) => client.redis(url),
            None => client,
        };
        self.encryption.apply(client).connect().await
    }

    /// One connection past any pooler, for migrations.
    pub async fn connect_directly(&self, name: &str) -> Result<Client, Error> {
        let options = self.direct_url.as_ref().unwrap_or(&self.url).clone().application_name(name);
        self.client(options).max_connections(1).process(None).connect().await
    }

    /// What to tell an operator whose `TZ` is not the zone that the installation has.
    pub fn zone_doubt(&self, stored: &str) -> Option<String> {
        let said = self.zone_said.as_deref()?;
        let goes_by = format!("schedules that name none go by {stored}, which is stored for the whole installation");
        if system_zone(said).is_some_and(|zone| zone.is_doubtful) {
            return Some(format!("TZ is {said:?}, which names no IANA time zone: {goes_by}"));
        }
        (self.zone != stored).then(|| {
            format!("TZ is {said:?}, but {goes_by}; `ordinaut config timezone {}` would change that", self.zone)
        })
    }

    fn client(&self, address: ConnectOptions) -> ClientBuilder {
        let client = Client::builder(address).schema(self.schema.clone()).first_time_zone(&self.zone);
        client.max_fires_per_hour(self.max_fires_per_hour)
    }
}
