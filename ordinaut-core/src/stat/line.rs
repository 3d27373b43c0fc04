//! A line of statistics, and what is made of several.

use chrono::{DateTime, Timelike, Utc};
use serde::Serialize;

/// Seconds that a share of a hundred took at most; absent if there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Quantiles {
    /// Fifty of a hundred.
    pub p50: Option<f64>,
    /// Ninety-five of a hundred.
    pub p95: Option<f64>,
    /// Ninety-nine of a hundred.
    pub p99: Option<f64>,
}

/// What came and ended in one length of time, of a queue or a kind if there is one for each.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct StatLine {
    /// Where the length of time begins.
    pub begins: DateTime<Utc>,
    /// The queue; absent: all that count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub queue: Option<String>,
    /// The kind; absent: all that count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub kind: Option<String>,
    /// Jobs that were made.
    pub arrived: i64,
    /// The same for each second.
    pub arrived_per_second: f64,
    /// Attempts that ended.
    pub ended: i64,
    /// The same for each second.
    pub ended_per_second: f64,
    /// Jobs that have not ended at the end of this time, less those at its beginning: those that
    /// were made or sent back, without those that succeeded, were cancelled or died. Below 0: they
    /// became fewer. A job that moved to another queue counts where it came and where it ended. For
    /// an agent of a tenant, jobs that were cancelled or sent back without an attempt do not count.
    pub growth: i64,
    /// Attempts of these that succeeded.
    pub succeeded: i64,
    /// Attempts of these that failed, for the time being or for good, or were lost.
    pub failed: i64,
    /// Jobs that took longer than the SLA of their kind. For an agent of a tenant they are not
    /// counted.
    pub late: i64,
    /// The share that failed of those that succeeded or failed.
    pub failure_share: Option<f64>,
    /// Time that first attempts waited since their jobs were made, or scheduled for.
    pub wait: Quantiles,
    /// Time that attempts ran.
    pub run: Quantiles,
}

/// What came and ended in one hour of the day, over all days of a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ActiveHour {
    /// From 0 to 23, of UTC.
    pub hour: u32,
    /// Jobs that were made.
    pub arrived: i64,
    /// Attempts that ended.
    pub ended: i64,
    /// Attempts of these that failed or were lost.
    pub failed: i64,
}

/// The hours of the day, of lines of an hour each.
pub(crate) fn by_hour(lines: &[StatLine]) -> Vec<ActiveHour> {
    let mut hours: Vec<_> = (0..24).map(|hour| ActiveHour { hour, ..ActiveHour::default() }).collect();
    for line in lines {
        let hour = &mut hours[line.begins.hour() as usize];
        hour.arrived += line.arrived;
        hour.ended += line.ended;
        hour.failed += line.failed;
    }
    hours
}

/// The first `limit` of those that ran, that whose attempts ran longest first, by 95 of a hundred.
pub(crate) fn slowest(mut lines: Vec<StatLine>, limit: usize) -> Vec<StatLine> {
    lines.retain(|line| line.run.p95.is_some());
    lines.sort_by(|one, other| other.run.p95.unwrap_or(0.0).total_cmp(&one.run.p95.unwrap_or(0.0)));
    lines.truncate(limit);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(begins: &str, p95: Option<f64>) -> StatLine {
        StatLine {
            begins: begins.parse().unwrap(),
            queue: None,
            kind: None,
            arrived: 1,
            arrived_per_second: 0.0,
            ended: 2,
            ended_per_second: 0.0,
            growth: -1,
            succeeded: 1,
            failed: 1,
            late: 0,
            failure_share: Some(0.5),
            wait: Quantiles::default(),
            run: Quantiles { p95, ..Quantiles::default() },
        }
    }

    #[test]
    fn hours_of_several_days_are_added_and_the_slowest_come_first() {
        let lines = [
            line("2027-03-14T23:00:00Z", Some(1.0)),
            line("2027-03-15T23:00:00Z", Some(3.0)),
            line("2027-03-15T00:00:00Z", None),
        ];
        let hours = by_hour(&lines);
        assert_eq!(hours[23], ActiveHour { hour: 23, arrived: 2, ended: 4, failed: 2 });
        assert_eq!((hours.len(), hours[0].ended, hours[1].ended), (24, 2, 0));
        let slowest: Vec<_> = slowest(lines.to_vec(), 5).iter().map(|line| line.run.p95).collect();
        assert_eq!(slowest, [Some(3.0), Some(1.0)]);
    }
}
