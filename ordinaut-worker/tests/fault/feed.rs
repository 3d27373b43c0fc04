//! A client that keeps calls of the sink waiting, whatever becomes of Postgres, and remembers what
//! was answered.

use ordinaut_core::{Client, NewJob};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const JOBS_AT_ONCE: usize = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub(crate) struct Feed {
    stop: CancellationToken,
    answered: JoinHandle<Vec<Uuid>>,
}

impl Feed {
    /// So many jobs of 5 to 50 ms wait all the time.
    pub(crate) fn start(database: Client, sink: String, waiting: i64, random: StdRng) -> Self {
        let stop = CancellationToken::new();
        Self { answered: tokio::spawn(feed(database, sink, waiting, random, stop.clone())), stop }
    }

    /// The jobs whose enqueue was answered. Others may exist too.
    pub(crate) async fn stop(self) -> Vec<Uuid> {
        self.stop.cancel();
        self.answered.await.unwrap()
    }
}

async fn feed(database: Client, sink: String, waiting: i64, mut random: StdRng, stop: CancellationToken) -> Vec<Uuid> {
    let mut answered = Vec::new();
    while !stop.is_cancelled() {
        let left = sqlx::query_scalar::<_, i64>("select count(*) from ordinaut.due_work").fetch_one(database.pool());
        if left.await.is_ok_and(|left| left < waiting) {
            let mut call = || format!("{sink}{}", random.random_range(5..=50));
            let jobs: Vec<_> =
                (0..JOBS_AT_ONCE).map(|_| NewJob::new("http", &json!({"url": call()})).unwrap()).collect();
            if database.enqueue_many(&jobs).await.is_ok() {
                answered.extend(jobs.iter().map(NewJob::id));
            }
        } else {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
    answered
}
