//! A model of a job's life, and random walks that compare it with what Postgres says.
//!
//! `ORDINAUT_MODEL_STEPS` makes the walk longer, `ORDINAUT_MODEL_SEED` repeats one.

use crate::fixture::{Probe, TestDatabase, ask, database, probe, quick, schedule_once, worker_with};
use ordinaut_core::settings::worker::WorkerSettings;
use ordinaut_core::{Cancelled, Context, Enqueued, JobError, OnDuplicate, RunNow, Step, Unique, Worker};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const STEPS: usize = 400;

/// Far beyond the end of any walk.
const LATER: Duration = Duration::from_secs(3600);

/// The limit of workers, for jobs that name none.
const WORKERS_MAX_ATTEMPTS: i16 = 3;

/// What a job is doing, as `job_state` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Scheduled,
    Waiting,
    Running { cancel_asked: bool },
    Succeeded,
    Cancelled,
    Dead,
}

/// All that the model knows of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    state: State,
    attempt: i32,
    failures: i16,
    suspect: bool,
    priority: i16,
    max_attempts: Option<i16>,
    /// Of a unique one.
    key: Option<&'static str>,
}

impl Job {
    /// The smallest runs first: a suspect, if no other one runs, and then by priority.
    fn urgency(&self) -> (bool, i16) {
        (!self.suspect, self.priority)
    }

    /// Whether it holds its key.
    fn is_active(&self) -> bool {
        matches!(self.state, State::Scheduled | State::Waiting | State::Running { .. })
    }

    fn is_due_again(&mut self, after: Duration) {
        self.state = if after.is_zero() { State::Waiting } else { State::Scheduled };
    }

    /// A failure that counts: another attempt after so long, or the end.
    fn fail(&mut self, after: Duration) {
        self.failures += 1;
        if self.failures >= self.max_attempts.unwrap_or(WORKERS_MAX_ATTEMPTS) {
            self.state = State::Dead;
        } else {
            self.is_due_again(after);
        }
    }

    /// What `job_state` shows of it.
    fn shown(&self) -> Shown {
        let (state, cancel_asked, failures) = match self.state {
            State::Scheduled => ("scheduled", false, Some(self.failures)),
            State::Waiting => ("waiting", false, Some(self.failures)),
            State::Running { cancel_asked } => ("running", cancel_asked, Some(self.failures)),
            State::Succeeded => ("succeeded", false, None),
            State::Cancelled => ("cancelled", false, None),
            State::Dead => ("dead", false, Some(self.failures)),
        };
        (state.to_owned(), self.attempt, failures, cancel_asked)
    }
}

/// State, attempt, failures, cancel asked.
type Shown = (String, i32, Option<i16>, bool);

/// How a handler ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Succeed,
    Retry(Duration),
    Fatal,
    Snooze(Duration),
    Cancel,
    Panic,
}

impl Ending {
    fn draw(random: &mut StdRng) -> Self {
        let wait = if random.random() { Duration::ZERO } else { LATER };
        match random.random_range(0..8) {
            0..3 => Self::Succeed,
            3..5 => Self::Retry(wait),
            5 => Self::Snooze(wait),
            6 => *[Self::Fatal, Self::Cancel].choose(random).unwrap(),
            _ => Self::Panic,
        }
    }

    fn result(self) -> Result<(), JobError> {
        match self {
            Self::Succeed => Ok(()),
            Self::Retry(wait) => Err(JobError::retry("no").after(wait)),
            Self::Fatal => Err(JobError::fatal("bad")),
            Self::Snooze(wait) => Err(JobError::snooze(wait)),
            Self::Cancel => Err(JobError::cancel("moot")),
            Self::Panic => panic!("as the walk wants it"),
        }
    }

    fn apply(self, job: &mut Job) {
        job.attempt += 1;
        job.suspect = false;
        match self {
            Self::Succeed => job.state = State::Succeeded,
            Self::Retry(wait) => job.fail(wait),
            // Its backoff is 0 here.
            Self::Panic => job.fail(Duration::ZERO),
            Self::Fatal => (job.state, job.failures) = (State::Dead, job.failures + 1),
            Self::Snooze(wait) => job.is_due_again(wait),
            Self::Cancel => job.state = State::Cancelled,
        }
    }
}

struct Walk {
    db: TestDatabase,
    worker: Worker<()>,
    ending: Arc<Mutex<Ending>>,
    random: StdRng,
    jobs: BTreeMap<Uuid, Job>,
    /// What was done, to be told when something is wrong.
    log: Vec<String>,
}

