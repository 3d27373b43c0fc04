//! A session of a worker elsewhere, as far as this process remembers it.

use crate::problem::Problem;
use ordinaut_core::job::Backoff;
use ordinaut_core::lease::{ClaimMemory, Lease, NotifyMode, Retries, SessionStatus, Token};
use ordinaut_core::limit::Limiter;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Time for which a process believes what it knows of a session: whether it lives, and whether its
/// worker was drained. As long as a worker of the library needs to hear of it.
const BELIEVED: Duration = Duration::from_secs(1);

/// The longest wait of a failed job whose kind says nothing, as in a worker of the library.
const BACKOFF_CAP: Duration = Duration::from_secs(6 * 3600);

/// A suspect that may run for longer than a day keeps others waiting for a moment only, as in a
/// worker of the library.
const LONG: f64 = 86_400.0;
const MOMENT: Duration = Duration::from_secs(5);

/// Between two looks for suspects.
const SUSPECTS: Duration = Duration::from_millis(500);

/// Claims that are remembered: a worker that says that they were answered has far fewer.
const CLAIMS: usize = 1000;

/// A session.
pub(crate) struct RemoteSession {
    pub(crate) id: i64,
    pub(crate) agent: String,
    pub(crate) queues: Vec<Arc<str>>,
    pub(crate) capacity: usize,
    pub(crate) lease: Duration,
    max_attempts: i16,
    /// What its worker has, of what jobs may ask of theirs.
    pub(super) labels: Vec<String>,
    /// What claims remember. Never locked over a statement: claims of a session go beside each
    /// other.
    pub(super) memory: Mutex<ClaimMemory>,
    /// Locked over statements, and so only where there are limits.
    pub(super) limiter: tokio::sync::Mutex<Limiter>,
    pub(super) limits: AtomicBool,
    /// What is waited for may be there; the limiter is told by the next claim.
    pub(super) limiter_woken: AtomicBool,
    /// Wakes one of the session's polls.
    pub(super) wake: Notify,
    pub(super) told: Mutex<Told>,
    state: Mutex<State>,
}

/// Whether the session asks to be told of jobs at their commit.
pub(super) struct Told {
    pub(super) mode: NotifyMode,
    /// What Postgres was last told.
    pub(super) asks: bool,
}

struct State {
    alive: bool,
    drained: bool,
    looked: Instant,
    /// Time for which its leases held then. When it is over its jobs are rescued, and the
    /// notification of that must not make the poll of a frozen worker claim them again.
    left: Duration,
    used: Instant,
    /// Claims by number, above those that the worker has said were answered.
    claims: BTreeMap<i32, Arc<tokio::sync::Mutex<Claimed>>>,
    /// Leases that this process gave out, and what it takes to settle them.
    given: HashMap<Token, Given>,
    said: Option<Arc<Said>>,
    looked_for_suspects: Option<Instant>,
}

/// What came of a claim.
#[derive(Default)]
pub(super) struct Claimed {
    pub(super) tokens: Vec<Token>,
    /// It may have made leases that are not known here.
    pub(super) doubtful: bool,
}

/// A lease that was given out, without its arguments.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) lease: Lease,
    pub(crate) encrypted: bool,
    at: Instant,
}

/// What the worker said in its last heartbeat.
pub(super) struct Said {
    pub(super) answered: i32,
    pub(super) running: HashSet<Token>,
}

impl Said {
    /// Whether a lease runs nowhere: its claim was answered, and the worker does not name it.
    pub(super) fn has_forgotten(&self, token: &Token) -> bool {
        token.nonce <= self.answered && !self.running.contains(token)
    }
}

impl Given {
    pub(super) fn of(lease: &Lease) -> Self {
        let (mut lease, encrypted) = (lease.clone(), lease.is_encrypted());
        if let Ok(body) = &mut lease.body {
            (body.args, body.tags) = (String::new(), Vec::new());
        }
        Self { lease, encrypted, at: Instant::now() }
    }

    /// Whether no other suspect may run beside it.
    fn keeps_suspects_waiting(&self) -> bool {
        let timeout = self.lease.body.as_ref().ok().and_then(|body| body.timeout_seconds);
        let is_long = timeout.is_some_and(|seconds| seconds > LONG);
        self.lease.suspect && (!is_long || self.at.elapsed() < MOMENT)
    }
}

impl RemoteSession {
    /// `None`: it is no session of a worker elsewhere.
    pub(super) fn new(id: i64, status: &SessionStatus) -> Option<Self> {
        let (agent, now) = (status.agent.clone()?, Instant::now());
        let kinds = status.kinds.iter().map(|kind| kind.as_str().into()).collect();
        let queues = status.queues.iter().map(|queue| (queue.as_str(), 1));
        let lease = seconds(status.lease_seconds);
        Some(Self {
            id,
            agent,
            queues: status.queues.iter().map(|queue| queue.as_str().into()).collect(),
            capacity: usize::try_from(status.concurrency).unwrap_or(1),
            lease,
            max_attempts: status.max_attempts,
            labels: status.labels.clone(),
            memory: Mutex::new(ClaimMemory::new(queues, kinds, None, now)),
            limiter: tokio::sync::Mutex::default(),
            limits: AtomicBool::new(false),
            limiter_woken: AtomicBool::new(false),
            wake: Notify::new(),
            told: Mutex::new(Told { mode: NotifyMode::new(now), asks: status.asks_to_be_told }),
            state: Mutex::new(State {
                alive: status.alive,
                drained: status.drained,
                looked: now,
                left: seconds(status.seconds_left),
                used: now,
                claims: BTreeMap::new(),
                given: HashMap::new(),
                said: None,
                looked_for_suspects: None,
            }),
        })
    }

