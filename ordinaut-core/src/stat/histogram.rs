//! Times as they are kept: how many lay between two bounds.

use crate::stat::line::Quantiles;
use std::iter::once;
use std::sync::LazyLock;

/// The shortest time that is told from none, in seconds.
const SHORTEST: f64 = 0.001;

/// Bounds above it, each the square root of two times the one before: up to two days.
const STEPS: i32 = 56;

/// The lower bounds in seconds; what is stored counts by their places.
pub(crate) static BOUNDS: LazyLock<Vec<f64>> =
    LazyLock::new(|| once(0.0).chain((0..STEPS).map(|n| SHORTEST * 2f64.powf(f64::from(n) / 2.0))).collect());

/// The times that 50, 95 and 99 of a hundred took, of numbers by their places.
pub(crate) fn quantiles(counts: &[i64]) -> Quantiles {
    Quantiles { p50: quantile(counts, 0.5), p95: quantile(counts, 0.95), p99: quantile(counts, 0.99) }
}

/// Between two bounds the times are taken to be spread evenly.
fn quantile(counts: &[i64], share: f64) -> Option<f64> {
    let all: i64 = counts.iter().sum();
    let wanted = all as f64 * share;
    let mut below = 0.0;
    for (place, &count) in counts.iter().enumerate() {
        if count > 0 && below + count as f64 >= wanted {
            let from = *BOUNDS.get(place)?;
            let to = BOUNDS.get(place + 1).copied().unwrap_or(from);
            return Some(from + (to - from) * (wanted - below) / count as f64);
        }
        below += count as f64;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_in_its_place_and_of_nothing_there_is_none() {
        assert_eq!(quantiles(&[]), Quantiles::default());
        assert_eq!(quantiles(&[0, 0]), Quantiles::default());
        assert_eq!(BOUNDS[..4], [0.0, 0.001, 0.001 * 2f64.sqrt(), 0.002]);
        assert!(BOUNDS.is_sorted() && BOUNDS[BOUNDS.len() - 1] > 2.0 * 86_400.0);
        // Ninety took less than a millisecond, ten from 2 ms to 2.8 ms.
        let times = quantiles(&[90, 0, 0, 10]);
        let near = |time: Option<f64>, expected: f64| (time.unwrap() - expected).abs() < 1e-9;
        assert!(near(times.p50, 0.001 * 50.0 / 90.0), "{times:?}");
        assert!(near(times.p95, 0.002 + (BOUNDS[4] - 0.002) * 0.5), "{times:?}");
        assert!(near(times.p99, 0.002 + (BOUNDS[4] - 0.002) * 0.9), "{times:?}");
        // What lies above the last bound is told as the last bound.
        let mut longest = vec![0; BOUNDS.len()];
        longest[BOUNDS.len() - 1] = 1;
        assert_eq!(quantiles(&longest).p50, BOUNDS.last().copied());
    }
}
