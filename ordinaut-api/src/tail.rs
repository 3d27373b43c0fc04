//! The end of the log of events, read once for all clients that follow it.

use ordinaut_core::Client;
use ordinaut_core::event::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tracing::debug;

/// Slots that a client may be behind the others before it is cut off: a small event takes one.
const BEHIND: usize = 4096;

/// Octets of a slot. An event that needs more takes several, so that what is kept for clients that
/// are behind is bounded, whatever the events say: 64 MiB.
const SLOT: usize = 16 * 1024;

/// What a job of an event takes, as a number and as JSON.
const JOB: usize = 96;

/// Events that one look reads.
const PAGE: i64 = 500;

/// Between two looks: what happened is told well within a second.
const LOOK: Duration = Duration::from_millis(200);

/// Between two looks while Postgres does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// An event that many clients are told: it is written as JSON once for all that see all of it.
pub(crate) struct Told {
    pub(crate) event: Event,
    json: OnceLock<String>,
}

impl Told {
    fn new(event: Event) -> Self {
        Self { event, json: OnceLock::new() }
    }

    pub(crate) fn json(&self) -> &str {
        // Numbers, words and times: it can be written.
        self.json.get_or_init(|| serde_json::to_string(&self.event).unwrap_or_default())
    }
}

/// Slots that an event about this number of jobs takes.
fn slots(jobs: usize) -> usize {
    1 + jobs * JOB / SLOT
}

/// An event, or nothing beside one that takes several slots.
type Slot = Option<Arc<Told>>;

/// Follows the log for as long as somebody listens.
pub(crate) struct Tail {
    database: Client,
    state: Mutex<State>,
}

/// Whether it follows is decided where clients come and go, so that none comes between its last
/// look and its end.
struct State {
    /// `None`: the API stops.
    events: Option<broadcast::Sender<Slot>>,
    follows: bool,
}

impl Tail {
    pub(crate) fn new(database: Client) -> Self {
        Self { database, state: Mutex::new(State { events: Some(broadcast::channel(BEHIND).0), follows: false }) }
    }

    /// Number of clients that follow.
    pub(crate) fn clients(&self) -> usize {
        self.state().events.as_ref().map_or(0, broadcast::Sender::receiver_count)
    }

    /// Ends all streams, with the place where each may go on elsewhere.
    pub(crate) fn close(&self) {
        self.state().events = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes to all from now on; `None`: the API stops.
    fn subscribe(self: &Arc<Self>) -> Option<broadcast::Receiver<Slot>> {
        let mut state = self.state();
        let receiver = state.events.as_ref()?.subscribe();
        if !state.follows {
            state.follows = true;
            tokio::spawn(self.clone().follow());
        }
        Some(receiver)
    }

    async fn follow(self: Arc<Self>) {
        let mut last = None;
        loop {
            let wait = match self.look(last).await {
                Ok((at, events)) => {
                    last = Some(at);
                    let wait = if events.is_empty() { LOOK } else { Duration::ZERO };
                    if !self.pass_on(events) {
                        return;
                    }
                    wait
                }
                Err(error) => {
                    debug!(%error, "could not read the log of events, and will try again");
                    RETRY
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// The next events after number `last`, without one after all that there are, and the number of
    /// the last of them.
    async fn look(&self, last: Option<i64>) -> Result<(i64, Vec<Event>), ordinaut_core::Error> {
        let after = match last {
            Some(last) => last,
            None => self.database.events().last().await?,
        };
        let events = self.database.events().after(after, PAGE).await?;
        Ok((events.last().map_or(after, |event| event.n), events))
    }

    /// False: nobody listens any more, and the next client has to begin anew.
    fn pass_on(&self, events: Vec<Event>) -> bool {
        let mut state = self.state();
        let Some(sender) = state.events.as_ref().filter(|sender| sender.receiver_count() > 0) else {
            state.follows = false;
            return false;
        };
        for event in events {
            let told = Arc::new(Told::new(event));
            let beside = std::iter::repeat_n(None, slots(told.event.jobs.len()) - 1);
            for slot in beside.chain([Some(told)]) {
                // Those that left in the meantime need none.
                sender.send(slot).ok();
            }
        }
        true
    }
}

/// One client's place in the log.
pub(crate) struct Subscriber {
    tail: Arc<Tail>,
    /// The last event that it was given.
    at: i64,
    /// Read for it alone, because the others have passed them.
    read: VecDeque<Arc<Told>>,
    /// What comes to all; `None`: it has not caught up.
    live: Option<broadcast::Receiver<Slot>>,
    /// Whether it has been given what comes to all since it caught up.
    was_live: bool,
}

/// What comes next.
pub(crate) enum Next {
    Event(Arc<Told>),
    /// The client is too slow, Postgres does not answer, or the API stops: it may come again, after
    /// the last event that it has.
    End,
}

impl Subscriber {
    /// From the event after number `after` on; without one, from the next that happens.
    pub(crate) async fn new(tail: Arc<Tail>, after: Option<i64>) -> Result<Self, ordinaut_core::Error> {
        let at = match after {
            Some(after) => after,
            None => tail.database.events().last().await?,
        };
        Ok(Self { tail, at, read: VecDeque::new(), live: None, was_live: false })
    }

    /// The number of the last event that it was given.
    pub(crate) fn at(&self) -> i64 {
        self.at
    }

    /// Waits for the next event.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.at = event.event.n;
                return Next::Event(event);
            }
            let Some(live) = &mut self.live else {
                // Listening begins before the look that finds nothing more, so that nothing falls
                // between the two.
                let Some(live) = self.tail.subscribe() else { return Next::End };
                match self.tail.database.events().after(self.at, PAGE).await {
                    Ok(page) => self.read.extend(page.into_iter().map(|event| Arc::new(Told::new(event)))),
                    Err(error) => {
                        debug!(%error, "could not read the log of events for a client");
                        return Next::End;
                    }
                }
                if self.read.is_empty() {
                    (self.live, self.was_live) = (Some(live), false);
                }
                continue;
            };
            match live.recv().await {
                Ok(Some(event)) if event.event.n > self.at => {
                    (self.at, self.was_live) = (event.event.n, true);
                    return Next::Event(event);
                }
                Ok(_) => {}
                // It was still reading what the others had passed: it reads on.
                Err(RecvError::Lagged(_)) if !self.was_live => self.live = None,
                Err(_) => return Next::End,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordinaut_core::event::JobRef;

    #[test]
    fn what_is_kept_for_those_that_are_behind_is_bounded_whatever_events_say() {
        let longest = serde_json::json!({"id": uuid::Uuid::nil(), "attempt": i32::MAX}).to_string();
        assert!(size_of::<JobRef>() + longest.len() < JOB);
        assert_eq!((slots(0), slots(1), slots(150)), (1, 1, 1), "most events take one");
        for jobs in [200, 1_000, 10_000] {
            assert!(slots(jobs) * SLOT >= jobs * JOB, "{jobs} jobs");
        }
    }
}
