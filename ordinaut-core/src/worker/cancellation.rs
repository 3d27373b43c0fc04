//! The order to stop an attempt before its handler has ended by itself, and what the handler hears
//! of it.

use crate::report::attachment::Newest;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use tokio::sync::{Notify, watch};

/// Why a handler must stop now; see [`Context::stop_reason`](crate::worker::Context::stop_reason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The job was cancelled: the handler has five seconds to clean up, and what it returns counts.
    Cancelled,
    /// The worker stops and its grace is over: the job is given back, whatever the handler returns.
    Shutdown,
    /// The job's time limit is over: the attempt fails, whatever the handler returns.
    TimedOut,
    /// Another attempt may own the job by now: nothing that the handler returns is written.
    LeaseLost,
}

/// Why an attempt must stop. A later one outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Somebody cancelled the job: the handler is told, and has a while to end.
    Cancel = 1,
    /// Its time limit is over: the attempt fails.
    TimeOut = 2,
    /// The worker stops and waits no longer: the job goes back.
    Release = 3,
    /// The lease does not hold any more: nothing may be written.
    Lose = 4,
}

impl Stop {
    #[cfg(feature = "testing")]
    pub(crate) fn of(reason: StopReason) -> Self {
        match reason {
            StopReason::Cancelled => Self::Cancel,
            StopReason::TimedOut => Self::TimeOut,
            StopReason::Shutdown => Self::Release,
            StopReason::LeaseLost => Self::Lose,
        }
    }

    pub(crate) fn reason(self) -> StopReason {
        match self {
            Self::Cancel => StopReason::Cancelled,
            Self::TimeOut => StopReason::TimedOut,
            Self::Release => StopReason::Shutdown,
            Self::Lose => StopReason::LeaseLost,
        }
    }
}

/// One attempt's line to those who may stop it, or tell it something.
#[derive(Default)]
pub(crate) struct StopLine {
    order: AtomicU8,
    /// The worker has begun to stop; the handler may go on until the end of the grace.
    shutdown: AtomicBool,
    /// It was cancelled because it was stalled.
    stalled: AtomicBool,
    /// The newest parameters, once the handler has asked for them.
    parameters: OnceLock<watch::Sender<Option<Newest>>>,
    /// The runner of the attempt, which alone acts on it.
    runner: Notify,
    /// The handler, which may listen.
    handler: Notify,
}

impl StopLine {
    pub(crate) fn stop(&self, order: Stop) {
        if self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8 {
            // The handler first: when the runner hears, it polls the handler once more and drops
            // it.
            self.handler.notify_waiters();
            self.runner.notify_one();
        }
    }

    /// Tells the handler that the worker has begun to stop. It is no order.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.store(true, Ordering::Release);
        self.handler.notify_waiters();
    }

    pub(crate) fn shutdown_has_begun(&self) -> bool {
        self.shutdown.load(Ordering::Acquire)
    }

    /// Notes that the cancel which follows is because its progress has not changed for too long.
    pub(crate) fn is_stalled(&self) {
        self.stalled.store(true, Ordering::Release);
    }

    pub(crate) fn was_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }

    /// The parameters as they change, from now on.
    pub(crate) fn parameters(&self) -> watch::Receiver<Option<Newest>> {
        self.parameters.get_or_init(|| watch::Sender::new(None)).subscribe()
    }

    /// Passes parameters on, if the handler has asked for any: it looks them up when it does.
    pub(crate) fn attach(&self, newest: Newest) {
        if let Some(parameters) = self.parameters.get() {
            parameters.send_if_modified(|known| {
                let newer = known.as_ref().is_none_or(|known| known.n < newest.n);
                if newer {
                    *known = Some(newest);
                }
                newer
            });
        }
    }

    /// The weightiest order so far.
    pub(crate) fn order(&self) -> Option<Stop> {
        match self.order.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Stop::Cancel),
            2 => Some(Stop::TimeOut),
            3 => Some(Stop::Release),
            _ => Some(Stop::Lose),
        }
    }

    /// Ends with the first order that outweighs `known`. For the runner only: it takes the one
    /// notice there is.
    pub(crate) async fn outweighed(&self, known: Option<Stop>) -> Stop {
        loop {
            if let Some(order) = self.order().filter(|order| Some(*order) > known) {
                return order;
            }
            self.runner.notified().await;
        }
    }

    /// Ends with the first order. For any number of listeners.
    pub(crate) async fn heard(&self) {
        self.told(|| self.order().is_some()).await;
    }

    /// Ends when the worker has begun to stop. For any number of listeners.
    pub(crate) async fn heard_of_shutdown(&self) {
        self.told(|| self.shutdown_has_begun()).await;
    }

    async fn told(&self, reached: impl Fn() -> bool) {
        loop {
            let notice = self.handler.notified();
            tokio::pin!(notice);
            // Listening begins before the look, or an order between the two would be missed.
            notice.as_mut().enable();
            if reached() {
                return;
            }
            notice.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_weightier_order_is_heard_after_a_lighter_one() {
        let line = StopLine::default();
        line.stop(Stop::Cancel);
        assert_eq!(line.outweighed(None).await, Stop::Cancel);
        line.stop(Stop::Lose);
        assert_eq!(line.outweighed(Some(Stop::Cancel)).await, Stop::Lose);
        line.stop(Stop::Release);
        assert_eq!(line.order(), Some(Stop::Lose));
        line.heard().await;
    }

    #[tokio::test]
    async fn the_beginning_of_a_shutdown_is_no_order() {
        let line = StopLine::default();
        let mut heard = std::pin::pin!(line.heard());
        assert!(heard.as_mut().now_or_never().is_none());
        line.begin_shutdown();
        line.heard_of_shutdown().await;
        assert!(heard.as_mut().now_or_never().is_none());
        assert_eq!(line.order(), None);
        line.stop(Stop::Release);
        heard.await;
    }
}
