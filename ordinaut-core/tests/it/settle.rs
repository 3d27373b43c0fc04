//! Settle: what each outcome leaves in the tables.

use crate::fixture::{
    Probe, ask, ask_of, database, enqueue, eventually, gated, parsed, probe, quick, quick_but, returning, run, tell,
    within, worker, worker_with,
};
use ordinaut_core::job::{Backoff, DeadLetter, FatalExt, JobDetails, JobState, RunRecord};
use ordinaut_core::worker::{Step, Undecodable};
use ordinaut_core::{Client, Context, Enqueued, Job, JobError, NewJob, Outcome, Unique, Worker};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

/// Runs one probe that ends so, and says what became of it.
pub(crate) async fn end<F, R>(db: &Client, handler: F) -> (JobDetails, RunRecord)
where
    F: Fn(Probe, Context<()>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), JobError>> + Send + 'static,
{
    end_of(db, worker(db, handler)).await
}

/// Runs one probe with this worker, and says what became of it.
async fn end_of(db: &Client, mut worker: Worker<()>) -> (JobDetails, RunRecord) {
    let job_id = enqueue(db).await;
    step(&mut worker, job_id).await;
    look(db, job_id).await
}

/// Runs this job, which must be the next.
pub(crate) async fn step(worker: &mut Worker<()>, job_id: Uuid) {
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
}

/// The job and its last run.
pub(crate) async fn look(db: &Client, job_id: Uuid) -> (JobDetails, RunRecord) {
    (db.jobs().get(job_id).await.unwrap().unwrap(), db.jobs().runs(job_id).await.unwrap().pop().unwrap())
}

pub(crate) async fn letter(db: &Client) -> Option<DeadLetter> {
    db.dead_letters().list(10, None).await.unwrap().pop()
}

/// What the outbox tells of the job, in its order.
pub(crate) async fn told(db: &Client, job_id: Uuid) -> Vec<(String, i32)> {
    let sql =
        "select type, attempts[array_position(job_ids, $1)] from ordinaut.outbox where $1 = any(job_ids) order by id";
    sqlx::query_as(sql).bind(job_id).fetch_all(db).await.unwrap()
}

pub(crate) fn words(told: &[(String, i32)]) -> Vec<(&str, i32)> {
    told.iter().map(|(word, attempt)| (&**word, *attempt)).collect()
}

/// Seconds from the end of the last run until it is due again.
async fn waits(db: &Client, job_id: Uuid) -> f64 {
    let sql =
        "select extract(epoch from run_at - (select max(finished_at) from ordinaut.run where job_id = $1))::float8
               from ordinaut.due_work where job_id = $1";
    ask_of(db, sql, job_id).await
}

/// What failed would soon be in the way of the next job.
async fn forget(db: &Client) {
    tell(db, "delete from ordinaut.due_work").await;
}

/// Its time has come.
async fn make_due(db: &Client) {
    tell(db, "update ordinaut.due_work set run_at = clock_timestamp() where session is null").await;
}

/// What a success left, without what is its own: ids and instants.
async fn left(db: &Client, job_id: Uuid) -> serde_json::Value {
    let sql = "select jsonb_build_array(
                   (select to_jsonb(run) - '{job_id,session,started_at,finished_at}'::text[] || jsonb_build_object(
                        'ran', finished_at - started_at between '0' and '1 minute', 'leased', session is not null)
                    from ordinaut.run where job_id = $1),
                   (select jsonb_build_array(held_until > now() + interval '50 minutes', after_end)
                    from ordinaut.unique_key where job_id = $1),
                   (select jsonb_build_array(queue, kind, job_ids = array[$1], attempts)
                    from ordinaut.outbox where $1 = any(job_ids) and type = 'succeeded'),
                   (select count(*) from ordinaut.due_work where job_id = $1))";
    ask_of(db, sql, job_id).await
}

#[tokio::test]
async fn a_plain_success_writes_the_same_at_its_place_and_by_key() {
    let db = database().await;
    let mut seen = Vec::new();
    for key in ["stays", "moves"] {
        let (gate, mut starts) = gated();
        let mut worker = worker(&db, gate);
        let unique = Unique::by_kind().key(key).after_end(Duration::from_secs(3600));
        let job_id = db.enqueue(&probe(0).unique(unique)).await.unwrap().id();
        let step = tokio::spawn(async move { worker.step().await });
        let handler = within(starts.recv()).await.unwrap();
        if key == "moves" {
            tell(&db, "update ordinaut.due_work set failures = failures").await;
        }

        handler.end(Ok(()));

        assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(job_id));
        seen.push(left(&db, job_id).await);
    }
    let alike = json!([
        {"attempt": 1, "outcome": "succeeded", "error": null, "output": null, "ran": true, "leased": true},
        [true, "01:00:00"],
        ["default", "probe", true, [1]],
        0
    ]);
    assert_eq!(seen, [alike.clone(), alike]);
}