    /// The parts of the session that a heartbeat is to come in: within two seconds after a crash of
    /// Postgres a worker has to hear which of its leases are lost, because then others claim.
    pub(crate) fn heartbeat(lease: Duration) -> Duration {
        (lease / 6).min(Duration::from_secs(1))
    }

    pub(super) fn is_known_to_live(&self) -> bool {
        let state = self.state();
        state.alive && state.looked.elapsed() < believed(state.left, self.lease)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.state().alive
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.state().drained
    }

    /// What Postgres said of it, asked at this instant.
    pub(super) fn looked(&self, asked: Instant, status: Option<&SessionStatus>) {
        let mut state = self.state();
        state.looked = asked;
        state.left = status.map(|status| seconds(status.seconds_left)).unwrap_or_default();
        state.alive = status.is_some_and(|status| status.alive);
        state.drained = status.is_some_and(|status| status.drained);
        drop(state);
        if let Some(status) = status {
            // Another process may have said otherwise in the meantime.
            self.told().asks = status.asks_to_be_told;
        }
    }

    pub(super) fn ended(&self) {
        self.state().alive = false;
    }

    pub(super) fn is_used(&self) {
        self.state().used = Instant::now();
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.state().used.elapsed() < self.lease.max(Duration::from_secs(60))
    }

    /// There may be work, or room under limits.
    pub(super) fn woken(&self) {
        self.told().mode.hinted();
        self.memory().woken();
        self.limiter_woken.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// The claim of this number; `None`: the worker has said that it waits for it no more.
    pub(super) fn claim(&self, number: i32) -> Option<Arc<tokio::sync::Mutex<Claimed>>> {
        let mut state = self.state();
        if state.said.as_ref().is_some_and(|said| number <= said.answered) {
            return None;
        }
        while state.claims.len() >= CLAIMS {
            state.claims.pop_first();
        }
        Some(state.claims.entry(number).or_default().clone())
    }

    /// Leases are given out.
    pub(super) fn give(&self, leases: &[Lease]) {
        let mut state = self.state();
        state.given.extend(leases.iter().map(|lease| (lease.token, Given::of(lease))));
    }

    /// What is known of a lease that this process gave out.
    pub(crate) fn given(&self, token: &Token) -> Option<Given> {
        self.state().given.get(token).cloned()
    }

    /// Leases are settled, or gone.
    pub(super) fn settled<'a>(&self, tokens: impl IntoIterator<Item = &'a Token>) {
        let mut state = self.state();
        for token in tokens {
            state.given.remove(token);
        }
    }

    /// Whether to look for a suspect: none is out, and the last look was a while ago.
    pub(super) fn may_take_a_suspect(&self) -> bool {
        let mut state = self.state();
        let looked = state.looked_for_suspects.is_some_and(|at| at.elapsed() < SUSPECTS);
        if looked || state.given.values().any(Given::keeps_suspects_waiting) {
            return false;
        }
        state.looked_for_suspects = Some(Instant::now());
        true
    }

    /// The worker said what it runs. The answer is what this process gave out and runs nowhere.
    pub(super) fn heard(&self, said: Said) -> Vec<Token> {
        let mut state = self.state();
        let forgotten: Vec<_> = state.given.keys().filter(|token| said.has_forgotten(token)).copied().collect();
        forgotten.iter().for_each(|token| drop(state.given.remove(token)));
        state.claims.retain(|number, _| *number > said.answered);
        state.said = Some(Arc::new(said));
        forgotten
    }

    /// Number of jobs that it runs, as far as this process knows.
    pub(super) fn running(&self) -> usize {
        let state = self.state();
        state.said.as_ref().map_or(0, |said| said.running.len()).max(state.given.len())
    }

    pub(super) fn said(&self) -> Option<Arc<Said>> {
        self.state().said.clone()
    }

    /// How a job of the session may fail.
    pub(crate) fn retries(&self, lease: &Lease) -> Retries {
        lease.retries(self.max_attempts, Backoff::exponential(BACKOFF_CAP))
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, ClaimMemory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a worker is told whose session has ended.
pub(super) fn session_dead() -> Problem {
    Problem::conflict("the session has ended, and its jobs run elsewhere: open a new one")
        .with("reason", "session_dead")
}

/// What a worker is told whose lease holds no more.
pub(crate) fn lease_lost() -> Problem {
    let detail = "the lease was lost: another attempt owns the job, or it has ended; nothing was written";
    Problem::conflict(detail).with("reason", "lease_lost")
}

/// Time for which a look at a session is believed, whose leases held for `left` then.
fn believed(left: Duration, lease: Duration) -> Duration {
    left.min(BELIEVED).min(lease / 6)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_believed_until_the_lease_is_over_and_no_longer() {
        let lease = Duration::from_secs(600);
        assert_eq!(believed(lease, lease), BELIEVED);
        assert_eq!(believed(Duration::from_millis(3), lease), Duration::from_millis(3));
        assert_eq!(believed(seconds(0.0), lease), Duration::ZERO);
        assert_eq!(believed(Duration::from_secs(3), Duration::from_secs(3)), Duration::from_millis(500));
    }
}
