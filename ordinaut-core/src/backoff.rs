//! The wait of a failed job for its next attempt.

use crate::seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Time for which a failed job waits for its next attempt. The wait is stored in the job's row, so
/// it outlives the process that decided it.
///
/// ```
/// use ordinaut_core::job::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::Linear { step: Duration::from_secs(10), cap: Duration::from_secs(25) };
/// assert_eq!(backoff.delay(2, 0.0), Duration::from_secs(20));
/// assert_eq!(backoff.delay(3, 0.0), Duration::from_secs(25));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Backoff {
    /// The same wait each time.
    Fixed {
        /// The wait.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "openapi", schema(value_type = f64))]
        delay: Duration,
    },
    /// One more step for each failure.
    Linear {
        /// The wait after the first failure.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "openapi", schema(value_type = f64))]
        step: Duration,
        /// The longest wait.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "openapi", schema(value_type = f64))]
        cap: Duration,
    },
    /// A wait that doubles with each failure, half of it random ("half jitter"): jobs that failed
    /// together do not come back together, and none comes back at once.
    Exponential {
        /// The longest wait after the first failure.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "openapi", schema(value_type = f64))]
        base: Duration,
        /// The longest wait.
        #[serde(with = "seconds")]
        #[cfg_attr(feature = "openapi", schema(value_type = f64))]
        cap: Duration,
    },
}

impl Backoff {
    /// Doubles from one second up to `cap`, with half jitter.
    pub const fn exponential(cap: Duration) -> Self {
        Self::Exponential { base: Duration::from_secs(1), cap }
    }

    /// The longest that it can ask for.
    pub(crate) fn longest(&self) -> Duration {
        match *self {
            Self::Fixed { delay } => delay,
            Self::Linear { cap, .. } | Self::Exponential { cap, .. } => cap,
        }
    }

    /// The wait after the `failures`th failure; `jitter` is random, from 0 to 1.
    pub fn delay(&self, failures: i16, jitter: f64) -> Duration {
        let failures = failures.max(1);
        match *self {
            Self::Fixed { delay } => delay,
            Self::Linear { step, cap } => step.saturating_mul(failures.unsigned_abs().into()).min(cap),
            Self::Exponential { base, cap } => {
                let doublings = u32::from(failures.unsigned_abs() - 1).min(31);
                let longest = base.saturating_mul(1 << doublings).min(cap);
                let share = 0.5 + 0.5 * jitter.clamp(0.0, 1.0);
                // The product of the longest `Duration` and 1.0 is none.
                Duration::try_from_secs_f64(longest.as_secs_f64() * share).unwrap_or(longest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_exponential_wait_doubles_until_its_cap() {
        let longest = |failures| Backoff::exponential(MINUTE).delay(failures, 1.0).as_secs();
        assert_eq!([1, 2, 3, 6, 7, 40].map(longest), [1, 2, 4, 32, 60, 60]);
    }

    #[test]
    fn half_of_an_exponential_wait_is_random() {
        let delay = |jitter| Backoff::exponential(MINUTE).delay(6, jitter).as_secs();
        assert_eq!([0.0, 0.5, 1.0].map(delay), [16, 24, 32]);
    }

    #[test]
    fn the_longest_cap_is_one() {
        assert_eq!(Backoff::exponential(Duration::MAX).delay(i16::MAX, 1.0), Duration::from_secs(1 << 31));
        let longest = Backoff::Exponential { base: Duration::MAX, cap: Duration::MAX };
        assert_eq!(longest.delay(1, 1.0), Duration::MAX);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_its_cap(failures in i16::MIN..i16::MAX, jitter in -1.0f64..2.0) {
            let base = Duration::from_secs(7);
            let exponential = Backoff::Exponential { base, cap: MINUTE };
            let linear = Backoff::Linear { step: base, cap: MINUTE };
            prop_assert!(exponential.delay(failures, jitter) <= MINUTE);
            prop_assert!(linear.delay(failures, jitter) <= MINUTE);
        }
    }
}
