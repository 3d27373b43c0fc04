//! The worker's loops: the claimer fills the shelf, runners take from it, the settler writes what
//! became of it.

mod drain;
#[cfg(test)]
#[path = "../../tests/unit/hanging_loops.rs"]
mod tests;

use crate::backoff::Backoff;
use crate::client::Client;
use crate::failure::{Consequence, FailureKind};
use crate::lease::leased::Lease;
use crate::lease::settled_attempt::Reply;
use crate::loops::Loops;
use crate::notify::listen;
use crate::target::run::book::TargetBook;
use crate::worker::args_fetcher::ArgsFetcher;
use crate::worker::bench::Bench;
use crate::worker::cancellation::Stop;
use crate::worker::claimer::{CLAIM_TIMEOUT, Claimer, Connected, add_to};
use crate::worker::folder::Folder;
use crate::worker::handlers::Handlers;
use crate::worker::kept_policies;
use crate::worker::layer::Layers;
use crate::worker::liveness::WorkerLiveness;
use crate::worker::options::WorkerOptions;
use crate::worker::poll_pacing::{PollPacing, Wait};
use crate::worker::prefetch_buffer::PrefetchBuffer;
use crate::worker::quarantine::Quarantine;
use crate::worker::reporter::Reporter;
use crate::worker::session::Session;
use crate::worker::settler::Settler;
use crate::worker::step::Step;
use crate::worker::surroundings;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::DropGuard;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{info, warn};

/// Between tries while Postgres is away: well below the time for which no worker claims after its
/// return.
const RECONNECT: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(1) };

/// Between two log lines about claims that fail again and again.
const TELL_AGAIN: Duration = Duration::from_secs(60);

pub(crate) struct Engine<S> {
    database: Client,
    options: Arc<WorkerOptions>,
    when_stuck: fn(),
    pulse: WorkerLiveness,
    /// Ends a wait of the claimer.
    wake: Arc<Notify>,
    claimer: Claimer,
    /// For a step; what runs all the time has one in a task of its own.
    fetcher: ArgsFetcher,
    settler: Settler,
    folder: Folder,
    /// Wakes the session when jobs that run were cancelled.
    cancels: Arc<Notify>,
    runners: TaskTracker,
    _reporting: DropGuard,
    _targets: DropGuard,
    loops: Loops,
    bench: Arc<Bench<S>>,
}

/// What a worker does beside its claims, until this is dropped.
struct Around {
    _listening: DropGuard,
    _watching: DropGuard,
    _policies: DropGuard,
}

