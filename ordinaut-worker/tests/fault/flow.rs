//! Jobs that come at an even rate, whatever becomes of them.

use ordinaut_core::{Client, NewJob};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BEAT: Duration = Duration::from_millis(20);

/// 500 a second.
const JOBS_A_BEAT: usize = 10;

pub(crate) struct Flow {
    stop: CancellationToken,
    offered: JoinHandle<Vec<Uuid>>,
}

impl Flow {
    pub(crate) fn start(database: Client) -> Self {
        let stop = CancellationToken::new();
        let offered = tokio::spawn(offer(database, stop.clone()));
        Self { stop, offered }
    }

    /// The jobs that have come.
    pub(crate) async fn stop(self) -> Vec<Uuid> {
        self.stop.cancel();
        self.offered.await.unwrap()
    }
}

async fn offer(database: Client, stop: CancellationToken) -> Vec<Uuid> {
    let mut offered = Vec::new();
    // A beat that was late is made up for: the rate is what was promised.
    let mut beats = tokio::time::interval(BEAT);
    while stop.run_until_cancelled(beats.tick()).await.is_some() {
        let jobs = [(); JOBS_A_BEAT].map(|()| echo());
        database.enqueue_many(&jobs).await.unwrap();
        offered.extend(jobs.iter().map(NewJob::id));
    }
    offered
}

/// The shortest job that there is.
pub(crate) fn echo() -> NewJob {
    NewJob::new("echo", &json!({})).unwrap()
}
