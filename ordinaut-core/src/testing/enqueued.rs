//! What was enqueued, and has not ended.

use crate::client::Database;
use crate::testing::store::EnqueuedJob;
use serde_json::Value;

/// Jobs that have not ended, to be looked at.
#[derive(Debug)]
#[must_use = "nothing is looked at before all"]
pub struct Enqueued<'a> {
    db: &'a Database,
    kind: Option<String>,
    queue: Option<String>,
}

/// The jobs that have not ended: all, or those of a kind or a queue.
pub fn enqueued(db: &Database) -> Enqueued<'_> {
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
    pub async fn all(self) -> sqlx::Result<Vec<EnqueuedJob>> {
        self.db.enqueued(self.kind.as_deref(), self.queue.as_deref()).await
    }
}

/// Sees to it that a job of this kind was enqueued, with such arguments, and has not ended; returns the first.
///
/// # Panics
///
/// If there is none; the text says which there are.
pub async fn assert_enqueued(db: &Database, kind: &str, such: impl Fn(&Value) -> bool) -> EnqueuedJob {
    let jobs = of_kind(db, kind).await;
    let there = list(&jobs);
    let found = jobs.into_iter().find(|job| such(&job.args));
    found.unwrap_or_else(|| panic!("no such job of kind {kind:?} is enqueued; there are {there}"))
}

/// Sees to it that no job of this kind with such arguments waits or runs.
///
/// # Panics
///
/// If there is one.
pub async fn assert_not_enqueued(db: &Database, kind: &str, such: impl Fn(&Value) -> bool) {
    let found: Vec<_> = of_kind(db, kind).await.into_iter().filter(|job| such(&job.args)).collect();
    assert!(found.is_empty(), "such jobs of kind {kind:?} are enqueued: {}", list(&found));
}

async fn of_kind(db: &Database, kind: &str) -> Vec<EnqueuedJob> {
    let jobs = enqueued(db).kind(kind).all().await;
    jobs.unwrap_or_else(|error| panic!("could not look at what is enqueued: {error}"))
}

fn list(jobs: &[EnqueuedJob]) -> String {
    let jobs: Vec<_> = jobs.iter().map(|job| format!("{} in {:?}, {}", job.args, job.queue, job.state)).collect();
    if jobs.is_empty() { "none".to_owned() } else { jobs.join("; ") }
}
