//! Unique jobs: one key, one active job.

use crate::fixture::{
    Probe, TestDatabase, ask, ask_of, database, eventually, gated, probe, schedule_once, succeed, tell, within, worker,
};
use ordinaut_core::job::{JobState, NotRequeued, OnDuplicate};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, EnqueueError, Enqueued, Error, Job, JobError, NewJob, Outcome, Unique};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Far beyond the end of any test.
pub(crate) const LATER: Duration = Duration::from_secs(3600);

pub(crate) fn keyed(key: &str) -> NewJob {
    probe(0).unique(Unique::by_kind().key(key))
}

pub(crate) fn keyed_in(mode: OnDuplicate, key: &str) -> NewJob {
    probe(0).unique(Unique::by_kind().key(key).on_duplicate(mode))
}

pub(crate) async fn state(db: &Client, job_id: Uuid) -> JobState {
    db.jobs().get(job_id).await.unwrap().unwrap().state
}

/// Enqueues one that must be new.
pub(crate) async fn new(db: &Client, job: &NewJob) -> Uuid {
    assert_eq!(db.enqueue(job).await.unwrap(), Enqueued::New(job.id()));
    job.id()
}

/// Whoever holds a key has work, and whoever has work with a key holds it.
const SOUND: &str = "
    select not exists (
        select from ordinaut.unique_key
        full join (select job_id from ordinaut.due_work where flags & 8 = 8
                   union all select job_id from ordinaut.parked where flags & 8 = 8) work using (job_id)
        where held_until is null and ends_with_job is not false and (work.job_id is null or unique_key.key is null))";

pub(crate) async fn is_sound(db: &Client) {
    assert!(ask::<bool>(db, SOUND).await, "keys and work do not agree");
}

#[tokio::test]
async fn a_second_job_with_the_key_is_a_duplicate_until_the_first_has_ended() {
    let db = database().await;
    let first = new(&db, &keyed("a")).await;
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(first));
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap().id(), first);
    new(&db, &keyed("b")).await;
    new(&db, &probe(0)).await;
    let other_kind = NewJob::new("other", &()).unwrap().unique(Unique::by_kind().key("a"));
    new(&db, &other_kind).await;
    let tenant = keyed("a").tenant("somebody");
    new(&db, &tenant).await;
    assert_eq!(db.enqueue(&keyed("a").tenant("somebody")).await.unwrap(), Enqueued::Duplicate(tenant.id()));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 5);
    is_sound(&db).await;

    let mut worker = worker(&db, succeed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(first));

    let next = new(&db, &keyed("a")).await;
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(next));
    is_sound(&db).await;
}

#[tokio::test]
async fn the_key_is_made_of_what_was_chosen() {
    let db = database().await;
    let by = |unique: Unique, n: i32, queue: &str| probe(n).queue(queue).unique(unique);
    let first = new(&db, &by(Unique::by_kind().args(["n"]), 1, "a")).await;
    assert_eq!(db.enqueue(&by(Unique::by_kind().args(["n"]), 1, "b")).await.unwrap(), Enqueued::Duplicate(first));
    new(&db, &by(Unique::by_kind().args(["n"]), 2, "a")).await;
    new(&db, &by(Unique::by_kind().args(["n"]).queue(), 1, "a")).await;
    new(&db, &by(Unique::by_kind().args(["n"]).queue(), 1, "b")).await;
    let all = new(&db, &by(Unique::by_kind().all_args(), 1, "a")).await;
    assert_eq!(db.enqueue(&by(Unique::by_kind().all_args(), 1, "a")).await.unwrap(), Enqueued::Duplicate(all));

    let error = db.enqueue(&by(Unique::by_kind().args(["m"]), 1, "a")).await.unwrap_err();
    assert!(matches!(&error, EnqueueError::Invalid(invalid) if invalid.field == "unique.args"), "{error}");
}