impl<S: Send + Sync + 'static> Engine<S> {
    pub(crate) fn new(
        database: &Client,
        state: Arc<S>,
        registry: Handlers<S>,
        layers: Layers<S>,
        options: WorkerOptions,
        when_stuck: fn(),
        pulse: WorkerLiveness,
    ) -> Self {
        let (options, wake, loops) = (Arc::new(options), Arc::new(Notify::new()), Loops::default());
        let folder = Folder::start(database, wake.clone(), &loops);
        let reporter = Arc::new(Reporter::new(database, &loops));
        let targets = Arc::new(TargetBook::new(database, &options.name, &loops));
        let (woken, settling) = ((wake.clone(), folder.ended()), pulse.watch("settler", options.lease));
        Self {
            claimer: Claimer::new(database, &options, &registry.kinds(), pulse.watch("claimer", options.lease)),
            fetcher: fetcher(database, &options, &pulse),
            settler: Settler::start(database, &options, woken, &loops, settling),
            wake: wake.clone(),
            cancels: Arc::default(),
            database: database.clone(),
            when_stuck,
            pulse,
            runners: TaskTracker::new(),
            _reporting: reporter.until_dropped(),
            _targets: targets.until_dropped(),
            loops,
            bench: Arc::new(Bench {
                state,
                database: Arc::new(database.clone()),
                reporter,
                targets,
                wake,
                ended: folder.ended(),
                registry,
                layers,
                options: options.clone(),
                policies: Arc::default(),
                shelf: Arc::new(PrefetchBuffer::new()),
                suspects: Quarantine::default(),
                session: Mutex::default(),
            }),
            folder,
            options,
        }
    }

    /// Claims as long as `shutdown` has not ended, and then drains. After a panic in one of its
    /// loops it drains too, and then goes on with that panic.
    pub(crate) async fn run<F: Future>(mut self, shutdown: F) -> sqlx::Result<()> {
        for _ in 0..self.options.concurrency {
            let runner = self.bench.clone().work(self.settler.inbox());
            self.runners.spawn(self.loops.watch("runner", runner));
        }
        let loops = self.loops.clone();
        let fetching = fetcher(&self.database, &self.options, &self.pulse).work(self.bench.shelf.clone());
        let _fetching = AbortOnDropHandle::new(loops.spawn("fetcher", fetching));
        // Lives until the worker has drained.
        let mut around = None;
        loops.catch("claimer", self.claim_until(shutdown, &mut around)).await.transpose()?;
        self.drain().await;
        loops.resume_panic();
        Ok(())
    }

    /// With the first claim that succeeds, fills `around` with what a worker does beside its
    /// claims: where Postgres allows few connections, claiming has the first of them.
    async fn claim_until<F: Future>(&mut self, shutdown: F, around: &mut Option<Around>) -> sqlx::Result<()> {
        let loops = self.loops.clone();
        let shutdown = async {
            tokio::select! {
                _ = shutdown => {}
                () = loops.stop().cancelled() => {}
            }
        };
        tokio::pin!(shutdown);
        let (mut pace, mut failures, mut told) = (PollPacing::new(&self.options), 0, None::<Instant>);
        loop {
            let turn = self.claimer.pulse.begin();
            let filled = self.fill(&mut pace, shutdown.as_mut()).await;
            drop(turn);
            let wait = match filled {
                Ok(wait) => {
                    (failures, told) = (0, None);
                    around.get_or_insert_with(|| Around {
                        _listening: listen(
                            &self.database,
                            self.options.queue_names(),
                            &self.wake,
                            &self.cancels,
                            &loops,
                        ),
                        _watching: surroundings::watch(&self.database, &self.options.name, &loops),
                        _policies: kept_policies::watch(&self.database, &self.bench.policies, &loops),
                    });
                    wait
                }
                // Such as tables that are not there, or not allowed.
                Err(error)
                    if around.is_none() && FailureKind::of(&error).before_the_first_claim() == Consequence::End =>
                {
                    // Else the runners would wait forever.
                    self.bench.shelf.close();
                    return Err(error);
                }
                Err(error) => {
                    let name = &self.options.name;
                    if told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
                        told = Some(Instant::now());
                        warn!(%error, worker.name = name, "worker {name} could not lease jobs, and will try again");
                    }
                    failures += 1;
                    Some(Wait::For(RECONNECT.delay(failures, rand::random())))
                }
            };
            let Some(wait) = wait else { return Ok(()) };
            tokio::select! {
                biased;
                () = &mut shutdown => return Ok(()),
                () = wait.over(&self.bench.shelf) => {}
                () = self.wake.notified() => {
                    pace.woken();
                    self.claimer.woken();
                }
                () = self.bench.suspects.one_ended() => {}
            }
        }
    }

    /// One turn of the claimer: as many leases as are wanted go on the shelf. Returned is what to
    /// wait for before the next turn; `None`: `shutdown` has ended.
    async fn fill<F: Future>(
        &mut self,
        pace: &mut PollPacing,
        mut shutdown: Pin<&mut F>,
    ) -> sqlx::Result<Option<Wait>> {
        let ready = async {
            let session = self.session().await?;
            self.claimer.connect(&session).await.map(|connected| (session, connected))
        };
        let (session, connected) = tokio::select! {
            biased;
            // It waits for Postgres, which may not answer; dropping it loses nothing.
            ready = ready => ready?,
            _ = shutdown.as_mut() => return Ok(None),
        };
        if connected == Connected::AfterRestart {
            self.give_back_shelf(&session, PrefetchBuffer::clear).await;
        }
        if let Some(pause) = self.claimer.pause() {
            return Ok(Some(Wait::For(pause)));
        }
        if session.is_drained() {
            self.give_back_shelf(&session, PrefetchBuffer::clear).await;
            return Ok(Some(Wait::For(self.options.poll_interval)));
        }
        if self.give_back_shelf(&session, PrefetchBuffer::stale).await {
            pace.misjudged();
        }
        let bench = self.bench.clone();
        let wanted = self.claimer.portion(bench.shelf.wanted(pace.ahead(bench.shelf.done_so_far())));
        self.claimer.ask_to_be_told(&session, pace.asks(wanted > 0)).await?;
        if wanted == 0 {
            return Ok(Some(Wait::UntilLow));
        }
        let (leases, stop) = {
            let claim = self.claim(&session, wanted);
            tokio::pin!(claim);
            tokio::select! {
                biased;
                leases = &mut claim => (leases?, false),
                _ = shutdown => {
                    // What is leased now goes back with the rest of the shelf.
                    bench.shelf.close();
                    (claim.await?, true)
                }
            }
        };
        let claimed = leases.len();
        bench.shelf.put(leases);
        Ok((!stop).then(|| pace.after(claimed, wanted).at_most(self.claimer.next_in())))
    }

    /// Runs one due job to its end, or gives it back when `shutdown` has ended and its handler has
    /// had the grace.
    pub(crate) async fn step<F: Future>(&mut self, shutdown: F) -> sqlx::Result<Step> {
        let session = self.session().await?;
        if session.is_drained() {
            return Ok(Step::Idle);
        }
        self.claimer.connect(&session).await?;
        tokio::time::sleep(self.claimer.pause().unwrap_or_default()).await;
        self.bench.policies.refresh(&self.database).await?;
        let Some(mut lease) = self.claim(&session, 1).await?.pop() else { return Ok(Step::Idle) };
        self.fetcher.complete(&mut lease, &session).await;
        let (job_id, (waiting, reply)) = (lease.token.job_id, oneshot::channel());
        let inbox = self.settler.inbox();
        let performed = std::pin::pin!(self.bench.perform(lease, &inbox, Some(waiting)));
        self.until_stopped(performed, &session, shutdown).await;
        let reply = reply.await;
        self.loops.resume_panic();
        Ok(match reply {
            Ok(Reply::Settled(_) | Reply::Parked) => Step::Worked(job_id),
            Ok(Reply::LeaseLost) | Err(_) => Step::LeaseLost(job_id),
        })
    }

    /// Waits for what a handler does, and no longer than the grace once `shutdown` has ended.
    async fn until_stopped<F: Future>(&self, mut performed: Pin<&mut impl Future>, session: &Session, shutdown: F) {
        tokio::select! {
            biased;
            _ = performed.as_mut() => return,
            _ = shutdown => {}
        }
        session.book.begin_shutdown();
        if tokio::time::timeout(self.options.shutdown_grace, performed.as_mut()).await.is_err() {
            session.book.stop_everybody(Stop::Release);
            performed.await;
        }
    }

    /// Takes up to `wanted` leases: a suspect, if none runs and somebody is free for it, and then
    /// others.
    async fn claim(&mut self, session: &Session, wanted: usize) -> sqlx::Result<Vec<Lease>> {
        let mut leases = Vec::new();
        if self.bench.suspects.may_claim() {
            leases.extend(self.claimer.claim_suspect(session).await?);
            self.bench.suspects.claimed(!leases.is_empty(), self.options.poll_interval);
        }
        if leases.len() < wanted {
            let others = self.claimer.claim(session, wanted - leases.len()).await;
            add_to(&mut leases, others)?;
        }
        Ok(leases)
    }

    /// The session, begun anew if there is none or if it was lost; what the lost one had leased is
    /// dropped.
    async fn session(&mut self) -> sqlx::Result<Arc<Session>> {
        if let Some(session) = self.bench.session().filter(|session| !session.is_lost()) {
            return Ok(session);
        }
        self.bench.suspects.given_back(&self.bench.shelf.clear());
        // No job runs before it is known which must not.
        self.bench.policies.refresh(&self.database).await?;
        let options = &self.options;
        let profile = options.profile(self.bench.registry.kinds());
        let (cancels, wake, stuck) = (self.cancels.clone(), self.wake.clone(), self.when_stuck);
        let opening = Session::open(&self.database, profile, cancels, wake, stuck, &self.loops, &self.pulse);
        let session = Arc::new(opening.await?);
        let (name, id, queues) = (&options.name, session.id, options.served());
        info!(worker.session = id, "worker {name} began session {id}, queues: {queues}");
        self.bench.set_session(Some(session.clone()));
        Ok(session)
    }

    /// Hands back what lies on the shelf; false: nothing did.
    async fn give_back_shelf(&mut self, session: &Session, take: fn(&PrefetchBuffer) -> Vec<Lease>) -> bool {
        let leases = take(&self.bench.shelf);
        self.bench.suspects.given_back(&leases);
        self.claimer.give_back(session, &leases).await;
        !leases.is_empty()
    }
}

fn fetcher(database: &Client, options: &WorkerOptions, pulse: &WorkerLiveness) -> ArgsFetcher {
    let (patience, pulse) = (CLAIM_TIMEOUT.min(options.lease / 3), pulse.watch("fetcher", options.lease));
    ArgsFetcher::new(database, &options.name, patience, pulse)
}
