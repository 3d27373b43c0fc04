//! The test kit, as a program's tests use it.

use crate::fixture::{ask, database};
use futures_util::FutureExt;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::testing::{self, TestDatabase, TestDatabaseError};
use ordinaut_core::worker::{SettleError, Step, StopReason};
use ordinaut_core::{Client, Context, Job, JobError, NewJob, Outcome, Worker};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct SendMail {
    to: String,
}

impl Job for SendMail {
    const KIND: &'static str = "send_mail";
    const QUEUE: &'static str = "mail";
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

async fn send_mail(job: SendMail, ctx: Context<Client>) -> Result<(), JobError> {
    if ctx.attempt() == 1 {
        return Err(JobError::retry("the server is busy").after(TEN_MINUTES));
    }
    if job.to == "ann" {
        SendMail { to: "bob".to_owned() }.enqueue(&*ctx.state).await?;
    }
    Ok(())
}

fn worker(db: &Client) -> Worker<Client> {
    Worker::new(db.clone(), db.clone()).handle(send_mail).queue("mail")
}

fn mail(to: &str) -> NewJob {
    SendMail { to: to.to_owned() }.new_job().unwrap()
}

#[tokio::test]
async fn one_job_at_a_time_and_then_whatever_is_due() {
    let db = database().await;
    let job = mail("ann").tags(["x"]);
    db.enqueue(&job).await.unwrap();
    let found = testing::assert_enqueued::<SendMail>(&db, |job| job.to == "ann").await;
    assert_eq!((found.id, &*found.queue, found.tags), (job.id(), "mail", vec!["x".to_owned()]));
    assert_eq!(found.args, json!({"to": "ann"}));
    testing::assert_not_enqueued::<SendMail>(&db, |job| job.to == "bob").await;
    testing::assert_enqueued_kind(&db, "send_mail", |args| args["to"] == "ann").await;
    let mut worker = worker(&db);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job.id()));
    assert!(testing::drain(&mut worker).await.unwrap().is_empty());

    testing::advance(&db, TEN_MINUTES - Duration::from_secs(60)).await.unwrap();
    assert!(testing::drain(&mut worker).await.unwrap().is_empty());
    testing::advance(&db, Duration::from_secs(60)).await.unwrap();
    assert_eq!(testing::drain(&mut worker).await.unwrap().len(), 2);

    testing::assert_not_enqueued_kind(&db, "send_mail", |args| args["to"] == "ann").await;
    let left = testing::enqueued(&db).kind("send_mail").queue("mail").all().await.unwrap();
    assert_eq!((left.len(), left[0].state.as_str()), (1, "scheduled"));
    assert!(testing::enqueued(&db).queue("default").all().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_comes_due_together_keeps_its_order_and_what_is_due_stays() {
    let db = database().await;
    let jobs: Vec<_> = [30, 10, 0, 20].map(|minutes| mail("x").delay(Duration::from_secs(minutes * 60))).into();
    db.enqueue_many(&jobs).await.unwrap();
    let due = "select run_at from ordinaut.due_work where run_at <= clock_timestamp()";
    let before: chrono::DateTime<chrono::Utc> = ask(&db, due).await;
    testing::advance(&db, Duration::from_secs(20 * 60)).await.unwrap();
    assert_eq!(ask::<chrono::DateTime<chrono::Utc>>(&db, "select min(run_at) from ordinaut.due_work").await, before);
    let ran = testing::drain(&mut worker(&db)).await.unwrap();
    assert_eq!(ran, [jobs[2].id(), jobs[1].id(), jobs[3].id()]);
}

#[tokio::test]
async fn tasks_are_due_when_their_time_has_passed() {
    let db = database().await;
    let hourly = Schedule::new(ScheduleKind::Every, "1h");
    let task = TaskDefinition::new("t", "send_mail", hourly).args(json!({"to": "x"}));
    db.tasks().create(&task).await.unwrap();
    testing::fire_tasks(&db).await.unwrap();
    let before = testing::enqueued(&db).all().await.unwrap().len();
    assert_eq!(testing::fire_tasks(&db).await.unwrap(), 0);
    testing::advance(&db, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(testing::fire_tasks(&db).await.unwrap(), 1);
    assert_eq!(testing::enqueued(&db).kind("send_mail").all().await.unwrap().len(), before + 1);
}

#[tokio::test]
async fn a_job_of_a_task_is_due_now_and_tells_the_instant_that_it_is_for() {
    let db = database().await;
    let noon = Schedule::new(ScheduleKind::Cron, "0 12 * * *");
    let args = json!({"to": "x"});
    let task = TaskDefinition::new("t", "send_mail", noon).args(args).queue("mail");
    let first = db.tasks().create(&task).await.unwrap().next_run_at.unwrap();
    let mut worker = Worker::new(db.clone(), ()).handle(|_: SendMail, _| async { Ok(()) }).queue("mail");
    for days in [0, 1] {
        testing::advance(&db, Duration::from_secs(86_400)).await.unwrap();
        assert_eq!(testing::fire_tasks(&db).await.unwrap(), 1);
        let job_id = testing::drain(&mut worker).await.unwrap()[0];
        let job = db.jobs().get(job_id).await.unwrap().unwrap();
        assert_eq!(job.scheduled_for, Some(first + chrono::TimeDelta::days(days)));
    }
    // A week in which a scheduler was there.
    testing::advance(&db, Duration::from_secs(7 * 86_400)).await.unwrap();
    assert_eq!(testing::fire_tasks(&db).await.unwrap(), 7);
}

#[tokio::test]
async fn a_failed_assertion_says_what_there_is() {
    let db = database().await;
    db.enqueue(&mail("ann")).await.unwrap();
    db.enqueue(&NewJob::new("other", &json!(7)).unwrap()).await.unwrap();
    // Arguments of another shape are passed by.
    db.enqueue(&NewJob::new("send_mail", &json!({"for": "bob"})).unwrap().queue("mail")).await.unwrap();
    let asserting = AssertUnwindSafe(testing::assert_enqueued::<SendMail>(&db, |job| job.to == "bob"));
    let panic = asserting.catch_unwind().await.unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    let there = [
        r#"no such job of kind "send_mail" is enqueued; there are send_mail {"to":"ann"} in "mail", waiting"#,
        r#"other 7 in "default", waiting"#,
        r#"send_mail {"for":"bob"} in "mail", waiting"#,
    ];
    assert_eq!(text, &there.join("; "));
}

#[tokio::test]
async fn a_test_has_a_database_of_its_own_which_goes_with_it() {
    let server = database().await;
    let options = server.pool().connect_options();
    let url = sqlx::ConnectOptions::to_url_lossy(&*options).to_string();
    let db = TestDatabase::on(&url).await.unwrap();
    let name = db.pool().connect_options().get_database().unwrap().to_owned();
    db.enqueue(&mail("ann")).await.unwrap();
    assert!(testing::enqueued(&server).all().await.unwrap().is_empty());
    assert_eq!(testing::enqueued(&db).all().await.unwrap().len(), 1);

    drop(db);

    let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(server.pool())
        .await
        .unwrap();
    assert!(!there);
    let nowhere = TestDatabase::on("postgres://x@127.0.0.1:1/x").await.unwrap_err();
    assert!(matches!(nowhere, TestDatabaseError::Database(_)), "{nowhere}");
}

/// Imports rows from where it left off, and leaves when it is told to.
async fn import(rows: u64, ctx: Context<()>) -> Result<Value, JobError> {
    let next: u64 = ctx.checkpoint().await?.unwrap_or(0);
    for row in next..rows {
        if ctx.is_cancelled() {
            return Err(JobError::cancel(format!("at row {row}")));
        }
        ctx.save_checkpoint(&(row + 1)).await?;
    }
    Ok(json!({"from": next, "tenant": ctx.tenant()}))
}

#[tokio::test]
async fn a_handler_is_tested_without_a_database() {
    let first = Context::for_test(());
    assert_eq!((first.kind(), first.attempt(), first.tenant(), first.deadline()), ("test", 1, None, None));
    assert_eq!(import(3, first.clone()).await.unwrap(), json!({"from": 0, "tenant": null}));
    assert_eq!(first.checkpoint::<u64>().await.unwrap(), Some(3));

    let again = testing::context(()).kind("import").attempt(3).tenant("acme").checkpoint(&2).tags(["x"]).build();
    assert_eq!(
        (again.kind(), again.attempt(), again.failures(), again.tags()),
        ("import", 3, 2, &["x".to_owned()][..])
    );
    assert_eq!(import(3, again).await.unwrap(), json!({"from": 2, "tenant": "acme"}));

    let stopped = testing::context(()).stopped(StopReason::Cancelled).time_limit(TEN_MINUTES).build();
    stopped.cancelled().await;
    assert!(stopped.deadline().is_some());
    assert_eq!(import(3, stopped).await.unwrap_err().outcome(), Outcome::Cancelled);
}

#[tokio::test]
async fn what_needs_a_database_says_so() {
    let db = database().await;
    let mut tx = db.begin().await.unwrap();
    let refused = Context::for_test(()).settle_in(&mut tx).await.unwrap_err();
    assert!(matches!(refused, SettleError::NoDatabase), "{refused}");
}

/// The work that a probe of the kit is to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Work {
    Return,
    ReturnTooMuch,
    Refuse,
    Hang,
}

#[derive(Serialize, Deserialize)]
struct Probed {
    work: Work,
}

impl Job for Probed {
    const KIND: &'static str = "probed";
    const QUEUE: &'static str = "probes";
    const MAX_ATTEMPTS: Option<i16> = Some(7);
    const TIMEOUT: Option<Duration> = Some(Duration::from_millis(50));
    const TAGS: &'static [&'static str] = &["t"];
}

