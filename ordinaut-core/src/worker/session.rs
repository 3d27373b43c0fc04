//! The session: what holds this process' leases. It lives on a thread of its own, with its own connection, so that
//! neither a busy pool nor a blocked runtime can cost the leases, and it ends the process when a handler blocks for good.

use crate::client::Client;
use crate::db::dedicated_connection::Link;
use crate::db::timeout::answered;
use crate::failure::silence;
use crate::lease::store::drain::is_drained;
use crate::lease::store::session;
use crate::lease::store::session::Profile;
use crate::lease::store::settle::{Locked, settle};
use crate::loops::Loops;
use crate::worker::cancellation::Stop;
use crate::worker::liveness::{Turns, WorkerPulse};
use crate::worker::running_jobs::{Book, Running};
use crate::worker::stall::{Stall, YIELD, did_not_yield, tick};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

/// The exit code of a process that ended itself because a handler blocked it: 75, "try again", so that whoever
/// started it starts it again.
pub const EXIT_STUCK: i32 = 75;

/// Between two looks at what the session was asked, so that a cancel is heard within about a second.
const LONGEST_BEAT: Duration = Duration::from_secs(1);

/// Between two tries of a session to connect again. With the claimer's own tries it stays well below the time for which no
/// worker claims after a crash of Postgres.
const RECONNECT: Duration = Duration::from_millis(250);

/// The part of a lease that a renewal may take. It is sent after a third of the lease, and the handlers are stopped a sixth
/// before its end: there is time for two tries, and one outlasts a disk that needs a second or two for each commit before it.
const RENEWAL: u32 = 4;

pub(crate) struct Session {
    pub(crate) id: i64,
    pub(crate) book: Arc<Book>,
    nonce: AtomicI32,
    drained: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
    lost: CancellationToken,
    stop: DropGuard,
    ended: oneshot::Receiver<()>,
}

