//! A pool of connections, and the schema in it.

use crate::access::check::Access;
use crate::db::connect_options::{ConnectOptions, must_take_writes};
use crate::db::connection_settings::Purpose;
use crate::db::pooler::Pooler;
use crate::db::schema::Schema;
use crate::db::timeout::answered;
use crate::error::Error;
use crate::job::keyring::Secrets;
use crate::job::visible::Sight;
use crate::notify::pending::PendingNotifications;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgPool};
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a database that is restarting behind a proxy to say so, short enough for a person to wait.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection that comes back to the pool has to answer in. One that swallows everything would keep its place in the
/// pool forever.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that a process of ours has not used for so long is closed: where Postgres allows few, others wait for it.
const IDLE: Duration = Duration::from_secs(30);

/// Where the jobs are: a pool of connections and a schema.
///
/// An application that has a pool already passes that: `Client::from(pool)`.
#[derive(Clone, Debug)]
pub struct Client {
    pool: PgPool,
    address: ConnectOptions,
    direct: Option<ConnectOptions>,
    pooler: Arc<Pooler>,
    schema: Schema,
    hints: Arc<PendingNotifications>,
    redis_url: Option<Arc<str>>,
    pub(crate) secrets: Secrets,
    pub(crate) first_zone: Option<Arc<str>>,
    /// What its caller sees; `None`: everything.
    sight: Option<Arc<Sight>>,
}

impl From<PgPool> for Client {
    fn from(pool: PgPool) -> Self {
        let address = ConnectOptions::from((*pool.connect_options()).clone());
        Self::new(pool, address, Pooler::default())
    }
}

impl Client {
    /// A pool of our own, of at most `max_connections`. Waits until Postgres answers once, 5 seconds at most.
    ///
    /// Of several servers it is connected to the one that takes writes, and when that changes, to the other. Its connections
    /// carry settings of our own in place of the role's and the database's: time-outs of statements and locks, isolation, JIT,
    /// the forms of text. Behind a pooler in
    /// transaction mode that forgets prepared statements (PgBouncer before 1.21) each statement goes in a transaction of
    /// its own, begun by [`Client::begin`]; what you send through [`Client::pool`] is yours to take care of.
    pub async fn connect(address: impl Into<ConnectOptions>, max_connections: u32) -> Result<Self, Error> {
        Ok(Self::connect_as(address.into(), max_connections, Purpose::Program).await?)
    }

    /// As [`Client::connect`], for a process of ours, whose transactions are short: one that is idle for too long has lost its
    /// other end, and gives up its locks; and a connection that swallows everything gives up its place in the pool.
    /// The server gives a statement up after `statement_timeout`, if one is given.
    #[doc(hidden)]
    pub async fn connect_process(
        address: impl Into<ConnectOptions>,
        max_connections: u32,
        statement_timeout: Option<Duration>,
    ) -> sqlx::Result<Self> {
        let purpose = statement_timeout.map_or(Purpose::PROCESS, Purpose::giving_up_after);
        Self::connect_as(address.into(), max_connections, purpose).await
    }

