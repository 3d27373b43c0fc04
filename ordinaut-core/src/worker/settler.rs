//! The settler: writes ends of attempts, grouped by themselves. What arrives while one statement is
//! under way is the next one: no timer, so a lone end waits for nothing.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::error::Error;
use crate::failure::{Consequence, FailureKind};
use crate::job::job_error::JobError;
use crate::job::outcome::Outcome;
use crate::lease::settled_attempt::{Reply, SettledAttempt};
use crate::lease::settlement::{Retries, Settlement};
use crate::lease::store::Leases;
use crate::lease::store::settle::LockedRows;
use crate::loops::Loops;
use crate::notify::notifier;
use crate::step::run::tell_of_settled;
use crate::worker::liveness::Turns;
use crate::worker::options::WorkerOptions;
use crate::worker::running_jobs::RunningJobs;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

/// Many enough that a statement's fixed cost vanishes, few enough that one fits into any server's
/// patience.
const ENDS_A_STATEMENT: usize = 500;

/// Maximum number of ends that wait to be written; then handlers wait with theirs, and nothing more
/// is claimed.
const BACKLOG: usize = 2000;

/// A statement that takes longer found nobody who answers.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Before each time that an end is written again, in milliseconds, because it was missing from an
/// answer: its row moved, or a claim of another worker is just stepping over it. The first is
/// longer than nearly every claim. After the last one, it waits for the row.
const PAUSES_MS: [u64; 5] = [5, 10, 20, 40, 80];

/// Between tries while Postgres is away: work goes on within 5 s of its return.
const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(2) };

/// An end on its way to the database.
pub(crate) struct SettleRequest {
    pub(crate) attempt: SettledAttempt,
    /// What it takes to let it fail instead, if its end cannot be stored.
    pub(crate) retries: Retries,
    pub(crate) kind: Arc<str>,
    pub(crate) queue: Arc<str>,
    /// It takes room of limits until it is settled.
    pub(crate) limited: bool,
    pub(crate) book: Arc<RunningJobs>,
    pub(crate) waiting: Waiting,
}

/// Who waits for what becomes of an end.
pub(crate) enum Waiting {
    Nobody,
    /// A step, or a slot that settles before it goes on.
    Here(oneshot::Sender<Reply>),
    /// A handler elsewhere, which decides what is to be settled instead of what Postgres refuses.
    Elsewhere(oneshot::Sender<Result<Reply, String>>),
}

impl From<Option<oneshot::Sender<Reply>>> for Waiting {
    fn from(waiting: Option<oneshot::Sender<Reply>>) -> Self {
        waiting.map_or(Self::Nobody, Self::Here)
    }
}

impl AsRef<SettledAttempt> for SettleRequest {
    fn as_ref(&self) -> &SettledAttempt {
        &self.attempt
    }
}

impl SettleRequest {
    /// What Postgres does not take becomes a failure that says so; `None`: it is told elsewhere,
    /// and nothing is written.
    fn refused(mut self, refusal: &sqlx::Error) -> Option<Self> {
        if let Waiting::Elsewhere(waiting) = self.waiting {
            waiting.send(Err(refusal.to_string())).ok();
            return None;
        }
        let error = JobError::retry(format!("could not settle the attempt: {refusal}"));
        self.attempt.settlement = Settlement::of(Err(error), self.retries, 1.0);
        (self.attempt.output, self.attempt.unavailable) = (None, None);
        Some(self)
    }

    /// The last word about it: it is counted, told in the log, and sent to the step or the slot
    /// that waits for it.
    fn answer(self, reply: Reply) {
        if let Reply::Settled(outcome) = reply {
            self.book.ended(&self.queue, outcome, 1);
        }
        tell(&self.attempt, &self.kind, reply);
        // The step, the slot or the request may have stopped waiting.
        match self.waiting {
            Waiting::Nobody => {}
            Waiting::Here(waiting) => drop(waiting.send(reply)),
            Waiting::Elsewhere(waiting) => drop(waiting.send(Ok(reply))),
        }
    }
}

pub(crate) struct Settler {
    inbox: mpsc::Sender<SettleRequest>,
    task: JoinHandle<()>,
}

impl Settler {
    /// `wake` is woken when something ended that took room of limits, `ended` when a job ended that
    /// somebody follows.
    pub(crate) fn start(
        database: &Client,
        options: &WorkerOptions,
        (wake, ended): (Arc<Notify>, Arc<Notify>),
        loops: &Loops,
        pulse: Turns,
    ) -> Self {
        let (inbox, requests) = mpsc::channel(BACKLOG);
        let link = DedicatedConnection::new(
            database,
            &format!("ordinaut-settle/{}", options.name),
            SETTLE_TIMEOUT.min(options.lease / 3),
        );
        let desk = Desk { link, database: database.clone(), wake, ended, pulse, unanswered: Vec::new() };
        Self { inbox, task: loops.spawn("settler", desk.work(requests)) }
    }

