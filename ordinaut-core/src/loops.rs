//! Loops that belong together: a panic in one of them stops all of them, and goes on in the caller
//! that ran them.
//!
//! A runtime keeps the panic of a spawned task in a handle that is often dropped. The rest would
//! then go on without the loop: a worker without its settler renews the leases of jobs whose ends
//! are never written.

use futures_util::FutureExt;
use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;

/// What a panic carries.
type Panic = Box<dyn Any + Send>;

/// The loops of a worker, a scheduler or a process. Clones belong together.
#[derive(Clone, Debug, Default)]
pub struct Loops {
    stop: CancellationToken,
    first_panic: Arc<Mutex<Option<Panic>>>,
}

impl Loops {
    /// Cancelled to stop the loops, and by a panic in one of them.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Spawns a loop.
    pub fn spawn<F>(&self, name: &'static str, work: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(self.watch(name, work))
    }

    /// A loop to be spawned or awaited elsewhere. It ends when its work ends or panics.
    pub fn watch<F: Future<Output = ()>>(&self, name: &'static str, work: F) -> impl Future<Output = ()> + use<F> {
        let loops = self.clone();
        async move { loops.catch(name, work).await.unwrap_or(()) }
    }

    /// The answer of a part of a loop; `None`: it panicked.
    pub(crate) async fn catch<T>(&self, name: &'static str, work: impl Future<Output = T>) -> Option<T> {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(answer) => Some(answer),
            Err(panic) => {
                self.broke(name, panic);
                None
            }
        }
    }

    /// A loop panicked, or cannot run.
    pub(crate) fn broke(&self, name: &'static str, panic: Panic) {
        error!("loop {name} failed: stopping everything that runs beside it");
        self.first_panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        self.stop.cancel();
    }

    /// For the caller that ran the loops, once it has stopped them: goes on with the first panic
    /// that one of them had.
    pub fn resume_panic(&self) {
        let panic = self.first_panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_stops_the_others_and_goes_on_in_the_caller() {
        let loops = Loops::default();
        let stop = loops.stop().clone();
        let other = loops.spawn("other", async move { stop.cancelled().await });
        loops.spawn("broken", async { panic!("a loop's own words") }).await.unwrap();
        other.await.unwrap();
        let panic = tokio::spawn(async move { loops.resume_panic() }).await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a loop's own words"));
    }

    #[tokio::test]
    async fn loops_that_end_leave_nothing_to_go_on_with() {
        let loops = Loops::default();
        loops.spawn("loop", async {}).await.unwrap();
        assert_eq!(loops.catch("part", async { 1 }).await, Some(1));
        assert!(!loops.stop().is_cancelled());
        loops.resume_panic();
    }
}