#[tokio::test]
async fn a_success_ends_the_job_and_keeps_its_output() {
    let db = database().await;

    let (job, run) = end_of(&db, returning(&db, |_, _| async { Ok(json!({"answer": 42})) })).await;

    assert_eq!((job.state, job.attempt, job.failures), (JobState::Succeeded, 1, 0));
    assert_eq!((run.attempt, run.outcome, run.error), (1, Outcome::Succeeded, None));
    assert_eq!(run.output.as_deref().map(parsed), Some(json!({"answer": 42})));
    assert!(run.session.is_some() && run.started_at.unwrap() <= run.finished_at);
    assert_eq!(words(&told(&db, job.id).await), [("enqueued", 0), ("leased", 1), ("succeeded", 1)]);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
    assert!(letter(&db).await.is_none());
}

#[tokio::test]
async fn a_failure_waits_within_its_backoff_and_counts() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, _| async { Err(JobError::retry("no route")) });
    for failures in 1..=3 {
        step(&mut worker, job_id).await;
        let (job, run) = look(&db, job_id).await;
        assert_eq!((job.attempt, job.failures, job.session), (i32::from(failures), failures, None));
        assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some("no route")));
        let longest = f64::from(1 << (failures - 1));
        let wait = waits(&db, job_id).await;
        assert!((-0.1..longest + 1.0).contains(&wait), "{wait} of {longest}");
        make_due(&db).await;
    }

    let expected =
        [("enqueued", 0), ("leased", 1), ("failed", 1), ("leased", 2), ("failed", 2), ("leased", 3), ("failed", 3)];
    assert_eq!(words(&told(&db, job_id).await), expected);
}

#[derive(Serialize, Deserialize)]
struct Steady;

impl Job for Steady {
    const KIND: &'static str = "steady";
    const BACKOFF: Option<Backoff> = Some(Backoff::Fixed { delay: Duration::from_secs(70) });
}

#[derive(Serialize, Deserialize)]
struct Growing;

impl Job for Growing {
    const KIND: &'static str = "growing";
    const BACKOFF: Option<Backoff> =
        Some(Backoff::Linear { step: Duration::from_secs(30), cap: Duration::from_secs(50) });
}

#[tokio::test]
async fn a_kind_may_bring_its_own_backoff() {
    let db = database().await;
    let steady = Steady.enqueue(&*db).await.map(Enqueued::id).unwrap();
    let growing = Growing.enqueue(&*db).await.map(Enqueued::id).unwrap();
    let mut worker = Worker::with_options(db.clone(), (), quick())
        .when_stuck(|| ())
        .handle(|_: Steady, _| async { Err::<(), _>(JobError::retry("no")) })
        .handle(|_: Growing, _| async { Err::<(), _>(JobError::retry("no")) });
    for (steadily, growingly) in [(70.0, 30.0), (70.0, 50.0)] {
        while worker.step().await.unwrap() != Step::Idle {}
        for (job_id, expected) in [(steady, steadily), (growing, growingly)] {
            let wait = waits(&db, job_id).await;
            assert!((expected..expected + 1.0).contains(&wait), "{wait} of {expected}");
        }
        make_due(&db).await;
    }
}

#[tokio::test]
async fn a_wait_that_the_handler_asks_for_replaces_the_backoff() {
    let db = database().await;
    let (job, _) = end(&db, |_, _| async { Err(JobError::retry("busy").after(Duration::from_secs(77))) }).await;

    let wait = waits(&db, job.id).await;

    assert!((77.0..78.0).contains(&wait), "{wait}");
    assert_eq!((job.state, job.failures), (JobState::Scheduled, 1));
}