    /// Where attempts hand in their ends.
    pub(crate) fn inbox(&self) -> mpsc::Sender<SettleRequest> {
        self.inbox.clone()
    }

    /// Whether it panicked: the ends of what still runs cannot be written.
    pub(crate) fn is_gone(&self) -> bool {
        self.task.is_finished()
    }

    /// Writes what is left, for as long as `patience` lasts. What remains is rescued when the
    /// session has ended.
    pub(crate) async fn close(self, patience: Duration) {
        drop(self.inbox);
        if tokio::time::timeout(patience, self.task).await.is_err() {
            error!("stopped before all attempts were settled: those jobs run again");
        }
    }
}

struct Desk {
    link: DedicatedConnection,
    database: Client,
    wake: Arc<Notify>,
    /// Wakes the folder.
    ended: Arc<Notify>,
    /// Its signs of life.
    pulse: Turns,
    /// What is to be written again. Other ends do not wait for these.
    unanswered: Vec<Unanswered>,
}

/// What was missing from an answer.
struct Unanswered {
    since: Instant,
    batch: Batch,
}

impl Unanswered {
    /// Time until it is written again.
    fn left(&self) -> Duration {
        self.batch.pause().saturating_sub(self.since.elapsed())
    }
}

/// Ends that go into one statement.
struct Batch {
    requests: Vec<SettleRequest>,
    /// Its one end is already the refusal of another.
    refused: bool,
    /// Number of statements that found no row of theirs, none of which waited for anybody.
    missed: usize,
}

impl Desk {
    async fn work(mut self, mut inbox: mpsc::Receiver<SettleRequest>) {
        let mut received = Vec::with_capacity(ENDS_A_STATEMENT);
        loop {
            let next = self.unanswered.iter().map(Unanswered::left).min();
            tokio::select! {
                count = inbox.recv_many(&mut received, ENDS_A_STATEMENT) => if count == 0 { break },
                () = pass(next) => {
                    let _turn = self.pulse.begin();
                    self.write_again().await;
                    continue;
                }
            }
            let _turn = self.pulse.begin();
            // One order for all: two statements that touch the same rows can then only wait, not
            // deadlock; and a settle by place looks for its tokens by halving.
            received.sort_unstable_by_key(|request| request.attempt.token.job_id);
            // Nearly always there is but one.
            let session = received[0].attempt.token.session;
            let plain = |end: &SettledAttempt| end.is_plain_success() && end.token.session == session;
            let (plain, others): (Vec<_>, Vec<_>) = received.drain(..).partition(|request| plain(&request.attempt));
            let (unavailable, others) = others.into_iter().partition(|request| request.attempt.unavailable.is_some());
            // What is set aside waits for its rows: see `Batch::is_final`.
            for (requests, missed) in [(plain, 0), (others, 0), (unavailable, PAUSES_MS.len())] {
                if !requests.is_empty() {
                    self.write(Batch { requests, refused: false, missed }).await;
                }
            }
        }
        while let Some(next) = self.unanswered.iter().map(Unanswered::left).min() {
            tokio::time::sleep(next).await;
            self.write_again().await;
        }
        self.link.close().await;
    }

    /// Writes again what has waited for its time.
    async fn write_again(&mut self) {
        for Unanswered { batch, .. } in
            self.unanswered.extract_if(.., |unanswered| unanswered.left().is_zero()).collect::<Vec<_>>()
        {
            self.write(batch).await;
        }
    }

