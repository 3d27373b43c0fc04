//! Encrypted arguments: the handler reads them, and nobody else does.

use crate::fixture::{ask, ask_of, database, quick, tell, within};
use crate::settle::letter;
use ordinaut_core::job::Keyring;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{TaskDefinition, TaskError};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Context, EnqueueError, Enqueued, Job, JobError, NewJob, Outcome, Unique, Worker};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// In every argument of these tests, and nowhere in the database.
const SECRET: &str = "4111-1111";

#[derive(Serialize, Deserialize)]
struct Charge {
    card: String,
    cents: u32,
}

impl Job for Charge {
    const KIND: &'static str = "charge";
    const ENCRYPTED: bool = true;
}

fn charge() -> Charge {
    Charge { card: SECRET.to_owned(), cents: 7 }
}

fn ring(names: &[&str]) -> Keyring {
    Keyring::new(names.iter().map(|name| (*name, [name.as_bytes()[1]; 32]))).unwrap()
}

/// A kind that no Rust type stands for.
fn by_name() -> NewJob {
    NewJob::new("by_name", &json!({"card": SECRET})).unwrap()
}

/// The cards that a handler has read.
type Cards = Arc<Mutex<Vec<String>>>;

/// A worker whose handler notes the cards, and does not like some.
fn worker(db: &Client) -> (Worker<Cards>, Cards) {
    let cards = Cards::default();
    let handler = |job: Charge, ctx: Context<Cards>| async move {
        ctx.state.lock().unwrap().push(job.card);
        if job.cents == 13 { Err(JobError::fatal("no luck")) } else { Ok(()) }
    };
    (Worker::with_options(db.clone(), cards.clone(), quick()).handle(handler), cards)
}

/// Whether a word is anywhere in a table.
async fn stored(db: &Client, word: &'static str) -> bool {
    let tables = "select tablename::text from pg_tables where schemaname = 'ordinaut'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(db).await.unwrap();
    for table in tables {
        let look = format!("select exists (select from ordinaut.{table} as found where strpos(found::text, $1) > 0)");
        if sqlx::query_scalar(AssertSqlSafe(look)).bind(word).fetch_one(db).await.unwrap() {
            return true;
        }
    }
    false
}

async fn error_of(db: &Client, job_id: Uuid) -> (Outcome, String) {
    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    (run.outcome, run.error.unwrap_or_default())
}

#[tokio::test]
async fn every_way_to_enqueue_encrypts_and_only_the_handler_reads() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).encrypt_kinds(["by_name"]).connect().await.unwrap();
    keyed.enqueue(&charge().new_job().unwrap()).await.unwrap();
    keyed.enqueue_many([charge().new_job().unwrap(), charge().new_job().unwrap()]).await.unwrap();
    let mut tx = db.pool().begin().await.unwrap();
    charge().enqueue(keyed.in_tx(&mut tx)).await.unwrap();
    charge().new_job().unwrap().encrypted(&ring(&["k1"])).enqueue(db.in_tx(&mut tx)).await.unwrap();
    keyed.in_tx(&mut tx).enqueue_many([by_name(), charge().new_job().unwrap()]).await.unwrap();
    by_name().enqueue(keyed.in_tx(&mut tx)).await.unwrap();
    let mut batch = keyed.at_commit();
    let last = batch.add(charge().new_job().unwrap());
    batch.commit(tx).await.unwrap();
    charge().enqueue(&keyed).await.unwrap();
    by_name().enqueue(&keyed).await.unwrap();
    keyed.enqueue(&by_name()).await.unwrap();
    keyed.enqueue(&NewJob::new("open", &json!({"name": "ann-the-open"})).unwrap()).await.unwrap();

    assert!(!stored(&db, SECRET).await && stored(&db, "ann-the-open").await);
    let shown: Value = serde_json::from_str(db.jobs().get(last).await.unwrap().unwrap().args.get()).unwrap();
    assert_eq!(shown, json!({"encrypted": true, "key": "k1"}));
    let in_psql: Value = ask_of(&db, "select args from ordinaut.job where id = $1", last).await;
    assert_eq!(in_psql["encrypted"]["key"], "k1");
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let (mut worker, cards) = worker(&keyed);
    for _ in 0..8 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    assert_eq!(*cards.lock().unwrap(), [SECRET; 8]);
    let outcomes = "select count(*) from ordinaut.run where outcome = 'succeeded'";
    assert_eq!(ask::<i64>(&db, outcomes).await, 8);
    assert!(!stored(&db, SECRET).await);
}