#[tokio::test]
async fn a_snooze_is_an_attempt_and_no_failure() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, context| async move {
        match context.attempt() {
            1 => Err(JobError::retry("no").after(Duration::ZERO)),
            _ => Err(JobError::snooze(Duration::from_secs(60))),
        }
    });
    step(&mut worker, job_id).await;
    step(&mut worker, job_id).await;

    let (job, run) = look(&db, job_id).await;

    assert_eq!((job.state, job.attempt, job.failures), (JobState::Scheduled, 2, 1));
    assert_eq!((run.attempt, run.outcome, run.error), (2, Outcome::Snoozed, None));
    let wait = waits(&db, job_id).await;
    assert!((60.0..61.0).contains(&wait), "{wait}");
    assert_eq!(told(&db, job_id).await.pop().unwrap(), ("snoozed".to_owned(), 2));
}

#[tokio::test]
async fn a_snooze_for_ever_is_stored_as_a_very_long_one() {
    let db = database().await;
    let (job, run) = end(&db, |_, _| async { Err(JobError::snooze(Duration::MAX)) }).await;
    assert_eq!((job.state, run.outcome), (JobState::Scheduled, Outcome::Snoozed));
    assert!(waits(&db, job.id).await > 50.0 * 366.0 * 86_400.0);
}

#[tokio::test]
async fn a_handler_can_call_its_job_off() {
    let db = database().await;
    let (job, run) = end(&db, |_, _| async { Err(JobError::cancel("nobody wants it")) }).await;

    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Cancelled, Some("nobody wants it")));
    assert_eq!(words(&told(&db, job.id).await), [("enqueued", 0), ("leased", 1), ("cancelled", 1)]);
    assert!(letter(&db).await.is_none());
}

#[tokio::test]
async fn a_fatal_error_buries_at_once_with_its_sources() {
    #[derive(Debug, thiserror::Error)]
    #[error("could not send")]
    struct Outer(#[source] std::io::Error);
    let db = database().await;

    let (job, run) = end(&db, |_, _| async { Err(Outer(std::io::Error::other("no such address"))).fatal() }).await;

    let error = Some("could not send: no such address");
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Dead, 1, 1));
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Dead, error));
    assert_eq!(words(&told(&db, job.id).await), [("enqueued", 0), ("leased", 1), ("dead", 1)]);
    let letter = letter(&db).await.unwrap();
    assert_eq!((letter.job_id, letter.error.as_deref(), letter.attempt, letter.failures), (job.id, error, 1, 1));
}

#[tokio::test]
async fn a_panic_is_a_failure_that_keeps_its_message() {
    let db = database().await;
    for (handler, message) in [
        ((|_, _| panic!("at the disco")) as fn(Probe, Context<()>) -> Never, "panicked: at the disco"),
        (|probe, _| panic!("{} times", probe.n), "panicked: 0 times"),
        (|_, _| std::panic::panic_any(7), "panicked: with no message"),
    ] {
        let (job, run) = end(&db, move |probe, context| async move {
            tokio::task::yield_now().await;
            handler(probe, context).await
        })
        .await;
        assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some(message)));
        assert_eq!(job.failures, 1);
        forget(&db).await;
    }
}

type Never = std::future::Pending<Result<(), JobError>>;

#[tokio::test]
async fn a_panic_before_the_handlers_first_await_is_a_failure_too() {
    let db = database().await;
    let (_, run) = end(&db, |_, _| -> Never { panic!("at once") }).await;
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some("panicked: at once")));
}

#[tokio::test]
async fn an_attempt_that_exceeds_its_timeout_fails() {
    let db = database().await;
    let job = probe(0).timeout(Duration::from_millis(50));
    db.enqueue(&job).await.unwrap();
    step(&mut worker(&db, |_, _| std::future::pending()), job.id()).await;
    let (_, run) = look(&db, job.id()).await;
    let error = "timed out after 0.05 s";
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some(error)));
    forget(&db).await;

    let impatient = quick_but(|options| options.job_timeout = Duration::from_millis(20));
    let unlimited = enqueue(&db).await;
    step(&mut worker_with(&db, impatient, |_, _| std::future::pending()), unlimited).await;
    let (_, run) = look(&db, unlimited).await;
    assert_eq!(run.error.as_deref(), Some("timed out after 0.02 s"));
}

#[tokio::test]
async fn a_time_limit_beyond_the_clock_is_none() {
    let db = database().await;
    let patient = quick_but(|options| options.job_timeout = Duration::MAX);
    let job = enqueue(&db).await;
    step(&mut worker_with(&db, patient, async |_, _| Ok(())), job).await;
    let (_, run) = look(&db, job).await;
    assert_eq!((run.outcome, run.error), (Outcome::Succeeded, None));
}

