//! Postgres is killed in the middle of claims that are not durable yet: nothing is lost, and no
//! stale end is accepted.

use crate::crew::Crew;
use crate::flow::echo;
use crate::sink::{Call, Sink};
use ordinaut_core::{Client, NewJob};
use ordinaut_test_support::killable_postgres::Server;
use serde_json::json;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const KILLS: i64 = 20;

/// Between two kills, counted in attempts that ended: other moments of the workers' loops each
/// time.
const ATTEMPTS_BETWEEN: [i64; 5] = [150, 400, 230, 310, 90];

/// More than two workers have run when the next look is taken.
const WAITING: i64 = 2000;
const JOBS_AT_ONCE: usize = 500;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: ./ops/test.sh fault postgres_killed"]
async fn jobs_survive_a_postgres_that_is_killed_twenty_times() {
    let (mut server, sink) = (Server::start().await, Sink::start().await);
    // Where everything is killed again and again, a job may meet more kills than usual.
    let settings = [("WORKER_HTTP_ALLOW", "127.0.0.1"), ("WORKER_MAX_RETRIES", "100"), ("LOG_LEVEL", "error")];
    let mut crew = Crew::start_on(&server.url(), 2, &settings).await;
    let feeder = Feeder::start(crew.database.clone(), sink.url.clone());
    let mut ended = 0;
    for (kill, attempts) in (0..KILLS).zip(ATTEMPTS_BETWEEN.into_iter().cycle()) {
        ended = more_than(&crew, ended + attempts).await;
        server.kill().await;
        server.start_again().await;
        crew.assert_that_no_worker_has_ended();
        eprint!("{} ", kill + 1);
    }
    let answered = feeder.stop().await;
    crew.wait(async || left(&crew.database).await.is_ok_and(|left| left == 0)).await;
    crew.assert_that_no_worker_has_ended();

    let attempts = Attempts::of(&crew.database).await;
    let calls = sink.calls();
    let twice = calls.values().filter(|of_job| of_job.len() > 1).count();
    // The number of the attempt is the same then, because the first claim is not known any more.
    let unknown =
        calls.values().filter(|of_job| of_job.windows(2).any(|pair| pair[0].attempt == pair[1].attempt)).count();
    eprintln!(
        "\n{KILLS} kills, {} jobs, half of them called; {} attempts lost, {} others without success, {twice} jobs \
         started twice, {unknown} of them since Postgres had lost the claim under their handler",
        attempts.successes.len(),
        attempts.lost,
        attempts.others,
    );
    attempts.are_those_of(&answered);
    assert_eq!(attempts.later_than_success, 0, "attempts that ended after their job had succeeded");
    no_stale_end_was_accepted(&calls, &attempts.successes);
}

/// The attempt that a job succeeded with is the one that was started last: no other held the lease
/// when it ended.
pub(crate) fn no_stale_end_was_accepted(calls: &HashMap<Uuid, Vec<Call>>, successes: &HashMap<Uuid, (i32, i64)>) {
    for (job_id, of_job) in calls {
        let different: HashSet<_> = of_job.iter().map(Call::token).collect();
        assert_eq!(different.len(), of_job.len(), "a token was used twice: {of_job:?}");
        let last = of_job.last().unwrap();
        assert_eq!(successes[job_id], (last.attempt, last.session), "{of_job:?}");
    }
}

/// Keeps jobs waiting: half of them are called from outside, half do nothing.
pub(crate) struct Feeder {
    stop: CancellationToken,
    task: JoinHandle<Vec<Uuid>>,
}

impl Feeder {
    pub(crate) fn start(database: Client, url: String) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(feed(database, url, stop.clone())), stop }
    }

    /// The jobs whose enqueue was answered. Others may exist too.
    pub(crate) async fn stop(self) -> Vec<Uuid> {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

async fn feed(database: Client, url: String, stop: CancellationToken) -> Vec<Uuid> {
    let mut answered = Vec::new();
    while !stop.is_cancelled() {
        if left(&database).await.is_ok_and(|left| left < WAITING) {
            let call = || NewJob::new("http", &json!({"url": url})).unwrap();
            let jobs: Vec<_> = (0..JOBS_AT_ONCE).map(|n| if n % 2 == 0 { call() } else { echo() }).collect();
            if database.enqueue_many(&jobs).await.is_ok() {
                answered.extend(jobs.iter().map(NewJob::id));
            }
        } else {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
    answered
}

/// What became of all attempts.
pub(crate) struct Attempts {
    /// By job, the attempt that succeeded and its session.
    pub(crate) successes: HashMap<Uuid, (i32, i64)>,
    pub(crate) lost: i64,
    others: i64,
    pub(crate) later_than_success: i64,
    /// Jobs that have not one success but none or several.
    without_one_success: Vec<Uuid>,
}

impl Attempts {
    pub(crate) async fn of(database: &Client) -> Self {
        let pool = database.pool();
        let successes: Vec<(Uuid, i32, i64)> =
            sqlx::query_as("select job_id, attempt, session from ordinaut.run where outcome = 'succeeded'")
                .fetch_all(pool)
                .await
                .unwrap();
        let (lost, others, later_than_success) = sqlx::query_as(
            "select count(*) filter (where outcome = 'lost'),
                    count(*) filter (where outcome not in ('lost', 'succeeded')),
                    count(*) filter (where exists (select from ordinaut.run as success
                                                   where success.job_id = run.job_id and success.outcome = 'succeeded'
                                                     and success.attempt < run.attempt))
             from ordinaut.run",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        let without_one_success = sqlx::query_scalar(
            "select id from ordinaut.job left join ordinaut.run on run.job_id = job.id and outcome = 'succeeded'
             group by id having count(run.job_id) <> 1",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let successes = successes.into_iter().map(|(job_id, attempt, session)| (job_id, (attempt, session))).collect();
        Self { successes, lost, others, later_than_success, without_one_success }
    }

    /// Each of these jobs has succeeded once, and so has every other that there is.
    pub(crate) fn are_those_of(&self, answered: &[Uuid]) {
        let missing: Vec<_> = answered.iter().filter(|id| !self.successes.contains_key(id)).collect();
        assert!(missing.is_empty(), "{} of {} jobs are lost: {missing:?}", missing.len(), answered.len());
        assert!(self.without_one_success.is_empty(), "{:?}", self.without_one_success);
    }
}

/// Waits until so many attempts have ended, which is in the middle of others, and returns how many
/// those are.
async fn more_than(crew: &Crew, attempts: i64) -> i64 {
    let ended = Cell::new(0);
    crew.wait(async || {
        ended.set(runs(&crew.database).await.unwrap_or_default());
        ended.get() >= attempts
    })
    .await;
    ended.get()
}

/// Ends of attempts; an error while Postgres is away.
pub(crate) async fn runs(database: &Client) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from ordinaut.run").fetch_one(database.pool()).await
}

pub(crate) async fn left(database: &Client) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from ordinaut.due_work").fetch_one(database.pool()).await
}
