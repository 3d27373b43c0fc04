//! A model of a job's life, and random walks that compare it with what Postgres says.
//!
//! `ORDINAUT_MODEL_STEPS` makes the walk longer, `ORDINAUT_MODEL_SEED` repeats one.

mod again;
mod graph;
mod job;

use crate::fixture::{Probe, TestDatabase, ask, ask_of, database, probe, quick_but, schedule_once, worker_with};
use job::{Ending, Job, LATER, Lease, Shown, State, WORKERS_MAX_ATTEMPTS};
use ordinaut_core::job::{Cancelled, Changed, JobChange, OnDuplicate, RunNow};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{TaskDefinition, TaskError};
use ordinaut_core::worker::Step;
use ordinaut_core::{Context, Enqueued, Token, Unique, Worker};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const STEPS: usize = 400;

struct Walk {
    db: TestDatabase,
    worker: Worker<()>,
    ending: Arc<Mutex<Ending>>,
    random: StdRng,
    jobs: BTreeMap<Uuid, Job>,
    /// A task that may make jobs, and whether it is paused.
    task: (Uuid, bool),
    /// The last job that took the key of `until_started`.
    starter: Option<Uuid>,
    /// What once was a lease.
    stale: Vec<Token>,
    /// What was done, to be told when something is wrong.
    log: Vec<String>,
}