#[derive(Serialize, Deserialize)]
struct Order {
    customer: Customer,
}

#[derive(Serialize, Deserialize)]
struct Customer {
    ages: Vec<u8>,
}

impl Job for Order {
    const KIND: &'static str = "order";
}

/// As a later version has it.
#[derive(Serialize, Deserialize)]
struct NewOrder {
    customer: serde_json::Value,
}

impl Job for NewOrder {
    const KIND: &'static str = "order";
}

#[tokio::test]
async fn arguments_that_do_not_decode_are_left_to_a_newer_worker_and_the_error_names_the_field_and_no_value() {
    let db = database().await;
    let worker = |undecodable| {
        let settings = quick_but(|options| options.undecodable = undecodable);
        Worker::with_options(db.clone(), (), settings).when_stuck(|| ()).handle(|_: Order, _| async { Ok(()) })
    };
    for (args, error) in [
        (
            json!({"customer": {"ages": [1, "two"]}}),
            "args.customer.ages[1] could not be decoded for kind \"order\": invalid type, expected u8",
        ),
        (json!({"customer": {}}), "args.customer could not be decoded for kind \"order\": missing field `ages`"),
        (json!(7), "args could not be decoded for kind \"order\": invalid type, expected struct Order"),
    ] {
        let job = NewJob::new("order", &args).unwrap();
        db.enqueue(&job).await.unwrap();
        step(&mut worker(Undecodable::Retry), job.id()).await;
        let (found, run) = look(&db, job.id()).await;
        assert_eq!((found.failures, run.outcome, run.error.as_deref()), (1, Outcome::Failed, Some(error)));
        assert!(matches!(found.state, JobState::Scheduled | JobState::Waiting), "{found:?}");
        db.jobs().run_now(job.id()).await.unwrap();
        step(&mut worker(Undecodable::Bury), job.id()).await;
        let (found, run) = look(&db, job.id()).await;
        assert_eq!((found.state, run.outcome, run.error.as_deref()), (JobState::Dead, Outcome::Dead, Some(error)));
    }
}

#[tokio::test]
async fn a_job_that_an_old_worker_cannot_decode_is_done_by_a_new_one() {
    let db = database().await;
    let job = NewJob::new("order", &json!({"customer": {"ages": ["two"]}})).unwrap();
    db.enqueue(&job).await.unwrap();
    let mut old =
        Worker::with_options(db.clone(), (), quick()).when_stuck(|| ()).handle(|_: Order, _| async { Ok(()) });
    step(&mut old, job.id()).await;
    db.jobs().run_now(job.id()).await.unwrap();
    let mut new =
        Worker::with_options(db.clone(), (), quick()).when_stuck(|| ()).handle(|_: NewOrder, _| async { Ok(()) });
    step(&mut new, job.id()).await;
    assert_eq!(look(&db, job.id()).await.0.state, JobState::Succeeded);
}

#[tokio::test]
async fn a_job_that_names_its_attempts_gets_so_many() {
    let db = database().await;
    let job = probe(0).max_attempts(2);
    db.enqueue(&job).await.unwrap();
    // The worker would give it more.
    let mut worker = worker(&db, |_, _| async { Err(JobError::retry("no").after(Duration::ZERO)) });

    while worker.step().await.unwrap() != Step::Idle {}

    let (found, run) = look(&db, job.id()).await;
    assert_eq!((found.state, found.attempt, found.failures), (JobState::Dead, 2, 2));
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Dead, Some("no")));
}

#[tokio::test]
async fn a_job_that_names_none_gets_as_many_as_its_worker_says() {
    let db = database().await;
    for (max_retries, attempts) in [(0, 1), (1, 2)] {
        let job_id = enqueue(&db).await;
        let settings = quick_but(|options| options.max_retries = max_retries);
        let mut worker = worker_with(&db, settings, |_, _| async { Err(JobError::retry("no").after(Duration::ZERO)) });
        while worker.step().await.unwrap() != Step::Idle {}
        let (found, _) = look(&db, job_id).await;
        assert_eq!((found.state, found.attempt), (JobState::Dead, attempts));
    }
}

#[tokio::test]
async fn a_nul_is_cleaned_from_output_and_error() {
    let db = database().await;
    let output = json!({"a\0": [r"\u0000", "\0"]});
    let (_, run) = end(&db, move |_, _| std::future::ready(Err(JobError::retry("a\0b").with_output(&output)))).await;
    assert_eq!(run.output.as_deref().map(parsed), Some(json!({"a\u{fffd}": [r"\u0000", "\u{fffd}"]})));
    assert_eq!(run.error.as_deref(), Some("a\u{fffd}b"));
}

