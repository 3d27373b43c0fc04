//! The order to stop an attempt before its handler has ended by itself.

use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::Notify;

/// Why an attempt must stop. A later one outweighs an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// Somebody cancelled the job: the handler is told, and has a while to end.
    Cancel = 1,
    /// The worker stops and waits no longer: the job goes back.
    Release = 2,
    /// The lease does not hold any more: nothing may be written.
    Lose = 3,
}

/// One attempt's line to those who may stop it.
#[derive(Default)]
pub(super) struct StopLine {
    order: AtomicU8,
    /// The runner of the attempt, which alone acts on it.
    runner: Notify,
    /// The handler, which may listen.
    handler: Notify,
}

impl StopLine {
    pub(super) fn stop(&self, order: Stop) {
        if self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8 {
            self.runner.notify_one();
            self.handler.notify_waiters();
        }
    }

    /// The weightiest order so far.
    pub(super) fn order(&self) -> Option<Stop> {
        match self.order.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Stop::Cancel),
            2 => Some(Stop::Release),
            _ => Some(Stop::Lose),
        }
    }

    /// Ends with the first order that outweighs `known`. For the runner only: it takes the one notice there is.
    pub(super) async fn outweighed(&self, known: Option<Stop>) -> Stop {
        loop {
            if let Some(order) = self.order().filter(|order| Some(*order) > known) {
                return order;
            }
            self.runner.notified().await;
        }
    }

    /// Ends with the first order. For any number of listeners.
    pub(super) async fn heard(&self) {
        let notice = self.handler.notified();
        tokio::pin!(notice);
        // Listening begins before the look, or an order between the two would be missed.
        notice.as_mut().enable();
        if self.order().is_none() {
            notice.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
