//! The signals that stop a process in order.

use crate::exit::end;
use ordinaut_core::program::Loops;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Cancelled by SIGTERM, by Ctrl-C, and by a panic of one of the process' loops; a second signal
/// ends the process at once. Must be called within a runtime.
pub fn shutdown(loops: &Loops) -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = loops.stop().clone();
    let hear = async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "an interrupt",
        };
        info!("received {name}: stopping in order; a second signal stops at once");
        stop.cancel();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        warn!("received a second signal: stopped at once");
        end(130);
    };
    loops.spawn("signals", hear);
    Ok(loops.stop().clone())
}
