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
}

impl From<PgPool> for Client {
    fn from(pool: PgPool) -> Self {
        let address = ConnectOptions::from((*pool.connect_options()).clone());
        Self::new(pool, address, Pooler::default(), Options::default())
    }
}

impl Client {
    fn new(pool: PgPool, address: ConnectOptions, pooler: Pooler, options: Options) -> Self {
        Self { pool, address, pooler: Arc::new(pooler), hints: Arc::default(), options, sight: None, agent: None }
    }

    /// The same with other options. What is to be told goes to where they say, so it is collected
    /// apart.
    fn with(self, options: Options) -> Self {
        Self { hints: Arc::default(), options, ..self }
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

/// What a [`Client`] does with one feature. Each is as cheap to make as a reference.
macro_rules! handles {
    ($($(#[$doc:meta])* $visible:vis $method:ident: $handle:ident)*) => {
        $(
            #[doc = concat!("What [`Client::", stringify!($method), "`] answers; it has the methods of this feature.")]
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let found = client.jobs().get(id).await?;
    /// println!("{:?}", found.map(|job| job.state));
    /// let cancelled = client.jobs().cancel(id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub jobs: Jobs
    /// Attempts that ended, of all jobs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::Outcome;
    /// use ordinaut_core::job::RunFilter;
    ///
    /// for run in client.runs().list(&RunFilter::default().outcome(Outcome::Failed), 50).await? {
    ///     println!("{} {}: {:?}", run.job_id, run.attempt, run.error);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub runs: Runs
    /// Jobs that failed for good: list them, send them back.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let dead = client.dead_letters().list(10, None).await?;
    /// let ids: Vec<_> = dead.iter().map(|letter| letter.job_id).collect();
    /// let requeued = client.dead_letters().requeue(&ids).await?;
    /// println!("{} are back", requeued.back.len());
    /// # Ok(())
    /// # }
    /// ```
    pub dead_letters: DeadLetters
    /// Queues: look at them, pause, resume and bound them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::queue::QueueChange;
    ///
    /// client.queues().pause("mail", Some("ann"), Some("the relay is down")).await?;
    /// client.queues().update("mail", &QueueChange::default().max_waiting(Some(10_000))).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub queues: Queues
    /// Limits: how much may run at once, and how much may start in a while.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::Limit;
    ///
    /// // Two invoices at a time for each customer.
    /// let limit = Limit::new("invoices").kind("send_invoice").key("customer.id").concurrency(2);
    /// client.limits().put(&limit).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub limits: Limits
    /// Tasks: create, change, pause, run and delete them; published topics and facts, which make
    /// them fire.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::schedule::Schedule;
    /// use ordinaut_core::task::TaskDefinition;
    ///
    /// let nightly = Schedule::cron("30 2 * * *").timezone("Europe/Chisinau");
    /// let report = TaskDefinition::new("Nightly report", "report", nightly).dedupe_key("report");
    /// // At each start of the program: the task is there once.
    /// let put = client.tasks().put(&report).await?;
    /// println!("next at {:?}", put.task().next_run_at);
    /// # Ok(())
    /// # }
    /// ```
    pub tasks: Tasks
    /// Calendars: sets of dates that tasks go by.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::schedule::{Calendar, CalendarMode};
    ///
    /// let holidays = ["2027-01-01".parse()?, "2027-01-07".parse()?];
    /// client.calendars().put(&Calendar::new("holidays", CalendarMode::Exclude, holidays)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub calendars: Calendars
    /// What happened, numbered in the order of the commits.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let last = client.events().last().await?;
    /// for event in client.events().after(last - 100, 100).await? {
    ///     println!("{}: {}", event.n, event.r#type);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub events: Events
    /// Agents: who may call the API, and what each may do.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::{NewAgent, Scope};
    ///
    /// let new = NewAgent::new("dashboard").scope(Scope::JobsRead).tenant("acme");
    /// let (_, token) = client.agents().create(&new, "setup").await?;
    /// println!("{}", token.reveal());
    /// # Ok(())
    /// # }
    /// ```
    pub agents: Agents
    /// The audit of the API: who changed what, and who was refused.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let newest = client.audit().list(&Default::default(), 10).await?;
    /// for entry in newest.items {
    ///     println!("{} did {}", entry.actor, entry.action);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub audit: Audit
    /// Answers that are kept under the keys of requests, so that a repeated request changes nothing
    /// twice.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::Repeat;
    ///
    /// let known = client.idempotency().begin("billing", "key-7", &[b"POST /jobs"]).await?;
    /// if let Repeat::Unanswered(id) = known {
    ///     println!("what this request makes has the id {id}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub idempotency: Idempotency
    /// Bulk operations: one verb to all jobs that a filter names.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::bulk::{BulkRequest, BulkVerb};
    /// use ordinaut_core::job::CancelFilter;
    ///
    /// let mails = CancelFilter::default().queue("mail").kind("newsletter");
    /// let started = client.bulk().start(&BulkRequest::new(BulkVerb::Move("slow".into()), mails), "ann").await?;
    /// let now = client.bulk().get(started.id).await?;
    /// println!("{:?}", now.map(|operation| operation.done));
    /// # Ok(())
    /// # }
    /// ```
    pub bulk: Bulk
    /// Webhooks: URLs outside that are told of events.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::webhook::WebhookError> {
    /// use ordinaut_core::webhook::NewWebhook;
    ///
    /// let webhook = NewWebhook::new("billing", "https://billing.example.org/jobs").queues(["invoices"]);
    /// let (webhook, secret) = client.webhooks().create(&webhook, "setup").await?;
    /// println!("{} checks signatures with {}", webhook.name, secret.reveal());
    /// # Ok(())
    /// # }
    /// ```
    pub webhooks: Webhooks
    /// Worker processes: look at them, drain them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// // Before its machine is taken away: it leases nothing more.
    /// let name = client.workers().drain("worker-7").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub workers: Workers
    /// Scheduler processes.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let alive = client.schedulers().list().await?.into_iter().filter(|scheduler| scheduler.alive).count();
    /// println!("{alive} schedulers are alive");
    /// # Ok(())
    /// # }
    /// ```
    pub schedulers: Schedulers
    /// Every process of the installation: of the API, schedulers, workers.
    pub instances: Instances
    /// What came and ended in a time, and how long it took.
    pub stats: Stats
    /// What a scheduler does to keep tables in shape.
    pub maintenance: Maintenance
    /// What an operator asks of the database itself.
    pub diagnostics: Diagnostics
}
