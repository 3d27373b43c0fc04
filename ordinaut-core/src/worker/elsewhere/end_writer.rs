//! The end writer: writes ends of attempts that ran elsewhere, as a worker writes its own.

use crate::client::Client;
use crate::job::outcome::Outcome;
use crate::lease::session_counts::SessionCounts;
use crate::lease::settled_attempt::{Reply, SettledAttempt};
use crate::lease::settlement::Retries;
use crate::loops::Loops;
use crate::worker::folder::Folder;
use crate::worker::liveness::WorkerLiveness;
use crate::worker::options::WorkerOptions;
use crate::worker::running_jobs::RunningJobs;
use crate::worker::settler::{SettleRequest, Settler, Waiting};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// The end of an attempt that ran elsewhere.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteEnd {
    attempt: SettledAttempt,
    retries: Retries,
    kind: Arc<str>,
    queue: Arc<str>,
    limited: bool,
}

impl RemoteEnd {
    /// The end of the attempt of a job of this kind and queue; `limited`: it takes room of limits
    /// until it is settled.
    pub fn new(attempt: SettledAttempt, retries: Retries, kind: Arc<str>, queue: Arc<str>, limited: bool) -> Self {
        Self { attempt, retries, kind, queue, limited }
    }
}

/// What became of the end of an attempt that ran elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Written {
    /// It was written, with this outcome.
    Settled(Outcome),
    /// The job waits for its target: this was no end.
    Parked,
    /// Another attempt owns the job, or the job has ended: nothing was written.
    LeaseLost,
    /// Postgres does not take what it says, for this reason: nothing was written, and the lease
    /// holds.
    Refused(String),
    /// The writer has ended: whether anything was written is not known.
    Unknown,
}

/// Writes ends of attempts that ran elsewhere: those that come while a statement is under way go
/// together in the next one, whichever requests they come from; what Postgres refuses takes no
/// other with it; and what follows from an end is done at once.
pub struct EndWriter {
    settler: Settler,
    folder: Folder,
    book: Arc<RunningJobs>,
    loops: Loops,
}

impl std::fmt::Debug for EndWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndWriter").finish_non_exhaustive()
    }
}

impl EndWriter {
    /// `woken` is woken when an end has made room under limits, or let jobs go that waited for it.
    /// Must be called within a runtime.
    pub fn start(client: &Client, name: &str, woken: Arc<Notify>) -> Self {
        let (loops, options) = (Loops::default(), WorkerOptions { name: name.to_owned(), ..WorkerOptions::default() });
        let folder = Folder::start(client, woken.clone(), &loops);
        let pulse = WorkerLiveness::default().watch("settler", options.lease);
        let settler = Settler::start(client, &options, (woken, folder.ended()), &loops, pulse);
        Self { settler, folder, book: Arc::default(), loops }
    }

    /// Writes ends, each answered by itself, in their order.
    pub async fn write(&self, ends: Vec<RemoteEnd>) -> Vec<Written> {
        let (inbox, mut answers) = (self.settler.inbox(), Vec::with_capacity(ends.len()));
        for end in ends {
            let (waiting, answer) = oneshot::channel();
            let RemoteEnd { attempt, retries, kind, queue, limited } = end;
            let (book, waiting) = (self.book.clone(), Waiting::Elsewhere(waiting));
            let request = SettleRequest { attempt, retries, kind, queue, limited, book, waiting };
            // A writer that has ended drops it, and so its answer.
            inbox.send(request).await.ok();
            answers.push(answer);
        }
        let mut written = Vec::with_capacity(answers.len());
        for answer in answers {
            written.push(match answer.await {
                Ok(Ok(Reply::Settled(outcome))) => Written::Settled(outcome),
                Ok(Ok(Reply::Parked)) => Written::Parked,
                Ok(Ok(Reply::LeaseLost)) => Written::LeaseLost,
                Ok(Err(reason)) => Written::Refused(reason),
                Err(_) => Written::Unknown,
            });
        }
        written
    }

    /// Whether it panicked, and writes nothing more.
    pub fn is_gone(&self) -> bool {
        self.settler.is_gone() || self.loops.stop().is_cancelled()
    }

    /// What was settled since this was asked last: to be [counted](crate::lease::Leases::count).
    pub fn take_counts(&self) -> SessionCounts {
        self.book.take_finished()
    }

    /// Writes what is left, for as long as `patience` lasts.
    pub async fn close(self, patience: Duration) {
        self.settler.close(patience).await;
        self.folder.close().await;
    }
}
