//! A value that is looked up at most once within a time, however many ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tracing::Instrument;

/// A value that is older is not handed out, however long a new one takes.
const USABLE: Duration = Duration::from_secs(60);

/// Time for which somebody waits for a new value, where an older one would do.
const PATIENCE: Duration = Duration::from_millis(40);

pub(crate) struct Cached<T> {
    last: Arc<Mutex<Option<Looked<T>>>>,
    /// Held while looking, so that a request that comes then waits for that answer.
    looking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Looked<T> {
    at: Instant,
    /// Time that it took.
    took: Duration,
    value: T,
}

/// Time for which what took this time is fresh, where an old value will do: looking takes a
/// fortieth of a connection at most.
pub(crate) fn fresh_for(took: Duration) -> Duration {
    const SHARE: u32 = 40;
    took.saturating_mul(SHARE).min(USABLE / 2)
}

/// Time for which a value is fresh, by what it is and the time that it took.
type Fresh<T> = fn(&T, Duration) -> Duration;

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { last: Arc::default(), looking: Arc::default() }
    }
}

fn locked<T>(last: &Mutex<T>) -> MutexGuard<'_, T> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + 'static> Cached<T> {
    /// The last value if it is fresh, else a new one. A value that is never fresh, such as a
    /// failure, still answers those who waited while it was looked up: else each would wait for the
    /// next one in turn.
    pub(crate) async fn get(&self, fresh: Fresh<T>, look: impl Future<Output = T> + Send + 'static) -> T {
        joined(self.look(fresh, look).await)
    }

    fn look(&self, fresh: Fresh<T>, look: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let (last, looking, asked) = (self.last.clone(), self.looking.clone(), Instant::now());
        // A task of its own: a caller may lose patience, and the next one would begin the same look
        // again.
        let look = async move {
            let _looking = looking.lock().await;
            if let Some(last) = &*locked(&last)
                && (last.at.elapsed() < fresh(&last.value, last.took) || last.at >= asked)
            {
                return last.value.clone();
            }
            let begun = Instant::now();
            let value = look.await;
            *locked(&last) = Some(Looked { at: Instant::now(), took: begun.elapsed(), value: value.clone() });
            value
        };
        tokio::spawn(look.in_current_span())
    }
}

impl<T: Clone + Send + 'static, E: Clone + Send + 'static> Cached<Result<T, E>> {
    /// As [`Cached::get`], but for a new value that takes longer than `PATIENCE`: the last one
    /// then, if it may be handed out, and is no failure and not older than a minute. The new one is
    /// there for those who ask later.
    pub(crate) async fn get_soon(
        &self,
        may_be_old: fn(&T) -> bool,
        fresh: Fresh<Result<T, E>>,
        look: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        let mut new = self.look(fresh, look);
        let old = || {
            let last = locked(&self.last).clone().filter(|last| last.at.elapsed() < USABLE)?;
            let value = last.value.ok().filter(may_be_old)?;
            Some((last.took, value))
        };
        // What took long will take long again.
        let patience = if old().is_some_and(|(took, _)| took > PATIENCE) { Duration::ZERO } else { PATIENCE };
        if let Ok(value) = timeout(patience, &mut new).await {
            return joined(value);
        }
        match old() {
            Some((_, value)) => Ok(value),
            None => joined(new.await),
        }
    }
}

fn joined<T>(value: Result<T, JoinError>) -> T {
    value.expect("looking neither panics nor is aborted")
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
        assert_eq!(cached.get(|_, _| FRESH, async { 1 }).await, 1);
        assert_eq!(cached.get(|_, _| FRESH, async { 2 }).await, 1);
        assert_eq!(cached.get(|_, _| Duration::ZERO, async { 3 }).await, 3);
    }

    #[tokio::test]
    async fn an_old_value_that_will_do_is_handed_out_while_the_new_one_is_looked_up() {
        let (cached, go) = (Cached::default(), Arc::new(Notify::new()));
        let never = |_: &Result<i32, ()>, _| Duration::ZERO;
        let slow = |value| {
            let go = go.clone();
            async move {
                go.notified().await;
                Ok(value)
            }
        };
        go.notify_one();
        assert_eq!(cached.get_soon(|_| true, never, slow(1)).await, Ok(1), "there is no older one");
        assert_eq!(cached.get_soon(|_| true, never, slow(2)).await, Ok(1));
        go.notify_one();
        assert_eq!(cached.get(|_, _| FRESH, slow(3)).await, Ok(2), "the look that nobody waited for");
        let late = async {
            tokio::time::sleep(2 * PATIENCE).await;
            go.notify_one();
        };
        let (last, ()) = tokio::join!(cached.get_soon(|_| false, never, slow(4)), late);
        assert_eq!(last, Ok(4), "an old one will not do");
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
                cached.get(|_, _| Duration::ZERO, look).await
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