impl Walk {
    async fn begin(seed: u64) -> Self {
        let db = database().await;
        let ending = Arc::new(Mutex::new(Ending::Succeed));
        let script = ending.clone();
        let settings = WorkerSettings {
            max_retries: WORKERS_MAX_ATTEMPTS - 1,
            backoff_max_delay: Duration::ZERO,
            poll_interval: Duration::ZERO,
            ..quick()
        };
        let worker = worker_with(&db, settings, move |_: Probe, _: Context<()>| {
            let ending = *script.lock().unwrap();
            async move { ending.result() }
        });
        Self { db, worker, ending, random: StdRng::seed_from_u64(seed), jobs: BTreeMap::new(), log: Vec::new() }
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..20 => self.enqueue().await,
            20..60 => self.run_one().await,
            60..70 => self.cancel().await,
            70..77 => self.requeue().await,
            77..84 => self.run_now().await,
            84..95 => self.lose_one().await,
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
        let mut state = State::Waiting;
        if self.random.random_ratio(1, 4) {
            (job, state) = (job.delay(LATER), State::Scheduled);
        }
        let key = *[None, None, Some("a"), Some("b"), Some("c")].choose(&mut self.random).unwrap();
        let mode = *[OnDuplicate::Skip, OnDuplicate::Replace, OnDuplicate::Debounce].choose(&mut self.random).unwrap();
        if let Some(key) = key {
            job = job.unique(Unique::by_kind().key(key).mode(mode));
        }
        let answer = self.db.enqueue(&job).await.unwrap();
        self.log
            .push(format!("enqueue {}, {state:?}, attempts: {max_attempts:?}, {key:?} {mode:?}: {answer:?}", job.id()));
        match self.holder(key) {
            None => assert_eq!(answer, Enqueued::New(job.id())),
            Some((_, holder)) if mode != OnDuplicate::Skip && !matches!(holder.state, State::Running { .. }) => {
                assert_eq!(answer, Enqueued::New(job.id()));
                if mode == OnDuplicate::Replace {
                    state = holder.state;
                }
                (holder.state, holder.attempt) = (State::Cancelled, holder.attempt + 1);
            }
            Some((holder, _)) => return assert_eq!(answer, Enqueued::Duplicate(holder)),
        }
        let new = Job { state, attempt: 0, failures: 0, suspect: false, priority, max_attempts, key };
        self.jobs.insert(job.id(), new);
    }

