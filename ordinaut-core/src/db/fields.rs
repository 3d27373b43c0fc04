//! The fields of a row that somebody looks at, read one by one: one that cannot be shown takes
//! neither its row nor the other rows of a list with it.

use chrono::{DateTime, Datelike, Utc};
use serde_json::value::RawValue;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row, Type};

/// From 1970, where Unix' time begins, to 2000, where that of Postgres does, in microseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// The instants that Postgres takes beside the two infinities: before its year 4714 BC and after
/// 294276 there is none.
const STORABLE: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// An instant as Postgres stores it, in microseconds since 2000: also infinity, and years that no
/// calendar here knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant(i64);

impl Instant {
    /// The number, if Postgres could store it.
    pub(crate) fn of_micros(micros: i64) -> Option<Self> {
        (STORABLE.contains(&micros) || micros == i64::MAX || micros == i64::MIN).then_some(Self(micros))
    }

    pub(crate) fn micros(self) -> i64 {
        self.0
    }

    /// As an instant that can be written as RFC 3339 does, which has four digits for a year.
    fn as_utc(self) -> Result<DateTime<Utc>, &'static str> {
        let unix = self.0.checked_add(POSTGRES_EPOCH).filter(|_| self.0 != i64::MIN);
        match unix.and_then(DateTime::from_timestamp_micros).filter(|at| (0..=9999).contains(&at.year())) {
            Some(at) => Ok(at),
            None if self.0 == i64::MAX => Err("is infinity"),
            None if self.0 == i64::MIN => Err("is minus infinity"),
            None if self.0 > 0 => Err("is after the year 9999"),
            None => Err("is before the year 0"),
        }
    }
}

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Instant {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        <i64 as Decode<Postgres>>::decode(value).map(Self)
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, to: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Postgres>>::encode_by_ref(&self.0, to)
    }
}

/// Reads one row.
pub(crate) struct Fields<'r> {
    row: &'r PgRow,
    unreadable: Vec<String>,
}

impl<'r> Fields<'r> {
    pub(crate) fn of(row: &'r PgRow) -> Self {
        Self { row, unreadable: Vec::new() }
    }

    /// One whose type leaves nothing that could not be read.
    pub(crate) fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, name: &'static str) -> sqlx::Result<T> {
        self.row.try_get(name)
    }

    /// An instant that may be absent; one that cannot be shown is absent too, and named.
    pub(crate) fn instant(&mut self, name: &'static str) -> sqlx::Result<Option<DateTime<Utc>>> {
        let Some(stored) = self.row.try_get::<Option<Instant>, _>(name)? else { return Ok(None) };
        match stored.as_utc() {
            Ok(at) => Ok(Some(at)),
            Err(why) => {
                self.unreadable.push(format!("{name} {why}"));
                Ok(None)
            }
        }
    }

    /// An instant that is always there; in place of one that cannot be shown stands the first of
    /// 1970, and it is named.
    pub(crate) fn certain_instant(&mut self, name: &'static str) -> sqlx::Result<DateTime<Utc>> {
        Ok(self.instant(name)?.unwrap_or_default())
    }

    /// JSON that the statement has made text of (the function `shown`).
    pub(crate) fn json(&mut self, name: &'static str) -> sqlx::Result<Option<Box<RawValue>>> {
        let Some(text) = self.row.try_get::<Option<String>, _>(name)? else { return Ok(None) };
        RawValue::from_string(text).map(Some).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    /// A word that this version has to know.
    pub(crate) fn word<T: std::str::FromStr<Err = String>>(&self, name: &'static str) -> sqlx::Result<T> {
        let word: String = self.row.try_get(name)?;
        word.parse().map_err(|reason: String| sqlx::Error::Decode(reason.into()))
    }

    /// The fields that cannot be shown, each with the reason.
    pub(crate) fn unreadable(self) -> Vec<String> {
        self.unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_calendar_knows_says_so() {
        let told = |micros| Instant(micros).as_utc().map(|at| at.to_rfc3339());
        assert_eq!(told(0), Ok("2000-01-01T00:00:00+00:00".to_owned()));
        assert_eq!(told(i64::MAX), Err("is infinity"));
        assert_eq!(told(i64::MIN), Err("is minus infinity"));
        assert_eq!(told(STORABLE.end - 1), Err("is after the year 9999"));
        assert_eq!(told(STORABLE.start), Err("is before the year 0"));
        assert_eq!((Instant::of_micros(STORABLE.end), Instant::of_micros(i64::MIN + 1)), (None, None));
    }
}
