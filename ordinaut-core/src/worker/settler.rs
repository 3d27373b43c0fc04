//! The settler: writes ends of attempts, grouped by themselves. What arrives while one statement is under way is the
//! next one: no timer, so a lone end waits for nothing.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::db::timeout::answered;
use crate::failure::{Consequence, FailureKind};
use crate::job::job_error::JobError;
use crate::job::outcome::Outcome;
use crate::lease::settlement::{Budget, Settlement};
use crate::lease::store::settle::{Ended, Locked, Settled, settle, succeed};
use crate::loops::Loops;
use crate::notify::notifier;
use crate::worker::attempt::Finished;
use crate::worker::liveness::Turns;
use crate::worker::options::WorkerOptions;
use crate::worker::running_jobs::RunningJobs;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// Many enough that a statement's fixed cost vanishes, few enough that one fits into any server's patience.
const ENDS_A_STATEMENT: usize = 500;

/// Maximum number of ends that wait to be written; then handlers wait with theirs, and nothing more is claimed.
const BACKLOG: usize = 2000;

/// A statement that takes longer found nobody who answers.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Before an end is written again that was missing from an answer: longer than nearly every claim.
const MOMENT: Duration = Duration::from_millis(5);

/// Between tries while Postgres is away: work goes on within 5 s of its return.
const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(2) };

/// An end on its way to the database.
pub(crate) struct SettleRequest {
    pub(crate) finished: Finished,
    pub(crate) sender: Sender,
}

/// Who sent it, and wants to know.
pub(crate) struct Sender {
    pub(crate) kind: Arc<str>,
    pub(crate) queue: Arc<str>,
    /// It takes room of limits until it is settled.
    pub(crate) limited: bool,
    pub(crate) book: Arc<RunningJobs>,
    /// Only a step waits for what became of its letter.
    pub(crate) answer: Option<oneshot::Sender<Answer>>,
}

impl Sender {
    /// The handler that asked may have stopped waiting.
    pub(crate) fn answer(self, answer: Answer) {
        self.answer.map(|asked| asked.send(answer).ok());
    }

    /// Its handler has settled the attempt, in a transaction of its own.
    pub(crate) fn settled_itself(self, database: &Client, wake: &Notify) {
        self.book.ended(&self.queue, Outcome::Succeeded, 1);
        if self.limited {
            // What waits for its room may have it, here and elsewhere.
            wake.notify_one();
            notifier::tell(database, [&*self.queue]);
        }
        self.answer(Answer::Settled);
    }
}

/// Whether an end was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Settled,
    LeaseLost,
}

pub(crate) struct Settler {
    inbox: mpsc::Sender<SettleRequest>,
    task: JoinHandle<()>,
}

impl Settler {
    /// `wake` is woken when something ended that took room of limits.
    pub(crate) fn start(
        database: &Client,
        options: &WorkerOptions,
        wake: Arc<Notify>,
        loops: &Loops,
        pulse: Turns,
    ) -> Self {
        let (inbox, letters) = mpsc::channel(BACKLOG);
        let link = DedicatedConnection::new(
            database,
            &format!("ordinaut-settle/{}", options.name),
            SETTLE_TIMEOUT.min(options.lease / 3),
        );
        let desk = Desk { link, database: database.clone(), wake, pulse };
        Self { inbox, task: loops.spawn("settler", desk.work(letters)) }
    }

    /// Where attempts hand in their ends.
    pub(crate) fn inbox(&self) -> mpsc::Sender<SettleRequest> {
        self.inbox.clone()
    }

    /// Whether it panicked: the ends of what still runs cannot be written.
    pub(crate) fn is_gone(&self) -> bool {
        self.task.is_finished()
    }

    /// Writes what is left, for as long as `patience` lasts. What remains is rescued when the session has ended.
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
    /// Its signs of life.
    pulse: Turns,
}

/// Ends that go into one statement, side by side with who sent them.
struct Batch {
    ended: Vec<Ended>,
    fallbacks: Vec<(Budget, Backoff)>,
    senders: Vec<Sender>,
    /// Its one end is already the refusal of another.
    refused: bool,
    way: Way,
}

/// How the rows of a batch are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All are plain successes of this session.
    Ctid(i64),
    Key(Locked),
}

impl Desk {
    async fn work(mut self, mut letters: mpsc::Receiver<SettleRequest>) {
        let mut received = Vec::with_capacity(ENDS_A_STATEMENT);
        while letters.recv_many(&mut received, ENDS_A_STATEMENT).await > 0 {
            let _turn = self.pulse.begin();
            // One order for all: two statements that touch the same rows can then only wait, not deadlock; and `succeed`
            // looks for its tokens by halving.
            received.sort_unstable_by_key(|letter| letter.finished.ended.token.job_id);
            // Nearly always there is but one.
            let session = received[0].finished.ended.token.session;
            let plain = |end: &Ended| end.is_plain_success() && end.token.session == session;
            let (plain, others): (Vec<_>, Vec<_>) =
                received.drain(..).partition(|letter| plain(&letter.finished.ended));
            for (letters, way) in [(plain, Way::Ctid(session)), (others, Way::Key(Locked::Leave))] {
                if !letters.is_empty() {
                    self.write(Batch::of(letters, way)).await;
                }
            }
        }
        self.link.close().await;
    }