    async fn connect_as(address: ConnectOptions, max_connections: u32, purpose: Purpose) -> sqlx::Result<Self> {
        let several = address.has_several();
        let found = if several { address.connect().await?.0 } else { address.first().clone() };
        let pooler = Pooler::default();
        pooler.look(&address).await;
        let mut options = PgPoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE_TIMEOUT);
        if several {
            // Instead of the ping that a pool sends: a primary may have become a standby.
            options = options
                .test_before_acquire(false)
                .before_acquire(|connection, _| Box::pin(async { Ok(must_take_writes(connection).await.is_ok()) }));
        }
        if matches!(purpose, Purpose::Process { .. }) {
            // Other processes may need it to begin.
            options = options.idle_timeout(IDLE);
            // An error closes the connection without a word to the other end.
            options = options.after_release(|connection, _| {
                Box::pin(async move { answered(RETURN_TIMEOUT, connection.ping()).await.map(|()| true) })
            });
        }
        // Behind a pooler a connection's settings would become those of somebody else's transactions.
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
            return Self::new(options.connect_lazy_with(found), address, pooler).try_once().await;
        }
        // What is prepared there is gone by the next transaction, so that remembering it is of no use.
        let pool = options.connect_lazy_with(found.statement_cache_capacity(0));
        Self::new(pool, address.statement_cache_capacity(0), pooler).try_once().await
    }

    fn new(pool: PgPool, address: ConnectOptions, pooler: Pooler) -> Self {
        Self {
            pool,
            address,
            direct: None,
            pooler: Arc::new(pooler),
            schema: Schema::default(),
            hints: Arc::default(),
            redis_url: None,
            secrets: Secrets::default(),
            first_zone: None,
            sight: None,
        }
    }

    /// The same pool, looking into another schema.
    #[must_use]
    pub fn in_schema(self, schema: Schema) -> Self {
        Self { schema, hints: Arc::default(), ..self }
    }

    /// A way past any pooler, for what needs a connection of its own: LISTEN and migrations.
    #[must_use]
    pub fn direct(self, address: impl Into<ConnectOptions>) -> Self {
        Self { direct: Some(address.into()), ..self }
    }

    /// Also tells this Redis what happens: hints of new jobs, and, where a [`Scheduler`](crate::Scheduler) runs on it, events.
    /// Without the feature `redis` nothing is told.
    #[must_use]
    pub fn redis(self, url: Option<String>) -> Self {
        Self { redis_url: url.map(Into::into), hints: Arc::default(), ..self }
    }

    /// The same for somebody who sees a part of the jobs: what it lists, reads, changes and enqueues is of the caller's queues and
    /// tenant, and another job does not exist for it. Handles of queues, tasks, limits, events and workers are of the whole
    /// installation: whether a caller may have them, [`check`](crate::access::check) says.
    #[must_use]
    pub fn seen_by(&self, access: &Access) -> Self {
        let sight = access.is_partial().then(|| Sight { tenant: access.tenant.clone(), queues: access.queues.clone() });
        Self { sight: sight.map(Arc::new), ..self.clone() }
    }

    pub(crate) fn sight(&self) -> Option<&Sight> {
        self.sight.as_deref()
    }

    /// The pool. Nothing stands between it and what is sent through it: see [`Client::begin`].
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What is to be told of this database, by all of its clones.
    pub(crate) fn hints(&self) -> &Arc<PendingNotifications> {
        &self.hints
    }

    pub(crate) fn address(&self) -> &ConnectOptions {
        &self.address
    }

    /// Past any pooler, as far as anybody said.
    pub(crate) fn direct_address(&self) -> &ConnectOptions {
        self.direct.as_ref().unwrap_or(&self.address)
    }

    /// Whether a connection can be had that is nobody else's: see [`Client::direct`]. A pool that an application made is
    /// looked at now.
    pub(crate) async fn has_direct_way(&self) -> bool {
        if self.direct.is_some() {
            return true;
        }
        if !self.pooler.shares_servers() {
            self.pooler.look(&self.address).await;
        }
        !self.pooler.shares_servers()
    }

    pub(crate) fn pooler(&self) -> &Arc<Pooler> {
        &self.pooler
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

/// What a [`Client`] does with one feature. Each is as cheap to make as a reference.
macro_rules! handles {
    ($($(#[$doc:meta])* $visible:vis $method:ident: $handle:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            $visible struct $handle<'a> {
                pub(crate) client: &'a Client,
            }
        )*

        impl Client {
            $(
                $(#[$doc])*
                $visible fn $method(&self) -> $handle<'_> {
                    $handle { client: self }
                }
            )*
        }
    };
}

handles! {
    /// Jobs: look at them, cancel them, wait for their results, erase them.
    pub jobs: Jobs
    /// Jobs that failed for good: list them, send them back.
    pub dead_letters: DeadLetters
    /// Queues: look at them, pause, resume and bound them.
    pub queues: Queues
    /// Limits: how much may run at once, and how much may start in a while.
    pub limits: Limits
    /// Tasks: create, change, pause, run and delete them; published topics and facts, which make them fire.
    pub tasks: Tasks
    /// Calendars: sets of dates that tasks go by.
    pub calendars: Calendars
    /// What happened, numbered in the order of the commits.
    pub events: Events
    /// Agents: who may call the API, and what each may do.
    pub agents: Agents
    /// The audit of the API: who changed what, and who was refused.
    pub audit: Audit
    /// Answers that are kept under the keys of requests, so that a repeated request changes nothing twice.
    pub idempotency: Idempotency
    /// Worker processes: look at them, drain them.
    pub workers: Workers
    /// Scheduler processes.
    pub schedulers: Schedulers
    /// What a scheduler does to keep tables in shape.
    pub maintenance: Maintenance
    /// What an operator asks of the database itself.
    pub diagnostics: Diagnostics
    /// Leases that are rescued, checkpoints, and ends that are not known.
    pub(crate) leases: Leases
}
