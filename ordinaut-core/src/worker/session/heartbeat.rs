//! The heartbeat of a session: it renews the leases, hears what the session was asked, and ends the
//! process when a handler blocks for good.

use crate::db::dedicated_connection::DedicatedConnection;
use crate::db::schema::Schema;
use crate::lease::session_profile::SessionProfile;
use crate::lease::settled_attempt::Reply;
use crate::lease::store::Leases;
use crate::lease::store::session::Renewal;
use crate::worker::cancellation::Stop;
use crate::worker::liveness::Turns;
use crate::worker::running_jobs::{Running, RunningJobs};
use crate::worker::stall::{Stall, YIELD, did_not_yield};
use sqlx::PgConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// Between two looks at what the session was asked, so that a cancel is heard within about a
/// second.
pub(super) const LONGEST_BEAT: Duration = Duration::from_secs(1);

/// Between two tries of a session to connect again. With the claimer's own tries it stays well
/// below the time for which no worker claims after a crash of Postgres.
const RECONNECT: Duration = Duration::from_millis(250);

/// The part of a lease that a renewal may take. It is sent after a third of the lease, and the
/// handlers are stopped a sixth before its end: there is time for two tries, and one outlasts a
/// disk that needs a second or two for each commit before it.
pub(super) const RENEWAL: u32 = 4;

pub(super) struct Heartbeat {
    /// 0 until it has begun.
    pub(super) id: i64,
    pub(super) link: DedicatedConnection,
    pub(super) lease: Duration,
    pub(super) beat: Duration,
    pub(super) book: Arc<RunningJobs>,
    pub(super) drained: Arc<AtomicBool>,
    pub(super) cut: Arc<AtomicBool>,
    /// Number of connections made, at the last look.
    pub(super) connections: u64,
    pub(super) cancels: Arc<Notify>,
    /// Jobs that were given parameters which their handlers do not know yet.
    pub(super) attached: Vec<Uuid>,
    pub(super) claimer: Arc<Notify>,
    pub(super) lost: CancellationToken,
    pub(super) stop: CancellationToken,
    pub(super) when_stuck: fn(),
    pub(super) pulse: Turns,
}

impl Heartbeat {
    pub(super) async fn live(mut self, profile: &SessionProfile, opened: oneshot::Sender<sqlx::Result<i64>>) {
        // Until the session ends: it never pauses for longer than a beat.
        let _turn = self.pulse.begin();
        let mut renewed = Instant::now();
        let result = self.open(profile).await;
        self.connections = self.link.connections();
        self.book.hold(renewed, self.safe_lease());
        let failed = result.is_err();
        if !failed {
            // Before the first claim: who was drained stays so over a restart.
            self.look_whether_drained(&profile.name, self.left(renewed)).await;
        }
        if opened.send(result).is_err() || failed {
            return;
        }
        let mut stalled = Stall::default();
        while self.next_beat(renewed).await {
            self.pulse.goes_on();
            let mut answers = true;
            if renewed.elapsed() >= self.lease / 3 {
                let sent = Instant::now();
                match self.renew(self.left(renewed)).await {
                    Some(Renewal::Held) => {
                        renewed = sent;
                        self.book.hold(sent, self.safe_lease());
                    }
                    None => answers = false,
                    Some(Renewal::Dead) => return self.lose("it was declared dead").await,
                }
            }
            // Cancelled before the lease ends: by then another worker may run the same jobs.
            if self.left(renewed).is_zero() {
                return self.lose("it could not be renewed in time").await;
            }
            // Else the next try to renew would wait behind them.
            if answers {
                self.hear(self.left(renewed)).await;
                self.look_whether_drained(&profile.name, self.left(renewed)).await;
            }
            let late = self.book.late(Instant::now() - YIELD);
            if !late.is_empty() {
                let error = format!("did not yield within {} s of its end", YIELD.as_secs());
                return self.end_process(late, &error).await;
            }
            let stall = stalled.beats(self.book.ticks()) * self.beat;
            if stall >= self.lease / 3 {
                // What else ran is rescued.
                let culprits = self.book.blocking(stall / 2);
                let error = format!("did not yield for {:.1} s, and blocked its worker", stall.as_secs_f64());
                return self.end_process(culprits, &error).await;
            }
        }
        self.close().await;
    }

    /// Time for which the leases that were renewed at this instant hold.
    fn left(&self, renewed: Instant) -> Duration {
        self.safe_lease().saturating_sub(renewed.elapsed())
    }

    /// A lease, less what stopping its handlers may take.
    fn safe_lease(&self) -> Duration {
        self.lease - self.lease / 6
    }

