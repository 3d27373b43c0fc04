//! The answer to a claim: small enough to be delivered to a reader that has stopped reading, with
//! large arguments fetched afterwards, and judged job by job.

use crate::fixture::{
    TestDatabase, ask, ask_of, database, eventually, probe, quick, quick_but, run, schedule, succeed, tell, until,
    worker, worker_with,
};
use futures_util::future::join_all;
use ordinaut_core::worker::{Step, WorkerOptions};
use ordinaut_core::{Client, Context, Job, JobError, Scheduler, Worker};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct Bulky {
    text: String,
}

impl Job for Bulky {
    const KIND: &'static str = "bulky";
}

/// A worker for bulky jobs and probes, which checks that arguments are whole.
fn carrier(db: &Client, settings: WorkerOptions, bytes: usize) -> Worker<()> {
    let whole = move |job: Bulky, _: Context<()>| async move {
        if job.text.len() == bytes { Ok(()) } else { Err(JobError::fatal(format!("{} bytes", job.text.len()))) }
    };
    Worker::with_options(db.clone(), (), settings).when_stuck(|| ()).handle(whole).handle(succeed)
}

/// Text that does not compress.
fn noise(bytes: usize) -> String {
    let chunks = (0..bytes.div_ceil(32)).map(|_| Uuid::new_v4().simple().to_string());
    chunks.collect::<String>()[..bytes].to_owned()
}

async fn enqueue_bulky(db: &Client, jobs: usize, bytes: usize) {
    for _ in 0..jobs {
        db.enqueue(&Bulky { text: noise(bytes) }.new_job().unwrap()).await.unwrap();
    }
}

/// The wire to a server, which stops reading on both sides, in the middle of an answer, once one
/// connection has carried so many bytes. No socket closes: a machine that is frozen looks so.
struct Frozen {
    frozen: AtomicBool,
    carried: AtomicUsize,
    after: usize,
}

impl Frozen {
    async fn before(db: &TestDatabase, after: usize) -> Option<(Arc<Self>, PgConnectOptions)> {
        let options = db.pool().connect_options();
        let socket = options.get_socket()?.join(format!(".s.PGSQL.{}", options.get_port()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Self { frozen: AtomicBool::new(false), carried: AtomicUsize::new(0), after });
        let carrying = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carrying.clone().carry(client, socket.clone()));
            }
        });
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port);
        let over = db.pool().connect_options();
        Some((wire, options.username(over.get_username()).database(over.get_database().unwrap())))
    }

    async fn carry(self: Arc<Self>, client: TcpStream, socket: PathBuf) {
        let Ok(server) = UnixStream::connect(socket).await else { return };
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        let up = async {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                if self.is_frozen() || to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        };
        let down = async {
            let (mut buffer, mut carried) = ([0; 4096], 0);
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                carried += read;
                self.carried.fetch_max(carried, Ordering::Relaxed);
                if self.is_frozen() || to_client.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
        };
        tokio::join!(up, down);
        if self.is_frozen() {
            // All four halves stay as they are.
            std::future::pending::<()>().await;
        }
    }

    fn is_frozen(&self) -> bool {
        if self.carried.load(Ordering::Relaxed) >= self.after {
            self.frozen.store(true, Ordering::Relaxed);
        }
        self.frozen.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_frozen_worker_claimed_runs_elsewhere_soon_after_its_lease() {
    const LEASE: Duration = Duration::from_secs(3);
    let db = database().await;
    enqueue_bulky(&db, 60, 50_000).await;
    let Some((wire, options)) = Frozen::before(&db, 256 * 1024).await else { return };
    let behind = Client::builder(options).max_connections(2).connect().await.unwrap();
    let settings = quick_but(|options| {
        options.lease = LEASE;
        options.concurrency = 60;
    });
    let frozen = run(carrier(&behind, settings.clone(), 50_000));
    until("the wire is frozen", async || wire.is_frozen()).await;
    let (since, _scheduler) = (Instant::now(), schedule(Scheduler::new((*db).clone())));
    let elsewhere = run(carrier(&db, settings, 50_000));

    eventually(&db, "select not exists (select from ordinaut.due_work)").await;

    // Five seconds after the lease, and as much again for a machine that does much else.
    assert!(since.elapsed() < LEASE + Duration::from_secs(10), "{:?}", since.elapsed());
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 60);
    elsewhere.stop().await.unwrap();
    drop(frozen);
}

