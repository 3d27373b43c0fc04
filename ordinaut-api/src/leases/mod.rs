//! Leases for workers elsewhere: what this process remembers of their sessions, and the loops that
//! it runs for them. All of it is a cache: any process of the API serves any session.

mod beat;
mod claim;
mod ends;
mod hub;
mod poll;
mod session;
mod told;

pub(crate) use ends::{Answered, End};
pub(crate) use poll::Asked;
pub(crate) use session::{RemoteSession, lease_lost};
pub(crate) use told::ToldLease;

use crate::auth::Caller;
use crate::guard;
use crate::problem::Problem;
use hub::Hub;
use ordinaut_core::lease::{LeaseLinks, SessionCounts, Token};
use ordinaut_core::worker::elsewhere::{EndWriter, KeptPolicies};
use ordinaut_core::{Client, Error};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Connections to Postgres for the leases of all sessions, made when they are needed: with four a
/// claim waits for no other one until thousands come in a second.
const LINKS: usize = 4;

/// Maximum number of polls that wait: each of them claims once a second, which Postgres and one
/// processor do some thousands of.
const POLLS: usize = 1000;

/// Between two looks for leases that run nowhere; each reads the whole table of work, as rescue
/// does in the same time.
const LOOK: Duration = Duration::from_secs(5);

/// What writing the last ends may take.
const LAST: Duration = Duration::from_secs(5);

/// What the process does for workers elsewhere.
pub(crate) struct Leasing {
    database: Client,
    links: LeaseLinks,
    ends: EndWriter,
    policies: KeptPolicies,
    sessions: Mutex<HashMap<i64, Arc<RemoteSession>>>,
    hub: Arc<Hub>,
    polls: Semaphore,
    stop: CancellationToken,
}

impl Leasing {
    /// Must be called within a runtime. It connects to nothing before the first session comes.
    pub(crate) fn new(database: &Client) -> Self {
        let hub = Arc::new(Hub::default());
        let ends = EndWriter::start(database, "api", hub.anything());
        Self {
            database: database.clone(),
            links: LeaseLinks::new(database, "api", LINKS),
            ends,
            policies: KeptPolicies::default(),
            sessions: Mutex::default(),
            hub,
            polls: Semaphore::new(POLLS),
            stop: CancellationToken::new(),
        }
    }

    /// Ends all polls at once, with what they have: nothing.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends when the process is about to.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Writes what is counted, before the process ends.
    pub(crate) async fn end(&self) {
        if tokio::time::timeout(LAST, self.count()).await.is_err() {
            warn!("could not count what was settled last: Postgres does not answer");
        }
    }

    /// Looks after the sessions for as long as it is asked.
    pub(crate) async fn keep(&self) {
        let wake_all = async {
            let anything = self.hub.anything();
            loop {
                anything.notified().await;
                self.hub.heard(None);
            }
        };
        let look = async {
            let mut times = tokio::time::interval(LOOK);
            times.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                times.tick().await;
                self.count().await;
                self.forget_unused();
                if let Err(error) = self.look_for_forgotten().await {
                    debug!(%error, "could not look for leases that run nowhere, and will try again");
                }
            }
        };
        tokio::join!(wake_all, look);
    }

    /// A living session of the caller.
    pub(crate) async fn session(&self, id: &str, caller: &Caller) -> Result<Arc<RemoteSession>, Problem> {
        let session = self.session_of(number(id)?, caller).await?.ok_or_else(|| unknown(id))?;
        if !session.is_known_to_live() {
            self.look_at(&session).await?;
        }
        if session.is_alive() { Ok(session) } else { Err(self.lose(&session)) }
    }

    /// A session of the caller, which may have ended; `None`: there is none, or it is another
    /// agent's.
    async fn session_of(&self, id: i64, caller: &Caller) -> Result<Option<Arc<RemoteSession>>, Problem> {
        let known = self.sessions().get(&id).cloned();
        let session = match known {
            Some(session) => session,
            None => {
                let status = self.links.run(async |leases| leases.session(id).await).await?;
                let Some(session) = status.and_then(|status| RemoteSession::new(id, &status)) else { return Ok(None) };
                // Two requests may have looked: what the first remembers is kept.
                self.sessions().entry(id).or_insert_with(|| Arc::new(session)).clone()
            }
        };
        if session.agent != *caller.access.agent {
            return Ok(None);
        }
        for queue in &session.queues {
            caller.access.may_use(queue).map_err(|denied| guard::problem(&denied))?;
        }
        session.is_used();
        Ok(Some(session))
    }

    /// Asks Postgres how a session stands.
    async fn look_at(&self, session: &RemoteSession) -> Result<(), Error> {
        let asked = std::time::Instant::now();
        let status = self.links.run(async |leases| leases.session(session.id).await).await?;
        session.looked(asked, status.as_ref());
        Ok(())
    }

    /// Forgets a session that has ended.
    fn lose(&self, session: &RemoteSession) -> Problem {
        session.ended();
        self.sessions().remove(&session.id);
        session::session_dead()
    }

    /// Ends a session in order: what it holds goes back.
    pub(crate) async fn close(&self, session: &RemoteSession) -> Result<(), Problem> {
        session.ended();
        self.hub.heard(None);
        let held = self.links.run(async |leases| leases.held_by(&[session.id]).await).await?;
        self.give_back(session.id, &held).await?;
        self.links.run(async |leases| leases.close_session(session.id, &SessionCounts::default()).await).await?;
        self.sessions().remove(&session.id);
        Ok(())
    }

    async fn give_back(&self, session: i64, tokens: &[Token]) -> Result<(), Error> {
        if tokens.is_empty() {
            return Ok(());
        }
        self.links.run(async |leases| leases.give_back(session, tokens).await).await
    }

    /// Finds leases that run nowhere and that this process does not remember: it was killed, or
    /// another process gave them out, and the answer was lost.
    async fn look_for_forgotten(&self) -> Result<(), Error> {
        // What the workers said is from before the look.
        let said: HashMap<i64, _> =
            self.all().iter().filter_map(|session| Some((session.id, session.said()?))).collect();
        if said.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = said.keys().copied().collect();
        let mut forgotten: HashMap<i64, Vec<Token>> = HashMap::new();
        for token in self.links.run(async |leases| leases.held_by(&ids).await).await? {
            if said.get(&token.session).is_some_and(|said| said.has_forgotten(&token)) {
                forgotten.entry(token.session).or_default().push(token);
            }
        }
        for (session, tokens) in forgotten {
            warn!(worker.session = session, "gave back {} jobs that their worker does not run", tokens.len());
            self.give_back(session, &tokens).await?;
        }
        Ok(())
    }

    async fn count(&self) {
        let counts = self.ends.take_counts();
        if counts.is_empty() {
            return;
        }
        if let Err(error) = self.links.run(async |leases| leases.count(&counts).await).await {
            warn!(%error, "could not count what was settled for workers elsewhere");
        }
    }

    /// Forgets sessions that nobody has asked for in the time of a lease.
    fn forget_unused(&self) {
        self.sessions().retain(|_, session| session.is_in_use());
    }

    fn all(&self) -> Vec<Arc<RemoteSession>> {
        self.sessions().values().cloned().collect()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<i64, Arc<RemoteSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's number, as clients send it.
fn number(id: &str) -> Result<i64, Problem> {
    id.parse().ok().filter(|id| *id > 0).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no session {id:?} of this agent"))
}
