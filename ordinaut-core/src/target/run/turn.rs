//! Turns of targets that have limits. A call begins when Postgres has given it a turn, and gives it
//! back when it has ended; a target without limits has none of this.

use crate::client::Client;
use crate::db::timeout::answered;
use crate::lease::token::Token;
use crate::notify::notifier;
use crate::target::definition::Target;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tracing::debug;
use uuid::Uuid;

/// Longest wait of a call for its turn. Then its job waits aside, without a slot of its worker.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks for calls that ended in other processes, of which this one does not hear.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Longest wait for a statement.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Number of calls that one statement ends.
const TOGETHER: usize = 100;

/// A call of a target that has a turn.
pub(crate) type CallWithTurn = (String, Uuid);

/// A turn. Dropped, it is given back.
#[derive(Default)]
pub(crate) struct Turn {
    held: Option<(mpsc::UnboundedSender<CallWithTurn>, CallWithTurn)>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((ended, call)) = self.held.take() {
            // Nobody listens in a process that ends: the turn is free when its job's lease is.
            ended.send(call).ok();
        }
    }
}

/// Calls of a process that wait for a turn of one target.
#[derive(Default)]
pub(crate) struct TurnLine {
    /// One asks at a time.
    asking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// There may be room.
    freed: Notify,
}

#[derive(Default)]
struct State {
    waiting: u32,
    full_until: Option<Instant>,
}

/// A place in the line.
struct Place<'a>(&'a TurnLine);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

impl TurnLine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: those that wait already may take all the turns of [`PATIENCE`].
    fn join(&self, target: &Target) -> Option<Place<'_>> {
        let mut state = self.state();
        let in_time = target.rate.map_or(u32::MAX, |rate| (rate * PATIENCE.as_secs_f64()).ceil() as u32);
        let at_once = target.concurrency.unwrap_or(u32::MAX);
        // Those that are about to get their turn wait here too.
        if state.waiting >= in_time.min(at_once).saturating_mul(2) {
            return None;
        }
        state.waiting += 1;
        drop(state);
        Some(Place(self))
    }

    /// Time until it is worth asking.
    fn full_for(&self) -> Option<Duration> {
        let until = self.state().full_until?;
        until.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }

    fn is_full_for(&self, wait: Duration) {
        self.state().full_until = Instant::now().checked_add(wait);
    }

    /// Calls of this process have ended.
    pub(crate) fn is_freed(&self) {
        self.state().full_until = None;
        self.freed.notify_waiters();
    }

    /// A turn for a call in the attempt; `None`: the limits leave no room in time.
    pub(crate) async fn turn(
        &self,
        client: &Client,
        target: &Target,
        attempt: Token,
        ended: &mpsc::UnboundedSender<CallWithTurn>,
    ) -> Result<Option<Turn>, sqlx::Error> {
        let Some(_place) = self.join(target) else { return Ok(None) };
        let began = Instant::now();
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Before anybody asks: what ends in between is heard.
            freed.as_mut().enable();
            let asking = self.asking.lock().await;
            let wait = match self.full_for() {
                Some(wait) => wait,
                None => {
                    let call = Uuid::new_v4();
                    let took = answered(STATEMENT_TIMEOUT, client.targets().take_turn(&target.name, call, attempt));
                    let seconds = took.await?;
                    if seconds <= 0.0 {
                        let held = target.concurrency.map(|_| (ended.clone(), (target.name.clone(), call)));
                        return Ok(Some(Turn { held }));
                    }
                    let wait =
                        if seconds.is_finite() { Duration::from_secs_f64(seconds.min(3600.0)) } else { ASK_AGAIN };
                    self.is_full_for(wait);
                    wait
                }
            };
            drop(asking);
            if began.elapsed() + wait > PATIENCE {
                return Ok(None);
            }
            tokio::time::timeout(wait, freed).await.ok();
        }
    }
}

/// Gives turns back; whether that was written.
async fn give_back(client: &Client, calls: &[CallWithTurn]) -> bool {
    match answered(STATEMENT_TIMEOUT, client.targets().give_turns_back(calls)).await {
        Ok(queues) => {
            notifier::tell(client, queues.iter().map(|queue| &**queue));
            true
        }
        // They are free when the leases of their jobs are.
        Err(error) => {
            debug!(%error, "could not give {} turns of targets back", calls.len());
            false
        }
    }
}

/// Gives turns back as calls end, and says of which targets.
pub(crate) async fn give_all_back(
    client: &Client,
    mut ended: mpsc::UnboundedReceiver<CallWithTurn>,
    is_freed: impl Fn(&str),
) {
    let mut calls = Vec::new();
    while ended.recv_many(&mut calls, TOGETHER).await > 0 {
        if give_back(client, &calls).await {
            calls.iter().for_each(|(target, _)| is_freed(target));
        }
        calls.clear();
    }
}
