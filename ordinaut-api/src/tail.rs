//! The end of the log of events, read once for all clients that follow it.

use ordinaut_core::Client;
use ordinaut_core::event::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinHandle;
use tracing::debug;

/// Events that a client may be behind the others before it is cut off.
const BEHIND: usize = 4096;

/// Events that one look reads.
const PAGE: i64 = 500;

/// Between two looks: what happened is told well within a second.
const LOOK: Duration = Duration::from_millis(200);

/// Between two looks while Postgres does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Follows the log for as long as somebody listens.
pub(crate) struct Tail {
    database: Client,
    events: broadcast::Sender<Arc<Event>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Tail {
    pub(crate) fn new(database: Client) -> Self {
        Self { database, events: broadcast::channel(BEHIND).0, task: Mutex::default() }
    }

    /// Number of clients that follow.
    pub(crate) fn clients(&self) -> usize {
        self.events.receiver_count()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        let receiver = self.events.subscribe();
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(follow(self.database.clone(), self.events.clone())));
        }
        receiver
    }
}

async fn follow(database: Client, events: broadcast::Sender<Arc<Event>>) {
    let mut last = None;
    while events.receiver_count() > 0 {
        let look = async {
            let after = match last {
                Some(last) => last,
                None => database.events().last().await?,
            };
            let page = database.events().after(after, PAGE).await?;
            Ok::<_, ordinaut_core::Error>((after, page))
        };
        let wait = match look.await {
            Ok((after, page)) => {
                last = Some(page.last().map_or(after, |event| event.n));
                let is_last = page.is_empty();
                for event in page {
                    // Nobody listens any more: the loop ends.
                    events.send(Arc::new(event)).ok();
                }
                if is_last { LOOK } else { Duration::ZERO }
            }
            Err(error) => {
                debug!(%error, "could not read the log of events, and will try again");
                RETRY
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// One client's place in the log.
pub(crate) struct Follower {
    tail: Arc<Tail>,
    /// The last event that it was given.
    at: i64,
    /// Read for it alone, because the others have passed them.
    read: VecDeque<Arc<Event>>,
    /// What comes to all; `None`: it has not caught up.
    live: Option<broadcast::Receiver<Arc<Event>>>,
    /// Whether it has been given what comes to all since it caught up.
    was_live: bool,
}

/// What comes next.
pub(crate) enum Next {
    Event(Arc<Event>),
    /// The client is too slow, or Postgres does not answer: it may come again, after the last event that it has.
    End,
}

impl Follower {
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
                self.at = event.n;
                return Next::Event(event);
            }
            let Some(live) = &mut self.live else {
                // Listening begins before the look that finds nothing more, so that nothing falls between the two.
                let live = self.tail.subscribe();
                match self.tail.database.events().after(self.at, PAGE).await {
                    Ok(page) => self.read.extend(page.into_iter().map(Arc::new)),
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
                Ok(event) if event.n > self.at => {
                    (self.at, self.was_live) = (event.n, true);
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