#[tokio::test]
async fn of_each_period_there_is_one() {
    let db = database().await;
    let job = || probe(0).unique(Unique::by_kind().period(Duration::from_secs(86_400)));
    let today = new(&db, &job()).await;
    assert_eq!(db.enqueue(&job()).await.unwrap(), Enqueued::Duplicate(today));
    // As if it were of another day: the key of today is free again.
    tell(&db, "update ordinaut.unique_key set key = '\\x00'").await;
    let tomorrow = new(&db, &job()).await;
    assert_ne!(today, tomorrow);
    assert_eq!(state(&db, today).await, JobState::Waiting);
}

#[tokio::test]
async fn a_type_says_what_makes_its_jobs_unique() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Bill {
        customer: i32,
        sum: i32,
    }
    impl Job for Bill {
        const KIND: &'static str = "bill";
        fn unique(&self) -> Option<Unique> {
            Some(Unique::by_kind().args(["customer"]))
        }
    }
    let db = database().await;
    let first = Bill { customer: 1, sum: 1 }.enqueue(&*db).await.unwrap();
    assert!(matches!(first, Enqueued::New(_)));
    let second = Bill { customer: 1, sum: 2 }.enqueue(&*db).await.unwrap();
    assert_eq!(second, Enqueued::Duplicate(first.id()));
}

#[tokio::test]
async fn a_bulk_answers_for_each_and_counts_what_is_new() {
    let db = database().await;
    let held = new(&db, &keyed("held")).await;
    let jobs = [keyed("held"), keyed("twice"), probe(7), keyed("twice"), keyed_in(OnDuplicate::Replace, "twice")];
    let mut batch = db.at_commit();
    for job in &jobs {
        batch.add(job.clone());
    }
    let answers = batch.commit(db.pool().begin().await.unwrap()).await.unwrap();
    let [_, twice, plain, _, last] = jobs.map(|job| job.id());
    let expected = [
        Enqueued::Duplicate(held),
        Enqueued::New(twice),
        Enqueued::New(plain),
        Enqueued::Duplicate(twice),
        Enqueued::New(last),
    ];
    assert_eq!(answers, expected);
    assert_eq!(state(&db, twice).await, JobState::Cancelled);
    is_sound(&db).await;

    assert_eq!(db.enqueue_many([keyed("held"), keyed("x"), keyed("y"), keyed("x"), probe(1)]).await.unwrap(), 3);
}

#[tokio::test]
async fn where_a_duplicate_is_an_error_nothing_is_stored() {
    let db = database().await;
    let held = new(&db, &keyed_in(OnDuplicate::Error, "held")).await;
    let strict = || keyed_in(OnDuplicate::Error, "held");
    let error = db.enqueue(&strict()).await.unwrap_err();
    assert!(matches!(error, EnqueueError::Duplicate { id } if id == held), "{error}");
    let error = db.enqueue_many([probe(1), keyed("free"), strict()]).await.unwrap_err();
    assert!(matches!(error, EnqueueError::Duplicate { id } if id == held), "{error}");
    let twice = [keyed_in(OnDuplicate::Error, "twice"), keyed_in(OnDuplicate::Error, "twice")];
    let error = db.enqueue_many(&twice).await.unwrap_err();
    assert!(matches!(error, EnqueueError::Duplicate { id } if id == twice[0].id()), "{error}");
    assert_eq!(ask::<Vec<Uuid>>(&db, "select array_agg(id) from ordinaut.job").await, [held]);
    new(&db, &keyed("free")).await;
}

#[tokio::test]
async fn the_second_waits_for_the_first_ones_transaction_and_is_new_if_that_is_rolled_back() {
    for commit in [false, true] {
        let db = Arc::new(database().await);
        let mut tx = db.pool().begin().await.unwrap();
        let first = keyed("a");
        assert_eq!(first.enqueue(db.in_tx(&mut tx)).await.unwrap(), Enqueued::New(first.id()));
        let second = keyed("a");
        let (asks, job) = (db.clone(), second.clone());
        let answer = tokio::spawn(async move { asks.enqueue(&job).await });
        eventually(&db, "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())").await;
        let expected = if commit {
            // Committed after the second one's statement began: it is seen all the same.
            tx.commit().await.unwrap();
            Enqueued::Duplicate(first.id())
        } else {
            tx.rollback().await.unwrap();
            Enqueued::New(second.id())
        };
        assert_eq!(within(answer).await.unwrap().unwrap(), expected);
        is_sound(&db).await;
    }
}

