//! The test kit: a private database, running jobs one by one, looking at what was enqueued, and
//! time that passes when you say so. Real Postgres, real worker, no sleep. Needs the feature
//! `testing`, as a dev-dependency:
//!
//! ```toml
//! [dev-dependencies]
//! ordinaut-core = { version = "0.1", features = ["testing"] }
//! ```
//!
//! A test of a program that retries its mails:
//!
//! ```no_run
//! use ordinaut_core::testing::{self, TestDatabase};
//! use ordinaut_core::{Context, Job, JobError, Worker};
//! use ordinaut_core::worker::Step;
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//!
//! #[derive(Serialize, Deserialize)]
//! struct SendMail {
//!     to: String,
//! }
//!
//! impl Job for SendMail {
//!     const KIND: &'static str = "send_mail";
//! }
//!
//! async fn send_mail(_: SendMail, ctx: Context<()>) -> Result<(), JobError> {
//!     if ctx.attempt() == 1 {
//!         return Err(JobError::retry("the server is busy").after(Duration::from_secs(600)));
//!     }
//!     Ok(())
//! }
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let db = TestDatabase::new().await?; // of this test alone; gone when it is dropped
//! SendMail { to: "ann@example.org".into() }.enqueue(&db).await?;
//! testing::assert_enqueued::<SendMail>(&db, |job| job.to == "ann@example.org").await;
//!
//! let mut worker = Worker::new(db.clone(), ()).handle(send_mail);
//! assert!(matches!(worker.step().await?, Step::Worked(_))); // one job: it fails, and waits ten minutes
//! assert_eq!(worker.step().await?, Step::Idle);
//!
//! testing::advance(&db, Duration::from_secs(600)).await?;
//! assert_eq!(testing::drain(&mut worker).await?.len(), 1); // whatever is due
//! assert!(testing::enqueued(&db).kind("send_mail").all().await?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Without a database: [`Context::for_test`](crate::Context::for_test) for a handler that a test
//! calls by itself, [`perform`] for one attempt of a job as a worker makes it, and [`Inline`] for
//! code that enqueues.

pub(crate) mod context;
pub(crate) mod database;
pub(crate) mod enqueued;
pub(crate) mod inline;
pub(crate) mod perform;
pub(crate) mod store;

pub use crate::testing::context::{ContextBuilder, context};
pub use crate::testing::database::{TestDatabase, TestDatabaseError};
pub use crate::testing::enqueued::{
    Enqueued, assert_enqueued, assert_enqueued_kind, assert_not_enqueued, assert_not_enqueued_kind, enqueued,
};
pub use crate::testing::inline::{Inline, InlineRun};
pub use crate::testing::perform::perform;
pub use crate::testing::store::EnqueuedJob;

use crate::client::Client;
use crate::worker::{Step, Worker};
use std::time::Duration;
use uuid::Uuid;

/// More jobs than a test has: then one of them enqueues itself again and again.
const MOST_JOBS: usize = 10_000;

/// Maximum number of tasks that one transaction fires.
const TASKS_AT_ONCE: i64 = 1000;

/// How late a task may fire here: tests are slow at times.
const GRACE: Duration = Duration::from_secs(3600);

/// Runs jobs of the worker's queues and kinds until none is due any more, also those that the jobs
/// enqueue; returns them in the order in which they ran. A job that waits for a retry is not due:
/// see [`advance`].
///
/// # Errors
///
/// Those of [`Worker::step`].
///
/// # Panics
///
/// After 10,000 jobs: one enqueues itself again and again.
pub async fn drain<S: Send + Sync + 'static>(worker: &mut Worker<S>) -> sqlx::Result<Vec<Uuid>> {
    let mut ran = Vec::new();
    loop {
        match worker.step().await? {
            Step::Worked(id) | Step::LeaseLost(id) => ran.push(id),
            Step::Idle => return Ok(ran),
        }
        assert!(ran.len() < MOST_JOBS, "{MOST_JOBS} jobs ran, and there are more: does a job enqueue itself?");
    }
}

/// Lets time pass for whatever waits for its time: jobs that are delayed, snoozed or to be retried,
/// and tasks. What comes due is due now, in the order in which it would have been; a task is due at
/// each of its instants that have come, and [`fire_tasks`] fires them. The clock itself is the
/// database's, and stays.
///
/// # Errors
///
/// If Postgres refused the statement or could not be reached.
pub async fn advance(db: &Client, by: Duration) -> sqlx::Result<()> {
    db.advance(by).await
}

/// Fires the tasks that are due, each instant that has come since, as a scheduler that was there
/// would have; says how many jobs that made. They are due at once, and their `scheduled_for` is the
/// instant.
///
/// # Errors
///
/// If Postgres refused a statement or could not be reached.
pub async fn fire_tasks(db: &Client) -> sqlx::Result<usize> {
    let mut jobs = 0;
    loop {
        let mut tx = db.begin().await?;
        let (tasks, ahead) = db.due_in_test(TASKS_AT_ONCE, &mut tx).await?;
        let fired = db.tasks().fire(tasks, TASKS_AT_ONCE, GRACE, ahead, tx).await?;
        if fired.tasks == 0 {
            return Ok(jobs);
        }
        jobs += fired.fires;
    }
}
