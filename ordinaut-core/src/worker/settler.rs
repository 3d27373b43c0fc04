//! The settler: writes ends of attempts, grouped by themselves. What arrives while one statement is under way is the
//! next one: no timer, so a lone end waits for nothing.

use super::book::Book;
use crate::store::database::Database;
use crate::store::link::Link;
use crate::store::settle::{Ended, Settled, is_refusal, settle};
use crate::vocabulary::backoff::Backoff;
use crate::vocabulary::error::JobError;
use crate::vocabulary::settlement::{Budget, Settlement};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// Many enough that a statement's fixed cost vanishes, few enough that one fits into any server's patience.
const ENDS_A_STATEMENT: usize = 500;

/// As many ends may wait to be written; then handlers wait with theirs, and nothing more is claimed.
const BACKLOG: usize = 1000;

/// An end on its way to the database.
pub(super) struct Letter {
    pub(super) ended: Ended,
    pub(super) kind: String,
    pub(super) book: Arc<Book>,
    /// What it fails with if Postgres refuses what it says.
    pub(super) budget: Budget,
    pub(super) backoff: Backoff,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Whether an end was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Settled,
    LeaseLost,
}

pub(super) struct Settler {
    inbox: mpsc::Sender<Letter>,
    task: JoinHandle<()>,
}

impl Settler {
    pub(super) fn start(database: &Database, name: &str, lease: Duration) -> Self {
        let (inbox, letters) = mpsc::channel(BACKLOG);
        let desk = Desk { link: Link::new(database, &format!("ordinaut-settle/{name}"), lease / 3) };
        Self { inbox, task: tokio::spawn(desk.work(letters)) }
    }

    /// Where attempts hand in their ends.
    pub(super) fn inbox(&self) -> mpsc::Sender<Letter> {
        self.inbox.clone()
    }

    /// Writes what is left, for as long as `patience` lasts. What remains is rescued when the session has ended.
    pub(super) async fn close(self, patience: Duration) {
        drop(self.inbox);
        if tokio::time::timeout(patience, self.task).await.is_err() {
            error!("stopped before all ends of attempts were written: those jobs run again");
        }
    }
}

struct Desk {
    link: Link,
}

impl Desk {
    async fn work(mut self, mut letters: mpsc::Receiver<Letter>) {
        let mut batch = Vec::new();
        while letters.recv_many(&mut batch, ENDS_A_STATEMENT).await > 0 {
            self.write(std::mem::take(&mut batch)).await;
        }
        self.link.close().await;
    }

    /// Writes a batch, halving it where Postgres refuses its data, until the culprit is alone; that one fails instead.
    async fn write(&mut self, batch: Vec<Letter>) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            // One order for all: two statements that touch the same rows can then only wait, not deadlock.
            batch.sort_by_key(|letter| letter.ended.token.job_id);
            match self.settle(&batch).await {
                Ok(settled) => answer(batch, &settled),
                Err(refused) if batch.len() == 1 => {
                    for letter in &mut batch {
                        let error = JobError::retry(format!("its end could not be stored: {refused}"));
                        letter.ended.settlement = Settlement::of(Err(error), letter.budget, &letter.backoff, 1.0);
                        letter.ended.output = None;
                    }
                    batches.push(batch);
                }
                Err(_) => {
                    let half = batch.split_off(batch.len() / 2);
                    batches.extend([half, batch]);
                }
            }
        }
    }

    /// Writes a batch however long Postgres is away; the error is a refusal of its data.
    async fn settle(&mut self, batch: &[Letter]) -> Result<Vec<Settled>, sqlx::Error> {
        let ended: Vec<_> = batch.iter().map(|letter| letter.ended.clone()).collect();
        let schema = self.link.schema();
        let mut failures = 0;
        loop {
            let result = match self.link.connection().await {
                Ok(connection) => settle(&schema, &ended, connection).await,
                Err(error) => Err(error),
            };
            match self.link.checked(result) {
                Ok(settled) => return Ok(settled),
                Err(error) if is_refusal(&error) && !batch.iter().all(was_refused) => return Err(error),
                Err(error) => {
                    warn!(%error, "could not write the ends of {} attempts, and will try again", batch.len());
                    failures += 1;
                    tokio::time::sleep(RETRY.delay(failures, rand::random())).await;
                }
            }
        }
    }
}

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// Whether what is to be written is already the refusal of something else.
fn was_refused(letter: &Letter) -> bool {
    letter.ended.settlement.error.as_deref().is_some_and(|error| error.starts_with("its end could not be stored"))
}

fn answer(batch: Vec<Letter>, settled: &[Settled]) {
    for letter in batch {
        let (token, kind) = (letter.ended.token, &letter.kind);
        let (job_id, attempt) = (token.job_id, token.attempt);
        let answer = match settled.iter().find(|end| end.job_id == job_id && end.attempt == attempt) {
            Some(end) => {
                letter.book.ended(&end.queue, end.outcome);
                let error = letter.ended.settlement.error.as_deref().unwrap_or_default();
                let colon = if error.is_empty() { "" } else { ": " };
                info!(job.id = %job_id, job.kind = %kind, attempt, queue = %end.queue, outcome = %end.outcome,
                      "job {job_id} ({kind}) attempt {attempt} {}{colon}{error}", end.outcome);
                Answer::Settled
            }
            None => {
                warn!(job.id = %job_id, job.kind = %kind, attempt,
                      "job {job_id} ({kind}) attempt {attempt} had lost its lease: nothing was written");
                Answer::LeaseLost
            }
        };
        // Nobody may be waiting: only a step is.
        letter.answer.send(answer).ok();
    }
}