impl Session {
    /// Begins a session, which asks what was cancelled with each beat, and with each of `cancels`. It wakes the claimer when
    /// its connection broke and was made again. `when_stuck` ends the process.
    pub(crate) async fn open(
        database: &Client,
        profile: Profile,
        cancels: Arc<Notify>,
        claimer: Arc<Notify>,
        when_stuck: fn(),
        loops: &Loops,
        pulse: &WorkerPulse,
    ) -> sqlx::Result<Self> {
        let id = rand::random_range(1..=i64::MAX);
        let (book, drained, cut) = (Arc::new(Book::default()), Arc::default(), Arc::<AtomicBool>::default());
        let (lost, stop) = (CancellationToken::new(), CancellationToken::new());
        let (opened, answer) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let beat = (profile.lease / 6).min(LONGEST_BEAT);
        let life = Life {
            id,
            link: Link::new(database, &format!("ordinaut-session/{}", profile.name), profile.lease / RENEWAL),
            lease: profile.lease,
            beat,
            book: book.clone(),
            drained: Arc::clone(&drained),
            cut: cut.clone(),
            connections: 0,
            cancels,
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
        answer.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
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

    /// Whether the session's connection broke and was made again since this was asked last: Postgres may have lost leases.
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
    book: Arc<Book>,
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

struct Life {
    id: i64,
    link: Link,
    lease: Duration,
    beat: Duration,
    book: Arc<Book>,
    drained: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
    /// Number of connections made, at the last look.
    connections: u64,
    cancels: Arc<Notify>,
    claimer: Arc<Notify>,
    lost: CancellationToken,
    stop: CancellationToken,
    when_stuck: fn(),
    pulse: Turns,
}

/// Whether the leases still hold.
enum Renewal {
    Held,
    Unknown,
    Dead,
}

impl Life {
    async fn live(mut self, profile: &Profile, opened: oneshot::Sender<sqlx::Result<()>>) {
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
                    Renewal::Held => {
                        renewed = sent;
                        self.book.hold(sent, self.safe_lease());
                    }
                    Renewal::Unknown => answers = false,
                    Renewal::Dead => return self.lose("it was declared dead").await,
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

    /// How long the leases that were renewed at this instant may be counted on.
    fn left(&self, renewed: Instant) -> Duration {
        self.safe_lease().saturating_sub(renewed.elapsed())
    }

    /// A lease, less what stopping its handlers may take.
    fn safe_lease(&self) -> Duration {
        self.lease - self.lease / 6
    }

    /// Waits for the next beat; until then it passes on what a hint tells of, and makes a connection that broke anew. False:
    /// told to stop.
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

    async fn open(&mut self, profile: &Profile) -> sqlx::Result<()> {
        let (id, schema) = (self.id, self.link.schema());
        let patience = self.link.patience();
        let opened = session::open(self.link.connection().await?, &schema, id, profile);
        let result = answered(patience, opened).await;
        self.link.checked(result).await
    }

    /// Waits no longer than there is time left: who waits for an answer must not miss the end of the lease.
    async fn renew(&mut self, left: Duration) -> Renewal {
        let (id, schema, running, finished) =
            (self.id, self.link.schema(), self.book.count(), self.book.finished_json());
        let limit = left.min(self.lease / RENEWAL);
        let renewal = async {
            let result = session::renew(self.link.connection().await?, &schema, id, running, &finished).await;
            self.link.checked(result).await
        };
        match tokio::time::timeout(limit, renewal).await {
            Ok(Ok(true)) => Renewal::Held,
            Ok(Ok(false)) => Renewal::Dead,
            Ok(Err(error)) => {
                warn!(worker.session = id, %error, "could not renew the leases of session {id}, and will try again");
                Renewal::Unknown
            }
            Err(_) => {
                // The answer may still come: nothing more can be asked on that connection.
                self.link.checked(Err::<(), _>(silence(limit))).await.ok();
                warn!(
                    worker.session = id,
                    "Postgres did not answer the renewal of session {id}, which will be tried again"
                );
                Renewal::Unknown
            }
        }
    }

    /// Passes on what the session was asked to stop. A failure only delays that, and renewing will report it.
    async fn hear(&mut self, left: Duration) {
        let (id, schema) = (self.id, self.link.schema());
        let notes = async {
            let result = session::notes(self.link.connection().await?, &schema, id).await;
            self.link.checked(result).await
        };
        let limit = left.min(self.lease / 6);
        match tokio::time::timeout(limit, notes).await {
            Ok(Ok(jobs)) => {
                jobs.into_iter().for_each(|(job_id, attempt)| self.book.cancel(job_id, attempt));
                self.tell_that_it_was_cut();
            }
            Ok(Err(_)) => {}
            Err(_) => {
                self.link.checked(Err(silence(limit))).await.unwrap_or(());
                warn!(worker.session = self.id, "Postgres did not answer session {}, which will ask again", self.id);
            }
        }
    }

    /// After a crash of Postgres leases may be lost, and other workers claim them soon. A claimer that wants nothing does not
    /// use its own connection, so that it would learn of that no sooner than a handler has ended.
    fn tell_that_it_was_cut(&mut self) {
        let connections = self.link.connections();
        if std::mem::replace(&mut self.connections, connections) != connections {
            self.cut.store(true, Ordering::Relaxed);
            self.claimer.notify_one();
        }
    }

    /// Looks whether an operator drained the worker. After a failure it stays as it was, and renewing will report that.
    async fn look_whether_drained(&mut self, name: &str, left: Duration) {
        let schema = self.link.schema();
        let look = async {
            let result = is_drained(self.link.connection().await?, &schema, name).await;
            self.link.checked(result).await
        };
        let limit = left.min(self.lease / 6);
        match tokio::time::timeout(limit, look).await {
            Ok(Ok(drained)) => {
                if self.drained.swap(drained, Ordering::Relaxed) != drained {
                    let now = if drained { "is drained and leases nothing more" } else { "may lease again" };
                    info!(worker.session = self.id, "worker {name} {now}");
                }
            }
            Ok(Err(_)) => {}
            Err(_) => self.link.checked(Err(silence(limit))).await.unwrap_or(()),
        }
    }

    /// The leases do not hold any more: handlers are stopped, and a process with one that does not stop must not go on.
    async fn lose(mut self, why: &str) {
        warn!(worker.session = self.id, "session {} ends, {why}: its handlers are stopped", self.id);
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

    /// Settles the attempts that did not yield with this error, gives up all leases, and ends the process.
    async fn end_process(mut self, late: Vec<Running>, error: &str) {
        let jobs: Vec<_> = late.iter().map(|running| running.token.job_id.to_string()).collect();
        error!(worker.session = self.id, "the process is blocked and ends; did not yield: [{}]", jobs.join(", "));
        let ended: Vec<_> = late.iter().map(|running| did_not_yield(running, error)).collect();
        let schema = self.link.schema();
        let written = async {
            let result = settle(&schema, &ended, Locked::Wait, self.link.connection().await?).await;
            self.link.checked(result).await
        };
        match tokio::time::timeout(self.lease / 6, written).await {
            Ok(Ok(settled)) => {
                settled.iter().for_each(|end| self.book.ended(&end.queue, end.outcome, 1));
            }
            Ok(Err(error)) => error!(%error, "could not settle what did not yield: it will be rescued"),
            Err(_) => error!("Postgres did not answer: what did not yield will be rescued"),
        }
        self.close().await;
        (self.when_stuck)();
    }

    async fn close(&mut self) {
        let (id, schema, finished) = (self.id, self.link.schema(), self.book.finished_json());
        let goodbye = async {
            let result = session::close(self.link.connection().await?, &schema, id, &finished).await;
            self.link.checked(result).await?;
            self.link.close().await;
            Ok::<_, sqlx::Error>(())
        };
        match tokio::time::timeout(self.lease / 6, goodbye).await {
            Ok(Ok(())) => info!(worker.session = id, "session {id} closed"),
            // It expires by itself.
            _ => warn!(worker.session = id, "could not close session {id}: it will be declared dead"),
        }
    }
}
