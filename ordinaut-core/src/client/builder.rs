//! How a client connects.

use crate::client::{Client, Options};
use crate::db::connect_options::{ConnectOptions, InvalidConnectOptions, must_take_writes};
use crate::db::connection_settings::Purpose;
use crate::db::pooler::Pooler;
use crate::db::schema::Schema;
use crate::db::timeout::answered;
use crate::error::{Error, InvalidField};
#[cfg(feature = "encryption")]
use crate::job::keyring::Keyring;
use crate::schedule::timezone::Zone;
use sqlx::Connection;
use sqlx::postgres::PgPoolOptions;
use std::time::Duration;

/// Enough for a program that enqueues and looks; loops have connections of their own.
const MAX_CONNECTIONS: u32 = 10;

/// Long enough for a database that is restarting behind a proxy to say so, short enough for a
/// person to wait.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was given back a moment ago lived then: a busy program does not ask each time.
const JUST_NOW: Duration = Duration::from_millis(10);

/// What a connection that comes back to the pool has to answer in. One that swallows everything
/// would keep its place in the pool forever.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that a process of ours has not used for so long is closed: where Postgres allows
/// few, others wait for it.
const IDLE: Duration = Duration::from_secs(30);

/// A [`Client`] to be connected; see [`Client::builder`]. The order of its methods does not matter.
#[derive(Clone, Debug)]
#[must_use = "connect makes the client"]
pub struct ClientBuilder {
    pool: Result<Pool, InvalidField>,
    max_connections: u32,
    purpose: Purpose,
    options: Options,
    /// The first of what was given after it that cannot be used: it is told by `connect`.
    invalid: Option<InvalidField>,
}

/// Whose pool it is.
#[derive(Clone, Debug)]
enum Pool {
    /// Its own, to be made.
    At(ConnectOptions),
    /// That of a client that there is.
    Of(Box<Client>),
}

impl Client {
    /// A client with a pool of its own. The address is a URL, or `PgConnectOptions` of sqlx.
    ///
    /// ```no_run
    /// # async fn connect(url: &str) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::Client;
    ///
    /// let client = Client::builder(url).max_connections(10).schema("jobs").redis("redis://localhost").connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(address: impl TryInto<ConnectOptions, Error: Into<InvalidConnectOptions>>) -> ClientBuilder {
        ClientBuilder::new(read_address("address", address).map(Pool::At), Options::default())
    }

    /// The same pool with other options, for one that your program has made:
    ///
    /// ```no_run
    /// # async fn connect(pool: sqlx::PgPool) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::Client;
    ///
    /// let client = Client::from(pool).to_builder().schema("jobs").redis("redis://localhost").connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What is not said stays as it is in this client, [`Client::seen_by`] included.
    pub fn to_builder(&self) -> ClientBuilder {
        ClientBuilder::new(Ok(Pool::Of(Box::new(self.clone()))), self.options.clone())
    }

    /// [`Client::builder`] with nothing more to say.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::connect`].
    pub async fn connect(
        address: impl TryInto<ConnectOptions, Error: Into<InvalidConnectOptions>>,
    ) -> Result<Self, Error> {
        Self::builder(address).connect().await
    }
}

impl ClientBuilder {
    fn new(pool: Result<Pool, InvalidField>, options: Options) -> Self {
        Self { pool, max_connections: MAX_CONNECTIONS, purpose: Purpose::Program, options, invalid: None }
    }

    /// Maximum number of connections in the pool; 10 if not said. A worker has four of its own
    /// beside it. A pool that is there already stays as it is.
    pub fn max_connections(self, connections: u32) -> Self {
        Self { max_connections: connections, ..self }
    }

    /// The schema that has the tables, by name or as a [`Schema`]; `ordinaut` if not said.
    pub fn schema(mut self, schema: impl TryInto<Schema, Error: Into<InvalidField>>) -> Self {
        match schema.try_into().map_err(Into::into) {
            Ok(schema) => self.options.schema = schema,
            Err(invalid) => self.refuse(invalid),
        }
        self
    }