#[tokio::test]
async fn a_dead_letter_keeps_the_secret_and_can_be_sent_back() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let job_id = keyed.enqueue(&Charge { cents: 13, ..charge() }.new_job().unwrap()).await.unwrap().id();
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let (mut worker, cards) = worker(&keyed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    assert_eq!(letter(&db).await.unwrap().args.get(), r#"{"encrypted":true,"key":"k1"}"#);
    assert!(!stored(&db, SECRET).await);
    tell(&db, "delete from ordinaut.job").await;
    assert_eq!(db.dead_letters().requeue(&[job_id]).await.unwrap().back, [job_id]);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    assert_eq!(*cards.lock().unwrap(), [SECRET; 2]);
}

#[tokio::test]
async fn without_a_key_ring_nothing_is_stored() {
    let db = database().await;
    let named = db.to_builder().encrypt_kinds(["by_name"]).connect().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let refusals = [
        charge().enqueue(&*db).await,
        charge().enqueue(db.in_tx(&mut tx)).await,
        by_name().enqueue(named.in_tx(&mut tx)).await,
        named.in_tx(&mut tx).enqueue_many([by_name()]).await.map(|_| unreachable!()),
        by_name().enqueue(&named).await,
        db.enqueue(&charge().new_job().unwrap()).await,
        db.enqueue_many([charge().new_job().unwrap()]).await.map(|_| unreachable!()),
        named.enqueue(&by_name()).await,
    ];
    tx.commit().await.unwrap();
    for refused in refusals {
        let Err(EnqueueError::Invalid(invalid)) = refused else { panic!("{refused:?}") };
        assert_eq!(invalid.field, "args");
        assert!(invalid.reason.contains("key ring"), "{invalid}");
    }
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 0);
    assert!(!format!("{:?}", charge().new_job().unwrap()).contains(SECRET));
}

#[tokio::test]
async fn keys_rotate_and_one_that_comes_late_is_waited_for() {
    let db = database().await;
    let old = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let new = db.to_builder().keyring(ring(&["k2", "k1"])).connect().await.unwrap();
    let by_old = old.enqueue(&charge().new_job().unwrap()).await.unwrap().id();
    let (mut worker_of_new, cards) = worker(&new);
    assert_eq!(worker_of_new.step().await.unwrap(), Step::Worked(by_old));
    let by_new = new.enqueue(&charge().new_job().unwrap()).await.unwrap().id();
    for behind in [&old, &db.clone()] {
        let (mut worker_behind, _) = worker(behind);
        assert_eq!(worker_behind.step().await.unwrap(), Step::Worked(by_new));
        let reason = "args are encrypted with the key \"k2\", which this worker does not have".to_owned();
        assert_eq!(error_of(&db, by_new).await, (Outcome::Failed, reason));
        db.jobs().run_now(by_new).await.unwrap();
    }

    assert_eq!(worker_of_new.step().await.unwrap(), Step::Worked(by_new));

    assert_eq!(error_of(&db, by_new).await, (Outcome::Succeeded, String::new()));
    assert_eq!(*cards.lock().unwrap(), [SECRET; 2]);
}

#[tokio::test]
async fn an_envelope_of_another_job_or_one_that_was_changed_opens_nothing() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let moved = keyed.enqueue(&charge().new_job().unwrap()).await.unwrap().id();
    let other = keyed.enqueue(&charge().new_job().unwrap()).await.unwrap().id();
    let changes = [
        (moved, "update ordinaut.job set args = (select args from ordinaut.job where id <> $1) where id = $1"),
        (other, "update ordinaut.job set args = jsonb_set(args, '{encrypted,data}', '\"AAAA\"') where id = $1"),
    ];
    for (job_id, sql) in changes {
        sqlx::query(sql).bind(job_id).execute(&*db).await.unwrap();
    }
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let (mut worker, cards) = worker(&keyed);
    for _ in 0..2 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    for job_id in [moved, other] {
        let (outcome, error) = error_of(&db, job_id).await;
        assert_eq!(outcome, Outcome::Failed);
        assert!(error.starts_with("args cannot be decrypted with the key \"k1\""), "{error}");
    }
    assert!(cards.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_error_of_decoding_tells_nothing_of_what_was_encrypted() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).encrypt_kinds(["charge"]).connect().await.unwrap();
    let wrong = NewJob::new("charge", &json!({"card": "x", "cents": SECRET})).unwrap().max_attempts(1);
    let job_id = keyed.enqueue(&wrong).await.unwrap().id();
    let (mut worker, _) = worker(&keyed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    let (outcome, error) = error_of(&db, job_id).await;
    assert_eq!(outcome, Outcome::Dead);
    assert_eq!(error, "args could not be decoded; why is not told, because they are encrypted");
    assert!(!stored(&db, SECRET).await);
}

