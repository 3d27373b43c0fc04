//! Workers are killed again and again inside durable handlers and pipelines: a step that was
//! recorded does not run again, one in a transaction happens exactly once, and every job ends as it
//! would have.

use crate::lab::{LEASE, Lab};
use crate::process::Process;
use crate::seed;
use crate::sink::{Call, clock};
use nix::sys::signal::Signal;
use ordinaut_core::worker::WorkerOptions;
use ordinaut_core::{Client, Context, Job, JobError, NewJob, Worker};
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

const JOBS: usize = 200;
const STEPS: usize = 10;
const WORKERS: usize = 2;
const BETWEEN_KILLS: Duration = Duration::from_secs(1);

/// A process that freezes between checking its lease and making a call makes that call when it
/// wakes; in seconds, with what the sink needs to hear of it.
const WAKING: f64 = 0.5;

/// Fewer would hit too few steps.
const LEAST_KILLS: usize = 10;

/// One of `STEPS` steps, each of which writes a row in its own transaction.
#[derive(Serialize, Deserialize)]
struct TenSteps {}

impl Job for TenSteps {
    const KIND: &'static str = "ten_steps";
    const QUEUE: &'static str = "steps";
}

async fn ten_steps(_: TenSteps, ctx: Context<Client>) -> Result<Vec<usize>, JobError> {
    let mut done = Vec::new();
    for n in 0..STEPS {
        let mut tx = ctx.state.begin().await?;
        let job_id = ctx.job_id();
        let number = ctx
            .step_in(&mut tx, "effect", async |tx| {
                let effect = sqlx::query("insert into public.effect values ($1, $2)");
                effect.bind(job_id).bind(n as i32).execute(tx).await?;
                Ok(n)
            })
            .await?;
        tx.commit().await?;
        done.push(number);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(done)
}

/// The worker of the case below, in a process of its own that can be killed. Run without its
/// setting it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process of a_worker_killed_within_steps_repeats_none_that_was_recorded"]
async fn serves_ten_steps() {
    let Ok(url) = std::env::var("TEN_STEPS_DATABASE") else { return };
    let client = Client::builder(&url).max_connections(8).connect().await.unwrap();
    let mut options = WorkerOptions::default();
    options.lease = LEASE;
    Worker::with_options(client.clone(), client, options)
        .handle(ten_steps)
        .queue("steps")
        .run(std::future::pending::<()>())
        .await
        .unwrap();
}

fn own_worker(lab: &Lab, n: usize) -> Process {
    let this = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--exact", "steps_killed::serves_ten_steps"];
    let log = lab.scratch().join(format!("ten-steps-{n}.log"));
    Process::start_at(&this, &arguments, &[("TEN_STEPS_DATABASE", &lab.server.url())], log)
}

fn pipeline(lab: &Lab) -> NewJob {
    let step = |n: usize| json!({"id": format!("s{n}"), "uses": "http", "with": {"url": format!("{}{}", lab.sink.url, 5 + n)}});
    let steps: Vec<Value> = (0..STEPS).map(step).collect();
    NewJob::new("pipeline", &json!({"steps": steps})).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes: ./ops/test.sh fault steps_killed"]
async fn a_worker_killed_within_steps_repeats_none_that_was_recorded() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    sqlx::query("create table public.effect (job_id uuid, n integer)").execute(lab.database.pool()).await.unwrap();
    let settings = [("WORKER_MAX_RETRIES", "20")];
    lab.add_workers(WORKERS, &settings).await;
    let mut own: Vec<Process> = (0..WORKERS).map(|n| own_worker(&lab, n)).collect();
    let pipelines: Vec<NewJob> = (0..JOBS).map(|_| pipeline(&lab)).collect();
    let handlers: Vec<NewJob> = (0..JOBS).map(|_| TenSteps {}.new_job().unwrap()).collect();
    lab.database.enqueue_many(&pipelines).await.unwrap();
    lab.database.enqueue_many(&handlers).await.unwrap();

    let (mut kills, mut thaws) = (0, Vec::new());
    while kills < LEAST_KILLS || lab.number("select count(*) from ordinaut.due_work").await != Some(0) {
        tokio::time::sleep(BETWEEN_KILLS.mul_f64(random.random_range(0.7..1.3))).await;
        // One of each kind; every fourth is frozen for longer than its lease, and goes on.
        let victim = random.random_range(0..WORKERS);
        if kills % 4 == 3 {
            own[victim].signal(Signal::SIGSTOP);
            lab.workers[victim].signal(Signal::SIGSTOP);
            tokio::time::sleep(LEASE + Duration::from_secs(2)).await;
            thaws.push(clock());
            own[victim].signal(Signal::SIGCONT);
            lab.workers[victim].signal(Signal::SIGCONT);
        } else {
            own[victim].kill();
            own[victim] = own_worker(&lab, WORKERS + kills);
            lab.workers.remove(victim).kill();
            lab.add_worker(&settings);
        }
        kills += 1;
        if kills == LEAST_KILLS {
            // What is left runs to its end without further kills.
            lab.until_idle().await;
        }
    }

    let count = async |query: &'static str| lab.number(query).await.unwrap();
    let wanted = (JOBS * STEPS) as i64;
    assert_eq!(count("select count(*) from public.effect").await, wanted);
    assert_eq!(count("select count(distinct (job_id, n)) from public.effect").await, wanted);
    assert_eq!(count("select count(*) from ordinaut.run where outcome = 'succeeded'").await, 2 * JOBS as i64);
    assert_eq!(count("select count(*) from ordinaut.run where outcome in ('dead', 'cancelled')").await, 0);
    let (repeated, waking) = repeated_after_record(&lab, &thaws).await;
    let lost = count("select count(*) from ordinaut.run where outcome = 'lost'").await;
    let calls = lab.sink.log().len();
    eprintln!(
        "{} jobs of {STEPS} steps, {kills} kills and freezes, {lost} attempts lost; {calls} calls for {wanted} steps, {repeated} after their record, and {waking} as their process woke",
        2 * JOBS
    );
    assert_eq!(repeated, 0);
    assert!(lost > 0, "the kills hit nobody");
}

/// Calls that began after their step was recorded: others, and those of processes that woke.
async fn repeated_after_record(lab: &Lab, thaws: &[f64]) -> (usize, usize) {
    let recorded: Vec<(Uuid, String, f64)> =
        sqlx::query_as("select job_id, name, extract(epoch from ended_at)::float8 from ordinaut.step")
            .fetch_all(lab.database.pool())
            .await
            .unwrap();
    let recorded: HashMap<String, f64> =
        recorded.into_iter().map(|(job_id, name, at)| (format!("{job_id}/{name}"), at)).collect();
    let late = |call: &&Call| recorded.get(&call.key).is_none_or(|at| call.began > *at);
    let woke = |call: &&Call| thaws.iter().any(|thaw| (*thaw..*thaw + WAKING).contains(&call.began));
    let log = lab.sink.log();
    let (waking, others): (Vec<&Call>, Vec<&Call>) = log.iter().filter(late).partition(|call| woke(call));
    (others.len(), waking.len())
}