    /// Also tells this Redis what happens: hints of new jobs, and, where a
    /// [`Scheduler`](crate::Scheduler) runs on it, events. Without the feature `redis` nothing is
    /// told.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.options.redis_url = Some(url.into().into());
        self
    }

    /// A way past any pooler, for what needs a connection of its own: LISTEN and migrations.
    pub fn direct(mut self, address: impl TryInto<ConnectOptions, Error: Into<InvalidConnectOptions>>) -> Self {
        match read_address("direct", address) {
            Ok(address) => self.options.direct = Some(address),
            Err(invalid) => self.refuse(invalid),
        }
        self
    }

    /// Encrypts the arguments of jobs whose kind is [`Job::ENCRYPTED`](crate::Job) with the first
    /// of these keys, if they are enqueued through the client, by itself or in a transaction
    /// ([`Client::in_tx`]); and lets handlers of a [`Worker`](crate::Worker) on it read those that
    /// any of the keys has encrypted.
    #[cfg(feature = "encryption")]
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.options.secrets.keyring = Some(keyring);
        self
    }

    /// Also encrypts the arguments of these kinds, which no Rust type stands for. Without a key
    /// ring their jobs are refused.
    pub fn encrypt_kinds(mut self, kinds: impl IntoIterator<Item: Into<String>>) -> Self {
        self.options.secrets.set_kinds(kinds);
        self
    }

    /// The zone that [`Client::migrate`] stores as the installation's if none is stored yet, an
    /// IANA name; UTC if not said.
    pub fn first_time_zone(mut self, name: &str) -> Self {
        match Zone::named(name) {
            Ok(_) => self.options.first_zone = Some(name.into()),
            Err(invalid) => self.refuse(invalid),
        }
        self
    }

    /// Refuses tasks whose schedule is due more than this number of times in an hour; 3,600 if not
    /// said, which is every second and so refuses none.
    pub fn max_fires_per_hour(mut self, most: u32) -> Self {
        self.options.max_fires_per_hour = Some(most);
        self
    }

    /// For a process of ours, whose transactions are short: one that is idle for too long has lost
    /// its other end, and gives up its locks; and a connection that swallows everything gives up
    /// its place in the pool. The server gives a statement up after `statement_timeout`, if one is
    /// given.
    #[doc(hidden)]
    pub fn process(self, statement_timeout: Option<Duration>) -> Self {
        Self { purpose: statement_timeout.map_or(Purpose::PROCESS, Purpose::giving_up_after), ..self }
    }

    fn refuse(&mut self, invalid: InvalidField) {
        self.invalid.get_or_insert(invalid);
    }

    /// Makes the pool, and waits until Postgres answers once, 5 seconds at most. A pool that is
    /// there already is not asked.
    ///
    /// Of several servers it is connected to the one that takes writes, and when that changes, to
    /// the other. Its connections carry settings of our own in place of the role's and the
    /// database's: time-outs of statements and locks, isolation, JIT, the forms of text. Behind a
    /// pooler in transaction mode that forgets prepared statements (PgBouncer before 1.21) each
    /// statement goes in a transaction of its own, begun by [`Client::begin`]; what you send
    /// through [`Client::pool`] is yours to take care of.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if an address is no URL of a Postgres, or the schema's name needs quotes;
    /// [`Error::Database`] if no server answers in 5 seconds, the server refuses the account, or
    /// none of several servers takes writes.
    pub async fn connect(self) -> Result<Client, Error> {
        let Self { pool, max_connections, purpose, options: told, invalid } = self;
        let pool = pool?;
        if let Some(invalid) = invalid {
            return Err(invalid.into());
        }
        let address = match pool {
            Pool::At(address) => address,
            Pool::Of(client) => return Ok(client.with(told)),
        };
        let several = address.has_several();
        let found = if several { address.connect().await?.0 } else { address.first().clone() };
        let pooler = Pooler::default();
        pooler.look(&address).await;
        let options = PgPoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE_TIMEOUT);
        // Instead of the ping that a pool sends each time.
        let mut options = options.test_before_acquire(false).before_acquire(move |connection, used| {
            Box::pin(async move {
                Ok(match several {
                    // A primary may have become a standby.
                    true => must_take_writes(connection).await.is_ok(),
                    false => used.idle_for < JUST_NOW || connection.ping().await.is_ok(),
                })
            })
        });
        if matches!(purpose, Purpose::Process { .. }) {
            // Other processes may need it to begin.
            options = options.idle_timeout(IDLE);
            // An error closes the connection without a word to the other end.
            options = options.after_release(|connection, _| {
                Box::pin(async move { answered(RETURN_TIMEOUT, connection.ping()).await.map(|()| true) })
            });
        }
        // Behind a pooler a connection's settings would become those of somebody else's
        // transactions.
        let own = !pooler.shares_servers();
        options = options.after_connect(move |connection, _| {
            Box::pin(async move {
                if several {
                    must_take_writes(connection).await?;
                }
                if own {
                    purpose.set(connection).await?;
                }
                Ok(())
            })
        });
        if !pooler.forgets_statements() {
            return Ok(Client::new(options.connect_lazy_with(found), address, pooler, told).try_once().await?);
        }
        // What is prepared there is gone by the next transaction, so that remembering it is of no
        // use.
        let pool = options.connect_lazy_with(found.statement_cache_capacity(0));
        Ok(Client::new(pool, address.statement_cache_capacity(0), pooler, told).try_once().await?)
    }
}

fn read_address(
    field: &'static str,
    address: impl TryInto<ConnectOptions, Error: Into<InvalidConnectOptions>>,
) -> Result<ConnectOptions, InvalidField> {
    address.try_into().map_err(|invalid| InvalidField { field, reason: format!("is {}", invalid.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::check::Access;

    #[tokio::test]
    async fn the_same_pool_with_other_options_shows_its_caller_no_more() {
        let pool = PgPoolOptions::new().connect_lazy("postgres://nobody@localhost:1/nothing").unwrap();
        let client = Client::from(pool).to_builder().redis("redis://nowhere").connect().await.unwrap();
        let access = Access { agent: "a".into(), scopes: Vec::new(), queues: None, tenant: Some("acme".to_owned()) };
        let other = client.seen_by(&access).to_builder().schema("elsewhere").connect().await.unwrap();
        assert_eq!(other.sight().and_then(|sight| sight.tenant.as_deref()), Some("acme"));
        assert_eq!((other.schema().as_str(), other.redis_url()), ("elsewhere", Some("redis://nowhere")));
        let refused = other.to_builder().schema("no name").connect().await.unwrap_err();
        assert!(refused.to_string().contains("schema"), "{refused}");
    }
}