#[tokio::test]
async fn large_arguments_arrive_whole_and_small_ones_come_with_the_claim() {
    let db = database().await;
    enqueue_bulky(&db, 40, 900_000).await;
    db.enqueue_many((0..40).map(probe)).await.unwrap();
    let running = run(carrier(&db, quick_but(|options| options.concurrency = 80), 900_000));

    eventually(&db, "select not exists (select from ordinaut.due_work)").await;

    running.stop().await.unwrap();
    let runs = "select count(*) from ordinaut.run where outcome = 'succeeded' and attempt = 1";
    assert_eq!(ask::<i64>(&db, runs).await, 80);
}

#[tokio::test]
async fn a_worker_of_small_jobs_fetches_nothing() {
    let db = database().await;
    db.enqueue_many((0..100).map(probe)).await.unwrap();
    let running = run(worker(&db, succeed).concurrency(50));
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;
    let fetchers = "select count(*) from pg_stat_activity
                    where datname = current_database() and application_name ~ '^ordinaut-fetch'";
    assert_eq!(ask::<i64>(&db, fetchers).await, 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_step_fetches_large_arguments_too() {
    let db = database().await;
    enqueue_bulky(&db, 1, 600_000).await;
    let mut worker = carrier(&db, quick(), 600_000);
    assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 1);
}

#[tokio::test]
async fn arguments_that_no_server_can_say_bury_their_job_alone() {
    let db = database().await;
    // Some kilobytes as they are stored, and more than a gigabyte as text.
    let huge = probe(0);
    db.enqueue(&huge).await.unwrap();
    sqlx::query("update ordinaut.job set args = ('[' || repeat('1e130000,', 9000) || '1]')::jsonb where id = $1")
        .bind(huge.id())
        .execute(db.pool())
        .await
        .unwrap();
    db.enqueue_many((0..20).map(probe)).await.unwrap();
    let settings = quick_but(|options| {
        options.lease = Duration::from_secs(9);
        options.concurrency = 10;
    });
    let running = run(worker_with(&db, settings, succeed));

    eventually(&db, "select count(*) = 20 from ordinaut.run where outcome = 'succeeded'").await;
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;

    running.stop().await.unwrap();
    let error: String = ask_of(&db, "select error from ordinaut.dead_letter where job_id = $1", huge.id()).await;
    assert!(error.starts_with("could not read its arguments"), "{error}");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dead_letter").await, 1);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_buried_alone_with_the_reason() {
    let db = database().await;
    // As an older schema, or somebody by hand, let them in.
    tell(
        &db,
        "do $$ declare c record; begin
             for c in select conrelid::regclass as of, conname from pg_constraint
                      where conrelid in ('ordinaut.job'::regclass, 'ordinaut.dead_letter'::regclass)
                        and contype = 'c' loop
                 execute format('alter table %s drop constraint %I', c.of, c.conname);
             end loop;
         end $$",
    )
    .await;
    let damages = [
        ("tags = array[null::text]", "the job cannot be read: tags"),
        ("tags = '{{a,b},{c,d}}'", "the job cannot be read: tags"),
        ("tags = '[5:6]={a,b}'", "the job cannot be read: tags"),
        (r#"backoff = '{"kind": "lunar"}'"#, "the job cannot be read: backoff"),
        ("timeout = '-1 s'", "the job cannot be read: timeout"),
        ("created_at = 'infinity'", "the job cannot be read: created_at"),
    ];
    let mut damaged = Vec::new();
    for (damage, reason) in damages {
        let job = probe(0);
        db.enqueue(&job).await.unwrap();
        let update = format!("update ordinaut.job set {damage} where id = $1");
        sqlx::query(sqlx::AssertSqlSafe(update)).bind(job.id()).execute(db.pool()).await.unwrap();
        damaged.push((job.id(), reason));
    }
    db.enqueue_many((0..9).map(probe)).await.unwrap();
    // One that starts with them before it, and works on.
    let running = run(worker(&db, succeed).concurrency(10));

    eventually(&db, "select not exists (select from ordinaut.due_work)").await;

    running.stop().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 9);
    let error = "select error from ordinaut.run where job_id = $1 and attempt = 1 and outcome = 'dead'";
    for (error, reason) in join_all(damaged.into_iter().map(|(job_id, reason)| {
        let db = &db;
        async move { (ask_of::<String>(db, error, job_id).await, reason) }
    }))
    .await
    {
        assert!(error.starts_with(reason), "{error}");
    }
}
