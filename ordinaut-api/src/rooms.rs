//! Whether a queue has room for one job more: counted at most twice a second a queue, however many are enqueued.

use crate::problem::Problem;
use ordinaut_core::{Database, QueueRoom};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FRESH: Duration = Duration::from_millis(500);

/// What a client is told to wait, in seconds.
const RETRY_AFTER: u32 = 2;

/// As many queues as are remembered: names come from clients.
const MOST: usize = 1000;

pub(crate) struct Rooms {
    database: Database,
    seen: Mutex<HashMap<String, Seen>>,
}

struct Seen {
    at: Instant,
    /// How many jobs may still come; `None`: any number.
    left: Option<i64>,
}

impl Rooms {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, seen: Mutex::default() }
    }

    /// Lets one job into a queue, or says that it is full. An estimate: what others enqueue meanwhile, and what this process
    /// does within half a second of the last count, may pass the bound.
    pub(crate) async fn enter(&self, queue: &str) -> Result<(), Problem> {
        if let Some(entered) = self.enter_seen(queue) {
            return entered;
        }
        let room = self.database.queue_room(queue).await?;
        let mut seen = self.seen();
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(queue.to_owned(), Seen { at: Instant::now(), left: room.map(QueueRoom::left) });
        drop(seen);
        self.enter_seen(queue).unwrap_or(Ok(()))
    }

    /// Forgets what was counted: somebody changed the bound.
    pub(crate) fn forget(&self, queue: &str) {
        self.seen().remove(queue);
    }

    /// `None`: it was not counted lately.
    fn enter_seen(&self, queue: &str) -> Option<Result<(), Problem>> {
        let mut seen = self.seen();
        let seen = seen.get_mut(queue).filter(|seen| seen.at.elapsed() < FRESH)?;
        match &mut seen.left {
            Some(left) if *left <= 0 => Some(Err(Problem::too_many(
                format!("queue \"{queue}\" is full: as many jobs wait as its max_waiting allows"),
                RETRY_AFTER,
            )
            .about("queue"))),
            Some(left) => {
                *left -= 1;
                Some(Ok(()))
            }
            None => Some(Ok(())),
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
