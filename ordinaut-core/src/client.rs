//! A pool of connections, and the schema in it.

mod builder;
mod handles;

pub use builder::ClientBuilder;
pub use handles::*;

use crate::access::check::Access;
use crate::db::connect_options::ConnectOptions;
use crate::db::pooler::Pooler;
use crate::db::schema::Schema;
use crate::job::keyring::Secrets;
use crate::job::run::gathering::Gathering;
use crate::job::visible::Sight;
use crate::notify::pending::PendingNotifications;
use crate::schedule::rate::MOST_FIRES;
use sqlx::PgPool;
use std::sync::Arc;

/// Where the jobs are: a pool of connections and a schema. [`Client::builder`] connects one; a
/// program that has a pool already passes that: `Client::from(pool)`, and says more with
/// [`Client::to_builder`]. Cheap to clone.
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
    gathering: Arc<Gathering>,
    options: Options,
    /// What its caller sees; `None`: everything.
    sight: Option<Arc<Sight>>,
    /// Its caller; `None`: a program that holds the database itself.
    agent: Option<Arc<str>>,
}

/// What a client is told beside where Postgres is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    direct: Option<ConnectOptions>,
    schema: Schema,
    redis_url: Option<Arc<str>>,
    secrets: Secrets,
    first_zone: Option<Arc<str>>,
    max_fires_per_hour: Option<u32>,
}

impl From<PgPool> for Client {
    fn from(pool: PgPool) -> Self {
        let address = ConnectOptions::from((*pool.connect_options()).clone());
        Self::new(pool, address, Pooler::default(), Options::default())
    }
}

impl Client {
    fn new(pool: PgPool, address: ConnectOptions, pooler: Pooler, options: Options) -> Self {
        Self {
            pool,
            address,
            pooler: Arc::new(pooler),
            hints: Arc::default(),
            gathering: Arc::default(),
            options,
            sight: None,
            agent: None,
        }
    }

    /// The same with other options. What is to be told goes to where they say, so it is collected
    /// apart, and so is what is to be stored.
    fn with(self, options: Options) -> Self {
        Self { hints: Arc::default(), gathering: Arc::default(), options, ..self }
    }

    /// The same for somebody who sees a part of the jobs: what it lists, reads, changes, enqueues
    /// and schedules is of the caller's queues and tenant, and another job or task does not exist
    /// for it. Handles of limits, workers and calendars are of the whole installation: whether a
    /// caller may have them, [`check`](crate::access::check) says.
    #[must_use]
    pub fn seen_by(&self, access: &Access) -> Self {
        let sight = access.is_partial().then(|| Sight { tenant: access.tenant.clone(), queues: access.queues.clone() });
        Self { sight: sight.map(Arc::new), agent: Some(access.agent.clone()), ..self.clone() }
    }

    /// The same on behalf of an agent: what it makes says who made it.
    #[must_use]
    pub fn acting_as(&self, agent: &str) -> Self {
        Self { agent: Some(agent.into()), ..self.clone() }
    }

    pub(crate) fn sight(&self) -> Option<&Sight> {
        self.sight.as_deref()
    }

    /// The agent that calls.
    pub(crate) fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// The only tenant that the caller sees.
    pub(crate) fn seen_tenant(&self) -> Option<&str> {
        self.sight()?.tenant.as_deref()
    }

    /// The only queues that the caller sees.
    pub(crate) fn seen_queues(&self) -> Option<&[String]> {
        self.sight()?.queues.as_deref()
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

    /// Jobs of several tasks that are to go together.
    pub(crate) fn gathering(&self) -> &Arc<Gathering> {
        &self.gathering
    }

    /// Maximum number of times that a new schedule may be due in an hour.
    pub(crate) fn max_fires_per_hour(&self) -> u32 {
        self.options.max_fires_per_hour.unwrap_or(MOST_FIRES)
    }

    pub(crate) fn address(&self) -> &ConnectOptions {
        &self.address
    }

    /// Past any pooler, as far as anybody said.
    pub(crate) fn direct_address(&self) -> &ConnectOptions {
        self.options.direct.as_ref().unwrap_or(&self.address)
    }

    /// Whether a connection can be had that is nobody else's: see [`ClientBuilder::direct`]. A pool
    /// that an application made is looked at now.
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

    /// What arguments are encrypted with, and those of which kinds always are.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.options.secrets
    }

    /// The zone that the first migration stores, if one was given.
    pub(crate) fn first_zone(&self) -> Option<&str> {
        self.options.first_zone.as_deref()
    }

    pub(crate) fn sql(&self, text: &'static str) -> sqlx::SqlStr {
        self.options.schema.sql(text)
    }
}