    /// Waits for the next beat; until then it passes on what a hint tells of, and makes a
    /// connection that broke anew. False: told to stop.
    async fn next_beat(&mut self, renewed: Instant) -> bool {
        let beat = tokio::time::Instant::now() + LONGEST_BEAT.min(self.beat).min(self.left(renewed));
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return false,
                () = tokio::time::sleep_until(beat) => return true,
                () = self.cancels.notified() => self.hear(self.left(renewed)).await,
                () = tokio::time::sleep(RECONNECT), if !self.link.is_connected() => self.hear(self.left(renewed)).await,
            }
        }
    }

    async fn open(&mut self, profile: &SessionProfile) -> sqlx::Result<i64> {
        self.id = self.link.run(async |schema, to| Leases::on(schema, to).open_session(profile).await).await?;
        Ok(self.id)
    }

    /// `None`: Postgres did not answer, or refused. Waits no longer than there is time left: who
    /// waits for an answer must not miss the end of the lease.
    async fn renew(&mut self, left: Duration) -> Option<Renewal> {
        let (id, running, finished) = (self.id, self.book.count(), self.book.finished());
        let limit = left.min(self.lease / RENEWAL);
        let renewal =
            async |schema: &Schema, to: &mut PgConnection| Leases::on(schema, to).renew(id, running, &finished).await;
        let renewed = self.link.run_within(limit, renewal).await;
        let warned = |error: &sqlx::Error| {
            warn!(worker.session = id, %error, "could not renew the leases of session {id}, and will try again");
        };
        renewed.inspect_err(warned).ok()
    }

    /// Passes on what the session was asked to stop. A failure only delays that, and renewing will
    /// report it.
    async fn hear(&mut self, left: Duration) {
        let (id, limit) = (self.id, left.min(self.lease / 6));
        let notes = self.link.run_within(limit, async |schema, to| Leases::on(schema, to).notes(id).await);
        match notes.await {
            Ok(notes) => {
                for note in notes {
                    if note.stalled {
                        self.book.note_stalled(note.job_id);
                    }
                    match note.cancel {
                        true => self.book.cancel(note.job_id, note.attempt),
                        false => self.attached.push(note.job_id),
                    }
                }
                self.tell_that_it_was_cut();
            }
            Err(error) => debug!(worker.session = id, %error, "session {id} could not ask for cancels, and will again"),
        }
        if !self.attached.is_empty() {
            self.pass_parameters_on(limit).await;
        }
    }

    /// Jobs were given parameters. After a failure it is tried again with the next beat: the list
    /// that named the jobs is empty by now.
    async fn pass_parameters_on(&mut self, limit: Duration) {
        let (id, jobs) = (self.id, self.attached.clone());
        let found = self.link.run_within(limit, async |schema, to| Leases::on(schema, to).attached(&jobs).await);
        match found.await {
            Ok(found) => {
                self.attached.clear();
                found.into_iter().for_each(|(job_id, newest)| self.book.attach(job_id, newest));
            }
            Err(error) => debug!(worker.session = id, %error, "session {id} could not read parameters, and will again"),
        }
    }

    /// After a crash of Postgres leases may be lost, and other workers claim them soon. A claimer
    /// that wants nothing does not use its own connection, so that it would learn of that no sooner
    /// than a handler has ended.
    fn tell_that_it_was_cut(&mut self) {
        let connections = self.link.connections();
        if std::mem::replace(&mut self.connections, connections) != connections {
            self.cut.store(true, Ordering::Relaxed);
            self.claimer.notify_one();
        }
    }

    /// Looks whether an operator drained the worker. After a failure it stays as it was, and
    /// renewing will report that.
    async fn look_whether_drained(&mut self, name: &str, left: Duration) {
        let limit = left.min(self.lease / 6);
        let look = self.link.run_within(limit, async |schema, to| Leases::on(schema, to).is_drained(name).await);
        if let Ok(drained) = look.await
            && self.drained.swap(drained, Ordering::Relaxed) != drained
        {
            let now = if drained { "is drained and leases nothing more" } else { "may lease again" };
            info!(worker.session = self.id, "worker {name} {now}");
        }
    }

    /// The leases do not hold any more: handlers are stopped, and a process with one that does not
    /// stop must not go on.
    async fn lose(mut self, why: &str) {
        warn!(worker.session = self.id, "session {} ends, because {why}: stopping its handlers", self.id);
        self.lost.cancel();
        self.book.stop_everybody(Stop::Lose);
        let patience = Instant::now() + YIELD;
        while self.book.count() > 0 {
            if Instant::now() > patience {
                error!("{} handlers did not yield after their leases ended: the process ends", self.book.count());
                return (self.when_stuck)();
            }
            tokio::time::sleep(self.beat).await;
        }
        // It is over, but what it counted still counts.
        self.close().await;
    }

    /// Settles the attempts that did not yield with this error, gives up all leases, and ends the
    /// process.
    async fn end_process(mut self, late: Vec<Running>, error: &str) {
        let jobs: Vec<_> = late.iter().map(|running| running.token.job_id.to_string()).collect();
        error!(
            worker.session = self.id,
            "the process is blocked and ends; jobs whose handlers did not yield: [{}]",
            jobs.join(", ")
        );
        let ended: Vec<_> = late.iter().map(|running| did_not_yield(running, error)).collect();
        let limit = self.lease / 6;
        let written = self.link.run_within(limit, async |schema, to| Leases::on(schema, to).settle(&ended).await);
        match written.await {
            Ok(replies) => {
                for (running, reply) in late.iter().zip(replies) {
                    if let Reply::Settled(outcome) = reply {
                        self.book.ended(&running.queue, outcome, 1);
                    }
                }
            }
            Err(error) => error!(%error, "could not settle jobs whose handlers did not yield: they will be rescued"),
        }
        self.close().await;
        (self.when_stuck)();
    }

    async fn close(&mut self) {
        let (id, limit, finished) = (self.id, self.lease / 6, self.book.finished());
        let goodbye =
            async |schema: &Schema, to: &mut PgConnection| Leases::on(schema, to).close_session(id, &finished).await;
        match self.link.run_within(limit, goodbye).await {
            Ok(()) => {
                self.link.close().await;
                info!(worker.session = id, "session {id} closed");
            }
            // It expires by itself.
            Err(error) => {
                warn!(worker.session = id, %error, "could not close session {id}: it will be declared dead")
            }
        }
    }
}
