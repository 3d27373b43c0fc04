//! What systemd is told: that the process has started, and, where the unit has a watchdog, that it lives.

use super::health::Health;
use sd_notify::NotifyState;
use std::sync::Arc;
use tracing::warn;

/// Tells the supervisor that the process has started, and from then on, as often as it wants to hear it, that it lives;
/// a process that does not live is not spoken for, and so ended and started again. Without a supervisor that listens
/// (`NOTIFY_SOCKET`) it does nothing. Must be called within a runtime.
pub fn tell_supervisor<H: Health>(health: Arc<H>) {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        warn!(%error, "could not tell the supervisor that the process has started");
    }
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut beat = tokio::time::interval(limit / 2);
        loop {
            beat.tick().await;
            let told = match health.live() {
                Ok(()) => sd_notify::notify(&[NotifyState::Watchdog]).map_err(|error| error.to_string()),
                Err(why) => Err(why),
            };
            if let Err(why) = told {
                warn!("the supervisor is not told that this process lives: {why}");
            }
        }
    });
}