    /// Writes a batch, halving it where Postgres refuses its data, until the culprit is alone; that
    /// one fails instead. One that Postgres gave up is halved too: at the same size it would be too
    /// slow again, and again.
    async fn write(&mut self, batch: Batch) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            match self.settle(&batch).await {
                Ok(replies) => {
                    self.tell_of_room(&batch, &replies);
                    self.tell_of_waits(&batch, &replies);
                    let rest = batch.answer(replies);
                    self.unanswered.extend(rest.map(|batch| Unanswered { since: Instant::now(), batch }));
                }
                Err(refusal) if batch.requests.len() == 1 => {
                    let requests: Vec<_> =
                        batch.requests.into_iter().filter_map(|request| request.refused(&refusal)).collect();
                    if !requests.is_empty() {
                        batches.push(Batch { requests, refused: true, missed: 0 });
                    }
                }
                Err(_) => {
                    let half = batch.split();
                    batches.extend([half, batch]);
                }
            }
        }
    }

    /// What waits for room may have it: this worker looks at once, and others hear of it.
    fn tell_of_room(&self, batch: &Batch, replies: &[Option<Reply>]) {
        let limited: Vec<&str> =
            batch.requests.iter().filter(|request| request.limited).map(|request| &*request.queue).collect();
        if !limited.is_empty() && replies.iter().any(Option::is_some) {
            self.wake.notify_one();
            notifier::tell(&self.database, limited);
        }
    }

    /// What answers a wait leaves a job alone that has a lease, so the worker that ends the lease
    /// looks once more.
    fn tell_of_waits(&self, batch: &Batch, replies: &[Option<Reply>]) {
        let settled =
            batch.requests.iter().zip(replies).filter(|(request, reply)| request.attempt.waits && reply.is_some());
        let jobs: Vec<_> = settled.map(|(request, _)| request.attempt.token.job_id).collect();
        if !jobs.is_empty() {
            tokio::spawn(tell_of_settled(self.database.clone(), jobs));
        }
    }

    /// Writes a batch however long Postgres is away; the error is a refusal of its data, or that it
    /// was too much at once.
    async fn settle(&mut self, batch: &Batch) -> Result<Vec<Option<Reply>>, sqlx::Error> {
        let (mut failures, requests) = (0, &batch.requests);
        loop {
            let written = self.link.run(async |schema, to| batch.write(Leases::on(schema, to)).await).await;
            self.pulse.goes_on();
            match written {
                Ok((replies, followed)) => {
                    if followed {
                        self.ended.notify_one();
                    }
                    return Ok(replies);
                }
                Err(error) if !batch.refused && FailureKind::of(&error).in_a_loop() == Consequence::BuryAlone => {
                    return Err(error);
                }
                Err(error) => {
                    warn!(%error, "could not settle {} attempts, and will try again", requests.len());
                    if FailureKind::of(&error) == FailureKind::GivenUp && requests.len() > 1 {
                        return Err(error);
                    }
                    failures += 1;
                    tokio::time::sleep(RETRY.delay(failures, rand::random())).await;
                }
            }
        }
    }
}

impl Batch {
    /// What was written, and whether somebody follows a job that ended.
    async fn write(&self, leases: Leases<'_>) -> Result<(Vec<Option<Reply>>, bool), Error> {
        if self.requests.iter().all(|request| request.attempt.unavailable.is_some()) {
            return leases.park(&self.requests).await;
        }
        let written = if self.missed == 0 {
            leases.write(&self.requests).await?
        } else {
            let locked = if self.is_final() { LockedRows::Wait } else { LockedRows::PassBy };
            leases.write_by_key(&self.requests, locked).await?
        };
        Ok((written.outcomes.into_iter().map(|outcome| outcome.map(Reply::Settled)).collect(), written.followed))
    }

    /// It waits until nobody else has its rows, so what is missing then has lost its lease.
    fn is_final(&self) -> bool {
        self.missed == PAUSES_MS.len()
    }

    /// Time before it is written again.
    fn pause(&self) -> Duration {
        let pauses = self.missed.checked_sub(1).and_then(|n| PAUSES_MS.get(n));
        Duration::from_millis(pauses.copied().unwrap_or_default())
    }

    fn split(&mut self) -> Self {
        let requests = self.requests.split_off(self.requests.len() / 2);
        Self { requests, refused: self.refused, missed: self.missed }
    }

    /// Answers everybody whose answer is final. The rest is to be written again.
    fn answer(self, replies: Vec<Option<Reply>>) -> Option<Self> {
        let (mut rest, is_final) = (Vec::new(), self.is_final());
        for (request, reply) in self.requests.into_iter().zip(replies) {
            match reply {
                Some(reply) => request.answer(reply),
                None if is_final => request.answer(Reply::LeaseLost),
                None => rest.push(request),
            }
        }
        (!rest.is_empty()).then_some(Self { requests: rest, refused: self.refused, missed: self.missed + 1 })
    }
}

/// Lets a time pass, or all time.
async fn pass(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// A success is the ordinary case, and a busy worker has 50,000 of them a second: they are told at
/// debug.
fn tell(end: &SettledAttempt, kind: &str, reply: Reply) {
    let (id, attempt) = (end.token.job_id, end.token.attempt);
    let error = end.settlement.error.as_deref().unwrap_or_default();
    match reply {
        Reply::LeaseLost => warn!(job.id = %id, job.kind = kind, attempt,
                                  "job {id} ({kind}) attempt {attempt} had lost its lease: nothing was written"),
        Reply::Parked => debug!(job.id = %id, job.kind = kind, attempt,
                                "job {id} ({kind}) attempt {attempt} waits for its target"),
        Reply::Settled(Outcome::Succeeded) => debug!(job.id = %id, job.kind = kind, attempt,
                                                     "job {id} ({kind}) attempt {attempt} succeeded"),
        Reply::Settled(Outcome::Dead) => warn!(job.id = %id, job.kind = kind, attempt,
                                               "job {id} ({kind}) attempt {attempt} is dead: {error}"),
        Reply::Settled(outcome) => info!(job.id = %id, job.kind = kind, attempt, %outcome,
                                         "job {id} ({kind}) attempt {attempt} {outcome}: {error}"),
    }
}
