//! What a clock shows, as people write it: with or without seconds, and without an offset.

use chrono::NaiveDateTime;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// The first one is what a stored schedule has.
const FORMS: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];

const REFUSAL: &str = "must be a local time, such as 2027-03-01T09:00 or 2027-03-01T09:00:30";

/// What a clock shows, read from text: `YYYY-MM-DDTHH:MM` or `YYYY-MM-DDTHH:MM:SS`, or with a space
/// in place of the `T`.
///
/// ```
/// use ordinaut_core::schedule::ClockTime;
///
/// assert_eq!("2027-03-01T09:00".parse::<ClockTime>()?, "2027-03-01T09:00:00".parse()?);
/// assert!("2027-03-01T09:00Z".parse::<ClockTime>().is_err());
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockTime(pub NaiveDateTime);

impl std::str::FromStr for ClockTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        read(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

pub(crate) fn read(text: &str) -> Result<NaiveDateTime, &'static str> {
    FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).ok_or(REFUSAL)
}

/// For a field that may be missing or null.
pub(crate) fn option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDateTime>, D::Error> {
    Ok(Option::<ClockTime>::deserialize(deserializer)?.map(|time| time.0))
}

/// For a field that is a list.
pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NaiveDateTime>, D::Error> {
    Ok(Vec::<ClockTime>::deserialize(deserializer)?.into_iter().map(|time| time.0).collect())
}
