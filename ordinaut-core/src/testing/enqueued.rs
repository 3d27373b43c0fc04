//! What was enqueued, and has not ended.

use crate::client::Client;
use crate::job::Job;
use crate::testing::store::EnqueuedJob;
use serde_json::Value;

/// Jobs that have not ended, to be looked at.
#[derive(Debug)]
#[must_use = "nothing is looked at before all"]
pub struct Enqueued<'a> {
    db: &'a Client,
    kind: Option<String>,
    queue: Option<String>,
}

/// The jobs that have not ended: all, or those of a kind or a queue.
pub fn enqueued(db: &Client) -> Enqueued<'_> {
    Enqueued { db, kind: None, queue: None }
}

impl Enqueued<'_> {
    /// Only of this kind.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only in this queue.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// All of them, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// If Postgres refused the statement or could not be reached.
    pub async fn all(self) -> sqlx::Result<Vec<EnqueuedJob>> {
        self.db.enqueued(self.kind.as_deref(), self.queue.as_deref()).await
    }
}

/// Sees to it that a job of type `J` was enqueued for which `such` holds, and has not ended;
/// returns the first.
///
/// # Panics
///
/// If there is none; the text lists what is enqueued.
///
/// # Examples
///
/// ```no_run
/// # use ordinaut_core::{Job, testing};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct SendMail { to: String }
/// # impl Job for SendMail { const KIND: &'static str = "send_mail"; }
/// # async fn test(db: testing::TestDatabase) {
/// testing::assert_enqueued::<SendMail>(&db, |job| job.to == "ann@example.org").await;
/// # }
/// ```
pub async fn assert_enqueued<J: Job>(db: &Client, such: impl Fn(&J) -> bool) -> EnqueuedJob {
    assert_enqueued_kind(db, J::KIND, |args| is_such(args, &such)).await
}

/// Sees to it that no job of type `J` for which `such` holds waits or runs.
///
/// # Panics
///
/// If there is one.
pub async fn assert_not_enqueued<J: Job>(db: &Client, such: impl Fn(&J) -> bool) {
    assert_not_enqueued_kind(db, J::KIND, |args| is_such(args, &such)).await;
}

/// As [`assert_enqueued`], for a kind that no Rust type stands for.
///
/// # Panics
///
/// If there is none; the text lists what is enqueued.
pub async fn assert_enqueued_kind(db: &Client, kind: &str, such: impl Fn(&Value) -> bool) -> EnqueuedJob {
    let jobs = all(db).await;
    let there = list(&jobs);
    let found = jobs.into_iter().find(|job| job.kind == kind && such(&job.args));
    found.unwrap_or_else(|| panic!("no such job of kind {kind:?} is enqueued; there are {there}"))
}

/// As [`assert_not_enqueued`], for a kind that no Rust type stands for.
///
/// # Panics
///
/// If there is one.
pub async fn assert_not_enqueued_kind(db: &Client, kind: &str, such: impl Fn(&Value) -> bool) {
    let found: Vec<_> = all(db).await.into_iter().filter(|job| job.kind == kind && such(&job.args)).collect();
    assert!(found.is_empty(), "such jobs of kind {kind:?} are enqueued: {}", list(&found));
}

/// Arguments that are no `J` are none that the test is looking for.
fn is_such<J: Job>(args: &Value, such: impl Fn(&J) -> bool) -> bool {
    J::deserialize(args).is_ok_and(|job| such(&job))
}

async fn all(db: &Client) -> Vec<EnqueuedJob> {
    let jobs = enqueued(db).all().await;
    jobs.unwrap_or_else(|error| panic!("could not look at what is enqueued: {error}"))
}

fn list(jobs: &[EnqueuedJob]) -> String {
    let jobs: Vec<_> =
        jobs.iter().map(|job| format!("{} {} in {:?}, {}", job.kind, job.args, job.queue, job.state)).collect();
    if jobs.is_empty() { "none".to_owned() } else { jobs.join("; ") }
}
