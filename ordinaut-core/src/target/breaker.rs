//! The breaker of a host, as a process last saw it, and what it may do then. What failures and
//! successes make of it is decided where all processes meet: `sql/target/failed.sql`,
//! `succeeded.sql` and `try.sql`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Whether a host is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It is not, for a while: too many calls have failed.
    Open,
    /// One call is under way that decides.
    Trial,
}

impl BreakerState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Trial => "trial",
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for BreakerState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = [Self::Closed, Self::Open, Self::Trial];
        known
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| format!("no state of a breaker is called {word:?}"))
    }
}

/// What a process last saw of a host's breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Breaker {
    pub(crate) state: BreakerState,
    /// Calls that have failed in a row.
    pub(crate) failures: i32,
    pub(crate) drained: bool,
    /// Time until one may be tried that is not called, from when this was seen.
    pub(crate) opens_in: Option<Duration>,
}

/// What a process may do with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Call,
    /// Ask whether this call may be the one that tries it.
    Try,
    Leave,
}

impl Breaker {
    /// As it is stored: seconds from now until it may be tried, and until a call that tries it must
    /// have ended.
    pub(crate) fn of(state: BreakerState, failures: i32, drained: bool, waits: [Option<f64>; 2]) -> Self {
        let [retry_in, trial_left] = waits;
        let seconds = match state {
            BreakerState::Closed => None,
            BreakerState::Open => retry_in,
            BreakerState::Trial => trial_left,
        };
        let opens_in = seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        Self { state, failures, drained, opens_in }
    }

    /// What to do, `since` it was seen.
    pub(crate) fn verdict(&self, since: Duration) -> Verdict {
        match (self.drained, self.state, self.opens_in) {
            (true, ..) => Verdict::Leave,
            (false, BreakerState::Closed, _) => Verdict::Call,
            (false, _, Some(wait)) if since < wait => Verdict::Leave,
            (false, ..) => Verdict::Try,
        }
    }

    /// After a success that nobody had to be told of, or that closed it.
    pub(crate) fn closed(&self) -> Self {
        Self { state: BreakerState::Closed, failures: 0, opens_in: None, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_closed_one_is_called_and_an_open_one_tried_when_its_time_has_come() {
        let closed = Breaker::of(BreakerState::Closed, 4, false, [None, None]);
        assert_eq!(closed.verdict(Duration::ZERO), Verdict::Call);
        let open = Breaker::of(BreakerState::Open, 5, false, [Some(1.0), None]);
        assert_eq!(open.verdict(SECOND / 2), Verdict::Leave);
        assert_eq!(open.verdict(SECOND), Verdict::Try);
        let tried = Breaker::of(BreakerState::Trial, 5, false, [Some(-9.0), Some(1.0)]);
        assert_eq!(tried.verdict(SECOND / 2), Verdict::Leave);
        assert_eq!(tried.verdict(SECOND), Verdict::Try);
    }

    #[test]
    fn a_drained_one_is_left_alone_whatever_its_state() {
        for state in [BreakerState::Closed, BreakerState::Open, BreakerState::Trial] {
            assert_eq!(Breaker::of(state, 0, true, [Some(0.0), Some(0.0)]).verdict(SECOND), Verdict::Leave);
        }
    }

    #[test]
    fn words_are_read_back() {
        for state in [BreakerState::Closed, BreakerState::Open, BreakerState::Trial] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("ajar".parse::<BreakerState>().is_err());
    }
}
