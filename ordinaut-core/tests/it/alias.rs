//! A kind that was renamed: jobs of the old name are run by the new type.

use crate::fixture::{ask, database, quick};
use ordinaut_core::worker::Step;
use ordinaut_core::{Context, Job, JobError, NewJob, Worker};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Serialize, Deserialize)]
struct SendWelcome {
    to: String,
}

impl Job for SendWelcome {
    const KIND: &'static str = "send_welcome";
    const ALIASES: &'static [&'static str] = &["greet", "hello"];
}

#[derive(Serialize, Deserialize)]
struct Greet {}

impl Job for Greet {
    const KIND: &'static str = "greet";
}

async fn send_welcome(job: SendWelcome, ctx: Context<()>) -> Result<String, JobError> {
    Ok(format!("{} {}", ctx.kind(), job.to))
}

#[tokio::test]
async fn a_job_of_an_old_kind_runs_with_the_renamed_type() {
    let db = database().await;
    let mut worker = Worker::with_options(db.clone(), (), quick()).handle(send_welcome);
    for kind in ["greet", "hello"] {
        db.enqueue(&NewJob::new(kind, &json!({"to": "ann"})).unwrap()).await.unwrap();
    }
    SendWelcome { to: "bob".to_owned() }.enqueue(&*db).await.unwrap();
    while worker.step().await.unwrap() != Step::Idle {}
    let ran =
        "select string_agg(output #>> '{}', ', ' order by finished_at) from ordinaut.run where outcome = 'succeeded'";
    assert_eq!(ask::<String>(&db, ran).await, "greet ann, hello ann, send_welcome bob");
    let told = "select array_to_string(kinds, ' ') from ordinaut.worker";
    assert_eq!(ask::<String>(&db, told).await, "greet hello send_welcome");
}

#[tokio::test]
async fn two_handlers_for_one_name_are_refused_at_the_start() {
    let db = database().await;
    let greet = |_: Greet, _: Context<()>| async { Ok(()) };
    let worker = || Worker::new(db.clone(), ());
    for order in [
        catch_unwind(AssertUnwindSafe(|| drop(worker().handle(send_welcome).handle(greet)))),
        catch_unwind(AssertUnwindSafe(|| drop(worker().handle(greet).handle(send_welcome)))),
    ] {
        let panic = order.unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "two handlers for jobs of kind \"greet\"");
    }
}
