//! How deep the queues are, counted at most every 10 seconds, however many ask.

use crate::problem::Problem;
use ordinaut_core::{Database, QueueStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Counting reads every row of `due_work`, and Prometheus, its twin and a dashboard may all ask at once. Shorter
/// than the usual 15 s between two scrapes, so that each of one server's sees fresh numbers.
const FRESH: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Depths {
    database: Database,
    /// Held while counting, so that whoever asks meanwhile waits for that count.
    last: Arc<Mutex<Option<Count>>>,
}

struct Count {
    at: Instant,
    /// `None`: Postgres did not answer.
    queues: Option<Arc<Vec<QueueStatus>>>,
}

impl Depths {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, last: Arc::default() }
    }

    /// Every queue, as it was at most 10 seconds ago.
    pub(crate) async fn queues(&self) -> Result<Arc<Vec<QueueStatus>>, Problem> {
        let (depths, asked) = (self.clone(), Instant::now());
        // A task of its own: who asked may lose patience, and the next would begin the same long count again.
        let count = tokio::spawn(async move { depths.fresh(asked).await });
        count.await.expect("counting neither panics nor is aborted")
    }

    async fn fresh(&self, asked: Instant) -> Result<Arc<Vec<QueueStatus>>, Problem> {
        let mut last = self.last.lock().await;
        match &*last {
            Some(Count { at, queues: Some(queues) }) if at.elapsed() < FRESH => return Ok(queues.clone()),
            // A failure answers those who waited for it; else each would wait for the next one in turn.
            Some(Count { at, queues: None }) if *at >= asked => return Err(Problem::no_answer_from_postgres()),
            _ => {}
        }
        let counted = self.database.queues().await.map(Arc::new);
        *last = Some(Count { at: Instant::now(), queues: counted.as_ref().ok().cloned() });
        Ok(counted?)
    }
}
