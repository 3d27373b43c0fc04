//! Patience: how long a loop of the scheduler waits for Postgres. A wire that swallows everything
//! never says so, and who waited forever would rescue nobody.

use crate::failure::silence;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A few thousand times what a step takes; long enough for one that has to wait for others.
const FIRST: Duration = Duration::from_secs(15);

/// 15 s doubled so often are an hour.
const DOUBLINGS: u32 = 8;

/// The longest wait for one step.
pub(crate) const LONGEST: Duration = Duration::from_secs(FIRST.as_secs() << DOUBLINGS);

/// Waits longer after each step that was given up, because it may have been slow and not lost.
#[derive(Debug, Default)]
pub(crate) struct AdaptiveTimeout {
    given_up: AtomicU32,
}

impl AdaptiveTimeout {
    /// Waits for a step of one transaction, which is undone if it takes too long.
    pub(crate) async fn wait<T, E: From<sqlx::Error>>(&self, step: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let limit = FIRST * 2_u32.pow(self.given_up.load(Ordering::Relaxed).min(DOUBLINGS));
        let Ok(result) = tokio::time::timeout(limit, step).await else {
            self.given_up.fetch_add(1, Ordering::Relaxed);
            return Err(silence(limit).into());
        };
        if result.is_ok() {
            self.given_up.store(0, Ordering::Relaxed);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn it_grows_with_each_step_that_is_given_up_until_one_is_answered() {
        let patience = AdaptiveTimeout::default();
        let silent = || patience.wait(std::future::pending::<sqlx::Result<()>>());
        for expected in [15, 30, 60] {
            let asked = Instant::now();
            assert!(silent().await.unwrap_err().to_string().contains("did not answer"));
            assert_eq!(asked.elapsed(), Duration::from_secs(expected));
        }
        patience.wait(async { Ok::<(), sqlx::Error>(()) }).await.unwrap();
        let asked = Instant::now();
        silent().await.unwrap_err();
        assert_eq!(asked.elapsed(), FIRST);
    }
}
