//! Hearing hints over Redis, where one is configured: a hint that LISTEN brings too wakes nobody
//! twice.

use crate::backoff::Backoff;
use crate::notify::listener::Hears;
use crate::notify::redis::pubsub::hear;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

/// Hears until told to stop.
pub(crate) async fn run(url: String, schema: String, hears: Hears, stop: CancellationToken) {
    let for_ever = async {
        let mut failures = 0;
        loop {
            let ready = || {
                info!("listening for notifications over Redis");
                failures = 0;
                // What was told before is not told again.
                hears.may_have_missed();
            };
            let heard = |name: &str| hears.heard(name);
            let Err(error) = hear(&url, &schema, ready, heard).await;
            debug!(%error, "could not listen over Redis, and will try again");
            failures += 1;
            tokio::time::sleep(RETRY.delay(failures, rand::random())).await;
        }
    };
    let _: Option<std::convert::Infallible> = stop.run_until_cancelled(for_ever).await;
}