#[tokio::test]
async fn a_duplicate_in_an_open_transaction_does_not_hold_up_the_end_of_the_holder() {
    for mode in [OnDuplicate::Skip, OnDuplicate::Replace] {
        let db = database().await;
        let first = new(&db, &keyed("a")).await;
        let (gate, mut starts) = gated();
        let mut worker = worker(&db, gate);
        let step = tokio::spawn(async move { worker.step().await });
        let handler = within(starts.recv()).await.unwrap();
        let mut tx = db.pool().begin().await.unwrap();
        let second = keyed_in(mode, "a").enqueue(db.in_tx(&mut tx)).await.unwrap();
        assert_eq!(second, Enqueued::Duplicate(first));

        handler.end(Ok(()));

        assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(first), "{mode:?}");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn under_repeatable_read_a_key_taken_meanwhile_is_an_error_of_serialization() {
    let db = database().await;
    let mut tx = db.pool().begin_with("begin isolation level repeatable read").await.unwrap();
    sqlx::query("select 1 from ordinaut.job").execute(&mut *tx).await.unwrap();
    new(&db, &keyed("a")).await;
    let error = keyed("a").enqueue(db.in_tx(&mut tx)).await.unwrap_err();
    let EnqueueError::Database(Error::Database(error)) = error else { panic!("{error}") };
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("40001"));
    assert!(ordinaut_core::error::FailureKind::of(&error).is_transient());
}

#[tokio::test]
async fn one_that_replaces_takes_the_place_and_the_time_of_one_that_waits() {
    let db = database().await;
    let scheduled = new(&db, &keyed("a").delay(LATER)).await;
    let due_at = "select run_at = (select scheduled_for from ordinaut.job order by id limit 1) from ordinaut.due_work where job_id = $1";

    let second = new(&db, &keyed_in(OnDuplicate::Replace, "a").delay(LATER * 2)).await;

    assert_eq!(state(&db, scheduled).await, JobState::Cancelled);
    let runs = db.jobs().runs(scheduled).await.unwrap();
    assert_eq!((runs[0].outcome, runs[0].attempt, runs[0].session), (Outcome::Cancelled, 1, None));
    assert_eq!(runs[0].error, Some(format!("replaced by job {second}")));
    assert!(ask_of::<bool>(&db, due_at, second).await, "it is due when the first one was");
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(second));
    assert_eq!(ask::<i64>(&db, "select sum(ended)::bigint from ordinaut.outcome_count").await, 1);
    let told = "select job_ids from ordinaut.outbox where type = 'cancelled'";
    assert_eq!(ask::<Vec<Uuid>>(&db, told).await, [scheduled]);
    is_sound(&db).await;

    // One that was due for a while keeps its place, below any floor: the sweep finds it.
    tell(&db, "update ordinaut.due_work set run_at = run_at - interval '3 h'").await;
    let third = new(&db, &keyed_in(OnDuplicate::Replace, "a").delay(LATER)).await;
    assert_eq!(state(&db, third).await, JobState::Waiting);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(third));
}

#[tokio::test]
async fn one_that_debounces_is_due_when_it_says_itself() {
    let db = database().await;
    let mut last = new(&db, &keyed("a").delay(Duration::from_secs(60))).await;
    for _ in 0..3 {
        let next = new(&db, &keyed_in(OnDuplicate::Debounce, "a").delay(LATER)).await;
        assert_eq!(state(&db, last).await, JobState::Cancelled);
        let due = "select run_at = (select scheduled_for from ordinaut.job where id = $1) from ordinaut.due_work";
        assert!(ask_of::<bool>(&db, due, next).await);
        last = next;
    }
    is_sound(&db).await;
}

