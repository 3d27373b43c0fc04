//! The wait of a failed job for its next attempt.

use crate::seconds;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
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
        self.delay_within(JitterRange::default(), failures, jitter)
    }

    /// The same with another share of an exponential wait that is random.
    pub fn delay_within(&self, range: JitterRange, failures: i16, jitter: f64) -> Duration {
        let failures = failures.max(1);
        match *self {
            Self::Fixed { delay } => delay,
            Self::Linear { step, cap } => step.saturating_mul(failures.unsigned_abs().into()).min(cap),
            Self::Exponential { base, cap } => {
                let doublings = u32::from(failures.unsigned_abs() - 1).min(31);
                let longest = base.saturating_mul(1 << doublings).min(cap);
                let share = range.least + (range.most - range.least) * jitter.clamp(0.0, 1.0);
                // The product of the longest `Duration` and 1.0 is none.
                Duration::try_from_secs_f64(longest.as_secs_f64() * share).unwrap_or(longest)
            }
        }
    }
}

/// The part of an exponential wait that a failed job waits: a random one from `least` to `most`.
///
/// ```
/// use ordinaut_core::job::{Backoff, JitterRange};
/// use std::time::Duration;
///
/// let whole: JitterRange = "1-1".parse()?;
/// let backoff = Backoff::exponential(Duration::from_secs(60));
/// assert_eq!(backoff.delay_within(whole, 3, 0.0), Duration::from_secs(4));
/// assert_eq!(JitterRange::default().to_string(), "0.5-1");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JitterRange {
    least: f64,
    most: f64,
}

impl Default for JitterRange {
    fn default() -> Self {
        Self { least: 0.5, most: 1.0 }
    }
}

impl fmt::Display for JitterRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.least, self.most)
    }
}

impl FromStr for JitterRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |part: &str| part.trim().parse().ok().filter(|part| (0.0..=1.0).contains(part));
        match text.split_once('-').map(|(least, most)| (read(least), read(most))) {
            Some((Some(least), Some(most))) if least <= most => Ok(Self { least, most }),
            _ => Err(format!("must be two numbers from 0 to 1 such as 0.5-1, the smaller one first: it is {text:?}")),
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
    fn the_random_part_is_as_wide_as_its_range() {
        let range = |text: &str| text.parse::<JitterRange>();
        let delay = |text, jitter| Backoff::exponential(MINUTE).delay_within(range(text).unwrap(), 6, jitter).as_secs();
        assert_eq!([delay("0-1", 0.0), delay("0-1", 1.0), delay("0.25-0.5", 0.5), delay("1-1", 0.3)], [0, 32, 12, 32]);
        for text in ["", "1", "0.5", "1-0.5", "-1-1", "0-1.5", "0-x", "NaN-1"] {
            assert!(range(text).is_err(), "{text}");
        }
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
