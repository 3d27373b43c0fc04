//! Whether a queue takes a job: counted at most twice a second a queue, however many are enqueued.

use crate::problem::Problem;
use ordinaut_core::Client;
use ordinaut_core::queue::QueueRoom;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FRESH: Duration = Duration::from_millis(500);

/// What a client is told to wait, in seconds.
const RETRY_AFTER: u32 = 2;

/// Maximum number of queues that are remembered: names come from clients.
const MOST: usize = 1000;

pub(crate) struct Rooms {
    database: Client,
    seen: Mutex<HashMap<String, Seen>>,
}

struct Seen {
    at: Instant,
    /// `None`: any number of jobs may wait.
    room: Option<QueueRoom>,
}

impl Rooms {
    pub(crate) fn new(database: Client) -> Self {
        Self { database, seen: Mutex::default() }
    }

    /// Lets one job into a queue, or says why not: it is full, or so full that only more urgent
    /// ones are taken. An estimate: what others enqueue at the same time, and what this process
    /// does within half a second of the last count, may pass the bound.
    pub(crate) async fn enter(&self, queue: &str, priority: i64) -> Result<(), Problem> {
        if let Some(entered) = self.enter_seen(queue, priority) {
            return entered;
        }
        let room = self.database.queues().room(queue).await?;
        let mut seen = self.seen();
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(queue.to_owned(), Seen { at: Instant::now(), room });
        drop(seen);
        self.enter_seen(queue, priority).unwrap_or(Ok(()))
    }

    /// Forgets what was counted: somebody changed the bound.
    pub(crate) fn forget(&self, queue: &str) {
        self.seen().remove(queue);
    }

    /// `None`: it was not counted lately, and is to be counted now. While one request counts, the
    /// others go by the last count, so that a busy queue is not counted by all of them at once.
    fn enter_seen(&self, queue: &str, priority: i64) -> Option<Result<(), Problem>> {
        let mut seen = self.seen();
        let seen = seen.get_mut(queue)?;
        if seen.at.elapsed() >= FRESH {
            seen.at = Instant::now();
            return None;
        }
        let Some(room) = seen.room else { return Some(Ok(())) };
        if room.least_urgent().is_some_and(|least| priority <= i64::from(least)) {
            seen.room = Some(room.with_one_more());
            return Some(Ok(()));
        }
        Some(Err(refusal(queue, room)))
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a client is told whose job is not taken.
fn refusal(queue: &str, room: QueueRoom) -> Problem {
    let problem = match room.least_urgent() {
        None => {
            let full = format!("queue \"{queue}\" is full: max_waiting jobs wait in it");
            Problem::too_many(full, RETRY_AFTER).about("queue")
        }
        Some(least) => {
            let level = room.level;
            let fills = format!("queue \"{queue}\" is at level {level}: it takes jobs of priority 1 to {least} only");
            Problem::too_many(fills, RETRY_AFTER).about("priority")
        }
    };
    problem.with("queue", queue).with("level", room.level.as_str()).with("least_urgent", room.least_urgent())
}