#[tokio::test]
async fn one_that_runs_is_not_replaced_and_retries_keep_the_key() {
    let db = database().await;
    let first = new(&db, &keyed("a").max_attempts(5)).await;
    for again in [JobError::snooze(Duration::ZERO), JobError::retry("no").after(Duration::ZERO)] {
        let (gate, mut starts) = gated();
        let mut worker = worker(&db, gate);
        let step = tokio::spawn(async move { worker.step().await });
        let handler = within(starts.recv()).await.unwrap();
        for mode in [OnDuplicate::Replace, OnDuplicate::Debounce, OnDuplicate::Skip] {
            assert_eq!(db.enqueue(&keyed_in(mode, "a")).await.unwrap(), Enqueued::Duplicate(first), "{mode:?}");
        }
        handler.end(Err(again));
        assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(first));
        assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(first), "it waits for its next attempt");
        is_sound(&db).await;
    }
    let second = new(&db, &keyed_in(OnDuplicate::Replace, "a")).await;
    assert_eq!(state(&db, first).await, JobState::Cancelled, "it waited for its third attempt");
    assert_eq!(db.jobs().runs(first).await.unwrap().last().unwrap().attempt, 3);
    let mut worker = worker(&db, |_, _| async { Err(JobError::fatal("bad")) });
    assert_eq!(worker.step().await.unwrap(), Step::Worked(second));
    new(&db, &keyed("a")).await;
}

/// A job with this key that was parked, as a paused task's would be.
async fn parked(db: &TestDatabase, key: &str) -> Uuid {
    let id = new(db, &keyed(key)).await;
    tell(
        db,
        "with gone as (delete from ordinaut.due_work returning *)
         insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
         select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', gen_random_uuid() from gone",
    )
    .await;
    id
}

#[tokio::test]
async fn one_that_is_parked_holds_its_key_and_can_be_replaced_and_cancelled() {
    let db = database().await;
    let first = parked(&db, "a").await;
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(first));
    is_sound(&db).await;
    let second = new(&db, &keyed_in(OnDuplicate::Replace, "a")).await;
    assert_eq!((state(&db, first).await, state(&db, second).await), (JobState::Cancelled, JobState::Waiting));
    is_sound(&db).await;

    let third = parked(&db, "b").await;
    db.jobs().cancel(third).await.unwrap();
    new(&db, &keyed("b")).await;
}

#[tokio::test]
async fn the_key_is_held_for_its_window_after_the_end_and_forgotten_then() {
    let db = database().await;
    let windowed = || probe(0).unique(Unique::by_kind().key("a").after_end(LATER));
    let first = new(&db, &windowed()).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(first));
    for mode in [OnDuplicate::Skip, OnDuplicate::Replace] {
        assert_eq!(db.enqueue(&keyed_in(mode, "a")).await.unwrap(), Enqueued::Duplicate(first));
    }
    assert!(ask::<bool>(&db, "select held_until > now() + interval '59 min' from ordinaut.unique_key").await);

    tell(&db, "update ordinaut.unique_key set held_until = clock_timestamp() - interval '1 s'").await;
    let second = new(&db, &windowed()).await;
    db.jobs().cancel(second).await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.unique_key").await, 1, "its window goes on");
    tell(&db, "update ordinaut.unique_key set held_until = clock_timestamp() - interval '1 s'").await;
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.unique_key").await, 0);
}

#[tokio::test]
async fn a_cancel_frees_the_key() {
    let db = database().await;
    let waiting = new(&db, &keyed("a")).await;
    db.jobs().cancel(waiting).await.unwrap();
    let running = new(&db, &keyed("a")).await;
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let step = tokio::spawn(async move { worker.step().await });
    let handler = within(starts.recv()).await.unwrap();
    db.jobs().cancel(running).await.unwrap();
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(running), "it has not ended yet");
    handler.end(Err(JobError::retry("interrupted")));
    within(step).await.unwrap().unwrap();
    new(&db, &keyed("a")).await;
    is_sound(&db).await;
}

#[tokio::test]
async fn a_lost_attempt_keeps_the_key() {
    let db = database().await;
    let job = new(&db, &keyed("a")).await;
    tell(
        &db,
        "with lost as (
             insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease, expires_at)
             values (1, 'lost', '', 1, '', '{}', '{}', 1, 3, '1 ms', now() - interval '1 s'))
         update ordinaut.due_work set session = 1, nonce = 1, attempt = attempt + 1",
    )
    .await;
    schedule_once(&db).await;
    assert_eq!(state(&db, job).await, JobState::Waiting);
    assert_eq!(ask::<i16>(&db, "select flags from ordinaut.due_work").await, 24, "lost once, with a key");
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(job));
}

