//! A value that is looked up at most once within a time, however many ask.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tracing::Instrument;

/// Held while looking, so that a request that comes then waits for that answer.
pub(crate) struct Cached<T>(Arc<Mutex<Option<(Instant, T)>>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + 'static> Cached<T> {
    /// The last value if it is fresh, else a new one. A value that is never fresh, such as a
    /// failure, still answers those who waited while it was looked up: else each would wait for the
    /// next one in turn.
    pub(crate) async fn get(&self, fresh: fn(&T) -> Duration, look: impl Future<Output = T> + Send + 'static) -> T {
        let (last, asked) = (self.0.clone(), Instant::now());
        // A task of its own: a caller may lose patience, and the next one would begin the same look
        // again.
        let look = async move {
            let mut last = last.lock().await;
            if let Some((at, value)) = &*last
                && (at.elapsed() < fresh(value) || *at >= asked)
            {
                return value.clone();
            }
            let value = look.await;
            *last = Some((Instant::now(), value.clone()));
            value
        };
        tokio::spawn(look.in_current_span()).await.expect("looking neither panics nor is aborted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    const FRESH: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_fresh_value_is_not_looked_up_again_and_a_stale_one_is() {
        let cached = Cached::default();
        assert_eq!(cached.get(|_| FRESH, async { 1 }).await, 1);
        assert_eq!(cached.get(|_| FRESH, async { 2 }).await, 1);
        assert_eq!(cached.get(|_| Duration::ZERO, async { 3 }).await, 3);
    }

    #[tokio::test]
    async fn those_who_wait_share_one_look_also_if_it_fails_or_its_caller_goes_away() {
        let (cached, looks, go) = (Arc::new(Cached::default()), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (cached, looks, go) = (cached.clone(), looks.clone(), go.clone());
            tokio::spawn(async move {
                let look = async move {
                    looks.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    Err::<(), _>("away")
                };
                cached.get(|_| Duration::ZERO, look).await
            })
        };
        let first = ask();
        while looks.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        first.abort();
        let others = [ask(), ask()];
        tokio::task::yield_now().await;
        go.notify_one();
        for other in others {
            assert_eq!(other.await.unwrap(), Err("away"));
        }
        assert_eq!(looks.load(Ordering::SeqCst), 1);
    }
}