    /// Writes a batch, halving it where Postgres refuses its data, until the culprit is alone; that one fails instead. One that
    /// Postgres gave up is halved too: at the same size it would be too slow again, and again.
    async fn write(&mut self, batch: Batch) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            match self.settle(&batch).await {
                Ok(settled) => {
                    self.tell_of_room(&batch, &settled);
                    if let Some(rest) = batch.answer(&settled) {
                        tokio::time::sleep(MOMENT).await;
                        batches.push(rest);
                    }
                }
                Err(refusal) if batch.ended.len() == 1 => {
                    batch.fail(&refusal);
                    batches.push(batch);
                }
                Err(_) => {
                    let half = batch.split();
                    batches.extend([half, batch]);
                }
            }
        }
    }

    /// What waits for room may have it: this worker looks at once, and others hear of it.
    fn tell_of_room(&self, batch: &Batch, settled: &[Settled]) {
        let limited: Vec<&str> =
            batch.senders.iter().filter(|sender| sender.limited).map(|sender| &*sender.queue).collect();
        if !limited.is_empty() && !settled.is_empty() {
            self.wake.notify_one();
            notifier::tell(&self.database, limited);
        }
    }

    /// Writes a batch however long Postgres is away; the error is a refusal of its data, or that it was too much at once.
    async fn settle(&mut self, batch: &Batch) -> Result<Vec<Settled>, sqlx::Error> {
        let (schema, patience) = (self.link.schema(), self.link.patience());
        let mut failures = 0;
        loop {
            let result = match (self.link.connection().await, batch.way) {
                (Ok(connection), Way::Ctid(session)) => {
                    answered(patience, succeed(&schema, session, &batch.ended, connection)).await
                }
                (Ok(connection), Way::Key(locked)) => {
                    answered(patience, settle(&schema, &batch.ended, locked, connection)).await
                }
                (Err(error), _) => Err(error),
            };
            let checked = self.link.checked(result).await;
            self.pulse.goes_on();
            match checked {
                Ok(settled) => return Ok(settled),
                Err(error) if !batch.refused && FailureKind::of(&error).in_a_loop() == Consequence::BuryAlone => {
                    return Err(error);
                }
                Err(error) => {
                    warn!(%error, "could not settle {} attempts, and will try again", batch.ended.len());
                    if FailureKind::of(&error) == FailureKind::GivenUp && batch.ended.len() > 1 {
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
    fn new(way: Way) -> Self {
        Self { ended: Vec::new(), fallbacks: Vec::new(), senders: Vec::new(), refused: false, way }
    }

    fn of(letters: Vec<SettleRequest>, way: Way) -> Self {
        let mut batch = Self::new(way);
        for SettleRequest { finished, sender } in letters {
            batch.ended.push(finished.ended);
            batch.fallbacks.push((finished.budget, finished.backoff));
            batch.senders.push(sender);
        }
        batch
    }

    fn split(&mut self) -> Self {
        let middle = self.ended.len() / 2;
        Self {
            ended: self.ended.split_off(middle),
            fallbacks: self.fallbacks.split_off(middle),
            senders: self.senders.split_off(middle),
            refused: self.refused,
            way: self.way,
        }
    }

    /// What Postgres does not take becomes a failure that says so.
    fn fail(&mut self, refusal: &sqlx::Error) {
        for (end, (budget, backoff)) in self.ended.iter_mut().zip(&self.fallbacks) {
            let error = JobError::retry(format!("could not settle the attempt: {refusal}"));
            end.settlement = Settlement::of(Err(error), *budget, backoff, 1.0);
            end.output = None;
        }
        (self.refused, self.way) = (true, Way::Key(Locked::Leave));
    }

    /// Tells everybody. What is missing has lost its lease, or its row was moved, or a claim of another worker is just stepping
    /// over it: the rest is to be written again, and that answer is final.
    fn answer(self, settled: &[Settled]) -> Option<Self> {
        let outcomes: HashMap<(Uuid, i32), Outcome> =
            settled.iter().map(|end| ((end.job_id, end.attempt), end.outcome)).collect();
        let mut rest = Self { refused: self.refused, ..Self::new(Way::Key(Locked::Wait)) };
        for ((end, fallback), sender) in self.ended.into_iter().zip(self.fallbacks).zip(self.senders) {
            let outcome = outcomes.get(&(end.token.job_id, end.token.attempt)).copied();
            if outcome.is_none() && self.way != Way::Key(Locked::Wait) {
                rest.ended.push(end);
                rest.fallbacks.push(fallback);
                rest.senders.push(sender);
                continue;
            }
            if let Some(outcome) = outcome {
                sender.book.ended(&sender.queue, outcome, 1);
            }
            tell(&end, &sender.kind, outcome);
            let answer = if outcome.is_some() { Answer::Settled } else { Answer::LeaseLost };
            sender.answer(answer);
        }
        (!rest.ended.is_empty()).then_some(rest)
    }
}

/// A success is the ordinary case, and a busy worker has 50,000 of them a second: they are told at debug.
fn tell(end: &Ended, kind: &str, outcome: Option<Outcome>) {
    let (id, attempt) = (end.token.job_id, end.token.attempt);
    let error = end.settlement.error.as_deref().unwrap_or_default();
    match outcome {
        None => warn!(job.id = %id, job.kind = kind, attempt,
                      "job {id} ({kind}) attempt {attempt} had lost its lease: nothing was written"),
        Some(Outcome::Succeeded) => debug!(job.id = %id, job.kind = kind, attempt,
                                           "job {id} ({kind}) attempt {attempt} succeeded"),
        Some(Outcome::Dead) => warn!(job.id = %id, job.kind = kind, attempt,
                                     "job {id} ({kind}) attempt {attempt} is dead: {error}"),
        Some(outcome) => info!(job.id = %id, job.kind = kind, attempt, %outcome,
                               "job {id} ({kind}) attempt {attempt} {outcome}: {error}"),
    }
}