#[tokio::test]
async fn a_requeue_takes_the_key_again_or_is_refused() {
    let db = database().await;
    let mut dies = worker(&db, |_: Probe, _| async { Err(JobError::fatal("bad")) });
    let first = new(&db, &keyed("a")).await;
    dies.step().await.unwrap();
    let second = new(&db, &keyed("a")).await;

    let requeued = db.dead_letters().requeue(&[first]).await.unwrap();
    assert!(requeued.back.is_empty(), "two would be active");
    assert_eq!(requeued.refused, [(first, NotRequeued::Duplicate { job_id: second })]);
    assert_eq!(state(&db, first).await, JobState::Dead);

    dies.step().await.unwrap();
    let requeued = db.dead_letters().requeue(&[first, second]).await.unwrap().back;
    assert_eq!(requeued.len(), 1, "one key, one of them");
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(requeued[0]));
    is_sound(&db).await;

    // Its own window is in nobody's way.
    let windowed = new(&db, &probe(0).priority(1).unique(Unique::by_kind().key("w").after_end(LATER))).await;
    dies.step().await.unwrap();
    assert_eq!(state(&db, windowed).await, JobState::Dead);
    assert_eq!(db.dead_letters().requeue(&[windowed]).await.unwrap().back, [windowed]);
    is_sound(&db).await;
}

#[tokio::test]
async fn plain_sql_takes_a_key_too_and_means_the_same() {
    let db = database().await;
    let sql = "select ordinaut.enqueue('probe', '{\"n\": 1}', unique_key => 'ü\"\\' || chr(10))";
    let first: Uuid = ask(&db, sql).await;
    assert_eq!(ask::<Uuid>(&db, sql).await, first);
    assert_eq!(db.enqueue(&keyed("ü\"\\\n")).await.unwrap(), Enqueued::Duplicate(first));
    is_sound(&db).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(first));
    let second = new(&db, &keyed("ü\"\\\n")).await;
    assert_eq!(ask::<Uuid>(&db, sql).await, second);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 2);
}

#[tokio::test]
async fn a_key_that_an_older_worker_forgot_is_freed() {
    let db = database().await;
    let first = new(&db, &keyed("a")).await;
    // It settles as it always did, and knows no keys.
    tell(&db, "update ordinaut.due_work set flags = 0").await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(first));
    assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(first));
    schedule_once(&db).await;
    new(&db, &keyed("a")).await;
}

#[tokio::test]
async fn a_plan_made_while_there_were_no_keys_does_not_read_all_of_them() {
    let db = database().await;
    // Past the library, which may have to wrap a statement in a transaction.
    sqlx::query("vacuum analyze ordinaut.unique_key").execute(db.pool()).await.unwrap();
    let mut worker = worker(&db, succeed);
    // More often than a statement is planned anew each time.
    db.enqueue_many((0..10).map(probe)).await.unwrap();
    while worker.step().await.unwrap() != Step::Idle {}
    db.enqueue_many((0..3000).map(|n| keyed(&n.to_string()).delay(LATER))).await.unwrap();
    db.enqueue_many((0..10).map(|n| keyed(&format!("due {n}")))).await.unwrap();
    while worker.step().await.unwrap() != Step::Idle {}
    drop(worker);
    let other = db.another_pool().await;
    db.pool().close().await;
    let db = other;
    // A connection's statistics are complete once it has ended.
    let ended = "select not exists (select from pg_stat_activity where datname = current_database()
                                                        and application_name ~ '^ordinaut-(claim|settle)')";
    eventually(&db, ended).await;
    let read = "select (select idx_tup_read from pg_stat_user_indexes where indexrelname = 'unique_key_job_id') < 100
                   and (select seq_tup_read from pg_stat_user_tables where relname = 'unique_key') < 100";
    assert!(ask::<bool>(&db, read).await, "an enqueue or a settle read the keys of others");
    let freed = "select count(*) = 10 from ordinaut.unique_key where held_until is not null";
    assert!(ask::<bool>(&db, freed).await);
}
