//! What the tests need: a database of their own, a kind of job, and waiting for facts.

use futures_util::future::BoxFuture;
use ordinaut_core::worker::WorkerOptions;
use ordinaut_core::{Client, Context, Enqueued, Job, JobError, NewJob, Scheduler, Worker};
use ordinaut_embedded::{PgBouncer, Postgres};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};
use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// Far more than anything here needs, on a machine that does much else.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at a row: Postgres tells nobody that it has changed.
const LOOK: Duration = Duration::from_millis(10);

/// Puts a PgBouncer in transaction mode before the private server: `./ops/test.sh pooler`.
const POOLER: &str = "ORDINAUT_TEST_POOLER";

static SERVER: OnceLock<Server> = OnceLock::new();

/// The server of this process: its own, which ends with it, or the one that `TEST_DATABASE_URL`
/// names.
struct Server {
    options: PgConnectOptions,
    template: String,
    private: Option<Postgres>,
    /// The library is behind it, the tests' own statements are not.
    pooler: Option<PgBouncer>,
}

impl Server {
    /// Blocks: the server has to start, and its template to be migrated.
    fn start() -> Self {
        let given = std::env::var("TEST_DATABASE_URL").ok();
        let private = given.is_none().then(|| Postgres::temporary().unwrap());
        let pooler =
            private.as_ref().filter(|_| behind_a_pooler()).map(|postgres| PgBouncer::temporary(postgres).unwrap());
        let url = given.unwrap_or_else(|| private.as_ref().unwrap().url());
        let server = Self { options: url.parse().unwrap(), template: fresh_name(), private, pooler };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            server.tell(format!("create database {}", server.template)).await;
            let template =
                Client::builder(server.database(&server.template)).max_connections(1).connect().await.unwrap();
            template.migrate().await.unwrap();
            // Nobody may be connected to what is copied.
            template.pool().close().await;
        });
        server
    }

    fn database(&self, name: &str) -> PgConnectOptions {
        self.options.clone().database(name)
    }

    /// The way that the library takes.
    fn address(&self, name: &str) -> PgConnectOptions {
        match &self.pooler {
            Some(pooler) => pooler.url().parse::<PgConnectOptions>().unwrap().database(name),
            None => self.database(name),
        }
    }

    async fn tell(&self, sql: String) {
        let mut connection = self.options.connect().await.unwrap();
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

fn fresh_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("ordinaut_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A database of one test, migrated, and dropped after it.
pub struct TestDatabase {
    database: Client,
    direct: PgPool,
    name: String,
}

impl Deref for TestDatabase {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.database
    }
}

/// Whether the library reaches Postgres through a pooler.
pub fn behind_a_pooler() -> bool {
    std::env::var_os(POOLER).is_some()
}

/// A migrated database.
pub async fn database() -> TestDatabase {
    create(true).await
}

/// A database with nothing in it.
pub async fn empty_database() -> TestDatabase {
    create(false).await
}

async fn create(migrated: bool) -> TestDatabase {
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(Server::start)).await.unwrap();
    let (name, template) = (fresh_name(), if migrated { &*server.template } else { "template0" });
    server.tell(format!("create database {name} template {template}")).await;
    let client = Client::builder(server.address(&name)).direct(server.database(&name));
    let database = client.connect().await.unwrap();
    let direct = match &server.pooler {
        Some(_) => PgPoolOptions::new().max_connections(10).connect_lazy_with(server.database(&name)),
        None => database.pool().clone(),
    };
    TestDatabase { database, direct, name }
}

/// The same pool, looking into another schema.
pub async fn another_schema(db: &Client, name: &str) -> Client {
    db.to_builder().schema(name).connect().await.unwrap()
}

impl TestDatabase {
    /// For the statements of a test itself: past the pooler, if the library is behind one.
    pub fn pool(&self) -> &PgPool {
        &self.direct
    }

    /// The same database through another pool, as another process has it.
    pub async fn another_pool(&self) -> Client {
        let server = SERVER.get().unwrap();
        let client = Client::builder(server.address(&self.name)).direct(server.database(&self.name));
        client.schema(self.schema().clone()).connect().await.unwrap()
    }

    /// A PgBouncer of the test's own before the same database; none if it is not installed, or the
    /// server is not ours.
    pub async fn pooled(&self) -> Option<(PgBouncer, PgConnectOptions)> {
        let server = SERVER.get().unwrap();
        let postgres = server.private.as_ref().filter(|_| PgBouncer::find().is_some())?;
        let pooler = tokio::task::block_in_place(|| PgBouncer::temporary(postgres).unwrap());
        let options = pooler.url().parse::<PgConnectOptions>().unwrap().database(&self.name);
        Some((pooler, options))
    }

    /// A connection outside of the pool.
    pub async fn connection(&self) -> PgConnection {
        self.pool().connect_options().connect().await.unwrap()
    }
}

impl Drop for TestDatabase {
    /// At once, because six hundred of them take gigabytes. Of a server that is not private the
    /// template is left behind: nobody knows which test is the last.
    fn drop(&mut self) {
        let Some(server) = SERVER.get() else { return };
        let drop_database = format!("drop database {} with (force)", self.name);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(server.tell(drop_database));
        })
        .join()
        .ok();
    }
}

/// The kind of job that most tests use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What tells it from others.
    pub n: i32,
}

impl Job for Probe {
    const KIND: &'static str = "probe";
}

/// A probe to be given options.
pub fn probe(n: i32) -> NewJob {
    Probe { n }.new_job().unwrap()
}

