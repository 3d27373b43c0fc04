//! A delay that spreads tasks that are due together.

use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// Time after its instant at which a fire's job is due: from nothing to `max`, the same whenever
/// and wherever it is asked, so that no scheduler needs to store it.
///
/// ```
/// use ordinaut_core::schedule::jitter;
/// use std::time::Duration;
/// use uuid::Uuid;
///
/// let (task, at) = (Uuid::nil(), "2027-01-01T00:00:00Z".parse().unwrap());
/// let delay = jitter(task, at, Duration::from_secs(60));
/// assert!(delay <= Duration::from_secs(60) && delay == jitter(task, at, Duration::from_secs(60)));
/// ```
pub fn jitter(task_id: Uuid, scheduled_for: DateTime<Utc>, max: Duration) -> Duration {
    let time = scheduled_for.timestamp_micros().to_le_bytes();
    // FNV-1a; the multiplications behind it spread its low bits over the high ones, which decide
    // below.
    let hash =
        task_id.as_bytes().iter().chain(&time).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let most = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
    let share = (u128::from(mixed) * (u128::from(most) + 1)) >> 64;
    Duration::from_nanos(u64::try_from(share).unwrap_or(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_evenly() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut tenths = [0; 10];
        for task in 0..10_000 {
            let delay = jitter(Uuid::from_u128(task), at, Duration::from_secs(10));
            tenths[delay.as_secs() as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
        assert_eq!(jitter(Uuid::nil(), at, Duration::ZERO), Duration::ZERO);
        assert!(jitter(Uuid::nil(), DateTime::<Utc>::MAX_UTC, Duration::MAX) <= Duration::MAX);
    }
}