#[tokio::test]
async fn an_output_that_is_too_large_is_refused_and_an_error_that_is_too_large_is_cut() {
    let db = database().await;
    let large = "x".repeat(64 * 1024);
    let refused = "output is 65538 bytes long, and a run keeps 65536 at most";
    let value = large.clone();
    let (job, run) = end_of(&db, returning(&db, move |_, _| std::future::ready(Ok(value.clone())))).await;
    assert_eq!((job.state, run.error.as_deref()), (JobState::Dead, Some(refused)), "again would do it twice");
    assert!(run.output.is_none());

    let error = move || JobError::retry("ü".repeat(16 * 1024)).with_output(&large);
    let (_, run) = end(&db, move |_, _| std::future::ready(Err(error()))).await;
    assert_eq!(run.output.as_deref().map(parsed), Some(json!(refused)));
    assert_eq!(run.error.unwrap(), "ü".repeat(8 * 1024));
}

#[tokio::test]
async fn an_end_that_postgres_refuses_fails_alone_and_says_why() {
    let db = database().await;
    let jobs: Vec<_> = (0..500).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    // Half of a surrogate pair is JSON, and no text.
    let handler = |probe: Probe, _| async move {
        Ok(RawValue::from_string(if probe.n == 13 { r#""\ud800""# } else { "0" }.to_owned())?)
    };
    let running = run(returning(&db, handler).concurrency(500));
    eventually(&db, "select count(*) >= 500 from ordinaut.run").await;
    running.stop().await.unwrap();

    for (n, job) in jobs.iter().enumerate() {
        let runs = db.jobs().runs(job.id()).await.unwrap();
        let outcome = if n == 13 { Outcome::Failed } else { Outcome::Succeeded };
        assert_eq!(runs[0].outcome, outcome, "{n}");
        let error = runs[0].error.as_deref().unwrap_or_default();
        assert_eq!(n == 13, error.starts_with("could not settle the attempt: "), "{error}");
    }
}

#[tokio::test]
async fn a_slot_may_wait_until_the_end_of_its_last_job_is_written() {
    let db = database().await;
    db.enqueue_many((0..50).map(probe)).await.unwrap();
    let pool = db.pool().clone();
    let handler = move |probe: Probe, _| {
        let pool = pool.clone();
        async move {
            let written: i64 = sqlx::query_scalar("select count(*) from ordinaut.run").fetch_one(&pool).await?;
            Ok(written == i64::from(probe.n))
        }
    };
    let running = run(returning(&db, handler).concurrency(1).settle_before_next(true));
    eventually(&db, "select count(*) = 50 from ordinaut.run").await;
    running.stop().await.unwrap();
    assert!(ask::<bool>(&db, "select bool_and(output = 'true') from ordinaut.run").await);
}

#[tokio::test]
async fn an_end_is_written_by_the_first_statement_unless_somebody_has_locked_its_row() {
    let db = database().await;
    db.enqueue(&probe(0)).await.unwrap();
    let (handler, mut starts) = gated();
    let running = run(worker(&db, handler));
    let gate = within(starts.recv()).await.unwrap();
    let free = "select bool_and(xmax = xmin or xmax = '0'::xid) from ordinaut.due_work";
    assert!(ask::<bool>(&db, free).await, "the lease's own lock must not look like another's");

    let mut other = db.pool().begin().await.unwrap();
    sqlx::query("select from ordinaut.due_work for update").execute(&mut *other).await.unwrap();
    assert!(!ask::<bool>(&db, free).await);
    gate.end(Ok(()));
    eventually(
        &db,
        "select exists (select from pg_stat_activity where datname = current_database()
                                    and application_name like 'ordinaut-settle%' and wait_event_type = 'Lock')",
    )
    .await;
    other.rollback().await.unwrap();
    eventually(&db, "select exists (select from ordinaut.run where outcome = 'succeeded')").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_failed_keeps_what_it_left_as_output() {
    let db = database().await;
    let (_, run) = end(&db, |_, _| async { Err(JobError::retry("the other half").with_output(&"half of it")) }).await;
    assert_eq!(run.output.as_deref().map(parsed), Some(json!("half of it")));
}