    /// Who holds a key.
    fn holder(&mut self, key: Option<&str>) -> Option<(Uuid, &mut Job)> {
        let mut active = self.jobs.iter_mut().filter(|(_, job)| job.key.is_some() && job.key == key && job.is_active());
        active.next().map(|(id, job)| (*id, job))
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
                ending.apply(job);
            }
            Step::Idle => assert!(self.jobs.values().all(|job| job.state != State::Waiting)),
            Step::LeaseLost(_) => panic!("nobody takes a lease from a step"),
        }
    }

    async fn cancel(&mut self) {
        let (job_id, job) = self.any();
        let answer = self.db.cancel(job_id).await.unwrap();
        self.log.push(format!("cancel {job_id}: {answer:?}"));
        let expected = match job.map(|job| job.state) {
            None => Cancelled::Unknown,
            Some(State::Scheduled | State::Waiting) => Cancelled::Now,
            Some(State::Running { .. }) => Cancelled::Asked,
            Some(State::Succeeded | State::Cancelled | State::Dead) => Cancelled::TooLate,
        };
        assert_eq!(answer, expected);
        let Some(job) = self.jobs.get_mut(&job_id) else { return };
        match answer {
            Cancelled::Now => (job.state, job.attempt) = (State::Cancelled, job.attempt + 1),
            Cancelled::Asked => job.state = State::Running { cancel_asked: true },
            _ => {}
        }
    }

    async fn requeue(&mut self) {
        let (job_id, _) = self.any();
        let requeued = self.db.requeue(&[job_id]).await.unwrap();
        self.log.push(format!("requeue {job_id}: {requeued:?}"));
        let dead = self.jobs.get(&job_id).copied().filter(|job| job.state == State::Dead);
        let dead = dead.filter(|job| self.holder(job.key).is_none());
        assert_eq!(!requeued.is_empty(), dead.is_some());
        if let (Some(_), Some(job)) = (dead, self.jobs.get_mut(&job_id)) {
            *job = Job { state: State::Waiting, failures: 0, suspect: false, ..*job };
        }
    }

    async fn run_now(&mut self) {
        let (job_id, job) = self.any();
        let answer = self.db.run_now(job_id).await.unwrap();
        self.log.push(format!("run now {job_id}: {answer:?}"));
        let expected = match job.map(|job| job.state) {
            None => RunNow::Unknown,
            Some(State::Scheduled) => RunNow::Now,
            Some(State::Waiting | State::Running { .. }) => RunNow::AlreadyDue,
            Some(State::Succeeded | State::Cancelled | State::Dead) => RunNow::TooLate,
        };
        assert_eq!(answer, expected);
        if answer == RunNow::Now {
            self.jobs.get_mut(&job_id).unwrap().state = State::Waiting;
        }
    }

    /// A worker that leases a waiting job and is never heard of again.
    async fn lose_one(&mut self) {
        let waiting: Vec<_> =
            self.jobs.iter().filter(|(_, job)| job.state == State::Waiting).map(|(id, _)| *id).collect();
        let Some(job_id) = waiting.choose(&mut self.random) else { return };
        let session: i64 = self.random.random_range(1..=i64::MAX);
        self.log.push(format!("{job_id} is lost with session {session}"));
        let sql = "with lost as (
                       insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency,
                                                    max_attempts, lease, expires_at)
                       values ($1, 'lost', '', 1, '', '{}', '{}', 1, $2, '1 ms', now() - interval '1 s'))
                   update ordinaut.due_work set session = $1, nonce = 1, attempt = attempt + 1 where job_id = $3";
        sqlx::query(sql).bind(session).bind(WORKERS_MAX_ATTEMPTS).bind(job_id).execute(self.db.pool()).await.unwrap();
        let job = self.jobs.get_mut(job_id).unwrap();
        (job.state, job.attempt) = (State::Running { cancel_asked: false }, job.attempt + 1);
    }

    async fn rescue(&mut self) {
        schedule_once(&self.db).await;
        self.log.push("rescue".to_owned());
        for job in self.jobs.values_mut() {
            let State::Running { cancel_asked } = job.state else { continue };
            // The first loss is free.
            if job.suspect {
                job.fail(Duration::ZERO);
            } else {
                (job.state, job.suspect) = (State::Waiting, true);
            }
            if cancel_asked && job.state == State::Waiting {
                job.state = State::Cancelled;
            }
        }
    }

    async fn compare(&self) {
        let sql = "select job_id, state, attempt, failures, cancel_asked from ordinaut.job_state";
        let rows: Vec<(Uuid, String, i32, Option<i16>, bool)> =
            sqlx::query_as(sql).fetch_all(self.db.pool()).await.unwrap();
        let found: BTreeMap<_, Shown> = rows
            .into_iter()
            .map(|(id, state, attempt, failures, asked)| (id, (state, attempt, failures, asked)))
            .collect();
        let expected: BTreeMap<_, Shown> = self.jobs.iter().map(|(id, job)| (*id, job.shown())).collect();
        for (job_id, shown) in &expected {
            assert_eq!(found.get(job_id), Some(shown), "job {job_id}");
        }
        assert_eq!(found.len(), expected.len());
        for invariant in INVARIANTS {
            assert!(ask::<bool>(&self.db, invariant).await, "{invariant}");
        }
    }
}

const INVARIANTS: [&str; 5] = [
    // Whoever has work and a key holds it, and nobody else does.
    "select not exists (
         select from (select * from ordinaut.unique_key where held_until is null) held
         full join (select job_id from ordinaut.due_work where flags & 8 = 8) work using (job_id)
         where held.key is null or work.job_id is null)",
    // Everything that left has left a run.
    "select not exists (select from ordinaut.job where not exists (select from ordinaut.due_work where job_id = id)
                        and not exists (select from ordinaut.run where job_id = id))",
    // A job waits once.
    "select count(*) = count(distinct job_id) from ordinaut.due_work",
    // Attempts grow by one, and none is missing.
    "select coalesce(bool_and(first = 1 and last = runs), true)
     from (select min(attempt) as first, max(attempt) as last, count(*) as runs from ordinaut.run group by job_id) r",
    "select not exists (
         select from ordinaut.due_work left join ordinaut.run using (job_id)
         group by due_work.job_id, due_work.attempt, due_work.session
         having due_work.attempt <> count(run.attempt) + (due_work.session is not null)::integer)",
];

/// A number from the environment.
fn given<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tells how it came to that, when a walk ends in a panic.
struct Story<'a>(&'a mut Walk, u64);

impl Drop for Story<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.0.log.len().saturating_sub(30);
            eprintln!("ORDINAUT_MODEL_SEED={}, step {}:\n{}", self.1, self.0.log.len(), self.0.log[last..].join("\n"));
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
