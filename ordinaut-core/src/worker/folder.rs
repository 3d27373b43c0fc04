//! The folder: does what follows from the ends of jobs that somebody follows, as soon as this
//! worker has written one. Off the settler's path; ends that come while it folds are the next fold.
//! What it leaves undone a scheduler finds.

use crate::backoff::Backoff;
use crate::batch::run::fold::Folded;
use crate::client::Client;
use crate::loops::Loops;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Between two tries while another process folds, which may have looked before our end was there:
/// shorter than a fold at first, then longer, because a process that folds much folds our end too.
const BUSY: Backoff = Backoff::Exponential { base: Duration::from_millis(2), cap: Duration::from_millis(100) };

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(2) };

/// After a fold that let nobody go: ends of a batch come by the thousand, and are counted many at a
/// time.
const COUNTED: Duration = Duration::from_millis(20);

/// Number of tries that fail until it is left to a scheduler, or to the next end.
const TRIES: i16 = 5;

/// Time that the last fold has, when the worker stops.
const LAST: Duration = Duration::from_secs(2);

pub(crate) struct Folder {
    /// Woken when a job ended that somebody follows.
    ended: Arc<Notify>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Folder {
    /// `wake` is woken when jobs are due that waited.
    pub(crate) fn start(database: &Client, wake: Arc<Notify>, loops: &Loops) -> Self {
        let (ended, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let work = work(database.clone(), ended.clone(), wake, stop.clone());
        Self { ended, stop, task: loops.spawn("folder", work) }
    }

    pub(crate) fn ended(&self) -> Arc<Notify> {
        self.ended.clone()
    }

    /// Folds what was ended before this.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        let mut task = self.task;
        if tokio::time::timeout(LAST, &mut task).await.is_err() {
            task.abort();
        }
    }
}

async fn work(database: Client, ended: Arc<Notify>, wake: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = ended.notified() => {
                if !fold_all(&database, &wake).await {
                    stop.run_until_cancelled(tokio::time::sleep(COUNTED)).await;
                }
            }
            () = stop.cancelled() => return,
        }
    }
}

/// Whether it let jobs go.
async fn fold_all(database: &Client, wake: &Notify) -> bool {
    let (mut busy, mut failures, mut any) = (0, 0, false);
    loop {
        match database.batches().fold().await {
            Ok(Folded::Nothing) => return any,
            Ok(Folded::Busy) => {
                busy += 1;
                tokio::time::sleep(BUSY.delay(busy, rand::random())).await;
            }
            Ok(Folded::Done { released, more }) => {
                if released {
                    any = true;
                    wake.notify_one();
                }
                if !more {
                    return any;
                }
                (busy, failures) = (0, 0);
            }
            Err(error) => {
                failures += 1;
                if failures >= TRIES {
                    warn!(%error, "could not fold ends of jobs: a scheduler does it");
                    return any;
                }
                tokio::time::sleep(RETRY.delay(failures, rand::random())).await;
            }
        }
    }
}
