//! Whether a queue takes a job: counted at most twice a second a queue, however many are enqueued.

use crate::problem::Problem;
use ordinaut_core::Client;
use ordinaut_core::queue::QueueRoom;
use std::collections::{BTreeSet, HashMap};
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

    /// Lets a job into a queue: [`Rooms::enter_all`] for one.
    pub(crate) async fn enter(&self, queue: &str, priority: i64) -> Result<(), Problem> {
        self.enter_all(&[(queue, priority)]).await
    }

    /// Lets jobs, as queue and priority, into their queues, or none of them and says why: one is
    /// full, or so full that only more urgent jobs are taken. An estimate: what others enqueue at
    /// the same time, and what this process does within half a second of the last count, may pass
    /// the bound.
    pub(crate) async fn enter_all(&self, jobs: &[(&str, i64)]) -> Result<(), Problem> {
        for queue in jobs.iter().map(|(queue, _)| *queue).collect::<BTreeSet<_>>() {
            if self.is_due(queue) {
                let room = self.database.queues().room(queue).await?;
                let mut seen = self.seen();
                if seen.len() >= MOST {
                    seen.clear();
                }
                seen.insert(queue.to_owned(), Seen { at: Instant::now(), room });
            }
        }
        let mut seen = self.seen();
        let mut rooms = HashMap::<&str, QueueRoom>::new();
        for (queue, priority) in jobs {
            let Some(known) = seen.get(*queue).and_then(|seen| seen.room) else { continue };
            let room = rooms.entry(queue).or_insert(known);
            if room.least_urgent().is_none_or(|least| *priority > i64::from(least)) {
                return Err(refusal(queue, *room));
            }
            *room = room.with_one_more();
        }
        for (queue, room) in rooms {
            if let Some(seen) = seen.get_mut(queue) {
                seen.room = Some(room);
            }
        }
        Ok(())
    }

    /// Forgets what was counted: somebody changed the bound.
    pub(crate) fn forget(&self, queue: &str) {
        self.seen().remove(queue);
    }

    /// Whether a queue is to be counted now. While one request counts, the others go by the last
    /// count, so that a busy queue is not counted by all of them at once.
    fn is_due(&self, queue: &str) -> bool {
        let mut seen = self.seen();
        let Some(seen) = seen.get_mut(queue) else { return true };
        let due = seen.at.elapsed() >= FRESH;
        if due {
            seen.at = Instant::now();
        }
        due
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