impl Walk {
    async fn begin(seed: u64) -> Self {
        let db = database().await;
        let ending = Arc::new(Mutex::new(Ending::Succeed));
        let script = ending.clone();
        let settings = quick_but(|options| {
            options.max_retries = WORKERS_MAX_ATTEMPTS - 1;
            options.backoff_cap = Duration::ZERO;
            options.poll_interval = Duration::ZERO;
        });
        let worker = worker_with(&db, settings, move |_: Probe, _: Context<()>| {
            let ending = *script.lock().unwrap();
            async move { ending.result() }
        });
        let (random, jobs, task) = (StdRng::seed_from_u64(seed), BTreeMap::new(), (create_task(&db).await, false));
        Self { db, worker, ending, random, jobs, task, starter: None, stale: Vec::new(), log: Vec::new() }
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..10 => self.enqueue().await,
            10..16 => self.enqueue_again().await,
            16..22 => self.run_task_now().await,
            22..50 => self.run_one().await,
            50..58 => self.cancel().await,
            58..63 => self.requeue().await,
            63..66 => self.run_now().await,
            66..69 => self.change().await,
            69..80 => self.hold_one().await,
            80..84 => self.settle_held().await,
            84..86 => self.give_back().await,
            86 => self.park_held().await,
            87..89 => self.settle_stale().await,
            89..92 => self.end_a_session().await,
            92..96 => self.pause_or_resume().await,
            96 => self.cancel_task().await,
            _ => self.rescue().await,
        }
        self.compare().await;
    }

    /// Any job, or one that nobody knows.
    fn any(&mut self) -> (Uuid, Option<Job>) {
        let jobs: Vec<_> = self.jobs.iter().collect();
        match jobs.choose(&mut self.random) {
            Some((job_id, job)) if self.random.random_ratio(19, 20) => (**job_id, Some(**job)),
            _ => (Uuid::from_u128(self.random.random()), None),
        }
    }

    async fn enqueue(&mut self) {
        let max_attempts = *[None, Some(1), Some(2), Some(4)].choose(&mut self.random).unwrap();
        let priority = self.random.random_range(1..=9);
        let mut job = probe(0).priority(priority);
        if let Some(attempts) = max_attempts {
            job = job.max_attempts(attempts);
        }
        let later = self.random.random_ratio(1, 4);
        if later {
            job = job.delay(LATER);
        }
        let key = *[None, None, Some("a"), Some("b"), Some("c")].choose(&mut self.random).unwrap();
        let mode = *[OnDuplicate::Skip, OnDuplicate::Replace, OnDuplicate::Debounce].choose(&mut self.random).unwrap();
        if let Some(key) = key {
            job = job.unique(Unique::by_kind().key(key).on_duplicate(mode));
        }
        let answer = self.db.enqueue(&job).await.unwrap();
        self.log.push(format!("enqueue {}, later: {later}, {max_attempts:?}, {key:?} {mode:?}: {answer:?}", job.id()));
        let mut new = Job::new(later, priority, max_attempts, None);
        new.key = key;
        match self.holder(key) {
            None => assert_eq!(answer, Enqueued::New(job.id())),
            Some((_, holder)) if mode != OnDuplicate::Skip && !matches!(holder.state, State::Running { .. }) => {
                assert_eq!(answer, Enqueued::New(job.id()));
                if mode == OnDuplicate::Replace {
                    new.state = holder.state;
                }
                holder.cancel_unclaimed();
            }
            Some((holder, _)) => return assert_eq!(answer, Enqueued::Duplicate(holder)),
        }
        self.jobs.insert(job.id(), new);
    }

    /// Who holds a key.
    fn holder(&mut self, key: Option<&str>) -> Option<(Uuid, &mut Job)> {
        let mut active = self.jobs.iter_mut().filter(|(_, job)| job.key.is_some() && job.key == key && job.is_active());
        active.next().map(|(id, job)| (*id, job))
    }

    async fn run_task_now(&mut self) {
        let (task, paused) = self.task;
        let answer = self.db.tasks().run_now(task).await;
        self.log.push(format!("run task now: {answer:?}"));
        match answer {
            Ok(job_id) if !paused => drop(self.jobs.insert(job_id, Job::new(false, 5, None, Some(task)))),
            Err(TaskError::Paused) if paused => {}
            _ => panic!("{answer:?}, and it is paused: {paused}"),
        }
    }

    /// A worker's step, with an ending of our choice.
    async fn run_one(&mut self) {
        let ending = Ending::draw(&mut self.random);
        *self.ending.lock().unwrap() = ending;
        let step = self.worker.step().await.unwrap();
        self.log.push(format!("{step:?} with {ending:?}"));
        match step {
            Step::Worked(job_id) => {
                let waiting = self.jobs.values().filter(|job| job.state == State::Waiting);
                let first = waiting.map(Job::urgency).min();
                let job = self.jobs.get_mut(&job_id).unwrap();
                assert_eq!((job.state, Some(job.urgency())), (State::Waiting, first));
                job.attempt += 1;
                job.end_attempt(|job| ending.apply(job));
            }
            Step::Idle => assert!(self.jobs.values().all(|job| job.state != State::Waiting)),
            Step::LeaseLost(_) => panic!("nobody takes a lease from a step"),
        }
    }

    async fn cancel(&mut self) {
        let (job_id, job) = self.any();
        let answer = self.db.jobs().cancel(job_id).await.unwrap();
        self.log.push(format!("cancel {job_id}: {answer:?}"));
        let expected = match job.map(|job| job.state) {
            None => Cancelled::Unknown,
            Some(
                State::Scheduled | State::Waiting | State::Parked { .. } | State::Behind { .. } | State::Unavailable,
            ) => Cancelled::Now,
            Some(State::Running { .. }) => Cancelled::Asked,
            Some(State::Succeeded | State::Cancelled | State::Dead) => Cancelled::TooLate,
        };
        assert_eq!(answer, expected);
        let Some(job) = self.jobs.get_mut(&job_id) else { return };
        match answer {
            Cancelled::Now => job.cancel_unclaimed(),
            Cancelled::Asked => ask_to_stop(job),
            _ => {}
        }
    }

    async fn requeue(&mut self) {
        let (job_id, _) = self.any();
        let requeued = self.db.dead_letters().requeue(&[job_id]).await.unwrap().back;
        self.log.push(format!("requeue {job_id}: {requeued:?}"));
        let dead = self.jobs.get(&job_id).copied().filter(|job| job.state == State::Dead);
        let dead = dead.filter(|job| self.may_be_sent_back(job_id, job.key, !requeued.is_empty()));
        assert_eq!(!requeued.is_empty(), dead.is_some());
        if let (Some(_), Some(job)) = (dead, self.jobs.get_mut(&job_id)) {
            *job = Job { state: State::Waiting, failures: 0, losses: 0, ..*job };
        }
    }

    async fn run_now(&mut self) {
        let (job_id, job) = self.any();
        let answer = self.db.jobs().run_now(job_id).await.unwrap();
        self.log.push(format!("run now {job_id}: {answer:?}"));
        let expected = match job.map(|job| job.state) {
            None => RunNow::Unknown,
            Some(State::Scheduled | State::Unavailable) => RunNow::Now,
            Some(State::Waiting | State::Running { .. }) => RunNow::AlreadyDue,
            Some(State::Parked { .. } | State::Behind { .. }) => RunNow::Parked,
            Some(State::Succeeded | State::Cancelled | State::Dead) => RunNow::TooLate,
        };
        assert_eq!(answer, expected);
        if answer == RunNow::Now {
            self.jobs.get_mut(&job_id).unwrap().state = State::Waiting;
        }
    }

    async fn change(&mut self) {
        let (job_id, job) = self.any();
        let priority = self.random.random_range(1..=9);
        let later = self.random.random_ratio(1, 4);
        let mut change = JobChange::default().priority(priority).max_attempts(Some(4));
        if later {
            change = change.run_at(chrono::Utc::now() + LATER);
        }
        let answer = self.db.jobs().update(job_id, &change).await.unwrap();
        self.log.push(format!("change {job_id} to priority {priority}, later: {later}: {answer:?}"));
        let expected = match job.map(|job| job.state) {
            None => Changed::Unknown,
            Some(State::Running { .. }) => Changed::Running,
            Some(State::Succeeded | State::Cancelled | State::Dead) => Changed::TooLate,
            Some(_) => Changed::Now,
        };
        assert_eq!(answer, expected);
        if answer == Changed::Now {
            self.jobs.get_mut(&job_id).unwrap().change(priority, 4, later);
        }
    }

    /// One of the jobs that are so.
    fn one(&mut self, is_so: impl Fn(&Job) -> bool) -> Option<(Uuid, Job)> {
        let jobs: Vec<_> = self.jobs.iter().filter(|(_, job)| is_so(job)).map(|(id, job)| (*id, *job)).collect();
        jobs.choose(&mut self.random).copied()
    }

    /// A worker that leases a waiting job; it lives for long, or is never heard of again.
    async fn hold_one(&mut self) {
        let Some((job_id, _)) = self.one(|job| job.state == State::Waiting) else { return };
        let lease = Lease { session: self.random.random_range(1..=i64::MAX), alive: self.random.random() };
        self.log.push(format!("{job_id} is held under {lease:?}"));
        let sql = "with holder as (
                       insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency,
                                                    max_attempts, lease, expires_at)
                       values ($1, 'holder', '', 1, '', '{}', '{}', 1, $2, case when $4 then interval '1 d' else '1 ms' end,
                               now() + case when $4 then interval '1 d' else interval '-1 s' end))
                   update ordinaut.due_work set session = $1, nonce = 1, attempt = attempt + 1 where job_id = $3";
        let held = sqlx::query(sql).bind(lease.session).bind(WORKERS_MAX_ATTEMPTS).bind(job_id).bind(lease.alive);
        held.execute(self.db.pool()).await.unwrap();
        let job = self.jobs.get_mut(&job_id).unwrap();
        (job.state, job.attempt) = (State::Running { lease, cancel_asked: false }, job.attempt + 1);
    }

    /// A job that is held, with its token.
    fn held(&mut self) -> Option<Token> {
        let (job_id, job) = self.one(|job| matches!(job.state, State::Running { .. }))?;
        let State::Running { lease, .. } = job.state else { return None };
        Some(Token { job_id, attempt: job.attempt, session: lease.session, nonce: 1 })
    }

    /// Its holder ends the attempt, in time or just so: nobody has rescued the job.
    async fn settle_held(&mut self) {
        let Some(token) = self.held() else { return };
        let ending = Ending::draw(&mut self.random);
        let job = self.jobs.get_mut(&token.job_id).unwrap();
        job.end_attempt(|job| ending.apply(job));
        let job = *job;
        let outcome = match (ending, job.state) {
            (_, State::Dead) => "dead",
            (Ending::Succeed, _) => "succeeded",
            (Ending::Snooze(_), _) => "snoozed",
            (Ending::Cancel, _) => "cancelled",
            _ => "failed",
        };
        let again_in = match ending {
            Ending::Retry(wait) | Ending::Snooze(wait) if outcome != "dead" => Some(wait.as_secs_f64()),
            Ending::Panic if outcome != "dead" => Some(0.0),
            _ => None,
        };
        let settled = self.settle(token, outcome, again_in, job.failures).await;
        self.log.push(format!("{token} settles as {outcome}: {settled:?}"));
        let decided = if job.state == State::Cancelled { "cancelled" } else { outcome };
        assert_eq!(settled.as_deref(), Some(decided));
        self.stale.push(token);
    }

    /// An end under a token that is not a lease any more.
    async fn settle_stale(&mut self) {
        let Some(token) = self.stale.choose(&mut self.random).copied() else { return };
        let settled = self.settle(token, "succeeded", None, 0).await;
        self.log.push(format!("{token}, which is stale, settles: {settled:?}"));
        assert_eq!(settled, None);
        assert_eq!(self.give_back_token(token).await, 0);
        assert_eq!(self.park_token(token).await, None);
    }

    /// What the end of an attempt was written as.
    async fn settle(&mut self, token: Token, outcome: &str, again_in: Option<f64>, failures: i16) -> Option<String> {
        if outcome == "succeeded" && self.random.random() {
            return self.succeed(token).await;
        }
        let settled = sqlx::query_as::<_, (String, Vec<Uuid>, Vec<i32>)>(sql!("lease/settle"))
            .bind([token.job_id])
            .bind([token.attempt])
            .bind([token.session])
            .bind([token.nonce])
            .bind([outcome])
            .bind([again_in])
            .bind([failures])
            .bind([None::<&str>])
            .bind([None::<&str>])
            .bind([None::<f64>])
            .bind(true);
        settled.fetch_optional(self.db.pool()).await.unwrap().map(|(outcome, ..)| outcome)
    }

    /// What it was written as at the place of the job's row, whose lease may be another one.
    async fn succeed(&self, token: Token) -> Option<String> {
        let place = "select coalesce((select ctid from ordinaut.due_work where job_id = $1), '(0,1)')::text";
        let place: String = ask_of(&self.db, place, token.job_id).await;
        let sql = sql!("lease/succeed").replace("$1::tid[]", "$1::text[]::tid[]");
        let settled = sqlx::query_as::<_, (String, Vec<Uuid>, Vec<i32>)>(AssertSqlSafe(sql))
            .bind([place])
            .bind([token.job_id])
            .bind([token.attempt])
            .bind([token.nonce])
            .bind(token.session)
            .bind([None::<f64>]);
        settled.fetch_optional(self.db.pool()).await.unwrap().map(|(outcome, ..)| outcome)
    }

    /// Its holder hands it back, unrun.
    async fn give_back(&mut self) {
        let Some(token) = self.held() else { return };
        self.log.push(format!("{token} is given back"));
        assert_eq!(self.give_back_token(token).await, 1);
        let job = self.jobs.get_mut(&token.job_id).unwrap();
        if matches!(job.state, State::Running { cancel_asked: true, .. }) {
            (job.state, job.runs) = (State::Cancelled, job.runs + 1);
        } else {
            job.state = State::Waiting;
        }
        self.stale.push(token);
    }

    /// What it calls takes no calls. Nobody has put the target, so the next look lets the job go.
    async fn park_held(&mut self) {
        let keyless = |job: &Job| matches!(job.state, State::Running { .. }) && job.key.is_none();
        let Some((job_id, job)) = self.one(keyless) else { return };
        let State::Running { lease, cancel_asked } = job.state else { return };
        let token = Token { job_id, attempt: job.attempt, session: lease.session, nonce: 1 };
        let parked = self.park_token(token).await;
        self.log.push(format!("{token} waits for its target: {parked:?}"));
        let job = self.jobs.get_mut(&job_id).unwrap();
        if cancel_asked {
            (job.state, job.runs) = (State::Cancelled, job.runs + 1);
        } else {
            job.state = State::Unavailable;
        }
        assert_eq!(parked.as_deref(), Some(if cancel_asked { "cancelled" } else { "parked" }));
        self.stale.push(token);
    }

    async fn park_token(&self, token: Token) -> Option<String> {
        let parked = sqlx::query_as::<_, (String, Vec<Uuid>, Vec<i32>)>(sql!("lease/park"))
            .bind([token.job_id])
            .bind([token.attempt])
            .bind([token.session])
            .bind([token.nonce])
            .bind(["nobody put it"]);
        parked.fetch_optional(self.db.pool()).await.unwrap().map(|(word, ..)| word)
    }

    async fn give_back_token(&self, token: Token) -> i64 {
        let given_back = sqlx::query_scalar(sql!("lease/give_back"))
            .bind([token.job_id])
            .bind([token.attempt])
            .bind(token.session)
            .bind([token.nonce]);
        given_back.fetch_one(self.db.pool()).await.unwrap()
    }

    /// A worker ends, or is not renewed: what it holds is there to be rescued.
    async fn end_a_session(&mut self) {
        let alive = |job: &Job| matches!(job.state, State::Running { lease, .. } if lease.alive);
        let Some((job_id, job)) = self.one(alive) else { return };
        let State::Running { lease, cancel_asked } = job.state else { return };
        self.log.push(format!("session {} ends", lease.session));
        let column = if self.random.random() { "ended_at" } else { "expires_at" };
        let sql = format!("update ordinaut.worker set {column} = now() - interval '1 s' where session = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(lease.session).execute(self.db.pool()).await.unwrap();
        let lease = Lease { alive: false, ..lease };
        self.jobs.get_mut(&job_id).unwrap().state = State::Running { lease, cancel_asked };
    }

    async fn rescue(&mut self) {
        let longer = "update ordinaut.parked set parked_at = parked_at - interval '1 min' where reason = 'target'";
        sqlx::query(longer).execute(self.db.pool()).await.unwrap();
        // What was rescued while its task is paused is set aside by the next look.
        schedule_once(&self.db).await;
        schedule_once(&self.db).await;
        self.log.push("rescue".to_owned());
        for (job_id, job) in &mut self.jobs {
            let State::Running { lease: Lease { session, alive: false }, .. } = job.state else { continue };
            self.stale.push(Token { job_id: *job_id, attempt: job.attempt, session, nonce: 1 });
            job.end_attempt(|job| {
                job.losses += 1;
                // Two losses are free.
                if job.losses > 2 {
                    job.fail(Duration::ZERO);
                } else {
                    job.state = State::Waiting;
                }
                assert!(job.losses <= job.max_attempts.unwrap_or(WORKERS_MAX_ATTEMPTS) + 2);
            });
        }
        for job in self.jobs.values_mut().filter(|job| job.state == State::Unavailable) {
            job.state = State::Waiting;
        }
        if self.task.1 {
            self.set_jobs_of_the_task_aside();
        }
        self.let_followers_go();
    }

    async fn pause_or_resume(&mut self) {
        let (task, paused) = self.task;
        self.task.1 = !paused;
        self.log.push(format!("the task is paused: {}", !paused));
        if paused {
            self.db.tasks().resume(task).await.unwrap();
            for job in self.jobs.values_mut().filter(|job| job.task == Some(task)) {
                let State::Parked { later } = job.state else { continue };
                job.state = if later { State::Scheduled } else { State::Waiting };
            }
        } else {
            self.db.tasks().pause(task).await.unwrap();
            self.set_jobs_of_the_task_aside();
        }
    }

    fn set_jobs_of_the_task_aside(&mut self) {
        for job in self.jobs.values_mut().filter(|job| job.task == Some(self.task.0)) {
            match job.state {
                State::Waiting | State::Unavailable => job.state = State::Parked { later: false },
                State::Scheduled => job.state = State::Parked { later: true },
                _ => {}
            }
        }
    }

    /// Its jobs are cancelled, and another task takes its place.
    async fn cancel_task(&mut self) {
        self.log.push("the task is cancelled".to_owned());
        self.db.tasks().cancel(self.task.0).await.unwrap();
        for job in self.jobs.values_mut().filter(|job| job.task == Some(self.task.0)) {
            match job.state {
                State::Waiting | State::Scheduled | State::Parked { .. } | State::Unavailable => job.cancel_unclaimed(),
                State::Running { .. } => ask_to_stop(job),
                _ => {}
            }
        }
        self.task = (create_task(&self.db).await, false);
    }

    async fn compare(&self) {
        let sql = "select job_id, state, attempt, failures, cancel_asked,
                          (select count(*) from ordinaut.run where run.job_id = job_state.job_id)
                   from ordinaut.job_state";
        let rows: Vec<(Uuid, String, i32, Option<i16>, bool, i64)> =
            sqlx::query_as(sql).fetch_all(self.db.pool()).await.unwrap();
        let found: BTreeMap<_, Shown> = rows
            .into_iter()
            .map(|(id, state, attempt, failures, asked, runs)| (id, (state, attempt, failures, asked, runs)))
            .collect();
        let expected: BTreeMap<_, Shown> = self.jobs.iter().map(|(id, job)| (*id, job.shown())).collect();
        for (job_id, shown) in &expected {
            assert_eq!(found.get(job_id), Some(shown), "job {job_id}");
        }
        assert_eq!(found.len(), expected.len());
        for invariant in INVARIANTS {
            assert!(ask::<bool>(&self.db, invariant).await, "{invariant}");
        }
        again::at_most_one_runs_and_one_follows(&self.db).await;
    }
}

