//! The poll: a request for leases waits until there are some.

use super::claim::{Found, Wanted};
use super::session::RemoteSession;
use super::told::ToldLease;
use super::{Leasing, session};
use crate::auth::Caller;
use crate::problem::Problem;
use ordinaut_core::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::debug;

/// Between two looks of a poll that hears nothing.
const LOOK: Duration = Duration::from_secs(1);

/// What a client is told to wait, in seconds, where too many wait already.
const RETRY_AFTER: u32 = 1;

/// A request for leases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) claim: i32,
    /// `None`: as many as the session runs at once.
    pub(crate) max: Option<usize>,
    pub(crate) suspects: bool,
    pub(crate) again: bool,
    pub(crate) wait: Duration,
}

impl Leasing {
    /// Leases for a session, as soon as there are some; none if there are none in time, or the
    /// process stops.
    pub(crate) async fn poll(
        self: &Arc<Self>,
        id: &str,
        caller: &Caller,
        asked: Asked,
    ) -> Result<Vec<ToldLease>, Problem> {
        let began = Instant::now();
        let left = || asked.wait.saturating_sub(began.elapsed());
        let (mut place, mut permit, mut again) = (None, None, asked.again);
        loop {
            let session = self.session(id, caller).await?;
            if place.is_none() && !asked.wait.is_zero() {
                // It hears before it looks: nothing falls between the two.
                place = Some(self.hub.wait(&self.database, &session));
            }
            let wanted = Wanted {
                claim: asked.claim,
                max: asked.max.unwrap_or(session.capacity),
                suspects: asked.suspects,
                // Looked for once.
                again: std::mem::take(&mut again),
            };
            let mut next = LOOK.mul_f64(rand_around_one());
            if session.is_drained() || self.stop.is_cancelled() {
                // Nothing is claimed.
            } else if let Some(pause) = self.links.pause() {
                next = next.min(pause);
            } else {
                self.say_whether_it_asks(&session, place.is_some()).await?;
                let Found { leases, next_in } = self.claim_for(&session, wanted).await?;
                session.told().mode.claimed(leases.len());
                let told = self.tell(&session, leases).await?;
                if !told.is_empty() {
                    return Ok(told);
                }
                next = next.min(next_in.unwrap_or(next));
            }
            if left().is_zero() || self.stop.is_cancelled() {
                return Ok(Vec::new());
            }
            if permit.is_none() {
                let many = |_| Problem::too_many("too many polls wait for jobs at this process", RETRY_AFTER);
                permit = Some(self.polls.try_acquire().map_err(many)?);
            }
            let changes = session.told().mode.changes_in(Instant::now());
            let next = next.min(changes.unwrap_or(next)).min(left());
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(Vec::new()),
                () = session.wake.notified() => {}
                () = tokio::time::sleep(next) => {}
            }
            if !session.is_alive() {
                return Err(session::session_dead());
            }
        }
    }

    /// Tells Postgres whether the session asks to be told of every job at its commit, if that has
    /// changed. It is said before the claim that follows: of what is enqueued after that claim's
    /// look it is told.
    pub(super) async fn say_whether_it_asks(&self, session: &RemoteSession, waits: bool) -> Result<(), Error> {
        let (asks, asked) = {
            let (mut told, now) = (session.told(), Instant::now());
            told.mode.room(waits, now);
            let asks = told.mode.asks(now);
            (asks, std::mem::replace(&mut told.asks, asks))
        };
        if asks != asked {
            let said = self.links.run(async |leases| leases.ask_to_be_told(session.id, asks).await).await;
            if let Err(error) = said {
                session.told().asks = asked;
                debug!(%error, "could not say whether session {} asks to be told of jobs", session.id);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// With jitter, so that polls that began together do not look together.
fn rand_around_one() -> f64 {
    rand::random_range(0.75..1.25)
}
