//! The signals that stop a process in order.

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Cancelled by SIGTERM or Ctrl-C; a second one ends the process at once. Must be called within a runtime.
pub fn shutdown() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "an interrupt",
        };
        info!("{name} came: stopping in order; a second signal stops at once");
        stop.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        warn!("a second signal came: stopped at once");
        std::process::exit(130);
    });
    Ok(token)
}
