//! The end of a worker: what runs ends or is given back, and every end is written.

use crate::worker::cancellation::Stop;
use crate::worker::engine::Engine;
use crate::worker::prefetch_buffer::PrefetchBuffer;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// What writing the last ends may take at least, however short the grace for handlers is.
const LEAST_FLUSH: Duration = Duration::from_secs(5);

impl<S: Send + Sync + 'static> Engine<S> {
    /// Waits for what runs and then gives it back, writes all ends, and ends the session.
    pub(crate) async fn drain(mut self) {
        // What ends when nobody can write its end has nothing to wait for.
        let grace = if self.settler.is_gone() { Duration::ZERO } else { self.options.shutdown_grace };
        let name = self.options.name.clone();
        self.bench.shelf.close();
        let session = self.bench.session();
        if let Some(session) = &session {
            session.book.begin_shutdown();
            info!("worker {name} is stopping: {} running jobs have {} s to end", session.book.count(), grace.as_secs());
            self.give_back_shelf(session, PrefetchBuffer::clear).await;
        }
        self.runners.close();
        if tokio::time::timeout(grace, self.runners.wait()).await.is_err()
            && let Some(session) = &session
        {
            warn!("giving back {} jobs that did not end in time", session.book.count());
            session.book.stop_everybody(Stop::Release);
            self.runners.wait().await;
        }
        if let Some(session) = &session {
            // A runner that was about to take a lease when the shelf was closed has left it there.
            self.give_back_shelf(session, PrefetchBuffer::clear).await;
        }
        self.settler.close(grace.max(LEAST_FLUSH)).await;
        self.bench.targets.write_counted().await;
        self.folder.close().await;
        self.claimer.close().await;
        self.bench.set_session(None);
        if let Some(session) = session.and_then(Arc::into_inner) {
            session.close().await;
        }
        info!("worker {name} stopped");
    }
}
