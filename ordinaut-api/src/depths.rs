//! How deep the queues are and how many tasks there are, counted at most every 10 seconds, however many ask.

use crate::problem::Problem;
use ordinaut_core::Client;
use ordinaut_core::Error;
use ordinaut_core::error::FailureKind;
use ordinaut_core::queue::QueueStatus;
use ordinaut_core::task::TaskCount;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Counting reads every row of `due_work`, and Prometheus, its twin and a dashboard may all ask at once. Shorter
/// than the usual 15 s between two scrapes, so that each of one server's sees fresh numbers.
const FRESH: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Depths {
    database: Client,
    /// Held while counting, so that a request that comes then waits for that count.
    last: Arc<Mutex<Option<Count>>>,
}

struct Count {
    at: Instant,
    /// An error is why Postgres did not answer.
    counted: Result<Arc<Counted>, FailureKind>,
}

/// What was counted.
pub(crate) struct Counted {
    pub(crate) queues: Vec<QueueStatus>,
    pub(crate) tasks: Vec<TaskCount>,
}

impl Depths {
    pub(crate) fn new(database: Client) -> Self {
        Self { database, last: Arc::default() }
    }

    /// Every queue and all tasks, as they were at most 10 seconds ago.
    pub(crate) async fn counted(&self) -> Result<Arc<Counted>, Problem> {
        let (depths, asked) = (self.clone(), Instant::now());
        // A task of its own: who asked may lose patience, and the next would begin the same long count again.
        let count = tokio::spawn(async move { depths.fresh(asked).await });
        count.await.expect("counting neither panics nor is aborted")
    }

    async fn fresh(&self, asked: Instant) -> Result<Arc<Counted>, Problem> {
        let mut last = self.last.lock().await;
        match &*last {
            Some(Count { at, counted: Ok(counted) }) if at.elapsed() < FRESH => return Ok(counted.clone()),
            // A failure answers those who waited for it; else each would wait for the next one in turn.
            Some(Count { at, counted: Err(failure) }) if *at >= asked => return Err((*failure).into()),
            _ => {}
        }
        let counted = self.count().await.map(Arc::new);
        *last = Some(Count { at: Instant::now(), counted: counted.as_ref().cloned().map_err(Error::kind) });
        Ok(counted?)
    }

    async fn count(&self) -> Result<Counted, Error> {
        Ok(Counted { queues: self.database.queues().all().await?, tasks: self.database.tasks().counts().await? })
    }
}
