//! What systemd is told: that the process has started, where the unit has a watchdog that it lives,
//! and that its end may take a while.

use crate::health::Health;
use ordinaut_core::program::Loops;
use sd_notify::NotifyState;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Between two requests for more time to end.
const BEAT: Duration = Duration::from_secs(5);

/// More time than lies between two requests, so that one that comes late does no harm.
const EXTENSION: Duration = Duration::from_secs(30);

/// Tells the supervisor that the process has started, and from then on, as often as it wants to
/// hear it, that it lives; a process that does not live is not spoken for, and so ended and started
/// again. Once the process stops, it asks for more time than the unit's `TimeoutStopSec` again and
/// again until `end_may_take` is over. Without a supervisor that listens (`NOTIFY_SOCKET`) it does
/// nothing. Must be called within a runtime.
pub fn tell_supervisor<H: Health>(loops: &Loops, health: Arc<H>, end_may_take: Duration) {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        warn!(%error, "could not tell the supervisor that the process has started");
    }
    if let Some(limit) = sd_notify::watchdog_enabled() {
        loops.spawn("watchdog", async move {
            let mut beat = tokio::time::interval(limit / 2);
            loop {
                beat.tick().await;
                let told = match health.live() {
                    Ok(()) => sd_notify::notify(&[NotifyState::Watchdog]).map_err(|error| error.to_string()),
                    Err(why) => Err(why),
                };
                if let Err(why) = told {
                    warn!("not telling the supervisor that this process is alive: {why}");
                }
            }
        });
    }
    loops.spawn("parting", ask_for_time(loops.stop().clone(), end_may_take));
}

async fn ask_for_time(stop: CancellationToken, end_may_take: Duration) {
    stop.cancelled().await;
    if sd_notify::notify(&[NotifyState::Stopping]).is_err() {
        // Nobody listens any more.
        return pending().await;
    }
    let ask = async {
        let mut beat = tokio::time::interval(BEAT);
        let extension = u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX);
        loop {
            beat.tick().await;
            sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(extension)]).ok();
        }
    };
    // A process that takes longer hangs, and is killed after the last extension.
    let _: Result<(), _> = tokio::time::timeout(end_may_take, ask).await;
}
