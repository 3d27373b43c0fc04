//! The loop: claim as many jobs as there are free slots, run them, wait a little when there was nothing.

use super::Step;
use super::attempt::Attempt;
use super::claimer::Claimer;
use super::registry::Registry;
use super::session::Session;
use super::settler::{Answer, Letter, Settler};
use crate::settings::worker::WorkerSettings;
use crate::store::database::Database;
use crate::store::session::Profile;
use crate::vocabulary::backoff::Backoff;
use crate::vocabulary::lease::Lease;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// Between tries while Postgres is away.
const RECONNECT: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// What writing the last ends may take at least, however short the grace for handlers is.
const LEAST_FLUSH: Duration = Duration::from_secs(5);

pub(super) struct Engine<S> {
    database: Database,
    state: Arc<S>,
    registry: Registry<S>,
    settings: Arc<WorkerSettings>,
    when_stuck: fn(),
    claimer: Claimer,
    settler: Settler,
    session: Option<Arc<Session>>,
    slots: Arc<Semaphore>,
    attempts: TaskTracker,
    release: CancellationToken,
    suspects: Arc<Suspects>,
    look_for_suspects: Instant,
}

/// A job whose last attempt was lost may be what killed its worker. One of them runs at a time, so that a poisonous
/// one takes no other suspect with it.
struct Suspects {
    one_runs: AtomicBool,
    one_ended: Notify,
}

