//! The pause of claims after Postgres was restarted or promoted, or crashed.

use crate::lease::store::restart::AfterRestart;
use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

/// Time for which nobody claims after Postgres was restarted or promoted, or lost its memory:
/// claims that were lost with it have handlers that run, and their workers need the time to notice.
const PAUSE: Duration = Duration::from_secs(2);

/// What is remembered of the Postgres that a program claims from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RestartPause {
    /// Since when the Postgres that it was last connected to takes writes and has lost nothing.
    since: Option<DateTime<Utc>>,
    not_before: Option<Instant>,
}

impl RestartPause {
    /// A new connection told this. The answer is the time until the next claim, and whether this is
    /// another Postgres than before, or the same one restarted.
    pub(crate) fn connected(&mut self, after: &AfterRestart, now: Instant) -> (Duration, bool) {
        // Neither instant lies in the future of the other by more than a moment: the function that
        // tells them sees to it.
        let pause = PAUSE.saturating_sub((after.now - after.writable_since).to_std().unwrap_or_default());
        self.not_before = Some(now + PAUSE.min(pause));
        let same = self.since.replace(after.writable_since).is_none_or(|before| before == after.writable_since);
        (pause, !same)
    }

    /// Time until the next claim may be made; `None`: now.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.not_before.map(|at| at.saturating_duration_since(now));
        left.filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn claims_wait_until_a_postgres_has_taken_writes_for_two_seconds() {
        let (start, now) = (DateTime::UNIX_EPOCH, Instant::now());
        let after = |milliseconds| AfterRestart {
            writable_since: start,
            now: start + TimeDelta::milliseconds(milliseconds),
            missing: Vec::new(),
        };
        let mut pause = RestartPause::default();
        assert_eq!(pause.left(now), None);
        assert_eq!(pause.connected(&after(1500), now), (Duration::from_millis(500), false), "the first one");
        assert_eq!(pause.left(now), Some(Duration::from_millis(500)));
        assert_eq!(pause.connected(&after(9000), now), (Duration::ZERO, false), "the same one");
        assert_eq!(pause.left(now), None);
        let another = AfterRestart { writable_since: start + TimeDelta::seconds(9), ..after(9000) };
        assert_eq!(pause.connected(&another, now), (PAUSE, true));
    }
}