const INVARIANTS: [&str; 5] = [
    // Whoever has work and a key holds it, and nobody else does.
    "select not exists (
         select from (select * from ordinaut.unique_key where held_until is null) held
         full join (select job_id from ordinaut.due_work where flags & 8 = 8) work using (job_id)
         join ordinaut.job on job.id = job_id
         where (held.key is null or work.job_id is null) and not tags && '{started, again}')",
    // Everything that left has left a run.
    "select not exists (select from ordinaut.job where not exists (select from ordinaut.due_work where job_id = id)
                        and not exists (select from ordinaut.parked where job_id = id)
                        and not exists (select from ordinaut.run where job_id = id))",
    // A job waits once, or is set aside.
    "select count(*) = count(distinct job_id)
     from (select job_id from ordinaut.due_work union all select job_id from ordinaut.parked) w",
    // The attempt that is under way, or that comes next, is later than all that have ended.
    "select not exists (select from ordinaut.due_work join ordinaut.run using (job_id)
                        where run.attempt >= due_work.attempt + (due_work.session is null)::integer)",
    // What is free is not leased, and nothing free was asked to stop.
    "select not exists (select from ordinaut.due_work where session is null and (nonce <> 0 or flags & 1 = 1))",
];

fn ask_to_stop(job: &mut Job) {
    if let State::Running { lease, .. } = job.state {
        job.state = State::Running { lease, cancel_asked: true };
    }
}