impl<S: Send + Sync + 'static> Engine<S> {
    pub(super) fn new(
        database: &Database,
        state: Arc<S>,
        registry: Registry<S>,
        settings: WorkerSettings,
        when_stuck: fn(),
    ) -> Self {
        let (name, lease) = (&settings.name, settings.lease);
        Self {
            claimer: Claimer::new(database, name, settings.queues.clone(), registry.kinds(), lease),
            settler: Settler::start(database, name, lease),
            slots: Arc::new(Semaphore::new(settings.concurrency)),
            database: database.clone(),
            settings: Arc::new(settings),
            state,
            registry,
            when_stuck,
            session: None,
            attempts: TaskTracker::new(),
            release: CancellationToken::new(),
            suspects: Arc::new(Suspects { one_runs: AtomicBool::new(false), one_ended: Notify::new() }),
            look_for_suspects: Instant::now(),
        }
    }

    pub(super) async fn run<F: Future>(mut self, shutdown: F) -> sqlx::Result<()> {
        tokio::pin!(shutdown);
        let (mut failures, mut begun) = (0, false);
        loop {
            let slots = tokio::select! {
                slots = free_slots(&self.slots) => slots,
                _ = &mut shutdown => break,
            };
            let wanted = slots.len();
            let (claimed, stop) = {
                let claim = self.claim(wanted);
                tokio::pin!(claim);
                tokio::select! {
                    claimed = &mut claim => (claimed, false),
                    _ = &mut shutdown => (claim.await, true),
                }
            };
            let wait = match claimed {
                Ok(leases) if stop => {
                    self.give_back(&leases).await;
                    break;
                }
                Ok(leases) => {
                    (failures, begun) = (0, true);
                    let full = leases.len() == wanted;
                    leases.into_iter().zip(slots).for_each(|(lease, slot)| self.start(lease, slot));
                    if full {
                        Duration::ZERO
                    } else {
                        self.settings.poll_interval.mul_f64(rand::random_range(0.75..1.25))
                    }
                }
                Err(_) if stop => break,
                // Postgres answers, and the answer will not change: the tables are not there, or not allowed.
                Err(error) if !begun && error.as_database_error().is_some() => return Err(error),
                Err(error) => {
                    warn!(%error, "could not lease jobs, and will try again");
                    failures += 1;
                    RECONNECT.delay(failures, rand::random())
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.suspects.one_ended.notified() => {}
                _ = &mut shutdown => break,
            }
        }
        self.drain().await;
        Ok(())
    }

    pub(super) async fn step(&mut self) -> sqlx::Result<Step> {
        let Some(lease) = self.claim(1).await?.pop() else { return Ok(Step::Idle) };
        let job_id = lease.token.job_id;
        let answer = match self.attempt(lease).await {
            Some(answered) => answered.await.ok(),
            None => None,
        };
        Ok(match answer {
            Some(Answer::Settled) => Step::Worked(job_id),
            Some(Answer::LeaseLost) | None => Step::LeaseLost(job_id),
        })
    }

    /// Takes up to `wanted` leases: a suspect, if none runs, and then others.
    async fn claim(&mut self, wanted: usize) -> sqlx::Result<Vec<Lease>> {
        let session = self.session().await?;
        let mut leases = Vec::new();
        if !self.suspects.one_runs.load(Ordering::Acquire) && Instant::now() >= self.look_for_suspects {
            leases = self.claimer.claim(&session, 1, true).await?;
            if leases.is_empty() {
                self.look_for_suspects = Instant::now() + self.settings.poll_interval;
            }
        }
        if leases.len() < wanted {
            match self.claimer.claim(&session, wanted - leases.len(), false).await {
                Ok(others) => leases.extend(others),
                // What was leased before the error must run all the same.
                Err(error) if leases.is_empty() => return Err(error),
                Err(error) => warn!(%error, "could not lease more jobs, and will try again"),
            }
        }
        Ok(leases)
    }

    /// The session, begun anew if there is none or if it was lost.
    async fn session(&mut self) -> sqlx::Result<Arc<Session>> {
        if let Some(session) = self.session.as_ref().filter(|session| !session.is_lost()) {
            return Ok(session.clone());
        }
        let settings = &self.settings;
        let profile = Profile {
            name: settings.name.clone(),
            host: settings.host.clone(),
            queues: settings.queues.clone(),
            kinds: self.registry.kinds(),
            concurrency: settings.concurrency,
            max_attempts: settings.max_attempts(),
            lease: settings.lease,
        };
        let session = Arc::new(Session::open(&self.database, profile, self.when_stuck).await?);
        info!(
            worker.session = session.id,
            "worker {} began session {}, queues: {}",
            settings.name,
            session.id,
            settings.queues.join(", ")
        );
        Ok(self.session.insert(session).clone())
    }

    fn start(&self, lease: Lease, slot: OwnedSemaphorePermit) {
        let attempt = self.attempt(lease);
        self.attempts.spawn(async move {
            // The slot is free as soon as the end is handed over; the settler's bounded inbox is what holds it.
            attempt.await;
            drop(slot);
        });
    }

    /// One attempt, from the start of its handler until its end is handed over to be written; who wants to know what
    /// came of that waits for the receiver. `None`: the lease was lost meanwhile.
    fn attempt(&self, lease: Lease) -> impl Future<Output = Option<oneshot::Receiver<Answer>>> + Send + use<S> {
        let session = self.session.clone().expect("a lease was claimed under a session");
        let (settings, inbox, suspects) = (self.settings.clone(), self.settler.inbox(), self.suspects.clone());
        let attempt = Attempt {
            handler: self.registry.get(&lease.kind),
            lease: lease.clone(),
            state: self.state.clone(),
            session: session.clone(),
            settings: settings.clone(),
            release: self.release.clone(),
        };
        if lease.suspect {
            suspects.one_runs.store(true, Ordering::Release);
        }
        async move {
            let end = attempt.perform().await;
            if lease.suspect {
                suspects.one_runs.store(false, Ordering::Release);
                suspects.one_ended.notify_one();
            }
            let (answer, answered) = oneshot::channel();
            let (ended, budget) = end?;
            let letter = Letter {
                ended,
                kind: lease.kind,
                book: session.book.clone(),
                budget,
                backoff: settings.backoff(),
                answer,
            };
            inbox.send(letter).await.ok()?;
            Some(answered)
        }
    }

    async fn give_back(&mut self, leases: &[Lease]) {
        if let Some(session) = self.session.clone() {
            self.claimer.give_back(&session, leases).await;
        }
    }

    /// Waits for what runs and then gives it back, writes all ends, and ends the session.
    async fn drain(mut self) {
        let (name, grace) = (&self.settings.name, self.settings.shutdown_grace);
        info!("worker {name} stops: {} jobs may take {} s to end", self.attempts.len(), grace.as_secs());
        self.attempts.close();
        if tokio::time::timeout(grace, self.attempts.wait()).await.is_err() {
            warn!("giving {} jobs back that did not end in time", self.attempts.len());
            self.release.cancel();
            self.attempts.wait().await;
        }
        self.settler.close(grace.max(LEAST_FLUSH)).await;
        self.claimer.close().await;
        if let Some(session) = self.session.take().and_then(Arc::into_inner) {
            session.close().await;
        }
        info!("worker {name} stopped");
    }
}

/// All slots that are free now, and at least one.
async fn free_slots(slots: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let first = slots.clone().acquire_owned().await.expect("nobody closes the slots");
    let more = std::iter::from_fn(|| slots.clone().try_acquire_owned().ok());
    std::iter::once(first).chain(more).collect()
}