/// Enqueues a probe that is due.
pub async fn enqueue(db: &Client) -> Uuid {
    db.enqueue(&probe(0)).await.map(Enqueued::id).unwrap()
}

/// Looks at its queues all the time, because tests do not like to wait.
pub fn quick() -> WorkerOptions {
    quick_but(|_| ())
}

/// The same with other options.
pub fn quick_but<T>(change: impl FnOnce(&mut WorkerOptions) -> T) -> WorkerOptions {
    let mut options = WorkerOptions::default();
    options.poll_interval = LOOK;
    // As the stock worker has them: a test waits for the last attempt.
    (options.max_retries, options.backoff_cap) = (3, Duration::from_secs(60));
    change(&mut options);
    options
}

/// A worker for probes.
pub fn worker<F, R>(db: &Client, handler: F) -> Worker<()>
where
    F: Fn(Probe, Context<()>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), JobError>> + Send + 'static,
{
    worker_with(db, quick(), handler)
}

/// A worker for probes with settings of its own.
pub fn worker_with<F, R>(db: &Client, settings: WorkerOptions, handler: F) -> Worker<()>
where
    F: Fn(Probe, Context<()>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), JobError>> + Send + 'static,
{
    // The default would end the whole test binary.
    Worker::with_options(db.clone(), (), settings).when_stuck(|| ()).handle(handler)
}

/// A worker for probes whose handler returns an output.
pub fn returning<F, R, T>(db: &Client, handler: F) -> Worker<()>
where
    F: Fn(Probe, Context<()>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<T, JobError>> + Send + 'static,
    T: Serialize + 'static,
{
    Worker::with_options(db.clone(), (), quick()).when_stuck(|| ()).handle(handler)
}

/// A handler that just succeeds.
pub async fn succeed(_: Probe, _: Context<()>) -> Result<(), JobError> {
    Ok(())
}

/// A handler that has started, and that a test ends. Dropped before, the handler fails; when the
/// handler is dropped, `dropped` ends.
pub struct Gate {
    /// The job.
    pub probe: Probe,
    /// What the handler was given.
    pub context: Context<()>,
    /// Ends when the handler is dropped.
    pub dropped: CancellationToken,
    end: oneshot::Sender<Result<(), JobError>>,
}

impl Gate {
    /// Ends the handler.
    pub fn end(self, result: Result<(), JobError>) {
        self.end.send(result).unwrap();
    }
}

type GatedRun = BoxFuture<'static, Result<(), JobError>>;

/// A handler that tells when it starts, and ends when it is told to.
pub fn gated() -> (impl Fn(Probe, Context<()>) -> GatedRun + Send + Sync, UnboundedReceiver<Gate>) {
    let (started, starts) = mpsc::unbounded_channel();
    let handler = move |probe, context| -> GatedRun {
        let ((end, ended), dropped) = (oneshot::channel(), CancellationToken::new());
        // The test may have seen enough.
        started.send(Gate { probe, context, dropped: dropped.clone(), end }).ok();
        let guard = dropped.drop_guard();
        Box::pin(async move {
            let _guard = guard;
            ended.await?
        })
    };
    (handler, starts)
}

/// A worker or scheduler that runs until it is told to stop, or the test ends.
pub struct Running<T> {
    stop: CancellationToken,
    task: JoinHandle<T>,
    _guard: DropGuard,
}

impl<T> Running<T> {
    fn start(stop: CancellationToken, task: JoinHandle<T>) -> Self {
        Self { _guard: stop.clone().drop_guard(), stop, task }
    }

    /// Tells it to stop at once; the future waits until it has.
    pub fn stop(self) -> impl Future<Output = T> {
        self.stop.cancel();
        async { within(self.task).await.unwrap() }
    }
}

/// Runs a worker.
pub fn run<S: Send + Sync + 'static>(worker: Worker<S>) -> Running<sqlx::Result<()>> {
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    Running::start(stop, tokio::spawn(worker.run(stopped)))
}

/// Runs a scheduler.
pub fn schedule(scheduler: Scheduler) -> Running<()> {
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    Running::start(stop, tokio::spawn(scheduler.run(stopped)))
}

/// Does all duties of a scheduler once: it finishes what it has begun, and it begins all of them.
pub async fn schedule_once(db: &Client) {
    within(Scheduler::new(db.clone()).run(std::future::ready(()))).await;
}

/// Waits for something that will come.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.expect("it should have come long ago")
}

/// Waits for a fact that a statement can tell.
pub async fn eventually(db: &Client, fact: &'static str) {
    until(fact, async || ask::<bool>(db, fact).await).await;
}

/// Waits for a fact that is looked at again and again; `name` is what is said if it never comes
/// true.
pub async fn until(name: &str, fact: impl AsyncFn() -> bool) {
    let looking = async {
        while !fact().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(LIMIT, looking).await.unwrap_or_else(|_| panic!("this never came true: {name}"));
}

/// A value from the database.
pub async fn ask<T>(db: &Client, sql: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

/// A value about the job `$1`.
pub async fn ask_of<T>(db: &Client, sql: &'static str, job_id: Uuid) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).bind(job_id).fetch_one(db).await.unwrap()
}

/// Does something behind the library's back; says to how many rows.
pub async fn tell(db: &Client, sql: &'static str) -> u64 {
    sqlx::query(sql).execute(db).await.unwrap().rows_affected()
}

/// Stored JSON, to be compared.
pub fn parsed(stored: &serde_json::value::RawValue) -> serde_json::Value {
    serde_json::from_str(stored.get()).unwrap()
}
