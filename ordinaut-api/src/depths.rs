//! How deep the queues are and how many tasks there are, counted at most every 10 seconds.

use crate::cached::Cached;
use crate::problem::Problem;
use ordinaut_core::Client;
use ordinaut_core::Error;
use ordinaut_core::error::FailureKind;
use ordinaut_core::queue::QueueStatus;
use ordinaut_core::task::TaskCount;
use std::sync::Arc;
use std::time::Duration;
use tracing::error;

/// Counting reads every row of `due_work`, and Prometheus, its twin and a dashboard may all ask at
/// once. Shorter than the usual 15 s between two scrapes, so that each of one server's sees fresh
/// numbers.
const FRESH: Duration = Duration::from_secs(10);

pub(crate) struct Depths {
    database: Client,
    /// An error is why Postgres did not answer.
    last: Cached<Result<Arc<Counted>, FailureKind>>,
}

/// What was counted.
pub(crate) struct Counted {
    pub(crate) queues: Vec<QueueStatus>,
    pub(crate) tasks: Vec<TaskCount>,
}

impl Depths {
    pub(crate) fn new(database: Client) -> Self {
        Self { database, last: Cached::default() }
    }

    /// Every queue and all tasks, as they were at most 10 seconds ago.
    pub(crate) async fn counted(&self) -> Result<Arc<Counted>, Problem> {
        let database = self.database.clone();
        let count = async move {
            let counted = count(&database).await;
            counted.map(Arc::new).map_err(|error| {
                error!(%error, "could not count jobs and tasks: {error}");
                error.kind()
            })
        };
        let fresh = |counted: &Result<_, _>| if counted.is_ok() { FRESH } else { Duration::ZERO };
        Ok(self.last.get(fresh, count).await?)
    }
}

async fn count(database: &Client) -> Result<Counted, Error> {
    Ok(Counted { queues: database.queues().all().await?, tasks: database.tasks().counts().await? })
}