/// One whose jobs come only when it is told to run now.
async fn create_task(db: &TestDatabase) -> Uuid {
    let schedule = Schedule::new(ScheduleKind::Every, "8000h");
    let args = serde_json::json!({"n": 0});
    let definition = TaskDefinition::new("A probe", "probe", schedule).args(args).priority(5);
    db.tasks().create(&definition).await.unwrap().id
}

/// A number from the environment.
fn given<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// A walk that keeps what it did.
trait Told {
    fn log(&self) -> &[String];
}

impl Told for Walk {
    fn log(&self) -> &[String] {
        &self.log
    }
}

/// Tells how it came to that, when a walk ends in a panic.
struct Story<'a, W: Told>(&'a mut W, u64);

impl<W: Told> Drop for Story<'_, W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.0.log();
            let last = log.len().saturating_sub(30);
            eprintln!("ORDINAUT_MODEL_SEED={}, step {}:\n{}", self.1, log.len(), log[last..].join("\n"));
        }
    }
}

#[tokio::test]
async fn a_random_walk_through_the_lives_of_jobs_agrees_with_the_model() {
    let seed = given("ORDINAUT_MODEL_SEED").unwrap_or_else(rand::random);
    let mut walk = Walk::begin(seed).await;
    let story = Story(&mut walk, seed);
    for _ in 0..given("ORDINAUT_MODEL_STEPS").unwrap_or(STEPS) {
        story.0.step().await;
    }
}