#[tokio::test]
async fn arguments_from_before_they_were_encrypted_are_read() {
    let db = database().await;
    let plain = NewJob::new("charge", &charge()).unwrap();
    db.enqueue(&plain).await.unwrap();
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let (mut worker, cards) = worker(&keyed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(plain.id()));
    assert_eq!(*cards.lock().unwrap(), [SECRET]);
}

#[tokio::test]
async fn a_task_of_a_kind_with_encrypted_arguments_is_refused() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).encrypt_kinds(["charge"]).connect().await.unwrap();
    let hourly = Schedule::new(ScheduleKind::Every, "1h");
    let refused = keyed.tasks().create(&TaskDefinition::new("t", "charge", hourly.clone())).await;
    assert!(matches!(&refused, Err(TaskError::Invalid(invalid)) if invalid.field == "kind"), "{refused:?}");
    let task = keyed.tasks().create(&TaskDefinition::new("t", "echo", hourly)).await.unwrap();
    let refused = keyed.tasks().patch(task.id, &json!({"kind": "charge"}), None).await;
    assert!(matches!(&refused, Err(TaskError::Invalid(invalid)) if invalid.field == "kind"), "{refused:?}");
}

#[tokio::test]
async fn arguments_that_only_look_encrypted_are_shown() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let odd = json!({"encrypted": {"name": "ann"}});
    let job = NewJob::new("odd", &odd).unwrap().delay(Duration::from_secs(60));
    keyed.enqueue(&job).await.unwrap();
    let args: Value = serde_json::from_str(db.jobs().get(job.id()).await.unwrap().unwrap().args.get()).unwrap();
    assert_eq!(args, odd);
}

#[tokio::test]
async fn a_unique_job_is_known_by_what_its_encrypted_arguments_say() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let unique = || charge().new_job().unwrap().unique(Unique::by_kind().args(["card"]));
    let first = keyed.enqueue(&unique()).await.unwrap().id();
    assert_eq!(keyed.enqueue(&unique()).await.unwrap(), Enqueued::Duplicate(first));
    let mut batch = keyed.at_commit();
    batch.add(unique());
    assert_eq!(batch.commit(db.begin().await.unwrap()).await.unwrap(), [Enqueued::Duplicate(first)]);
    assert!(!stored(&db, SECRET).await);
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let (mut worker, cards) = worker(&keyed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(first));
    assert_eq!(*cards.lock().unwrap(), [SECRET]);
}

#[tokio::test]
async fn steps_of_an_encrypted_job_are_encrypted() {
    let db = database().await;
    let keyed = db.to_builder().keyring(ring(&["k1"])).connect().await.unwrap();
    let job_id = keyed.enqueue(&charge().new_job().unwrap()).await.unwrap().id();
    let handler = |job: Charge, ctx: Context<()>| async move {
        let card: String = ctx.step("card", async || Ok(job.card)).await?;
        if ctx.attempt() == 1 {
            Err(JobError::retry("again").after(std::time::Duration::ZERO))
        } else {
            Ok(card == SECRET)
        }
    };
    let mut worker = Worker::with_options(keyed.clone(), (), quick()).handle(handler);
    for _ in 0..2 {
        assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job_id));
    }
    assert_eq!(db.jobs().runs(job_id).await.unwrap().pop().unwrap().output.unwrap().get(), "true");
    assert!(!stored(&db, SECRET).await);
    let steps = db.jobs().steps(job_id).await.unwrap();
    assert_eq!(steps[0].result.get(), r#"{"encrypted":true,"key":"k1"}"#);
    // Moved to another step, it opens nothing.
    tell(&db, "update ordinaut.step set name = 'other'").await;
    let moved = keyed.enqueue(&charge().new_job().unwrap()).await.unwrap().id();
    assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(moved));
}
