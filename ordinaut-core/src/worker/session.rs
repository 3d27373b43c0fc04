//! The session: what holds this process' leases. It lives on a thread of its own, with its own
//! connection, so that neither a busy pool nor a blocked runtime can cost the leases, and it ends
//! the process when a handler blocks for good.

mod heartbeat;

use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::lease::session_profile::SessionProfile;
use crate::loops::Loops;
use crate::worker::cancellation::Stop;
use crate::worker::liveness::WorkerLiveness;
use crate::worker::running_jobs::RunningJobs;
use crate::worker::session::heartbeat::{Heartbeat, LONGEST_BEAT, RENEWAL};
use crate::worker::stall::{YIELD, tick};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Instant;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::error;

/// The exit code of a process that ended itself because a handler blocked it: 75, "try again", so
/// that its supervisor starts it again.
pub const EXIT_STUCK: i32 = 75;

pub(crate) struct Session {
    pub(crate) id: i64,
    pub(crate) book: Arc<RunningJobs>,
    nonce: AtomicI32,
    drained: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
    lost: CancellationToken,
    stop: DropGuard,
    ended: oneshot::Receiver<()>,
}

impl Session {
    /// Begins a session, which asks what was cancelled with each beat, and with each of `cancels`.
    /// It wakes the claimer when its connection broke and was made again. `when_stuck` ends the
    /// process.
    pub(crate) async fn open(
        database: &Client,
        profile: SessionProfile,
        cancels: Arc<Notify>,
        claimer: Arc<Notify>,
        when_stuck: fn(),
        loops: &Loops,
        pulse: &WorkerLiveness,
    ) -> sqlx::Result<Self> {
        let (book, drained, cut) = (Arc::new(RunningJobs::default()), Arc::default(), Arc::<AtomicBool>::default());
        let (lost, stop) = (CancellationToken::new(), CancellationToken::new());
        let (opened, answer) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let beat = (profile.lease / 6).min(LONGEST_BEAT);
        let life = Heartbeat {
            id: 0,
            link: DedicatedConnection::new(
                database,
                &format!("ordinaut-session/{}", profile.name),
                profile.lease / RENEWAL,
            ),
            lease: profile.lease,
            beat,
            book: book.clone(),
            drained: Arc::clone(&drained),
            cut: cut.clone(),
            connections: 0,
            cancels,
            attached: Vec::new(),
            claimer,
            lost: lost.clone(),
            stop: stop.clone(),
            when_stuck,
            pulse: pulse.watch("session", profile.lease),
        };
        let orphans = Orphans { book: book.clone(), lost: lost.clone(), when_stuck };
        let own_loops = loops.clone();
        let thread = move || {
            // Dropped when the thread ends, which is what close() waits for.
            let _end = end;
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(async {
                    if own_loops.catch("session", life.live(&profile, opened)).await.is_none() {
                        orphans.stop().await;
                    }
                }),
                Err(error) => opened.send(Err(sqlx::Error::Io(error))).unwrap_or(()),
            }
        };
        std::thread::Builder::new().name("ordinaut-session".to_owned()).spawn(thread)?;
        let id = answer.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        loops.spawn("tick", tick(book.clone(), beat, stop.clone()));
        Ok(Self { id, book, nonce: AtomicI32::new(0), drained, cut, lost, stop: stop.drop_guard(), ended })
    }

    /// A number for a claim; none repeats within the session.
    pub(crate) fn next_nonce(&self) -> i32 {
        self.nonce.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether an operator drained the worker: it may lease nothing.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.load(Ordering::Relaxed)
    }

    /// Whether the session's connection broke and was made again since this was asked last:
    /// Postgres may have lost leases.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Ends the session in order, and waits for that.
    pub(crate) async fn close(self) {
        drop(self.stop);
        // An error is the thread's end.
        self.ended.await.ok();
    }
}

/// What a session leaves behind whose thread panicked: leases that nobody renews.
struct Orphans {
    book: Arc<RunningJobs>,
    lost: CancellationToken,
    when_stuck: fn(),
}

impl Orphans {
    /// Stops the handlers, and ends the process if one of them does not stop.
    async fn stop(self) {
        self.lost.cancel();
        self.book.stop_everybody(Stop::Lose);
        let patience = Instant::now() + YIELD;
        while self.book.count() > 0 {
            if Instant::now() > patience {
                error!("{} handlers did not yield after their session broke: the process ends", self.book.count());
                return (self.when_stuck)();
            }
            tokio::time::sleep(LONGEST_BEAT / 10).await;
        }
    }
}
