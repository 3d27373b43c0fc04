//! A pool of connections, and the schema in it.

mod builder;

pub use builder::ClientBuilder;

use crate::access::check::Access;
use crate::db::connect_options::ConnectOptions;
use crate::db::pooler::Pooler;
use crate::db::schema::Schema;
use crate::job::keyring::Secrets;
use crate::job::visible::Sight;
use crate::notify::pending::PendingNotifications;
use sqlx::PgPool;
use std::sync::Arc;

/// Where the jobs are: a pool of connections and a schema. [`Client::builder`] connects one; a program that has a pool already
/// passes that: `Client::from(pool)`. Cheap to clone.
///
/// ```no_run
/// # async fn connect(url: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use ordinaut_core::Client;
///
/// let client = Client::builder(url).max_connections(20).schema("jobs").connect().await?;
/// client.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pool: PgPool,
    address: ConnectOptions,
    pooler: Arc<Pooler>,
    hints: Arc<PendingNotifications>,
    pub(crate) options: Options,
    /// What its caller sees; `None`: everything.
    sight: Option<Arc<Sight>>,
}

/// What a client is told beside where Postgres is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    direct: Option<ConnectOptions>,
    schema: Schema,
    redis_url: Option<Arc<str>>,
    pub(crate) secrets: Secrets,
    pub(crate) first_zone: Option<Arc<str>>,
}

impl From<PgPool> for Client {
    fn from(pool: PgPool) -> Self {
        let address = ConnectOptions::from((*pool.connect_options()).clone());
        Self::new(pool, address, Pooler::default(), Options::default())
    }
}

impl Client {
    fn new(pool: PgPool, address: ConnectOptions, pooler: Pooler, options: Options) -> Self {
        Self { pool, address, pooler: Arc::new(pooler), hints: Arc::default(), options, sight: None }
    }

    /// The same pool, looking into another schema.
    #[must_use]
    pub fn in_schema(self, schema: Schema) -> Self {
        self.with(|options| options.schema = schema)
    }

    /// As [`ClientBuilder::direct`], for a client on a pool of yours.
    #[must_use]
    pub fn direct(self, address: impl Into<ConnectOptions>) -> Self {
        self.with(|options| options.direct = Some(address.into()))
    }

    /// As [`ClientBuilder::redis`], for a client on a pool of yours.
    #[must_use]
    pub fn redis(self, url: impl Into<String>) -> Self {
        self.with(|options| options.redis_url = Some(url.into().into()))
    }

    /// The same pool with other options. What is to be told goes to where they say, so it is collected apart.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        Self { hints: Arc::default(), ..self }
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
        &self.options.schema
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
        self.options.direct.as_ref().unwrap_or(&self.address)
    }

    /// Whether a connection can be had that is nobody else's: see [`ClientBuilder::direct`]. A pool that an application made is
    /// looked at now.
    pub(crate) async fn has_direct_way(&self) -> bool {
        if self.options.direct.is_some() {
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
        self.options.redis_url.as_deref()
    }

    /// The same database, which keeps nobody's hints alive.
    pub(crate) fn without_hints(&self) -> Self {
        Self { hints: Arc::default(), ..self.clone() }
    }

    pub(crate) fn sql(&self, text: &'static str) -> sqlx::SqlStr {
        self.options.schema.sql(text)
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