async fn probed(job: Probed, ctx: Context<&'static str>) -> Result<String, JobError> {
    match job.work {
        Work::Return => Ok(format!(
            "{} {} {} {:?} {} of {}",
            ctx.state,
            ctx.kind(),
            ctx.queue(),
            ctx.tags(),
            ctx.attempt(),
            ctx.max_attempts()
        )),
        Work::ReturnTooMuch => Ok("x".repeat(65 * 1024)),
        Work::Refuse => Err(JobError::cancel("no").with_output(&"why")),
        Work::Hang => std::future::pending().await,
    }
}

#[tokio::test]
async fn one_attempt_is_performed_as_a_worker_would() {
    let perform = |work, context| async move { testing::perform(probed, &Probed { work }, context).await };
    let returned = perform(Work::Return, testing::context("state")).await.unwrap();
    assert_eq!(returned, r#"state probed probes ["t"] 1 of 7"#);
    let said = testing::context("state").attempt(2).max_attempts(3).tags(["u"]);
    assert_eq!(perform(Work::Return, said).await.unwrap(), r#"state probed probes ["u"] 2 of 3"#);
    for (work, outcome, error) in [
        (Work::ReturnTooMuch, Outcome::Dead, "output is 66562 bytes long, and a run keeps 65536 at most"),
        (Work::Refuse, Outcome::Cancelled, "no"),
        (Work::Hang, Outcome::Failed, "timed out"),
    ] {
        let refused = perform(work, testing::context("state")).await.unwrap_err();
        assert_eq!((refused.outcome(), &*refused.to_string()), (outcome, error));
    }
}

#[tokio::test]
async fn arguments_that_do_not_survive_json_are_seen_without_a_queue() {
    #[derive(Serialize, Deserialize)]
    struct Forgetful {
        #[serde(skip_serializing)]
        to: String,
    }
    impl Job for Forgetful {
        const KIND: &'static str = "forgetful";
    }
    let handler = |job: Forgetful, _: Context<()>| async move { Ok(job.to) };
    let refused = testing::perform(handler, &Forgetful { to: "ann".to_owned() }, testing::context(())).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("missing field `to`"), "{error}");
}

#[tokio::test]
async fn what_is_enqueued_inline_has_run_when_it_returns() {
    let inline = testing::Inline::new("state").handle(probed);
    let enqueued = Probed { work: Work::Return }.enqueue(&inline).await.unwrap();
    let later = Probed { work: Work::Refuse }.new_job().unwrap().delay(TEN_MINUTES);
    later.enqueue(&inline).await.unwrap();
    let runs = inline.take_runs();
    assert_eq!((runs[0].job_id, &*runs[0].kind, &runs[0].args), (enqueued.id(), "probed", &json!({"work": "Return"})));
    assert_eq!(runs[0].output, Some(json!(r#"state probed probes ["t"] 1 of 7"#)));
    let refused = (runs[1].outcome, runs[1].error.as_deref(), runs[1].output.clone());
    assert_eq!(refused, (Outcome::Cancelled, Some("no"), Some(json!("why"))));
    assert!(inline.take_runs().is_empty());

    let unhandled = mail("ann");
    let unknown = AssertUnwindSafe(unhandled.enqueue(&inline)).catch_unwind();
    let panic = unknown.await.unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), r#"no handler was given for jobs of kind "send_mail""#);
}
