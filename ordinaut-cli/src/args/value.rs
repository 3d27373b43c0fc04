//! Words of the command line as values: what is wrong with one is said as the API says it, and not
//! in the words of a parser.

use chrono::{DateTime, NaiveDate, Utc};
use std::ops::RangeInclusive;
use std::str::FromStr;
use uuid::Uuid;

pub(super) fn id(word: &str) -> Result<Uuid, &'static str> {
    word.parse().map_err(|_| "must be an id, a UUID such as 0199d3c8-5c1e-7b61-9a55-1f0a6c1f3d10")
}

pub(super) fn instant(word: &str) -> Result<DateTime<Utc>, &'static str> {
    word.parse().map_err(|_| "must be an instant with its offset, such as 2030-12-31T23:59:59Z")
}

pub(super) fn date(word: &str) -> Result<NaiveDate, &'static str> {
    word.parse().map_err(|_| "must be a date such as 2030-12-31")
}

pub(super) fn seconds(word: &str) -> Result<f64, &'static str> {
    word.parse().map_err(|_| "must be a number of seconds")
}

pub(super) fn decimal(word: &str) -> Result<f64, &'static str> {
    word.parse().map_err(|_| "must be a number")
}

/// A whole number; the library says which ones are possible.
pub(super) fn whole<T: FromStr>(word: &str) -> Result<T, &'static str> {
    let out_of_range = word.parse::<i128>().is_ok();
    word.parse().map_err(|_| if out_of_range { "must not be so large or so small" } else { "must be a whole number" })
}

/// A whole number within a range.
pub(super) fn within<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + std::fmt::Display + Clone,
{
    move |word| {
        let number = word.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
    }
}
